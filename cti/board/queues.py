"""The waiting callers, in the order in which their queue holds them."""

from __future__ import annotations

from collections.abc import KeysView, Sequence
from typing import TypedDict

import msgspec

from cti.board.view import Ring


class Caller(msgspec.Struct, kw_only=True):
    """A caller who waits in a queue."""

    call: str
    queue: str
    waiting_since: float
    target_s: float
    rings: dict[str, Ring] = {}
    "By ring key."


class Longest(TypedDict):
    """How many wait, and since when the one who waits longest."""

    waiting: int
    longest_since: float | None


class Waiting:
    """Waiting callers by visit."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._callers: dict[str, Caller] = {}
        self._lines: dict[str, list[str]] = {}

    def join(
        self, visit: str, call: str, queue: str, position: int | None, waiting_since: float, target_s: float
    ) -> None:
        """A caller enters at `position` (1 is the front; without one, at the end), those behind move back."""
        self.leave(visit)
        line = self._lines.setdefault(queue, [])
        at = len(line) if position is None else max(0, min(position - 1, len(line)))
        line.insert(at, visit)
        self._callers[visit] = Caller(call=call, queue=queue, waiting_since=waiting_since, target_s=target_s)

    def leave(self, visit: str) -> None:
        """A caller is gone, those behind move up."""
        caller = self._callers.pop(visit, None)
        if caller is None:
            return
        line = self._lines[caller.queue]
        line.remove(visit)
        if not line:
            del self._lines[caller.queue]

    def rang(self, visit: str, ring: str, agent: str | None, interface: str, since: float) -> str | None:
        """A phone rings for a caller; returns the queue."""
        caller = self._callers.get(visit)
        if caller is None:
            return None
        caller.rings[ring] = Ring(agent=agent, interface=interface, since=since)
        return caller.queue

    def silent(self, visit: str, ring: str) -> str | None:
        """A phone no longer rings; returns the queue."""
        caller = self._callers.get(visit)
        if caller is None or caller.rings.pop(ring, None) is None:
            return None
        return caller.queue

    def get(self, visit: str) -> Caller | None:
        """A waiting caller."""
        return self._callers.get(visit)

    def position(self, visit: str) -> int:
        """Place in the queue, 1 is the front."""
        return self._lines[self._callers[visit].queue].index(visit) + 1

    def queues(self) -> KeysView[str]:
        """Queues in which somebody waits."""
        return self._lines.keys()

    def visits(self, queue: str) -> Sequence[str]:
        """A queue's waiting visits from the front."""
        return self._lines.get(queue, ())

    def of_call(self, call: str) -> list[str]:
        """Open visits of a call."""
        return [visit for visit, caller in self._callers.items() if caller.call == call]

    def longest(self, queue: str | None = None) -> Longest:
        """Over everything, or of one queue."""
        visits = self._callers.keys() if queue is None else self.visits(queue)
        since = min((self._callers[visit].waiting_since for visit in visits), default=None)
        return Longest(waiting=len(visits), longest_since=since)
