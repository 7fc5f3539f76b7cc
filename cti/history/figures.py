"""Every number of a report, defined once: its name, its words, its formula and how it is computed (pure).

The page of definitions (`cti.history.definitions`), the exports and the reports are all made from this table, so that
what is said of a number is what is done. None is "no data": no call, no agent, an empty denominator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from cti.board.metrics import OUTFLOW, VARIANTS, Counts, service_level
from cti.history.ask import Cell, MissedCell, TimeCell

Value = float | int | None


class Tally:
    """Sums over cells. Milliseconds."""

    __slots__ = (
        "abandoned",
        "abandoned_in",
        "abandoned_short",
        "abandoned_wait",
        "answered",
        "answered_in",
        "answered_wait",
        "aside",
        "backfilled",
        "gaps",
        "hold",
        "longest",
        "marks",
        "missed",
        "missed_ring",
        "outflow",
        "pauses",
        "phases",
        "talk",
        "transfers",
        "unqueued",
        "waiting",
        "wrap",
    )

    def __init__(self, marks: int = 0) -> None:
        """Nothing yet; `marks` is how many marks are counted."""
        self.answered = self.answered_in = self.answered_wait = 0
        self.abandoned = self.abandoned_in = self.abandoned_short = self.abandoned_wait = 0
        self.outflow = self.aside = self.waiting = self.unqueued = 0
        self.longest: int | None = None
        self.talk = self.hold = self.wrap = self.transfers = 0
        self.missed = self.missed_ring = 0
        self.gaps = self.backfilled = 0
        self.marks = [0] * marks
        self.phases: dict[str, int] = {}
        self.pauses: dict[str, int] = {}

    def add(self, cell: Cell) -> None:
        """Rows of visits or callers."""
        outcome, n = cell.outcome, cell.n
        self.gaps += cell.gaps
        self.backfilled += cell.backfilled
        if outcome == "unqueued":
            self.unqueued += n
            return
        self.talk += cell.talk
        self.hold += cell.hold
        self.wrap += cell.wrap
        self.transfers += cell.transfers
        if cell.judged and (self.longest is None or cell.longest > self.longest):
            self.longest = cell.longest
        if outcome == "waiting":
            self.waiting += n
        elif outcome in OUTFLOW:
            self.outflow += n
        elif outcome == "answered" and cell.judged:
            self.answered += n
            self.answered_in += cell.in_target
            self.answered_wait += cell.wait
            for place, within in enumerate(cell.marks):
                self.marks[place] += within
        elif outcome == "abandoned" and cell.judged:
            self.abandoned += n
            self.abandoned_in += cell.in_target
            self.abandoned_short += cell.short
            self.abandoned_wait += cell.wait
        else:
            self.aside += n

    def add_missed(self, cell: MissedCell) -> None:
        """Rings in vain."""
        self.missed += cell.n
        self.missed_ring += cell.ring

    def add_time(self, cell: TimeCell) -> None:
        """Agents' time."""
        self.phases[cell.phase] = self.phases.get(cell.phase, 0) + cell.ms
        if cell.phase == "paused":
            self.pauses[cell.reason] = self.pauses.get(cell.reason, 0) + cell.ms

    def counts(self) -> Counts:
        """For `board.metrics`."""
        return Counts(
            answered=self.answered,
            answered_in_target=self.answered_in,
            abandoned=self.abandoned,
            abandoned_in_target=self.abandoned_in,
            abandoned_short=self.abandoned_short,
            outflow=self.outflow,
            aside=self.aside,
            waiting=self.waiting,
            answered_wait_ms=self.answered_wait,
        )

    def in_phase(self, *phases: str) -> int:
        """Milliseconds of all agents in these phases."""
        return sum(self.phases.get(phase, 0) for phase in phases)


def _ratio(part: float, base: float) -> float | None:
    return part / base if base > 0 else None


def _mean_s(total_ms: int, n: int) -> float | None:
    return total_ms / 1000 / n if n else None


def _present(t: Tally) -> int:
    return t.in_phase("idle", "ringing", "busy", "held", "wrapup", "paused")


def _handling(t: Tally) -> int:
    return t.in_phase("busy", "held", "wrapup")


def _offered(t: Tally) -> int:
    return t.answered + t.abandoned + t.outflow + t.waiting


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One number."""

    name: str
    label: str
    label_en: str
    formula: str
    unit: str
    "count, share (0..1) or seconds"
    compute: Callable[[Tally], Value]
    needs: str = "calls"
    "calls, or agents: None where no agent's time was noted"


def _f(
    name: str,
    label: str,
    label_en: str,
    unit: str,
    formula: str,
    compute: Callable[[Tally], Value],
    needs: str = "calls",
) -> Figure:
    return Figure(name=name, label=label, label_en=label_en, unit=unit, formula=formula, compute=compute, needs=needs)


FIGURES: Final = (
    _f("offered", "来电", "Offered", "count", "A + B + O + waiting", _offered),
    _f("answered", "接起", "Answered", "count", "A: AgentConnect", lambda t: t.answered),
    _f("late", "超时接起", "Answered late", "count", "A − A_T", lambda t: t.answered - t.answered_in),
    _f("in_time", "目标内接起", "Answered in target", "count", "A_T: A with wait ≤ T", lambda t: t.answered_in),
    _f("abandoned", "放弃", "Abandoned", "count", "B: the caller hung up while waiting", lambda t: t.abandoned),
    _f("short", "短放弃", "Short abandons", "count", "B_s: B with wait ≤ s", lambda t: t.abandoned_short),
    _f(
        "abandoned_long",
        "放弃（不含短）",
        "Abandoned without short",
        "count",
        "B − B_s",
        lambda t: t.abandoned - t.abandoned_short,
    ),
    _f(
        "outflow",
        "其他离开",
        "Outflow",
        "count",
        "O: time-out, key, empty, withdrawn, redirected",
        lambda t: t.outflow,
    ),
    _f("waiting", "仍在等待", "Still waiting", "count", "not decided yet; in no share", lambda t: t.waiting),
    _f(
        "aside",
        "不计入",
        "Set aside",
        "count",
        "PBX restart, end not known, not let in; in no share",
        lambda t: t.aside,
    ),
    _f(
        "unqueued",
        "未进队列",
        "Without a queue",
        "count",
        "inbound calls that entered no queue",
        lambda t: t.unqueued,
    ),
    _f(
        "connect_rate",
        "接通率",
        "Connect rate",
        "share",
        "A / (A + B + O)",
        lambda t: _ratio(t.answered, t.answered + t.abandoned + t.outflow),
    ),
    _f(
        "abandon_rate",
        "放弃率",
        "Abandonment",
        "share",
        "B / (A + B + O)",
        lambda t: _ratio(t.abandoned, t.answered + t.abandoned + t.outflow),
    ),
    _f(
        "abandon_rate_long",
        "放弃率（不含短）",
        "Abandonment without short",
        "share",
        "(B − B_s) / (A + B + O − B_s)",
        lambda t: _ratio(t.abandoned - t.abandoned_short, t.answered + t.abandoned + t.outflow - t.abandoned_short),
    ),
    _f(
        "asa_s",
        "平均应答",
        "ASA",
        "seconds",
        "Σ wait of A / A (arithmetic; queue and ring)",
        lambda t: _mean_s(t.answered_wait, t.answered),
    ),
    _f(
        "ata_s",
        "平均放弃等待",
        "Mean wait of the abandoned",
        "seconds",
        "Σ wait of B / B",
        lambda t: _mean_s(t.abandoned_wait, t.abandoned),
    ),
    _f(
        "longest_s",
        "最长等待",
        "Longest wait",
        "seconds",
        "longest known wait that began in the interval, whatever its end",
        lambda t: None if t.longest is None else t.longest / 1000,
    ),
    _f(
        "aht_s",
        "平均处理",
        "AHT",
        "seconds",
        "(talk + hold + wrap-up) / A",
        lambda t: _mean_s(t.talk + t.hold + t.wrap, t.answered),
    ),
    _f(
        "talk_s",
        "通话时长",
        "Talk",
        "seconds",
        "bridged with the answering phone, hold taken out",
        lambda t: t.talk / 1000,
    ),
    _f("hold_s", "保持时长", "Hold", "seconds", "caller on hold by the answering phone", lambda t: t.hold / 1000),
    _f("wrapup_s", "话后时长", "Wrap-up", "seconds", "wrap-up after these calls", lambda t: t.wrap / 1000),
    _f("transfers", "转接", "Transfers", "count", "sent or handed on by the answering phone", lambda t: t.transfers),
    _f(
        "missed",
        "振铃未接",
        "Ring no answer",
        "count",
        "queue rings unanswered: rung out, busy, declined",
        lambda t: t.missed,
    ),
    _f(
        "missed_ring_s",
        "空振时长",
        "Rung in vain",
        "seconds",
        "Σ length of these rings",
        lambda t: t.missed_ring / 1000,
    ),
    _f(
        "logged_in_s",
        "在线时长",
        "Logged in",
        "seconds",
        "in a queue with a reachable phone: idle, ringing, busy, on hold, wrap-up, paused",
        lambda t: _present(t) / 1000,
        "agents",
    ),
    _f("idle_s", "空闲时长", "Idle", "seconds", "idle", lambda t: t.in_phase("idle") / 1000, "agents"),
    _f(
        "busy_s",
        "占线时长",
        "Busy",
        "seconds",
        "any call, outbound and internal too; hold included",
        lambda t: t.in_phase("busy", "held") / 1000,
        "agents",
    ),
    _f(
        "wrapup_time_s",
        "话后状态时长",
        "In wrap-up",
        "seconds",
        "in wrap-up",
        lambda t: t.in_phase("wrapup") / 1000,
        "agents",
    ),
    _f(
        "paused_s",
        "小休时长",
        "Paused",
        "seconds",
        "paused in all queues",
        lambda t: t.in_phase("paused") / 1000,
        "agents",
    ),
    _f(
        "occupancy",
        "占用率",
        "Occupancy",
        "share",
        "(busy + hold + wrap-up) / (the same + idle + ringing); pauses on neither side",
        lambda t: _ratio(_handling(t), _handling(t) + t.in_phase("idle", "ringing")),
        "agents",
    ),
    _f(
        "utilisation",
        "利用率",
        "Utilisation",
        "share",
        "(busy + hold + wrap-up) / logged in",
        lambda t: _ratio(_handling(t), _present(t)),
        "agents",
    ),
    _f("gaps", "含中断", "With a gap", "count", "rows whose call outlived a lost link", lambda t: t.gaps),
    _f("backfilled", "含补录", "Backfilled", "count", "rows completed from queue_log", lambda t: t.backfilled),
)


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of one row."""

    values: dict[str, Value]
    "By the names of FIGURES."
    levels: dict[str, float | None]
    "Service level by variant, 0..1."
    marks: dict[str, float | None]
    "Share of the answered that were answered within so many seconds."
    pauses: dict[str, float]
    "Seconds by reason; '' where none was given."


def figures_of(tally: Tally, marks: tuple[float, ...] = ()) -> Figures:
    """All numbers of a tally."""
    noted = bool(tally.phases)
    counts = tally.counts()
    values: dict[str, Value] = {f.name: f.compute(tally) if noted or f.needs == "calls" else None for f in FIGURES}
    for name, seen in (("talk_s", tally.answered), ("hold_s", tally.answered), ("wrapup_s", tally.answered)):
        if not seen:
            values[name] = None
    levels: dict[str, Any] = {name: service_level(counts, name) for name in VARIANTS}
    return Figures(
        values=values,
        levels=levels,
        marks={f"{mark:g}": _ratio(n, tally.answered) for mark, n in zip(marks, tally.marks, strict=True)},
        pauses={reason: ms / 1000 for reason, ms in sorted(tally.pauses.items())},
    )
