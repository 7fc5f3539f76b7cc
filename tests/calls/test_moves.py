"""What supervisors do to a call, as the core tells it: moves, places, listening."""

from __future__ import annotations

from cti import events
from tests.calls.script import CALLER, PHONE, Script


def of(kind: type[events.Event], script: Script) -> list[events.Event]:
    """What was told of one kind."""
    return [event for event in script.told if isinstance(event, kind)]


def moved(script: Script, at: float, queue: str, to: str) -> None:
    """A Redirect as Asterisk 16 tells it: the old place in the Abandon, then the dialplan's word, then the new Join."""
    caller = {**script.channel(), "Context": "in", "Exten": "s"}
    script.say(at, "QueueCallerAbandon", Queue=queue, Position="1", **caller)
    script.say(at, "QueueCallerLeave", Queue=queue, Position="1", **caller)
    script.say(at, "UserEvent", UserEvent="Moved", Status="REDIRECTED", **script.channel())
    script.say(at + 0.001, "QueueCallerJoin", Queue=to, Position="1", Context="cti-queue", **script.channel())


def test_a_moved_callers_thirteen_seconds_go_on() -> None:
    """The new visit keeps the first clock, the old one is `redirected`, and the breach comes 13 s after the first."""
    script = Script()
    script.arrives(100.0)
    script.joins(101.0)
    moved(script, 108.0, "q", "other")
    left = of(events.CallLeftQueue, script)[-1]
    assert isinstance(left, events.CallLeftQueue)
    assert (left.reason, left.wait_s) == ("redirected", 7.0)
    queued = of(events.CallQueued, script)[-1]
    assert isinstance(queued, events.CallQueued)
    assert (queued.queue, queued.waiting_since) == ("other", 101.0)
    script.tick(114.0)
    assert of(events.SlaBreached, script) == []
    script.tick(114.01)
    assert [b.visit for b in of(events.SlaBreached, script) if isinstance(b, events.SlaBreached)] == [queued.visit]


def test_a_caller_somebody_talked_with_starts_a_new_clock() -> None:
    """Moved to a phone that answered, then sent into a queue again: his second wait is counted from there."""
    script = Script()
    script.arrives(100.0)
    script.joins(101.0)
    caller = {**script.channel(), "Context": "cti-phone", "Exten": "pPJSIP/desk1"}
    script.say(105.0, "QueueCallerAbandon", Queue="q", **caller)
    script.say(105.0, "QueueCallerLeave", Queue="q", **caller)
    script.say(105.0, "UserEvent", UserEvent="Moved", Status="REDIRECTED", **script.channel())
    script.say(105.1, "Newchannel", ChannelState="0", Exten="s", **script.channel(PHONE, "desk1"))
    dest = {f"Dest{key}": value for key, value in script.channel(PHONE, "desk1").items()}
    script.say(105.1, "DialBegin", DialString="desk1", **script.channel(), **dest)
    script.say(107.0, "DialEnd", DialStatus="ANSWER", **script.channel(), **dest)
    for leg in (script.channel(PHONE, "desk1"), script.channel()):
        script.say(107.0, "BridgeEnter", BridgeUniqueid="b", BridgeTechnology="simple_bridge", **leg)
    script.say(130.0, "BridgeLeave", BridgeUniqueid="b", **script.channel())
    script.joins(131.0, queue="other")
    queued = of(events.CallQueued, script)[-1]
    assert isinstance(queued, events.CallQueued)
    assert queued.waiting_since == 131.0


def test_a_place_in_the_queue_is_told_by_the_list_alone() -> None:
    """A QueueEntry item with another place tells it once; of strangers and of those who left it tells nothing."""
    script = Script()
    script.arrives(100.0)
    script.joins(101.0)
    script.say(102.0, "QueueEntry", Queue="q", Position="3", Uniqueid=CALLER, Channel="PJSIP/line1-0")
    script.say(102.1, "QueueEntry", Queue="q", Position="3", Uniqueid=CALLER, Channel="PJSIP/line1-0")
    script.say(102.2, "QueueEntry", Queue="q", Position="1", Uniqueid="7.7", Channel="PJSIP/line1-9")
    script.say(102.3, "QueueEntry", Queue="elsewhere", Position="2", Uniqueid=CALLER, Channel="PJSIP/line1-0")
    placed = of(events.CallerPlaced, script)
    assert [(p.visit, p.position) for p in placed if isinstance(p, events.CallerPlaced)] == [(f"{CALLER}#1", 3)]


def test_a_reach_is_there_only_while_it_is_true() -> None:
    """The caller's channel while he waits, the phone's while it talks: afterwards nothing is named any more."""
    script = Script()
    script.arrives(100.0)
    script.joins(101.0)
    visit = f"{CALLER}#1"
    reach = script.pbx.waiting(visit)
    assert reach is not None
    assert (reach.uid, reach.call) == (CALLER, CALLER)
    assert script.pbx.talking("PJSIP/desk1") is None
    script.rings(102.0)
    script.answers(103.0)
    assert script.pbx.waiting(visit) is None
    talk = script.pbx.talking("PJSIP/desk1")
    assert talk is not None
    assert (talk.uid, talk.call) == (PHONE, CALLER)
    script.say(110.0, "BridgeLeave", BridgeUniqueid="b1", **script.channel(PHONE, "desk1"))
    script.say(110.0, "Hangup", **script.channel(PHONE, "desk1"))
    assert script.pbx.talking("PJSIP/desk1") is None
    assert script.pbx.waiting("nonsense") is None


def test_listening_names_calls_and_phones_never_channels() -> None:
    """Who listens to whom, in which call, as long as both channels are known."""
    script = Script()
    script.arrives(100.0)
    script.joins(101.0)
    script.rings(102.0)
    script.answers(103.0)
    script.say(104.0, "Newchannel", ChannelState="0", Exten="s", **script.channel("77.1", "boss", "77.1"))
    both = {"SpyerUniqueid": "77.1", "SpyeeUniqueid": PHONE}
    script.say(105.0, "ChanSpyStart", **both)
    script.say(106.0, "ChanSpyStop", **both)
    script.say(106.0, "ChanSpyStart", SpyerUniqueid="77.1", SpyeeUniqueid="nobody")
    (start,) = of(events.SpyStarted, script)
    assert start == events.SpyStarted(at=105.0, call=CALLER, interface="PJSIP/desk1", by="PJSIP/boss", spy="77.1")
    assert of(events.SpyStopped, script) == [events.SpyStopped(at=106.0, by="PJSIP/boss", spy="77.1")]
