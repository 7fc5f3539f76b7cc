"""What supervisors and overflow rules did: actions with their outcome, rules with how they stand, and their notes."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import sqlalchemy as sa

from crm_bridge import sql
from cti.store import control_tables as tables
from cti.store import tables as people
from cti.store.base import Base
from cti.wire import encode
from cti.wire.supervision import ActionView, RuleNote

_view: Final = msgspec.json.Decoder(ActionView)
_note: Final = msgspec.json.Decoder(RuleNote)


class ControlBook(Base):
    """The part of the store that keeps actions on the PBX and overflow rules."""

    def put_action(self, view: ActionView, *, new: bool = False) -> None:
        """Write an action down as it stands; the first time (`new`) and when it is settled into the audit, too."""
        row = {
            "id": view.id[:40],
            "at": view.at,
            "by": sql.clean(view.by, 80),
            "kind": view.kind,
            "interface": sql.clean(view.interface or "", 120),
            "state": view.state,
            "rule": (view.rule or "")[:40],
            "view": sql.clean(encode(view).decode()),
        }
        audit = {
            "at": view.at if new else view.ended_at or view.settled_at or view.at,
            "user": sql.clean(view.by or f"rule {view.rule or ''}", 80),
            "action": f"control.{view.kind}",
            "subject": sql.clean(view.interface or view.visit or "", 200),
            "detail": sql.clean(encode(_told(view)).decode()),
        }
        with self._write() as connection:
            sql.upsert(connection, tables.action, [row])
            connection.execute(sa.insert(people.audit), audit)

    def actions(
        self, *, before: float | None = None, limit: int = 50, phones: tuple[str, ...] | None = None, since: float = 0.0
    ) -> list[ActionView]:
        """Actions, newest first; those that concern these phones, where some are named."""
        action = tables.action
        query = sa.select(action.c.view).where(action.c.at >= since).order_by(action.c.at.desc(), action.c.id)
        if before is not None:
            query = query.where(action.c.at < before)
        if phones is not None:
            query = query.where(action.c.interface.in_(phones))
        with self._read() as connection:
            return [_view.decode(text) for text in connection.execute(query.limit(limit)).scalars()]

    def action(self, id: str) -> ActionView | None:
        """One action."""
        with self._read() as connection:
            text = connection.execute(sa.select(tables.action.c.view).where(tables.action.c.id == id)).scalar()
        return None if text is None else _view.decode(text)

    def rules(self) -> list[tuple[str, str, str]]:
        """[(id, rule, standing)] as they were put, by id."""
        rule = tables.rule
        with self._read() as connection:
            rows = connection.execute(sa.select(rule.c.id, rule.c.rule, rule.c.standing).order_by(rule.c.id))
            return [(row.id, row.rule, row.standing) for row in rows]

    def put_rule(self, id: str, rule: str, standing: str, at: float) -> None:
        """Write a rule and how it stands (JSON texts)."""
        row = {"id": id[:40], "rule": sql.clean(rule), "standing": sql.clean(standing, 200_000), "changed_at": at}
        with self._write() as connection:
            sql.upsert(connection, tables.rule, [row])

    def drop_rule(self, id: str) -> None:
        """Forget a rule; its notes stay."""
        with self._write() as connection:
            connection.execute(sa.delete(tables.rule).where(tables.rule.c.id == id))

    def add_rule_notes(self, rule: str, notes: list[RuleNote]) -> None:
        """Write down what a rule did; writing the same again changes nothing."""
        rows: list[dict[str, Any]] = [
            {"rule": rule[:40], "at": note.at, "n": n, "note": sql.clean(encode(note).decode())}
            for n, note in enumerate(notes)
        ]
        with self._write() as connection:
            sql.upsert(connection, tables.note, rows)

    def rule_notes(self, rule: str, limit: int = 200) -> list[RuleNote]:
        """What a rule did, newest first."""
        note = tables.note
        query = sa.select(note.c.note).where(note.c.rule == rule).order_by(note.c.at.desc(), note.c.n.desc())
        with self._read() as connection:
            return [_note.decode(text) for text in connection.execute(query.limit(limit)).scalars()]


def _told(view: ActionView) -> dict[str, Any]:
    """What the audit says of an action: no more than happened."""
    kept = ("id", "state", "reason", "agent", "queue", "to", "call", "mode", "penalty", "undoes", "ended_at")
    return {name: value for name in kept if (value := getattr(view, name)) not in (None, "")}
