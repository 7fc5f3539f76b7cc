"""A real browser whose cable is cut, or whose tab is put to sleep: it says so, comes back, and shows the truth."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Route

from cti import wire
from cti.popup import hub as hubs
from cti.popup import server
from tests.app.service import Service, eventually
from tests.browser.conftest import Opened
from tests.browser.pages import Pages, Screen
from tests.faults.proxy import Proxy

pytestmark = [pytest.mark.browser, pytest.mark.long]

AGENT = "linzhixia"


@asynccontextmanager
async def behind_a_proxy(running: Service, pages: Pages) -> AsyncIterator[tuple[Screen, Proxy]]:
    """The agent's desk, its push channel through a network that may fail."""
    async with Proxy(("127.0.0.1", running.app.push_port)) as proxy:
        # The page's policy knows the service's own port only.
        desk = await pages.log_in(AGENT, bypass_csp=True)

        async def elsewhere(route: Route) -> None:
            answer = await route.fetch()
            told = await answer.json()
            told["push_url"] = f"ws://127.0.0.1:{proxy.port}/push"
            await route.fulfill(response=answer, body=json.dumps(told))

        await desk.page.context.route("**/api/v1/me", elsewhere)
        await desk.reload()
        await eventually(lambda: proxy.connections)
        yield desk, proxy


@pytest.mark.parametrize("how", ["silent", "reset"])
async def test_cut_cable_is_told_and_what_came_meanwhile_is_shown(site: Opened, how: str) -> None:
    """The banner comes while the page still believes in its line; back again it shows the call that came meanwhile."""
    running, pages = site
    async with behind_a_proxy(running, pages) as (desk, proxy):
        phones = running.app.phones.of(AGENT)
        await desk.page.evaluate("window.unsaved = 'typed before'")
        cut = time.monotonic()
        if how == "silent":
            proxy.silence()
        else:
            proxy.closed = True
            proxy.reset()
        await desk.shown(".stalebar", "已断开")
        print(f"stale banner {time.monotonic() - cut:.1f} s after the cable was cut ({how})")
        running.call("held")
        pop = await running.pop("ringing")
        assert await desk.find(".strip[data-pop]").count() == 0
        proxy.closed = False
        proxy.heal()
        await desk.gone(".stalebar")
        await desk.shown(f'.strip[data-pop="{pop.id}"]')
        assert await desk.page.evaluate("window.unsaved") == "typed before"
        assert running.app.phones.of(AGENT) == phones
        desk.blameless()


@pytest.mark.parametrize("reads", ["in time", "too late"])
async def test_page_that_does_not_read_piles_up_nothing_and_then_shows_the_truth(
    site: Opened, reads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it does not read is dropped for a snapshot; past its time it is closed, 4008; the others feel nothing."""
    running, pages = site
    hub = running.app.hub
    async with behind_a_proxy(running, pages) as (desk, proxy), running.browser("hansong") as browser:
        other = await browser.screen("board")
        (page,) = [one for one in hub.pages() if one.identity.login == AGENT]
        proxy.to_client.stopped = True
        async with asyncio.timeout(60):
            while page.behind_since is None:  # as long as the system's buffers take it, it is not behind
                hub.send((AGENT, "hansong"), "beat", wire.body(fill="x" * 100_000))
                await other.until(lambda s: s.frames[-1]["type"] == "beat")
        assert page.pipe.pending() < hubs.MAX_BUFFER + 200_000
        running.call("held")
        pop = await running.pop("ringing")
        if reads == "too late":
            monkeypatch.setattr(hubs, "BEHIND_S", 0.1)
            async with asyncio.timeout(60):
                while page in hub.pages():  # what is underway somewhere may still be taken, and it is not behind
                    hub.send((AGENT,), "beat", wire.body(fill="x" * 100_000))
                    await asyncio.sleep(0.01)
            assert hub.figures.closed_slow == 1
        proxy.heal()
        await desk.shown(f'.strip[data-pop="{pop.id}"]')
        seqs = [frame["seq"] for frame in other.frames]
        assert seqs == list(range(1, len(seqs) + 1))
        desk.blameless()


@pytest.mark.parametrize("kept", [True, False])
async def test_tab_that_was_put_to_sleep_shows_the_truth_when_it_wakes(
    site: Opened, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen by the browser it misses a call; woken it shows it, whether the service kept its line or gave it up."""
    running, pages = site
    if not kept:
        monkeypatch.setattr(server, "SILENT_S", 3.0)
    desk = await pages.log_in(AGENT)
    devtools = await desk.page.context.new_cdp_session(desk.page)
    await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    running.call("held")
    pop = await running.pop("ringing")
    if not kept:
        async with asyncio.timeout(60):
            while running.app.hub.has(AGENT):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    await devtools.send("Page.setWebLifecycleState", {"state": "active"})
    await desk.shown(f'.strip[data-pop="{pop.id}"]')
    desk.blameless()
