"""Calls: written as documents, read as documents or as lines of a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa

from crm_bridge import sql
from cti.calls import record
from cti.continuity import knows_more
from cti.store import rows, tables
from cti.store.base import STATEMENT_S, Base
from cti.store.rows import CallRow

_PARTS: Final = {name: getattr(tables, name) for name in rows.PARTS}
_MANY: Final = 500
"Values of one IN list."


class Calls(Base):
    """The part of the store that keeps calls."""

    statement_s = STATEMENT_S

    def save_calls(self, calls: Sequence[record.Call], pbx: str, *, older: bool = False) -> None:
        """Write calls, open or ended, as they stand now: all or none. A call written before is replaced.

        `older`: they waited, and another node or an earlier run may have written newer ones meanwhile. Of each call the
        document that knows more stays (`cti.continuity.knows_more`), judged in the transaction that writes.
        """
        if not calls:
            return
        last = {call.id: call for call in calls}
        with self._write() as connection:
            sql.hurry(connection, self.statement_s)
            if older:
                for ids in _chunks(list(last)):
                    for stored in documents(connection, tables.call.c.id.in_(ids), to_change=True):
                        if knows_more(stored, last[stored.id]):
                            del last[stored.id]
            heads, parts = rows.take_apart(last.values(), pbx, self._site)
            for ids in _chunks([head["id"] for head in heads]):
                for table in _PARTS.values():
                    connection.execute(sa.delete(table).where(table.c.call_id.in_(ids)))
            sql.upsert(connection, tables.call, heads)
            for name, table in _PARTS.items():
                if parts[name]:
                    connection.execute(sa.insert(table), parts[name])
            self._calls_written(connection, tuple(last.values()))

    def _calls_written(self, connection: sa.Connection, written: Sequence[record.Call]) -> None:
        """What else is derived from calls is derived in their own transaction."""

    def _calls_dropped(self, connection: sa.Connection, ids: Sequence[str]) -> None:
        """So is what goes with them."""

    def drop_calls(self, ids: Sequence[str]) -> None:
        """Forget calls that turned out to be part of another (a consultation): their notes stay."""
        with self._write() as connection:
            sql.hurry(connection, self.statement_s)
            for some in _chunks(list(ids)):
                for table in _PARTS.values():
                    connection.execute(sa.delete(table).where(table.c.call_id.in_(some)))
                connection.execute(sa.delete(tables.call).where(tables.call.c.id.in_(some)))
                self._calls_dropped(connection, some)

    def calls_of_number(self, keys: Sequence[str], limit: int = 20) -> list[CallRow]:
        """Newest calls from or to any of these keys (of `crm_bridge.numbers`)."""
        if not keys:
            return []
        with self._read() as connection:
            return _call_rows(connection, _with_number(keys), limit)

    def calls_total(self, keys: Sequence[str]) -> int:
        """How many calls there are from or to any of these keys."""
        if not keys:
            return 0
        with self._read() as connection:
            return int(
                connection.execute(
                    sa.select(sa.func.count()).select_from(tables.call).where(_with_number(keys))
                ).scalar_one()
            )

    def calls_of_agent(
        self, interfaces: Sequence[str], since: float = 0.0, limit: int = 50, before: float | None = None
    ) -> list[CallRow]:
        """Newest calls that any of these phones talked in or rang for in vain, begun in [since, before)."""
        if not interfaces:
            return []
        phones = list(interfaces)
        theirs = sa.union_all(
            sa.select(tables.talk.c.call_id).where(tables.talk.c.interface.in_(phones)),
            sa.select(tables.missed.c.call_id).where(tables.missed.c.interface.in_(phones)),
        )
        where = tables.call.c.id.in_(theirs) & (tables.call.c.started_at >= since)
        if before is not None:
            where &= tables.call.c.started_at < before
        with self._read() as connection:
            return _call_rows(connection, where, limit)

    def calls_since(self, since: float) -> list[record.Call]:
        """Documents of all calls that began at or after `since`, in order; those without a beginning by their end."""
        began = sa.func.coalesce(tables.call.c.started_at, tables.call.c.ended_at)
        return self._documents(began >= since)

    def ended_calls(self, ids: Sequence[str]) -> dict[str, bool]:
        """{call: whether it has ended} of those of these calls that are stored."""
        found: dict[str, bool] = {}
        with self._read() as connection:
            for some in _chunks(list(ids)):
                query = sa.select(tables.call.c.id, tables.call.c.ended_at).where(tables.call.c.id.in_(some))
                found |= {row.id: row.ended_at is not None for row in connection.execute(query)}
        return found

    def open_calls(self, pbx: str | None = None) -> list[record.Call]:
        """Documents of the calls, of one PBX or of all, that had not ended when they were last written."""
        still = tables.call.c.ended_at.is_(None)
        return self._documents(still if pbx is None else still & (tables.call.c.pbx == pbx))

    def call(self, call_id: str) -> record.Call | None:
        """One call's document."""
        return next(iter(self._documents(tables.call.c.id == call_id)), None)

    def _documents(self, where: sa.ColumnElement[bool]) -> list[record.Call]:
        with self._read() as connection:
            return documents(connection, where)


def documents(
    connection: sa.Connection, where: sa.ColumnElement[bool], *, to_change: bool = False
) -> list[record.Call]:
    """Documents of these calls in order. `to_change`: nobody else writes them until this transaction ends."""
    ids = sa.select(tables.call.c.id).where(where)
    query = sa.select(tables.call).where(where).order_by(tables.call.c.started_at, tables.call.c.id)
    # SQLite knows no FOR UPDATE and needs none: there one transaction writes at a time, and began by saying so.
    heads = connection.execute(query.with_for_update() if to_change else query).all()
    parts = {
        name: list(
            connection.execute(sa.select(table).where(table.c.call_id.in_(ids)).order_by(*table.primary_key.columns))
        )
        for name, table in _PARTS.items()
    }
    return rows.put_together(heads, parts)


def _chunks(values: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), _MANY):
        yield values[start : start + _MANY]


def _with_number(keys: Sequence[str]) -> sa.ColumnElement[bool]:
    wanted = list(keys)
    return tables.call.c.caller_key.in_(wanted) | tables.call.c.dialed_key.in_(wanted)


_last_note = (
    sa.select(tables.call_note.c.text)
    .where(tables.call_note.c.call_id == tables.call.c.id, tables.call_note.c.text != "")
    .order_by(tables.call_note.c.saved_at.desc())
    .limit(1)
    .scalar_subquery()
)


def _call_rows(connection: sa.Connection, where: sa.ColumnElement[bool], limit: int) -> list[CallRow]:
    query = (
        sa.select(tables.call, _last_note.label("note"))
        .where(where)
        .order_by(tables.call.c.started_at.desc(), tables.call.c.id)
        .limit(limit)
    )
    return [_call_row(row) for row in connection.execute(query)]


def _call_row(row: Any) -> CallRow:
    return CallRow(
        id=row.id,
        at=row.started_at if row.started_at is not None else row.ended_at or 0.0,
        direction=row.direction,
        outcome=row.outcome,
        caller=row.caller,
        dialed=row.dialed,
        queue=row.queue,
        wait_s=row.wait_s,
        talk_s=row.talk_s,
        agent=row.agent,
        note=row.note,
        ended=row.ended_at is not None,
        gap=row.gap or row.partial,
    )
