"""What the board tells a supervisor beside the figures: who could help, who let it ring, how the hours went."""

from __future__ import annotations

from typing import Any

import pytest

from cti import events
from cti.board import Board, QueuePlan
from cti.board.metrics import Counts, level_event, level_now
from cti.board.view import Missed
from cti.events import AgentState, Event, QueueMembership

T0 = 1_700_000_100.0  # a quarter of an hour begins
DAY = 86_400.0


def _board() -> Board:
    return Board({"north": QueuePlan(label="北线")}, {"PJSIP/1": "一组"}, day=lambda at: int(at // DAY))


def _agent(
    n: int, phase: Any, since: float, *, paused: bool = False, penalty: int = 0, until: float | None = None, **more: Any
) -> events.AgentChanged:
    memberships = tuple(
        QueueMembership(
            queue=queue, paused=off, reason="", penalty=penalty, status=1, in_call=False, wrapup_until=until
        )
        for queue, off in more.pop("queues", (("north", paused),))
    )
    state = AgentState(
        agent=f"a{n}",
        interface=f"PJSIP/{n}",
        phase=phase,
        since=since,
        call=None,
        queue=None,
        pause_reason="",
        missed=more.pop("missed", 0),
        queues=memberships,
    )
    return events.AgentChanged(at=more.pop("at", since), agent=state)


def _queued(n: int, at: float, queue: str = "north") -> events.CallQueued:
    return events.CallQueued(
        at=at,
        call=f"c{n}",
        visit=f"c{n}#1",
        queue=queue,
        position=None,
        waiting_since=at,
        caller="1",
        caller_name=None,
        dialed="2",
        choice=None,
    )


def _answered(n: int, at: float, wait: float) -> events.CallAnswered:
    return events.CallAnswered(
        at=at, call=f"c{n}", visit=f"c{n}#1", queue="north", agent="a1", interface="PJSIP/1", wait_s=wait,
        waiting_since=at - wait,
    )  # fmt: skip


def _breach(n: int, at: float) -> events.SlaBreached:
    return events.SlaBreached(at=at, call=f"c{n}", visit=f"c{n}#1", queue="north", waiting_since=at - 13, target_s=13.0)


def _missed(n: int, at: float, queue: str = "north") -> events.AgentMissed:
    return events.AgentMissed(
        at=at, call="c", visit="c#1", ring="r", queue=queue, agent=f"a{n}", interface=f"PJSIP/{n}", ring_s=12.0
    )


def _told(board: Board, *told: Event) -> None:
    for event in told:
        board.apply(event)


def test_a_caller_shows_who_could_take_him_best_first() -> None:
    """Idle by penalty, then longest idle; then who ends his wrap-up next; nobody who is paused, busy or unreachable."""
    board = _board()
    _told(
        board,
        _agent(1, "idle", T0 - 10),
        _agent(2, "idle", T0 - 90),
        _agent(3, "idle", T0 - 500, penalty=5),
        _agent(4, "busy", T0 - 50),
        _agent(5, "paused", T0 - 60, paused=True),
        _agent(6, "wrapup", T0 - 5, until=T0 + 20),
        _agent(7, "wrapup", T0 - 8, until=T0 + 10),
        _agent(8, "wrapup", T0 - 9),
        _agent(9, "unavailable", T0 - 9),
        _agent(10, "wrapup", T0 - 1, paused=True, until=T0 + 1),
        _queued(1, T0),
    )
    (caller,) = board.snapshot().callers.values()
    assert [(t.agent, t.phase, t.since - T0, t.until and t.until - T0) for t in caller.can_take] == [
        ("a2", "idle", -90, None),
        ("a1", "idle", -10, None),
        ("a3", "idle", -500, None),
        ("a7", "wrapup", -8, 10),
        ("a6", "wrapup", -5, 20),
        ("a8", "wrapup", -9, None),
    ]


def test_the_last_ring_in_vain_is_todays() -> None:
    """It stands with its queue until midnight; what the store remembers does not overwrite what was told since."""
    board = _board()
    _told(board, _agent(1, "idle", T0), _missed(1, T0 + 5))
    board.restore_missed({"PJSIP/1": Missed(at=T0 - 60, queue="south", ring_s=3.0)})
    assert board.snapshot().agents["PJSIP/1"].last_missed == Missed(at=T0 + 5, queue="north", ring_s=12.0)
    changes = board.changes()
    assert changes is not None
    board.roll(T0 + DAY)
    changes = board.changes()
    assert changes is not None
    agent = changes.agents["PJSIP/1"]
    assert agent is not None
    assert agent.last_missed is None


def test_a_pause_is_told_since_it_began_in_any_queue() -> None:
    """Busy or ringing in between, it is the same pause; unpaused everywhere ends it."""
    board = _board()
    half = (("north", True), ("south", False))
    _told(board, _agent(1, "idle", T0, queues=half), _agent(1, "busy", T0 + 30, queues=half))
    agent = board.snapshot().agents["PJSIP/1"]
    assert (agent.paused_since, agent.paused_in, agent.phase) == (T0, ("north",), "busy")
    _told(board, _agent(1, "idle", T0 + 60, queues=(("north", False), ("south", False))))
    agent = board.snapshot().agents["PJSIP/1"]
    assert (agent.paused_since, agent.paused_in) == (None, ())
    _told(board, _agent(2, "paused", T0 - 900, paused=True, at=T0))
    assert board.snapshot().agents["PJSIP/2"].paused_since == T0 - 900, "known from the PBX after a restart"


def test_the_trend_has_service_level_offered_and_abandoned_by_quarter() -> None:
    """By entry; a wait that is answered late changes its own quarter."""
    board = _board()
    _told(
        board,
        _queued(1, T0),
        _answered(1, T0 + 5, 5.0),
        _queued(2, T0 + 10),
        events.CallAbandoned(at=T0 + 18, call="c2", visit="c2#1", queue="north", wait_s=8.0, waiting_since=T0 + 10),
        _queued(3, T0 + 905),
        _answered(3, T0 + 925, 20.0),
        _queued(4, T0 + 900),
    )
    first, second = board.snapshot().queues["north"].recent[:2]
    assert (first.offered, first.answered, first.in_target, first.abandoned, first.late) == (2, 1, 1, 1, 1)
    assert first.service_level == 0.5
    assert (second.offered, second.answered, second.in_target, second.service_level) == (2, 1, 0, 0.0)


def test_the_two_live_service_levels_follow_who_waits() -> None:
    """W_T over W, and V2 with the late ones who wait counted already; both are gone with them."""
    board = _board()
    _told(board, _queued(1, T0), _answered(1, T0 + 5, 5.0), _queued(2, T0), _queued(3, T0), _queued(4, T0 + 10))
    _told(board, _breach(2, T0 + 13), _breach(3, T0 + 13))
    for view in (board.snapshot().totals, board.snapshot().queues["north"]):
        assert (view.waiting, view.over) == (3, 2)
        assert view.live_now == pytest.approx(1 / 3)
        assert view.live_event == pytest.approx(1 / 3)
        assert view.service_level == 1.0
    _told(board, _answered(2, T0 + 20, 20.0), _answered(3, T0 + 20, 20.0), _answered(4, T0 + 20, 10.0))
    totals = board.snapshot().totals
    assert (totals.over, totals.live_now, totals.live_event) == (0, None, 0.5)
    assert level_now(0, 0) is None
    assert level_event(Counts(), 0) is None
    assert level_event(Counts(), 2) == 0.0


def test_a_moved_agent_is_told_at_once_and_nobody_else() -> None:
    """Groups change while the board is open."""
    board = _board()
    _told(board, _agent(1, "idle", T0), _agent(2, "idle", T0))
    board.changes()
    board.group({"PJSIP/1": "二组"})
    changes = board.changes()
    assert changes is not None
    assert [(name, agent and agent.group) for name, agent in changes.agents.items()] == [("PJSIP/1", "二组")]
    board.group({"PJSIP/1": "二组"})
    assert board.changes() is None
