"""The service says truly how it is: ready or not and why, in figures that stand in the catalogue, and nobody's data."""

from __future__ import annotations

import asyncio
import io
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest

from cti import logs
from cti.app import App
from cti.commands import demo
from cti.demo.pbx import ReplayedPbx
from cti.demo.sample import Sample
from cti.floor import Floor
from cti.metrics.catalogue import CATALOGUE
from cti.settings import NodeSettings, Settings, StoreSettings
from cti.store import Store
from tests.app.service import FAST, KNOWN, Service, eventually, service
from tests.faults.broken import VARIABLE
from tests.servers.postgresql import Postgresql

GUARD_S = 8.0 if VARIABLE in os.environ else 30.0
"Seconds; of a program that is spoilt on purpose nobody waits long for what will not come."


async def asked(base: str, path: str) -> tuple[int, str]:
    """What those who watch are answered."""
    async with aiohttp.ClientSession() as http, http.get(base + path) as response:
        return response.status, await response.text()


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it is so."""
    async with asyncio.timeout(GUARD_S):
        while not await true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def names(text: str) -> set[str]:
    """The metrics that are told."""
    return {line.split()[2] for line in text.split("\n") if line.startswith("# TYPE")}


def series(text: str) -> set[str]:
    """The series without their values."""
    return {line.rpartition(" ")[0] for line in text.split("\n") if line and not line.startswith("#")}


async def test_every_figure_stands_in_the_catalogue(running: Service, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is told that the catalogue does not know, and what an operator needs first is there."""
    _, text = await asked(running.base, "/metrics")
    assert names(text) <= {metric.full for metric in CATALOGUE}
    assert "does not stand in the catalogue" not in caplog.text
    assert {
        "thirteen_ready",
        "thirteen_pbx_live",
        "thirteen_pbx_leader",
        "thirteen_pbx_epoch",
        "thirteen_pbx_reconnects_total",
        "thirteen_pbx_audit_corrections_total",
        "thirteen_journal_bytes",
        "thirteen_journal_age_seconds",
        "thirteen_journal_total",
        "thirteen_loop_lag_seconds",
        "thirteen_connections_shed_total",
        "process_resident_memory_bytes",
        "process_open_fds",
    } <= names(text)


async def test_callers_make_no_series(running: Service) -> None:
    """Whatever numbers call, the series are the same (F31)."""
    _, before = await asked(running.base, "/metrics")
    for number in ("13900000001", 'x"} 1\nthirteen_ready 0', "%00%0a"):
        running.call("abandoned", caller=number)
    await eventually(lambda: running.app.floor.popped >= 3)
    await running.end_calls()
    _, after = await asked(running.base, "/metrics")
    fresh = series(after) - series(before)
    assert {one for one in fresh if "_total{" not in one and "lost" not in one} == set()
    assert "1390000" not in after


async def test_closes_are_counted_by_their_code(running: Service) -> None:
    """What the service closes is counted: the page of one who logged out with 4001; what a browser closes is not."""
    async with running.browser("hansong") as browser:
        leaving, staying = await browser.screen("board"), await browser.screen("board")
        await leaving.ws.close()
        assert (await browser.call("POST", "/logout"))[0] < 300
        await asyncio.wait_for(staying.ws.wait_closed(), GUARD_S)
        assert staying.ws.close_code == 4001
        await eventually(lambda: running.app.push.closed)
        _, text = await asked(running.base, "/metrics")
        assert [one for one in text.split("\n") if "push_closed_total{" in one] == [
            'thirteen_push_closed_total{code="4001"} 1'
        ]


async def test_cut_link_is_not_ready_with_its_reason_until_it_is_live_again(running: Service) -> None:
    """/readyz follows the link, names the part in both languages; /healthz says all the while that it runs (I20)."""
    assert await asked(running.base, "/readyz") == (200, "ready\n")
    with running.pbx_away():
        await eventually(lambda: running.app.floor.link.state != "live")
        status, text = await asked(running.base, "/readyz")
        assert status == 503
        assert text.startswith("pbx ")
        assert "/" in text
        assert any("一" <= char <= "鿿" for char in text)
        assert await asked(running.base, "/healthz") == (200, "ok\n")
        assert "thirteen_ready 0" in (await asked(running.base, "/metrics"))[1]
    await running.live()
    assert await asked(running.base, "/readyz") == (200, "ready\n")


def on(url: str, name: str, folder: Path) -> Callable[[Settings], Settings]:
    """The demonstration's settings on a server database, for a node of this name."""

    def change(settings: Settings) -> Settings:
        store = StoreSettings(url=url, journal=str(folder / f"journal-{name}"))
        return msgspec.structs.replace(settings, store=store, node=NodeSettings(name=name))

    return change


async def test_frozen_database_is_not_ready_and_live_when_it_answers_again(
    postgresql: Postgresql, folder: Path, made: Sample
) -> None:
    """A database that hangs is known although nothing is written; calls pop meanwhile; ready when it is back (I20)."""
    url = postgresql.create("ready")
    store = Store.open(url)
    store.migrate()
    store.close()
    async with service(folder, made, change=on(url, "a", folder)) as running:
        await until(lambda: ready(running))
        await until(lambda: leads_idle(running))
        postgresql.freeze()
        try:

            async def says_store() -> bool:
                status, text = await asked(running.base, "/readyz")
                return status == 503 and "store: " in text and "数据库" in text

            await until(says_store)
            running.call("answered")
            await running.pop("ringing")
        finally:
            postgresql.thaw()
        await until(lambda: ready(running))


async def leads_idle(running: Service) -> bool:
    """It writes for its PBX, and has nothing to write."""
    idle = all(one.writer.leads and not one.writer.backlog for one in running.app.exchanges)
    return idle and "standing by" not in (await asked(running.base, "/readyz"))[1]


async def ready(running: Service) -> bool:
    """What /readyz says."""
    return (await asked(running.base, "/readyz"))[0] == 200


async def test_node_that_stands_by_is_ready_and_says_so(postgresql: Postgresql, folder: Path, made: Sample) -> None:
    """One of two nodes leads; the other is ready to serve pages, and tells that it stands by, and for which PBX."""
    url = postgresql.create("standby")
    store = Store.open(url)
    store.migrate()
    store.close()
    async with AsyncExitStack() as stack:
        pbx = await stack.enter_async_context(ReplayedPbx(callers=made.callers, speed=10.0, playing=False))
        apps = [await stack.enter_async_context(node(pbx, folder, url, name)) for name in "ab"]
        bases = [f"http://127.0.0.1:{app.web_port}" for app in apps]

        async def settled() -> bool:
            answers = [await asked(base, "/readyz") for base in bases]
            return [status for status, _ in answers] == [200, 200] and [
                "standing by for demo" in text and "demo 由另一台主机负责" in text for _, text in answers
            ].count(True) == 1

        async def one_leads() -> bool:
            told = [(await asked(base, "/metrics"))[1] for base in bases]
            return sorted(text.count('thirteen_pbx_leader{pbx="demo"} 1') for text in told) == [0, 1]

        await until(settled)
        await until(one_leads)


@asynccontextmanager
async def node(pbx: ReplayedPbx, folder: Path, url: str, name: str) -> AsyncIterator[App]:
    """One node of a site."""
    settings = on(url, name, folder)(demo.settings_for(folder, pbx.port, port=0, push_port=0))
    async with App(settings, hasher=FAST) as app:
        yield app


# --- nobody's data stands where machines write (I16) ---------------------------------------------------------------

CANARIES = (KNOWN, KNOWN[-8:], "周敏", "屿衡", "张秘密", "问汉堡四十尺")


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Everything that is logged, down to debug, as it would stand in the file."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    out = io.StringIO()
    logs.set_up("debug", out, "json")
    try:
        yield out
    finally:
        root.handlers[:] = before
        root.setLevel(level)


async def drive(running: Service) -> str:
    """A known customer through the flows, some of which fail; what /metrics says at the end."""
    calling = running.call("held")
    pop = await running.pop("talking")
    async with running.browser() as browser:
        with running.calls_stand_still():
            await browser.login(pop.users[0])
            screen = await browser.screen()
        shown = await screen.pop("talking")
        await screen.record(shown["id"])
        call_id = shown["call"]
        assert (await browser.call("PUT", f"/calls/{call_id}/note", {"text": "问汉堡四十尺", "version": 0}))[0] == 200
        assert (await browser.call("PUT", f"/calls/{call_id}/note", {"text": "问汉堡四十尺？", "version": 0}))[0] == 409
        await browser.call("GET", f"/parties?q={KNOWN}")
        await browser.call("GET", "/parties?q=周敏")
        await browser.call("GET", f"/calls/{KNOWN}")
        await browser.call("POST", "/parties", {"name": "张秘密", "phone": KNOWN, "nonsense": [KNOWN]})
        await browser.call("POST", "/dial", {"number": KNOWN})
        await browser.call("POST", "/login", {"user": "张秘密", "password": KNOWN})
        with running.pbx_away():
            await eventually(lambda: running.app.floor.link.state == "lost")
        await running.live()
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)
    return (await asked(running.base, "/metrics"))[1] + (await asked(running.base, "/readyz"))[1]


async def test_no_customer_stands_in_logs_or_metrics(folder: Path, made: Sample) -> None:
    """Numbers, names, companies and notes of a customer who went through the flows: in no log line, in no figure."""
    with logged() as out:
        async with service(folder, made) as running:
            told = await drive(running)
        said = out.getvalue()
    assert said.count("\n") > 5, "nothing was logged: the test sees nothing"
    found = [canary for canary in CANARIES if canary in said or canary in told]
    assert found == [], [line for line in said.split("\n") if any(canary in line for canary in found)]


async def test_log_of_a_customer_is_found(folder: Path, made: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken build: a program that logs what it shows is noticed by the test above."""
    whole = Floor.matched

    def talkative(self: Floor, call: str, matches: object) -> None:
        logging.getLogger("cti.floor").info("matched %r", matches)
        whole(self, call, matches)  # type: ignore[arg-type]

    monkeypatch.setattr(Floor, "matched", talkative)
    with logged() as out:
        async with service(folder, made) as running:
            running.call("answered")
            await running.pop("talking")
            await eventually(lambda: "matched" in out.getvalue())
    assert [canary for canary in CANARIES if canary in out.getvalue()] != []
