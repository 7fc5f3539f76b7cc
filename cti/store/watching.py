"""What watches, as it is remembered: alerts and their log, silences, webhooks on their way, walls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from crm_bridge import sql
from cti.store import watching_tables as tables
from cti.store.base import Base
from cti.store.watching_calls import Listening
from cti.store.watching_journal import Journals
from cti.wire.watching import Alert, Cleared, Delivery, Silence, WallToken

PAGE: Final = 100
"Alerts of one page of the log."
MOST_WAITING: Final = 10_000
"Deliveries that may wait for one webhook; beyond it the oldest are given up."


class HookCount(msgspec.Struct, frozen=True, kw_only=True):
    """How a webhook's deliveries stand."""

    waiting: int = 0
    sent: int = 0
    failed: int = 0
    last_error: str = ""
    last_at: float | None = None


class Watching(Listening, Journals, Base):
    """The part of the store that keeps what watches."""

    # --- alerts --------------------------------------------------------------------------------------------------

    def save_alerts(
        self, raised: Sequence[Alert], cleared: Sequence[Cleared], deliveries: Sequence[Delivery] = ()
    ) -> None:
        """Write what was told, and what is to be sent of it, in one go. Writing it twice is harmless."""
        table = tables.alert
        with self._write() as connection:
            sql.upsert(connection, table, [_alert_row(alert) for alert in raised], keep=True)
            for one in cleared:
                connection.execute(
                    sa.update(table)
                    .where(table.c.id == one.id, table.c.cleared_at.is_(None))
                    .values(cleared_at=one.cleared_at)
                )
            rows = [{**msgspec.structs.asdict(d), "next_at": d.at, "state": "waiting", "error": ""} for d in deliveries]
            sql.upsert(connection, tables.hook, rows, keep=True)

    def open_alerts(self) -> list[Alert]:
        """Those whose cause was not gone when it was last looked."""
        table = tables.alert
        with self._read() as connection:
            rows = connection.execute(sa.select(table).where(table.c.cleared_at.is_(None)).order_by(table.c.at)).all()
        return [_alert(row) for row in rows]

    def told_waits(self, since: float, limit: int = 20_000) -> list[str]:
        """Ids of the alerts about waits that were raised since then, oldest first."""
        table = tables.alert
        query = (
            sa.select(table.c.id)
            .where(table.c.at >= since, table.c.visit.is_not(None))
            .order_by(table.c.at.desc())
            .limit(limit)
        )
        with self._read() as connection:
            return list(reversed(list(connection.execute(query).scalars())))

    def alert_log(
        self, before: float | None = None, kind: str | None = None, queue: str | None = None, limit: int = PAGE
    ) -> list[Alert]:
        """Alerts, the last raised first."""
        table = tables.alert
        query = sa.select(table).order_by(table.c.at.desc(), table.c.id).limit(limit)
        for wanted, column in ((kind, table.c.kind), (queue, table.c.queue)):
            if wanted is not None:
                query = query.where(column == wanted)
        if before is not None:
            query = query.where(table.c.at < before)
        with self._read() as connection:
            return [_alert(row) for row in connection.execute(query)]

    def alerts_between(self, since: float, until: float, limit: int = 1000) -> list[Alert]:
        """Alerts that were open at any time in [since, until], oldest first."""
        table = tables.alert
        query = (
            sa.select(table)
            .where(table.c.at <= until, sa.or_(table.c.cleared_at.is_(None), table.c.cleared_at >= since))
            .order_by(table.c.at.desc())
            .limit(limit)
        )
        with self._read() as connection:
            return [_alert(row) for row in reversed(list(connection.execute(query)))]

    def forget_alerts(self, before: float) -> None:
        """Alerts and deliveries that are over and older than that."""
        alert, hook = tables.alert, tables.hook
        with self._write() as connection:
            connection.execute(sa.delete(alert).where(alert.c.at < before, alert.c.cleared_at.is_not(None)))
            connection.execute(sa.delete(hook).where(hook.c.at < before, hook.c.state != "waiting"))
            connection.execute(sa.delete(tables.silence).where(tables.silence.c.until < before))

    def add_silence(self, silence: Silence) -> None:
        """Somebody wants quiet."""
        with self._write() as connection:
            connection.execute(sa.insert(tables.silence), msgspec.structs.asdict(silence))

    def end_silence(self, silence: str) -> None:
        """It may be loud again."""
        with self._write() as connection:
            connection.execute(sa.delete(tables.silence).where(tables.silence.c.id == silence))

    def silences(self, now: float) -> list[Silence]:
        """Those in force, everybody's, oldest first."""
        table = tables.silence
        query = sa.select(table).where(table.c.until > now).order_by(table.c.at, table.c.id).limit(1000)
        with self._read() as connection:
            return [Silence(**row._mapping) for row in connection.execute(query)]

    # --- webhooks ------------------------------------------------------------------------------------------------

    def due_deliveries(self, now: float, hooks: Sequence[str], limit: int = 50) -> list[Delivery]:
        """What is to be sent now, oldest first."""
        table = tables.hook
        query = (
            sa.select(table.c.id, table.c.hook, table.c.body, table.c.at, table.c.tries)
            .where(table.c.state == "waiting", table.c.next_at <= now, table.c.hook.in_(list(hooks)))
            .order_by(table.c.at, table.c.id)
            .limit(limit)
        )
        with self._read() as connection:
            return [Delivery(**row._mapping) for row in connection.execute(query)]

    def next_delivery(self, hooks: Sequence[str]) -> float | None:
        """When something is to be sent next."""
        table = tables.hook
        query = sa.select(sa.func.min(table.c.next_at)).where(table.c.state == "waiting", table.c.hook.in_(list(hooks)))
        with self._read() as connection:
            found: float | None = connection.execute(query).scalar()
            return found

    def delivered(self, delivery: str, at: float, error: str = "", again_at: float | None = None) -> None:
        """A try was made: it was taken (no error), is to be tried again at `again_at`, or is given up."""
        table = tables.hook
        state = "sent" if not error else "failed" if again_at is None else "waiting"
        with self._write() as connection:
            connection.execute(
                sa.update(table)
                .where(table.c.id == delivery)
                .values(
                    state=state,
                    error=error[:120],
                    tries=table.c.tries + 1,
                    next_at=at if again_at is None else again_at,
                )
            )

    def bound_deliveries(self, hook: str, most: int = MOST_WAITING) -> int:
        """Give up the oldest of what waits for a hook beyond `most`; returns how many."""
        table = tables.hook
        waiting = (table.c.hook == hook) & (table.c.state == "waiting")
        with self._write() as connection:
            border = connection.execute(
                sa.select(table.c.at).where(waiting).order_by(table.c.at.desc()).offset(most).limit(1)
            ).scalar()
            if border is None:
                return 0
            done = connection.execute(
                sa.update(table).where(waiting, table.c.at <= border).values(state="failed", error="too many waiting")
            )
            return int(done.rowcount)

    def hook_counts(self) -> dict[str, HookCount]:
        """{hook: how its deliveries stand}."""
        table = tables.hook
        counts: dict[str, dict[str, Any]] = {}
        with self._read() as connection:
            for row in connection.execute(
                sa.select(table.c.hook, table.c.state, sa.func.count().label("n")).group_by(table.c.hook, table.c.state)
            ):
                counts.setdefault(row.hook, {})[row.state] = row.n
            for hook, told in counts.items():
                last = connection.execute(
                    sa.select(table.c.error, table.c.next_at)
                    .where(table.c.hook == hook, table.c.tries > 0, table.c.error != "")
                    .order_by(table.c.next_at.desc())
                    .limit(1)
                ).first()
                if last is not None:
                    told["last_error"], told["last_at"] = last.error, last.next_at
        return {hook: HookCount(**told) for hook, told in counts.items()}

    # --- walls ---------------------------------------------------------------------------------------------------

    def add_wall(self, wall: WallToken, token_hash: str) -> None:
        """A wall's right to look; the token itself never comes here."""
        with self._write() as connection:
            connection.execute(sa.insert(tables.wall), {**msgspec.structs.asdict(wall), "hash": token_hash})

    def walls(self) -> list[WallToken]:
        """All of them, the newest first."""
        table = tables.wall
        with self._read() as connection:
            return [
                _wall(row)
                for row in connection.execute(sa.select(table).order_by(table.c.created_at.desc(), table.c.id))
            ]

    def wall(self, token_hash: str) -> WallToken | None:
        """The wall whose token has that hash."""
        with self._read() as connection:
            row = connection.execute(sa.select(tables.wall).where(tables.wall.c.hash == token_hash)).first()
        return None if row is None else _wall(row)

    def wall_hashes(self) -> dict[str, WallToken]:
        """{hash of the token: wall} of all."""
        with self._read() as connection:
            return {row.hash: _wall(row) for row in connection.execute(sa.select(tables.wall))}

    def touch_wall(self, wall: str, at: float) -> None:
        """It was used."""
        with self._write() as connection:
            connection.execute(sa.update(tables.wall).where(tables.wall.c.id == wall).values(used_at=at))

    def drop_wall(self, wall: str) -> bool:
        """It may look no more; False where there is none."""
        with self._write() as connection:
            return connection.execute(sa.delete(tables.wall).where(tables.wall.c.id == wall)).rowcount > 0


def _alert_row(alert: Alert) -> dict[str, Any]:
    row = msgspec.structs.asdict(alert)
    for name, most in (("queue", 120), ("agent", 120), ("interface", 120), ("call", 200), ("visit", 200), ("id", 250)):
        if row[name] is not None:
            row[name] = sql.clean(row[name], most)
    return row


def _alert(row: Any) -> Alert:
    return Alert(**row._mapping)


def _wall(row: Any) -> WallToken:
    return WallToken(**{name: getattr(row, name) for name in WallToken.__struct_fields__})
