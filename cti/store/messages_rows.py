"""A text message's row as a value, and how its status is raised."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from cti.sms.model import RANK, SmsMessage, Status
from cti.store.tables import sms

_FIELDS = SmsMessage.__struct_fields__


def message_of(row: Any) -> SmsMessage:
    """The message of a row of `sms`."""
    return SmsMessage(**{name: getattr(row, name) for name in _FIELDS})


def raise_status(connection: sa.Connection, id: str, status: Status, at: float) -> bool:
    """Raise a message's status, never lower it (see `sms.model`). Returns whether it changed."""
    values: dict[str, Any] = {"status": status, "rank": RANK[status]}
    if status == "delivered":
        values["delivered_at"] = at
    if status in ("sent", "delivered"):
        values.update(error="", error_text="")  # of a try before the one that succeeded
    changed = connection.execute(sa.update(sms).where(sms.c.id == id, sms.c.rank < RANK[status]).values(**values))
    return changed.rowcount > 0
