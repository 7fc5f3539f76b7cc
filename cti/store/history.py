"""Sums over the history's rows, and the lists behind them: implements `cti.history.ask.Facts`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from cti.board.metrics import OUTFLOW
from cti.history.ask import LOST, CauseCell, Cell, Listed, MissedCell, Slice, Target, Targets, TimeCell, Which
from cti.history.calendar import QUARTER_MS
from cti.history.causes import CAUSES
from cti.history.facts import BACKFILL, BOTH, CHAIN, GAP, UNQUEUED, VISIT
from cti.store import history_tables as tables
from cti.store import tables as calls
from cti.store.base import Base

_KINDS: Final = {"visits": (BOTH, VISIT), "callers": (BOTH, CHAIN, UNQUEUED)}
_PAGE: Final = 500
_RANGES: Final = 300
"Parts of a period in one statement; SQLite takes 500."

Expression = sa.ColumnElement[Any]


class Reports(Base):
    """The part of the store that answers questions about the past."""

    def visit_cells(self, part: Slice) -> list[Cell]:
        """Sums of visits or callers by the dims asked for, outcome, and whether the wait is known."""
        return [cell for some in _parts(part) for cell in self._visit_cells(some)]

    def _visit_cells(self, part: Slice) -> list[Cell]:
        fact, question = tables.fact, part.question
        wait = _wait(part)
        target, short = _limits(part.targets)
        dims = _dims(part, fact)
        judged = fact.c.wait_ms.is_not(None)
        keys = [*dims, fact.c.outcome, judged]
        query = (
            sa.select(
                *(key.label(f"k{n}") for n, key in enumerate(keys)),
                sa.func.count(),
                _count(wait <= target),
                _count(wait <= short),
                sa.func.coalesce(sa.func.sum(wait), 0),
                sa.func.coalesce(sa.func.max(wait), 0),
                sa.func.sum(fact.c.talk_ms),
                sa.func.sum(fact.c.hold_ms),
                sa.func.sum(fact.c.wrap_ms),
                sa.func.sum(fact.c.transfers),
                _count(fact.c.quality.op("&")(GAP) != 0),
                _count(fact.c.quality.op("&")(BACKFILL) != 0),
                *(_count(wait <= round(mark * 1000)) for mark in question.marks),
            )
            .where(*_where(part, fact))
            .group_by(*keys)
        )
        width = len(dims)
        with self._read() as connection:
            return [
                Cell(
                    key=tuple(row[:width]),
                    outcome=row[width],
                    judged=bool(row[width + 1]),
                    n=row[width + 2],
                    in_target=int(row[width + 3]),
                    short=int(row[width + 4]),
                    wait=int(row[width + 5]),
                    longest=int(row[width + 6]),
                    talk=int(row[width + 7]),
                    hold=int(row[width + 8]),
                    wrap=int(row[width + 9]),
                    transfers=int(row[width + 10]),
                    gaps=int(row[width + 11]),
                    backfilled=int(row[width + 12]),
                    marks=tuple(int(value) for value in row[width + 13 :]),
                )
                for row in connection.execute(query)
            ]

    def missed_cells(self, part: Slice) -> list[MissedCell]:
        """Rings that nobody answered, by the dims asked for."""
        return [cell for some in _parts(part) for cell in self._missed_cells(some)]

    def _missed_cells(self, part: Slice) -> list[MissedCell]:
        ring = tables.missed
        keys = _dims(part, ring)
        query = sa.select(*keys, sa.func.count(), sa.func.sum(ring.c.ring_ms)).where(*_common(part, ring))
        if keys:
            query = query.group_by(*keys)
        with self._read() as connection:
            return [MissedCell(tuple(row[:-2]), int(row[-2]), int(row[-1] or 0)) for row in connection.execute(query)]

    def time_cells(self, part: Slice) -> list[TimeCell]:
        """Agents' time by phase and reason, by the dims asked for."""
        return [cell for some in _parts(part) for cell in self._time_cells(some)]

    def _time_cells(self, part: Slice) -> list[TimeCell]:
        time, question = tables.agent_time, part.question
        at = time.c.quarter
        named: dict[str, Expression] = {
            "quarter": at,
            "agent": time.c.agent,
            "interface": time.c.interface,
            "segment": _segment(part, at),
        }
        keys = [named[dim] for dim in part.dims]
        where = _within(part, at)
        if question.agents:
            where.append(time.c.agent.in_(question.agents))
        if question.interfaces:
            where.append(time.c.interface.in_(question.interfaces))
        query = (
            sa.select(*keys, time.c.phase, time.c.reason, sa.func.sum(time.c.ms))
            .where(*where)
            .group_by(*keys, time.c.phase, time.c.reason)
        )
        with self._read() as connection:
            return [TimeCell(tuple(row[:-3]), row[-3], row[-2], int(row[-1])) for row in connection.execute(query)]

    def cause_cells(self, part: Slice) -> list[CauseCell]:
        """Late answers and lost callers by cause, by the dims asked for."""
        return [cell for some in _parts(part) for cell in self._cause_cells(some)]

    def _cause_cells(self, part: Slice) -> list[CauseCell]:
        fact = tables.fact
        keys = [*_dims(part, fact), fact.c.cause]
        query = (
            sa.select(
                *(key.label(f"k{n}") for n, key in enumerate(keys)),
                sa.func.count(),
                sa.func.coalesce(sa.func.sum(fact.c.lead_ms), 0),
                *(sa.func.sum(fact.c[f"{cause}_ms"]) for cause in CAUSES),
            )
            .where(*_where(part, fact), _matches("troubled", part))
            .group_by(*keys)
        )
        width = len(keys) - 1
        with self._read() as connection:
            return [
                CauseCell(
                    tuple(row[:width]),
                    row[width],
                    int(row[width + 1]),
                    int(row[width + 2]),
                    tuple(int(value) for value in row[width + 3 :]),
                )
                for row in connection.execute(query)
            ]

    def listed(self, part: Slice, which: Which) -> Iterator[Listed]:
        """The rows behind a number, newest first. Each is read as it is asked for."""
        for some in reversed(_parts(part)):
            yield from self._listed_missed(some) if which == "missed" else self._listed(some, which)

    def _listed(self, part: Slice, which: Which) -> Iterator[Listed]:
        fact = tables.fact
        where = [*_where(part, fact), _matches(which, part)]
        order = (fact.c.at_ms, fact.c.call_id, fact.c.n, fact.c.kind)
        target, _ = _limits(part.targets)
        wait = _wait(part)
        after: tuple[Any, ...] | None = None
        while True:
            query = (
                sa.select(fact, wait.label("wait"), target.label("target"), calls.call.c.caller)
                .outerjoin_from(fact, calls.call, calls.call.c.id == fact.c.call_id)
                .where(*where)
                .order_by(*(column.desc() for column in order))
                .limit(_PAGE)
            )
            if after is not None:
                query = query.where(sa.tuple_(*order) < sa.tuple_(*(sa.literal(value) for value in after)))
            with self._read() as connection:
                rows = connection.execute(query).all()
            for row in rows:
                yield _listed(row)
            if len(rows) < _PAGE:
                return
            after = (rows[-1].at_ms, rows[-1].call_id, rows[-1].n, rows[-1].kind)

    def _listed_missed(self, part: Slice) -> Iterator[Listed]:
        ring = tables.missed
        query = (
            sa.select(ring, calls.call.c.caller)
            .outerjoin_from(ring, calls.call, calls.call.c.id == ring.c.call_id)
            .where(*_common(part, ring))
            .order_by(ring.c.at_ms.desc(), ring.c.call_id, ring.c.n, ring.c.m)
        )
        with self._read() as connection:
            rows = connection.execute(query.limit(100_000)).all()
        for row in rows:
            yield Listed(
                call=row.call_id,
                n=row.n,
                at=row.at_ms / 1000,
                queue=row.queue,
                line=row.line,
                caller=row.caller,
                agent=row.agent,
                outcome="missed",
                wait_s=None,
                target_s=part.targets.of(row.queue, row.at_ms)[0] / 1000,
                lead_s=None,
                talk_s=0.0,
                quality=0,
                cause="ringing",
                split={"ringing": row.ring_ms / 1000},
                interface=row.interface,
            )

    def history_targets(self) -> dict[str, tuple[Target, ...]]:
        """What was promised since when, by queue, oldest first."""
        table = tables.target
        found: dict[str, list[Target]] = {}
        with self._read() as connection:
            for row in connection.execute(sa.select(table).order_by(table.c.queue, table.c.since_ms)):
                step = Target(since_ms=row.since_ms, target_ms=row.target_ms, short_ms=row.short_ms)
                found.setdefault(row.queue, []).append(step)
        return {queue: tuple(steps) for queue, steps in found.items()}

    def team_steps(self) -> dict[str, tuple[tuple[int, str], ...]]:
        """{interface: ((since in ms, team), ...)}, oldest first."""
        table = tables.team
        found: dict[str, list[tuple[int, str]]] = {}
        with self._read() as connection:
            for row in connection.execute(sa.select(table).order_by(table.c.interface, table.c.since_ms)):
                found.setdefault(row.interface, []).append((row.since_ms, row.team))
        return {interface: tuple(steps) for interface, steps in found.items()}


def _parts(part: Slice) -> list[Slice]:
    """With few enough ranges for one statement each. Sums over parts are sums over the whole."""
    ranges = part.ranges
    return [
        msgspec.structs.replace(part, ranges=ranges[start : start + _RANGES])
        for start in range(0, len(ranges), _RANGES)
    ]


def _within(part: Slice, at: Expression) -> list[Expression]:
    if len(part.ranges) == 1:
        since, until = part.ranges[0]
        return [at >= since, at < until]
    spans = sa.union_all(
        *(
            sa.select(sa.literal(a, sa.BigInteger).label("a"), sa.literal(b, sa.BigInteger).label("b"))
            for a, b in part.ranges
        )
    ).cte("spans")
    return [at >= spans.c.a, at < spans.c.b]


def _count(condition: Expression) -> Expression:
    return sa.func.sum(sa.case((condition, 1), else_=0))


def _wait(part: Slice) -> Expression:
    """The wait in milliseconds, as the question counts it."""
    fact = tables.fact
    wait: Expression = fact.c.wait_ms
    if part.question.whole:
        wait = ((fact.c.at_ms + fact.c.wait_ms) // 1000 - fact.c.at_ms // 1000) * 1000
    if part.question.clock == "arrival":
        wait = wait + sa.func.coalesce(fact.c.lead_ms, 0)
    return wait


def _limits(targets: Targets) -> tuple[Expression, Expression]:
    """(target, short limit) in force for a row."""
    fact = tables.fact
    whens: list[tuple[Expression, int, int]] = []
    last = targets.by_queue.get("", ())
    for queue, steps in (*((q, s) for q, s in targets.by_queue.items() if q), ("", last)):
        for place in range(len(steps) - 1, -1, -1):
            step = steps[place]
            held: list[Expression] = [fact.c.queue == queue] if queue else []
            if place:  # the first one known holds for all time before it
                held.append(fact.c.at_ms >= step.since_ms)
            whens.append((sa.and_(sa.true(), *held), step.target_ms, step.short_ms))
    fallback = Targets().of("", 0)
    target: Expression = sa.literal(fallback[0] if targets.target_ms is None else targets.target_ms, sa.BigInteger)
    short: Expression = sa.literal(fallback[1] if targets.short_ms is None else targets.short_ms, sa.BigInteger)
    if whens and targets.target_ms is None:
        target = sa.case(*((when, sa.literal(t, sa.BigInteger)) for when, t, _ in whens), else_=target)
    if whens and targets.short_ms is None:
        short = sa.case(*((when, sa.literal(s, sa.BigInteger)) for when, _, s in whens), else_=short)
    return target, short


def _segment(part: Slice, at: Expression) -> Expression:
    if not part.borders:
        return sa.literal(0)
    borders = enumerate(part.borders, 1)
    return sa.case(*((at >= border, number) for number, border in reversed(list(borders))), else_=0)


def _dims(part: Slice, table: sa.Table) -> list[Expression]:
    named: Mapping[str, Expression] = {
        "quarter": table.c.at_ms // QUARTER_MS * QUARTER_MS,
        "queue": table.c.queue,
        "line": table.c.line,
        "agent": table.c.agent,
        "interface": table.c.interface,
        "segment": _segment(part, table.c.at_ms),
    }
    return [named[dim] for dim in part.dims]


def _common(part: Slice, table: sa.Table) -> list[Expression]:
    question = part.question
    where = _within(part, table.c.at_ms)
    for wanted, column in (
        (question.queues, table.c.queue),
        (question.lines, table.c.line),
        (question.agents, table.c.agent),
        (question.interfaces, table.c.interface),
    ):
        if wanted:
            where.append(column.in_(wanted))
    return where


def _where(part: Slice, table: sa.Table) -> list[Expression]:
    return [*_common(part, table), table.c.kind.in_(_KINDS[part.question.unit])]


def _matches(which: Which, part: Slice) -> Expression:
    """Rows that make up a figure."""
    fact = tables.fact
    outcome = fact.c.outcome
    wait = _wait(part)
    target, short = _limits(part.targets)
    known = fact.c.wait_ms.is_not(None)
    answered = (outcome == "answered") & known
    abandoned = (outcome == "abandoned") & known
    outflow = outcome.in_(sorted(OUTFLOW))
    match which:
        case "offered":
            return answered | abandoned | outflow | (outcome == "waiting")
        case "answered":
            return answered
        case "in_time":
            return answered & (wait <= target)
        case "late":
            return answered & (wait > target)
        case "abandoned":
            return abandoned
        case "short":
            return abandoned & (wait <= short)
        case "abandoned_long":
            return abandoned & (wait > short)
        case "outflow":
            return outflow
        case "waiting":
            return outcome == "waiting"
        case "aside":
            judged = outcome.in_(("answered", "abandoned"))
            return ~outcome.in_((*sorted(OUTFLOW), "answered", "abandoned", "waiting", "unqueued")) | (judged & ~known)
        case "unqueued":
            return outcome == "unqueued"
        case "transfers":
            return fact.c.transfers > 0
        case "gaps":
            return fact.c.quality.op("&")(GAP) != 0
        case "backfilled":
            return fact.c.quality.op("&")(BACKFILL) != 0
        case _:
            return (answered & (wait > target)) | outcome.in_(LOST)


def _listed(row: Any) -> Listed:
    return Listed(
        call=row.call_id,
        n=row.n,
        at=row.at_ms / 1000,
        queue=row.queue,
        line=row.line,
        caller=row.caller,
        agent=row.agent,
        outcome=row.outcome,
        wait_s=None if row.wait is None else row.wait / 1000,
        target_s=row.target / 1000,
        lead_s=None if row.lead_ms is None else row.lead_ms / 1000,
        talk_s=row.talk_ms / 1000,
        quality=row.quality,
        cause=row.cause,
        split={cause: getattr(row, f"{cause}_ms") / 1000 for cause in CAUSES},
        interface=row.interface,
    )


def rows_of(found: Sequence[Any]) -> list[dict[str, Any]]:
    """Structs as rows of their tables."""
    return [{name: getattr(one, name) for name in one.__struct_fields__} for one in found]
