"""Two nodes and two PBXs: whoever sits at one node is served for a call of the other, whatever of it all dies."""

from __future__ import annotations

from functools import partial

from tests.app.service import Screen, eventually
from tests.nodes.cluster import Site, Stopped, node, play
from tests.servers.redis import Redis


def has_waited(queue: str, screen: Screen) -> bool:
    """A board was told of a caller in this queue."""
    told = [frame["changes"].get("callers", {}) for frame in screen.frames if frame["type"] == "board"]
    return any(caller and caller["queue"] == queue for callers in told for caller in callers.values())


async def test_an_agent_at_one_node_gets_the_pop_of_a_call_of_the_others_pbx(site_of_two: Site) -> None:
    """Each node follows a PBX of its own; the pop, its record and its end come over."""
    async with node(site_of_two, "a", ["north"]) as a, node(site_of_two, "b", ["south"]) as b:
        await a.live()
        await b.live()
        await a.leads("north")
        async with b.browser("linzhixia") as browser:
            screen = await browser.screen()
            ended = play(site_of_two.pbxs["north"], "answered", "europe")
            shown = await screen.pop("ringing")
            assert shown["queue"]["id"] == "europe"
            assert await screen.record(shown["id"])
            await screen.pop("talking", id=shown["id"])
            await screen.pop("ended", id=shown["id"])
            await ended
            await screen.until(lambda s: s.state["today"]["answered"] > 0)
        await eventually(lambda: a.app.store.open_calls() == [])


async def test_both_boards_show_both_pbxs_and_a_note_is_seen_at_the_other_node(site_of_two: Site) -> None:
    """A supervisor at either node sees who waits anywhere; whom one agent hands the caller to reads his note."""
    async with node(site_of_two, "a", ["north"]) as a, node(site_of_two, "b", ["south"]) as b:
        await a.live()
        await b.live()
        async with a.browser("hansong") as one, b.browser("hansong") as other, a.browser("linzhixia") as agent:
            boards = [await one.screen("board"), await other.screen("board")]
            desk = await agent.screen()
            play(site_of_two.pbxs["north"], "answered", "europe")
            play(site_of_two.pbxs["south"], "answered", "seasia")
            for board in boards:
                for queue in ("europe", "seasia"):
                    await board.until(partial(has_waited, queue))
            shown = await desk.pop("talking")
            status, _ = await agent.call("PUT", f"/calls/{shown['call']}/note", {"text": "要两个高柜", "version": 0})
            assert status == 200
            session = b.app.session.shelf.calls
            await eventually(lambda: any("linzhixia" in call.notes for call in session.values()))


async def test_with_redis_dead_each_node_serves_its_own_pbx_and_says_what_it_does_not_know(
    site_of_two: Site, relay_server: Redis
) -> None:
    """Redis dies: pops of the followed PBX go on, the other's is marked old; it comes back empty: all is there."""
    async with node(site_of_two, "a", ["north"]) as a, node(site_of_two, "b", ["south"]) as b:
        await a.live()
        await b.live()
        await a.leads("north")
        async with a.browser("linzhixia") as browser, b.browser("chenxiaowen") as far:
            screen, other = await browser.screen(), await far.screen()
            relay_server.kill()
            try:
                await eventually(lambda: b.app.cluster.links.state("north") == "lost")
                assert b.app.cluster.links.live("south")
                ended = play(site_of_two.pbxs["north"], "answered", "europe")
                await screen.pop("talking")
            finally:
                relay_server.again()
            await b.live()
            await eventually(lambda: set(b.app.cluster.heard[0].alive()) == {c.id for c in a.app.pbx.open_calls()})
            await ended
            play(site_of_two.pbxs["north"], "answered", "europe")
            play(site_of_two.pbxs["north"], "answered", "europe")
            await other.pop("talking")


async def test_a_node_ends_and_its_pbx_is_led_by_the_one_that_stood_by(site_of_two: Site) -> None:
    """Both follow both PBXs; the leader goes in mid-call: the other writes the call to its end, once and whole."""
    first, second = Stopped(site_of_two, "a"), Stopped(site_of_two, "b")
    a = await first.start()
    try:
        await a.live()
        await a.leads("north")
        b = await second.start()
        try:
            await b.live()
            async with b.browser("linzhixia") as browser:
                screen = await browser.screen()
                ended = play(site_of_two.pbxs["north"], "answered", "europe")
                shown = await screen.pop("talking")
                await first.stop()
                await b.leads("north")
                await screen.pop("ended", id=shown["id"])
                await ended
            await eventually(lambda: b.app.store.open_calls() == [])
            stored = b.app.store.call(shown["call"])
            assert stored is not None
            assert stored.ended_at is not None
            assert not stored.partial
            assert not stored.gap
            assert [visit.outcome for visit in stored.visits] == ["answered"]
            assert len(stored.talks) == 1
        finally:
            await second.stop()
    finally:
        await first.stop()
