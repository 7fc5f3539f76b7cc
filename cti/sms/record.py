"""The messages of one customer, as the pop's section and the conversation show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from crm_bridge.numbers import canonical, display
from cti.sms.codes import words_of
from cti.sms.model import SmsMessage
from cti.wire.messages import Message, Part, Scope


class PartView(Protocol):
    """How one segment fared."""

    @property
    def sms(self) -> str:
        """The message."""

    @property
    def n(self) -> int:
        """From 1."""

    @property
    def status(self) -> str:
        """Of this segment."""

    @property
    def error(self) -> str:
        """The platform's code."""


class TemplateName(Protocol):
    """A template's name."""

    @property
    def id(self) -> str:
        """Its key."""

    @property
    def name(self) -> str:
        """As people call it."""


class SmsStore(Protocol):
    """What this needs of the store."""

    def sms_of_number(self, keys: Sequence[str], limit: int, before: float | None = None) -> list[SmsMessage]:
        """Newest messages of some numbers."""

    def sms_total(self, keys: Sequence[str]) -> int:
        """How many messages there are."""

    def sms_parts(self, ids: Sequence[str]) -> Sequence[PartView]:
        """The segments told of these messages."""

    def sms_to_retry(self, ids: Sequence[str]) -> set[str]:
        """Those that a person may try again."""

    def sms_templates(self) -> Sequence[TemplateName]:
        """All templates."""


def section(store: SmsStore, keys: Sequence[str], limit: int = 20) -> tuple[list[Message], int]:
    """Newest messages with any of these numbers (all of one customer's), newest first, and how many there are."""
    if not keys:
        return [], 0
    items = views(store, store.sms_of_number(keys, limit))
    return items, len(items) if len(items) < limit else store.sms_total(keys)


def views(store: SmsStore, messages: Sequence[SmsMessage]) -> list[Message]:
    """Messages as pages show them."""
    ours = [m.id for m in messages if m.direction == "out"]
    many = [m.id for m in messages if m.segments > 1]
    parts: dict[str, list[Part]] = {}
    for row in store.sms_parts(many) if many else ():
        parts.setdefault(row.sms, []).append(Part(n=row.n, status=row.status, error=row.error))
    again = store.sms_to_retry(ours) if ours else set()
    named = {t.id: t.name for t in store.sms_templates()} if any(m.template for m in messages) else {}
    return [
        view(m, tuple(parts.get(m.id, ())), retry=m.id in again, template=named.get(m.template, m.template))
        for m in messages
    ]


def view(message: SmsMessage, parts: tuple[Part, ...] = (), *, retry: bool = False, template: str = "") -> Message:
    """One message as pages show it."""
    text, text_en = words_of(message.platform, message.error, message.error_text)
    scope: Scope | None = None
    if message.opted_out is not None:
        scope = "all" if message.opted_out == "all" else "marketing"
    return Message(
        id=message.id,
        at=message.at,
        direction=message.direction,
        text=message.text,
        status=message.status,
        by=message.by,
        number=display(canonical(message.number)),
        template=template or None,
        login=message.login,
        origin=message.origin,
        platform=message.platform,
        segments=message.segments,
        parts=parts if len(parts) > 1 else (),
        error=message.error,
        error_text=text,
        error_text_en=text_en,
        retry=retry,
        sent_at=message.sent_at,
        delivered_at=message.delivered_at,
        opted_out=scope,
        read=message.direction == "out" or message.platform == "" or message.read_at is not None,
    )
