"""Text messages with customers."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from crm_bridge import sql
from cti.sms.model import RANK, SmsMessage, Status
from cti.store import tables
from cti.store.base import Base


class Messages(Base):
    """The part of the store that keeps text messages."""

    def add_sms(self, messages: Sequence[SmsMessage]) -> int:
        """Keep messages; one known by its id is left as it is. Returns how many were new."""
        new = [
            {
                "id": message.id,
                "at": message.at,
                "direction": message.direction,
                "number": sql.clean(message.number, 120),
                "key": message.key,
                "text": sql.clean(message.text),
                "status": message.status,
                "rank": RANK[message.status],
                "by": sql.clean(message.by, 120),
            }
            for message in messages
        ]
        with self._write() as connection:
            return max(0, sql.upsert(connection, tables.sms, new, keep=True))

    def set_sms_status(self, sms_id: str, status: Status) -> bool:
        """Raise a message's status, never lower it (see `sms.model`). Returns whether it changed."""
        sms = tables.sms
        with self._write() as connection:
            changed = connection.execute(
                sa.update(sms)
                .where(sms.c.id == sms_id, sms.c.rank < RANK[status])
                .values(status=status, rank=RANK[status])
            )
            return changed.rowcount > 0

    def sms_of_number(self, keys: Sequence[str], limit: int = 20) -> list[SmsMessage]:
        """Newest messages with any of these keys."""
        sms = tables.sms
        query = sa.select(sms).where(sms.c.key.in_(list(keys))).order_by(sms.c.at.desc(), sms.c.id).limit(limit)
        with self._read() as connection:
            return [
                SmsMessage(
                    id=row.id,
                    at=row.at,
                    direction=row.direction,
                    number=row.number,
                    key=row.key,
                    text=row.text,
                    status=row.status,
                    by=row.by,
                )
                for row in connection.execute(query)
            ]

    def sms_total(self, keys: Sequence[str]) -> int:
        """How many messages there are with any of these keys."""
        query = sa.select(sa.func.count()).select_from(tables.sms).where(tables.sms.c.key.in_(list(keys)))
        with self._read() as connection:
            return int(connection.execute(query).scalar_one())
