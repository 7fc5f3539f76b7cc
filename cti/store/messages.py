"""Text messages with customers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from crm_bridge import sql
from cti.sms.model import RANK, SmsMessage, Status
from cti.store import messages_tables
from cti.store.messages_figures import MessageFigures
from cti.store.messages_inbox import Inbox
from cti.store.messages_outbox import Outbox
from cti.store.messages_rows import message_of, raise_status
from cti.store.messages_rules import MessageRules
from cti.store.tables import sms


class PartRow(msgspec.Struct, frozen=True, kw_only=True):
    """How one segment fared."""

    sms: str
    n: int
    status: str
    error: str


class Messages(Outbox, Inbox, MessageRules, MessageFigures):
    """The part of the store that keeps text messages."""

    def add_sms(self, messages: Sequence[SmsMessage]) -> int:
        """Keep messages; one known by its id is left as it is. Returns how many were new."""
        new = []
        for message in messages:
            row = msgspec.structs.asdict(message)
            row.update(
                number=sql.clean(message.number, 120),
                text=sql.clean(message.text),
                by=sql.clean(message.by, 120),
                rank=RANK[message.status],
            )
            new.append(row)
        with self._write() as connection:
            return max(0, sql.upsert(connection, sms, new, keep=True))

    def set_sms_status(self, sms_id: str, status: Status) -> bool:
        """Raise a message's status, never lower it (see `sms.model`). Returns whether it changed."""
        with self._write() as connection:
            return raise_status(connection, sms_id, status, 0.0)

    def sms_of_number(self, keys: Sequence[str], limit: int = 20, before: float | None = None) -> list[SmsMessage]:
        """Newest messages with any of these keys, older than `before`."""
        query = sa.select(sms).where(sms.c.key.in_(list(keys)))
        if before is not None:
            query = query.where(sms.c.at < before)
        with self._read() as connection:
            return [
                message_of(row) for row in connection.execute(query.order_by(sms.c.at.desc(), sms.c.id).limit(limit))
            ]

    def sms_total(self, keys: Sequence[str]) -> int:
        """How many messages there are with any of these keys."""
        query = sa.select(sa.func.count()).select_from(sms).where(sms.c.key.in_(list(keys)))
        with self._read() as connection:
            return int(connection.execute(query).scalar_one())

    def sms_by_id(self, id: str) -> SmsMessage | None:
        """One message."""
        with self._read() as connection:
            row = connection.execute(sa.select(sms).where(sms.c.id == id)).first()
            return None if row is None else message_of(row)

    def sms_parts(self, ids: Sequence[str]) -> list[PartRow]:
        """The segments told of these messages."""
        part = messages_tables.part
        with self._read() as connection:
            rows = connection.execute(
                sa.select(part).where(part.c.sms_id.in_(list(ids))).order_by(part.c.sms_id, part.c.n)
            ).all()
        return [PartRow(sms=row.sms_id, n=row.n, status=row.status, error=row.error) for row in rows]

    def sms_to_retry(self, ids: Sequence[str]) -> set[str]:
        """Those of these messages that a person may try again."""
        box = messages_tables.outbox
        query = sa.select(box.c.id).where(box.c.id.in_(list(ids)), box.c.state.in_(("failed", "lost")))
        with self._read() as connection:
            return set(connection.execute(query).scalars())

    def sms_incoming(
        self, owners: Sequence[str] | None, *, unread: bool = False, before: float | None = None, limit: int = 50
    ) -> list[SmsMessage]:
        """Customers' messages, newest first: those of these owners ('' is everybody's), or all."""
        query = self._incoming(owners, unread)
        if before is not None:
            query = query.where(sms.c.at < before)
        with self._read() as connection:
            return [
                message_of(row) for row in connection.execute(query.order_by(sms.c.at.desc(), sms.c.id).limit(limit))
            ]

    def sms_unread(self, owners: Sequence[str] | None) -> int:
        """How many of them nobody has read."""
        query = sa.select(sa.func.count()).select_from(self._incoming(owners, True).subquery())
        with self._read() as connection:
            return int(connection.execute(query).scalar_one())

    def _incoming(self, owners: Sequence[str] | None, unread: bool) -> sa.Select[tuple[object, ...]]:
        query = sa.select(sms).where(sms.c.direction == "in")
        if owners is not None:
            query = query.where(sms.c.owner.in_(list(owners)))
        if unread:
            # What is older than this feature has no owner and was never to be read.
            query = query.where(sms.c.read_at.is_(None), sms.c.platform != "")
        return query

    def sms_sent(
        self, *, before: float | None = None, status: str = "", platform: str = "", limit: int = 50
    ) -> list[SmsMessage]:
        """Our messages, newest first."""
        query = sa.select(sms).where(sms.c.direction == "out")
        if before is not None:
            query = query.where(sms.c.at < before)
        if status:
            query = query.where(sms.c.status == status)
        if platform:
            query = query.where(sms.c.platform == platform)
        with self._read() as connection:
            return [
                message_of(row) for row in connection.execute(query.order_by(sms.c.at.desc(), sms.c.id).limit(limit))
            ]

    def set_sms_read(self, id: str, at: float) -> bool:
        """Somebody has read it; False where that was so before."""
        with self._write() as connection:
            done = connection.execute(
                sa.update(sms)
                .where(sms.c.id == id, sms.c.direction == "in", sms.c.read_at.is_(None))
                .values(read_at=at)
            )
            return done.rowcount > 0

    def sms_unrouted(self, since: float, limit: int = 50) -> list[SmsMessage]:
        """Customers' messages of whom nobody has decided yet whose they are."""
        query = sa.select(sms).where(
            sms.c.direction == "in", sms.c.owner.is_(None), sms.c.platform != "", sms.c.at > since
        )
        with self._read() as connection:
            return [message_of(row) for row in connection.execute(query.order_by(sms.c.at).limit(limit))]

    def route_sms(self, id: str, *, owner: str, party: str | None, by: str) -> None:
        """Whose a customer's message is, and who wrote it."""
        with self._write() as connection:
            connection.execute(
                sa.update(sms).where(sms.c.id == id).values(owner=owner, party=party, by=sql.clean(by, 120))
            )

    def last_correspondent(self, key: str, before: float, since: float) -> str:
        """Login of the colleague who last wrote to this number in that time; '' for nobody."""
        query = (
            sa.select(sms.c.login)
            .where(sms.c.key == key, sms.c.direction == "out", sms.c.login != "", sms.c.at <= before, sms.c.at > since)
            .order_by(sms.c.at.desc())
            .limit(1)
        )
        with self._read() as connection:
            return connection.execute(query).scalar_one_or_none() or ""
