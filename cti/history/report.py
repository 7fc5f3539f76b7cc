"""Reports: sums from the store, put into rows, totals and a comparison (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from cti.history.ask import By, Cell, Dim, Facts, MissedCell, Question, Slice, Target, Targets, TimeCell, Unit
from cti.history.calendar import INTERVALS, Calendar, Interval
from cti.history.causes import CAUSES
from cti.history.figures import Figures, Tally, figures_of

_DIMS: Final[Mapping[By, tuple[Dim, ...]]] = {
    "total": (),
    "agent": ("agent",),
    "team": ("interface", "segment"),
    "queue": ("queue",),
    "line": ("line",),
    "15m": ("quarter",),
    "30m": ("quarter",),
    "hour": ("quarter",),
    "day": ("quarter",),
    "week": ("quarter",),
    "month": ("quarter",),
    "heat": ("quarter",),
}
Steps = Mapping[str, tuple[tuple[int, str], ...]]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a report."""

    key: str
    "A queue's, agent's, team's or line's name; an interval's local begin; weekday-hour of the heat map."
    start: float | None
    "Begin of an interval, epoch seconds."
    end: float | None
    figures: Figures


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for."""

    by: By
    unit: Unit
    "visits: each stay in a queue; callers: a chain of unanswered visits once, from its first entry"
    variant: str
    since: float
    until: float
    rows: tuple[Row, ...]
    total: Figures
    "Over what the rows count."
    before: Period | None = None
    targets: dict[str, list[tuple[float, float]]] = {}
    "{queue: [(since, target in seconds)]} as they held in the period; '' for all others."


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """The period before, for comparison."""

    since: float
    until: float
    total: Figures
    rows: dict[str, Figures]
    "By key, where the keys of both periods mean the same."


class CauseRow(msgspec.Struct, frozen=True, kw_only=True):
    """Late and lost calls by cause."""

    key: str
    start: float | None
    calls: dict[str, int]
    "By what most of the wait went to."
    seconds: dict[str, float]
    "All their waits, split."
    before_queue_s: float
    "Menu and greetings before the queue: in no wait."


class CauseReport(msgspec.Struct, frozen=True, kw_only=True):
    """Why calls were late."""

    by: By
    unit: Unit
    since: float
    until: float
    rows: tuple[CauseRow, ...]
    total: CauseRow


def targets_for(question: Question, known: Mapping[str, tuple[Target, ...]]) -> Targets:
    """As they were in force, or the one that was asked for."""
    return Targets(
        by_queue=known,
        target_ms=None if question.target_s is None else round(question.target_s * 1000),
        short_ms=None if question.short_s is None else round(question.short_s * 1000),
    )


def team_at(steps: Sequence[tuple[int, str]], at: int) -> str:
    """The team of a phone at a moment; the first one known holds for all time before it."""
    team = steps[0][1] if steps else ""
    for since, name in steps:
        if since > at:
            break
        team = name
    return team


def report(question: Question, facts: Facts, calendar: Calendar) -> Report:
    """Everything that was asked, from the sums that `facts` gives."""
    maker = _Maker(question, facts, calendar)
    rows, total = maker.rows(question.since_ms, question.until_ms)
    before = None
    if question.compare:
        since, until = calendar.period_before(question.since_ms, question.until_ms)
        older, older_total = maker.rows(since, until)
        comparable = question.by not in INTERVALS
        before = Period(
            since=since / 1000,
            until=until / 1000,
            total=older_total,
            rows={row.key: row.figures for row in older} if comparable else {},
        )
    return Report(
        by=question.by,
        unit=question.unit,
        variant=question.variant,
        since=question.since_ms / 1000,
        until=question.until_ms / 1000,
        rows=tuple(rows),
        total=total,
        before=before,
        targets=_in_force(maker.targets, question),
    )


def _in_force(targets: Targets, question: Question) -> dict[str, list[tuple[float, float]]]:
    told: dict[str, list[tuple[float, float]]] = {}
    for queue in {"", *targets.by_queue}:
        steps = targets.by_queue.get(queue, ())
        changes = [step.since_ms for step in steps if question.since_ms < step.since_ms < question.until_ms]
        held: list[tuple[float, float]] = []
        for at in (question.since_ms, *changes):
            target = targets.of(queue, at)[0] / 1000
            if not held or held[-1][1] != target:
                held.append((at / 1000, target))
        told[queue] = held
    return told


class _Maker:
    """Cells of a period into rows."""

    def __init__(self, question: Question, facts: Facts, calendar: Calendar) -> None:
        self._question = question
        self._facts = facts
        self._calendar = calendar
        self.targets = targets_for(question, facts.history_targets())
        needs_teams = question.by == "team" or bool(question.teams)
        self._steps: Steps = facts.team_steps() if needs_teams else {}
        dims = list(_DIMS[question.by])
        if question.teams and question.by != "team":
            dims += ["interface", "segment"]
        self._dims = tuple(dims)
        self._place = {dim: place for place, dim in enumerate(dims)}
        self._borders: tuple[int, ...] = ()
        self._since = 0

    def part(self, since: int, until: int) -> Slice:
        """What the store shall sum up."""
        self._since = since
        changes = {at for steps in self._steps.values() for at, _ in steps if since < at < until}
        self._borders = tuple(sorted(changes))
        return Slice(
            ranges=self._calendar.ranges(self._question.hours, since, until),
            question=self._question,
            targets=self.targets,
            dims=self._dims,
            borders=self._borders,
        )

    def key(self, key: tuple[str | int, ...]) -> str | int | None:
        """The row a cell belongs to; None for none."""
        question, place = self._question, self._place
        team = ""
        if "segment" in place:
            interface = str(key[place["interface"]])
            if not interface:
                return None
            segment = int(key[place["segment"]])
            at = self._borders[segment - 1] if segment else self._since
            team = team_at(self._steps.get(interface, ()), at)
            if question.teams and team not in question.teams:
                return None
        match question.by:
            case "total":
                return ""
            case "team":
                return team
            case "agent":
                return key[place["agent"]] or None
            case "queue" | "line":
                return key[place[question.by]]
            case "heat":
                day, hour = self._calendar.hour_of_week(int(key[place["quarter"]]))
                return f"{day}-{hour}"
            case _:
                return self._calendar.begin(question.by, int(key[place["quarter"]]))

    def rows(self, since: int, until: int) -> tuple[list[Row], Figures]:
        """Rows in order, and their total."""
        question = self._question
        part = self.part(since, until)
        marks = len(question.marks)
        found: dict[str | int, Tally] = {key: Tally(marks) for key in self._empty(since, until)}
        total = Tally(marks)

        def into(key: tuple[str | int, ...], put: Callable[[Tally], None]) -> None:
            row = self.key(key)
            if row is not None:
                tally = found.get(row)
                if tally is None:
                    tally = found[row] = Tally(marks)
                put(tally)
                put(total)

        def visit(cell: Cell) -> None:
            into(cell.key, lambda tally: tally.add(cell))

        def missed(cell: MissedCell) -> None:
            into(cell.key, lambda tally: tally.add_missed(cell))

        def time(cell: TimeCell) -> None:
            into(cell.key, lambda tally: tally.add_time(cell))

        for cell in self._facts.visit_cells(part):
            visit(cell)
        for ring in self._facts.missed_cells(part):
            missed(ring)
        if question.by not in ("queue", "line") and not question.queues and not question.lines:
            for spent in self._facts.time_cells(part):
                time(spent)
        rows = [self._row(key, tally) for key, tally in found.items()]
        if question.by not in (*INTERVALS, "heat"):
            rows.sort(key=lambda row: row.key)
        return rows, figures_of(total, question.marks)

    def _empty(self, since: int, until: int) -> list[str | int]:
        """Rows that are there even if nothing happened: every interval, every hour of the week."""
        by, hours = self._question.by, self._question.hours
        if by == "total":
            return [""]
        if by == "heat":
            return [
                f"{day}-{hour}"
                for day in range(7)
                for hour in range(24)
                if hours is None or any(hours.holds(day, hour * 60 + m) for m in (0, 15, 30, 45))
            ]
        if by not in INTERVALS:
            return []
        begins = self._calendar.intervals(by, since, until)
        if hours is None:
            return list(begins)
        return [at for at in begins if self._touches(by, at, since, until)]

    def _touches(self, by: Interval, at: int, since: int, until: int) -> bool:
        hours = self._question.hours
        end = min(self._calendar.after(by, at), until)
        return hours is None or any(
            self._calendar.within(hours, quarter) for quarter in range(max(at, since), end, 900_000)
        )

    def _row(self, key: str | int, tally: Tally) -> Row:
        start = end = None
        name = str(key)
        by = self._question.by
        if isinstance(key, int) and by in INTERVALS:
            start, end = key / 1000, self._calendar.after(by, key) / 1000
            name = self._calendar.local(key).isoformat()
        return Row(key=name, start=start, end=end, figures=figures_of(tally, self._question.marks))

    def causes(self) -> CauseReport:
        """Late and lost calls by cause."""
        question = self._question
        part = self.part(question.since_ms, question.until_ms)
        found: dict[str | int, _Causes] = {key: _Causes() for key in self._empty(question.since_ms, question.until_ms)}
        total = _Causes()
        for cell in self._facts.cause_cells(part):
            row = self.key(cell.key)
            if row is None:
                continue
            for one in (found.setdefault(row, _Causes()), total):
                one.calls[cell.cause] = one.calls.get(cell.cause, 0) + cell.n
                one.lead += cell.lead
                for place, ms in enumerate(cell.ms):
                    one.ms[place] += ms
        rows = [self._cause_row(key, causes) for key, causes in found.items()]
        if question.by not in (*INTERVALS, "heat"):
            rows.sort(key=lambda row: row.key)
        return CauseReport(
            by=question.by,
            unit=question.unit,
            since=question.since_ms / 1000,
            until=question.until_ms / 1000,
            rows=tuple(rows),
            total=self._cause_row("", total),
        )

    def _cause_row(self, key: str | int, causes: _Causes) -> CauseRow:
        is_time = isinstance(key, int)
        return CauseRow(
            key=self._calendar.local(key).isoformat() if isinstance(key, int) else key,
            start=int(key) / 1000 if is_time else None,
            calls={cause: causes.calls.get(cause, 0) for cause in (*CAUSES, "")},
            seconds={cause: ms / 1000 for cause, ms in zip(CAUSES, causes.ms, strict=True)},
            before_queue_s=causes.lead / 1000,
        )


class _Causes:
    def __init__(self) -> None:
        self.calls: dict[str, int] = {}
        self.ms = [0] * len(CAUSES)
        self.lead = 0


def cause_report(question: Question, facts: Facts, calendar: Calendar) -> CauseReport:
    """Why calls were late, by what was asked."""
    return _Maker(question, facts, calendar).causes()
