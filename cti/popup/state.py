"""What the pops remember of a call, and what they ask of the edges (pure)."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from cti import wire
from cti.events import Direction
from cti.popup.rules import Decision


class Head(msgspec.Struct, frozen=True):
    """What the sections say for the head of the pop."""

    intents: tuple[wire.Intent, ...] = ()
    "Why he may be calling."
    flags: tuple[wire.Flag, ...] = ()
    "What to mind before the first word."
    party: Any = None
    "The crm_bridge.model.Party as its profile says, which may be newer than what the look-up knew; None without one."


class Show(msgspec.Struct, frozen=True):
    """Push this head to the browsers of these users."""

    users: tuple[str, ...]
    pop: wire.Pop
    fresh: bool = False
    "True the first time: its sections follow."


class Close(msgspec.Struct, frozen=True):
    """Take this pop away at these users."""

    users: tuple[str, ...]
    pop: str
    reason: wire.CloseReason
    by: str | None = None


class ShowAgent(msgspec.Struct, frozen=True):
    """Push the users' own agent state."""

    users: tuple[str, ...]


class LookUp(msgspec.Struct, frozen=True):
    """Ask the CRM whose number this is, and come back with `matched` or `look_up_failed`."""

    call: str
    number: str


class Gather(msgspec.Struct, frozen=True):
    """Fetch the sections of the call's record: of the party where one is chosen, else what the number alone gives."""

    call: str
    party: str | None
    number: str | None


class Forget(msgspec.Struct, frozen=True):
    """Nothing of this call is shown any longer: what was fetched for it may go."""

    call: str


class Later(msgspec.Struct, frozen=True):
    """Something small changed in these pops: push their heads within a moment, together with what comes until then."""

    pops: tuple[str, ...]


Effect = Show | Close | ShowAgent | LookUp | Gather | Forget | Later


def pop_id(*parts: str) -> str:
    """A stable name that stands in URLs and holds neither a channel's name nor a number."""
    return hashlib.blake2s("\0".join(parts).encode("utf-8", "replace"), digest_size=10).hexdigest()


class PopState:
    """One pop: one phone and one call."""

    __slots__ = (
        "agent",
        "answered_at",
        "call",
        "came_by",
        "dismissed",
        "ended_at",
        "id",
        "interface",
        "ring",
        "ringing_since",
        "state",
        "users",
        "visit",
        "wait_s",
    )

    def __init__(self, id: str, call: CallState, interface: str, agent: str | None) -> None:
        self.id = id
        self.call = call
        self.interface = interface
        self.agent = agent
        self.ring: str | None = None
        self.visit: str | None = call.visit
        self.came_by: str | None = call.handed_by
        "Interface of the phone that handed the caller over to this one."
        self.state: wire.PopState = "ringing"
        self.ringing_since: float | None = None
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.wait_s: float | None = None
        self.users: tuple[str, ...] = ()
        "Who sees it: those at the phone while the call lives, afterwards those who were there at its end."
        self.dismissed: set[str] = set()

    @property
    def audience(self) -> tuple[str, ...]:
        """The users who see it and have not put it away."""
        if not self.dismissed:
            return self.users
        return tuple(u for u in self.users if u not in self.dismissed)


class CallState:
    """What is known of one call."""

    __slots__ = (
        "caller",
        "candidates",
        "choice",
        "decision",
        "dialed",
        "direction",
        "flags",
        "gathered",
        "handed_by",
        "id",
        "intents",
        "notes",
        "number",
        "over",
        "party",
        "pops",
        "queue",
        "visit",
        "waiting_since",
        "wanted",
    )

    def __init__(self, id: str, direction: Direction, caller: wire.Caller, number: str | None) -> None:
        self.id = id
        self.direction: Direction = direction
        self.caller = caller
        self.number = number
        "The number to look up as presented; None where there is none to look up."
        self.dialed: str | None = None
        self.choice: str | None = None
        self.queue: str | None = None
        self.visit: str | None = None
        self.waiting_since: float | None = None
        self.decision = Decision(level="withheld" if number is None else "pending")
        self.candidates: tuple[wire.Candidate, ...] = ()
        self.party: Any = None
        "The chosen crm_bridge.model.Party, or None."
        self.notes: dict[str, wire.Note] = {}
        "{user: his note}."
        self.handed_by: str | None = None
        "Interface of the phone that transferred last."
        self.intents: tuple[wire.Intent, ...] = ()
        self.flags: tuple[wire.Flag, ...] = ()
        self.pops: dict[str, PopState] = {}
        self.wanted = False
        "Somebody will see the record soon: its sections are worth fetching."
        self.gathered: str | None = None
        "Party the sections were asked for; '' for the number alone."
        self.over = False
        "The last leg is gone."
