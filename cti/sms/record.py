"""The messages of one customer, as the pop's section shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cti.sms.model import SmsMessage
from cti.wire import SmsItem


class SmsStore(Protocol):
    """What this needs of the store."""

    def sms_of_number(self, keys: Sequence[str], limit: int) -> list[SmsMessage]:
        """Newest messages of some numbers."""

    def sms_total(self, keys: Sequence[str]) -> int:
        """How many messages there are."""


def section(store: SmsStore, keys: Sequence[str], limit: int = 20) -> tuple[list[SmsItem], int]:
    """Newest messages with any of these numbers (all of one customer's), newest first, and how many there are."""
    if not keys:
        return [], 0
    items = [
        SmsItem(
            id=message.id,
            at=message.at,
            direction=message.direction,
            text=message.text,
            status=message.status,
            by=message.by,
        )
        for message in store.sms_of_number(keys, limit)
    ]
    return items, len(items) if len(items) < limit else store.sms_total(keys)
