"""Who sees the pops, whose they are, and what is remembered, told by event scripts."""

from __future__ import annotations

import pytest

from cti import events, wire
from cti.popup import shelf
from cti.popup.phones import PhoneTaken
from cti.popup.shelf import MAX_ENDED
from cti.popup.state import Forget, Later, Show
from tests.popup.scripts import (
    CHEN,
    LIN,
    QIAO,
    T0,
    Story,
    closed,
    gathers,
    look_ups,
    match,
    party,
    shown,
)


@pytest.fixture
def story() -> Story:
    """Three agents, each at his own phone."""
    return Story(lin=LIN, chen=CHEN, qiao=QIAO)


def test_look_up_starts_when_the_call_is_offered(story: Story) -> None:
    """The number is looked up before any phone rings."""
    (asked,) = look_ups(story.offer())
    assert asked.number == "13800001307"
    assert look_ups(story.queue() + story.ring()) == []


def test_pop_opens_when_the_phone_rings_with_all_that_is_known(story: Story) -> None:
    """The head carries caller, line, choice, queue and the start of the 13 seconds, before any look-up is back."""
    story.offer()
    story.queue()
    effects = story.ring()
    first = effects[0]
    assert isinstance(first, Show)
    assert first.fresh
    assert first.users == ("lin",)
    pop = first.pop
    assert pop.state == "ringing"
    assert pop.caller.number == "13800001307"
    assert pop.caller.display == "138 0000 1307"
    assert pop.caller.cls == "mobile"
    assert pop.line == wire.Line(number="4000001313", label="订舱热线")
    assert pop.choice == wire.Choice(key="2", label="出口报价")
    assert pop.queue == wire.QueueName(id="europe", label="欧洲航线", target_s=13.0)
    assert pop.waiting_since == T0 + 2
    assert pop.ringing_since == T0 + 3
    assert pop.match.level == "pending"
    assert pop.party is None


def test_pop_goes_by_the_phone_that_rings_and_not_by_the_members_name(story: Story) -> None:
    """An agent name that belongs to somebody else's phone changes nothing."""
    effects = story.ring(CHEN, agent="林知夏")
    assert shown(effects, "lin") == []
    assert len(shown(effects, "chen")) == 1


def test_abandoned_visit_takes_only_its_own_ringing_pops_away(story: Story) -> None:
    """A colleague who is consulted and one who talks keep their pops when a later visit is given up."""
    story.queue()
    story.ring(LIN)
    story.answer(LIN)
    story.ring(QIAO, visit=None, consult=True)
    story.queue(visit="v2")
    story.ring(CHEN, visit="v2")
    effects = story.apply(
        events.CallAbandoned(at=story.tick(), call="c1", visit="v2", queue="europe", wait_s=4.0, waiting_since=T0)
    )
    assert [c.users for c in closed(effects)] == [("chen",)]
    assert [len(story.session.pops_of(u)) for u in ("lin", "qiao")] == [1, 1]


def test_events_of_calls_nobody_knows_change_nothing(story: Story) -> None:
    """After a start in mid-call, ends and transfers of unseen calls are no error and no pop."""
    for event in (
        events.CallRouted(at=T0, call="x", choice="1"),
        events.RingEnded(at=T0, call="x", ring="r", visit=None, agent=None, interface=LIN, reason="missed"),
        events.CallAnswered(
            at=T0, call="x", visit="v", queue="q", agent=None, interface=LIN, wait_s=1.0, waiting_since=T0
        ),
        events.TalkEnded(at=T0, call="x", interface=LIN, agent=None, talk_s=1.0),
        events.CallHeld(at=T0, call="x", interface=LIN),
        events.CallTransferred(at=T0, call="x", kind="blind", by=LIN, to="1"),
        events.CallAbandoned(at=T0, call="x", visit="v", queue="q", wait_s=1.0, waiting_since=T0),
        events.CallEnded(at=T0, call="x"),
        events.CallMerged(at=T0, call="x", into="y"),
        events.AgentGone(at=T0, interface="PJSIP/0"),
        events.PbxLost(at=T0),
    ):
        assert story.apply(event) == []
    assert story.session.matched("x", []) == []
    assert story.session.choose("x", None) == []
    assert story.session.note_saved("x", wire.Note(text="", saved_at=T0, version=1, by="lin")) == []
    assert story.session.find("lin", "x") is None
    assert story.session.head("x") is None


def test_memory_is_bounded_whatever_the_pbx_says(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that never end, drafts and dismissals: the oldest go, and never a call with a pop."""
    monkeypatch.setattr(shelf, "MAX_CALLS", 10)
    monkeypatch.setattr(shelf, "MAX_REMEMBERED", 10)
    story.queue("kept", "vk")
    story.ring(LIN, "kept", "vk")
    for n in range(50):
        story.offer(f"c{n}")
        story.session.shelf.keep_draft("lin", f"c{n}", {"n": n})
        story.session.shelf.remember_dismissed("lin", f"p{n}")
    calls = story.session.shelf.calls
    assert len(calls) == 10
    assert "kept" in calls
    assert "c49" in calls
    assert "c0" not in calls
    assert list(story.session.shelf.drafts) == [("lin", f"c{n}") for n in range(40, 50)]
    assert len(story.session.shelf._dismissed) == 10
    assert ("lin", "p49") in story.session.shelf._dismissed


def test_dismissed_pop_stays_dismissed(story: Story) -> None:
    """Neither a snapshot nor the answer brings a dismissed pop back; other users keep theirs."""
    story.queue()
    story.ring(LIN)
    story.ring(CHEN)
    (pop,) = story.session.pops_of("lin")
    (gone,) = closed(story.take(story.session.dismiss("lin", pop.id)))
    assert gone.users == ("lin",)
    assert story.session.pops_of("lin") == []
    assert len(story.session.pops_of("chen")) == 1
    assert shown(story.answer(LIN), "lin") == []


def test_dismissal_outlives_a_restart(story: Story) -> None:
    """The same ring told again by a new process is still dismissed."""
    story.queue()
    story.ring()
    (pop,) = story.session.pops_of("lin")
    again = Story(lin=LIN)
    again.session.shelf.remember_dismissed("lin", pop.id)
    again.queue()
    assert shown(again.ring()) == []


def test_late_login_sees_the_ringing_call(story: Story) -> None:
    """A pop of a phone at which nobody sat is shown to whoever takes that phone."""
    story.queue()
    assert shown(story.ring("PJSIP/8100")) == []
    effects = story.session.phones_changed(story.phones.take("new", "PJSIP/8100"))
    assert len(shown(effects, "new")) == 1
    assert len(story.session.pops_of("new")) == 1


def test_leaving_a_phone_takes_its_live_pops_away(story: Story) -> None:
    """Who gives the phone back no longer sees what rings there; what he talked through stays his."""
    story.session.phones_changed(story.phones.take("new", "PJSIP/8100"))
    story.queue()
    story.ring("PJSIP/8100")
    story.answer("PJSIP/8100")
    story.talk_ended("PJSIP/8100")
    story.queue("c2", "v2")
    story.ring("PJSIP/8100", "c2", "v2")
    effects = story.session.phones_changed(story.phones.release("new"))
    assert [c.reason for c in closed(effects, "new")] == ["cancelled"]
    assert [p.call for p in story.session.pops_of("new")] == ["c1"]
    story.session.phones_changed(story.phones.take("other", "PJSIP/8100"))
    assert [p.call for p in story.session.pops_of("other")] == ["c2"]


def test_own_phone_is_nobody_elses_to_take() -> None:
    """A phone that becomes somebody's own is no longer the one's who took it."""
    story = Story()
    story.phones.take("new", "PJSIP/8100")
    story.phones.set_own("owner", ["PJSIP/8100"])
    assert story.phones.users("PJSIP/8100") == ("owner",)
    story.phones.set_own("owner", [])
    assert story.phones.users("PJSIP/8100") == ("new",)


def test_user_without_a_phone_has_no_state(story: Story) -> None:
    """Nobody's state is shown as nothing, and a phone that nobody named is called by its interface."""
    assert story.session.heads.agent_of("nobody") is None
    assert story.session.heads.owner_phase("nobody") is None
    assert story.session.heads.agent_name("PJSIP/9") == "PJSIP/9"
    assert story.session.heads.agent_name(None) is None
    story.agent(LIN, "idle")
    assert story.session.heads.agent_name(LIN) == "林知夏"


def test_state_of_the_busiest_phone_is_the_users() -> None:
    """With two phones the user is busy when one of them is."""
    story = Story()
    story.phones.set_own("lin", [LIN, CHEN])
    story.agent(LIN, "idle")
    story.agent(CHEN, "busy")
    state = story.session.heads.agent_of("lin")
    assert state is not None
    assert (state.phase, state.interface) == ("busy", CHEN)


def test_phone_can_be_taken_by_one_user_only(story: Story) -> None:
    """A taken phone and somebody's own phone are refused, an unknown one too."""
    story.phones.take("new", "PJSIP/8100")
    with pytest.raises(PhoneTaken):
        story.phones.take("other", "PJSIP/8100")
    with pytest.raises(PhoneTaken):
        story.phones.take("other", LIN)
    with pytest.raises(KeyError):
        story.phones.take("other", "PJSIP/0000")
    assert [p.taken_by for p in story.phones.to_take("other")] == ["new"]
    assert story.phones.to_take("lin") == ()


def test_user_with_several_phones_gets_the_pops_of_all() -> None:
    """Desk phone and softphone of one user both pop in his browsers."""
    story = Story()
    story.phones.set_own("lin", [LIN, CHEN])
    story.queue()
    story.ring(CHEN)
    story.queue("c2", "v2")
    story.ring(LIN, "c2", "v2")
    assert [p.interface for p in story.session.pops_of("lin")] == [CHEN, LIN]


def test_phone_that_leaves_and_comes_back_keeps_its_pop(story: Story) -> None:
    """A transfer that fails gives the first agent his pop back, not a second one."""
    story.queue()
    story.ring()
    story.answer()
    story.talk_ended()
    effects = story.apply(events.TalkStarted(at=story.tick(), call="c1", interface=LIN, agent=None))
    (pop,) = shown(effects)
    assert (pop.state, pop.ended_at) == ("talking", None)
    assert len(story.session.pops_of("lin")) == 1


def test_outbound_call_shows_whom_the_agent_called() -> None:
    """Of an outbound call the number dialled is the customer's."""
    story = Story(lin=LIN)
    effects = story.apply(
        events.CallOffered(
            at=T0, call="o1", direction="outbound", caller="8001", caller_name="Lin", dialed="13800001307"
        )
    )
    assert [e.number for e in look_ups(effects)] == ["13800001307"]
    (pop,) = shown(story.apply(events.TalkStarted(at=T0 + 5, call="o1", interface=LIN, agent=None)))
    assert (pop.direction, pop.caller.number, pop.line) == ("outbound", "13800001307", None)


def test_internal_call_is_shown_and_not_looked_up(story: Story) -> None:
    """A colleague who rings is shown as such; the CRM is not asked."""
    offered = events.CallOffered(at=T0, call="i1", direction="internal", caller="8002", caller_name=None, dialed="8001")
    assert look_ups(story.apply(offered)) == []
    effects = story.ring(LIN, "i1", None, caller="8002", dialed=None)
    (pop,) = shown(effects)
    assert (pop.direction, pop.match.level) == ("internal", "unknown")
    assert look_ups(effects) == []
    assert gathers(effects) == []


def test_public_number_is_looked_up_whatever_the_direction_says(story: Story) -> None:
    """Where the trunks are not configured, a caller with a public number still comes from outside."""
    offered = events.CallOffered(
        at=T0, call="i2", direction="internal", caller="13800001307", caller_name=None, dialed="4000001313"
    )
    assert [e.number for e in look_ups(story.apply(offered))] == ["13800001307"]
    (pop,) = shown(story.ring(LIN, "i2"))
    assert pop.direction == "inbound"


@pytest.mark.parametrize("caller", [None, "", "anonymous", "<unknown>", "138****1307"])
def test_withheld_number_is_said_and_not_looked_up(story: Story, caller: str | None) -> None:
    """Nobody can be found by a withheld or partly hidden number."""
    assert look_ups(story.offer(caller=caller)) == []
    story.queue(caller=caller)
    (pop,) = shown(story.ring(caller=caller))
    assert pop.match.level == "withheld"
    assert pop.caller.display


def test_number_that_comes_late_is_looked_up_then(story: Story) -> None:
    """A call offered without a number that shows one in the queue is looked up there."""
    story.offer(caller=None)
    assert [e.number for e in look_ups(story.queue(caller="13800001307"))] == ["13800001307"]


def test_dead_crm_marks_the_pop_and_hides_nothing(story: Story) -> None:
    """When the look-up fails the head says so; a later answer still counts."""
    story.offer()
    story.queue()
    story.ring()
    (pop,) = shown(story.session.look_up_failed("c1"))
    assert pop.match.level == "down"
    assert pop.caller.number == "13800001307"
    (after,) = shown(story.session.matched("c1", [match(party())]))
    assert after.match.level == "exact"


def test_agents_choice_wins_over_a_late_answer(story: Story) -> None:
    """What an agent chose is not overwritten by the look-up."""
    story.offer()
    story.queue()
    story.ring()
    story.session.choose("c1", party("p9", "王立"))
    assert story.session.matched("c1", [match(party())]) == []
    (pop,) = story.session.pops_of("lin")
    assert pop.match.chosen == "p9"


def test_choice_among_several_asks_for_the_record(story: Story) -> None:
    """Nothing of a party is fetched before somebody chose it."""
    story.offer()
    story.queue()
    story.ring()
    several = [match(party("p1", company_id="c1")), match(party("p2", "罗一鸣", company_id="c2"))]
    effects = story.session.matched("c1", several)
    (pop,) = shown(effects)
    assert (pop.match.level, pop.match.chosen, pop.party) == ("several", None, None)
    assert [g.party for g in gathers(effects)] == [None]
    effects = story.session.choose("c1", several[1].party)
    assert [g.party for g in gathers(effects)] == ["p2"]
    (pop,) = shown(effects)
    assert (pop.match.level, pop.match.chosen) == ("exact", "p2")
    assert len(pop.match.candidates) == 2


def test_ended_pop_gives_way_when_the_next_call_is_answered_unless_something_was_typed(story: Story) -> None:
    """The next answered call replaces finished pops, never one with a draft."""
    for n in (1, 2):
        call, visit = f"c{n}", f"v{n}"
        story.queue(call, visit)
        story.ring(LIN, call, visit)
        story.answer(LIN, call, visit)
        story.talk_ended(LIN, call)
        story.end(call)
        if n == 1:
            story.session.shelf.keep_draft("lin", "c1", {"note": "还没写完"})
    assert [(p.call, p.draft) for p in story.session.pops_of("lin")] == [("c1", {"note": "还没写完"}), ("c2", None)]
    story.queue("c3", "v3")
    story.ring(LIN, "c3", "v3")
    effects = story.answer(LIN, "c3", "v3")
    assert [c.reason for c in closed(effects)] == ["replaced"]
    assert [p.call for p in story.session.pops_of("lin")] == ["c1", "c3"]


def test_nothing_is_kept_for_ever(story: Story) -> None:
    """Calls, pops and rings are gone when the calls are over and the pops put away."""
    for n in range(50):
        call, visit = f"c{n}", f"v{n}"
        story.offer(call)
        story.session.matched(call, [match(party(owner="chen"))])
        story.queue(call, visit)
        for interface in (LIN, CHEN, "PJSIP/9999"):
            story.ring(interface, call, visit)
        story.answer(LIN, call, visit)
        story.ring_ended("answered_elsewhere", CHEN, call, visit)
        story.session.shelf.keep_draft("lin", call, {"n": n})
        story.talk_ended(LIN, call)
        story.end(call)
    kept = story.session.shelf
    assert len(kept.kept["lin"]) == MAX_ENDED
    assert len(kept.pops) == len(kept.calls) == MAX_ENDED
    for pop in story.session.pops_of("lin"):
        story.take(story.session.dismiss("lin", pop.id))
    assert not kept.pops
    assert not kept.calls
    assert not kept.at_phone
    assert not kept.kept
    assert not story.session._rings
    assert len([e for e in story.effects if isinstance(e, Forget)]) == 50


def test_owner_of_the_customer_is_shown_with_the_state_of_his_phone(story: Story) -> None:
    """The head says whether the customer's own agent could take the call, and follows his state."""
    story.agent(CHEN, "busy")
    story.offer()
    story.session.matched("c1", [match(party(owner="chen"))])
    story.queue()
    (pop,) = shown(story.ring())
    assert pop.party is not None
    assert pop.party.owner_phase == "busy"
    (later,) = [e for e in story.agent(CHEN, "idle") if isinstance(e, Later)]
    head = story.session.head(later.pops[0])
    assert head is not None
    assert head.pop.party is not None
    assert head.pop.party.owner_phase == "idle"


def test_hostile_name_is_one_line_without_directions(story: Story) -> None:
    """Control and direction characters never reach the page; the rest stays as it was, as text."""
    evil = "<img src=x onerror=alert(1)>\r\n\u202ebad\u2028x\x00" + "长" * 3000
    story.offer(name=evil)
    story.queue()
    (pop,) = shown(story.ring(caller_name=evil))
    assert pop.caller.name is not None
    assert len(pop.caller.name) <= 40
    assert pop.caller.name.startswith("<img src=x onerror=alert(1)>")
    assert not any(c in pop.caller.name for c in "\r\n\u202e\u2028\x00")
    assert wire.encode(pop)
