"""Countable rows of one call, derived from its document and from what was noted meanwhile (pure).

A queue's figures count visits, each with its own wait. Figures of a caller count his unbroken chain of unanswered
visits once, from its first entry (DESIGN: clock of the 13 seconds). Most chains are one visit: one row for both.
Times are whole milliseconds on the PBX's clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from cti.board.metrics import to_ms
from cti.calls.record import Call, Visit
from cti.history.causes import Split, Stay, Toggles, late_split

FACTS_VERSION: Final = 1
"Rises when rows are derived differently: a store of an older version derives them anew."

BOTH: Final = 0
"A visit that is a whole chain: counts for its queue and for its caller."
VISIT: Final = 1
CHAIN: Final = 2
UNQUEUED: Final = 3
"An inbound call that entered no queue: it counts where a line's arrivals are counted, in no service level."

GAP: Final = 1
"The link was down during the call."
BACKFILL: Final = 2
"Something of it was taken from queue_log afterwards."
PARTIAL: Final = 4
"Its beginning was not seen."

Doing = Literal["hold", "wrapup", "ring"]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch that the calls document does not have: a hold, a wrap-up, a ring."""

    call: str
    doing: Doing
    interface: str
    from_ms: int
    to_ms: int | None
    agent: str = ""
    answered: bool = False
    "A ring that was answered by this phone."
    queue: str = ""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One row to count."""

    at_ms: int
    "Entry of the visit, or of the chain's first visit."
    call: str
    n: int
    "Number of the (last) visit in its call, from 0; refusals follow from 1000."
    kind: int
    queue: str
    line: str
    "The number dialled, '' where unknown."
    agent: str
    "Who answered, '' for nobody: the member's name, else the phone."
    interface: str
    outcome: str
    "An events.Outcome, or waiting, refused, unqueued."
    wait_ms: int | None
    lead_ms: int | None
    "From the call's beginning to this entry; None after an answer, where a new clock begins."
    talk_ms: int = 0
    "Bridged with the answering phone, hold taken out."
    hold_ms: int = 0
    wrap_ms: int = 0
    transfers: int = 0
    quality: int = 0
    cause: str = ""
    "What most of the wait went to, '' for no wait."
    nobody_ms: int = 0
    ringing_ms: int = 0
    announcement_ms: int = 0
    overflow_ms: int = 0
    untold_ms: int = 0


class MissedFact(msgspec.Struct, frozen=True, kw_only=True):
    """One ring that nobody answered, at its visit's entry."""

    at_ms: int
    call: str
    n: int
    m: int
    queue: str
    line: str
    agent: str
    interface: str
    ring_ms: int


def chains(call: Call) -> list[tuple[int, int]]:
    """(first, last) visit numbers of each unbroken chain of unanswered visits, the answered one included."""
    found: list[tuple[int, int]] = []
    first = 0
    for n, visit in enumerate(call.visits):
        if visit.outcome == "answered" or n == len(call.visits) - 1:
            found.append((first, n))
            first = n + 1
    return found


def entry(call: Call, visit: Visit) -> float | None:
    """When a visit began, or the nearest that is known."""
    waited = None if visit.left_at is None or visit.wait_s is None else visit.left_at - visit.wait_s
    for at in (visit.joined_at, waited, call.started_at, visit.left_at, call.ended_at):
        if at is not None:
            return at
    return None


def facts(
    call: Call, moments: Sequence[Moment] = (), free: Mapping[str, Toggles] | None = None, *, backfilled: bool = False
) -> tuple[list[Fact], list[MissedFact]]:
    """The rows of a call. `free`: when each queue had somebody idle, {} or None where that was not noted."""
    line = call.dialed or ""
    quality = GAP * call.gap + BACKFILL * backfilled + PARTIAL * call.partial
    rows: list[Fact] = []
    missed: list[MissedFact] = []
    for n, refusal in enumerate(call.refused):
        rows.append(
            Fact(
                at_ms=to_ms(refusal.at),
                call=call.id,
                n=1000 + n,
                kind=BOTH,
                queue=refusal.queue,
                line=line,
                agent="",
                interface="",
                outcome="refused",
                wait_ms=None,
                lead_ms=_since(call.started_at, refusal.at),
                quality=quality,
            )
        )
    if not call.visits and not call.refused and call.direction == "inbound" and call.started_at is not None:
        rows.append(
            Fact(
                at_ms=to_ms(call.started_at),
                call=call.id,
                n=0,
                kind=UNQUEUED,
                queue="",
                line=line,
                agent="",
                interface="",
                outcome="unqueued",
                wait_ms=None,
                lead_ms=None,
                quality=quality,
            )
        )
    for order, (first, last) in enumerate(chains(call)):
        rows += _chain(call, first, last, order == 0, line, quality, moments, free or {})
        for n in range(first, last + 1):
            visit = call.visits[n]
            at = entry(call, visit)
            for m, ring in enumerate(visit.missed if at is not None else ()):
                missed.append(
                    MissedFact(
                        at_ms=to_ms(at or 0.0),
                        call=call.id,
                        n=n,
                        m=m,
                        queue=visit.queue,
                        line=line,
                        agent=ring.agent or ring.interface,
                        interface=ring.interface,
                        ring_ms=to_ms(ring.ring_s),
                    )
                )
    return rows, missed


def _chain(
    call: Call,
    first: int,
    last: int,
    is_first: bool,
    line: str,
    quality: int,
    moments: Sequence[Moment],
    free: Mapping[str, Toggles],
) -> list[Fact]:
    start = entry(call, call.visits[first])
    if start is None:
        return []
    rows: list[Fact] = []
    for n in range(first, last + 1):
        visit = call.visits[n]
        at = entry(call, visit) or start
        work = _work(call, n, moments) if visit.outcome == "answered" else _Work()
        waiting = visit.outcome == "unknown" and visit.left_at is None and call.ended_at is None
        own = Fact(
            at_ms=to_ms(at),
            call=call.id,
            n=n,
            kind=BOTH if first == last else VISIT,
            queue=visit.queue,
            line=line,
            agent=(visit.agent or visit.interface or "") if visit.outcome == "answered" else "",
            interface=(visit.interface or "") if visit.outcome == "answered" else "",
            outcome="waiting" if waiting else visit.outcome,
            wait_ms=None if visit.wait_s is None else to_ms(visit.wait_s),
            lead_ms=_since(call.started_at, at) if is_first else None,
            talk_ms=work.talk_ms,
            hold_ms=work.hold_ms,
            wrap_ms=work.wrap_ms,
            transfers=work.transfers,
            quality=quality,
        )
        rows.append(_with_split(own, late_split([stay_of(visit, at)], moments, free)))
    if first != last:
        told = rows[-1]
        wait = None if told.wait_ms is None else told.wait_ms + max(0, told.at_ms - to_ms(start))
        whole = msgspec.structs.replace(
            told,
            kind=CHAIN,
            at_ms=to_ms(start),
            wait_ms=wait,
            lead_ms=_since(call.started_at, start) if is_first else None,
        )
        stays = [stay_of(visit, entry(call, visit) or start) for visit in call.visits[first : last + 1]]
        rows.append(_with_split(whole, late_split(stays, moments, free)))
    return rows


def stay_of(visit: Visit, at: float) -> Stay:
    """A visit that began at `at`, as the causes take it."""
    end = None if visit.wait_s is None else to_ms(at) + to_ms(visit.wait_s)
    return Stay(
        queue=visit.queue,
        from_ms=to_ms(at),
        to_ms=end,
        answered=visit.outcome == "answered",
        missed=tuple((ring.agent or ring.interface, to_ms(ring.ring_s)) for ring in visit.missed),
    )


def _with_split(fact: Fact, split: Split) -> Fact:
    if fact.wait_ms is None:
        return fact
    spent = split.spent()
    return msgspec.structs.replace(
        fact,
        cause=split.cause() or "",
        nobody_ms=spent["nobody"],
        ringing_ms=spent["ringing"],
        announcement_ms=spent["announcement"],
        overflow_ms=spent["overflow"],
        untold_ms=spent["untold"],
    )


class _Work(msgspec.Struct, frozen=True, kw_only=True):
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_ms: int = 0
    transfers: int = 0


def _work(call: Call, n: int, moments: Sequence[Moment]) -> _Work:
    """What the phone that answered visit `n` did for the caller until it answered him again."""
    visit = call.visits[n]
    at = visit.answered_at if visit.answered_at is not None else visit.left_at
    if at is None:
        return _Work()
    again = (
        later.answered_at
        for later in call.visits[n + 1 :]
        if later.outcome == "answered" and later.interface == visit.interface and later.answered_at is not None
    )
    begin, end = to_ms(at) - 1000, min((to_ms(t) - 1000 for t in again), default=2**62)
    bridged = [
        (to_ms(talk.from_), to_ms(talk.to))
        for talk in call.talks
        if talk.interface == visit.interface and talk.to is not None and begin <= to_ms(talk.from_) < end
    ]
    own = [m for m in moments if m.interface == visit.interface and begin <= m.from_ms < end and m.to_ms is not None]
    held = [(m.from_ms, m.to_ms or 0) for m in own if m.doing == "hold"]
    hold_ms = sum(_overlap(stretch, talk) for stretch in _merged(held) for talk in bridged)
    return _Work(
        talk_ms=sum(b - a for a, b in bridged) - hold_ms,
        hold_ms=hold_ms,
        wrap_ms=sum((m.to_ms or 0) - m.from_ms for m in own if m.doing == "wrapup"),
        transfers=sum(1 for t in call.transfers if t.by == visit.interface and begin <= to_ms(t.at) < end),
    )


def _merged(stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for a, b in sorted(stretches):
        if out and a <= out[-1][1]:
            out[-1] = (out[-1][0], max(b, out[-1][1]))
        else:
            out.append((a, b))
    return out


def _overlap(one: tuple[int, int], two: tuple[int, int]) -> int:
    return max(0, min(one[1], two[1]) - max(one[0], two[0]))


def _since(began: float | None, at: float) -> int | None:
    return None if began is None else max(0, to_ms(at) - to_ms(began))
