"""What a supervisor should look at: alerts as a function of the board and the moment (pure).

Nothing is counted up: `look` works out which causes there are now and compares them with the alerts that are open. A
new cause raises an alert, an alert whose cause is gone is cleared, and a cause that is still there stays the alert it
was, whatever lay between: a resync, a restart (`restore`), the same event twice. While the link to the PBX is down
nothing is known, so nothing is raised and nothing cleared.

A wait's alert is raised as of the moment at which its limit was reached, not at which somebody looked: call `look`
when `due` says so, and before an event that is later than it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Final

import msgspec

from cti.board.figures import BUCKET_S
from cti.board.live import Board
from cti.board.metrics import service_level, to_ms
from cti.board.queues import Caller
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
        found = _Look(self._open, self._told, now)
        self._waits(board, found)
        self._queues(board, found)
        self._agents(board, found)
        self._due = found.due
        gone = [cause for cause in self._open if cause not in found.causes]
        cleared = [self._open.pop(cause) for cause in gone]
        for alert in found.raised:
            self._open[_cause(alert)] = alert
            if alert.visit is not None:
                self._told[alert.id] = None
        while len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]
        return Told(
            raised=tuple(sorted(found.raised, key=lambda alert: (alert.at, alert.id))),
            cleared=tuple(Cleared(id=alert.id, cleared_at=max(now, alert.at)) for alert in cleared),
        )

    # --- causes ------------------------------------------------------------------------------------------------------

    def _waits(self, board: Board, found: _Look) -> None:
        limits_of: dict[str, Limits] = {}
        for visit, caller in board.each_waiting():
            queue, since = caller.queue, caller.waiting_since
            limits = limits_of.get(queue) or limits_of.setdefault(queue, self.limits(queue))
            if found.begins(f"late:{visit}", since + caller.target_s + _MOMENT, lasts=True):
                found.raise_(_wait("late", visit, caller, caller.target_s, _MOMENT))
            if limits.warn_s is not None and found.begins(f"warn:{visit}", since + limits.warn_s, lasts=True):
                found.raise_(_wait("warn", visit, caller, limits.warn_s, 0.0))

    def _queues(self, board: Board, found: _Look) -> None:
        now = found.now
        start = (now // BUCKET_S - LEVEL_QUARTERS + 1) * BUCKET_S
        for queue in board.queue_names():
            limits = self.limits(queue)
            present, waiting = board.presence(queue)
            if present or limits.no_agents_s is None or not (waiting or board.is_planned(queue)):
                self._empty.pop(queue, None)
            else:
                known = self._open.get(f"no_agents:{queue}")
                since = self._empty.setdefault(queue, now if known is None else known.since)
                at = now if waiting else since + limits.no_agents_s
                if found.begins(f"no_agents:{queue}", at):
                    found.raise_(_state("no_agents", queue, since, at, queue=queue, value=float(waiting)))
            if limits.goal is None:
                continue
            counts = board.counts_since(queue, start)
            level = service_level(counts)
            enough = counts.answered + counts.abandoned >= max(1, limits.calls)
            if level is not None and level < limits.goal and enough and found.begins(f"level:{queue}", now):
                found.raise_(_state("level", queue, start, now, queue=queue, value=level, limit=limits.goal))

    def _agents(self, board: Board, found: _Look) -> None:
        now = found.now
        for state in board.each_agent():
            phone = state.interface
            mine = [self.limits(membership.queue) for membership in state.queues]
            most = min((limits.missed for limits in mine if limits.missed is not None), default=None)
            if most is not None and state.missed >= most and found.begins(f"missed:{phone}", now):
                last = board.last_missed(phone)
                alert = _state(
                    "missed",
                    phone,
                    now if last is None else last.at,
                    now,
                    queue=state.queue if last is None else last.queue,
                    agent=state.agent,
                    interface=phone,
                    value=float(state.missed),
                    limit=float(most),
                )
                found.raise_(alert)
            since = board.paused_since(phone)
            if since is None or state.phase != "paused":
                continue
            longest = min((limits.paused_s for limits in mine if limits.paused_s is not None), default=None)
            if longest is not None and found.begins(f"paused:{phone}", since + longest):
                found.raise_(
                    _state("paused", phone, since, since + longest, agent=state.agent, interface=phone, limit=longest)
                )


class _Look:
    """One look: which causes there are, which of them are new, and when the next will be."""

    def __init__(self, open_alerts: Mapping[str, Alert], told: Container[str], now: float) -> None:
        self._open = open_alerts
        self._told = told
        self._now_ms = to_ms(now)
        self.now = now
        self.due = (now // BUCKET_S + 1) * BUCKET_S
        self.causes: set[str] = set()
        self.raised: list[Alert] = []

    def begins(self, cause: str, at: float, *, lasts: bool = False) -> bool:
        """A cause that is there from `at` on; True where it is there now and was never told.

        `lasts`: once there it stays. A PBX's list tells waits in whole seconds, so that a restart of the service makes
        one look shorter than it was.
        """
        if to_ms(at) > self._now_ms and not (lasts and cause in self._open):
            self.due = min(self.due, at)
            return False
        self.causes.add(cause)
        return cause not in self._open and cause not in self._told

    def raise_(self, alert: Alert) -> None:
        """It is new."""
        self.raised.append(alert)


def _wait(kind: AlertKind, visit: str, caller: Caller, limit: float, past: float) -> Alert:
    """An alert about a wait: there is one of a kind, for ever."""
    since = caller.waiting_since
    return Alert(
        id=f"{kind}:{visit}",
        kind=kind,
        queue=caller.queue,
        call=caller.call,
        visit=visit,
        since=since,
        at=since + limit + past,
        limit=limit,
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
