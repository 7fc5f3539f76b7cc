"""What happens on the phone goes back into the CRM the site has: once, whatever breaks in between."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from cti.demo.pbx import ReplayedPbx
from cti.demo.sample import Sample
from tests.app.own_crm import NUMBER, STRANGER, OwnCrm, has_read
from tests.app.service import Browser, Service, eventually, service
from tests.servers.postgresql import Postgresql

START_S = 90.0
"A guard: another Python with all of the service starts in two seconds on a machine of its own."
CALLS = "SELECT ext, person, number, outcome, note, revision FROM calls ORDER BY id"


@pytest.fixture
def own(folder: Path) -> OwnCrm:
    """A CRM of the site's own."""
    return OwnCrm(f"sqlite:///{folder / 'their.db'}", folder)


@pytest.fixture
async def live(folder: Path, made: Sample, own: OwnCrm) -> AsyncIterator[Service]:
    """The service beside that CRM, which it has read."""
    async with service(folder, made, change=own.settings()) as running:
        await eventually(lambda: has_read(running.app.opening))
        yield running


async def _talk(running: Service, browser: Browser, caller: str) -> tuple[str, Any]:
    """Place a call and let it end; its key and who talked."""
    call = running.call("answered", caller=caller)
    pop = await running.pop("talking")
    await browser.login(pop.users[0])
    await call
    return pop.call.id, pop


async def test_an_ended_call_stands_in_their_table_once(live: Service, own: OwnCrm) -> None:
    """With the customer's own key there; the note typed after it changes that row and makes no second one."""
    async with live.browser() as browser:
        call, pop = await _talk(live, browser, NUMBER)
        await eventually(lambda: own.rows(CALLS))
        ((ext, person, number, outcome, note, revision),) = own.rows(CALLS)
        assert (ext, person, number, outcome, note, revision) == (f"call:{call}", "1", NUMBER, "answered", "", 1)
        assert own.rows("SELECT agent FROM calls") == [(pop.interface,)]
        status, _ = await browser.call("PUT", f"/calls/{call}/note", {"text": "要周五的船", "version": 0})
        assert status == 200
        await eventually(lambda: own.rows(CALLS)[0][4])
        assert [row[4:] for row in own.rows(CALLS)] == [("要周五的船", 2)]
        assert live.app.opening.outbox is not None
        live.app.opening.outbox.retry()
        assert [row[4:] for row in own.rows(CALLS)] == [("要周五的船", 2)]


async def test_what_agents_type_stands_in_their_tables(live: Service, own: OwnCrm) -> None:
    """Note, changed field and business record of a customer they have, by his key there."""
    party = live.app.crm().lookup(NUMBER)[0].party
    async with live.browser(live.sample.users[0].login) as browser:
        body = {"fields": {"role": "总经理"}, "version": party.version}
        assert (await browser.call("PATCH", f"/parties/{party.id}", body))[0] == 200
        assert (await browser.call("POST", f"/parties/{party.id}/notes", {"text": "' OR 1=1 -- 急"}))[0] == 201
        deal = {"fields": {"pol": "宁波", "pod": "汉堡", "price": "2350"}}
        assert (await browser.call("POST", f"/parties/{party.id}/business", deal))[0] == 201
    await eventually(lambda: own.rows("SELECT id FROM deal"))
    await eventually(lambda: own.rows("SELECT job FROM person") == [("总经理",)])
    await eventually(lambda: own.rows("SELECT id FROM followup"))
    assert own.rows("SELECT person, words FROM followup") == [("1", "' OR 1=1 -- 急")]
    assert own.rows("SELECT person, pol, pod, price FROM deal") == [("1", "宁波", "汉堡", 2350.0)]


async def test_a_new_prospect_goes_first_and_what_is_his_follows(live: Service, own: OwnCrm) -> None:
    """A stranger who calls becomes a customer there; his call, his note and his business bear the key he got there."""
    async with live.browser() as browser:
        call = live.call("answered", caller=STRANGER)
        pop = await live.pop("talking")
        await browser.login(pop.users[0])
        new = {"fields": {"name": "高朗", "category": "customer"}, "number": STRANGER, "call": pop.call.id}
        status, answer = await browser.call("POST", "/parties", new)
        assert status == 201, answer
        party = answer["profile"]["party"]["id"]
        assert (await browser.call("POST", f"/parties/{party}/notes", {"text": "询宁波到汉堡"}))[0] == 201
        await call
    await eventually(lambda: own.rows("SELECT id FROM followup") and own.rows(CALLS))
    ((id, tel),) = own.rows("SELECT id, tel FROM person WHERE name = '高朗'")
    assert tel == STRANGER
    assert own.rows("SELECT person FROM followup") == [(str(id),)]
    await eventually(lambda: own.rows("SELECT person FROM calls") == [(str(id),)])


async def test_what_their_crm_refuses_is_seen_and_sent_again(live: Service, own: OwnCrm) -> None:
    """Their table takes no row: admins see the entry with the reason; put right and sent again it is there."""
    party = live.app.crm().lookup(NUMBER)[0].party
    own.run("CREATE TRIGGER shut BEFORE INSERT ON followup BEGIN SELECT RAISE(ABORT, 'shut'); END")
    async with live.browser(live.sample.users[0].login) as agent, live.browser("guanli") as admin:
        assert (await agent.call("POST", f"/parties/{party.id}/notes", {"text": "要周五的船"}))[0] == 201
        assert live.app.opening.outbox is not None
        await eventually(lambda: live.app.opening.outbox.counts().refused == 1)  # type: ignore[union-attr]
        _, told = await admin.call("GET", "/writeback?state=refused")
        assert (told["state"], told["counts"]["refused"], told["kinds"][0]) == ("on", 1, "business")
        (entry,) = told["entries"]
        assert entry["error"]
        assert "周五" not in str(told), "no customer's words"
        assert (await agent.call("GET", "/writeback"))[0] == 403
        own.run("DROP TRIGGER shut")
        assert await admin.call("POST", "/writeback/retry", {"key": entry["key"]}) == (200, {"retried": 1})
        await eventually(lambda: own.rows("SELECT words FROM followup") == [("要周五的船",)])
        assert (await admin.call("POST", "/writeback/retry", {"key": "note:nothing"}))[0] == 404
        async with admin.http.get(f"{live.base}/metrics") as answer:
            assert "thirteen_writeback_refused" in await answer.text()


@pytest.fixture
def locked(folder: Path, own: OwnCrm) -> Iterator[sqlite3.Connection]:
    """Their database, which takes no writing until this is rolled back."""
    connection = sqlite3.connect(folder / "their.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


async def test_killed_between_outbox_and_delivery_it_is_written_once_after_the_restart(
    folder: Path, made: Sample, own: OwnCrm, locked: sqlite3.Connection
) -> None:
    """Their database is locked, the call is in the outbox, the process is killed: the next one writes the row, once."""
    async with ReplayedPbx(callers=made.callers, speed=10.0, playing=False, talk=(3.0, 6.0)) as pbx:
        config = folder / "cti.toml"
        config.write_text(
            f'[pbx]\nname = "ny"\nhost = "127.0.0.1"\nport = {pbx.port}\nusername = "{pbx.username}"\n'
            f'secret = "{pbx.secret}"\ntrunks = ["PJSIP/trunkline*"]\n[web]\nport = 0\n[push]\nport = 0\n'
            f'[store]\nurl = "sqlite:///{folder / "cti.db"}"\n'
            f'[crm]\nurl = "sqlite:///{folder / "ours.db"}"\nmapping = "{own.mapping}"\n',
            encoding="utf-8",
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cti", "run", "--config", str(config), stderr=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(START_S):
                while not (pbx.sessions and _rows(folder, "key = 'call:begun'")):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)  # the other process tells nobody
            await pbx.place_call("answered", NUMBER, "europe", "4000001313")
            await eventually(lambda: _rows(folder, "state = 'waiting' AND kind = 'call'"))
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()
        assert own.rows(CALLS) == []
        locked.rollback()
        locked.close()
        async with service(folder, made, change=own.settings()) as running:
            await eventually(lambda: own.rows(CALLS))
            assert running.app.opening.outbox is not None
            await eventually(lambda: running.app.opening.outbox.counts().waiting == 0)  # type: ignore[union-attr]
            assert len(own.rows(CALLS)) == 1


def _rows(folder: Path, where: str) -> int:
    """Rows of the outbox."""
    path = folder / "ours.db"
    if not path.exists():
        return 0
    with sqlite3.connect(os.fspath(path)) as connection:
        try:
            return int(connection.execute(f"SELECT count(*) FROM crm_outbox WHERE {where}").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


@pytest.mark.long
async def test_on_postgresql_the_row_is_there_once(folder: Path, made: Sample, postgresql: Postgresql) -> None:
    """The same on a real server: the customer is found by his number there, and his call is a row there."""
    own = OwnCrm(postgresql.create("written_back"), folder)
    async with service(folder, made, change=own.settings()) as running, running.browser() as browser:
        await eventually(lambda: has_read(running.app.opening))
        call, _ = await _talk(running, browser, NUMBER)
        await eventually(lambda: own.rows(CALLS))
        assert [row[:4] for row in own.rows(CALLS)] == [(f"call:{call}", "1", NUMBER, "answered")]
