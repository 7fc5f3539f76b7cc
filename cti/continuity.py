"""A call that outlived a restart of the service: what was written before and what is seen since are one call (pure)."""

from __future__ import annotations

import msgspec

from cti.calls.record import Call, Talk, Visit

SAME_S = 2.0
"Two beginnings this near are one."


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
        talks=_talks(old.talks, new.talks),
        transfers=old.transfers + tuple(t for t in new.transfers if t not in old.transfers),
        partial=old.partial,
        gap=True,
    )


def closed_in_gap(call: Call, at: float) -> Call:
    """A call that ended while nobody looked: closed at the latest moment it can have ended, and marked."""
    return msgspec.structs.replace(call, ended_at=at, gap=True)


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


def _talks(old: tuple[Talk, ...], new: tuple[Talk, ...]) -> tuple[Talk, ...]:
    rest = list(new)
    merged: list[Talk] = []
    for talk in old:
        same = next(
            (t for t in rest if t.interface == talk.interface and (talk.to is None or _near(t.from_, talk.from_))), None
        )
        if same is None:
            merged.append(talk)
            continue
        rest.remove(same)
        merged.append(msgspec.structs.replace(same, from_=talk.from_, to=talk.to if talk.to is not None else same.to))
    return (*merged, *rest)
