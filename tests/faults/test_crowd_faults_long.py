"""A crowd on a real Asterisk, and everything that can happen to the link: no call is lost, none is counted twice."""

from __future__ import annotations

import asyncio

import pytest

from tests.asterisk.crowd import Crowd
from tests.faults.crowded import (
    GUARD_S,
    Stand,
    check,
    crowded,
    cut,
    finished,
    half_open,
    kicked,
    killed,
    reader_stopped,
    torn,
)
from tests.faults.packets import Mishaps

pytestmark = [pytest.mark.asterisk, pytest.mark.long]

DEAD_S = 3.0
"A dead link is noticed within this (FAULTS T4); printed, and asserted at five times as a hang guard."


def test_whatever_ends_the_link_ends_no_call() -> None:
    """F1, F2, F4, F9: finished, kicked, half-open, torn, cut for not reading, reset, killed: all counted once."""
    faults = [finished, kicked, half_open, torn, reader_stopped, cut, killed]
    done = crowded(Crowd(calls=170, per_second=3.0, seed=24), agents=36, faults=faults, small_buffers=True)
    for fault, seconds in done.noticed:
        print(f"{fault}: noticed after {seconds:.2f} s (goal {DEAD_S:g} s)")
        assert seconds <= 5 * DEAD_S
    assert len(done.holes) == len(faults)
    check(done, 170)


def test_events_doubled_repeated_and_late_count_once() -> None:
    """F6, F7: over the wire doubled, told again and overtaken by the lists: state and rows as without."""
    mishaps = Mishaps(doubled=0.05, again=0.02, late=5)

    async def spoilt(stand: Stand) -> None:
        stand.proxy.to_client.rewrite = mishaps.for_a_connection
        made = stand.proxy.made
        stand.proxy.finish()  # so that lists are read in the middle, ahead of events on their way
        await stand.proxy.until(lambda proxy: proxy.made > made)
        await stand.back()

    done = crowded(Crowd(calls=60, per_second=5.0, seed=67), agents=18, faults=[spoilt, spoilt])
    assert mishaps.done > 100
    check(done, 60)


def test_bytes_and_packets_lost_on_a_link_that_stands_lose_no_call() -> None:
    """F5: single events lost, and a second of the stream: what the audit and queue_log put right is as it was."""
    mishaps = Mishaps(lost=0.01)

    async def leaking(stand: Stand) -> None:
        stand.proxy.to_client.rewrite = mishaps.for_a_connection
        made = stand.proxy.made
        stand.proxy.reset()
        await stand.proxy.until(lambda proxy: proxy.made > made)
        await stand.back()

    async def holed(stand: Stand) -> None:
        before = stand.proxy.to_client.swallowed
        stand.proxy.to_client.silent = True
        async with asyncio.timeout(GUARD_S):
            while stand.proxy.to_client.swallowed < before + 20_000:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        stand.proxy.to_client.silent = False

    # The crowd outlasts both faults on a slow machine too: a hole in a stream that has dried up swallows nothing.
    crowd = Crowd(calls=100, per_second=5.0, seed=55)
    done = crowded(crowd, agents=18, faults=[leaking, holed], lossy=True, pause_s=2.0)
    assert mishaps.done > 5
    check(done, 100)
