"""The audit: a lost event is noticed by two looks at the PBX's lists, and nothing is by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cti.ami.messages import Packet
from tests.calls.script import CALLER, PHONE, Script
from tests.calls.test_resync import roster


def channels(*uids: str, names: Mapping[str, str] | None = None) -> list[Packet]:
    """CoreShowChannels."""
    return [
        Packet.of({"Event": "CoreShowChannel", "Uniqueid": uid, "Channel": (names or {}).get(uid, f"PJSIP/x-{uid}")})
        for uid in uids
    ]


def queue(entries: Iterable[str] = (), *, paused: str = "0", status: str = "1") -> list[Packet]:
    """QueueStatus of q with one member."""
    member = {"Event": "QueueMember", "Queue": "q", "Location": "PJSIP/desk1", "Status": status, "Paused": paused}
    return [
        Packet.of({"Event": "QueueParams", "Queue": "q"}),
        Packet.of(member),
        *(Packet.of({"Event": "QueueEntry", "Queue": "q", "Uniqueid": uid}) for uid in entries),
        Packet.of({"Event": "QueueEntry", "Queue": "another", "Uniqueid": "77.7"}),
    ]


def waiting() -> Script:
    """A member of q, and a caller who waits."""
    script = Script()
    member = {"Queue": "q", "Interface": "PJSIP/desk1", "Status": "1", "Paused": "0", "Penalty": "0"}
    script.say(99.0, "QueueMemberStatus", MemberName="Ann", **member)
    script.arrives(100.0)
    script.joins(101.0)
    return script


Q = {"Queue": "q"}


def test_what_is_as_it_is_listed_is_no_difference() -> None:
    """However often one looks."""
    audit = waiting().pbx.audit
    for _ in range(3):
        assert audit.answer({}, channels(CALLER)) == 0
        assert audit.answer(Q, queue([CALLER])) == 0
    assert (audit.corrections, audit.unhealed) == (0, 0)


def test_one_look_proves_nothing_and_two_do() -> None:
    """The list runs ahead of the stream: a channel that is gone there counts only when it is gone again."""
    audit = waiting().pbx.audit
    assert audit.answer({}, channels()) == 0
    assert audit.answer({}, channels(CALLER)) == 0
    assert audit.answer({}, channels()) == 0
    assert audit.answer({}, channels()) == 1
    assert audit.corrections == 1


def test_a_member_of_whom_there_was_news_between_two_looks_needs_a_third() -> None:
    """Whoever is busy all day is listed twice as his next event will tell; that he stands wrongly shows in silence."""
    script = waiting()
    audit = script.pbx.audit
    member = {"Queue": "q", "Interface": "PJSIP/desk1", "MemberName": "Ann", "Paused": "0", "Penalty": "0"}
    assert audit.answer(Q, queue([CALLER], status="2")) == 0
    for at, status in ((110.0, "2"), (110.1, "1")):
        script.say(at, "QueueMemberStatus", Status=status, **member)
    assert audit.answer(Q, queue([CALLER], status="2")) == 0
    assert audit.answer(Q, queue([CALLER], status="2")) == 1
    assert audit.corrections == 1


def test_each_kind_of_loss_is_noticed() -> None:
    """A channel not known, a caller who left or waits unknown, a pause, a state and a member that nobody told."""
    for fields, said in (
        ({}, channels(CALLER, PHONE)),
        (Q, queue([])),
        (Q, queue([CALLER, "9000.7"])),
        (Q, queue([CALLER], paused="1")),
        (Q, queue([CALLER], status="2")),
        (Q, [item for item in queue([CALLER]) if item.event != "QueueMember"]),
    ):
        audit = waiting().pbx.audit
        assert audit.answer(fields, said) == 0
        assert audit.answer(fields, said) == 1, said


def test_the_machinery_s_channels_are_nobody_s() -> None:
    """Asterisk's own announcers and recorders are listed, and are no difference."""
    audit = waiting().pbx.audit
    said = channels(CALLER, "5.5", names={"5.5": "Announcer/ARI-00000001;1"})
    assert [audit.answer({}, said) for _ in range(2)] == [0, 0]


def test_what_reading_the_lists_does_not_heal_is_not_tried_for_ever() -> None:
    """Certain once, it stays known as unhealed; gone and come again, it counts again."""
    audit = waiting().pbx.audit
    assert [audit.answer({}, channels()) for _ in range(4)] == [0, 1, 0, 0]
    assert audit.unhealed == 1
    assert audit.answer({}, channels(CALLER)) == 0
    assert audit.unhealed == 0
    assert [audit.answer({}, channels()) for _ in range(2)] == [0, 1]


def test_questions_go_round_and_what_is_odd_is_asked_again_at_once() -> None:
    """Channels every second time, the queues one after the other; a difference is looked at again in the next turn."""
    script = waiting()
    for name in ("a", "z"):
        script.say(99.0, "QueueMemberStatus", Queue=name, Interface="PJSIP/desk1", MemberName="Ann", Status="1")
    audit = script.pbx.audit
    asked = [audit.question() for _ in range(8)]
    every: tuple[str, dict[str, str]] = ("CoreShowChannels", {})
    names = [("QueueStatus", {"Queue": name}) for name in ("a", "q", "z", "a")]
    assert asked == [one for name in names for one in (every, name)]
    audit.answer({}, channels())
    assert audit.question() == every
    assert audit.question() == every
    assert audit.question() == ("QueueStatus", {"Queue": "q"})


def test_a_ghost_is_gone_when_the_lists_are_read() -> None:
    """What the audit asks for puts it right: the call is closed and marked."""
    script = waiting()
    audit = script.pbx.audit
    assert [audit.answer({}, channels()) for _ in range(2)] == [0, 1]
    script.pbx.resync(roster(script, channels={}, members={"q": "desk1"}), 120.0)
    assert script.pbx.open_calls() == []
    (call,) = script.pbx.calls()
    assert (call.gap, call.visits[0].outcome) == (True, "unknown")
    assert audit.answer({}, channels()) == 0
    assert audit.unhealed == 0
