"""Clocks at the edge: the door to the wall clock, the PBX's clock as seen from here, and the one timer of the core.

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


class PbxClock:
    """Estimates the PBX's clock from the stamps of its events.

    A stamp is never later than its receipt, so the greatest (stamp - receipt) of a while is the nearest to the true
    difference. Two windows of `window` seconds each let the estimate follow a clock that is set back.
    """

    def __init__(self, clock: Callable[[], float] = wall_clock, window: float = 30.0) -> None:
        self._clock = clock
        self._window = window
        self._current: float | None = None
        self._previous: float | None = None
        self._turned = clock()

    def observe(self, stamp: float, received: float) -> None:
        """An event stamped `stamp` by the PBX came in at `received` by our clock."""
        if received - self._turned > self._window or received < self._turned:
            self._previous, self._current, self._turned = self._current, None, received
        offset = stamp - received
        if self._current is None or offset > self._current:
            self._current = offset

    @property
    def offset(self) -> float:
        """PBX clock minus our clock, in seconds; 0 until something is known."""
        known = [o for o in (self._current, self._previous) if o is not None]
        return max(known) if known else 0.0

    def now(self) -> float:
        """Epoch seconds on the PBX's clock."""
        return self._clock() + self.offset

    __call__ = now


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
