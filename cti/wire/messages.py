"""Text messages as pages see them (pure): conversation, templates, rules, opt-outs, statistics."""

from __future__ import annotations

from typing import Literal

from cti import wire
from cti.wire import Shape

Purpose = Literal["service", "marketing"]
"Marketing needs consent, carries the way out, and keeps to its hours."
Scope = Literal["marketing", "all"]
Trigger = Literal["missed", "quote", "arrival"]


class Problem(Shape, frozen=True, kw_only=True):
    """Why a message cannot go as it is."""

    code: str
    text: str
    text_en: str


class Message(wire.SmsItem, frozen=True, kw_only=True):
    """One message of a conversation: what `SmsItem` says, and how it fared. `status` may also be `unsure`."""

    number: str = ""
    "Grouped for reading."
    template: str | None = None
    "Name of the template it was written by."
    login: str = ""
    "Who sent it; '' for a rule or a program."
    origin: str = ""
    "pop, rule, api; '' for a customer's."
    platform: str = ""
    segments: int = 0
    parts: tuple[Part, ...] = ()
    "Of a message of several segments: how each fared, as far as the platform tells."
    error: str = ""
    "The platform's code."
    error_text: str = ""
    error_text_en: str = ""
    retry: bool = False
    "Whether `POST /messages/{id}/retry` may be offered."
    sent_at: float | None = None
    delivered_at: float | None = None
    opted_out: Scope | None = None
    "Of a customer's message: it was understood as a refusal, of this."
    read: bool = True
    "Of a customer's message: somebody has seen it."


class Part(Shape, frozen=True, kw_only=True):
    """One segment of a message, from 1."""

    n: int
    status: str
    error: str = ""


class Recipient(Shape, frozen=True, kw_only=True):
    """A number that may be written to."""

    id: str
    "Names the number towards the API; opens nothing elsewhere."
    label: str
    "Such as 手机; '' for the number of the call."
    display: str
    "Grouped for reading."
    mobile: bool
    opted_out: Scope | None = None
    problem: Problem | None = None
    "Why nothing can go there now."


class Template(Shape, frozen=True, kw_only=True):
    """A text with {variables}."""

    id: str
    name: str
    purpose: Purpose
    text: str
    variables: tuple[str, ...]
    "In the order of the text."
    codes: dict[str, str]
    "{platform: the code it was approved under}; platforms that take any text need none."
    enabled: bool = True
    version: int = 0


class Draft(Shape, frozen=True, kw_only=True):
    """A template filled from the record of this call; what the record does not know is missing."""

    template: str
    name: str
    purpose: Purpose
    text: str
    "With the values; a missing one stands as {name}."
    values: dict[str, str]
    missing: tuple[str, ...] = ()


class Size(Shape, frozen=True, kw_only=True):
    """How long a message is when it goes out, signature included."""

    text: str
    "As the customer reads it."
    encoding: Literal["gsm7", "ucs2"]
    characters: int
    segments: int
    left: int
    "Characters that still fit into the last segment."
    problems: tuple[Problem, ...] = ()
    cost: float | None = None
    "In the currency of the settings; None where no price is set."


class Counting(Shape, frozen=True, kw_only=True):
    """What the page counts with while somebody types."""

    signature: str
    "As it goes out, with its brackets; counted."
    domestic: bool
    "True: 70, then 67 a segment, each UTF-16 unit one. False: GSM-7 160/153 where all characters allow it."
    longest: int
    free_text: bool
    "False: only templates may be sent."


class Conversation(Shape, frozen=True, kw_only=True):
    """What the pop's conversation needs."""

    messages: tuple[Message, ...]
    "Newest first."
    next: float | None
    "Pass as `before` for older ones."
    to: tuple[Recipient, ...]
    drafts: tuple[Draft, ...]
    counting: Counting
    can_send: bool
    why: str = ""
    why_en: str = ""


class Incoming(Shape, frozen=True, kw_only=True):
    """A customer's message in somebody's list, and in the push frame `sms`."""

    message: Message
    party: str | None
    name: str
    "Customer's name where known."
    company: str
    owner: str
    "Login of whose it is; '' for everybody's."
    callback: str | None = None
    "The call-back task it answers."


class Callback(Shape, frozen=True, kw_only=True):
    """A call that we promised to return."""

    id: str
    call: str
    display: str
    name: str
    queue: str
    promised_at: float
    due_at: float
    state: Literal["open", "answered", "done"]
    owner: str
    reply: str = ""
    "What the customer answered to the promise."
    reply_at: float | None = None


class Rule(Shape, frozen=True, kw_only=True):
    """When a message goes out by itself."""

    trigger: Trigger
    enabled: bool
    template: str
    queues: tuple[str, ...] = ()
    "Empty: all."
    min_wait_s: float = 0.0
    "Of missed calls: who waited less gets none."
    delay_s: float = 0.0
    "A call returned within this time cancels it."
    promise_s: float = 1800.0
    "Of missed calls: we call back within; 0 promises nothing."
    version: int = 0


class OptOut(Shape, frozen=True, kw_only=True):
    """A number that wants no more."""

    id: str
    display: str
    scope: Scope
    at: float
    source: Literal["reply", "person", "import"]
    by: str
    word: str = ""
    "What the customer wrote."


class Tally(Shape, frozen=True, kw_only=True):
    """How messages of one kind fared."""

    key: str
    label: str
    messages: int
    segments: int
    delivered: int
    failed: int
    open: int
    "Not told yet."
    replies: int = 0
    cost: float = 0.0
    median_s: float | None = None
    "From sending to delivery."


class ErrorTally(Shape, frozen=True, kw_only=True):
    """How often a platform gave one error."""

    platform: str
    code: str
    text: str
    text_en: str
    messages: int


class Statistics(Shape, frozen=True, kw_only=True):
    """Delivery over a period."""

    since: float
    until: float
    total: Tally
    platforms: tuple[Tally, ...]
    templates: tuple[Tally, ...]
    days: tuple[Tally, ...]
    "`key` is the day, YYYY-MM-DD."
    errors: tuple[ErrorTally, ...]


class PlatformState(Shape, frozen=True, kw_only=True):
    """How a platform is."""

    name: str
    kind: str
    ok: bool
    text: str
    text_en: str
    waiting: int
    unsure: int
    callbacks: int
    "Receipts and replies taken since the start."
    last_callback: float | None = None


class Status(Shape, frozen=True, kw_only=True):
    """How the messages are as a whole."""

    platforms: tuple[PlatformState, ...]
    orphans: int
    "Receipts that match no message."
    unread: int
    hooks_ok: bool
    currency: str
