"""What queue_log said: how far it was read, its visits, lines that did not count, and what it filled in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from crm_bridge import sql
from cti.calls.record import Call
from cti.history.follow import Place, Rejected
from cti.history.queue_log import LogVisit
from cti.store import history_tables as tables
from cti.store import tables as calls
from cti.store.calls import Calls

_NEAR_S: Final = 61
_SAME_S: Final = 3
_MANY: Final = 400
_KEPT: Final = 10_000
"Lines of quarantine that are kept."


class LogBooks(Calls):
    """The part of the store that keeps what the follower read."""

    def log_state(self, path: str) -> tuple[Place | None, list[LogVisit]]:
        """How far a file was read, and the visits that were open there."""
        file, visit = tables.log_file, tables.log_visit
        still = visit.c.outcome == "unknown"
        talking = (visit.c.outcome == "answered") & visit.c.ended.is_(None)
        with self._read() as connection:
            row = connection.execute(sa.select(file).where(file.c.path == path[-250:])).first()
            if row is None:
                return None, []
            place = Place(
                device=row.device, inode=row.inode, offset=row.offset, line_sha=row.line_sha, last=row.last_epoch
            )
            rows = connection.execute(
                sa.select(visit)
                .where(visit.c.entered >= place.last - 86_400, (still & visit.c.left.is_(None)) | talking)
                .order_by(visit.c.entered)
            ).all()
        return place, [_visit(row) for row in rows]

    def save_log(
        self, path: str, place: Place, visits: Sequence[LogVisit], rejected: Sequence[Rejected], at: float
    ) -> None:
        """What was read, and how far: all or none. Reading the same again changes nothing."""
        rows = [
            {
                **{name: getattr(visit, name) for name in visit.__struct_fields__},
                "queue": sql.clean(visit.queue, 120),
                "caller": sql.clean(visit.caller, 120),
                "agent": sql.clean(visit.agent, 120),
                "missed": msgspec.json.encode(visit.missed).decode(),
                "settled": False,
            }
            for visit in visits
        ]
        quarantine = tables.quarantine
        with self._write() as connection:
            sql.upsert(connection, tables.log_visit, rows)
            sql.upsert(
                connection,
                quarantine,
                [
                    {"key": one.key, "at": at, "reason": one.reason, "line": sql.clean(one.line, 1000)}
                    for one in rejected
                ],
                keep=True,
            )
            if rejected:
                oldest = sa.select(quarantine.c.key).order_by(quarantine.c.at.desc()).offset(_KEPT)
                connection.execute(
                    sa.delete(quarantine).where(quarantine.c.key.in_(list(connection.execute(oldest).scalars())))
                )
            sql.upsert(
                connection,
                tables.log_file,
                [
                    {
                        "path": path[-250:],
                        "device": place.device,
                        "inode": place.inode,
                        "offset": place.offset,
                        "line_sha": place.line_sha,
                        "last_epoch": place.last,
                    }
                ],
            )

    def log_visits(self, since: float, until: float) -> list[LogVisit]:
        """Visits that entered in [since, until), in order."""
        table = tables.log_visit
        query = sa.select(table).where(table.c.entered >= since, table.c.entered < until).order_by(table.c.entered)
        with self._read() as connection:
            return [_visit(row) for row in connection.execute(query)]

    def unsettled(self, before: float, limit: int = 200) -> list[LogVisit]:
        """Closed visits not yet compared with our calls, whose last line is older than `before`."""
        table = tables.log_visit
        closed = table.c.left.is_not(None) & ((table.c.outcome != "answered") | table.c.ended.is_not(None))
        query = (
            sa.select(table)
            .where(table.c.settled.is_(False), closed, sa.func.coalesce(table.c.ended, table.c.left) < before)
            .order_by(table.c.entered)
            .limit(limit)
        )
        with self._read() as connection:
            return [_visit(row) for row in connection.execute(query)]

    def settled(self, keys: Sequence[str]) -> None:
        """These need not be looked at again."""
        table = tables.log_visit
        with self._write() as connection:
            connection.execute(sa.update(table).where(table.c.key.in_(list(keys))).values(settled=True))

    def calls_near(self, visit: LogVisit) -> list[Call]:
        """Calls that a visit of the log may be of."""
        seen = calls.visit
        ids = sa.select(seen.c.call_id).where(
            seen.c.queue == visit.queue,
            seen.c.joined_at >= visit.entered - _NEAR_S,
            seen.c.joined_at <= visit.entered + _NEAR_S,
        )
        return self._documents((calls.call.c.id == visit.callid) | calls.call.c.id.in_(ids))

    def phones_of(self, agents: Iterable[str]) -> Mapping[str, str]:
        """The phone that each member used last; members never seen are left out."""
        fact = tables.fact
        found: dict[str, str] = {}
        with self._read() as connection:
            for agent in set(agents):
                phone = connection.execute(
                    sa.select(calls.talk.c.interface).where(calls.talk.c.agent == agent).limit(1)
                ).scalar()
                if phone is None:
                    phone = connection.execute(
                        sa.select(fact.c.interface).where(fact.c.agent == agent, fact.c.interface != "").limit(1)
                    ).scalar()
                if phone:
                    found[agent] = phone
        return found

    def backfill(self, call: Call, pbx: str, at: float, *, inserted: bool) -> None:
        """A call as queue_log completes it, marked as such."""
        with self._write() as connection:
            row: dict[str, Any] = {"call_id": call.id, "at": at, "inserted": inserted}
            sql.upsert(connection, tables.backfilled, [row], keep=True)
        self.save_calls([call], pbx)

    def _calls_written(self, connection: sa.Connection, written: Sequence[Call]) -> None:
        """A call that the log had completed and that is now told anew is compared with the log anew."""
        super()._calls_written(connection, written)
        table, filled = tables.log_visit, tables.backfilled
        ids = {call.id: call for call in written}
        for start in range(0, len(ids), _MANY):
            some = list(ids)[start : start + _MANY]
            query = sa.select(filled.c.call_id).where(filled.c.call_id.in_(some))
            for call in [ids[id] for id in connection.execute(query).scalars()]:
                anew = sa.update(table).values(settled=False)
                if connection.execute(anew.where(table.c.callid == call.id)).rowcount:
                    continue
                # Behind a Local hop the log has another id: what entered the same queues at the time.
                entries = [visit.joined_at for visit in call.visits if visit.joined_at is not None]
                if entries:
                    near = table.c.entered.between(min(entries) - _SAME_S, max(entries) + _SAME_S)
                    queues = table.c.queue.in_([visit.queue for visit in call.visits])
                    connection.execute(anew.where(near, queues))

    def quarantined(self, limit: int = 100) -> list[Rejected]:
        """Lines that did not count, newest first."""
        table = tables.quarantine
        query = sa.select(table).order_by(table.c.at.desc(), table.c.key).limit(limit)
        with self._read() as connection:
            return [Rejected(key=row.key, reason=row.reason, line=row.line) for row in connection.execute(query)]


def _visit(row: Any) -> LogVisit:
    return LogVisit(
        key=row.key,
        callid=row.callid,
        queue=row.queue,
        caller=row.caller,
        entered=row.entered,
        left=row.left,
        outcome=row.outcome,
        wait_s=row.wait_s,
        agent=row.agent,
        ended=row.ended,
        talk_s=row.talk_s,
        missed=msgspec.json.decode(row.missed, type=tuple[tuple[str, int, int], ...]),
    )
