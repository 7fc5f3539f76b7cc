"""Our calls beside the PBX's own books: who is whom, where they differ, what to fill in afterwards (pure)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal, cast

import msgspec

from cti.calls.record import Call, Missed, Talk, Visit
from cti.events import Outcome
from cti.history.facts import entry
from cti.history.queue_log import LogVisit

NEAR_S: Final = 2.5
"Two entries into one queue this near may be one."
SAME_S: Final = 5.0
"Within one call, too: a call may enter a queue again, but not so soon."
WHOLE_S: Final = 1.5
"More than two clocks cut to the second can be apart."
CLAMP_S: Final = 4
"An entry that a gap hid is put right by so much at most; more is two clocks."
UNSEEN_S: Final = 60.0
"Where neither our entry nor our end is known."
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
    entry_seen: bool = True
    "False: `joined_at` is only the nearest moment that is known"


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
    """Visits of calls; one without a known entry stands at the nearest moment that is known."""
    found: list[Ours] = []
    for call in calls:
        for n, visit in enumerate(call.visits):
            at = entry(call, visit)
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
                    entry_seen=visit.joined_at is not None,
                )
            )
    return found


def pairs(
    ours: Sequence[Ours], theirs: Sequence[LogVisit]
) -> tuple[list[tuple[Ours, LogVisit]], list[Ours], list[LogVisit]]:
    """Who is whom: by call id and queue, else by queue and time; then those without a partner."""
    left = sorted(ours, key=lambda one: one.joined_at)
    by_call: dict[tuple[str, str], list[Ours]] = {}
    for one in left:
        by_call.setdefault((one.call, one.queue), []).append(one)
    # A caller may stand in the same queue twice: the nearest first.
    near_by_id = sorted(
        (
            (apart, not _agree(one, other), other.entered, one.n, one, other)
            for other in theirs
            for one in by_call.get((other.callid, other.queue), ())
            if (apart := _apart(one, other)) is not None
        ),
        key=lambda pair: pair[:4],
    )
    found: list[tuple[Ours, LogVisit]] = []
    taken: set[tuple[str, int]] = set()
    paired: set[str] = set()
    for _, _, _, _, one, other in near_by_id:
        if (one.call, one.n) not in taken and other.key not in paired:
            taken.add((one.call, one.n))
            paired.add(other.key)
            found.append((one, other))
    rest = [other for other in sorted(theirs, key=lambda visit: visit.entered) if other.key not in paired]
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


def _apart(one: Ours, other: LogVisit) -> float | None:
    """Whole seconds, as the log has them, between two entries of one call (two ends, where our entry was not seen).

    None where they are two visits.
    """
    if one.entry_seen:
        apart, most = abs(int(one.joined_at) - other.entered), SAME_S
    elif one.left_at is not None and other.left is not None:
        apart, most = abs(int(one.left_at) - other.left), SAME_S
    else:
        apart, most = abs(int(one.joined_at) - other.entered), UNSEEN_S
    return apart if apart <= most else None


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
        ours = call.visits[n]
        timed = _timed(visit, ours) if call.gap else ours
        joined = own.joined_at if timed.joined_at is None else timed.joined_at
        mine = whole_wait(msgspec.structs.replace(own, joined_at=joined, wait_s=timed.wait_s))
        # Of a call with a gap the log's wait is believed wherever `compare` would tell a difference.
        near = visit.wait_s is None or (mine is not None and (abs(mine - visit.wait_s) <= 1 or not call.gap))
        closed = timed if near and _agree(own, visit) else _closed(visit, timed, phones)
        talks = _talks(call, visit, closed)
        if closed == ours and talks == call.talks:
            return "same"
        if call.ended_at is None:
            return "later"
        ended = call.ended_at
        if ours.left_at is None and n == len(call.visits) - 1:  # nobody saw him go: the last that is known of him
            known_of = (call.started_at, closed.left_at, _end(visit), *(talk.to for talk in talks))
            ended = min(ended, max(t for t in known_of if t is not None))
        visits = (*call.visits[:n], closed, *call.visits[n + 1 :])
        if closed.joined_at != ours.joined_at:  # now that its entry is known, it has its place
            visits = tuple(sorted(visits, key=lambda v: _place(call, v)))
        done = msgspec.structs.replace(call, visits=visits, talks=talks, ended_at=ended, gap=True)
        return Filled(call=done, inserted=False)
    known = next((call for call in calls if call.id == visit.callid), None)
    new = _closed(visit, None, phones)
    if known is not None:
        if known.ended_at is None:
            return "later"
        visits = tuple(sorted((*known.visits, new), key=lambda v: _place(known, v)))
        talks = _talks(msgspec.structs.replace(known, gap=True), visit, new)
        call = msgspec.structs.replace(known, visits=visits, talks=talks, gap=True)
        return Filled(call=call, inserted=False)
    call = Call(
        id=visit.callid,
        direction="inbound",
        caller=visit.caller or None,
        dialed=None,
        started_at=float(visit.entered),
        ended_at=_end(visit) or new.left_at,
        refused=(),
        visits=(new,),
        talks=(),
        transfers=(),
        gap=True,
    )
    return Filled(call=msgspec.structs.replace(call, talks=_talks(call, visit, new)), inserted=True)


def _place(call: Call, visit: Visit) -> tuple[int, float]:
    """Where a visit stands among a call's: of two that began in one second the one that ended first was first."""
    return int(entry(call, visit) or 0.0), math.inf if visit.left_at is None else visit.left_at


def _timed(visit: LogVisit, ours: Visit) -> Visit:
    """Our visit with entry and end in the seconds that the log has: a gap and the lists' whole seconds hide both."""
    joined, left = _within(ours.joined_at, visit.entered), _within(ours.left_at, visit.left)
    if (joined, left) == (ours.joined_at, ours.left_at):
        return ours
    known = ours.wait_s is not None and joined is not None and left is not None
    return msgspec.structs.replace(
        ours,
        joined_at=joined,
        left_at=left,
        answered_at=left if ours.answered_at is not None and ours.answered_at == ours.left_at else ours.answered_at,
        wait_s=max(0.0, round(left - joined, 6)) if known and left is not None and joined is not None else None,
    )


def _within(at: float | None, second: int | None) -> float | None:
    """A moment put into a second near it; one further off is another moment, and stays."""
    if at is None or second is None or not 1 <= abs(int(at) - second) <= CLAMP_S:
        return at
    return min(max(at, float(second)), second + 0.999)


def _closed(visit: LogVisit, old: Visit | None, phones: Mapping[str, str]) -> Visit:
    joined = old.joined_at if old is not None and old.joined_at is not None else float(visit.entered)
    left = None if visit.left is None else max(float(visit.left), joined)
    if left is not None and old is not None and old.joined_at is not None and visit.outcome != "pbx_restart":
        # Both ends cut to the second are together less than a second off; one cut and one not may be nearly two.
        left = joined + max(0, visit.wait_s if visit.wait_s is not None else int(left) - visit.entered)
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


def _talks(call: Call, visit: LogVisit, closed: Visit) -> tuple[Talk, ...]:
    """The call's talks, with what the log knows of the one that followed the answer."""
    end, began = _end(visit), closed.answered_at
    if not call.gap or began is None or end is None:
        return call.talks
    end = max(end, began)
    own = [t for t in call.talks if t.interface == closed.interface and began - 2 <= t.from_ <= end + 2]
    if not own:
        if closed.wait_s is None or any(began - 2 <= t.from_ <= end for t in call.talks):
            return call.talks
        talk = Talk(interface=closed.interface or "", agent=closed.agent, from_=began, to=end)
        return tuple(sorted((*call.talks, talk), key=lambda t: t.from_))
    first, last = own[0], own[-1]
    changed: dict[int, Talk] = {}
    if first.from_ > began + WHOLE_S:
        changed[id(first)] = msgspec.structs.replace(first, from_=began)
    # Where nobody saw the end ours is only the latest it can have been. A talk handed on may go on behind the log.
    if not call.transfers and last.to is not None and last.to > end + WHOLE_S:
        kept = changed.get(id(last), last)
        changed[id(last)] = msgspec.structs.replace(kept, to=max(end, kept.from_))
    return tuple(changed.get(id(talk), talk) for talk in call.talks)


def _end(visit: LogVisit) -> float | None:
    return None if visit.ended is None else float(visit.ended)
