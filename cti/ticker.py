"""Clocks at the edge: the doors to this machine's clocks, and the one timer of the core.

Nothing else of the service reads a clock. The core asks for deadlines in PBX time; the ticker turns the nearest one
into one call of the event loop and arms it anew only when the answer changed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from cti.events import Event


def wall_clock() -> float:
    """Epoch seconds of this machine."""
    return time.time()  # noqa: TID251 - this is the door


def steady_clock() -> float:
    """Seconds that only grow, from an unknown start: for durations of our own."""
    return time.monotonic()


class Timed(Protocol):
    """Something that wants to be woken: the core."""

    def get_timer(self) -> float | None:
        """When to be woken, in epoch seconds of the PBX's clock; None for never."""

    def handle_timer(self, now: float) -> list[Event]:
        """Do what is due at `now`."""


class Ticker:
    """Arms one timer for one core. Call `arm()` after whatever may have changed the answer."""

    def __init__(self, core: Timed, clock: Callable[[], float], publish: Callable[[list[Event]], None]) -> None:
        """`clock` is the PBX's clock in epoch seconds; `publish` gets what the core made of a deadline."""
        self._core = core
        self._clock = clock
        self._publish = publish
        self._armed: float | None = None
        self._handle: asyncio.TimerHandle | None = None

    def arm(self) -> None:
        """Ask the core when it wants to be woken, and see to it."""
        due = self._core.get_timer()
        if due == self._armed and (due is None or self._handle is not None):
            return
        self.cancel()
        self._armed = due
        if due is not None:
            delay = max(0.0, due - self._clock())
            self._handle = asyncio.get_running_loop().call_later(delay, self._fire)

    def cancel(self) -> None:
        """Wake nobody."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = None
        self._armed = None

    def _fire(self) -> None:
        self._handle = None
        due, self._armed = self._armed, None
        now = self._clock()
        if due is not None and now < due:
            # The estimate of the PBX's clock moved meanwhile, or the loop woke a little early: not yet.
            if due - now > 0.002:
                self.arm()
                return
            now = due
        self._publish(self._core.handle_timer(now))
        self.arm()
