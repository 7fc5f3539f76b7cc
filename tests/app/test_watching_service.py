"""What watches, in the running service: alerts, walls, teams, recordings, past minutes."""

from __future__ import annotations

import asyncio
import json
import wave
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from cti.app import App
from cti.auth import Account
from cti.commands import demo
from cti.demo.pbx import ReplayedPbx
from cti.demo.sample import Sample
from cti.settings import Settings
from cti.settings.watching import HookSettings
from cti.wire.watching import Limits
from tests.app.service import FAST, GUARD_S, KNOWN, PASSWORD, Browser, Screen, Service, eventually, service
from tests.watching.kit import Receiver, receiver

LIMITS = Limits(warn_s=0.5, late_s=1.0, goal=None, calls=10, missed=2, paused_s=900.0, no_agents_s=None)


def _fast(settings: Settings, hook: Receiver | None = None, folder: Path | None = None) -> Settings:
    """A target of one second for calls ten times as fast, alerts to match, and recordings in the folder."""
    queues = {name: msgspec.structs.replace(queue, target=1.0) for name, queue in settings.queues.items()}
    watching = settings.watching
    watching = msgspec.structs.replace(
        watching,
        alerts=msgspec.structs.replace(watching.alerts, default=LIMITS, queues=dict.fromkeys(queues, LIMITS)),
        hooks=() if hook is None else (HookSettings(name="ops", url=hook.url, secret="x" * 32, kinds=("late",)),),
        recordings=msgspec.structs.replace(watching.recordings, folder=str(folder or "")),
    )
    return msgspec.structs.replace(settings, queues=queues, watching=watching)


def _raised(screen: Screen) -> list[dict[str, object]]:
    return [alert for frame in screen.frames if frame["type"] == "alerts" for alert in frame["raised"]]


def _boss(made: Sample) -> str:
    return next(user.login for user in made.users if user.role == "supervisor")


def _admin(here: Service) -> str:
    here.app.store.add_user(
        Account(login="root", name="Root", role="admin", password_hash=FAST.hash(PASSWORD), language="zh")
    )
    return "root"


async def _closed(ws: ClientConnection) -> int:
    """Read until the server closes; with which code."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(GUARD_S):
            async for _ in ws:
                pass
    assert ws.close_code is not None
    return ws.close_code


async def test_a_late_caller_is_told_on_the_board_in_the_log_and_by_webhook(folder: Path, made: Sample) -> None:
    """At half a second and beyond one: once each, as of those moments, gone with the call; silence is one's own."""
    async with (
        receiver() as hook,
        service(folder, made, speed=4.0, change=lambda s: _fast(s, hook)) as here,
        AsyncExitStack() as on,
    ):
        boss = await on.enter_async_context(here.browser(_boss(made)))
        admin = await on.enter_async_context(here.browser(_admin(here)))
        screen, other = await boss.screen("board"), await admin.screen("board")
        assert screen.state["alerts"] == {"open": [], "silences": []}
        here.call("late")
        waiting = await screen.until(lambda s: s.board and dict(s.board["callers"]))
        await screen.until(lambda s: len(_raised(s)) == 2)
        warn, late = _raised(screen)
        assert (warn["kind"], late["kind"], warn["visit"]) == ("warn", "late", late["visit"])
        assert screen.board is not None
        since = waiting[late["visit"]]["waiting_since"]
        assert abs(float(str(warn["at"])) - since - 0.5) < 1e-6
        assert abs(float(str(late["at"])) - since - 1.001) < 1e-6
        assert screen.board["totals"]["over"] == 1 or await screen.until(lambda s: s.board["totals"]["over"] == 1)  # type: ignore[index]
        wish = {"alert": late["id"], "minutes": 5, "for_all": False}
        status, made_silence = await boss.call("POST", "/alerts/silences", wish)
        assert status == 201
        await screen.until(lambda s: s.frames[-1]["type"] == "silences")
        assert screen.frames[-1]["silences"] == [made_silence["silence"]]
        _, mine = await boss.call("GET", "/alerts")
        _, his = await admin.call("GET", "/alerts")
        assert [s["id"] for s in mine["silences"]] == [made_silence["silence"]["id"]]
        assert his["silences"] == []
        assert {alert["id"] for alert in his["open"]} == {warn["id"], late["id"]}
        status, _ = await admin.call("DELETE", f"/alerts/silences/{made_silence['silence']['id']}")
        assert status == 404
        await screen.until(
            lambda s: (
                {c["id"] for f in s.frames if f["type"] == "alerts" for c in f["cleared"]} == {warn["id"], late["id"]}
            )
        )
        await other.until(lambda s: len(_raised(s)) == 2)
        _, log = await boss.call("GET", "/alerts?kind=late")
        assert [(a["id"], a["cleared_at"] is not None) for a in log["log"]] == [(late["id"], True)]
        await hook.until(2)
        told = [json.loads(body) for _, body in hook.got]
        assert [(t["type"], t["alert"]["id"]) for t in told] == [
            ("alert.raised", late["id"]),
            ("alert.cleared", late["id"]),
        ]
        assert KNOWN.encode() not in b"".join(body for _, body in hook.got)
        _, limits = await boss.call("GET", "/alerts/limits")
        assert limits["queues"]["europe"]["warn_s"] == 0.5
        assert limits["hooks"][0]["name"] == "ops"
        assert "127.0.0.1" not in json.dumps(limits)


async def test_a_restart_tells_no_alert_twice_and_loses_none(folder: Path, made: Sample) -> None:
    """Stopped between the first alert of a caller and the second: the log has each once, both still open."""
    async with ReplayedPbx(callers=made.callers, speed=2.0, playing=False, talk=(1.0, 1.0)) as pbx:
        settings = _fast(demo.settings_for(folder, pbx.port, port=0, push_port=0))
        slow = msgspec.structs.replace(LIMITS, late_s=4.0)
        settings = msgspec.structs.replace(
            settings,
            queues={n: msgspec.structs.replace(q, target=4.0) for n, q in settings.queues.items()},
            watching=msgspec.structs.replace(
                settings.watching,
                alerts=msgspec.structs.replace(
                    settings.watching.alerts, default=slow, queues=dict.fromkeys(settings.queues, slow)
                ),
            ),
        )
        async with App(settings, hasher=FAST) as app:
            first = Service(app, pbx, made, folder)
            await first.live()
            first.call("ring_all_nobody")
            await eventually(lambda: app.watching.bell.raised == 1)
        async with App(settings, hasher=FAST) as app:
            assert [alert.kind for alert in app.watching.alarms.open()] == ["warn"]
            second = Service(app, pbx, made, folder)
            await second.live()
            await eventually(lambda: app.watching.bell.raised == 1)
            await app.watching.bell.write()
            log = app.store.alert_log()  # before the calls end, which clears what is open
            await second.end_calls()
            await first.end_calls()
        assert sorted((alert.kind, alert.cleared_at) for alert in log) == [("late", None), ("warn", None)]


async def test_a_wall_sees_figures_and_goes_dark_when_it_is_revoked(folder: Path, made: Sample) -> None:
    """No login: its token's cookie opens the push channel for the wall alone; no number, name or API is behind it."""
    async with service(folder, made) as here, here.browser(_admin(here)) as admin, Browser(here.base) as tv:
        assert (await tv.call("GET", "/wallboard/here"))[0] == 401
        status, wall = await admin.call("POST", "/wallboard/tokens", {"label": "大厅", "days": 30})
        assert status == 201
        assert wall["path"] == f"/wallboard#{wall['token']}"
        assert (await tv.call("POST", "/wallboard/enter", {"token": wall["token"] + "x"}))[0] == 401
        assert (await tv.call("POST", "/wallboard/enter", {"token": wall["token"]}))[0] == 204
        status, where = await tv.call("GET", "/wallboard/here")
        assert (status, where["label"]) == (200, "大厅")
        for path in ("/me", "/alerts", "/calls", "/history/report", "/wallboard/tokens"):
            assert (await tv.call("GET", path))[0] == 401, path
        headers = {"Cookie": tv.cookie(), "Origin": here.base}
        async with connect(where["push_url"], additional_headers=headers) as ws:
            await ws.send(json.dumps({"type": "hello", "v": 1, "page": "board"}))
            assert await _closed(ws) == 4003, "a wall must not see the board"
        async with connect(where["push_url"], additional_headers=headers, max_size=None) as ws:
            await ws.send(json.dumps({"type": "hello", "v": 1, "page": "wallboard"}))
            first = json.loads(await ws.recv())
            assert first["type"] == "snapshot"
            assert first.keys() == {"v", "type", "seq", "now", "link", "wall"}
            assert first["wall"]["queues"].keys() >= {"europe"}
            here.call("abandoned")
            seen = [json.dumps(first, ensure_ascii=False)]
            while True:
                frame = json.loads(await ws.recv())
                seen.append(json.dumps(frame, ensure_ascii=False))
                if frame["type"] == "wall" and any(frame["changes"].get("callers", {}).values()):
                    break
            for secret in (KNOWN, "周敏", "屿衡", "PJSIP", "1350"):
                assert secret not in "".join(seen)
            _, tokens = await admin.call("GET", "/wallboard/tokens")
            assert [t["label"] for t in tokens["tokens"]] == ["大厅"]
            assert (await admin.call("DELETE", f"/wallboard/tokens/{tokens['tokens'][0]['id']}"))[0] == 204
            assert await _closed(ws) == 4001
        assert (await tv.call("GET", "/wallboard/here"))[0] == 401


async def test_a_supervisors_own_wall_gets_nothing_of_his_other_pages(folder: Path, made: Sample) -> None:
    """Logged in, without a token: figures only, though the same user has a board open."""
    async with service(folder, made) as here, here.browser(_boss(made)) as boss:
        _, where = await boss.call("GET", "/wallboard/here")
        board = await boss.screen("board")
        headers = {"Cookie": boss.cookie(), "Origin": here.base}
        async with connect(where["push_url"], additional_headers=headers, max_size=None) as ws:
            await ws.send(json.dumps({"type": "hello", "v": 1, "page": "wallboard"}))
            assert json.loads(await ws.recv()).keys() == {"v", "type", "seq", "now", "link", "wall"}
            await boss.call("POST", "/alerts/silences", {"kind": "warn", "minutes": 1})
            await board.until(lambda s: s.frames[-1]["type"] == "silences")
            here.call("abandoned")
            await board.until(lambda s: s.frames[-1]["type"] == "board")
            kinds = set()
            while "wall" not in kinds:
                kinds.add(json.loads(await ws.recv())["type"])
            assert kinds <= {"wall", "link", "beat"}


async def test_a_past_minute_a_team_and_a_recording(folder: Path, made: Sample, tmp_path: Path) -> None:
    """The board of a moment ago comes back with the caller's number for who may know it; a moved agent moves on the
    board at once; a call's recording is heard in parts, each listening once in the audit."""
    sounds = tmp_path / "monitor"
    sounds.mkdir()
    async with service(folder, made, speed=4.0, change=lambda s: _fast(s, folder=sounds)) as here:
        app = here.app
        async with here.browser(_boss(made)) as boss, here.browser(_admin(here)) as admin:
            screen = await boss.screen("board")
            here.call("answered")
            caller = await screen.until(lambda s: next(iter((s.board or {})["callers"].values()), None))
            during = screen.frames[-1]["now"] + 0.15
            await screen.until(lambda s: not (s.board or {})["callers"] and s.frames[-1]["now"] > during)
            await app.writer.flush(10)
            app.exchange.feed.save(all_of_them=True)
            await app.writer.flush(10)
            _, span = await boss.call("GET", "/replay/range")
            assert span["from"] <= during <= span["to"]
            _, past = await boss.call("GET", f"/replay?at={during}&seconds=60")
            shown = past["board"]["callers"][caller["visit"]]
            assert (past["link"], shown["number"], shown["name"]) == ("live", caller["number"], None)
            assert any(d.get("changes", {}).get("callers", {}).get(caller["visit"], 1) is None for d in past["deltas"])
            _, blind = await admin.call("GET", f"/replay?at={during}&seconds=1")
            assert blind["board"]["callers"][caller["visit"]]["number"] is None
            assert KNOWN not in json.dumps(blind)
            assert (await boss.call("GET", "/replay?at=5"))[0] == 404

            agent = next(a for a in app.store.accounts() if a.role == "agent" and a.interfaces)
            status, moved = await boss.call("PUT", f"/teams/{agent.login}", {"team": "新组"})
            assert (status, moved["member"]["team"]) == (200, "新组")
            phone = agent.interfaces[0]
            await screen.until(lambda s: (s.board or {})["agents"].get(phone, {}).get("group") == "新组")

            call = caller["call"]
            with wave.open(str(sounds / f"in-{call}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(8000)
                file.writeframes(b"\0\1" * 8000)
            await admin.call("PUT", f"/recordings/rights/{_boss(made)}", {"teams": ["*"]})
            _, told = await boss.call("GET", f"/calls/{call}/recordings")
            (recording,) = told["recordings"]
            status, ticket = await boss.call("POST", f"/calls/{call}/recordings/{recording['id']}/listen")
            assert status == 201
            for header, answer, size in ((None, 200, 16044), ("bytes=0-99", 206, 100), ("bytes=99999-", 416, 0)):
                headers = {} if header is None else {"Range": header}
                async with boss.http.get(here.base + ticket["url"], headers=headers) as response:
                    assert (response.status, len(await response.read())) == (answer, size)
                    assert response.headers["Cache-Control"] == "no-store"
                    assert response.headers["Content-Security-Policy"]
            assert [row.action for row in app.store.audit()].count("listen") == 1
            assert (await admin.call("GET", f"/calls/{call}/recordings"))[0] == 403
