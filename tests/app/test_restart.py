"""Restarts, cuts and crowds: what an agent sees, and what is written down."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
from websockets.asyncio.client import connect

from cti.app import App
from cti.auth import Account, StoredSession, token_hash
from cti.commands import demo
from cti.demo.pbx import ReplayedPbx
from cti.demo.sample import Sample
from cti.store import Store
from cti.ticker import wall_clock
from tests.app.service import FAST, KNOWN, Browser, Screen, Service, eventually, service


async def test_call_outlives_a_restart_of_the_service(folder: Path, made: Sample) -> None:
    """Restarted in mid-call: the agent sees his call, his note and the customer again; the call is one row."""
    async with ReplayedPbx(callers=made.callers, speed=10.0, playing=False, talk=(3.0, 3.0)) as pbx:
        settings = demo.settings_for(folder, pbx.port, port=0, push_port=0)
        async with App(settings, hasher=FAST) as app:
            first = Service(app, pbx, made, folder)
            await first.live()  # a call that is answered before the link stands has no visit to carry over
            calling = asyncio.create_task(pbx.place_call("answered", KNOWN, "europe", "4000001313"))
            pop = await first.pop("talking")
            pbx.player.going.clear()  # they talk on over the restart, however long that takes
            user, call_id, answered = pop.users[0], pop.call.id, pop.answered_at
            async with first.browser(user) as browser:
                await browser.call("PUT", f"/calls/{call_id}/note", {"text": "先记下", "version": 0})
                cookies = browser.cookie()
        async with App(settings, hasher=FAST) as app:
            second = Service(app, pbx, made, folder)
            await second.live()
            async with Browser(second.base) as browser:
                status, me = await browser.call("GET", "/me", Cookie=cookies)
                assert status == 200, "the session did not outlive the restart"
                headers = {"Cookie": cookies, "Origin": second.base}
                async with connect(me["push_url"], additional_headers=headers, max_size=None) as ws:
                    await ws.send('{"type":"hello","v":1,"page":"desk"}')
                    screen = Screen(ws)
                    shown = await screen.pop("talking", call=call_id)
                    known = await screen.until(lambda s: s.pops[shown["id"]]["party"] and s.pops[shown["id"]])
                    assert known["party"]["name"] == "周敏"
                    noted = await screen.until(lambda s: s.pops[shown["id"]]["note"])
                    assert noted["text"] == "先记下"
                    assert (await screen.record(shown["id"]))["business"]["state"] == "ready"
            pbx.player.going.set()
            await calling
            await eventually(lambda: app.pbx.call(call_id) is None or app.pbx.call(call_id).ended_at is not None)  # type: ignore[union-attr]
            app.exchange.feed.save()
            await app.writer.flush(10)
            stored = app.store.call(call_id)
    assert stored is not None
    assert stored.gap
    (visit,) = stored.visits
    assert visit.outcome == "answered"
    (talk,) = stored.talks
    assert answered is not None
    assert abs(talk.from_ - answered) < 1.0
    assert talk.to == stored.ended_at or talk.to is not None


async def test_call_that_ended_while_the_service_was_away_is_closed(folder: Path, made: Sample) -> None:
    """What was open at the stop and is gone at the start ends, marked, with its outcome unknown if it was."""
    async with ReplayedPbx(callers=made.callers, speed=10.0, playing=False, talk=(3.0, 3.0)) as pbx:
        settings = demo.settings_for(folder, pbx.port, port=0, push_port=0)
        async with App(settings, hasher=FAST) as app:
            first = Service(app, pbx, made, folder)
            await first.live()
            calling = asyncio.create_task(pbx.place_call("answered", KNOWN, "europe", "4000001313"))
            pop = await first.pop("talking")
            pbx.player.going.clear()  # it ends when the service is away, however long that takes to stop
            call_id = pop.call.id
        pbx.player.going.set()
        await calling
        async with App(settings, hasher=FAST) as app:
            await eventually(lambda: app.floor.link.state == "live")
            await app.writer.flush(10)
            stored = app.store.call(call_id)
            assert app.store.open_calls() == []
            assert app.session.shelf.pops == {}
    assert stored is not None
    assert stored.gap
    assert stored.ended_at is not None


async def test_cut_in_mid_call_loses_and_doubles_nothing(running: Service) -> None:
    """The link is cut while a call runs: the pop stays, the call is one row with its visit answered."""
    async with running.browser() as browser:
        calling = running.call("held")
        pop = await running.pop("talking")
        with running.calls_stand_still():
            await browser.login(pop.users[0])
            screen = await browser.screen()
            running.pbx.cut()
            await screen.until(lambda s: s.state["link"]["state"] == "lost")
            assert list(screen.pops) == [pop.id]
            await screen.until(lambda s: s.state["link"]["state"] == "live")
            assert list(screen.pops) == [pop.id]
        await calling
        await screen.until(lambda s: s.pops[pop.id]["state"] == "ended")
        assert list(screen.pops) == [pop.id]
    running.app.exchange.feed.save()
    await running.app.writer.flush(10)
    stored = running.app.store.call(pop.call.id)
    assert stored is not None
    assert stored.gap
    assert [v.outcome for v in stored.visits] == ["answered"]


async def test_user_without_a_phone_takes_one(folder: Path, made: Sample) -> None:
    """Hot desk: a free phone is offered and taken at login; it is his alone until he logs out."""
    store = Store.open(f"sqlite:///{folder}/cti.db")
    word = FAST.hash("a-long-password-13")
    for login in ("roamer", "other"):
        store.add_user(Account(login=login, name=login, role="agent", password_hash=word))
    store.set_interfaces("linzhixia", [])
    store.close()
    async with service(folder, made) as running, running.browser() as browser, running.browser() as second:
        await browser.login("roamer", "a-long-password-13")
        screen = await browser.screen()
        assert [p["interface"] for p in screen.state["phones"]] == ["PJSIP/8001"]
        assert (await browser.call("POST", "/me/phone", {"interface": "PJSIP/8002"}))[0] == 409
        assert (await browser.call("POST", "/me/phone", {"interface": "PJSIP/0"}))[0] == 404
        assert (await browser.call("POST", "/me/phone", {"interface": "PJSIP/8001"}))[0] == 204
        await screen.until(lambda s: s.state["me"]["interfaces"] == ["PJSIP/8001"])
        assert screen.state["agent"]["interface"] == "PJSIP/8001"
        body = {"user": "other", "password": "a-long-password-13", "interface": "PJSIP/8001"}
        assert (await second.call("POST", "/login", body))[0] == 409
        assert (await browser.call("POST", "/logout"))[0] == 204
        status, answer = await second.call("POST", "/login", body)
        assert status == 200
        assert answer["me"]["interfaces"] == ["PJSIP/8001"]


async def test_admin_sees_the_board_and_no_caller(folder: Path, made: Sample) -> None:
    """An admin's board has queues and agents; who calls stays hidden, in the snapshot and in the changes."""
    store = Store.open(f"sqlite:///{folder}/cti.db")
    word = FAST.hash("a-long-password-13")
    store.add_user(Account(login="root", name="root", role="admin", password_hash=word))
    store.close()
    async with service(folder, made) as running, running.browser() as browser:
        await browser.login("root", "a-long-password-13")
        screen = await browser.screen("board")
        await running.call("answered")
        await screen.until(lambda s: [f for f in s.frames if None in f.get("changes", {}).get("callers", {}).values()])
        await browser.screen("board")
        told = json.dumps(screen.frames, ensure_ascii=False)
        assert KNOWN not in told
        assert "135 0574" not in told
        assert "周敏" not in told
        assert "europe" in told


async def test_five_hundred_pages_come_back_at_once(folder: Path, made: Sample) -> None:
    """After a restart everybody reconnects in the same second; all are shown their desk, nobody has to log in."""
    tokens = {}
    store, now = Store.open(f"sqlite:///{folder}/cti.db"), wall_clock()
    for n in range(500):
        login, token = f"crowd{n}", f"token-of-the-crowd-number-{n:06d}-padding"
        store.add_user(Account(login=login, name=login, role="agent", password_hash="x", interfaces=(f"PJSIP/9{n}",)))
        store.create_session(StoredSession(token_hash=token_hash(token), login=login, created_at=now, seen_at=now))
        tokens[login] = token
    store.close()

    async def come(stack: AsyncExitStack, running: Service, token: str) -> dict[str, object]:
        headers = {"Cookie": f"cti={token}", "Origin": running.base}
        ws = await stack.enter_async_context(
            connect(f"ws://127.0.0.1:{running.app.push_port}/push", additional_headers=headers, open_timeout=60)
        )
        await ws.send('{"type":"hello","v":1,"page":"desk"}')
        frame: dict[str, object] = json.loads(await ws.recv())
        return frame

    async with service(folder, made) as running, AsyncExitStack() as stack:
        async with asyncio.timeout(60):
            frames = await asyncio.gather(*(come(stack, running, t) for t in tokens.values()))
        assert {f["type"] for f in frames} == {"snapshot"}
        assert len(running.app.hub) == 500


async def test_store_that_is_away_is_said_and_pops_go_on(running: Service) -> None:
    """With the store gone, pages say so, /readyz is 503, and the next call pops all the same."""
    store = running.app.store
    real = type(store).save_calls
    async with running.agents() as desks:
        any_screen = next(iter(desks.values()))[1]
        broken = msgspec.structs.replace(running.app.settings.store, url="sqlite:////nowhere/at/all.db")
        from crm_bridge.sql import Database

        whole, store.database = store.database, Database(broken.url)
        try:
            await any_screen.until(lambda s: s.state["link"]["store_ok"] is False)
            assert running.app.watch.ready()
            running.call("answered")
            pop = await running.pop("ringing")
            await desks[pop.users[0]][1].pop()
        finally:
            store.database.close()
            store.database = whole
        await any_screen.until(lambda s: s.state["link"]["store_ok"] is True)
    assert type(store).save_calls is real
