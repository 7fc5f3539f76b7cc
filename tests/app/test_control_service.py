"""Supervisors' actions and overflow rules through the whole service: API, push, agent's page, restart."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from cti.app import App
from cti.commands import demo
from cti.demo.pbx import ReplayedPbx
from cti.demo.sample import Sample
from cti.store import Store
from cti.wire.supervision import ActionView
from tests.app.service import FAST, Browser, Screen, Service, eventually


def _of(screen: Screen, kind: str) -> list[dict[str, Any]]:
    return [frame for frame in screen.frames if frame["type"] == kind]


async def _acted(screen: Screen, id: str, state: str) -> dict[str, Any]:
    def found(screen: Screen) -> dict[str, Any] | None:
        for frame in _of(screen, "action"):
            if frame["action"]["id"] == id and frame["action"]["state"] == state:
                one: dict[str, Any] = frame["action"]
                return one
        return None

    result: dict[str, Any] = await screen.until(found)
    return result


def _people(running: Service) -> tuple[str, str, str]:
    """(a supervisor, an agent, the agent's phone)."""
    accounts = running.app.store.accounts()
    boss = next(a.login for a in accounts if a.role == "supervisor")
    agent = next(a for a in accounts if a.role == "agent" and a.interfaces)
    return boss, agent.login, agent.interfaces[0]


async def test_pause_is_seen_by_every_board_and_by_the_agent_with_its_why(running: Service) -> None:
    """Asked by one supervisor: all boards are told each step, the agent who, why and when; undo goes the same way."""
    boss, agent, phone = _people(running)
    async with running.browser(boss) as one, running.browser(boss) as other, running.browser(agent) as desk:
        boards = [await one.screen("board"), await other.screen("board")]
        own = await desk.screen("desk")
        wish = {"kind": "member_pause", "id": "p-1", "interface": phone, "queue": None, "reason": "培训"}
        status, asked = await one.call("POST", "/control/actions", wish)
        assert (status, asked["id"], asked["state"]) == (202, "p-1", "asked")
        done: dict[str, Any] = {}
        for board in boards:
            done = await _acted(board, "p-1", "confirmed")
            assert (done["by"], done["reason"]) == (boss, "培训")
            assert done["undo"]["until"] > done["settled_at"]
        mine = await _acted(own, "p-1", "confirmed")
        assert (mine["by_name"], mine["reason"], mine["interface"]) == (done["by_name"], "培训", phone)
        status, known = await desk.call("GET", "/control/mine")
        assert (status, [(a["id"], a["reason"]) for a in known["actions"]]) == (200, [("p-1", "培训")])
        status, again = await one.call("POST", "/control/actions", wish)
        assert (status, again["state"]) == (202, "confirmed")
        status, undo = await other.call("POST", "/control/actions/p-1/undo", {"reason": "算了"})
        assert (status, undo["undoes"]) == (202, "p-1")
        await _acted(boards[0], undo["id"], "confirmed")
        agents = running.app.floor.session.heads.agents
        assert not any(place.paused for place in agents[phone].queues)
        status, listed = await one.call("GET", "/control/actions?limit=10")
        assert {a["id"] for a in listed["actions"]} >= {"p-1", undo["id"]}
        assert (await desk.call("GET", "/control/actions"))[0] == 403
        fresh = await one.screen("board")
        control = await fresh.until(lambda s: next(iter(_of(s, "control")), None))
        assert [a["id"] for a in control["actions"][:2]] == [undo["id"], "p-1"]
        assert [f["seq"] for f in fresh.frames] == list(range(1, len(fresh.frames) + 1))


async def test_lists_tell_what_was_done_before_it_is_written(running: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a board was told stands in the lists, too, each as it was told last, while a slow database takes it."""
    boss, agent, phone = _people(running)
    write, free = running.app.store.put_action, threading.Event()

    def held(view: ActionView, *, new: bool = False) -> None:
        free.wait(30.0)
        write(view, new=new)

    async with running.browser(boss) as browser, running.browser(agent) as desk:
        board = await browser.screen("board")
        wish = {"kind": "member_pause", "id": "l-1", "interface": phone, "reason": "x"}
        assert (await browser.call("POST", "/control/actions", wish))[0] == 202
        await _acted(board, "l-1", "confirmed")
        await eventually(lambda: (kept := running.app.store.action("l-1")) is not None and kept.state == "confirmed")
        monkeypatch.setattr(running.app.store, "put_action", held)
        try:
            wish |= {"id": "l-2", "kind": "member_unpause"}
            assert (await browser.call("POST", "/control/actions", wish))[0] == 202
            at = (await _acted(board, "l-2", "confirmed"))["at"]
            both = [("l-2", "confirmed"), ("l-1", "confirmed")]
            for who, path in ((browser, "/control/actions"), (desk, "/control/mine")):
                status, listed = await who.call("GET", path)
                assert (status, [(a["id"], a["state"]) for a in listed["actions"]]) == (200, both)
            for query, shown, further in (("?limit=1", "l-2", at), (f"?limit=2&before={at!r}", "l-1", None)):
                _, page = await browser.call("GET", "/control/actions" + query)
                assert ([a["id"] for a in page["actions"]], page["next"]) == ([shown], further)
        finally:
            free.set()


async def test_steps_of_an_action_are_written_in_their_order(running: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is slow to take what was asked does not bury what came of it."""
    boss, _, phone = _people(running)
    write, done = running.app.store.put_action, threading.Event()

    def slow(view: ActionView, *, new: bool = False) -> None:
        if view.state == "asked":
            done.wait(0.5)  # as long as the confirmation needs to overtake, if it could
        write(view, new=new)

    monkeypatch.setattr(running.app.store, "put_action", slow)
    async with running.browser(boss) as browser:
        board = await browser.screen("board")
        wish = {"kind": "member_pause", "id": "p-2", "interface": phone, "reason": "x"}
        assert (await browser.call("POST", "/control/actions", wish))[0] == 202
        await _acted(board, "p-2", "confirmed")
    await running.app.supervision.office.close()
    kept = running.app.store.action("p-2")
    assert kept is not None
    assert kept.state == "confirmed"


async def test_rule_is_written_at_the_board_and_begins_as_a_dry_run(running: Service) -> None:
    """201 with its sentence; another version is a conflict; live only by its own call; the log tells each change."""
    boss, _, _ = _people(running)
    body = {
        "name": "高峰支援",
        "queue": "europe",
        "when": {"wait_s": 8},
        "then": {"from_queue": "seasia", "penalty": 1},
        "back": {"quiet_s": 60},
    }
    async with running.browser(boss) as browser:
        board = await browser.screen("board")
        status, made = await browser.call("POST", "/control/rules", body)
        assert (status, made["mode"], made["state"]) == (201, "dry", "idle")
        assert made["text"].startswith("有人等待超过 8 秒且无人空闲 → 加入队列 seasia 的坐席，惩罚 1")
        await board.until(lambda s: [f for f in _of(s, "rule") if f["rule"]["id"] == made["id"]])
        path = f"/control/rules/{made['id']}"
        status, old = await browser.call("PUT", path, {**body, "name": "别名", "version": 9})
        assert (status, old["error"]["code"], old["rule"]["version"]) == (409, "conflict", 1)
        status, changed = await browser.call("PUT", path, {**body, "name": "别名", "version": 1})
        assert (status, changed["version"], changed["mode"]) == (200, 2, "dry")
        status, live = await browser.call("POST", f"{path}/mode", {"mode": "live", "version": 2})
        assert (status, live["mode"], live["version"]) == (200, "live", 3)
        status, bad = await browser.call("POST", "/control/rules", {**body, "queue": "nowhere"})
        assert (status, bad["error"]["code"]) == (422, "queue")
        status, bad = await browser.call("POST", "/control/rules", {**body, "back": {"quiet_s": 0}})
        assert (status, bad["problems"][0]["key"]) == (422, "quiet_s")
        await eventually(lambda: len(running.app.store.rule_notes(made["id"])) == 3)
        status, log = await browser.call("GET", f"{path}/log")
        assert log["entries"][0]["text"] == "正式运行"
        assert (await browser.call("DELETE", path))[0] == 204
        await board.until(lambda s: [f for f in _of(s, "rule_gone") if f["rule"] == made["id"]])
        assert (await browser.call("GET", "/control/rules"))[1] == {"rules": []}
        audit = [row.action for row in running.app.store.audit() if row.user == boss]
        assert audit[:4] == ["rule.drop", "rule.live", "rule.change", "rule.add"]


async def test_restart_leaves_rules_as_they_were_and_open_actions_unknown(folder: Path, made: Sample) -> None:
    """A live rule is live again; an action without an answer is `unconfirmed` and is not sent again."""
    async with ReplayedPbx(callers=made.callers, speed=10.0, playing=False) as pbx:
        settings = demo.settings_for(folder, pbx.port, port=0, push_port=0)
        async with App(settings, hasher=FAST) as app:
            one = Service(app, pbx, made, folder)
            await one.live()
            boss, _, phone = _people(one)
            async with one.browser(boss) as browser:
                body = {"name": "甲", "queue": "europe", "when": {"wait_s": 8}, "then": {"from_queue": "seasia"}}
                _, rule = await browser.call("POST", "/control/rules", body)
                path = f"/control/rules/{rule['id']}/mode"
                assert (await browser.call("POST", path, {"mode": "live", "version": 1}))[0] == 200
        store = Store.open(settings.store.url)
        asked = ActionView(id="cut", kind="member_pause", by=boss, by_name="", at=1.0, interface=phone, text="x")
        store.put_action(asked, new=True)
        store.close()
        async with App(settings, hasher=FAST) as app:
            two = Service(app, pbx, made, folder)
            await two.live()
            (view,) = app.supervision.rules.views()
            assert (view.id, view.mode, view.version) == (rule["id"], "live", 2)
            kept = app.store.action("cut")
            assert kept is not None
            assert (kept.state, kept.undo) == ("unconfirmed", None)
            async with Browser(two.base) as browser:
                await browser.login(boss)
                status, able = await browser.call("GET", "/control")
                board = await browser.screen("board")
                control = await board.until(lambda s: next(iter(_of(s, "control")), None))
                assert [(a["id"], a["state"]) for a in control["actions"]] == [("cut", "unconfirmed")]
                assert [r["id"] for r in control["rules"]] == [rule["id"]]
            assert (status, able["able"]["members"], able["able"]["callers"]) == (200, True, False)
            assert "Redirect" in able["able"]["text"]
