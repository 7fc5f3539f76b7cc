"""The inbox: order, slices of time, holding back, bounds."""

from __future__ import annotations

import asyncio
import time

import pytest

from cti.ami import inbox as inboxes
from cti.ami.inbox import Inbox
from cti.ami.messages import Packet


def _packets(first: int, count: int) -> list[Packet]:
    return [Packet(b"Event: E\r\nN: %d" % n) for n in range(first, first + count)]


async def test_what_is_held_is_handed_on_in_order_once_released() -> None:
    """Nothing passes while held; then everything, in the order it came, before what comes later."""
    seen: list[str] = []
    box = Inbox(lambda packet, now: seen.append(packet.get("N")), 0.02)
    assert box.put(_packets(0, 10), 1.0)
    assert (seen, len(box)) == ([], 10)
    box.release()
    assert box.put(_packets(10, 5), 2.0)
    await box.drain()
    assert seen == [str(n) for n in range(15)]


async def test_a_slow_core_leaves_the_loop_to_others() -> None:
    """A burst that takes the core long is handed on in slices: another task has its turn after each."""
    seen: list[str] = []

    def slow(packet: Packet, now: float) -> None:
        seen.append(packet.get("N"))
        time.sleep(0.001)

    box = Inbox(slow, 0.01)
    box.release()
    most = before = 0
    box.put(_packets(0, 400), 1.0)
    while len(seen) < 400:
        await asyncio.sleep(0)
        most, before = max(most, len(seen) - before), len(seen)
    assert seen == [str(n) for n in range(400)]
    assert most <= 5 * 10, "a slice of ten milliseconds holds no more than ten of one"


async def test_more_than_may_wait_is_thrown_away_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded in number and in bytes: what does not fit is not kept in part."""
    monkeypatch.setattr(inboxes, "MAX_HELD", 100)
    box = Inbox(lambda packet, now: None, 0.02)
    assert box.put(_packets(0, 100), 1.0)
    assert not box.put(_packets(0, 1), 1.0)
    assert len(box) == 0
    monkeypatch.setattr(inboxes, "MAX_HELD_BYTES", 1_000)
    assert not box.put([Packet(b"Event: E\r\nV: " + b"x" * 2_000)], 1.0)
    assert len(box) == 0


async def test_taking_leaves_nothing() -> None:
    """What is handed over with the lists is not handed on again."""
    seen: list[Packet] = []
    box = Inbox(lambda packet, now: seen.append(packet), 0.02)
    box.put(_packets(0, 3), 7.0)
    assert [(packet.get("N"), now) for packet, now in box.take()] == [("0", 7.0), ("1", 7.0), ("2", 7.0)]
    box.release()
    await box.drain()
    assert seen == []
