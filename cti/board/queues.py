"""The waiting callers, in the order in which their queue holds them."""

from __future__ import annotations

from collections.abc import Iterable, KeysView, Sequence
from typing import TypedDict

import msgspec

from cti.board.metrics import level_now
from cti.board.view import Ring


class Caller(msgspec.Struct, kw_only=True):
    """A caller who waits in a queue."""

    call: str
    queue: str
    waiting_since: float
    target_s: float
    over: bool = False
    "Past the target."
    rings: dict[str, Ring] = {}
    "By ring key."


class Longest(TypedDict):
    """How many wait, how many of them past the target, and since when the one who waits longest."""

    waiting: int
    over: int
    live_now: float | None
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
        before = self._callers.get(visit)
        self.leave(visit)
        line = self._lines.setdefault(queue, [])
        at = len(line) if position is None else max(0, min(position - 1, len(line)))
        line.insert(at, visit)
        self._callers[visit] = Caller(
            call=call,
            queue=queue,
            waiting_since=waiting_since,
            target_s=target_s,
            over=before is not None and before.over,
        )

    def breached(self, visit: str) -> None:
        """A caller waits past the target."""
        caller = self._callers.get(visit)
        if caller is not None:
            caller.over = True

    def leave(self, visit: str) -> None:
        """A caller is gone, those behind move up."""
        caller = self._callers.pop(visit, None)
        if caller is None:
            return
        line = self._lines[caller.queue]
        line.remove(visit)
        if not line:
            del self._lines[caller.queue]

    def place(self, visit: str, position: int) -> str | None:
        """A waiting caller stands elsewhere in his queue now; returns the queue."""
        caller = self._callers.get(visit)
        if caller is None:
            return None
        line = self._lines[caller.queue]
        line.remove(visit)
        line.insert(max(0, min(position - 1, len(line))), visit)
        return caller.queue

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

    def all(self) -> Iterable[tuple[str, Caller]]:
        """Every waiting visit and its caller."""
        return self._callers.items()

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
        over = sum(self._callers[visit].over for visit in visits)
        return Longest(waiting=len(visits), over=over, live_now=level_now(len(visits), over), longest_since=since)
