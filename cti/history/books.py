"""Our calls beside the PBX's own books: who is whom, where they differ, what to fill in afterwards (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal, cast

import msgspec

from cti.calls.record import Call, Missed, Talk, Visit
from cti.events import Outcome
from cti.history.queue_log import LogVisit

NEAR_S: Final = 2.5
"Two entries into one queue this near may be one."
_THEIR_WORD: Final = {"redirected": "abandoned", "waiting": "unknown"}
"queue_log says ABANDON of a caller whom a supervisor moved by Redirect."


class Ours(msgspec.Struct, frozen=True, kw_only=True):
    """A visit of one of our calls."""

    call: str
    n: int
    queue: str
    joined_at: float
    outcome: str
    wait_s: float | None
    left_at: float | None
    agent: str
    caller: str | None = None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something on which the two do not agree."""

    kind: Literal["missing", "extra", "outcome", "agent", "wait"]
    "missing: only queue_log has it; extra: only we have it"
    queue: str
    at: float
    call: str
    ours: str
    theirs: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The two beside each other."""

    counts: dict[tuple[str, int, str], tuple[int, int]]
    "{(queue, begin of the interval, outcome in queue_log's sense): (ours, theirs)}"
    waits: dict[tuple[str, int], tuple[int, int]]
    "{(queue, begin of the interval): seconds waited by the answered, ours and theirs}"
    differences: tuple[Difference, ...]
    matched: int


def ours_of(calls: Iterable[Call]) -> list[Ours]:
    """Visits of calls; one without a known entry stands at the call's beginning."""
    found: list[Ours] = []
    for call in calls:
        for n, visit in enumerate(call.visits):
            at = visit.joined_at if visit.joined_at is not None else call.started_at
            if at is None:
                continue
            agent = visit.agent or visit.interface or ""
            found.append(
                Ours(
                    call=call.id,
                    n=n,
                    queue=visit.queue,
                    joined_at=at,
                    outcome=visit.outcome,
                    wait_s=visit.wait_s,
                    left_at=visit.left_at,
                    agent=agent if visit.outcome == "answered" else "",
                    caller=call.caller,
                )
            )
    return found


def pairs(
    ours: Sequence[Ours], theirs: Sequence[LogVisit]
) -> tuple[list[tuple[Ours, LogVisit]], list[Ours], list[LogVisit]]:
    """Who is whom: by call id and queue, else by queue and time; then those without a partner."""
    left = sorted(ours, key=lambda one: one.joined_at)
    found: list[tuple[Ours, LogVisit]] = []
    rest: list[LogVisit] = []
    by_call: dict[tuple[str, str], list[Ours]] = {}
    for one in left:
        by_call.setdefault((one.call, one.queue), []).append(one)
    taken: set[tuple[str, int]] = set()
    for other in sorted(theirs, key=lambda visit: visit.entered):
        own = [o for o in by_call.get((other.callid, other.queue), ()) if (o.call, o.n) not in taken]
        best = min(own, key=lambda o: abs(o.joined_at - other.entered), default=None)
        if best is not None and abs(best.joined_at - other.entered) <= 60:
            taken.add((best.call, best.n))
            found.append((best, other))
        else:
            rest.append(other)
    free: dict[str, list[Ours]] = {}
    for one in left:
        if (one.call, one.n) not in taken:
            free.setdefault(one.queue, []).append(one)
    missing: list[LogVisit] = []
    for other in rest:
        near = [
            o
            for o in free.get(other.queue, ())
            if abs(o.joined_at - 0.5 - other.entered) <= NEAR_S and _same_caller(o, other)
        ]
        best = min(near, key=lambda o: (not _agree(o, other), abs(o.joined_at - other.entered)), default=None)
        if best is None:
            missing.append(other)
        else:
            free[other.queue].remove(best)
            found.append((best, other))
    return found, [one for some in free.values() for one in some], missing


def _same_caller(one: Ours, other: LogVisit) -> bool:
    """False where both name a caller and it is not one."""
    return not one.caller or not other.caller or one.caller == other.caller


def _agree(one: Ours, other: LogVisit) -> bool:
    return _word(one.outcome) == other.outcome and (other.outcome != "answered" or one.agent == other.agent)


def _word(outcome: str) -> str:
    return _THEIR_WORD.get(outcome, outcome)


def whole_wait(one: Ours) -> int | None:
    """Our wait as Asterisk counts it: between two clocks cut to the second."""
    if one.wait_s is None:
        return None
    return int(one.joined_at + one.wait_s) - int(one.joined_at)


def compare(
    ours: Sequence[Ours], theirs: Sequence[LogVisit], interval: Callable[[float], int] = lambda at: 0
) -> Comparison:
    """Counts by interval, each pair by our entry, and every difference. Waits may differ by one second."""
    found, extra, missing = pairs(ours, theirs)
    counts: dict[tuple[str, int, str], list[int]] = {}
    waits: dict[tuple[str, int], list[int]] = {}
    differences: list[Difference] = []

    def count(queue: str, at: float, outcome: str, side: int) -> None:
        counts.setdefault((queue, interval(at), outcome), [0, 0])[side] += 1

    for one, other in found:
        count(one.queue, one.joined_at, _word(one.outcome), 0)
        count(one.queue, one.joined_at, other.outcome, 1)
        mine = whole_wait(one)
        if other.outcome == "answered" == one.outcome:
            total = waits.setdefault((one.queue, interval(one.joined_at)), [0, 0])
            total[0] += mine or 0
            total[1] += other.wait_s or 0
        pair: list[tuple[Literal["outcome", "agent", "wait"], str, str]] = []
        if _word(one.outcome) != other.outcome:
            pair.append(("outcome", one.outcome, other.outcome))
        elif other.outcome == "answered" and one.agent != other.agent:
            pair.append(("agent", one.agent, other.agent))
        if mine is not None and other.wait_s is not None and abs(mine - other.wait_s) > 1:
            pair.append(("wait", str(mine), str(other.wait_s)))
        differences += [
            Difference(kind=kind, queue=one.queue, at=one.joined_at, call=one.call, ours=a, theirs=b)
            for kind, a, b in pair
        ]
    for one in extra:
        count(one.queue, one.joined_at, _word(one.outcome), 0)
        differences.append(
            Difference(kind="extra", queue=one.queue, at=one.joined_at, call=one.call, ours=one.outcome, theirs="")
        )
    for other in missing:
        count(other.queue, other.entered, other.outcome, 1)
        differences.append(
            Difference(
                kind="missing", queue=other.queue, at=other.entered, call=other.callid, ours="", theirs=other.outcome
            )
        )
    return Comparison(
        counts={key: (a, b) for key, (a, b) in sorted(counts.items())},
        waits={key: (a, b) for key, (a, b) in sorted(waits.items())},
        differences=tuple(sorted(differences, key=lambda d: d.at)),
        matched=len(found),
    )


# -- filling in -----------------------------------------------------------------------------------------


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """A call to write, as it stands now that queue_log was read."""

    call: Call
    inserted: bool
    "We had not seen it at all."


def fill(
    visit: LogVisit, calls: Sequence[Call], phones: Mapping[str, str], log: Sequence[LogVisit] = ()
) -> Filled | Literal["same", "later"]:
    """What a closed visit of the log adds to our calls (those of its id, or with an entry into its queue near its own).

    same: nothing; later: the call still runs, so the core will write it again. `phones` gives a member's phone, `log`
    what else the log says of that time: a visit of ours that is another's there is not this one.
    """
    if visit.outcome == "unknown":
        return "same"
    every = {other.key: other for other in (*log, visit)}
    found, _, _ = pairs(ours_of(calls), list(every.values()))
    own = next((one for one, other in found if other.key == visit.key), None)
    if own is not None:
        call = next(c for c in calls if c.id == own.call)
        n = own.n
        if call.visits[n].outcome != "unknown":
            return "same"
        if call.ended_at is None:
            return "later"
        closed = _closed(visit, call.visits[n], phones)
        talks = call.talks
        if visit.outcome == "answered" and not any(talk.from_ >= (visit.left or visit.entered) - 2 for talk in talks):
            talks = (*talks, *_talks(visit, closed))
        ended = max(t for t in (call.started_at, closed.left_at, _end(visit)) if t is not None)
        return Filled(
            call=msgspec.structs.replace(
                call,
                visits=(*call.visits[:n], closed, *call.visits[n + 1 :]),
                talks=talks,
                ended_at=ended if call.gap else call.ended_at,
                gap=True,
            ),
            inserted=False,
        )
    known = next((call for call in calls if call.id == visit.callid), None)
    new = _closed(visit, None, phones)
    if known is not None:
        if known.ended_at is None:
            return "later"
        visits = sorted((*known.visits, new), key=lambda v: v.joined_at or 0.0)
        call = msgspec.structs.replace(known, visits=tuple(visits), talks=(*known.talks, *_talks(visit, new)), gap=True)
        return Filled(call=call, inserted=False)
    return Filled(
        call=Call(
            id=visit.callid,
            direction="inbound",
            caller=visit.caller or None,
            dialed=None,
            started_at=float(visit.entered),
            ended_at=_end(visit) or new.left_at,
            refused=(),
            visits=(new,),
            talks=_talks(visit, new),
            transfers=(),
            gap=True,
        ),
        inserted=True,
    )


def _closed(visit: LogVisit, old: Visit | None, phones: Mapping[str, str]) -> Visit:
    joined = old.joined_at if old is not None and old.joined_at is not None else float(visit.entered)
    left = None if visit.left is None else max(float(visit.left), joined)
    answered = visit.outcome == "answered"
    rings = tuple(
        Missed(agent=agent, interface=phones.get(agent, agent), ring_s=ms / 1000) for agent, ms, _ in visit.missed
    )
    wait = None if left is None else round(left - joined, 3)
    return Visit(
        queue=visit.queue,
        joined_at=joined,
        left_at=left,
        outcome=cast(Outcome, visit.outcome),
        answered_at=left if answered else None,
        wait_s=None if visit.outcome in ("unknown", "pbx_restart") else wait,
        agent=visit.agent if answered else None,
        interface=phones.get(visit.agent, visit.agent) if answered else None,
        missed=rings or (old.missed if old is not None else ()),
    )


def _talks(visit: LogVisit, closed: Visit) -> tuple[Talk, ...]:
    end = _end(visit)
    if closed.answered_at is None or end is None:
        return ()
    return (
        Talk(
            interface=closed.interface or "",
            agent=closed.agent,
            from_=closed.answered_at,
            to=max(end, closed.answered_at),
        ),
    )


def _end(visit: LogVisit) -> float | None:
    return None if visit.ended is None else float(visit.ended)
