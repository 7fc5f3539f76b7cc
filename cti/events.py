"""The vocabulary: what happened on the phones, in the past tense.

Every event is frozen and carries what its reader needs. `at` is always epoch seconds on the PBX's clock.
Channel names and Uniqueids never appear here: calls, visits and rings have keys of their own that do not
change when a call is transferred. Numbers are as the PBX presented them; None means withheld or unknown.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Direction = Literal["inbound", "outbound", "internal"]
Outcome = Literal[
    "answered",
    "abandoned",
    "timeout",
    "empty",
    "key",
    "withdrawn",
    "redirected",
    "pbx_restart",
    "unknown",
]
AgentPhase = Literal["idle", "ringing", "busy", "held", "wrapup", "paused", "unavailable", "unknown"]
RingEnd = Literal["answered", "answered_elsewhere", "missed", "caller_gone", "cancelled"]


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag=True):
    """Base of all events."""

    at: float
    "Epoch seconds on the PBX's clock."
    pbx: str = ""
    "Name of the PBX from the configuration."


class CallOffered(Event, frozen=True, kw_only=True):
    """A call began. A CRM look-up may start now, before any phone rings."""

    call: str
    direction: Direction
    caller: str | None
    caller_name: str | None
    dialed: str | None
    "First number dialled (the DID, for an inbound call)."


class CallRouted(Event, frozen=True, kw_only=True):
    """The caller chose in the menu (told by the dialplan's IvrChoice UserEvent)."""

    call: str
    choice: str


class CallQueued(Event, frozen=True, kw_only=True):
    """The caller entered a queue: a visit began."""

    call: str
    visit: str
    queue: str
    position: int | None
    waiting_since: float
    "Start of the 13-second clock: this entry, or the first of an unbroken chain of unanswered visits."
    caller: str | None
    caller_name: str | None
    dialed: str | None
    choice: str | None


class CallRefused(Event, frozen=True, kw_only=True):
    """A queue did not let the caller in."""

    call: str
    queue: str
    reason: Literal["full", "empty"]


class AgentRinging(Event, frozen=True, kw_only=True):
    """A phone began to ring for a call: the moment of the pop."""

    call: str
    ring: str
    "Key of this ring; the same in AgentMissed and RingEnded."
    visit: str | None
    "None for a ring outside a queue (transfer target, direct dial)."
    queue: str | None
    agent: str | None
    "The queue member's name, None for a phone that is no member's."
    interface: str
    "The phone that really rings (a Local member is resolved), such as PJSIP/8001."
    caller: str | None
    caller_name: str | None
    dialed: str | None
    choice: str | None
    waiting_since: float | None
    consult: bool = False
    "True when a colleague calls about the caller, so the pop belongs to the caller's call."


class RingEnded(Event, frozen=True, kw_only=True):
    """A phone stopped ringing."""

    call: str
    ring: str
    visit: str | None
    agent: str | None
    interface: str
    reason: RingEnd
    by: str | None = None
    "Who answered instead (agent name, else interface), for answered_elsewhere."


class AgentMissed(Event, frozen=True, kw_only=True):
    """A queue ring went unanswered: rang out, busy and declined cannot be told apart."""

    call: str
    visit: str
    ring: str
    queue: str
    agent: str | None
    interface: str
    ring_s: float


class CallAnswered(Event, frozen=True, kw_only=True):
    """A visit was answered (AgentConnect)."""

    call: str
    visit: str
    queue: str
    agent: str | None
    interface: str
    wait_s: float
    "Seconds from this visit's queue entry to AgentConnect."
    waiting_since: float


class TalkStarted(Event, frozen=True, kw_only=True):
    """A phone was bridged with the caller."""

    call: str
    interface: str
    agent: str | None


class TalkEnded(Event, frozen=True, kw_only=True):
    """A phone is no longer bridged with the caller."""

    call: str
    interface: str
    agent: str | None
    talk_s: float


class CallHeld(Event, frozen=True, kw_only=True):
    """A phone put the other side on hold."""

    call: str
    interface: str


class CallResumed(Event, frozen=True, kw_only=True):
    """A phone took the other side off hold."""

    call: str
    interface: str


class CallTransferred(Event, frozen=True, kw_only=True):
    """The caller was sent or handed on."""

    call: str
    kind: Literal["blind", "attended", "blonde"]
    by: str | None
    "Interface of the phone that transferred."
    to: str | None
    "Extension, or the number of the phone that took over."


class CallAbandoned(Event, frozen=True, kw_only=True):
    """The caller hung up while waiting."""

    call: str
    visit: str
    queue: str
    wait_s: float
    waiting_since: float


class CallLeftQueue(Event, frozen=True, kw_only=True):
    """A visit ended otherwise than by an answer or by the caller's hang-up."""

    call: str
    visit: str
    queue: str
    reason: Literal["timeout", "empty", "key", "withdrawn", "redirected", "pbx_restart", "unknown"]
    wait_s: float | None
    waiting_since: float


class CallerPlaced(Event, frozen=True, kw_only=True):
    """A waiting caller has another place in the same queue: somebody put him first."""

    call: str
    visit: str
    queue: str
    position: int


class SpyStarted(Event, frozen=True, kw_only=True):
    """A phone began to listen to a phone's talk."""

    call: str
    "The call that is listened to."
    interface: str
    "The phone that is listened to."
    by: str
    "The phone that listens."
    spy: str
    "The listening phone's own call."


class SpyStopped(Event, frozen=True, kw_only=True):
    """A phone no longer listens."""

    by: str
    spy: str


class OriginateFailed(Event, frozen=True, kw_only=True):
    """A phone that was to be called from here did not answer: busy, rang out, or cannot be reached."""

    call: str
    interface: str


class CallEnded(Event, frozen=True, kw_only=True):
    """The last leg of the call is gone."""

    call: str


class CallMerged(Event, frozen=True, kw_only=True):
    """A consultation call became part of another call; `call` no longer exists on its own."""

    call: str
    into: str


class SlaBreached(Event, frozen=True, kw_only=True):
    """A waiting caller passed the queue's target. Once a visit."""

    call: str
    visit: str
    queue: str
    waiting_since: float
    target_s: float


class QueueMembership(msgspec.Struct, frozen=True, kw_only=True):
    """One agent's place in one queue."""

    queue: str
    paused: bool
    reason: str
    "Why paused, '' if not said."
    penalty: int
    status: int
    "AST_DEVICE_* as QueueMemberStatus says it: 1 idle, 2 in use, 3 busy, 5 unavailable, 6 ringing, 8 on hold."
    in_call: bool
    wrapup_until: float | None
    "End of the queue's wrap-up time, if it runs."


class AgentState(msgspec.Struct, frozen=True, kw_only=True):
    """One agent (a queue member) across all his queues."""

    agent: str
    "The member's name."
    interface: str
    "The member's phone: the device of its StateInterface where the member is a Local channel."
    phase: AgentPhase
    since: float
    "When this phase began."
    call: str | None
    queue: str | None
    "The queue whose call the agent has or is being rung for."
    pause_reason: str
    missed: int
    "Rings missed in a row."
    queues: tuple[QueueMembership, ...]


class AgentChanged(Event, frozen=True, kw_only=True):
    """An agent's state or membership changed; `agent` is the whole new state."""

    agent: AgentState


class AgentGone(Event, frozen=True, kw_only=True):
    """An agent is no longer a member of any queue."""

    interface: str


class PbxConnected(Event, frozen=True, kw_only=True):
    """The link to the PBX stands and is being synchronised."""


class PbxLost(Event, frozen=True, kw_only=True):
    """The link to the PBX broke: what is shown is as old as `at`."""


class PbxResynced(Event, frozen=True, kw_only=True):
    """The state equals the PBX's again."""


class PbxRestarted(Event, frozen=True, kw_only=True):
    """The PBX booted anew; calls of the old boot are over."""


AnyEvent = (
    CallOffered
    | CallRouted
    | CallQueued
    | CallRefused
    | AgentRinging
    | RingEnded
    | AgentMissed
    | CallAnswered
    | TalkStarted
    | TalkEnded
    | CallHeld
    | CallResumed
    | CallTransferred
    | CallAbandoned
    | CallLeftQueue
    | CallerPlaced
    | SpyStarted
    | SpyStopped
    | OriginateFailed
    | CallEnded
    | CallMerged
    | SlaBreached
    | AgentChanged
    | AgentGone
    | PbxConnected
    | PbxLost
    | PbxResynced
    | PbxRestarted
)
