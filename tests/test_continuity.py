"""A call that outlived a restart of the service is one call."""

from __future__ import annotations

from typing import Any

from cti.calls.record import Call, Missed, Refused, Talk, Visit
from cti.continuity import closed_in_gap, continued

T = 1_760_000_000.0


def call(**more: Any) -> Call:
    """An open call."""
    fields: dict[str, Any] = {
        "id": "c",
        "direction": "inbound",
        "caller": "13800001307",
        "dialed": "4000001313",
        "started_at": T,
        "ended_at": None,
        "refused": (),
        "visits": (),
        "talks": (),
        "transfers": (),
    }
    return Call(**{**fields, **more})


def visit(outcome: Any = "answered", left_at: float | None = T + 8, **more: Any) -> Visit:
    """One stay in a queue."""
    fields: dict[str, Any] = {
        "queue": "europe",
        "joined_at": T + 1,
        "left_at": left_at,
        "outcome": outcome,
        "answered_at": left_at if outcome == "answered" else None,
        "wait_s": 7.0 if outcome == "answered" else None,
        "agent": "林知夏",
        "interface": "PJSIP/8001",
    }
    return Visit(**{**fields, **more})


def test_answered_call_keeps_its_visit_and_its_talk_from_the_beginning() -> None:
    """What the new process saw only the end of began when the old one saw it."""
    old = call(visits=(visit(),), talks=(Talk(interface="PJSIP/8001", agent="林知夏", from_=T + 8, to=None),))
    new = call(
        caller=None, started_at=T + 100, ended_at=T + 200, partial=True,
        talks=(Talk(interface="PJSIP/8001", agent=None, from_=T + 100, to=T + 200),),
    )  # fmt: skip
    one = continued(old, new)
    assert one.visits == old.visits
    assert [(t.from_, t.to) for t in one.talks] == [(T + 8, T + 200)]
    assert (one.started_at, one.ended_at, one.caller) == (T, T + 200, "13800001307")
    assert one.gap
    assert not one.partial


def test_waiting_caller_keeps_his_clock_and_the_rings_missed_before() -> None:
    """The wait began before the restart; the answer came after it."""
    missed = Missed(agent="陈晓雯", interface="PJSIP/8002", ring_s=8.0)
    old = call(visits=(visit("unknown", None, agent=None, interface=None, missed=(missed,)),))
    new = call(visits=(visit(joined_at=T + 1.4, left_at=T + 60),), partial=True)
    (one,) = continued(old, new).visits
    assert (one.joined_at, one.left_at, one.outcome) == (T + 1, T + 60, "answered")
    assert one.missed == (missed,)


def test_what_only_one_side_knows_is_kept() -> None:
    """Direction, refusals and missed rings come from wherever they were seen, each once."""
    first, second = (Refused(queue="europe", reason="full", at=T + n) for n in (1, 2))
    ring = Missed(agent=None, interface="PJSIP/8003", ring_s=3.0)
    old = call(direction=None, refused=(first,), visits=(visit("unknown", None, missed=(ring,)),))
    new = call(
        direction="inbound", refused=(first, second), partial=True,
        visits=(visit(missed=(ring, Missed(agent=None, interface="PJSIP/8002", ring_s=8.0))),),
    )  # fmt: skip
    one = continued(old, new)
    assert one.direction == "inbound"
    assert continued(call(), call(direction=None)).direction == "inbound"
    assert one.refused == (first, second)
    assert [m.interface for m in one.visits[0].missed] == ["PJSIP/8003", "PJSIP/8002"]


def test_visit_whose_entry_was_not_seen_is_the_open_one() -> None:
    """After a restart the entry's moment may be unknown: it is the visit that was open, not a second one."""
    old = call(visits=(visit("unknown", None),))
    new = call(visits=(visit(joined_at=None, left_at=T + 60),), partial=True)
    (one,) = continued(old, new).visits
    assert (one.joined_at, one.left_at) == (T + 1, T + 60)


def test_second_visit_after_the_restart_is_a_second_visit() -> None:
    """A visit that was over stays as it was."""
    old = call(visits=(visit("timeout"),))
    new = call(visits=(visit(joined_at=T + 300, left_at=T + 310),), partial=True)
    assert [v.outcome for v in continued(old, new).visits] == ["timeout", "answered"]


def test_continuing_twice_changes_nothing() -> None:
    """The merged call, saved again, stays the same."""
    old = call(visits=(visit(),), talks=(Talk(interface="PJSIP/8001", agent=None, from_=T + 8, to=T + 9),))
    new = call(talks=(Talk(interface="PJSIP/8002", agent=None, from_=T + 100, to=None),), partial=True)
    once = continued(old, new)
    assert continued(once, new) == once


def test_call_that_ended_unseen_is_closed_and_marked() -> None:
    """No call stays open for ever, and what was not seen is not invented."""
    gone = closed_in_gap(call(visits=(visit("unknown", None),)), T + 500)
    assert (gone.ended_at, gone.gap) == (T + 500, True)
    assert gone.visits[0].outcome == "unknown"
    assert gone.visits[0].left_at is None


def test_a_later_stay_in_the_same_queue_is_not_the_one_that_was_open() -> None:
    """Answered and sent back into the queue while nobody looked: two visits, the first one's end to be filled in."""
    old = call(visits=(visit("unknown", None, agent=None, interface=None),))
    new = call(visits=(visit("abandoned", joined_at=T + 40, left_at=T + 50, agent=None),), partial=True)
    assert [(v.joined_at, v.outcome) for v in continued(old, new).visits] == [(T + 1, "unknown"), (T + 40, "abandoned")]


def test_a_wait_is_told_from_the_entry_that_was_seen() -> None:
    """The entry comes from before the restart, the wait with it, not from the lists' whole seconds."""
    old = call(visits=(visit("unknown", None, agent=None, interface=None),))
    new = call(visits=(visit(joined_at=T + 1.8, left_at=T + 11, wait_s=9.2),), partial=True)
    (one,) = continued(old, new).visits
    assert (one.joined_at, one.wait_s) == (T + 1, 10.0)


def test_two_talks_with_one_agent_stay_two() -> None:
    """The talk of the two that another node came into is the first, not the one that goes on."""
    first = Talk(interface="PJSIP/8001", agent=None, from_=T + 6, to=T + 10)
    second = Talk(interface="PJSIP/8001", agent=None, from_=T + 18, to=None)
    seen = (Talk(interface="PJSIP/8001", agent=None, from_=T + 9, to=T + 10), second)
    assert continued(call(talks=(first, second)), call(talks=seen, partial=True)).talks == (first, second)
