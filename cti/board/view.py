"""The board's parts as the page gets them (docs/reference/push.md). Times are epoch seconds of the PBX's clock."""

from __future__ import annotations

from typing import Literal

import msgspec

from cti.events import AgentPhase


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The day's figures and the people, over everything that the board shows."""

    offered: int
    "answered + abandoned + outflow + still waiting; what stands aside is not in it"
    answered: int
    in_target: int
    abandoned: int
    outflow: int
    aside: int
    "restart of the PBX, unknown, refused: in no denominator"
    service_level: float | None
    "0..1 by variant V2, None for no data"
    asa_s: float | None
    waiting: int
    over: int
    "of those who wait, past the target"
    live_now: float | None
    "share of those who wait that are not past it, None if nobody waits"
    live_event: float | None
    "V2 in which those past it count already"
    longest_since: float | None
    logged_in: int
    idle: int
    ringing: int
    busy: int
    wrapup: int
    paused: int
    unavailable: int


class Interval(msgspec.Struct, frozen=True):
    """A quarter of an hour, by entry."""

    at: int
    offered: int
    late: int
    "answered late, abandoned, or waiting past the target"
    answered: int
    in_target: int
    abandoned: int
    service_level: float | None


class QueueView(Totals, frozen=True, kw_only=True):
    """One queue."""

    queue: str
    label: str
    target_s: float
    goal: float
    recent: tuple[Interval, ...]


class Ring(msgspec.Struct, frozen=True, kw_only=True):
    """A phone that rings for a caller."""

    agent: str | None
    interface: str
    since: float


class WrapupNext(msgspec.Struct, frozen=True, kw_only=True):
    """Who will be free next."""

    agent: str
    until: float


class Taker(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who could take a call: now, or after the wrap-up."""

    agent: str
    interface: str
    phase: Literal["idle", "wrapup"]
    since: float
    until: float | None
    "End of the wrap-up, if it is known."


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """A ring that an agent did not answer."""

    at: float
    queue: str
    ring_s: float


class CallerView(msgspec.Struct, frozen=True, kw_only=True):
    """One waiting caller."""

    visit: str
    call: str
    queue: str
    position: int
    waiting_since: float
    target_s: float
    number: str | None
    display: str
    region: str
    name: str | None
    company: str | None
    tier: str | None
    party: str | None
    new: bool
    "the number was looked up and nobody knows it"
    ringing: tuple[Ring, ...]
    idle_agents: tuple[str, ...]
    "who could take it now, at most three, best first"
    wrapup_next: WrapupNext | None
    can_take: tuple[Taker, ...]
    "idle ones best first, then those in wrap-up, the next one first; at most three each"


class AgentView(msgspec.Struct, frozen=True, kw_only=True):
    """One agent."""

    agent: str
    interface: str
    phase: AgentPhase
    since: float
    queue: str | None
    call: str | None
    caller: str | None
    "the other side's number"
    caller_name: str | None
    company: str | None
    pause_reason: str
    missed: int
    last_missed: Missed | None
    "the last ring of today that nobody answered here"
    paused_since: float | None
    "since when there is a pause in any queue"
    paused_in: tuple[str, ...]
    group: str
    queues: tuple[str, ...]


class BoardView(msgspec.Struct, frozen=True, kw_only=True):
    """The whole board."""

    variant: Literal["V2"]
    target_s: float
    totals: Totals
    queues: dict[str, QueueView]
    callers: dict[str, CallerView]
    agents: dict[str, AgentView]


class Changes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Parts of the board that are different now; None for a part that is gone."""

    totals: Totals | None = None
    queues: dict[str, QueueView | None] = {}
    callers: dict[str, CallerView | None] = {}
    agents: dict[str, AgentView | None] = {}
