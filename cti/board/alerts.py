"""What a supervisor should look at: alerts as a function of the board and the moment (pure).

Nothing is counted up: `look` works out which causes there are now and compares them with the alerts that are open. A
new cause raises an alert, an alert whose cause is gone is cleared, and a cause that is still there stays the alert it
was, whatever lay between: a resync, a restart (`restore`), the same event twice. While the link to the PBX is down
nothing is known, so nothing is raised and nothing cleared.

A wait's alert is raised as of the moment at which its limit was reached, not at which somebody looked: call `look`
when `due` says so, and before an event that is later than it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from cti.board.figures import BUCKET_S
from cti.board.live import Board
from cti.board.metrics import service_level, to_ms
from cti.wire.watching import Alert, AlertKind, Cleared, Limits

LEVEL_QUARTERS: Final = 4
"The service level is judged over this many quarters of an hour, the present one among them."
REMEMBERED: Final = 20_000
"Waits of which it is remembered that they were told."
_MOMENT: Final = 0.001
"What is beyond the target: a wait equal to it to the millisecond is in time."


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a look found new."""

    raised: tuple[Alert, ...] = ()
    cleared: tuple[Cleared, ...] = ()

    def __bool__(self) -> bool:
        """True where there is anything."""
        return bool(self.raised or self.cleared)


class Alarms:
    """Open alerts, and what makes new ones. `limits` are those of queues by name, `default` those of all others."""

    def __init__(self, limits: Mapping[str, Limits], default: Limits) -> None:
        """Nothing is known before the first resync."""
        self._limits = limits
        self._default = default
        self._open: dict[str, Alert] = {}
        "By cause."
        self._told: dict[str, None] = {}
        "Ids of waits' alerts, open or not."
        self._empty: dict[str, float] = {}
        "queue -> since when nobody is there"
        self._sees = False
        self._due: float | None = None

    def restore(self, open_alerts: Iterable[Alert], told: Iterable[str]) -> None:
        """What the store remembers: alerts that were open, and the ids of those that were told lately."""
        for alert in open_alerts:
            self._open[_cause(alert)] = alert
        self._told.update(dict.fromkeys(told))

    def limits(self, queue: str) -> Limits:
        """A queue's limits."""
        return self._limits.get(queue, self._default)

    def open(self) -> tuple[Alert, ...]:
        """What is open, oldest first."""
        return tuple(sorted(self._open.values(), key=lambda alert: (alert.at, alert.id)))

    def due(self) -> float | None:
        """When time alone may make a new alert; None for never."""
        return self._due if self._sees else None

    def blind(self) -> None:
        """The link is down: what is open stays as it is."""
        self._sees = False

    def see(self) -> None:
        """The board equals the PBX again."""
        self._sees = True

    def look(self, board: Board, now: float) -> Told:
        """What is new at `now` (PBX time)."""
        if not self._sees:
            return Told()
        causes: dict[str, Alert] = {}
        self._due = (now // BUCKET_S + 1) * BUCKET_S
        for alert in self._all(board, now):
            if to_ms(alert.at) <= to_ms(now):
                causes[_cause(alert)] = alert
            else:
                self._due = min(self._due, alert.at)
        cleared = tuple(
            Cleared(id=alert.id, cleared_at=max(now, alert.at))
            for cause, alert in self._open.items()
            if cause not in causes
        )
        for cause in [cause for cause in self._open if cause not in causes]:
            del self._open[cause]
        raised = []
        for cause, alert in causes.items():
            if cause in self._open or alert.id in self._told:
                continue
            self._open[cause] = alert
            raised.append(alert)
            if alert.visit is not None:
                self._told[alert.id] = None
        while len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]
        return Told(raised=tuple(sorted(raised, key=lambda alert: (alert.at, alert.id))), cleared=cleared)

    # --- causes; those that are still to come carry the moment at which they will be -----------------------------

    def _all(self, board: Board, now: float) -> Iterator[Alert]:
        yield from self._waits(board)
        yield from self._queues(board, now)
        yield from self._agents(board, now)

    def _waits(self, board: Board) -> Iterator[Alert]:
        for visit, caller in board.each_waiting():
            limits, since = self.limits(caller.queue), caller.waiting_since
            beyond: list[tuple[AlertKind, float, float]] = [("late", caller.target_s, _MOMENT)]
            if limits.warn_s is not None:
                beyond.append(("warn", limits.warn_s, 0.0))
            for kind, limit, past in beyond:
                yield Alert(
                    id=f"{kind}:{visit}",
                    kind=kind,
                    queue=caller.queue,
                    call=caller.call,
                    visit=visit,
                    since=since,
                    at=since + limit + past,
                    limit=limit,
                )

    def _queues(self, board: Board, now: float) -> Iterator[Alert]:
        start = (now // BUCKET_S - LEVEL_QUARTERS + 1) * BUCKET_S
        for queue in board.queue_names():
            limits = self.limits(queue)
            present, waiting = board.presence(queue)
            if present or limits.no_agents_s is None or not (waiting or board.is_planned(queue)):
                self._empty.pop(queue, None)
            else:
                known = self._open.get(f"no_agents:{queue}")
                since = self._empty.setdefault(queue, now if known is None else known.since)
                at = now if waiting else max(since + limits.no_agents_s, since)
                yield _state("no_agents", queue, since, at, queue=queue, value=float(waiting))
            if limits.goal is None:
                continue
            counts = board.counts_since(queue, start)
            level = service_level(counts)
            if level is not None and level < limits.goal and counts.answered + counts.abandoned >= max(1, limits.calls):
                yield _state("level", queue, start, now, queue=queue, value=level, limit=limits.goal)

    def _agents(self, board: Board, now: float) -> Iterator[Alert]:
        for state in board.each_agent():
            mine = [self.limits(membership.queue) for membership in state.queues]
            most = min((limits.missed for limits in mine if limits.missed is not None), default=None)
            if most is not None and state.missed >= most:
                missed = board.last_missed(state.interface)
                yield _state(
                    "missed",
                    state.interface,
                    now if missed is None else missed.at,
                    now,
                    queue=state.queue if missed is None else missed.queue,
                    agent=state.agent,
                    interface=state.interface,
                    value=float(state.missed),
                    limit=float(most),
                )
            longest = min((limits.paused_s for limits in mine if limits.paused_s is not None), default=None)
            since = board.paused_since(state.interface)
            if longest is not None and since is not None and state.phase == "paused":
                yield _state(
                    "paused",
                    state.interface,
                    since,
                    since + longest,
                    agent=state.agent,
                    interface=state.interface,
                    limit=longest,
                )


def _state(
    kind: AlertKind,
    subject: str,
    since: float,
    at: float,
    *,
    queue: str | None = None,
    agent: str | None = None,
    interface: str | None = None,
    value: float | None = None,
    limit: float | None = None,
) -> Alert:
    """An alert about something that may come again: its moment is part of its name."""
    return Alert(
        id=f"{kind}:{subject}:{to_ms(at)}",
        kind=kind,
        queue=queue,
        agent=agent,
        interface=interface,
        since=since,
        at=at,
        value=value,
        limit=limit,
    )


def _cause(alert: Alert) -> str:
    """What makes it the same alert as long as it lasts."""
    return f"{alert.kind}:{alert.visit or alert.interface or alert.queue}"
