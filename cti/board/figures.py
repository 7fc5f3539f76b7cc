"""The day's waits held by key, and the sums over them.

A sum is always the sum over the rows that stand here: putting a row that is already there changes nothing, and
putting a newer form of it takes the old contribution out first. So replay, resync and a restart cannot count twice.
Of a very long day the oldest rows are folded: what they added stays, and of the row only that it was there, so that it
is not added again.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Final

import msgspec

from cti.board.metrics import Counts, count, to_ms
from cti.met import Met

BUCKET_S: Final = 900
"Interval of the trend: a quarter of an hour, which every zone's hours are made of."
MOST_ROWS: Final = 20_000
"Waits of a day that can still be corrected; older ones have been decided for hours."
LOT: Final = 1_000
"Rows that are folded at a time."


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """One wait: a visit of one queue, or a chain of unanswered visits seen as the caller saw it."""

    queue: str
    joined_at: float
    outcome: str
    "An events.Outcome, or waiting, or refused."
    wait_s: float | None
    target_s: float
    "The target that was in force; a later change of the target does not rewrite this wait."
    breached: bool = False
    "The target passed while it was waiting."

    def counts(self) -> Counts:
        """This wait's contribution."""
        return count(self.outcome, self.wait_s, target_s=self.target_s)

    def is_late(self) -> bool:
        """Answered after the target, abandoned, or still waiting past the target."""
        if self.outcome == "answered":
            return self.wait_s is not None and to_ms(self.wait_s) > to_ms(self.target_s)
        return self.outcome == "abandoned" or (self.outcome == "waiting" and self.breached)

    def bucket(self) -> int:
        """Start of its interval, by entry."""
        return int(self.joined_at // BUCKET_S) * BUCKET_S


class Quarter(msgspec.Struct, frozen=True):
    """The waits of one interval."""

    counts: Counts = Counts()
    late: int = 0

    @property
    def offered(self) -> int:
        """All that stands in a denominator, or may yet."""
        c = self.counts
        return c.answered + c.abandoned + c.outflow + c.waiting + c.callback

    def plus(self, counts: Counts, late: int, sign: int) -> Quarter:
        """With one wait more, or (sign -1) less."""
        return Quarter(self.counts.plus(counts, sign), self.late + sign * late)


NO_CALLS: Final = Quarter()


class Ledger:
    """Waits by key, with sums for each queue and each interval."""

    def __init__(self, let_go: Callable[[str], object] = lambda key: None, *, most: int = MOST_ROWS) -> None:
        """An empty day of about `most` rows and those that wait; `let_go` is told of each key that is dropped."""
        self.rows: dict[str, Wait] = {}
        self._sums: dict[str, Counts] = {}
        self._buckets: dict[str, dict[int, Quarter]] = {}
        self._let_go = let_go
        self._most = most
        self._room = most + LOT
        self._folded = Met()

    def put(self, key: str, row: Wait) -> None:
        """Sets the row of that key, in place of what stood there; a folded one stays as it was."""
        old = self.rows.get(key)
        if old == row:
            return
        if old is not None:
            self._add(old, -1)
        elif key in self._folded:
            return
        self.rows[key] = row
        self._add(row, 1)
        if len(self.rows) >= self._room:
            self._fold()

    def folded(self, key: str) -> bool:
        """True where the row of that key is decided for good."""
        return key in self._folded

    def _fold(self) -> None:
        for key in list(islice(self.rows, LOT)):
            row = self.rows.pop(key)
            if row.outcome == "waiting":
                self.rows[key] = row  # behind the others: it is looked at again when their turn has come
            else:
                self._folded.add(key)
                self._let_go(key)
        self._room = max(self._most, len(self.rows)) + LOT

    def begin(self, keep: Callable[[Wait], bool]) -> None:
        """Another day: only the rows that belong to it are left."""
        rows = self.rows
        self.rows, self._sums, self._buckets, self._folded = {}, {}, {}, Met()
        self._room = self._most + LOT
        for key, row in rows.items():
            if keep(row):
                self.put(key, row)
            else:
                self._let_go(key)

    def remove(self, key: str) -> None:
        """Takes a row out."""
        old = self.rows.pop(key, None)
        if old is not None:
            self._add(old, -1)

    def _add(self, row: Wait, sign: int) -> None:
        counts = row.counts()
        self._sums[row.queue] = self._sums.get(row.queue, Counts()).plus(counts, sign)
        if counts.aside:
            return
        buckets = self._buckets.setdefault(row.queue, {})
        quarter = buckets.get(row.bucket(), NO_CALLS).plus(counts, int(row.is_late()), sign)
        if quarter.offered:
            buckets[row.bucket()] = quarter
        else:
            buckets.pop(row.bucket(), None)

    def counts(self, queue: str) -> Counts:
        """Sum over a queue's rows."""
        return self._sums.get(queue, Counts())

    def recent(self, queue: str, most: int) -> list[tuple[int, Quarter]]:
        """(interval start, its waits) of a queue's latest intervals that had calls, oldest first."""
        buckets = self._buckets.get(queue, {})
        return [(at, buckets[at]) for at in sorted(buckets)[-most:]]

    def since(self, queue: str, start: float) -> Counts:
        """Sum over a queue's intervals that begin at or after `start`."""
        some = [quarter.counts for at, quarter in self._buckets.get(queue, {}).items() if at >= start]
        return Counts(**{name: sum(getattr(counts, name) for counts in some) for name in Counts.__struct_fields__})
