"""One call told step by step: what its caller waited for, who let it ring and how long, who talked and held (pure).

The waits are split as the reports split them (`causes.late_split`), in order and with the agents whose phones rang.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from cti.board.metrics import to_ms
from cti.calls.record import Call
from cti.history.causes import Toggles, late_split
from cti.history.facts import BACKFILL, GAP, PARTIAL, Moment, chains, entry, stay_of

Doing = Literal[
    "arrived",
    "entered",
    "nobody",
    "ringing",
    "announcement",
    "overflow",
    "untold",
    "left",
    "refused",
    "missed",
    "talk",
    "hold",
    "wrapup",
    "transfer",
    "ended",
]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, or went on."""

    at: float
    doing: Doing
    seconds: float | None = None
    "How long it went on; null for a moment, and for what nobody saw the end of."
    queue: str = ""
    agents: tuple[str, ...] = ()
    to: str = ""
    "Of a transfer: whom it went to."
    outcome: str = ""
    "Of `left` the visit's, of `refused` the reason, of `transfer` its kind."


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A call."""

    call: str
    direction: str
    line: str
    caller: str | None
    quality: int
    "Bits: 1 the link was down meanwhile, 2 completed from queue_log, 4 its beginning was not seen."
    steps: tuple[Step, ...]
    "By time."


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What the store has of a call."""

    call: Call
    moments: tuple[Moment, ...]
    free: Mapping[str, Toggles]
    backfilled: bool


def phones(source: Source) -> frozenset[str]:
    """Phones that had to do with the call: they rang for it or talked."""
    call = source.call
    found = {visit.interface for visit in call.visits} | {talk.interface for talk in call.talks}
    found |= {ring.interface for visit in call.visits for ring in visit.missed}
    found |= {moment.interface for moment in source.moments}
    return frozenset(name for name in found if name)


def story(source: Source) -> Story:
    """The call in order."""
    call = source.call
    order: dict[Doing, int] = {"arrived": 0, "left": 2, "ended": 3}
    steps = sorted(_steps(source), key=lambda step: (step.at, order.get(step.doing, 1)))
    return Story(
        call=call.id,
        direction=call.direction or "",
        line=call.dialed or "",
        caller=call.caller,
        quality=GAP * call.gap + BACKFILL * source.backfilled + PARTIAL * call.partial,
        steps=tuple(steps),
    )


def _steps(source: Source) -> Iterator[Step]:
    call = source.call
    if call.started_at is not None:
        yield Step(at=call.started_at, doing="arrived")
    for refusal in call.refused:
        yield Step(at=refusal.at, doing="refused", queue=refusal.queue, outcome=refusal.reason)
    for first, last in chains(call):
        yield from _chain(source, first, last)
    names = {visit.interface: visit.agent for visit in call.visits} | {
        talk.interface: talk.agent for talk in call.talks
    }
    for talk in call.talks:
        seconds = None if talk.to is None else talk.to - talk.from_
        yield Step(at=talk.from_, doing="talk", seconds=seconds, agents=(talk.agent or talk.interface,))
    for moment in source.moments:
        if moment.doing != "ring":
            yield _of_moment(moment)
    for transfer in call.transfers:
        who = (names.get(transfer.by) or transfer.by,) if transfer.by else ()
        yield Step(at=transfer.at, doing="transfer", agents=who, to=transfer.to or "", outcome=transfer.kind)
    if call.ended_at is not None:
        yield Step(at=call.ended_at, doing="ended")


def _of_moment(moment: Moment) -> Step:
    return Step(
        at=moment.from_ms / 1000,
        doing="hold" if moment.doing == "hold" else "wrapup",
        seconds=None if moment.to_ms is None else (moment.to_ms - moment.from_ms) / 1000,
        agents=(moment.agent or moment.interface,),
    )


def _chain(source: Source, first: int, last: int) -> Iterator[Step]:
    """A caller's unbroken wait: where he entered, what went on, how each stay ended, and who let it ring in vain."""
    visits = source.call.visits[first : last + 1]
    begins = [(visit, at) for visit in visits if (at := entry(source.call, visit)) is not None]
    for visit, at in begins:
        yield Step(at=at, doing="entered", queue=visit.queue)
        if visit.left_at is not None:
            who = (visit.agent or visit.interface or "",) if visit.outcome == "answered" else ()
            yield Step(at=visit.left_at, doing="left", queue=visit.queue, outcome=visit.outcome, agents=who)
    split = late_split([stay_of(visit, at) for visit, at in begins], source.moments, source.free)
    for stretch in split.stretches:
        yield Step(
            at=stretch.from_ms / 1000, doing=stretch.cause, seconds=stretch.ms / 1000, agents=tuple(stretch.agents)
        )
    yield from _in_vain(source.moments, begins[0][1] if begins else None, visits[-1].left_at)


def _in_vain(moments: Sequence[Moment], since: float | None, until: float | None) -> Iterator[Step]:
    """Rings that ended without an answer while he waited, each for itself: several phones may ring together."""
    for ring in moments:
        if ring.doing != "ring" or ring.answered or ring.to_ms is None or since is None:
            continue
        if ring.from_ms >= to_ms(since) and (until is None or ring.from_ms <= to_ms(until)):
            seconds = (ring.to_ms - ring.from_ms) / 1000
            yield Step(
                at=ring.to_ms / 1000,
                doing="missed",
                seconds=seconds,
                queue=ring.queue,
                agents=(ring.agent or ring.interface,),
            )
