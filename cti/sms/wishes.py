"""What is to be sent, and what the worker takes out of the outbox (pure)."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from cti.sms.model import Status
from cti.sms.platform import Outgoing, Purpose

State = Literal["waiting", "trying", "unsure", "taken", "failed", "lost", "retried"]
Origin = Literal["pop", "reply", "rule", "api"]

SETTLE_S: Final = 180.0
"A try cannot come to anything later than this after it was begun: only then is 'not there' a sure no."
ASK_S: Final = (10.0, 30.0, 90.0, 190.0, 300.0, 600.0, 1800.0)
"After a try whose end is not known the platform is asked at these times."
LOST_S: Final = 86_400.0
"So long a receipt may still tell what became of it."
TRIES: Final = 3
"At one platform, before the next is tried."


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """One message that somebody, or a rule, wants sent once."""

    id: str
    intent: str
    "The same intent put in twice is one message."
    number: str
    "E.164 with +."
    key: str
    text: str
    "Without the signature."
    signature: str = ""
    purpose: Purpose = "service"
    template: str = ""
    codes: dict[str, str] = {}
    values: dict[str, str] = {}
    platforms: tuple[str, ...]
    "To be tried in this order."
    by: str = ""
    login: str = ""
    origin: Origin
    call: str | None = None
    party: str | None = None
    segments: int = 1
    cost: float | None = None
    created_at: float
    due_at: float
    expires_at: float
    "Not begun by then, it is not sent any more."


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A wish that is due, claimed by this worker."""

    wish: Wish
    state: State
    attempts: int
    tried_at: float | None
    platforms: tuple[str, ...]
    "Those left."

    @property
    def platform(self) -> str:
        """The one whose turn it is; '' where none is left."""
        return self.platforms[0] if self.platforms else ""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a customer's messages changed: pages that show him read them again."""

    key: str
    sms: str
    status: Status
    inbound: bool = False


def outgoing(wish: Wish, platform: str, report_url: str = "") -> Outgoing:
    """The wish as it goes to this platform."""
    return Outgoing(
        id=wish.id,
        number=wish.number,
        text=wish.text,
        signature=wish.signature,
        code=wish.codes.get(platform, ""),
        values=wish.values,
        report_url=report_url,
    )


def ask_at(tried_at: float, now: float) -> float:
    """When to ask next what became of a try."""
    return next((tried_at + after for after in ASK_S if tried_at + after > now), now + 3600.0)
