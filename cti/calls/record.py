"""The calls document: what one call was, as plain frozen records.

This is what `cti replay --calls` prints, what the store writes and what history reads. Times are epoch seconds
on the PBX's clock. None means not known or not yet.
"""

from __future__ import annotations

import msgspec

from cti.events import Direction, Outcome


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A queue that did not let the caller in."""

    queue: str
    reason: str
    "full or empty"
    at: float


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """One unanswered ring of a visit."""

    agent: str | None
    interface: str
    ring_s: float


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One stay in one queue."""

    queue: str
    joined_at: float | None
    left_at: float | None
    outcome: Outcome
    "unknown while the visit is still open"
    answered_at: float | None
    wait_s: float | None
    agent: str | None
    interface: str | None
    missed: tuple[Missed, ...] = ()


class Talk(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """One stretch in which a phone was bridged with the caller, hold included."""

    interface: str
    agent: str | None
    from_: float
    to: float | None


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """The caller handed on by a phone."""

    kind: str
    "blind, attended or blonde"
    by: str | None
    to: str | None
    at: float


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the caller experienced, from the first channel to the last hang-up."""

    id: str
    direction: Direction | None
    caller: str | None
    dialed: str | None
    started_at: float | None
    ended_at: float | None
    refused: tuple[Refused, ...]
    visits: tuple[Visit, ...]
    talks: tuple[Talk, ...]
    transfers: tuple[Transfer, ...]
    partial: bool = False
    "The beginning was not seen."
    gap: bool = False
    "The link was down during the call: an end or an outcome may be unknown."
