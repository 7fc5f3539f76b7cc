"""What platforms said: kept before they hear a yes, applied afterwards, in any order and as often as it comes.

Taking in is one insert that a duplicate leaves alone; applying is one transaction with the mark that it was applied.
So whatever moment a process dies at, nothing is lost and nothing counts twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import msgspec
import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.numbers import canonical
from cti.sms.model import RANK, Status, overall
from cti.sms.platform import Receipt, Reply, Taking, event_key
from cti.sms.wishes import Change
from cti.store import messages_tables as tables
from cti.store.base import Base, errors
from cti.store.messages_rows import raise_status
from cti.store.tables import sms

_receipt: Final = msgspec.json.Decoder(Receipt)
_reply: Final = msgspec.json.Decoder(Reply)

LATE_S: Final = 72 * 3600.0
"A receipt for an older message is not believed (FAULTS 4.10); platforms report within three days."
ANSWER_S: Final = 48 * 3600.0
"A reply within this time of the promise answers it."
Scope = Literal["marketing", "all"]
_OPEN: Final = ("waiting", "trying", "unsure")


class Inbox(Base):
    """The part of the store that keeps callbacks."""

    _durable: sql.Database | None = None

    def take_in(self, takings: Sequence[Taking]) -> int:
        """Keep callbacks, all or none; when this returns they are on the disk. Returns how many items were new."""
        raws: dict[str, dict[str, Any]] = {}
        events: dict[str, dict[str, Any]] = {}
        for taking in takings:
            name = taking.platform.encode() + b"\0"
            raw = hashlib.sha256(name + taking.body).hexdigest()[:40]
            raws.setdefault(raw, {"id": raw, "platform": taking.platform, "at": taking.at, "body": taking.body})
            for item in taking.items:
                key = event_key(taking.platform, item, taking.at)
                receipt = isinstance(item, Receipt)
                events.setdefault(
                    key,
                    {
                        "key": key,
                        "raw": raw,
                        "platform": taking.platform,
                        "kind": "receipt" if receipt else "reply",
                        "provider_id": item.provider_id[:120],
                        "message_id": item.message_id[:120] if isinstance(item, Receipt) else "",
                        "item": sql.clean(msgspec.json.encode(item).decode(), 100_000),
                        "state": "new",
                        "received_at": taking.at,
                    },
                )
        with errors(), self._database_of_callbacks().write() as connection:
            sql.upsert(connection, tables.raw, list(raws.values()), keep=True)
            return max(0, sql.upsert(connection, tables.event, list(events.values()), keep=True))

    def _database_of_callbacks(self) -> sql.Database:
        """A connection of its own that waits for the disk: an answered callback must survive a power cut."""
        url = self.database.engine.url
        if not self.database.is_sqlite or url.database in (None, "", ":memory:"):
            return self.database
        if self._durable is None:
            made = sql.Database(url.render_as_string(hide_password=False), pool=1)
            sa.event.listen(made.engine, "connect", _wait_for_the_disk)
            self._durable = made
        return self._durable

    def close(self) -> None:
        """Give all connections back."""
        if self._durable is not None:
            self._durable.close()
        super().close()

    # Applying

    def apply_events(self, now: float, understand: Callable[[str], Scope | None], limit: int = 200) -> list[Change]:
        """Apply what has come and was not applied yet, at most `limit`; what it changed. Call until nothing is left.

        `understand` tells what a customer's text refuses, if anything.
        """
        event = tables.event
        changes: list[Change] = []
        with self._write() as connection:
            rows = connection.execute(
                sa.select(event).where(event.c.state == "new").order_by(event.c.received_at, event.c.key).limit(limit)
            ).all()
            for row in rows:
                if row.kind == "receipt":
                    receipt = _receipt.decode(row.item)
                    state = self._receipt(connection, row.platform, receipt, row.received_at, changes)
                else:
                    reply = _reply.decode(row.item)
                    state = self._reply(connection, row, reply, understand, changes)
                connection.execute(sa.update(event).where(event.c.key == row.key).values(state=state))
        return changes

    def events_waiting(self) -> bool:
        """Whether something has come that was not applied yet."""
        event = tables.event
        with self._read() as connection:
            return connection.execute(sa.select(event.c.key).where(event.c.state == "new").limit(1)).first() is not None

    def _receipt(
        self, connection: sa.Connection, platform: str, receipt: Receipt, at: float, changes: list[Change]
    ) -> str:
        found = _message(connection, platform, receipt)
        if found is None:
            return "orphan"
        if receipt.number:
            key = canonical(receipt.number, self._site).key
            if key is not None and key != found.key:
                return "refused"
        if at - found.at > LATE_S:
            return "refused"
        part = tables.part
        told = connection.execute(
            sa.select(part.c.rank).where(part.c.sms_id == found.id, part.c.n == receipt.part)
        ).scalar_one_or_none()
        row = {
            "sms_id": found.id,
            "n": receipt.part,
            "total": receipt.parts,
            "status": receipt.status,
            "rank": RANK[receipt.status],
            "error": sql.clean(receipt.error, 60),
            "error_text": sql.clean(receipt.error_text, 300),
            "at": receipt.at or at,
        }
        if told is None or RANK[receipt.status] > told:
            sql.upsert(connection, part, [row])
        parts = connection.execute(sa.select(part).where(part.c.sms_id == found.id).order_by(part.c.n)).all()
        status: Status = overall({p.n: p.status for p in parts}, max(p.total for p in parts))
        values: dict[str, Any] = {"platform": platform}
        if receipt.provider_id and not found.provider_id:
            values["provider_id"] = receipt.provider_id
        if found.sent_at is None:
            values["sent_at"] = receipt.at or at
        connection.execute(sa.update(sms).where(sms.c.id == found.id).values(**values))
        # Whatever it says, the platform has it: it is never sent again.
        box = tables.outbox
        connection.execute(
            sa.update(box)
            .where(box.c.id == found.id, box.c.state.in_((*_OPEN, "lost")))
            .values(state="taken", claimed_by="", claimed_until=0.0)
        )
        status = "sent" if status == "queued" else status
        changed = raise_status(connection, found.id, status, receipt.at or at)
        if status == "failed":
            bad = next(p for p in parts if p.status == "failed")
            connection.execute(
                sa.update(sms)
                .where(sms.c.id == found.id, sms.c.status == "failed", sms.c.error == "")
                .values(error=bad.error, error_text=bad.error_text)
            )
        if changed or receipt.status == "failed":
            changes.append(Change(key=found.key, sms=found.id, status=status))
        return "done"

    def _reply(
        self,
        connection: sa.Connection,
        event: Any,
        reply: Reply,
        understand: Callable[[str], Scope | None],
        changes: list[Change],
    ) -> str:
        number = canonical(reply.number, self._site)
        if number.key is None:
            return "refused"
        id = f"in-{event.key}"
        scope = understand(reply.text)
        task = connection.execute(
            sa.select(tables.callback.c.id)
            .where(
                tables.callback.c.key == number.key,
                tables.callback.c.state == "open",
                tables.callback.c.promised_at > event.received_at - ANSWER_S,
            )
            .order_by(tables.callback.c.promised_at.desc())
            .limit(1)
        ).scalar_one_or_none()
        said_at = reply.at if reply.at is not None and reply.at <= event.received_at + 60.0 else event.received_at
        row = {
            "id": id,
            "at": said_at,
            "direction": "in",
            "number": sql.clean(reply.number, 120),
            "key": number.key,
            "text": sql.clean(reply.text),
            "status": "received",
            "rank": RANK["received"],
            "by": "",
            "platform": event.platform,
            "provider_id": event.provider_id,
            "opted_out": scope,
            "callback": None if scope else task,
        }
        if not sql.upsert(connection, sms, [row], keep=True):
            return "done"
        if scope is not None:
            opt_out(connection, number.key, scope, event.received_at, source="reply", by="", word=reply.text)
        elif task is not None:
            connection.execute(
                sa.update(tables.callback).where(tables.callback.c.id == task).values(state="answered", reply=id)
            )
        changes.append(Change(key=number.key, sms=id, status="received", inbound=True))
        return "done"

    def forget_callbacks(self, raw_before: float, orphans_before: float) -> None:
        """Drop raw bodies and applied events from before the first time, orphans from before the second."""
        event, raw = tables.event, tables.raw
        with self._write() as connection:
            connection.execute(
                sa.update(event)
                .where(event.c.state == "orphan", event.c.received_at < orphans_before)
                .values(state="refused")
            )
            connection.execute(sa.delete(event).where(event.c.state != "new", event.c.received_at < raw_before))
            connection.execute(sa.delete(raw).where(raw.c.at < raw_before))

    def count_events(self) -> dict[tuple[str, str], int]:
        """{(platform, state): how many}."""
        event = tables.event
        query = sa.select(event.c.platform, event.c.state, sa.func.count()).group_by(event.c.platform, event.c.state)
        with self._read() as connection:
            return {(platform, state): count for platform, state, count in connection.execute(query)}


def opt_out(connection: sa.Connection, key: str, scope: Scope, at: float, *, source: str, by: str, word: str) -> None:
    """Keep a refusal; a wider one stays."""
    table = tables.optout
    old = connection.execute(sa.select(table.c.scope).where(table.c.key == key)).scalar_one_or_none()
    if old == "all" or old == scope:
        return
    row = {
        "key": key,
        "id": hashlib.sha256(f"{key}\0{at!r}".encode()).hexdigest()[:24],
        "scope": scope,
        "at": at,
        "source": source,
        "by": by,
        "word": sql.clean(word, 200),
    }
    sql.upsert(connection, table, [row])


def _message(connection: sa.Connection, platform: str, receipt: Receipt) -> Any:
    """The message a receipt speaks of: by our id where it carries it, else by the platform's."""
    outbound = sms.c.direction == "out"
    if receipt.message_id:
        found = connection.execute(sa.select(sms).where(sms.c.id == receipt.message_id, outbound)).first()
        if found is not None:
            return found
    if receipt.provider_id:
        return connection.execute(
            sa.select(sms).where(sms.c.provider_id == receipt.provider_id, sms.c.platform == platform, outbound)
        ).first()
    return None


def _wait_for_the_disk(connection: Any, _: object) -> None:
    connection.execute("PRAGMA synchronous = FULL").close()
