"""What the history is made of: rows derived from calls, what was noted meanwhile, targets and teams through time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from crm_bridge import sql
from cti.board.metrics import to_ms
from cti.calls.record import Call
from cti.history.ask import Target
from cti.history.calendar import QUARTER_MS
from cti.history.facts import FACTS_VERSION, Moment, facts
from cti.history.recorder import Notes
from cti.history.story import Source
from cti.store import history_tables as tables
from cti.store import tables as calls
from cti.store.calls import Calls, documents
from cti.store.history import rows_of

_MANY: Final = 400
_NEAR_MS: Final = 86_400_000
"Who was idle is read for calls of at most a day at once."


class HistoryWriting(Calls):
    """The part of the store that writes the history. What is derived is derived in the call's own transaction."""

    def migrate(self) -> None:
        """Bring the tables to this program's revision, and rows of older rules to these."""
        super().migrate()
        with self._read() as connection:
            known = connection.execute(
                sa.select(tables.state.c.value).where(tables.state.c.name == "facts_version")
            ).scalar()
        if known != str(FACTS_VERSION):
            self.derive_history()

    def derive_history(self) -> int:
        """Derive all rows anew from the calls; returns how many calls there are."""
        with self._read() as connection:
            ids = list(connection.execute(sa.select(calls.call.c.id).order_by(calls.call.c.started_at)).scalars())
        for start in range(0, len(ids), _MANY):
            with self._write() as connection:
                _derive(connection, ids[start : start + _MANY])
        with self._write() as connection:
            sql.upsert(connection, tables.state, [{"name": "facts_version", "value": str(FACTS_VERSION)}])
        return len(ids)

    def _calls_written(self, connection: sa.Connection, written: Sequence[Call]) -> None:
        super()._calls_written(connection, written)
        for start in range(0, len(written), _MANY):
            write_facts(connection, written[start : start + _MANY])

    def _calls_dropped(self, connection: sa.Connection, ids: Sequence[str]) -> None:
        forget_facts(connection, ids)

    def save_notes(self, notes: Notes) -> None:
        """Write what the recorder noted; writing it twice is harmless."""
        with self._write() as connection:
            sql.hurry(connection, self.statement_s)
            sql.upsert(
                connection,
                tables.moment,
                [{_CALL.get(k, k): v for k, v in row.items()} for row in rows_of(notes.moments)],
            )
            sql.upsert(connection, tables.queue_free, rows_of(notes.free))
            if notes.spans:
                sql.upsert(connection, tables.span, rows_of(notes.spans))
                _sum_up(connection, {(span.interface, span.from_ms // QUARTER_MS * QUARTER_MS) for span in notes.spans})
        touched = sorted(notes.calls)
        for start in range(0, len(touched), _MANY):
            with self._write() as connection:
                sql.hurry(connection, self.statement_s)
                _derive(connection, touched[start : start + _MANY])

    def story_source(self, call_id: str) -> Source | None:
        """All that is kept of one call, for its story."""
        call = self.call(call_id)
        if call is None:
            return None
        with self._read() as connection:
            return Source(
                call=call,
                moments=tuple(_moments(connection, [call_id]).get(call_id, ())),
                free=_free(connection, [call]),
                backfilled=bool(_filled(connection, [call_id])),
            )

    def note_targets(self, targets: Mapping[str, tuple[float, float]], at: float) -> int:
        """{queue: (target, short limit in seconds)} from now on, '' for all others; returns how many changed."""
        table = tables.target
        with self._write() as connection:
            rows = connection.execute(sa.select(table).order_by(table.c.since_ms)).all()
            last = {row.queue: (row.target_ms, row.short_ms) for row in rows}
            new = [
                {"queue": queue, "since_ms": to_ms(at), "target_ms": to_ms(target), "short_ms": to_ms(short)}
                for queue, (target, short) in targets.items()
                if last.get(queue) != (to_ms(target), to_ms(short))
            ]
            sql.upsert(connection, table, new)
        return len(new)

    def set_target(self, queue: str, target: Target) -> None:
        """What was promised from a moment on, said afterwards."""
        row = {"queue": queue, **{name: getattr(target, name) for name in target.__struct_fields__}}
        with self._write() as connection:
            sql.upsert(connection, tables.target, [row])

    def note_teams(self, teams: Mapping[str, str], at: float) -> int:
        """{interface: team} as it is now; a phone that is not named has none. Returns how many changed."""
        table = tables.team
        with self._write() as connection:
            rows = connection.execute(sa.select(table).order_by(table.c.since_ms)).all()
            last = {row.interface: row.team for row in rows}
            now = {**dict.fromkeys(last, ""), **teams}
            new = [
                {"interface": interface, "since_ms": to_ms(at), "team": team}
                for interface, team in now.items()
                if last.get(interface, "") != team
            ]
            sql.upsert(connection, table, new)
        return len(new)

    def set_team(self, interface: str, team: str, since: float) -> None:
        """Who is in which team since when, said afterwards."""
        with self._write() as connection:
            sql.upsert(connection, tables.team, [{"interface": interface, "since_ms": to_ms(since), "team": team}])


_CALL: Final = {"call": "call_id"}


def _derive(connection: sa.Connection, ids: Sequence[str]) -> None:
    """The rows of these calls as they stand in this transaction: read before it, they might be older than the rows."""
    write_facts(connection, documents(connection, calls.call.c.id.in_(ids), to_change=True))


def write_facts(connection: sa.Connection, told: Sequence[Call]) -> None:
    """The rows of these calls, in place of what stood there."""
    ids = [call.id for call in told]
    if not ids:
        return
    forget_facts(connection, ids)
    moments = _moments(connection, ids)
    filled = _filled(connection, ids)
    found: list[dict[str, Any]] = []
    missed: list[dict[str, Any]] = []
    for some in _near(told):
        free = _free(connection, some)
        for call in some:
            own, rings = facts(call, moments.get(call.id, ()), free, backfilled=call.id in filled)
            found += [_row(row) for row in rows_of(own)]
            missed += [_row(row) for row in rows_of(rings)]
    if found:
        connection.execute(sa.insert(tables.fact), found)
    if missed:
        connection.execute(sa.insert(tables.missed), missed)


def _moments(connection: sa.Connection, ids: Sequence[str]) -> dict[str, list[Moment]]:
    """What was noted of these calls while they went on."""
    found: dict[str, list[Moment]] = {}
    table = tables.moment
    for row in connection.execute(sa.select(table).where(table.c.call_id.in_(ids))):
        found.setdefault(row.call_id, []).append(
            Moment(
                call=row.call_id,
                doing=row.doing,
                interface=row.interface,
                from_ms=row.from_ms,
                to_ms=row.to_ms,
                agent=row.agent,
                answered=row.answered,
                queue=row.queue,
            )
        )
    return found


def _filled(connection: sa.Connection, ids: Sequence[str]) -> set[str]:
    """Which of these calls were completed from queue_log."""
    table = tables.backfilled
    return set(connection.execute(sa.select(table.c.call_id).where(table.c.call_id.in_(ids))).scalars())


def forget_facts(connection: sa.Connection, ids: Sequence[str]) -> None:
    """These calls count no more."""
    for table in (tables.fact, tables.missed):
        connection.execute(sa.delete(table).where(table.c.call_id.in_(ids)))


def _row(row: dict[str, Any]) -> dict[str, Any]:
    row["call_id"] = row.pop("call")
    for name in ("queue", "line", "agent", "interface"):
        row[name] = sql.clean(row[name], 120)
    return row


def _near(documents: Sequence[Call]) -> Iterable[list[Call]]:
    """Calls in lots that lie within a day."""
    lot: list[Call] = []
    since = 0
    for call in sorted(documents, key=_began):
        if lot and _began(call) - since > _NEAR_MS:
            yield lot
            lot = []
        if not lot:
            since = _began(call)
        lot.append(call)
    if lot:
        yield lot


def _began(call: Call) -> int:
    times = [t for v in call.visits for t in (v.joined_at, v.left_at) if t is not None]
    return to_ms(min(times, default=call.started_at or call.ended_at or 0.0))


def _ended(call: Call) -> int:
    times = [t for v in call.visits for t in (v.joined_at, v.left_at) if t is not None]
    return to_ms(max(times, default=call.started_at or call.ended_at or 0.0))


def _free(connection: sa.Connection, documents: Sequence[Call]) -> dict[str, list[tuple[int, int]]]:
    """When queues had somebody idle, around these calls."""
    table = tables.queue_free
    queues = {visit.queue for call in documents for visit in call.visits}
    if not queues:
        return {}
    begin, end = min(map(_began, documents)), max(map(_ended, documents))
    found: dict[str, list[tuple[int, int]]] = {}
    for queue in queues:
        before = (
            sa.select(sa.func.max(table.c.at_ms))
            .where(table.c.queue == queue, table.c.at_ms <= begin)
            .scalar_subquery()
        )
        query = (
            sa.select(table.c.at_ms, table.c.free)
            .where(table.c.queue == queue, table.c.at_ms >= sa.func.coalesce(before, begin), table.c.at_ms <= end)
            .order_by(table.c.at_ms)
        )
        found[queue] = [(row.at_ms, row.free) for row in connection.execute(query)]
    return found


def _sum_up(connection: sa.Connection, quarters: set[tuple[str, int]]) -> None:
    """Agents' time of these (interface, quarter), anew from the spans, none of which crosses a quarter."""
    span, time = tables.span, tables.agent_time
    for interface, quarter in sorted(quarters):
        connection.execute(sa.delete(time).where(time.c.interface == interface, time.c.quarter == quarter))
        rows = connection.execute(
            sa.select(
                span.c.phase,
                span.c.reason,
                sa.func.max(span.c.agent).label("agent"),
                sa.func.sum(span.c.to_ms - span.c.from_ms).label("ms"),
            )
            .where(span.c.interface == interface, span.c.from_ms >= quarter, span.c.from_ms < quarter + QUARTER_MS)
            .group_by(span.c.phase, span.c.reason)
        ).all()
        if rows:
            connection.execute(
                sa.insert(time),
                [
                    {
                        "quarter": quarter,
                        "interface": interface,
                        "phase": row.phase,
                        "reason": row.reason,
                        "agent": row.agent,
                        "ms": int(row.ms),
                    }
                    for row in rows
                ],
            )
