"""Templates, rules, refusals and call-back tasks: what people set about text messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec
import sqlalchemy as sa

from crm_bridge import sql
from cti.store import messages_tables as tables
from cti.store.base import Base
from cti.store.messages_inbox import opt_out

Scope = Literal["marketing", "all"]


class Changed(Exception):
    """Somebody else saved first; `current` is how it stands."""

    def __init__(self, current: Any) -> None:
        super().__init__("changed")
        self.current = current


class TemplateRow(msgspec.Struct, frozen=True, kw_only=True):
    """A template as it is kept."""

    id: str
    name: str
    purpose: Literal["service", "marketing"]
    text: str
    codes: dict[str, str] = {}
    enabled: bool = True
    version: int = 0


class RuleRow(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as it is kept. Seconds."""

    trigger: str
    enabled: bool = False
    template: str = ""
    queues: tuple[str, ...] = ()
    min_wait_s: float = 5.0
    delay_s: float = 60.0
    promise_s: float = 1800.0
    version: int = 0


_rule_row: Final = msgspec.json.Decoder(RuleRow)


class OptOutRow(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal as it is kept."""

    id: str
    key: str
    scope: Scope
    at: float
    source: Literal["reply", "person", "import"]
    by: str
    word: str


class CallbackRow(msgspec.Struct, frozen=True, kw_only=True):
    """A promised call. Epoch seconds."""

    id: str
    key: str
    number: str
    call: str
    queue: str
    name: str
    promised_at: float
    due_at: float
    state: Literal["open", "answered", "done"]
    owner: str
    reply: str | None = None


class MessageRules(Base):
    """The part of the store that keeps what people set about messages."""

    def sms_templates(self) -> list[TemplateRow]:
        """All templates by name."""
        with self._read() as connection:
            rows = connection.execute(sa.select(tables.template).order_by(tables.template.c.name)).all()
        return [_template(row) for row in rows]

    def sms_template(self, id: str) -> TemplateRow | None:
        """One template."""
        with self._read() as connection:
            row = connection.execute(sa.select(tables.template).where(tables.template.c.id == id)).first()
            return None if row is None else _template(row)

    def save_sms_template(self, template: TemplateRow, by: str, at: float) -> TemplateRow:
        """Write a template made from `template.version`; raises Changed where that is not the current one."""
        table = tables.template
        with self._write() as connection:
            row = connection.execute(sa.select(table).where(table.c.id == template.id)).first()
            current = None if row is None else _template(row)
            if (0 if current is None else current.version) != template.version:
                raise Changed(current)
            saved = msgspec.structs.replace(template, version=template.version + 1)
            values = msgspec.structs.asdict(saved)
            values.update(
                codes=msgspec.json.encode(saved.codes).decode(),
                text=sql.clean(saved.text),
                name=sql.clean(saved.name, 80),
                by=by,
                at=at,
            )
            sql.upsert(connection, table, [values])
        return saved

    def drop_sms_template(self, id: str) -> bool:
        """Take a template away; False where there is none."""
        with self._write() as connection:
            return connection.execute(sa.delete(tables.template).where(tables.template.c.id == id)).rowcount > 0

    def sms_rules(self) -> dict[str, RuleRow]:
        """{trigger: rule} of those ever saved."""
        with self._read() as connection:
            rows = connection.execute(sa.select(tables.rule)).all()
        return {row.trigger: _rule(row) for row in rows}

    def save_sms_rule(self, rule: RuleRow, by: str, at: float) -> RuleRow:
        """Write a rule made from `rule.version`; raises Changed where that is not the current one."""
        table = tables.rule
        with self._write() as connection:
            row = connection.execute(sa.select(table).where(table.c.trigger == rule.trigger)).first()
            if (0 if row is None else row.version) != rule.version:
                raise Changed(None if row is None else _rule(row))
            saved = msgspec.structs.replace(rule, version=rule.version + 1)
            values = {"trigger": rule.trigger, "version": saved.version, "by": by, "at": at}
            sql.upsert(connection, table, [{**values, "document": msgspec.json.encode(saved).decode()}])
        return saved

    # Refusals

    def opt_outs(self, keys: Sequence[str]) -> dict[str, Scope]:
        """{key: what it refuses} of those of these numbers that refuse anything."""
        table = tables.optout
        with self._read() as connection:
            rows = connection.execute(sa.select(table.c.key, table.c.scope).where(table.c.key.in_(list(keys))))
            return {row.key: row.scope for row in rows}

    def list_opt_outs(self, *, key: str = "", before: float | None = None, limit: int = 50) -> list[OptOutRow]:
        """Refusals, newest first; of numbers that hold `key` where it is given."""
        table = tables.optout
        query = sa.select(table)
        if key:
            query = query.where(table.c.key.like(sql.like(key), escape="\\"))
        if before is not None:
            query = query.where(table.c.at < before)
        with self._read() as connection:
            rows = connection.execute(query.order_by(table.c.at.desc(), table.c.id).limit(limit)).all()
        return [_optout(row) for row in rows]

    def add_opt_out(self, key: str, scope: Scope, at: float, *, by: str, word: str) -> OptOutRow:
        """Somebody says that this number wants no more; a wider refusal stays."""
        table = tables.optout
        with self._write() as connection:
            opt_out(connection, key, scope, at, source="person", by=by, word=word)
            return _optout(connection.execute(sa.select(table).where(table.c.key == key)).one())

    def lift_opt_out(self, id: str) -> str | None:
        """The customer agrees again; the number's key, None where there is no such refusal."""
        table = tables.optout
        with self._write() as connection:
            key: str | None = connection.execute(sa.select(table.c.key).where(table.c.id == id)).scalar_one_or_none()
            connection.execute(sa.delete(table).where(table.c.id == id))
            return key

    # Promised calls

    def promise_call(self, task: CallbackRow) -> bool:
        """Keep a promise; the same again is nothing new."""
        row = msgspec.structs.asdict(task)
        row.update(number=sql.clean(task.number, 120), name=sql.clean(task.name, 120), done_by="")
        with self._write() as connection:
            return sql.upsert(connection, tables.callback, [row], keep=True) > 0

    def promises(self, state: str = "", limit: int = 100) -> list[CallbackRow]:
        """Promised calls, those due first."""
        table = tables.callback
        query = sa.select(table).order_by(table.c.due_at, table.c.id).limit(limit)
        if state:
            query = query.where(table.c.state == state)
        with self._read() as connection:
            return [_callback(row) for row in connection.execute(query)]

    def promise(self, id: str) -> CallbackRow | None:
        """One promised call."""
        with self._read() as connection:
            row = connection.execute(sa.select(tables.callback).where(tables.callback.c.id == id)).first()
            return None if row is None else _callback(row)

    def end_promises(self, *, at: float, by: str, id: str = "", key: str = "") -> int:
        """The call was returned: this task, or all of this number. Returns how many were open."""
        table = tables.callback
        which = table.c.id == id if id else table.c.key == key
        with self._write() as connection:
            return connection.execute(
                sa.update(table).where(which, table.c.state != "done").values(state="done", done_at=at, done_by=by)
            ).rowcount


def _template(row: Any) -> TemplateRow:
    return TemplateRow(
        id=row.id,
        name=row.name,
        purpose=row.purpose,
        text=row.text,
        codes=msgspec.json.decode(row.codes, type=dict[str, str]),
        enabled=row.enabled,
        version=row.version,
    )


def _rule(row: Any) -> RuleRow:
    return msgspec.structs.replace(_rule_row.decode(row.document), version=row.version)


def _optout(row: Any) -> OptOutRow:
    return OptOutRow(**{name: getattr(row, name) for name in OptOutRow.__struct_fields__})


def _callback(row: Any) -> CallbackRow:
    return CallbackRow(**{name: getattr(row, name) for name in CallbackRow.__struct_fields__})
