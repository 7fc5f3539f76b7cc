"""Alerts: a function of the board and the moment, told once, cleared when the cause is gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cti import events
from cti.board import Board, QueuePlan
from cti.board.alerts import Alarms, Told
from cti.events import AgentState, Event, QueueMembership
from cti.wire.watching import Alert, Limits, Silence

T0 = 1_700_000_100.0  # a quarter of an hour begins
LIMITS = Limits(warn_s=8.0, late_s=13.0, goal=0.9, calls=3, missed=2, paused_s=600.0, no_agents_s=30.0)
OFF = Limits(warn_s=8.0, late_s=13.0, goal=None, calls=3, missed=None, paused_s=None, no_agents_s=None)


def _queued(n: int, at: float, queue: str = "north") -> events.CallQueued:
    return events.CallQueued(
        at=at,
        call=f"c{n}",
        visit=f"c{n}#1",
        queue=queue,
        position=None,
        waiting_since=at,
        caller="13900000001",
        caller_name=None,
        dialed="4000000000",
        choice=None,
    )


def _answered(n: int, at: float, wait: float, queue: str = "north") -> events.CallAnswered:
    return events.CallAnswered(
        at=at,
        call=f"c{n}",
        visit=f"c{n}#1",
        queue=queue,
        agent="甲",
        interface="PJSIP/7",
        wait_s=wait,
        waiting_since=at - wait,
    )


def _agent(at: float, phase: Any = "idle", *, missed: int = 0, paused: bool = False) -> events.AgentChanged:
    membership = QueueMembership(
        queue="north", paused=paused, reason="", penalty=0, status=1, in_call=False, wrapup_until=None
    )
    state = AgentState(
        agent="甲",
        interface="PJSIP/7",
        phase=phase,
        since=at,
        call=None,
        queue=None,
        pause_reason="",
        missed=missed,
        queues=(membership,),
    )
    return events.AgentChanged(at=at, agent=state)


class Watched:
    """A board and its alarms, run as the service runs them: looked at when due, before and after each event."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self.board = Board({"north": QueuePlan(label="北线")}, day=lambda at: int(at // 86400))
        self.alarms = Alarms({}, limits)
        self.alarms.see()
        self.raised: list[Alert] = []
        self.cleared: dict[str, float] = {}

    def look(self, now: float) -> Told:
        """Look and remember."""
        told = self.alarms.look(self.board, now)
        self.raised += told.raised
        self.cleared.update({one.id: one.cleared_at for one in told.cleared})
        return told

    def until(self, now: float) -> None:
        """Time passes."""
        while (due := self.alarms.due()) is not None and due <= now:
            self.look(due)

    def on(self, *told: Event) -> None:
        """These events come."""
        for event in told:
            self.until(event.at)
            self.board.apply(event)
            self.look(event.at)

    def restart(self) -> None:
        """The service starts again with what the store and the PBX say."""
        alarms = Alarms({}, self.limits)
        alarms.restore(self.alarms.open(), [alert.id for alert in self.raised])
        alarms.see()
        self.alarms = alarms

    def kinds(self) -> list[tuple[str, float]]:
        """What was raised and when."""
        return [(alert.kind, round(alert.at - T0, 3)) for alert in self.raised]


def test_a_wait_is_told_at_eight_seconds_and_beyond_thirteen() -> None:
    """As of the moment, though nobody looked then; exactly 13.000 s is still in time; both go with the caller."""
    here = Watched()
    here.on(_agent(T0 - 60), _queued(1, T0), _answered(1, T0 + 13.0, 13.0))
    assert here.kinds() == [("warn", 8.0)]
    here.on(_queued(2, T0 + 20), _answered(2, T0 + 33.5, 13.5))
    assert here.kinds() == [("warn", 8.0), ("warn", 28.0), ("late", 33.001)]
    assert here.cleared == {"warn:c1#1": T0 + 13.0, "warn:c2#1": T0 + 33.5, "late:c2#1": T0 + 33.5}
    assert here.alarms.open() == ()


def test_an_event_that_comes_late_does_not_hide_the_alert_before_it() -> None:
    """The loop stood still from second 5 to 9: the alert of second 8 is raised as of second 8."""
    here = Watched()
    here.on(_agent(T0 - 60), _queued(1, T0))
    here.on(_answered(1, T0 + 9.0, 9.0))
    assert here.kinds() == [("warn", 8.0)]


def test_nothing_is_raised_or_cleared_while_the_link_is_down() -> None:
    """What is open stays; at the resync what is gone is cleared and what lasted is the same alert."""
    here = Watched()
    here.on(_agent(T0 - 60), _queued(1, T0), _queued(2, T0 + 1))
    here.until(T0 + 9.5)
    here.alarms.blind()
    assert here.alarms.due() is None
    here.board.apply(_answered(1, T0 + 11, 11.0))
    assert not here.look(T0 + 30)
    assert [alert.id for alert in here.alarms.open()] == ["warn:c1#1", "warn:c2#1"]
    here.alarms.see()
    here.look(T0 + 40)
    assert here.kinds() == [("warn", 8.0), ("warn", 9.0), ("late", 14.001)]
    assert [alert.id for alert in here.alarms.open()] == ["warn:c2#1", "late:c2#1"]


def test_a_queue_without_agents_is_told_after_a_while_and_at_once_when_somebody_waits() -> None:
    """The last one pauses or leaves: 30 s later; with a caller, at once; gone when somebody is back."""
    here = Watched()
    here.on(_agent(T0))
    here.on(_agent(T0 + 10, "paused", paused=True))
    here.until(T0 + 45)
    assert here.kinds() == [("no_agents", 40.0)]
    here.on(_agent(T0 + 50))
    assert here.alarms.open() == ()
    here.on(events.AgentGone(at=T0 + 60, interface="PJSIP/7"), _queued(1, T0 + 61))
    assert here.kinds()[-1] == ("no_agents", 61.0)
    assert here.raised[-1].value == 1.0


def test_the_service_level_of_the_last_hour_under_its_goal_is_one_alert() -> None:
    """From the third decided call on; it lasts while it is under the goal, and goes with it."""
    here = Watched(msgspec.structs.replace(LIMITS, goal=0.6, no_agents_s=None, warn_s=None))
    for n in range(4):
        here.on(_queued(n, T0 + 60 * n), _answered(n, T0 + 60 * n + 20, 20.0))
    assert [kind for kind in here.kinds() if kind[0] == "level"] == [("level", 140.0)]
    level = next(alert for alert in here.alarms.open() if alert.kind == "level")
    assert (level.value, level.limit, level.queue) == (0.0, 0.6, "north")
    for n in range(10, 17):
        here.on(_queued(n, T0 + 300 + n), _answered(n, T0 + 300 + n + 2, 2.0))
    assert "level" not in {alert.kind for alert in here.alarms.open()}
    assert [kind for kind, _ in here.kinds()].count("level") == 1


def test_two_rings_in_vain_and_a_long_pause_are_told() -> None:
    """At the second ring; at ten minutes of pause; gone with an answer, gone with the end of the pause."""
    here = Watched(msgspec.structs.replace(LIMITS, no_agents_s=None))
    here.on(_agent(T0, missed=1))
    assert here.raised == []
    missed = events.AgentMissed(
        at=T0 + 5, call="c", visit="c#1", ring="r", queue="north", agent="甲", interface="PJSIP/7", ring_s=12.0
    )
    here.on(missed, _agent(T0 + 5, missed=2), _agent(T0 + 20, missed=3))
    assert [(a.kind, a.agent, a.queue, a.value, a.since) for a in here.raised] == [
        ("missed", "甲", "north", 2.0, T0 + 5)
    ]
    here.on(_agent(T0 + 30), _agent(T0 + 40, "paused", paused=True))
    here.until(T0 + 700)
    assert here.kinds()[1:] == [("paused", 640.0)]
    here.on(_agent(T0 + 710))
    assert here.alarms.open() == ()


def test_who_works_during_his_pause_is_not_paused_too_long() -> None:
    """A call in the middle of it: no alert while he talks, and the pause that goes on is as old as it is."""
    here = Watched(msgspec.structs.replace(LIMITS, no_agents_s=None))
    here.on(_agent(T0, "paused", paused=True), _agent(T0 + 550, "busy", paused=True))
    here.until(T0 + 650)
    here.look(T0 + 650)
    assert here.raised == []
    here.on(_agent(T0 + 660, "paused", paused=True))
    assert [(alert.kind, alert.since, alert.at) for alert in here.raised] == [("paused", T0, T0 + 600)]


def test_a_queue_of_its_own_limits_is_watched_by_them() -> None:
    """Limits are per queue; null is never."""
    board = Board({}, day=lambda at: 0)
    alarms = Alarms({"south": msgspec.structs.replace(OFF, warn_s=3.0)}, msgspec.structs.replace(OFF, warn_s=None))
    alarms.see()
    board.apply(_queued(1, T0))
    board.apply(_queued(2, T0, "south"))
    assert [alert.id for alert in alarms.look(board, T0 + 10).raised] == ["warn:c2#1"]


def test_a_silence_covers_what_it_names_until_its_end() -> None:
    """Every part that is said must agree; what is not said covers all."""
    alert = Alert(id="warn:c#1", kind="warn", queue="north", visit="c#1", since=0.0, at=8.0)
    base = Silence(
        id="s", by="wu", for_all=True, alert=None, kind="warn", queue=None, interface=None, at=0.0, until=60.0
    )
    assert base.covers(alert, 59.9)
    assert not base.covers(alert, 60.0)
    assert not msgspec.structs.replace(base, queue="south").covers(alert, 1.0)
    assert msgspec.structs.replace(base, kind=None, alert="warn:c#1").covers(alert, 1.0)
    assert not msgspec.structs.replace(base, kind=None, interface="PJSIP/7").covers(alert, 1.0)


_WAITS = st.lists(
    st.tuples(st.integers(0, 120_000), st.integers(0, 40_000)), min_size=1, max_size=12, unique_by=lambda wait: wait[0]
)


@settings(max_examples=150, deadline=None)
@given(_WAITS, st.lists(st.tuples(st.integers(0, 170_000), st.sampled_from(["look", "restart", "cut"])), max_size=12))
def test_what_is_told_of_waits_depends_on_the_waits_alone(
    waits: Sequence[tuple[int, int]], disturbed: Sequence[tuple[int, str]]
) -> None:
    """Whatever looks, restarts, repeated events and short cuts come between: each alert once, at its moment."""
    story: list[tuple[float, int, Event | str]] = []
    expected: dict[str, float] = {}
    for n, (start, wait) in enumerate(waits):
        at, left = T0 + start / 1000, T0 + (start + wait) / 1000
        story += [(at, 0, _queued(n, at)), (left, 1, _answered(n, left, left - at))]
        if round((left - at) * 1000) >= 8000:
            expected[f"warn:c{n}#1"] = round(at - T0 + 8.0, 3)
        if round((left - at) * 1000) > 13_000:
            expected[f"late:c{n}#1"] = round(at - T0 + 13.001, 3)
    story += [(T0 + at / 1000, 2, what) for at, what in disturbed]
    here = Watched(OFF)
    for at, _, what in sorted(story, key=lambda step: step[:2]):
        if isinstance(what, Event):
            here.on(what, *([what] if isinstance(what, events.CallAnswered) else []))
            continue
        here.until(at)
        if what == "restart":
            here.restart()
        elif what == "cut":
            here.alarms.blind()
            assert not here.look(at)
            here.alarms.see()
        here.look(at)
    assert {alert.id: round(alert.at - T0, 3) for alert in here.raised} == expected
    assert len(here.raised) == len(expected)
    assert here.alarms.open() == ()
    assert here.cleared.keys() == expected.keys()
