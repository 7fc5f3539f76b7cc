"""Trials of the link: how soon it is live again at 600 channels, how soon a dead one is noticed, and shown."""

from __future__ import annotations

import asyncio
import time

from cti.demo import site
from cti.demo.playback import Wish
from tests.browser.pages import chromium_pages
from tests.faults.figures import Figure, timed
from tests.faults.house import GUARD_S, PASSWORD, Seat, house, seated

LIVE_S, DEAD_S, BANNER_S = 1.0, 3.0, 6.0
TALKING = 300
"Calls, of two channels each."


async def reconnects(tries: int) -> list[Figure]:
    """The link is reset while 300 people talk: until a page hears that it is live again."""
    phones = [(f"PJSIP/9{n:03d}", f"Agent {n}", tuple(site.QUEUES)) for n in range(TALKING + 10)]
    times: list[float] = []
    async with house(talk=(1e6, 1e6), phones=phones, queues=tuple(site.QUEUES), featured=phones[0][0]) as made:
        node = made.node("a")
        await node.start()
        for n in range(TALKING):
            made.pbx.player.start(Wish("answered", None, list(site.QUEUES)[n % 3], None))
        async with asyncio.timeout(GUARD_S):
            while sum(bool(one.bridge) for one in made.pbx.exchange.channels.values()) < 2 * TALKING:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        seat = Seat(site.SUPERVISOR[0], lambda: [node], page="board")
        async with seated([seat]):
            await seat.shows("live")
            for _ in range(tries):
                began = time.monotonic()
                made.ami.reset()
                lost = await seat.shows("lost", began)
                times.append(await seat.shows("live", lost) - began)
    return [timed(f"live again after a cut, {2 * TALKING} channels (replayed PBX)", times, LIVE_S)]


async def dead_links(tries: int) -> list[Figure]:
    """The cable to the PBX is silent from one moment to the next: until pages are told, and until Chromium shows it."""
    told: list[float] = []
    shown: list[float] = []
    async with house() as made:
        node = made.node("a")
        await node.start()
        seat = Seat(site.SUPERVISOR[0], lambda: [node], page="board")
        async with seated([seat]), chromium_pages(node.base, PASSWORD) as pages:
            await seat.shows("live")
            page = (await pages.log_in(site.LOGINS[site.AGENTS[0][0]])).page
            stale = page.locator("[data-stale=yes]")
            for _ in range(tries):
                began = time.monotonic()
                made.ami.silence()
                banner = asyncio.create_task(stale.wait_for(state="attached"))
                told.append(await seat.shows("lost", began) - began)
                await banner
                shown.append(time.monotonic() - began)
                made.ami.heal()
                made.ami.reset()
                await seat.shows("live", began)
                await stale.wait_for(state="detached")
    return [
        timed("a dead link is noticed", told, DEAD_S),
        timed("and shown as old on a page in Chromium", shown, BANNER_S),
    ]
