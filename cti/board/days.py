"""Today's waits: one ledger of visits for the queues' figures, one of chains for the day's.

A queue's figures count each visit with the visit's own wait. The day's figures count a caller's unbroken chain of
unanswered visits once, with the wait from its first entry, as the caller felt it (DESIGN: clock of the 13 seconds).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, KeysView
from typing import TypedDict

import msgspec

from cti.board.figures import MOST_ROWS, Ledger, Quarter, Wait
from cti.board.metrics import Counts, average_speed_of_answer, level_event, service_level, to_ms
from cti.calls.record import Call

_ALL = ""
"The one 'queue' of the ledger of chains."


class Figures(TypedDict):
    """The day's figures of a queue or of everything."""

    offered: int
    answered: int
    in_target: int
    abandoned: int
    outflow: int
    aside: int
    service_level: float | None
    live_event: float | None
    asa_s: float | None


def visit_key(call: str, number: int) -> str:
    """Key of a call's visit (1 is the first) where only the stored call is known: the core makes its keys like this."""
    return f"{call}#{number}"


class Days:
    """The waits that began today. `day` gives any key that compares equal within one day at the site."""

    def __init__(self, day: Callable[[float], Hashable], *, most: int = MOST_ROWS) -> None:
        """Today begins with the first moment that is told; the latest `most` waits of it can be corrected."""
        self._day = day
        self._today: Hashable = None
        self._latest = float("-inf")
        self._last: dict[str, tuple[float, str]] = {}
        "Chain -> (entry, key) of its latest visit, which decides what became of the chain."
        self._chain_of: dict[str, tuple[str, float]] = {}
        "Visit -> (chain, start of the chain)."
        self._visits = Ledger(lambda visit: self._chain_of.pop(visit, None), most=most)
        self._chains = Ledger(lambda chain: self._last.pop(chain, None), most=most)
        self._queues: dict[str, None] = {}

    def roll(self, now: float) -> bool:
        """True when `now` is of a later day than all before: yesterday's waits are dropped."""
        if now <= self._latest:
            return False
        self._latest = now
        today = self._day(now)
        if today == self._today:
            return False
        first = self._today is None
        self._today = today
        if not first:
            for ledger in (self._visits, self._chains):
                ledger.begin(lambda row: self._day(row.joined_at) == today)
        return not first

    def opened(
        self, call: str, visit: str, queue: str, joined_at: float, waiting_since: float, target_s: float
    ) -> bool:
        """A visit began. False when it is known that it ended already, so that nobody waits."""
        self._queues[queue] = None
        known = self._visits.rows.get(visit)
        if self._visits.folded(visit) or (known is not None and known.outcome not in ("waiting", "unknown")):
            return False
        row = Wait(queue=queue, joined_at=joined_at, outcome="waiting", wait_s=None, target_s=target_s)
        self._put(call, visit, row, waiting_since)
        return True

    def breached(self, visit: str) -> None:
        """A waiting visit passed its target."""
        row = self._visits.rows.get(visit)
        if row is not None:
            chain, since = self._chain_of[visit]
            self._put_in_chain(chain, since, visit, msgspec.structs.replace(row, breached=True))

    def closed(
        self,
        call: str,
        visit: str,
        queue: str,
        joined_at: float,
        waiting_since: float,
        target_s: float,
        outcome: str,
        wait_s: float | None,
    ) -> None:
        """A visit ended. What stood of its beginning stays; `joined_at` and `target_s` are for an unseen one."""
        self._queues[queue] = None
        known = self._visits.rows.get(visit)
        if known is not None:
            joined_at, target_s = known.joined_at, known.target_s
        row = Wait(queue=queue, joined_at=joined_at, outcome=outcome, wait_s=wait_s, target_s=target_s)
        self._put(call, visit, row, waiting_since)

    def refused(self, call: str, queue: str, at: float, target_s: float) -> None:
        """A queue did not let the caller in."""
        self._queues[queue] = None
        if self._day(at) != self._today:
            return
        key = f"{call}!{queue}!{to_ms(at)}"
        row = Wait(queue=queue, joined_at=at, outcome="refused", wait_s=None, target_s=target_s)
        self._visits.put(key, row)
        self._chains.put(key, msgspec.structs.replace(row, queue=_ALL))

    def restore(self, call: Call, target_s: Callable[[str], float]) -> Iterator[str]:
        """A stored call of today; yields the queues that it touches."""
        if call.started_at is not None:
            self.roll(call.started_at)
        for refused in call.refused:
            self.refused(call.id, refused.queue, refused.at, target_s(refused.queue))
            yield refused.queue
        since: float | None = None
        for number, visit in enumerate(call.visits, 1):
            joined_at = visit.joined_at if visit.joined_at is not None else call.started_at
            if joined_at is None:
                continue
            since = joined_at if since is None else since
            key = visit_key(call.id, number)
            if visit.outcome != "unknown" or key not in self._visits.rows:  # what is known already is not unlearnt
                target = target_s(visit.queue)
                self.closed(call.id, key, visit.queue, joined_at, since, target, visit.outcome, visit.wait_s)
            if visit.outcome == "answered":
                since = None
            yield visit.queue

    def _put(self, call: str, visit: str, row: Wait, waiting_since: float) -> None:
        chain = f"{call}@{to_ms(waiting_since)}"
        former = self._chain_of.get(visit)
        if former is not None and former[0] != chain:  # the clock was corrected, by a resync for example
            self._chains.remove(former[0])
            self._last.pop(former[0], None)
        self._put_in_chain(chain, waiting_since, visit, row)

    def _put_in_chain(self, chain: str, since: float, visit: str, row: Wait) -> None:
        if self._today is None:
            self.roll(row.joined_at)
        if self._day(row.joined_at) != self._today or self._visits.folded(visit):
            return
        self._visits.put(visit, row)
        self._chain_of[visit] = (chain, since)
        if self._chains.folded(chain):
            return
        last = self._last.get(chain)
        if last is not None and last[0] > row.joined_at and last[1] != visit:
            return
        self._last[chain] = (row.joined_at, visit)
        wait_s = None if row.wait_s is None else row.wait_s + max(0.0, row.joined_at - since)
        self._chains.put(chain, msgspec.structs.replace(row, queue=_ALL, joined_at=since, wait_s=wait_s))

    def queues(self) -> KeysView[str]:
        """Queues that were named."""
        return self._queues.keys()

    def recent(self, queue: str, most: int) -> list[tuple[int, Quarter]]:
        """A queue's latest intervals: (start, its waits)."""
        return self._visits.recent(queue, most)

    def since(self, queue: str, start: float) -> Counts:
        """A queue's waits of the intervals that begin at or after `start`."""
        return self._visits.since(queue, start)

    def figures(self, queue: str, over: int) -> Figures:
        """A queue's figures; `over` wait past the target."""
        return _figures(self._visits.counts(queue), over)

    def totals(self, over: int) -> Figures:
        """The day's figures, over all queues; `over` wait past their target."""
        return _figures(self._chains.counts(_ALL), over)


def _figures(c: Counts, over: int) -> Figures:
    return Figures(
        offered=c.answered + c.abandoned + c.outflow + c.waiting,
        answered=c.answered,
        in_target=c.answered_in_target,
        abandoned=c.abandoned,
        outflow=c.outflow,
        aside=c.aside,
        service_level=service_level(c),
        live_event=level_event(c, over),
        asa_s=average_speed_of_answer(c),
    )
