"""The board's journal: pieces of what was on the board, and last rings in vain."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from crm_bridge import sql
from cti.board.view import Missed
from cti.store import history_tables
from cti.store import tables as calls
from cti.store import watching_tables as tables
from cti.store.base import Base


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the journal, packed."""

    at_ms: int
    whole: bool
    "It begins with the whole board."
    until_ms: int
    body: bytes


class Journals(Base):
    """The part of the store that keeps the board's journal."""

    def save_pages(self, pages: Sequence[tuple[int, bool, int, bytes]]) -> None:
        """Write (at, whole, until, body) of pieces; one that begins at the same moment is replaced."""
        names = ("at_ms", "whole", "until_ms", "body")
        with self._write() as connection:
            sql.upsert(connection, tables.journal, [dict(zip(names, page, strict=True)) for page in pages])

    def pieces(self, at_ms: int, until_ms: int, limit: int = 400) -> list[Piece]:
        """From the last whole board at or before `at_ms` on, pieces that begin up to `until_ms`; [] for none."""
        table = tables.journal
        start = sa.select(sa.func.max(table.c.at_ms)).where(table.c.whole, table.c.at_ms <= at_ms).scalar_subquery()
        query = (
            sa.select(table)
            .where(table.c.at_ms >= start, table.c.at_ms <= until_ms)
            .order_by(table.c.at_ms)
            .limit(limit)
        )
        with self._read() as connection:
            return [Piece(**row._mapping) for row in connection.execute(query)]

    def next_piece(self, at_ms: int) -> int | None:
        """Begin of the first whole board after a moment."""
        table = tables.journal
        with self._read() as connection:
            found: int | None = connection.execute(
                sa.select(sa.func.min(table.c.at_ms)).where(table.c.at_ms > at_ms, table.c.whole)
            ).scalar()
            return found

    def journal_spans(self, limit: int = 50_000) -> list[tuple[int, int]]:
        """[(from, until)] of all pieces in order, milliseconds."""
        table = tables.journal
        query = sa.select(table.c.at_ms, table.c.until_ms).order_by(table.c.at_ms.desc()).limit(limit)
        with self._read() as connection:
            return [(row.at_ms, row.until_ms) for row in reversed(list(connection.execute(query)))]

    def forget_journal(self, before_ms: int, most_bytes: int) -> None:
        """Drop what ended before that moment, and the oldest beyond so many bytes."""
        table = tables.journal
        with self._write() as connection:
            connection.execute(sa.delete(table).where(table.c.until_ms < before_ms))
            sizes = connection.execute(
                sa.select(table.c.at_ms, sa.func.length(table.c.body)).order_by(table.c.at_ms.desc())
            )
            total = 0
            for at_ms, size in sizes:
                total += size
                if total > most_bytes:
                    sizes.close()
                    connection.execute(sa.delete(table).where(table.c.at_ms <= at_ms))
                    break

    def callers_of(self, ids: Sequence[str]) -> dict[str, str | None]:
        """{call: its caller's number} of these calls."""
        found: dict[str, str | None] = {}
        with self._read() as connection:
            for start in range(0, len(ids), 500):
                query = sa.select(calls.call.c.id, calls.call.c.caller).where(
                    calls.call.c.id.in_(list(ids[start : start + 500]))
                )
                found.update({row.id: row.caller for row in connection.execute(query)})
        return found

    def last_missed(self, since: float) -> dict[str, Missed]:
        """Each phone's last ring in vain since then."""
        ring = history_tables.missed
        query = sa.select(ring).where(ring.c.at_ms >= round(since * 1000)).order_by(ring.c.at_ms)
        with self._read() as connection:
            return {
                row.interface: Missed(at=row.at_ms / 1000, queue=row.queue, ring_s=row.ring_ms / 1000)
                for row in connection.execute(query)
            }
