"""Days of demonstration: the replayed PBX and the link that listens do not grow."""

from __future__ import annotations

import asyncio
import gc

import pytest

from cti.ami.link import Link
from cti.demo.pbx import SECRET, USERNAME, ReplayedPbx
from cti.ticker import wall_clock
from tests.ami.wire import GUARD, Site

SPEED = 300.0
CALLS = 500


@pytest.mark.long
async def test_after_many_calls_no_more_is_kept_than_after_few() -> None:
    """Three times five hundred calls, cut off now and then: as many objects at the end as after the first third."""
    heard = 0

    def hear(*_: object) -> None:
        nonlocal heard
        heard += 1

    counts: list[int] = []
    async with ReplayedPbx(speed=SPEED, seed=3, callers=("13805740001",)) as pbx:
        link = Link(
            Site(pbx.port, username=USERNAME, secret=SECRET),
            on_packet=hear,
            on_roster=hear,
            on_state=hear,
            clock=wall_clock,
        )
        running = asyncio.create_task(link.run())
        for third in range(3):
            async with asyncio.timeout(GUARD * 12):
                while pbx.player.played < CALLS * (third + 1):
                    await asyncio.wait(pbx.player.playing or {asyncio.create_task(asyncio.sleep(0.1))}, timeout=1)
            gc.collect()
            counts.append(len(gc.get_objects()))
            pbx.cut()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert heard > CALLS * 3 * 20
    assert counts[2] < counts[0] * 1.02 + 1_000, counts
