"""The service as a whole: replayed calls in, pages' frames out, and what people do in between."""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path

import aiohttp
import pytest

import cti.exchange
import cti.feed
from cti.demo.sample import UNKNOWN, ZONE, Sample
from cti.store import Store
from cti.ticker import wall_clock
from tests.app.service import KNOWN, Screen, Service, eventually, service, with_pbx


def _one(screen: Screen) -> str:
    (pop,) = screen.pops
    return pop


async def test_agent_sees_who_calls_with_all_six_sections(running: Service) -> None:
    """A ring shows caller, line, choice, queue and waiting time, then the customer and his record."""
    async with running.agents() as desks:
        call = running.call("answered")
        rung = await running.pop("ringing")
        _, screen = desks[rung.users[0]]
        pop = await screen.pop()
        assert pop["line"]["label"] == "订舱热线"
        assert pop["queue"] == {"id": "europe", "label": "欧洲航线", "target_s": 13.0}
        assert pop["caller"]["display"] == "135 0574 1300"
        assert pop["waiting_since"] <= pop["ringing_since"]
        record = await screen.record(pop["id"])
        assert {name: s["state"] for name, s in record.items()} == dict.fromkeys(record, "ready")
        known = await screen.until(lambda s: s.pops[pop["id"]]["intents"] and s.pops[pop["id"]])
        assert known["party"]["name"] == "周敏"
        assert known["match"]["level"] == "exact"
        assert (await screen.pop("talking"))["id"] == pop["id"]
        await call
        await screen.pop("ended")


async def test_ring_all_closes_for_the_losers_with_the_winners_name(running: Service) -> None:
    """Everybody rings; one answers; the others' pops go and say who."""
    async with running.agents() as desks:
        call = running.call("ring_all")
        winner = await running.pop("talking")
        screens = [screen for _, screen in desks.values() if screen.state["me"]["user"] not in winner.users]
        await call
        losers = []
        await running.pop("ended")
        running.app.hub.send_all("all of it")  # a page hears of beats at any time
        for screen in screens:
            await screen.until(lambda s: s.frames[-1]["type"] == "all of it")
            losers += screen.closed
        assert losers
        assert {c["reason"] for c in losers} == {"answered_elsewhere"}
        assert {c["by"] for c in losers} == {winner.agent}


async def test_reload_shows_the_call_again_with_its_sections(running: Service) -> None:
    """A page opened in mid-call is shown everything by its snapshot."""
    async with running.browser() as browser:
        running.call("held")
        pop = await running.pop("talking")
        await browser.login(pop.users[0])
        screen = await browser.screen()
        assert [p["id"] for p in screen.state["pops"]] == [pop.id]
        assert set(await screen.record(pop.id)) == {"profile", "business", "calls", "sms", "chat", "quotes"}


async def test_what_the_agent_types_survives_hang_up_and_restart(folder: Path, made: Sample) -> None:
    """Note, fields, business record and draft are there after the call, and after a restart of the service."""
    async with service(folder, made) as running, running.browser() as browser:
        call = running.call("answered")
        pop = await running.pop("talking")
        user, call_id, party = pop.users[0], pop.call.id, pop.call.party
        await browser.login(user)
        screen = await browser.screen()
        await call
        await screen.pop("ended")
        status, body = await browser.call("PUT", f"/calls/{call_id}/note", {"text": "问汉堡 40HQ", "version": 0})
        assert (status, body["version"]) == (200, 1)
        status, body = await browser.call("PUT", f"/calls/{call_id}/note", {"text": "别处", "version": 0})
        assert (status, body["note"]["text"]) == (409, "问汉堡 40HQ")
        profile = (await screen.record(pop.id))["profile"]["items"][0]
        key = next(f["key"] for f in profile["fields"] if f["kind"] == "text" and not f["required"])
        change = {"fields": {key: "改过的"}, "version": profile["party"]["version"]}
        status, body = await browser.call("PATCH", f"/parties/{party.id}", change)
        assert status == 200
        assert next(f["value"] for f in body["profile"]["fields"] if f["key"] == key) == "改过的"
        status, body = await browser.call("PATCH", f"/parties/{party.id}", change)
        assert status == 409
        assert body["profile"]["party"]["version"] > change["version"]
        lane = {"pol": "宁波", "pod": "汉堡", "container": "40HQ×2", "price": "2350"}
        status, body = await browser.call("POST", f"/parties/{party.id}/business", {"fields": lane})
        assert status == 201, body
        refreshed = await screen.until(
            lambda s: (b := s.sections[pop.id]["business"])["items"][0]["id"] == body["record"]["id"] and b
        )
        assert refreshed["state"] == "ready"
        status, _ = await browser.call("PUT", f"/calls/{call_id}/draft", {"form": {"cargo": "家具"}})
        assert status == 204
        again = await browser.screen()
        assert [p["draft"] for p in again.state["pops"]] == [{"form": {"cargo": "家具"}}]
        last = {"form": {"cargo": "家具"}, "note": "半句"}
        status, _ = await browser.call("PUT", f"/calls/{call_id}/draft?leaving=1", last)
        assert status == 204
        for open_already in (screen, again):  # only what a page leaves behind is told to the others
            await open_already.until(lambda s: s.frames[-1]["type"] == "draft")
            assert [f["draft"] for f in open_already.frames if f["type"] == "draft"] == [last]
        answered = screen.state["today"]["answered"]

    async with service(folder, made) as running, running.browser() as browser:
        await browser.login(user)
        status, body = await browser.call("GET", "/calls?mine=1")
        mine = next(c for c in body["calls"] if c["id"] == call_id)
        assert mine["outcome"] == "answered"
        assert mine["note"] == "问汉堡 40HQ"
        assert (mine["party"]["name"], mine["target_s"]) == ("周敏", 13.0)
        screen = await browser.screen()
        assert screen.state["today"]["answered"] == answered
        status, body = await browser.call("PUT", f"/calls/{call_id}/note", {"text": "补一句", "version": 1})
        assert (status, body["version"]) == (200, 2)


async def test_unknown_caller_becomes_a_customer_during_the_call(running: Service) -> None:
    """A new customer is made from the form and chosen for the call at once; the next call knows him."""
    stranger = UNKNOWN[0]
    async with running.browser() as browser:
        running.call("held", stranger)
        pop = await running.pop("talking")
        await browser.login(pop.users[0])
        screen = await browser.screen()
        shown = await screen.until(lambda s: s.pops[pop.id]["match"]["level"] != "pending" and s.pops[pop.id])
        assert (shown["match"]["level"], shown["party"]) == ("unknown", None)
        assert shown["caller"]["region"]
        key = running.app.crm().categories()[0].key
        status, form = await browser.call("GET", f"/forms/{key}")
        assert status == 200
        assert {f["key"] for f in form["fields"] if f["required"]} >= {"name"}
        assert key in {c["key"] for c in form["categories"]}
        new = {"name": "高朗", "company": "台州新客有限公司", "category": key}
        status, body = await browser.call(
            "POST", "/parties", {"fields": new, "number": stranger, "call": shown["call"]}
        )
        assert status == 201, body
        now = await screen.until(lambda s: s.pops[pop.id]["party"] and s.pops[pop.id])
        assert (now["party"]["name"], now["match"]["level"]) == ("高朗", "exact")
        await screen.until(lambda s: s.sections[pop.id]["profile"]["state"] == "ready")
        assert [m.party.name for m in running.app.crm().lookup(stranger)][:1] == ["高朗"]


async def test_dismissed_pop_stays_away_over_a_reload(running: Service) -> None:
    """Put away is put away, in every browser of the user."""
    async with running.browser() as browser:
        running.call("held")
        pop = await running.pop("talking")
        await browser.login(pop.users[0])
        one, two = await browser.screen(), await browser.screen()
        assert _one(one) == _one(two) == pop.id
        assert (await browser.call("POST", f"/pops/{pop.id}/dismiss"))[0] == 204
        for screen in (one, two):
            (gone,) = await screen.until(lambda s: s.closed)
            assert gone["reason"] == "dismissed"
        assert (await browser.screen()).pops == {}
        assert running.app.store.dismissed(pop.users[0]) == {pop.id}


async def test_nobody_touches_another_agents_call(running: Service) -> None:
    """Pops and calls of others look as if they were not there."""
    running.call("held")
    pop = await running.pop("talking")
    other = next(u.login for u in running.sample.users if u.login not in pop.users and u.role == "agent")
    async with running.browser(other) as browser:
        for method, path, body in (
            ("POST", f"/pops/{pop.id}/dismiss", None),
            ("POST", f"/pops/{pop.id}/choose", {"party": "1"}),
            ("POST", f"/pops/{pop.id}/sections/quotes", None),
            ("PUT", f"/calls/{pop.call.id}/note", {"text": "x", "version": 0}),
            ("PUT", f"/calls/{pop.call.id}/draft", {"a": 1}),
            ("POST", "/parties/1/notes", {"text": "x", "call": pop.call.id}),
            ("GET", "/calls?mine=0", None),
        ):
            status, _ = await browser.call(method, path, body)
            assert status in (403, 404), path


async def test_supervisors_board_shows_the_waiting_caller_and_the_day(running: Service) -> None:
    """The board counts from the visit's own clock, names the caller, and the day's figures come from the store."""
    async with running.browser("hansong") as browser:
        screen = await browser.screen("board")
        assert screen.board is not None
        assert set(screen.board["queues"]) == {"europe", "seasia", "export"}
        before = screen.board["totals"]["answered"]
        day = datetime.fromtimestamp(running.app.pbx_now(), ZONE).date()
        midnight = datetime.combine(day, time(), ZONE).timestamp()
        today = [visit for call in running.app.store.calls_since(midnight) for visit in call.visits]
        stood = sum(visit.outcome == "answered" for visit in today)  # none in the first minutes of a day
        with running.nobody_free():
            call = running.call("answered")
            caller = await screen.until(lambda s: next(iter(s.board["callers"].values()), None) if s.board else None)
        assert caller["target_s"] == 13.0
        await screen.until(lambda s: s.board and s.board["totals"]["answered"] == before + 1)
        await call
        assert screen.board["callers"] == {}
        assert before == stood


async def test_pause_is_shown_only_when_the_pbx_says_so(running: Service) -> None:
    """The answer is that it was asked; the state follows by the PBX's event."""
    async with running.browser("linzhixia") as browser:
        screen = await browser.screen()
        status, _ = await browser.call("POST", "/me/pause", {"paused": True, "reason": "小休"})
        assert status == 202
        agent = await screen.until(lambda s: s.state["agent"]["phase"] == "paused" and s.state["agent"])
        assert agent["pause_reason"] == "小休"
        assert (await browser.call("POST", "/me/pause", {"paused": False}))[0] == 202
        await screen.until(lambda s: s.state["agent"]["phase"] == "idle")
        hostile = {"paused": True, "reason": "a\r\nAction: Command"}
        assert (await browser.call("POST", "/me/pause", hostile))[0] == 422


async def test_lost_pbx_is_said_and_comes_back(running: Service) -> None:
    """A cut link marks the pages and /readyz at once; both recover."""
    async with running.browser("linzhixia") as browser, aiohttp.ClientSession() as http:
        screen = await browser.screen()
        running.pbx.cut()
        await screen.until(lambda s: s.state["link"]["state"] == "lost")
        await screen.until(lambda s: s.state["link"]["state"] == "live")
        async with http.get(running.base + "/readyz") as response:
            assert response.status == 200


async def test_wrong_secret_is_reported_and_not_ready(folder: Path, made: Sample) -> None:
    """A refused login is said in words, and /readyz is 503 with the reason."""
    change = lambda s: with_pbx(s, secret="wrong")  # noqa: E731
    async with service(folder, made, change=change, live=False) as running, aiohttp.ClientSession() as http:
        await eventually(lambda: running.app.floor.link.state == "refused")
        async with http.get(running.base + "/readyz") as response:
            assert response.status == 503
            assert "refused" in await response.text()
        async with http.get(running.base + "/healthz") as response:
            assert response.status == 200


async def test_dead_crm_delays_no_pop_and_is_marked(running: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the CRM gone the pop comes with number, queue and line, says so, and its own history is there."""

    def gone() -> object:
        raise OSError("away")

    monkeypatch.setattr(running.app.records, "_crm", gone)
    async with running.browser() as browser:
        running.call("held")
        pop = await running.pop("talking")
        await browser.login(pop.users[0])
        screen = await browser.screen()
        shown = await screen.until(lambda s: s.pops[pop.id]["match"]["level"] != "pending" and s.pops[pop.id])
        assert shown["match"]["level"] == "down"
        assert shown["caller"]["number"] == KNOWN
        record = await screen.record(pop.id)
        assert record["calls"]["state"] == "ready"


async def test_calls_are_written_down_as_they_were(running: Service) -> None:
    """Every played call stands in the store with its outcome, none twice."""
    for tape in ("answered", "abandoned", "timeout", "blind_transfer"):
        await running.call(tape)
    await eventually(lambda: not running.app.session.shelf.calls or running.app.writer.backlog == 0)
    ended = {c.id: c for c in running.app.pbx.calls() if c.ended_at is not None}
    assert len(ended) == 4
    running.app.exchange.feed.save()
    await running.app.writer.flush(10)
    store: Store = running.app.store
    for call in ended.values():
        assert store.call(call.id) == call


async def test_transfer_brings_the_note_along(running: Service) -> None:
    """The agent who gets the caller by transfer sees who sent him and what was written."""
    async with running.browser() as browser:
        call = running.call("blind_transfer")
        first = await running.pop("talking")
        await browser.login(first.users[0])
        status, body = await browser.call("PUT", f"/calls/{first.call.id}/note", {"text": "找单证", "version": 0})
        assert status == 200, body
        pops = running.app.session.shelf.pops
        await eventually(lambda: any(p.came_by == first.interface for p in pops.values()))
        second = next(p for p in pops.values() if p.came_by == first.interface)
        async with running.browser(second.users[0]) as other:
            (shown,) = (await other.screen()).pops.values()
        assert shown["came_from"] == {"agent": first.agent, "note": "找单证"}
        await call


async def test_everything_stops_in_order_and_tells_the_pages(folder: Path, made: Sample) -> None:
    """Stopping closes pages with 1012 and leaves no task behind."""
    async with service(folder, made) as running, running.browser("linzhixia") as browser:
        screen = await browser.screen()
        await running.app._stack.aclose()
        await screen.ws.wait_closed()
        assert screen.ws.close_code == 1012


async def test_the_services_time_is_the_pbxs_when_this_machines_clock_is_set(
    running: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deadlines and all that is told or written go by one clock: an hour ahead of it is an hour for none of them."""
    await running.live()
    before = running.app.pbx_now()
    for module in (cti.feed, cti.exchange):
        monkeypatch.setattr(module, "wall_clock", lambda: wall_clock() + 3600.0)
    assert abs(running.app.pbx_now() - before) < 1800.0
