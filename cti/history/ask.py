"""What is asked of the history, and what the store answers with (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, Protocol, get_args

import msgspec

from cti.board.metrics import DEFAULT_VARIANT, Variant
from cti.history.calendar import Hours
from cti.wire import Party

By = Literal["total", "agent", "team", "queue", "line", "15m", "30m", "hour", "day", "week", "month", "heat"]
BYS: Final[tuple[By, ...]] = get_args(By)
Unit = Literal["visits", "callers"]
Clock = Literal["queue", "arrival"]
Dim = Literal["quarter", "queue", "line", "agent", "interface", "segment"]
Which = Literal[
    "offered",
    "answered",
    "in_time",
    "late",
    "abandoned",
    "short",
    "abandoned_long",
    "outflow",
    "waiting",
    "aside",
    "unqueued",
    "transfers",
    "gaps",
    "backfilled",
    "troubled",
    "missed",
]
"What a list can show: figures by their names, and troubled: answered late or lost."
WHICHES: Final[tuple[Which, ...]] = get_args(Which)

LOST: Final = ("abandoned", "timeout", "empty")
"Unanswered against the caller's will: what the causes explain beside late answers."
DEFAULT_TARGET_S: Final = 13.0
DEFAULT_SHORT_S: Final = 5.0
MARKS: Final = (3.0, 5.0, 10.0, 13.0, 15.0, 20.0)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What was promised from a moment on."""

    since_ms: int
    target_ms: int
    short_ms: int


class Targets(msgspec.Struct, frozen=True, kw_only=True):
    """Targets by queue through time. The first one known of a queue holds for all time before it."""

    by_queue: Mapping[str, tuple[Target, ...]] = {}
    "Oldest first; '' is for queues without one of their own."
    target_ms: int | None = None
    "Recompute for this target, whatever was in force."
    short_ms: int | None = None

    def of(self, queue: str, at_ms: int) -> tuple[int, int]:
        """(target, short-abandon limit) in force."""
        steps = self.by_queue.get(queue) or self.by_queue.get("") or ()
        in_force = next((step for step in reversed(steps) if step.since_ms <= at_ms), steps[0] if steps else None)
        target = round(DEFAULT_TARGET_S * 1000) if in_force is None else in_force.target_ms
        short = round(DEFAULT_SHORT_S * 1000) if in_force is None else in_force.short_ms
        return (
            target if self.target_ms is None else self.target_ms,
            short if self.short_ms is None else self.short_ms,
        )


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A report that somebody wants. Times are epoch milliseconds, [since, until)."""

    since_ms: int
    until_ms: int
    by: By = "total"
    queues: tuple[str, ...] = ()
    "Empty: all."
    lines: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    hours: Hours | None = None
    target_s: float | None = None
    "None: as was in force."
    short_s: float | None = None
    marks: tuple[float, ...] = ()
    "Share of the answered within each of these seconds."
    variant: Variant = DEFAULT_VARIANT
    whole: bool = False
    "Whole seconds as Asterisk counts them: both ends cut to the second."
    clock: Clock = "queue"
    compare: bool = False

    @property
    def unit(self) -> Unit:
        """Visits where queues or agents are told apart, callers (chains of visits) elsewhere."""
        narrow = self.queues or self.agents or self.interfaces or self.teams
        return "visits" if narrow or self.by in ("agent", "team", "queue") else "callers"


class Cell(msgspec.Struct, frozen=True):
    """Sums over rows that agree in `key` (values in the order of the dims asked for) and outcome. Milliseconds."""

    key: tuple[str | int, ...]
    outcome: str
    judged: bool
    "The wait is known."
    n: int
    in_target: int
    short: int
    marks: tuple[int, ...]
    wait: int
    longest: int
    talk: int
    hold: int
    wrap: int
    transfers: int
    gaps: int
    backfilled: int


class MissedCell(msgspec.Struct, frozen=True):
    """Rings that nobody answered."""

    key: tuple[str | int, ...]
    n: int
    ring: int


class TimeCell(msgspec.Struct, frozen=True):
    """What agents did: milliseconds in a phase. Dims here: quarter, agent, interface, segment."""

    key: tuple[str | int, ...]
    phase: str
    reason: str
    ms: int


class CauseCell(msgspec.Struct, frozen=True):
    """Late and lost calls by what most of their wait went to, with the milliseconds of all causes (order of CAUSES)."""

    key: tuple[str | int, ...]
    cause: str
    n: int
    lead: int
    ms: tuple[int, ...]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the list behind a number."""

    call: str
    n: int
    at: float
    queue: str
    line: str
    caller: str | None
    agent: str
    outcome: str
    wait_s: float | None
    target_s: float
    lead_s: float | None
    talk_s: float
    quality: int
    cause: str
    split: Mapping[str, float]
    "Seconds by cause."
    party: Party | None = None
    "Whose the number is; null where nobody or several have it."
    interface: str = ""


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """What the store shall sum up: one period of a question."""

    ranges: tuple[tuple[int, int], ...]
    "[since, until) in order, at least one: the period, or its working hours."
    question: Question
    targets: Targets
    dims: tuple[Dim, ...]
    borders: tuple[int, ...] = ()
    "Moments at which `segment` rises by one."


class Facts(Protocol):
    """The sums, wherever they come from. Synchronous."""

    def visit_cells(self, part: Slice) -> Sequence[Cell]:
        """Rows of history_fact, in the question's unit."""

    def missed_cells(self, part: Slice) -> Sequence[MissedCell]:
        """Rows of history_missed."""

    def time_cells(self, part: Slice) -> Sequence[TimeCell]:
        """Agents' time; only quarters that begin within the period."""

    def cause_cells(self, part: Slice) -> Sequence[CauseCell]:
        """Late and lost calls by cause."""

    def history_targets(self) -> Mapping[str, tuple[Target, ...]]:
        """What was promised since when."""

    def team_steps(self) -> Mapping[str, tuple[tuple[int, str], ...]]:
        """{interface: ((since in ms, team), ...)}, oldest first."""
