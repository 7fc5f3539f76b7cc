"""What time it is at the PBX, when this machine's own clock is set."""

from __future__ import annotations

from typing import Any, cast

import pytest

import cti.feed
from cti.ami.messages import Packet
from cti.bus import Bus
from cti.calls.pbx import Pbx
from cti.events import Event, SlaBreached
from cti.feed import STEP_S, Feed

AT = 1_790_000_000.0
AHEAD = 100.0
"The PBX's clock, against ours."


class Nobody:
    """Who takes what a feed hands on, and does nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **more: ()


class Clocks:
    """This machine's, and a feed of a caller who waits since a second; every event bears the PBX's time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passed = self.step = 0.0
        monkeypatch.setattr(cti.feed, "wall_clock", lambda: AT + self.passed + self.step)
        monkeypatch.setattr(cti.feed, "steady_clock", lambda: 7.0 + self.passed)
        nobody = cast(Any, Nobody())
        self.told: list[Event] = []
        bus = Bus()
        bus.subscribe("test", self.told.append)
        self.feed = Feed(Pbx(), "test", bus, nobody, nobody, nobody, alive=lambda: ())
        self.says("Newchannel")
        self.says("QueueCallerJoin", "\r\nQueue: q\r\nPosition: 1")
        self.passed = 1.0

    def says(self, event: str, more: str = "") -> None:
        """An event of the caller, now."""
        stamp = f"Timestamp: {AT + self.passed + AHEAD:.6f}"
        who = "Channel: PJSIP/line1-1\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\nContext: in\r\nExten: s\r\nChannelState: 6"
        packet = Packet(f"Event: {event}\r\n{stamp}\r\n{who}{more}\r\n".encode())
        self.feed.on_packet(packet, AT + self.passed + self.step)

    def fires(self) -> bool:
        """The timer's time has come, says the machine; whether a breach is told."""
        self.feed.ticker._fire()
        return any(isinstance(event, SlaBreached) for event in self.told)


@pytest.mark.parametrize("step", [0.0, STEP_S / 2, 3600.0, -3600.0])
async def test_a_step_of_our_clock_is_none_of_the_pbxs(monkeypatch: pytest.MonkeyPatch, step: float) -> None:
    """Set ahead or behind, time goes on at the PBX; with the next event it is known again, whatever ours shows."""
    clocks = Clocks(monkeypatch)
    assert clocks.feed.now() == pytest.approx(AT + AHEAD + 1.0)
    clocks.step = step
    clocks.passed = 3.0
    slack = step if abs(step) < STEP_S else 0.0
    assert clocks.feed.now() == pytest.approx(AT + AHEAD + 3.0 + slack)
    clocks.says("Newstate")
    clocks.passed = 4.0
    assert clocks.feed.now() == pytest.approx(AT + AHEAD + 4.0)
    clocks.feed.stop()


async def test_nobody_is_late_because_our_clock_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """A timer that wakes an hour ahead finds the caller in time; after thirteen seconds he is late, an hour behind."""
    clocks = Clocks(monkeypatch)
    clocks.step = 3600.0
    assert not clocks.fires()
    clocks.step = -3600.0
    clocks.passed = 13.002
    assert clocks.fires()
    clocks.feed.stop()
