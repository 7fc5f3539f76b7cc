"""What agents leave at their desks: notes, drafts, pops put away, whose call it was; and the audit of it all."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from crm_bridge import sql
from cti.store import tables
from cti.store.base import Base, StoreError
from cti.store.rows import AuditRow, CallNote, Draft


class NoteConflict(StoreError):
    """The note was saved elsewhere meanwhile; `note` is how it stands, None if it is gone."""

    def __init__(self, note: CallNote | None) -> None:
        super().__init__("备注刚在别处改过", "The note was just changed elsewhere", permanent=True)
        self.note = note


class Desk(Base):
    """The part of the store that keeps what agents typed and chose."""

    def save_call_note(self, call_id: str, user: str, text: str, at: float, version: int = 0) -> CallNote:
        """Save a user's note about a call, made from `version` (0: there was none). Raises NoteConflict.

        The same text saved again is no conflict: the first answer may have got lost.
        """
        note = tables.call_note
        plain = sql.clean(text)
        mine = (note.c.call_id == call_id) & (note.c.user == user)
        new = {"call_id": call_id, "user": user, "text": plain, "version": version + 1, "saved_at": at}
        with self._write() as connection:
            if version == 0:
                done = sql.upsert(connection, note, [new], keep=True)
            else:
                done = connection.execute(
                    sa.update(note)
                    .where(mine, note.c.version == version)
                    .values(text=plain, version=version + 1, saved_at=at)
                ).rowcount
            if done:
                return CallNote(call=call_id, user=user, text=plain, version=version + 1, saved_at=at)
            row = connection.execute(sa.select(note).where(mine)).first()
        current = _note(row) if row else None
        if current is not None and current.text == plain:
            return current
        raise NoteConflict(current)

    def call_note(self, call_id: str, user: str) -> CallNote | None:
        """A user's note about a call."""
        return next((note for note in self.call_notes(call_id) if note.user == user), None)

    def call_notes(self, call_id: str) -> list[CallNote]:
        """All notes about a call, the last saved first."""
        note = tables.call_note
        query = sa.select(note).where(note.c.call_id == call_id).order_by(note.c.saved_at.desc(), note.c.user)
        with self._read() as connection:
            return [_note(row) for row in connection.execute(query)]

    def put_draft(self, user: str, call_id: str, payload: str, at: float) -> None:
        """Keep what a user typed for a call and has not saved (JSON text); '' forgets it."""
        with self._write() as connection:
            if payload:
                row = {"user": user, "call_id": call_id, "payload": payload, "saved_at": at}
                sql.upsert(connection, tables.draft, [row])
            else:
                draft = tables.draft
                connection.execute(sa.delete(draft).where(draft.c.user == user, draft.c.call_id == call_id))

    def drafts(self, user: str, limit: int = 50) -> list[Draft]:
        """A user's drafts, the last first."""
        draft = tables.draft
        query = sa.select(draft).where(draft.c.user == user).order_by(draft.c.saved_at.desc()).limit(limit)
        with self._read() as connection:
            return [
                Draft(call=row.call_id, payload=row.payload, saved_at=row.saved_at) for row in connection.execute(query)
            ]

    def dismiss(self, user: str, pop: str, at: float) -> None:
        """A user put a pop away; it stays away. What is older than two days is forgotten."""
        with self._write() as connection:
            sql.upsert(connection, tables.dismissed, [{"user": user, "pop": pop, "at": at}])
            connection.execute(sa.delete(tables.dismissed).where(tables.dismissed.c.at < at - 2 * 86400))

    def dismissed(self, user: str) -> set[str]:
        """The pops a user put away."""
        query = sa.select(tables.dismissed.c.pop).where(tables.dismissed.c.user == user)
        with self._read() as connection:
            return set(connection.execute(query).scalars())

    def choose_party(self, call_id: str, party_id: str, by: str, at: float) -> None:
        """Whose call it was, as somebody chose."""
        with self._write() as connection:
            row = {"call_id": call_id, "party_id": party_id, "by": by, "at": at}
            sql.upsert(connection, tables.call_party, [row])

    def party_of(self, call_id: str) -> str | None:
        """The party chosen for a call."""
        query = sa.select(tables.call_party.c.party_id).where(tables.call_party.c.call_id == call_id)
        with self._read() as connection:
            found: str | None = connection.execute(query).scalar()
            return found

    def add_audit(self, at: float, user: str, action: str, subject: str, detail: str = "") -> None:
        """Write down that a user did something to a subject; never changed afterwards."""
        row = {
            "at": at,
            "user": sql.clean(user, 80),
            "action": action,
            "subject": sql.clean(subject, 200),
            "detail": sql.clean(detail),
        }
        with self._write() as connection:
            connection.execute(sa.insert(tables.audit), row)

    def audit(self, limit: int = 100) -> list[AuditRow]:
        """What was done last, newest first."""
        audit = tables.audit
        with self._read() as connection:
            return [
                AuditRow(at=row.at, user=row.user, action=row.action, subject=row.subject, detail=row.detail)
                for row in connection.execute(sa.select(audit).order_by(audit.c.id.desc()).limit(limit))
            ]


def _note(row: Any) -> CallNote:
    return CallNote(call=row.call_id, user=row.user, text=row.text, version=row.version, saved_at=row.saved_at)
