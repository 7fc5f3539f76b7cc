"""The live board: what events do to its parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import pytest

from cti import events
from cti.board import Board, CallerView, QueuePlan, Totals
from cti.calls.record import Call, Refused, Visit
from cti.events import AgentState, Event, QueueMembership

V = TypeVar("V")
DAY = 86400
T0 = 100 * DAY + 10 * 3600


def _board() -> Board:
    return Board(
        {"north": QueuePlan(label="北线", target_s=13.0, goal=0.9), "south": QueuePlan(label="南线")},
        {"PJSIP/7": "一组"},
        day=lambda at: at // DAY,
        describe=lambda number: (f"<{number}>", "宁波"),
    )


def _queued(n: int, at: float, queue: str = "north", **more: Any) -> events.CallQueued:
    fields: dict[str, Any] = {
        "call": f"c{n}",
        "visit": f"c{n}#1",
        "queue": queue,
        "position": None,
        "waiting_since": at,
        "caller": f"1390000000{n}",
        "caller_name": None,
        "dialed": "4000000000",
        "choice": None,
    }
    return events.CallQueued(at=at, **(fields | more))


def _answered(n: int, at: float, wait: float, queue: str = "north", **more: Any) -> events.CallAnswered:
    fields: dict[str, Any] = {"call": f"c{n}", "visit": f"c{n}#1", "waiting_since": at - wait}
    return events.CallAnswered(at=at, queue=queue, agent="甲", interface="PJSIP/7", wait_s=wait, **(fields | more))


def _abandoned(n: int, at: float, wait: float, queue: str = "north") -> events.CallAbandoned:
    return events.CallAbandoned(at=at, call=f"c{n}", visit=f"c{n}#1", queue=queue, wait_s=wait, waiting_since=at - wait)


def _left(n: int, at: float, wait: float | None, reason: Any) -> events.CallLeftQueue:
    return events.CallLeftQueue(
        at=at, call=f"c{n}", visit=f"c{n}#1", queue="north", reason=reason, wait_s=wait, waiting_since=at - (wait or 0)
    )


def _agent(name: str, interface: str, phase: Any, since: float = T0, **more: Any) -> events.AgentChanged:
    queues = more.pop("queues", (("north", False, 0, None),))
    state = AgentState(
        agent=name,
        interface=interface,
        phase=phase,
        since=since,
        call=more.get("call"),
        queue=more.get("queue"),
        pause_reason="",
        missed=0,
        queues=tuple(
            QueueMembership(
                queue=queue, paused=paused, reason="", penalty=penalty, status=1, in_call=False, wrapup_until=until
            )
            for queue, paused, penalty, until in queues
        ),
    )
    return events.AgentChanged(at=since, agent=state)


def _told(board: Board, *told: Event) -> None:
    for event in told:
        board.apply(event)


def _day(totals: Totals) -> tuple[int, int, int, int, int, int]:
    return (
        totals.offered,
        totals.answered,
        totals.in_target,
        totals.abandoned,
        totals.outflow,
        totals.aside,
    )


STORY: list[Event] = [
    _queued(1, T0),
    _queued(2, T0 + 1),
    _answered(1, T0 + 13, 13.0),
    _queued(3, T0 + 14),
    _abandoned(2, T0 + 21, 20.0),
    _left(3, T0 + 40, 26.0, "timeout"),
    _queued(4, T0 + 50),
    _answered(4, T0 + 63.5, 13.5),
    _queued(5, T0 + 70),
    _left(5, T0 + 75, None, "pbx_restart"),
    events.CallRefused(at=T0 + 80, call="c6", queue="south", reason="full"),
]


def test_a_day_of_calls_gives_these_figures() -> None:
    """Two answered (one in time), one abandoned, one timed out, a restart and a refusal aside."""
    board = _board()
    _told(board, *STORY)
    view = board.snapshot()
    assert _day(view.totals) == (4, 2, 1, 1, 1, 2)
    assert view.totals.service_level == pytest.approx(1 / 3)
    assert view.totals.asa_s == 13.25
    assert _day(view.queues["north"]) == (4, 2, 1, 1, 1, 1)
    assert _day(view.queues["south"]) == (0, 0, 0, 0, 0, 1)
    assert view.queues["south"].service_level is None
    assert view.callers == {}


def test_the_same_events_told_twice_change_nothing() -> None:
    """Figures are derived from visits by key: a replay counts nobody twice and lets nobody wait again."""
    once, twice = _board(), _board()
    _told(once, *STORY)
    _told(twice, *STORY, *STORY)
    assert twice.snapshot() == once.snapshot()


def test_a_caller_counts_as_offered_while_waiting() -> None:
    """A waiting caller is offered and nothing else yet."""
    board = _board()
    _told(board, _queued(1, T0))
    totals = board.snapshot().totals
    assert _day(totals) == (1, 0, 0, 0, 0, 0)
    assert (totals.waiting, totals.longest_since, totals.service_level) == (1, T0, None)


def test_an_overflow_to_another_queue_is_one_caller_for_the_day_and_two_visits_for_the_queues() -> None:
    """Queue figures use the visit's wait, the day's figure the first entry (the clock goes on)."""
    board = _board()
    _told(
        board,
        _queued(1, T0),
        _left(1, T0 + 10, 10.0, "timeout"),
        _queued(1, T0 + 11, "south", visit="c1#2", waiting_since=T0),
        _answered(1, T0 + 15, 4.0, "south", visit="c1#2", waiting_since=T0),
    )
    view = board.snapshot()
    assert _day(view.totals) == (1, 1, 0, 0, 0, 0)
    assert view.totals.asa_s == 15.0
    assert _day(view.queues["north"]) == (1, 0, 0, 0, 1, 0)
    assert _day(view.queues["south"]) == (1, 1, 1, 0, 0, 0)


def test_a_new_day_begins_at_zero_and_keeps_who_waits() -> None:
    """At the site's midnight the figures start again; a caller who still waits is not lost."""
    board = _board()
    late = 101 * DAY - 5
    _told(board, *STORY, _queued(8, late))
    board.changes()
    assert not board.roll(late + 1)
    assert board.roll(late + 6)
    view = board.snapshot()
    assert _day(view.totals) == (0, 0, 0, 0, 0, 0)
    assert (view.totals.waiting, list(view.callers)) == (1, ["c8#1"])
    changes = board.changes()
    assert changes is not None
    assert changes.totals == view.totals
    _told(board, _answered(8, late + 12, 12.0))
    assert _day(board.snapshot().totals) == (0, 0, 0, 0, 0, 0)


def _stored(n: int, *visits: tuple[str, float, str, float | None], refused: tuple[Refused, ...] = ()) -> Call:
    return Call(
        id=f"c{n}",
        direction="inbound",
        caller=f"1390000000{n}",
        dialed="4000000000",
        started_at=(visits[0][1] if visits else refused[0].at) - 1,
        ended_at=None,
        refused=refused,
        visits=tuple(
            Visit(
                queue=queue,
                joined_at=joined,
                left_at=None if wait is None else joined + wait,
                outcome=outcome,  # type: ignore[arg-type]
                answered_at=joined + wait if outcome == "answered" and wait is not None else None,
                wait_s=wait,
                agent=None,
                interface=None,
            )
            for queue, joined, outcome, wait in visits
        ),
        talks=(),
        transfers=(),
    )


def test_a_restart_restores_the_day_from_the_stored_calls() -> None:
    """Restored calls give the figures that the events gave, and events that follow find their visits."""
    told, restored = _board(), _board()
    _told(told, *STORY)
    restored.restore(
        [
            _stored(1, ("north", T0, "answered", 13.0)),
            _stored(2, ("north", T0 + 1, "abandoned", 20.0)),
            _stored(3, ("north", T0 + 14, "timeout", 26.0)),
            _stored(4, ("north", T0 + 50, "answered", 13.5)),
            _stored(5, ("north", T0 + 70, "pbx_restart", None)),
            _stored(6, refused=(Refused(queue="south", reason="full", at=T0 + 80),)),
        ]
    )
    assert restored.snapshot() == told.snapshot()
    _told(restored, *STORY)
    assert restored.snapshot() == told.snapshot()


def test_a_wait_that_was_open_when_stored_stands_aside_until_it_is_told_again() -> None:
    """Nobody is shown waiting on the word of a stored row."""
    board = _board()
    board.restore([_stored(1, ("north", T0, "unknown", None))])
    assert _day(board.snapshot().totals) == (0, 0, 0, 0, 0, 1)
    _told(board, _queued(1, T0))
    assert _day(board.snapshot().totals) == (1, 0, 0, 0, 0, 0)
    board.restore([_stored(1, ("north", T0, "unknown", None))])
    assert _day(board.snapshot().totals) == (1, 0, 0, 0, 0, 0)
    _told(board, _answered(1, T0 + 5, 5.0))
    assert _day(board.snapshot().totals) == (1, 1, 1, 0, 0, 0)


def test_chains_are_restored_as_they_were_told() -> None:
    """A stored overflow is one caller of the day; a visit after an answer starts a new clock."""
    board = _board()
    board.restore(
        [
            _stored(
                1,
                ("north", T0, "timeout", 10.0),
                ("south", T0 + 11, "answered", 4.0),
                ("north", T0 + 60, "answered", 2.0),
            )
        ]
    )
    totals = board.snapshot().totals
    assert _day(totals) == (2, 2, 1, 0, 0, 0)
    assert totals.asa_s == 8.5


def test_waiting_callers_keep_their_place_and_move_up() -> None:
    """Places are kept here: the PBX tells only where a caller entered."""
    board = _board()
    _told(board, _queued(1, T0), _queued(2, T0 + 1, position=2), _queued(3, T0 + 2, position=1))
    assert _places(board) == {"c3#1": 1, "c1#1": 2, "c2#1": 3}
    board.changes()
    _told(board, _abandoned(3, T0 + 3, 1.0))
    assert _places(board) == {"c1#1": 1, "c2#1": 2}
    changes = board.changes()
    assert changes is not None
    assert {visit: view and view.position for visit, view in changes.callers.items()} == {
        "c3#1": None,
        "c1#1": 1,
        "c2#1": 2,
    }


def _places(board: Board) -> dict[str, int]:
    return {visit: caller.position for visit, caller in board.snapshot().callers.items()}


def _caller(board: Board, visit: str = "c1#1") -> CallerView:
    return board.snapshot().callers[visit]


def test_a_caller_shows_who_is_rung_who_is_free_and_who_is_free_next() -> None:
    """At most three free agents, lowest penalty and longest idle first; paused ones are not free."""
    board = _board()
    _told(
        board,
        _agent("甲", "PJSIP/1", "idle", T0 - 5),
        _agent("乙", "PJSIP/2", "idle", T0 - 50),
        _agent("丙", "PJSIP/3", "idle", T0 - 90, queues=(("north", False, 2, None),)),
        _agent("丁", "PJSIP/4", "idle", T0 - 99, queues=(("north", True, 0, None), ("south", False, 0, None))),
        _agent("戊", "PJSIP/5", "idle", T0 - 7),
        _agent("己", "PJSIP/6", "wrapup", queues=(("north", False, 0, T0 + 9.0),)),
        _agent("庚", "PJSIP/7", "wrapup", queues=(("north", False, 0, T0 + 6.0),)),
        _queued(1, T0),
        events.AgentRinging(
            at=T0 + 1,
            call="c1",
            ring="r1",
            visit="c1#1",
            queue="north",
            agent="甲",
            interface="PJSIP/1",
            caller=None,
            caller_name=None,
            dialed=None,
            choice=None,
            waiting_since=T0,
        ),
    )
    caller = _caller(board)
    assert caller.idle_agents == ("乙", "戊", "甲")
    assert caller.wrapup_next is not None
    assert (caller.wrapup_next.agent, caller.wrapup_next.until) == ("庚", T0 + 6)
    assert [(ring.agent, ring.since) for ring in caller.ringing] == [("甲", T0 + 1)]
    _told(
        board,
        events.RingEnded(
            at=T0 + 2, call="c1", ring="r1", visit="c1#1", agent="甲", interface="PJSIP/1", reason="missed"
        ),
    )
    assert _caller(board).ringing == ()


def test_heads_are_counted_by_phase_and_a_pause_counts_only_in_its_queue() -> None:
    """On hold is busy; somebody paused in one queue is free in the other."""
    board = _board()
    _told(
        board,
        _agent("甲", "PJSIP/1", "held"),
        _agent("乙", "PJSIP/2", "unavailable"),
        _agent("丙", "PJSIP/3", "idle", queues=(("north", True, 0, None), ("south", False, 0, None))),
    )
    view = board.snapshot()
    north, south = view.queues["north"], view.queues["south"]
    assert (north.logged_in, north.busy, north.paused, north.idle, north.unavailable) == (2, 1, 1, 0, 1)
    assert (south.logged_in, south.idle, south.paused) == (1, 1, 0)
    _told(board, events.AgentGone(at=T0, interface="PJSIP/1"))
    assert board.snapshot().queues["north"].busy == 0


def test_what_the_look_up_found_shows_with_the_caller_and_with_the_agent() -> None:
    """The CRM's name takes the place of the presented one, on the caller's row and on the agent's card."""
    board = _board()
    _told(board, _queued(1, T0), _agent("甲", "PJSIP/7", "ringing", call="c1", queue="north"))
    board.changes()
    assert board.enrich("c1", name="周敏", company="屿衡", tier="A", party="p1")
    changes = board.changes()
    assert changes is not None
    assert (changes.totals, changes.queues) == (None, {})
    caller, agent = changes.callers["c1#1"], changes.agents["PJSIP/7"]
    assert caller is not None
    assert agent is not None
    assert (caller.name, caller.company, caller.tier, caller.party, caller.new) == ("周敏", "屿衡", "A", "p1", False)
    assert (caller.display, caller.region) == ("<13900000001>", "宁波")
    assert (agent.caller, agent.caller_name, agent.company, agent.group) == ("13900000001", "周敏", "屿衡", "一组")
    assert not board.enrich("gone", name="x")


def test_an_outbound_call_shows_the_number_that_was_dialled() -> None:
    """The other side of an outbound call is whom the agent called."""
    board = _board()
    _told(
        board,
        events.CallOffered(
            at=T0, call="c1", direction="outbound", caller="8001", caller_name="甲", dialed="02100000000"
        ),
        _agent("甲", "PJSIP/7", "busy", call="c1"),
    )
    agent = board.snapshot().agents["PJSIP/7"]
    assert (agent.caller, agent.caller_name) == ("02100000000", None)


def _merge(shown: dict[str, V], changed: Mapping[str, V | None]) -> None:
    for key, view in changed.items():
        if view is None:
            del shown[key]
        else:
            shown[key] = view


def test_deltas_put_together_are_the_snapshot() -> None:
    """Whoever applies every change to the first snapshot sees what a fresh snapshot shows."""
    board = _board()
    _told(board, _agent("甲", "PJSIP/7", "idle"))
    first = board.snapshot()
    board.changes()
    totals, queues, callers, agents = first.totals, dict(first.queues), dict(first.callers), dict(first.agents)
    for event in [*STORY, _queued(9, T0 + 90), _agent("甲", "PJSIP/7", "busy", T0 + 91)]:
        board.apply(event)
        changes = board.changes()
        if changes is None:
            continue
        totals = changes.totals or totals
        _merge(queues, changes.queues)
        _merge(callers, changes.callers)
        _merge(agents, changes.agents)
    fresh = board.snapshot()
    assert (totals, queues, callers, agents) == (fresh.totals, fresh.queues, fresh.callers, fresh.agents)
    assert board.changes() is None


def test_events_that_concern_no_part_of_the_board_change_nothing() -> None:
    """A link event or a hold gives no delta."""
    board = _board()
    board.apply(_queued(1, T0))
    board.changes()
    board.apply(events.PbxLost(at=T0 + 1))
    board.apply(events.CallHeld(at=T0 + 2, call="c1", interface="PJSIP/7"))
    assert board.changes() is None


def test_a_breached_caller_makes_the_interval_late_at_once() -> None:
    """The trend does not wait for the caller to be answered."""
    board = _board()
    _told(board, _queued(1, T0))
    breach = events.SlaBreached(at=T0 + 13, call="c1", visit="c1#1", queue="north", waiting_since=T0, target_s=13.0)
    _told(board, breach)
    (interval,) = board.snapshot().queues["north"].recent
    assert (interval.offered, interval.late) == (1, 1)
    _told(board, _answered(1, T0 + 14, 14.0))
    (interval,) = board.snapshot().queues["north"].recent
    assert (interval.offered, interval.late) == (1, 1)
