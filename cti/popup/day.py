"""An agent's own day: answered, in time, missed. Each figure is a function of the day's calls (pure).

A call is put in again whenever it changed and replaces what it said before, so nothing is ever counted twice. Of a
very long day the oldest calls stay counted as they are: of those it is only known that they were.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Final

from cti.calls.record import Call
from cti.met import Met
from cti.wire import Today

MOST_CALLS: Final = 20_000
"Calls of a day that can still be corrected."


class Day:
    """The calls of today, by phone."""

    def __init__(
        self, target_s: Callable[[str], float], day: Callable[[float], Hashable], *, most: int = MOST_CALLS
    ) -> None:
        """`target_s` gives a queue's target in seconds; `day` names the day of an epoch time in the site's zone."""
        self._target_s = target_s
        self._most = most
        self._day = day
        self._today: Hashable = None
        self._calls: dict[str, dict[str, tuple[int, int, int]]] = {}
        "{call: {interface: (answered, in target, missed)}}"
        self._folded = Met()
        "Calls that are no longer held."
        self._sums: dict[str, list[int]] = {}

    def roll(self, now: float) -> bool:
        """A new day begins with nothing; True where that changed figures."""
        day = self._day(now)
        if day == self._today:
            return False
        self._today = day
        self._calls.clear()
        self._folded.clear()
        self._sums.clear()
        return True

    def put(self, call: Call) -> set[str]:
        """The call stands so now; returns the phones whose figures changed."""
        if call.id not in self._calls and call.id in self._folded:
            return set()
        new: dict[str, tuple[int, int, int]] = {}
        for visit in call.visits:
            at = visit.joined_at if visit.joined_at is not None else call.started_at
            if at is None or self._day(at) != self._today:
                continue
            if visit.outcome == "answered" and visit.interface is not None:
                a, t, m = new.get(visit.interface, (0, 0, 0))
                in_time = visit.wait_s is not None and visit.wait_s <= self._target_s(visit.queue)
                new[visit.interface] = (a + 1, t + in_time, m)
            for missed in visit.missed:
                a, t, m = new.get(missed.interface, (0, 0, 0))
                new[missed.interface] = (a, t, m + 1)
        old = self._calls.get(call.id, {})
        if old == new:
            return set()
        for sign, rows in ((-1, old), (1, new)):
            for interface, row in rows.items():
                sums = self._sums.setdefault(interface, [0, 0, 0])
                for place, value in enumerate(row):
                    sums[place] += sign * value
        if new:
            self._calls[call.id] = new
            if len(self._calls) > self._most:
                oldest = next(iter(self._calls))
                del self._calls[oldest]
                self._folded.add(oldest)
        else:
            self._calls.pop(call.id, None)
        return {i for i in old.keys() | new.keys() if old.get(i) != new.get(i)}

    def restore(self, calls: Iterable[Call]) -> None:
        """The calls of today as the store has them, after a start."""
        for call in calls:
            self.put(call)

    def of(self, interfaces: Iterable[str], target_s: float) -> Today:
        """The figures of a user with these phones."""
        rows = [self._sums.get(i, [0, 0, 0]) for i in interfaces]
        return Today(
            answered=sum(r[0] for r in rows),
            in_target=sum(r[1] for r in rows),
            missed=sum(r[2] for r in rows),
            target_s=target_s,
        )
