"""A call that outlived a restart of the service: what was written before and what is seen since are one call (pure)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from cti.calls.record import Call, Talk, Visit

SAME_S = 2.0
"Two beginnings this near are one."
OPEN_S: Final = 3.0
"""A call that still goes on is written at most this often; one that ended, at once. A writing replaces the whole call,
which changes a dozen times; what a crash may cost, the resync and the queue log bring back."""


class Carried:
    """Documents of calls on their way to the store: each continues what was written of it before this start."""

    def __init__(self) -> None:
        """Nothing was open at the start."""
        self._before: dict[str, Call] = {}
        self._over: dict[str, Call] = {}
        "Of those, the ones that have ended: a last change may still follow the end."
        self._held: dict[str, tuple[float, Call]] = {}
        "{call: (when to write it, how it stands)} of calls that go on."

    def __bool__(self) -> bool:
        """True while something is to be written."""
        return bool(self._held)

    def remember(self, calls: Iterable[Call]) -> None:
        """Calls that were open when the service last stopped: they are carried on, or closed at the first resync."""
        self._before = {call.id: call for call in calls}

    def lists_read(self, alive: Iterable[str], known: Callable[[str], bool], at: float) -> list[Call]:
        """After a resync: the calls of before that are over, closed. `known`: the core still tells of this one."""
        there = set(alive)
        gone = [call for call in self._before.values() if call.id not in there and not known(call.id)]
        for call in gone:
            del self._before[call.id]
        return [closed_in_gap(call, at) for call in gone]

    def changed(self, calls: Sequence[Call], now: float) -> list[Call]:
        """Calls as the core has them now; as they are to be shown and written. `now`: a clock that only grows."""
        whole: list[Call] = []
        for call in calls:
            old = self._before.get(call.id) or self._over.get(call.id)
            one = call if old is None else continued(old, call)
            if old is not None and call.ended_at is not None:
                self._over[call.id] = old
                self._before.pop(call.id, None)
            due = 0.0 if call.ended_at is not None else self._held.get(call.id, (now + OPEN_S,))[0]
            self._held[call.id] = (due, one)
            whole.append(one)
        return whole

    def next_due(self) -> float | None:
        """When the next of them is to be written; None where none is held."""
        return min((due for due, _ in self._held.values()), default=None)

    def merged(self, call: str) -> None:
        """It is no call of its own any longer."""
        self._held.pop(call, None)

    def due(self, now: float, *, everything: bool = False) -> list[Call]:
        """What is to be written now."""
        ready = [(id, call) for id, (due, call) in self._held.items() if due <= now or everything]
        for id, _ in ready:
            del self._held[id]
        return [call for _, call in ready]


def continued(old: Call, new: Call) -> Call:
    """The call as it was stored before a restart, carried on by what the core has seen since. Nothing old is lost."""
    return msgspec.structs.replace(
        new,
        direction=old.direction or new.direction,
        caller=old.caller or new.caller,
        dialed=old.dialed or new.dialed,
        started_at=old.started_at if old.started_at is not None else new.started_at,
        refused=old.refused + tuple(r for r in new.refused if r not in old.refused),
        visits=_visits(old.visits, new.visits),
        talks=_talks(old.talks, new),
        transfers=old.transfers + tuple(t for t in new.transfers if t not in old.transfers),
        partial=old.partial,
        gap=True,
    )


def closed_in_gap(call: Call, at: float) -> Call:
    """A call that ended while nobody looked: closed at the latest moment it can have ended, and marked."""
    talks = tuple(t if t.to is not None else msgspec.structs.replace(t, to=max(at, t.from_)) for t in call.talks)
    return msgspec.structs.replace(call, talks=talks, ended_at=at, gap=True)


def knows_more(stored: Call, waiting: Call) -> bool:
    """Of a call that waited to be written while somebody else may have written it: whether what is stored stays.

    One that ended is not replaced by one that goes on. Of two that ended, whoever saw all of it is believed; else, and
    of two that go on, the one that tells more, for what is told of a call only grows. Equal ones: the one that waited.
    """
    if (stored.ended_at is None) != (waiting.ended_at is None):
        return stored.ended_at is not None
    return _known(stored) > _known(waiting)


def _known(call: Call) -> tuple[bool, bool, int, int]:
    rings = sum(len(visit.missed) for visit in call.visits)
    parts = len(call.refused) + len(call.visits) + rings + len(call.talks) + len(call.transfers)
    settled = sum(v.outcome != "unknown" for v in call.visits) + sum(t.to is not None for t in call.talks)
    return not call.partial, call.ended_at is None or not call.gap, parts, settled


def _one_stretch(a: Talk, b: Talk) -> bool:
    """True for what two starts saw of one stretch: they overlap, or began together."""
    end_a, end_b = (math.inf if t.to is None else t.to for t in (a, b))
    return (a.from_ < end_b and b.from_ < end_a) or _near(a.from_, b.from_)


def _near(a: float | None, b: float | None) -> bool:
    return a is not None and b is not None and abs(a - b) <= SAME_S


def _visits(old: tuple[Visit, ...], new: tuple[Visit, ...]) -> tuple[Visit, ...]:
    rest = list(new)
    merged: list[Visit] = []
    for visit in old:
        same = next(
            (
                v
                for v in rest
                if v.queue == visit.queue
                and (v.joined_at is None or visit.joined_at is None or _near(v.joined_at, visit.joined_at))
            ),
            None,
        )
        if same is None:
            merged.append(visit)
            continue
        rest.remove(same)
        if visit.left_at is not None:
            merged.append(visit)
            continue
        missed = visit.missed + tuple(m for m in same.missed if m not in visit.missed)
        joined = visit.joined_at if visit.joined_at is not None else same.joined_at
        wait = same.wait_s
        if joined is not None and same.left_at is not None and same.outcome not in ("unknown", "pbx_restart"):
            wait = max(0.0, round(same.left_at - joined, 6))
        merged.append(msgspec.structs.replace(same, joined_at=joined, wait_s=wait, missed=missed))
    return (*merged, *rest)


def _talks(old: tuple[Talk, ...], new: Call) -> tuple[Talk, ...]:
    rest = list(new.talks)
    merged: list[Talk] = []
    for talk in old:
        same = next((t for t in rest if t.interface == talk.interface and _one_stretch(t, talk)), None)
        if same is not None:
            rest.remove(same)
            merged.append(
                msgspec.structs.replace(same, from_=talk.from_, to=talk.to if talk.to is not None else same.to)
            )
            continue
        if talk.to is None:  # its end was not seen: it was over when the next thing began
            later = (*(v.joined_at for v in new.visits), *(t.from_ for t in rest), new.ended_at)
            bound = min((t for t in later if t is not None and t >= talk.from_ + SAME_S), default=None)
            talk = msgspec.structs.replace(talk, to=bound)
        merged.append(talk)
    return (*merged, *rest)
