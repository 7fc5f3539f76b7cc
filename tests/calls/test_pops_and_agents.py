"""What the core tells of rings, talks, transfers and agents: the facts the pop and the board stand on."""

from __future__ import annotations

from cti.events import (
    AgentChanged,
    AgentRinging,
    CallMerged,
    CallTransferred,
    Event,
    RingEnded,
    TalkEnded,
    TalkStarted,
)
from cti.replay import Replay
from tests.calls import tapes
from tests.calls.script import Script


def events_of(name: str, scenario: str) -> list[Event]:
    """All events of a tape."""
    replay = Replay()
    replay.run(tapes.whole(name, scenario))
    return replay.events


def test_every_phone_of_a_ring_all_is_told_and_the_losers_learn_who_answered() -> None:
    """Four phones ring; one wins; three rings end as answered elsewhere, by the winner's name."""
    told = events_of("asterisk-22", "ringall4")
    rings = {e.ring: e.interface for e in told if isinstance(e, AgentRinging)}
    ends = {e.ring: (e.reason, e.by) for e in told if isinstance(e, RingEnded)}
    assert len(rings) == 4
    assert rings.keys() == ends.keys()
    assert sorted(reason for reason, _ in ends.values()) == ["answered"] + ["answered_elsewhere"] * 3
    winner = next(e.agent for e in told if isinstance(e, RingEnded) and e.reason == "answered")
    assert {by for reason, by in ends.values() if reason == "answered_elsewhere"} == {winner}


def test_a_local_members_ring_names_the_real_phone() -> None:
    """The pop goes by the phone that rings, not by the member's Local channel."""
    told = events_of("asterisk-22", "local_answered")
    assert {e.interface.partition("/")[0] for e in told if isinstance(e, AgentRinging)} == {"PJSIP"}


def test_a_forwarded_ring_reaches_the_phone_it_was_sent_to() -> None:
    """After a 302 the phone that took the call rings and talks, credited to the member the queue rang."""
    told = events_of("more-22", "agent_302")
    rung = [e.interface for e in told if isinstance(e, AgentRinging)]
    talked = [e.interface for e in told if isinstance(e, TalkStarted)]
    assert talked[0] in rung
    assert len(set(rung)) == 2


def test_a_ring_that_the_caller_left_is_no_missed_one() -> None:
    """The caller hung up: the ring is withdrawn, the agent missed nothing."""
    told = events_of("asterisk-22", "abandon_in_queue")
    assert [e.reason for e in told if isinstance(e, RingEnded)] == ["caller_gone"]


def test_a_consultation_rings_about_the_caller_and_the_transfer_brings_him() -> None:
    """The colleague's phone rings for the caller's call; after the transfer it talks with him."""
    told = events_of("asterisk-22", "atxfer_refer")
    call = next(e.call for e in told if isinstance(e, AgentRinging) and e.queue)
    consult = [e for e in told if isinstance(e, AgentRinging) and e.queue is None]
    assert [(e.call, e.consult) for e in consult] == [(call, True)]
    assert [e.kind for e in told if isinstance(e, CallTransferred)] == ["attended"]
    assert [e.interface for e in told if isinstance(e, TalkStarted) and e.call == call][-1] == consult[0].interface


def test_local_optimisation_does_not_interrupt_a_talk() -> None:
    """A phone swapped from one bridge into another by the PBX has one stretch of talk."""
    told = events_of("asterisk-22", "atxfer_feature")
    call = next(e.call for e in told if isinstance(e, AgentRinging) and e.queue)
    assert len([e for e in told if isinstance(e, TalkStarted) and e.call == call]) == 2
    assert len([e for e in told if isinstance(e, TalkEnded) and e.call == call]) == 2


def test_every_ring_ends_and_every_talk_ends_once() -> None:
    """On every tape: as many ends as beginnings, each key once, nothing after its end."""
    for name, scenario in tapes.scenarios():
        told = events_of(name, scenario)
        begun = [e.ring for e in told if isinstance(e, AgentRinging)]
        ended = [e.ring for e in told if isinstance(e, RingEnded)]
        assert sorted(begun) == sorted(ended), (name, scenario)
        assert len(set(begun)) == len(begun), (name, scenario)
        starts = sum(isinstance(e, TalkStarted) for e in told)
        ends = sum(isinstance(e, TalkEnded) for e in told)
        assert starts == ends, (name, scenario)


def test_an_agents_phase_follows_his_phone() -> None:
    """Idle, ringing, busy, idle - seen in each queue he is in."""
    told = events_of("asterisk-22", "answered_prompt")
    agent = next(e.interface for e in told if isinstance(e, AgentRinging))
    phases = [e.agent.phase for e in told if isinstance(e, AgentChanged) and e.agent.interface == agent]
    changes = [p for i, p in enumerate(phases) if i == 0 or phases[i - 1] != p]
    assert changes == ["ringing", "busy", "idle"]


def test_hold_is_seen_though_no_device_state_shows_it() -> None:
    """On hold the device stays in use: only Hold and Unhold tell."""
    told = events_of("asterisk-22", "hold_unhold")
    phases = [e.agent.phase for e in told if isinstance(e, AgentChanged)]
    assert phases.count("held") == 2


def test_wrap_up_runs_out_by_the_clock() -> None:
    """No event tells the end of wrap-up: it is a deadline."""
    script = Script(wrapup={"q": 5.0})
    member = {"Queue": "q", "Interface": "PJSIP/desk1", "MemberName": "Ann", "Status": "1", "Paused": "0"}
    script.say(99, "QueueMemberStatus", **member)
    script.arrives(100)
    script.joins(100)
    script.rings(100.5)
    script.answers(101)
    script.say(110, "AgentComplete", Queue="q", Interface="PJSIP/desk1", MemberName="Ann", **script.channel())
    script.say(110, "Hangup", **script.channel("9000.2", "desk1"))
    script.say(110, "Hangup", **script.channel())
    assert script.pbx.agents()[0].phase == "wrapup"
    script.tick(115.0)
    assert script.pbx.agents()[0].phase == "idle"


def test_nothing_is_left_when_all_have_hung_up() -> None:
    """After every tape that ends quiet the core holds no leg, no bridge and no open call."""
    for name, scenario in tapes.scenarios():
        replay = Replay()
        replay.run(tapes.whole(name, scenario))
        assert [c.id for c in replay.pbx.open_calls()] == [], (name, scenario)
        assert replay.pbx.sizes() == {"legs": 0, "calls": 0, "bridges": 0}, (name, scenario)


def test_a_phone_that_takes_a_parked_caller_is_part_of_his_call() -> None:
    """The call that picked him up is merged into his."""
    told = events_of("asterisk-22", "park_unpark")
    assert len([e for e in told if isinstance(e, CallMerged)]) == 1
