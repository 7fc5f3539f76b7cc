"""Frames and events as JSON: every shape the pages see, and one version number (pure).

Outgoing frames are made of two parts: a short head that differs from connection to connection (`seq`, `now`) and a
body that is encoded once for everybody. Incoming frames are a closed union: whatever is not one of them is refused.
The shapes and their meaning are described in docs/reference/push.md.
"""

from __future__ import annotations

import unicodedata
from typing import Any, Final, Literal

import msgspec

from cti.events import AnyEvent

VERSION: Final = 1
"Version of the push frames; a page that says another one is told to reload."

PopState = Literal["ringing", "talking", "held", "ended"]
CloseReason = Literal["answered_elsewhere", "caller_gone", "cancelled", "missed", "dismissed", "replaced"]
MatchState = Literal["exact", "several", "unknown", "withheld", "pending", "down"]
SectionName = Literal["profile", "business", "calls", "sms", "chat", "quotes"]
SectionState = Literal["loading", "ready", "empty", "late", "error", "denied"]
SECTIONS: Final[tuple[SectionName, ...]] = ("quotes", "business", "profile", "calls", "sms", "chat")
"The unified record's sections in the order of the page."


class WireError(ValueError):
    """What came in is not a frame of this protocol. The text says why and quotes nothing of it."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything that goes out."""


class Caller(Shape, frozen=True, kw_only=True):
    """Who presents himself on the line."""

    number: str | None
    display: str
    "The number grouped for reading, or words for a withheld one."
    cls: str = msgspec.field(name="class")
    class_label: str
    class_label_en: str
    region: str
    region_en: str
    name: str | None
    "The presented name without control and direction characters; as hostile as before in every other respect."


class Party(Shape, frozen=True, kw_only=True):
    """A company or a person of the CRM."""

    id: str
    kind: str
    name: str
    company: str | None
    role: str | None
    category: str | None
    category_label: str | None
    tier: str | None
    owner: str | None
    owner_name: str | None
    owner_phase: str | None
    tags: tuple[str, ...]
    version: int


class Candidate(Shape, frozen=True, kw_only=True):
    """One party the number may belong to, with the reason in words."""

    party: Party
    level: str
    reason: str
    reason_en: str
    last_contact: float | None = None


class MatchView(Shape, frozen=True, kw_only=True):
    """What the look-up came to."""

    level: MatchState
    chosen: str | None = None
    candidates: tuple[Candidate, ...] = ()


class Line(Shape, frozen=True, kw_only=True):
    """The number that was dialled."""

    number: str
    label: str


class Choice(Shape, frozen=True, kw_only=True):
    """What the caller chose in the menu."""

    key: str
    label: str


class QueueName(Shape, frozen=True, kw_only=True):
    """A queue with its label and its target in seconds."""

    id: str
    label: str
    target_s: float


class With(Shape, frozen=True, kw_only=True):
    """Another phone that rings for, or talks in, the same call."""

    agent: str | None
    interface: str
    state: PopState


class CameFrom(Shape, frozen=True, kw_only=True):
    """Who handed the caller over, and what he noted."""

    agent: str | None
    note: str


class Note(Shape, frozen=True, kw_only=True):
    """The note of a call as it is saved."""

    text: str
    saved_at: float
    version: int
    by: str
    "Login of its writer."


class Intent(Shape, frozen=True, kw_only=True):
    """Why he may be calling, and what that rests on."""

    text: str
    text_en: str
    evidence: str
    evidence_en: str
    kind: Literal["missed", "complaint", "quote", "enquiry", "callback", "message", "shipment"]
    today: bool
    "Something has to be done about it today."


class Flag(Shape, frozen=True, kw_only=True):
    """What to mind before the first word."""

    kind: Literal["overdue", "birthday"]
    text: str
    text_en: str


class Pop(Shape, frozen=True, kw_only=True):
    """The head of a pop: all that is not a section."""

    id: str
    call: str
    visit: str | None
    state: PopState
    direction: str
    caller: Caller
    match: MatchView
    party: Party | None
    line: Line | None
    choice: Choice | None
    queue: QueueName | None
    waiting_since: float | None
    ringing_since: float | None
    answered_at: float | None
    ended_at: float | None
    wait_s: float | None
    agent: str | None
    interface: str
    with_: tuple[With, ...] = msgspec.field(name="with")
    came_from: CameFrom | None
    note: Note | None
    draft: Any
    "What the page asked to keep for this call; not looked into."
    intents: tuple[Intent, ...]
    flags: tuple[Flag, ...] = ()


class Section(Shape, frozen=True, kw_only=True):
    """One section of the unified record, as old as `as_of`."""

    name: SectionName
    state: SectionState
    as_of: float | None = None
    total: int = 0
    items: tuple[Any, ...] = ()
    text: str = ""
    "The reason in words, for late, error and denied."
    text_en: str = ""
    trend: Any = msgspec.UNSET
    "Of quotes only: the lane's price over the weeks, null where there is none worth showing."


class CallItem(Shape, frozen=True, kw_only=True):
    """One earlier call."""

    id: str
    at: float
    direction: str
    outcome: str
    queue: str | None
    queue_label: str
    wait_s: float | None
    talk_s: float | None
    agent: str | None
    number: str | None
    note: str
    gap: bool = False
    "The link was down during the call: what is said of it may be incomplete."
    target_s: float | None = None
    "What the queue promises now, in lists of several customers' calls; null without a queue."
    party: Party | None = None
    "Whose the number is, in lists of several customers' calls; null where nobody or several have it."


class SmsItem(Shape, frozen=True, kw_only=True):
    """One message."""

    id: str
    at: float
    direction: str
    text: str
    status: str
    by: str | None


class Me(Shape, frozen=True, kw_only=True):
    """The user behind the page."""

    user: str
    name: str
    role: str
    language: str
    interfaces: tuple[str, ...]
    rights: tuple[str, ...]


class Phone(Shape, frozen=True, kw_only=True):
    """A phone the user may take."""

    interface: str
    label: str
    taken_by: str | None


class LinkView(Shape, frozen=True, kw_only=True):
    """State of what the pages depend on."""

    state: str
    since: float
    text: str
    text_en: str
    store_ok: bool
    crm_ok: bool


class AgentQueue(Shape, frozen=True, kw_only=True):
    """The user's place in one queue."""

    queue: str
    label: str
    paused: bool
    reason: str
    penalty: int
    wrapup_until: float | None


class AgentView(Shape, frozen=True, kw_only=True):
    """The user's own state as the PBX says it."""

    agent: str
    interface: str
    phase: str
    since: float
    call: str | None
    queue: str | None
    pause_reason: str
    missed: int
    queues: tuple[AgentQueue, ...]


class Today(Shape, frozen=True, kw_only=True):
    """The agent's own day, derived from the calls of the day."""

    answered: int
    in_target: int
    missed: int
    target_s: float


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="hello"):
    """First frame from a page."""

    v: int
    page: Literal["desk", "board", "plain", "wallboard"]
    "plain: who I am and the link, for pages that ask for what they show."
    last_seq: int = 0


class Beat(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="beat"):
    """The page is alive."""


class Seen(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="seen"):
    """The page has drawn a pop."""

    pop: str = msgspec.field(name="pop")


Inbound = Hello | Beat | Seen

_encoder = msgspec.json.Encoder()
_inbound: Final[msgspec.json.Decoder[Inbound]] = msgspec.json.Decoder(Inbound)
_event: Final[msgspec.json.Decoder[AnyEvent]] = msgspec.json.Decoder(AnyEvent)


def _clean(value: Any) -> Any:
    """`value` with lone surrogates replaced, which no UTF-8 can carry."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_clean(k): _clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(v) for v in value]
    return value


def encode(value: Any) -> bytes:
    """JSON of a shape, an event or plain values. Lone surrogates become U+FFFD; never raises on text."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(_clean(msgspec.to_builtins(value)))


def plain(value: Any) -> Any:
    """The same value as dicts, lists, strings and numbers."""
    return msgspec.to_builtins(value)


def body(**keys: Any) -> bytes:
    """The part of a frame that is the same for every connection: encoded once, used in `frame` as often as needed."""
    return encode(keys)


EMPTY: Final = b"{}"
"The body of a frame that says nothing but its type."


def frame(kind: str, seq: int, now: float, body: bytes = EMPTY) -> bytes:
    """One frame ready to send. `body` is a JSON object; `now` is epoch seconds on the PBX's clock."""
    before, behind = halves(kind, now, body)
    return b"%b%d%b" % (before, seq, behind)


def halves(kind: str, now: float, body: bytes = EMPTY) -> tuple[bytes, bytes]:
    """What stands before a frame's number and behind it: the same for every connection."""
    before = b'{"v":%d,"type":"%s","seq":' % (VERSION, kind.encode())
    return before, b',"now":%.3f%b' % (now, b"}" if body == EMPTY else b"," + body[1:])


def decode_inbound(raw: str | bytes) -> Inbound:
    """A frame from a page. Raises WireError for anything else."""
    try:
        return _inbound.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise WireError("not a frame of this protocol") from error


def encode_event(event: AnyEvent) -> bytes:
    """One event as one JSON object; its name stands under `event`."""
    return encode(event)


def decode_event(raw: str | bytes) -> AnyEvent:
    """The event that `encode_event` wrote. Raises WireError for anything else."""
    try:
        return _event.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise WireError("not an event") from error


def clean_text(text: str | None, limit: int = 80) -> str:
    """Text from outside on one line: control, direction and invisible characters gone, cut at `limit` characters.

    It is still hostile text: whoever shows it must show it as text.
    """
    if not text:
        return ""
    if text.isascii() and text.isprintable():
        return text[:limit].strip()
    kept = []
    for char in text[: limit * 8]:
        kind = unicodedata.category(char)
        if kind in ("Zl", "Zp", "Zs"):
            kept.append(" ")
        elif kind[0] != "C" or kind == "Co":
            kept.append(char)
    return "".join(kept)[:limit].strip()
