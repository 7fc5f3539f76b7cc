"""How a tape keeps time."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from cti.demo import playback


class Clock:
    """A loop's clock, and waits that end when they should or, where `still` says so, later."""

    def __init__(self, still: dict[int, float]) -> None:
        self.now = 100.0
        self.waits = 0
        self._still = still

    def time(self) -> float:
        """Seconds, as of the loop."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Wait, as asyncio.sleep does on a machine that may stand still."""
        self.waits += 1
        self.now += seconds + self._still.get(self.waits, 0.0)


@pytest.mark.parametrize(
    ("still", "wakes_at"),
    [
        pytest.param({}, 101.0, id="never"),
        pytest.param({3: 0.04}, 101.0, id="a moment late, as timers are"),
        pytest.param({3: 5.0}, 105.95, id="once"),
        pytest.param({2: 2.0, 9: 1.0}, 103.9, id="twice"),
    ],
)
async def test_a_call_goes_on_where_it_was_when_the_machine_stood_still(
    still: dict[int, float], wakes_at: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second of ringing is a second in which the service can see it ring; what it comes later, the rest does too."""
    clock = Clock(still)
    monkeypatch.setattr(playback.asyncio, "sleep", clock.sleep)  # type: ignore[attr-defined]
    later = await playback._until(cast(asyncio.AbstractEventLoop, clock), 101.0)
    assert clock.now == pytest.approx(wakes_at)
    assert later == pytest.approx(wakes_at - 101.0)
