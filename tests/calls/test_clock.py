"""The 13-second clock: deadlines are asked for and fired, once a visit, to the millisecond."""

from __future__ import annotations

import pytest

from cti.calls.on_queues import DECIDE_S
from cti.calls.state import PATIENCE_S
from cti.events import CallAbandoned, CallAnswered, CallLeftQueue, CallQueued, SlaBreached
from tests.calls.script import Script


def breaches(script: Script) -> list[tuple[float, str]]:
    """(time, queue) of every SlaBreached told."""
    return [(round(e.at, 3), e.queue) for e in script.told if isinstance(e, SlaBreached)]


def test_at_exactly_thirteen_seconds_a_caller_is_still_in_time() -> None:
    """The breach comes with the first millisecond after the target, and only once."""
    script = Script()
    script.arrives(100)
    script.joins(101)
    assert script.pbx.get_timer() == 101 + 13.001
    script.tick(114.0)
    assert breaches(script) == []
    script.tick(114.001)
    script.tick(120)
    assert breaches(script) == [(114.001, "q")]


def test_an_answer_stops_the_clock() -> None:
    """No breach is told for a caller who was answered in time, however late the timer fires."""
    script = Script()
    script.arrives(100)
    script.joins(101)
    script.rings(101.1)
    told = script.answers(114.0)
    script.tick(200)
    answered = [e for e in told if isinstance(e, CallAnswered)]
    assert [(e.wait_s, e.agent, e.interface) for e in answered] == [(13.0, "Ann", "PJSIP/desk1")]
    assert breaches(script) == []


def test_each_queue_has_its_own_target() -> None:
    """Targets are configured by queue."""
    script = Script(targets={"vip": 5.0})
    script.arrives(100)
    script.joins(101, "vip")
    script.tick(106.001)
    assert breaches(script) == [(106.001, "vip")]


def test_a_second_queue_after_a_wait_in_vain_keeps_the_first_clock() -> None:
    """The caller who timed out of one queue is as late in the next one as he really is."""
    script = Script()
    script.arrives(100)
    script.joins(100, "first")
    leg = script.channel()
    script.say(110, "QueueCallerAbandon", Queue="first", **leg)
    script.say(110, "QueueCallerLeave", Queue="first", **leg)
    script.say(110, "VarSet", Variable="QUEUESTATUS", Value="TIMEOUT", **leg)
    queued = [e for e in script.joins(110.5, "second") if isinstance(e, CallQueued)]
    assert [e.waiting_since for e in queued] == [100]
    script.tick(113.001)
    assert breaches(script) == [(113.001, "second")]


def test_a_queue_after_an_answer_starts_a_new_clock() -> None:
    """Who was answered and sent on into a queue waits anew."""
    script = Script()
    script.arrives(100)
    script.joins(100)
    script.rings(101)
    script.answers(102)
    script.say(150, "BridgeLeave", BridgeUniqueid="b1", **script.channel())
    queued = [e for e in script.joins(151, "other") if isinstance(e, CallQueued)]
    assert [e.waiting_since for e in queued] == [151]


def test_a_late_tick_tells_the_breach_before_what_came_later() -> None:
    """An event after the deadline first fires the deadline, at its own time."""
    script = Script()
    script.arrives(100)
    script.joins(101)
    script.abandons(130)
    kinds = [type(e) for e in script.told if isinstance(e, SlaBreached | CallAbandoned)]
    assert [kind.__name__ for kind in kinds] == ["SlaBreached", "CallAbandoned"]
    assert breaches(script) == [(114.001, "q")]


@pytest.mark.parametrize("told_later", [True, False])
def test_an_abandon_that_nothing_explains_is_unknown_not_abandoned(told_later: bool) -> None:
    """QueueCallerAbandon alone does not mean that the caller hung up: so the PBX's next events say, or its silence."""
    script = Script()
    script.arrives(100)
    script.joins(101)
    _abandons(script, 105)
    assert script.pbx.get_timer() == 105 + DECIDE_S + PATIENCE_S
    if told_later:
        script.arrives(105 + DECIDE_S, uid="9001.1")
    else:
        script.tick(105 + DECIDE_S + PATIENCE_S)
    assert _left(script) == [("unknown", 4.0)]
    script.say(106.5, "UserEvent", UserEvent="Overflow", Queue="q", Status="TIMEOUT", **script.channel())
    assert _left(script)[-1] == ("timeout", 4.0)


def test_a_hangup_that_lay_in_the_network_still_tells_why_the_caller_left() -> None:
    """What decides is when the PBX says that it was, not when it came: a lost segment makes no caller unknown."""
    script = Script()
    script.arrives(100)
    script.joins(101)
    _abandons(script, 105)
    assert script.tick(105 + DECIDE_S + PATIENCE_S - 0.001) == []
    script.say(105.02, "Hangup", Cause="0", **script.channel())
    assert [round(e.wait_s, 3) for e in script.told if isinstance(e, CallAbandoned)] == [4.0]
    script.tick(120)
    assert _left(script) == []


def _abandons(script: Script, at: float) -> None:
    script.say(at, "QueueCallerAbandon", Queue="q", **script.channel())
    script.say(at, "QueueCallerLeave", Queue="q", **script.channel())


def _left(script: Script) -> list[tuple[str, float | None]]:
    return [(e.reason, e.wait_s) for e in script.told if isinstance(e, CallLeftQueue)]


def test_a_hangup_long_after_the_abandon_is_no_abandon() -> None:
    """Voicemail, then Hangup: the caller did not give up while waiting."""
    script = Script()
    script.arrives(100)
    script.joins(101)
    script.say(105, "QueueCallerAbandon", Queue="q", **script.channel())
    script.say(105, "QueueCallerLeave", Queue="q", **script.channel())
    script.say(115, "Hangup", **script.channel())
    call = script.pbx.calls()[0]
    assert [v.outcome for v in call.visits] == ["unknown"]


def test_without_a_timestamp_the_receiving_clock_counts() -> None:
    """A stock site sends no Timestamp headers."""
    from cti.ami.messages import Packet

    script = Script()
    script.pbx.feed(Packet.of({"Event": "Newchannel", "ChannelState": "4", **script.channel()}), 500.0)
    script.pbx.feed(Packet.of({"Event": "QueueCallerJoin", "Queue": "q", **script.channel()}), 501.0)
    assert script.pbx.get_timer() == 514.001


def test_an_absurd_timestamp_is_not_believed() -> None:
    """NaN, infinity and leaps of more than a day fall back to the receiving clock."""
    from cti.ami.messages import Packet

    script = Script()
    script.arrives(1000.0)
    for stamp in ("nan", "inf", "-1", "1e300", "x", "99999999"):
        headers = {"Event": "QueueCallerJoin", "Queue": f"q{stamp}", "Timestamp": stamp, **script.channel()}
        script.pbx.feed(Packet.of(headers), 1001.0)
    joined = [v.joined_at for v in script.pbx.calls()[0].visits]
    assert joined == [1001.0] * 6


def test_a_stamp_from_the_future_does_not_keep_the_past_alive() -> None:
    """Ended calls are forgotten after a minute, also behind one whose end was stamped hours ahead."""
    script = Script()
    for n, at in enumerate((1000.0, 30_000.0, *range(1001, 1201))):
        script.arrives(at, f"9.{n}")
        script.say(at, "Hangup", **script.channel(f"9.{n}", linked=f"9.{n}"))
        script.pbx.take_changed()
    assert len(script.pbx.calls()) <= 61


def test_complete_of_a_first_visit_says_nothing_of_the_second() -> None:
    """Sent back into the same queue, the caller waits again before the first visit's AgentComplete comes."""
    script = Script()
    script.arrives(100.0)
    script.joins(101.0)
    script.rings(101.1)
    script.answers(104.0)
    script.joins(105.5)
    done = {"Queue": "q", "Interface": "PJSIP/desk1", "MemberName": "Ann"}
    script.say(105.6, "AgentComplete", HoldTime="3", TalkTime="1", Reason="transfer", **done, **script.channel())
    script.abandons(108.0)
    (call,) = script.pbx.calls()
    assert [(v.outcome, v.agent, v.wait_s) for v in call.visits] == [("answered", "Ann", 3.0), ("abandoned", None, 2.5)]


def test_complete_tells_of_an_answer_that_was_missed() -> None:
    """Where the link lost the AgentConnect, AgentComplete says who answered after how many whole seconds."""
    script = Script()
    script.arrives(100.0)
    script.joins(101.0)
    done = {"Queue": "q", "Interface": "PJSIP/desk1", "MemberName": "Ann"}
    script.say(110.4, "AgentComplete", HoldTime="4", TalkTime="5", Reason="caller", **done, **script.channel())
    script.say(110.5, "Hangup", Cause="16", **script.channel())
    (call,) = script.pbx.calls()
    assert [(v.outcome, v.agent, v.wait_s) for v in call.visits] == [("answered", "Ann", 4.0)]


def test_complete_of_a_first_visit_whose_answer_was_missed_says_nothing_of_the_second() -> None:
    """Of a short first visit the answer was lost: it left the queue, the second waits; the answer is the first's."""
    script = Script()
    script.arrives(100.0)
    script.joins(100.6)
    script.say(101.3, "QueueCallerLeave", Queue="q", Count="0", **script.channel())
    script.joins(102.3)
    done = {"Queue": "q", "Interface": "PJSIP/desk1", "MemberName": "Ann"}
    script.say(102.3, "AgentComplete", HoldTime="1", TalkTime="1", Reason="transfer", **done, **script.channel())
    script.abandons(111.9)
    (call,) = script.pbx.calls()
    assert [(v.outcome, v.agent) for v in call.visits] == [("answered", "Ann"), ("abandoned", None)]
