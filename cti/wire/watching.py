"""Shapes of what watches: alerts, wallboard, teams, recordings, what-if, replay (pure); see docs/reference/push.md.

Times are epoch seconds of the PBX's clock, shares 0..1. An alert names calls and visits by their keys and never a
customer: whoever may know him finds him by them.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec

from cti.wire import Shape

AlertKind = Literal["warn", "late", "no_agents", "level", "missed", "paused"]
ALERT_KINDS: tuple[AlertKind, ...] = get_args(AlertKind)
MarkKind = Literal["good", "train", "note"]


class Alert(Shape, frozen=True, kw_only=True):
    """Something a supervisor should look at, from the moment its limit was reached until its cause is gone."""

    id: str
    "Names the cause: the same cause never gets another one."
    kind: AlertKind
    queue: str | None = None
    call: str | None = None
    visit: str | None = None
    agent: str | None = None
    interface: str | None = None
    since: float
    "When the cause began: of a wait its first entry, of a pause its begin."
    at: float
    "When the limit was reached."
    value: float | None = None
    "Of level the share, of missed how many, of no_agents how many wait."
    limit: float | None = None
    cleared_at: float | None = None


class Cleared(Shape, frozen=True, kw_only=True):
    """An alert whose cause is gone."""

    id: str
    cleared_at: float


class Silence(Shape, frozen=True, kw_only=True):
    """Alerts that agree in everything said here make no noise until then."""

    id: str
    by: str
    "Login."
    for_all: bool
    alert: str | None
    kind: AlertKind | None
    queue: str | None
    interface: str | None
    at: float
    until: float

    def covers(self, alert: Alert, now: float) -> bool:
        """True where that alert is silenced at that moment."""
        return now < self.until and all(
            mine is None or mine == its
            for mine, its in (
                (self.alert, alert.id),
                (self.kind, alert.kind),
                (self.queue, alert.queue),
                (self.interface, alert.interface),
            )
        )


class AlertsView(Shape, frozen=True, kw_only=True):
    """What a board page is shown first."""

    open: tuple[Alert, ...]
    silences: tuple[Silence, ...]


class AlertLog(Shape, frozen=True, kw_only=True):
    """Alerts as they stand and as they were."""

    open: tuple[Alert, ...]
    log: tuple[Alert, ...]
    "Newest first."
    next: float | None
    silences: tuple[Silence, ...]


class Limits(Shape, frozen=True, kw_only=True):
    """From where on a queue's alerts are raised; null: never."""

    warn_s: float | None
    late_s: float
    "The queue's target; it is late beyond it."
    goal: float | None
    calls: int
    "Decided calls within the last hour from which the service level is judged."
    missed: int | None
    paused_s: float | None
    no_agents_s: float | None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be sent to a webhook, as the store keeps it."""

    id: str
    hook: str
    body: str
    "JSON, exactly as it is signed and sent."
    at: float
    tries: int = 0


class HookView(Shape, frozen=True, kw_only=True):
    """One configured webhook, without its address and its secret."""

    name: str
    kinds: tuple[AlertKind, ...]
    waiting: int
    sent: int
    failed: int
    "Given up after all tries."
    last_error: str
    last_at: float | None


class LimitsView(Shape, frozen=True, kw_only=True):
    """What is watched and who is told."""

    default: Limits
    queues: dict[str, Limits]
    hooks: tuple[HookView, ...]


class WallToken(Shape, frozen=True, kw_only=True):
    """A wallboard's right to look, without the token itself."""

    id: str
    label: str
    created_by: str
    created_at: float
    used_at: float | None
    expires_at: float | None


class WallCaller(Shape, frozen=True, kw_only=True):
    """A waiting caller as a wall may show him: never a number."""

    queue: str
    position: int
    waiting_since: float
    target_s: float
    name: str | None
    tier: str | None
    new: bool


class WallAgent(Shape, frozen=True, kw_only=True):
    """An agent on the wall."""

    agent: str
    phase: str
    since: float
    group: str


class Member(Shape, frozen=True, kw_only=True):
    """A user and his team as it is now."""

    login: str
    name: str
    role: str
    interfaces: tuple[str, ...]
    team: str
    since: float | None
    "None: it is not noted since when."


class Team(Shape, frozen=True, kw_only=True):
    """One team; '' are those without one."""

    name: str
    members: tuple[Member, ...]


class Teams(Shape, frozen=True, kw_only=True):
    """All teams."""

    teams: tuple[Team, ...]


class TeamStep(Shape, frozen=True, kw_only=True):
    """A phone's team for a time."""

    interface: str
    since: float
    until: float | None
    team: str


class TeamHistory(Shape, frozen=True, kw_only=True):
    """A user's teams through time, newest first."""

    login: str
    steps: tuple[TeamStep, ...]


class Recording(Shape, frozen=True, kw_only=True):
    """A file with a call's sound."""

    id: str
    name: str
    at: float
    bytes: int
    seconds: float | None
    "None where the file does not say."
    type: str


class Mark(Shape, frozen=True, kw_only=True):
    """A remark at a moment of a call."""

    id: str
    call: str
    at_s: float
    kind: MarkKind
    text: str
    by: str
    at: float


class Criterion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a score sheet."""

    key: str
    label: str
    label_en: str = ""
    max: int = 5
    weight: float = 1.0


class Form(Shape, frozen=True, kw_only=True):
    """A score sheet's lines; a change makes a new version, filled sheets keep theirs."""

    version: int
    title: str
    title_en: str
    criteria: tuple[Criterion, ...]


class Score(Shape, frozen=True, kw_only=True):
    """A filled score sheet."""

    call: str
    called_at: float
    agent: str
    interface: str
    form: int
    points: dict[str, int]
    share: float
    "Weighted points of all that can be had."
    remark: str
    by: str
    at: float


class AgentScores(Shape, frozen=True, kw_only=True):
    """An agent's sheets together."""

    agent: str
    sheets: int
    share: float
    criteria: dict[str, float]


class Scores(Shape, frozen=True, kw_only=True):
    """Scores by agent, and the sheets behind them, newest first."""

    agents: tuple[AgentScores, ...]
    scores: tuple[Score, ...]


class CallRecordings(Shape, frozen=True, kw_only=True):
    """What there is to hear of a call and what was said about it."""

    recordings: tuple[Recording, ...]
    notice: bool
    "Callers are told that they are recorded."
    notice_text: str
    may_listen: bool
    why: str = ""
    why_en: str = ""
    marks: tuple[Mark, ...] = ()
    scores: tuple[Score, ...] = ()
    form: Form


class ListenRight(Shape, frozen=True, kw_only=True):
    """Whose recordings a user may hear: teams, or '*' for all."""

    login: str
    name: str
    teams: tuple[str, ...]


class Sentence(Shape, frozen=True, kw_only=True):
    """In both languages."""

    text: str
    text_en: str


class Measured(Shape, frozen=True, kw_only=True):
    """What a what-if rests on."""

    since: float
    until: float
    calls: int
    per_hour: float
    aht_s: float
    aht_calls: int
    aht_since: float
    patience_s: float | None
    "Mean patience; None where nobody hung up: then nobody is taken to."
    abandoned: int
    agents: int


class Option(Shape, frozen=True, kw_only=True):
    """With so many agents."""

    agents: int
    change: int
    level: float | None
    asa_s: float | None
    abandon: float
    occupancy: float
    goal_met: bool


class WhatIf(Shape, frozen=True, kw_only=True):
    """What would be with other staff."""

    queue: str
    model: str
    model_en: str
    assumptions: tuple[Sentence, ...]
    measured: Measured
    target_s: float
    goal: float
    since: float = msgspec.field(name="from")
    until: float
    options: tuple[Option, ...]
    text: str
    text_en: str


class StaffRow(Shape, frozen=True, kw_only=True):
    """One interval of a day to come."""

    start: float
    end: float
    calls: float
    low: float
    high: float
    samples: int
    "Days that the expectation rests on."
    agents: int | None
    level: float | None
    occupancy: float | None


class Staffing(Shape, frozen=True, kw_only=True):
    """How many agents a day needs."""

    queue: str
    day: str
    model: str
    model_en: str
    assumptions: tuple[Sentence, ...]
    target_s: float
    goal: float
    weeks: int
    rows: tuple[StaffRow, ...]


class ReplayRange(Shape, frozen=True, kw_only=True):
    """What can be replayed."""

    since: float | None = msgspec.field(name="from")
    to: float | None
    days: float
    gaps: tuple[tuple[float, float], ...]


class ReplayDelta(Shape, frozen=True, kw_only=True, omit_defaults=True):
    """What changed at a moment."""

    at: float
    changes: Any = None
    link: str | None = None


class Replay(Shape, frozen=True, kw_only=True):
    """The board at a moment and what changed after it."""

    at: float
    until: float
    link: str
    board: Any
    deltas: tuple[ReplayDelta, ...]
    next: float | None
    alerts: tuple[Alert, ...]
