"""Delivery in order, and the one timer."""

from __future__ import annotations

import asyncio
import logging

import pytest

from cti.bus import Bus
from cti.events import CallEnded, Event
from cti.ticker import Ticker, wall_clock


def test_everybody_is_told_in_order_and_at_once() -> None:
    """Publishing has delivered when it returns, event by event, in the order of subscription."""
    bus, heard = Bus(), list[tuple[str, str]]()
    bus.subscribe("a", lambda e: heard.append(("a", getattr(e, "call", ""))))
    leave = bus.subscribe("b", lambda e: heard.append(("b", getattr(e, "call", ""))))
    bus.publish([CallEnded(at=0, call="1"), CallEnded(at=0, call="2")])
    leave()
    bus.publish([CallEnded(at=0, call="3")])
    assert heard == [("a", "1"), ("b", "1"), ("a", "2"), ("b", "2"), ("a", "3")]


def test_one_failing_subscriber_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """An exception is logged and counted; the others are told."""
    bus, heard = Bus(), list[Event]()

    def fail(event: Event) -> None:
        raise RuntimeError("broken")

    bus.subscribe("bad", fail)
    bus.subscribe("good", heard.append)
    with caplog.at_level(logging.ERROR):
        bus.publish([CallEnded(at=0, call="1")])
    assert len(heard) == 1
    assert bus.failures == {"bad": 1}
    assert "bad" in caplog.text


class Alarm:
    """A core with one deadline."""

    def __init__(self) -> None:
        self.due: float | None = None
        self.rang: list[float] = []
        self.event = asyncio.Event()

    def get_timer(self) -> float | None:
        """The deadline."""
        return self.due

    def handle_timer(self, now: float) -> list[Event]:
        """Ring once."""
        self.rang.append(now)
        self.due = None
        self.event.set()
        return [CallEnded(at=now, call="x")]


async def test_core_is_woken_at_its_deadline_and_not_before() -> None:
    """The deadline is in PBX time; what the core makes of it is published."""
    core, heard = Alarm(), list[Event]()
    ticker = Ticker(core, wall_clock, heard.extend)
    core.due = due = wall_clock() + 0.05
    ticker.arm()
    await asyncio.wait_for(core.event.wait(), 5)
    await asyncio.sleep(0)
    assert core.rang[0] >= due
    assert len(heard) == 1


async def test_timer_is_armed_anew_only_when_the_answer_changed() -> None:
    """Asking again without news costs nothing; None and an earlier deadline are obeyed."""
    core = Alarm()
    ticker = Ticker(core, wall_clock, lambda events: None)
    core.due = wall_clock() + 100
    ticker.arm()
    handle = ticker._handle
    ticker.arm()
    assert ticker._handle is handle
    core.due -= 50
    ticker.arm()
    assert ticker._handle is not handle
    core.due = None
    ticker.arm()
    assert ticker._handle is None
