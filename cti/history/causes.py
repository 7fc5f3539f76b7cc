"""Why a call waited: the time between the first queue entry and the answer (or the loss), split by what went on (pure).

- ringing: a phone rang for the caller; which, and how long;
- nobody: nothing rang, and nobody of the queue was idle;
- announcement: nothing rang although somebody was idle (the queue spoke, or paused between two tries), or the agent had
  picked up and the queue spoke to him;
- overflow: between two queues;
- untold: nobody noted who was idle, or when phones rang.

Time before the queue (voice menu) is no wait of the 13 seconds; lists show it beside the split.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, Literal, Protocol, get_args

import msgspec

Cause = Literal["nobody", "ringing", "announcement", "overflow", "untold"]
CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)

Toggles = Sequence[tuple[int, int]]
"(at in ms, 1 somebody idle / 0 nobody / -1 not known from here on), in order"


class Ringing(Protocol):
    """A ring, as `facts.Moment` has it."""

    @property
    def doing(self) -> str:
        """Only ring counts here."""

    @property
    def interface(self) -> str:
        """The phone."""

    @property
    def agent(self) -> str:
        """The member's name."""

    @property
    def from_ms(self) -> int:
        """Begin."""

    @property
    def to_ms(self) -> int | None:
        """End; None where it was not seen."""

    @property
    def answered(self) -> bool:
        """This phone took the call."""


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """One visit's wait."""

    queue: str
    from_ms: int
    to_ms: int | None
    answered: bool
    missed: tuple[tuple[str, int], ...] = ()
    "(agent, ms rung in vain)"


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Part of a wait. `agents` are those whose phones rang."""

    cause: Cause
    from_ms: int
    ms: int
    agents: tuple[str, ...] = ()


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """A wait in its parts, in order; they add up to the wait."""

    stretches: tuple[Stretch, ...] = ()

    def spent(self) -> dict[Cause, int]:
        """Milliseconds by cause."""
        total: dict[Cause, int] = dict.fromkeys(CAUSES, 0)
        for stretch in self.stretches:
            total[stretch.cause] += stretch.ms
        return total

    def cause(self) -> Cause | None:
        """What most of the time went to; None where there was no wait. Of equals the first of CAUSES."""
        spent = self.spent()
        cause = max(CAUSES, key=lambda name: spent[name])
        return cause if spent[cause] > 0 else None


def late_split(stays: Sequence[Stay], rings: Sequence[Ringing], free: Mapping[str, Toggles]) -> Split:
    """The split of a chain of visits. A chain without a known end has no wait, and so no split."""
    out: list[Stretch] = []
    former: int | None = None
    if not stays or stays[-1].to_ms is None:
        return Split()
    for place, stay in enumerate(stays):
        if stay.to_ms is None:  # nobody saw its end: until the next one began, nothing can be said
            until = max(stay.from_ms, former or 0, stays[place + 1].from_ms)
            begin = stay.from_ms if former is None else former
            if until > begin:
                out.append(Stretch(cause="untold", from_ms=begin, ms=until - begin))
            former = until
            continue
        if former is not None and stay.from_ms > former:
            out.append(Stretch(cause="overflow", from_ms=former, ms=stay.from_ms - former))
        begin = stay.from_ms if former is None else max(stay.from_ms, former)
        out += _of_visit(stay, begin, stay.to_ms, rings, free.get(stay.queue, ()))
        former = max(begin, stay.to_ms)
    return Split(stretches=tuple(out))


def _of_visit(stay: Stay, begin: int, end: int, rings: Sequence[Ringing], toggles: Toggles) -> list[Stretch]:
    if end <= begin:
        return []
    noted = [r for r in rings if r.doing == "ring" and r.from_ms < end and (r.to_ms is None or r.to_ms > begin)]
    known = _state(toggles, begin) >= 0
    if not noted and not known:
        return _estimated(stay, begin, end)
    picked_up = max((r.to_ms for r in noted if r.answered and r.to_ms is not None), default=end)
    if not stay.answered:
        picked_up = end
    borders = {begin, end, *(at for at, _ in toggles if begin < at < end)}
    for ring in noted:
        borders |= {at for at in (ring.from_ms, ring.to_ms, picked_up) if at is not None and begin < at < end}
    out: list[Stretch] = []
    points = sorted(borders)
    for a, b in pairwise(points):
        ringing = [r for r in noted if r.from_ms <= a and (r.to_ms is None or r.to_ms >= b)]
        agents: tuple[str, ...] = ()
        cause: Cause
        if ringing:
            cause, agents = "ringing", tuple(dict.fromkeys(r.agent or r.interface for r in ringing))
        elif a >= picked_up:
            cause = "announcement"
        else:
            cause = {1: "announcement", 0: "nobody"}.get(_state(toggles, a), "untold")  # type: ignore[assignment]
        if out and out[-1].cause == cause and out[-1].agents == agents:
            out[-1] = msgspec.structs.replace(out[-1], ms=out[-1].ms + b - a)
        else:
            out.append(Stretch(cause=cause, from_ms=a, ms=b - a, agents=agents))
    return out


def _estimated(stay: Stay, begin: int, end: int) -> list[Stretch]:
    """Only how long phones rang in vain is known, not when: the rings first, then what nobody told."""
    out: list[Stretch] = []
    at = begin
    for agent, ms in stay.missed:
        ms = min(ms, end - at)
        if ms > 0:
            out.append(Stretch(cause="ringing", from_ms=at, ms=ms, agents=(agent,)))
            at += ms
    if at < end:
        out.append(Stretch(cause="untold", from_ms=at, ms=end - at))
    return out


def _state(toggles: Toggles, at: int) -> int:
    place = bisect_right(toggles, (at, 2))
    return toggles[place - 1][1] if place else -1
