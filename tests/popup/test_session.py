"""The life of a pop, told by event scripts."""

from __future__ import annotations

import pytest

from cti import events, wire
from cti.popup.state import Effect, Later, Show
from tests.popup.scripts import (
    CHEN,
    LIN,
    QIAO,
    T0,
    Story,
    closed,
    gathers,
    match,
    party,
    shown,
)


@pytest.fixture
def story() -> Story:
    """Three agents, each at his own phone."""
    return Story(lin=LIN, chen=CHEN, qiao=QIAO)


def test_known_match_is_in_the_head_at_once(story: Story) -> None:
    """A look-up that came back before the ring is part of the first head."""
    story.offer()
    story.take(story.session.matched("c1", [match(party())]))
    story.queue()
    (pop,) = shown(story.ring())
    assert pop.match.level == "exact"
    assert pop.match.chosen == "p1"
    assert pop.party is not None
    assert pop.party.name == "周敏"


def test_sections_are_asked_for_once_a_party(story: Story) -> None:
    """Look-up, queue entry and a ring-all ask for the record once."""
    story.offer()
    story.session.matched("c1", [match(party())])
    effects = story.queue() + story.ring(LIN) + story.ring(CHEN) + story.ring(QIAO)
    (asked,) = gathers(effects)
    assert asked.party == "p1"
    assert asked.number == "13800001307"


def test_caller_who_hangs_up_in_the_menu_costs_no_record(story: Story) -> None:
    """Sections are fetched when a queue or a phone is reached, not for every call."""
    story.offer()
    assert gathers(story.session.matched("c1", [match(party())]) + story.end()) == []


def test_ring_all_shows_everybody_and_the_losers_learn_who_answered(story: Story) -> None:
    """Every ringing agent gets the pop; when one answers the others' closes and says who."""
    story.offer()
    story.queue()
    for interface in (LIN, CHEN, QIAO):
        story.ring(interface)
    assert [len(story.session.pops_of(u)) for u in ("lin", "chen", "qiao")] == [1, 1, 1]
    story.answer(CHEN)
    for interface in (LIN, QIAO):
        effects = story.ring_ended("answered_elsewhere", interface, by="陈晓雯")
        (gone,) = closed(effects)
        assert gone.reason == "answered_elsewhere"
        assert gone.by == "陈晓雯"
    assert [len(story.session.pops_of(u)) for u in ("lin", "chen", "qiao")] == [0, 1, 0]
    assert story.session.pops_of("chen")[0].state == "talking"


def test_ring_all_tells_who_else_rings_a_moment_later(story: Story) -> None:
    """The others' heads change by a deferred push: ten phones do not cost fifty frames."""
    story.queue()
    story.ring(LIN)
    effects = story.ring(CHEN)
    assert len(shown(effects)) == 1
    (later,) = [e for e in effects if isinstance(e, Later)]
    head = story.session.head(later.pops[0])
    assert head is not None
    assert [w.agent for w in head.pop.with_] == ["陈晓雯"]


@pytest.mark.parametrize(
    ("reason", "shown_as"),
    [("caller_gone", "caller_gone"), ("missed", "missed"), ("cancelled", "cancelled")],
)
def test_pop_is_withdrawn_when_the_ring_ends(story: Story, reason: events.RingEnd, shown_as: wire.CloseReason) -> None:
    """A ring that nobody answered takes its pop away, with the reason."""
    story.queue()
    story.ring()
    (gone,) = closed(story.ring_ended(reason))
    assert gone.reason == shown_as
    assert story.session.pops_of("lin") == []


def test_pop_is_withdrawn_on_abandon_even_if_the_rings_end_was_lost(story: Story) -> None:
    """No ringing pop outlives the caller."""
    story.queue()
    story.ring()
    effects = story.apply(
        events.CallAbandoned(at=story.tick(), call="c1", visit="v1", queue="europe", wait_s=4.0, waiting_since=T0)
    )
    assert [c.reason for c in closed(effects)] == ["caller_gone"]
    assert story.session.pops_of("lin") == []
    assert closed(story.end()) == []


def test_pop_is_kept_through_the_call_and_after_it(story: Story) -> None:
    """Answered: the pop talks, holds, talks, and stays as ended for the one who is still typing."""
    story.offer()
    story.queue()
    story.ring()
    story.answer()
    (pop,) = story.session.pops_of("lin")
    assert (pop.state, pop.wait_s) == ("talking", 7.0)
    (held,) = shown(story.apply(events.CallHeld(at=story.tick(), call="c1", interface=LIN)))
    assert held.state == "held"
    (back,) = shown(story.apply(events.CallResumed(at=story.tick(), call="c1", interface=LIN)))
    assert back.state == "talking"
    story.talk_ended()
    story.end()
    (left,) = story.session.pops_of("lin")
    assert left.id == pop.id
    assert left.state == "ended"
    assert left.ended_at is not None


def test_answer_pushes_no_more_heads_than_there_is_news(story: Story) -> None:
    """RingEnded, CallAnswered and TalkStarted of one answer are two heads, not three."""
    story.queue()
    story.ring()
    assert len(shown(story.answer())) == 2


def test_new_ring_of_the_same_call_pops_again(story: Story) -> None:
    """What was missed or dismissed once rings again as a new pop."""
    story.queue()
    story.ring()
    (first,) = story.session.pops_of("lin")
    story.session.dismiss("lin", first.id)
    story.ring_ended("missed")
    (second,) = shown(story.ring(ring="second"))
    assert second.id != first.id


def test_pop_follows_a_blind_transfer_with_the_first_agents_note(story: Story) -> None:
    """The second agent sees who sent the caller and what he wrote, even if he saves it later."""
    story.offer()
    story.session.matched("c1", [match(party())])
    story.queue()
    story.ring(LIN)
    story.answer(LIN)
    story.session.note_saved("c1", wire.Note(text="问汉堡 40HQ", saved_at=story.clock, version=1, by="lin"))
    story.apply(events.CallTransferred(at=story.tick(), call="c1", kind="blind", by=LIN, to="8002"))
    story.talk_ended(LIN)
    story.ring(QIAO, visit=None)
    (pop,) = shown(story.ring(CHEN, visit=None))
    assert pop.came_from == wire.CameFrom(agent="林知夏", note="问汉堡 40HQ")
    assert pop.party is not None
    effects = story.session.note_saved("c1", wire.Note(text="急", saved_at=story.clock, version=2, by="lin"))
    (later,) = shown(effects, "chen")
    assert later.came_from is not None
    assert later.came_from.note == "急"
    (first,) = story.session.pops_of("lin")
    assert first.state == "ended"
    assert first.came_from is None


def test_consulted_agent_sees_the_callers_pop(story: Story) -> None:
    """A colleague's consultation call shows the caller it is about, and who asks."""
    story.queue()
    story.ring(LIN)
    story.answer(LIN)
    (pop,) = shown(story.ring(CHEN, visit=None, consult=True))
    assert pop.call == "c1"
    assert pop.caller.number == "13800001307"
    assert pop.came_from is not None
    assert pop.came_from.agent == "林知夏"


def test_consultation_merged_into_the_callers_call_brings_its_pops_along(story: Story) -> None:
    """A call that becomes part of another hands its pops over and is forgotten."""
    story.queue()
    story.ring(LIN)
    story.answer(LIN)
    story.queue("c2", "v2", caller="8001")
    story.ring(CHEN, "c2", "v2", caller="8001")
    effects = story.apply(events.CallMerged(at=story.tick(), call="c2", into="c1"))
    (pop,) = shown(effects, "chen")
    assert pop.call == "c1"
    assert pop.caller.number == "13800001307"
    assert "c2" not in story.session.shelf.calls


def test_talk_without_a_ring_opens_a_pop(story: Story) -> None:
    """After a resync a running call is shown although its ring was never seen."""
    story.offer()
    effects = story.apply(events.TalkStarted(at=story.tick(), call="c1", interface=LIN, agent="林知夏"))
    (pop,) = shown(effects)
    assert pop.state == "talking"
    assert [e.fresh for e in effects if isinstance(e, Show)] == [True]
    assert story.session.pops_of("lin") == [pop]


def test_talk_told_before_its_call_opens_a_pop_when_the_call_is_told(story: Story) -> None:
    """A resync may tell who talks before it tells the call; the order does not matter."""
    assert shown(story.apply(events.TalkStarted(at=T0, call="c1", interface=LIN, agent="林知夏"))) == []
    (pop,) = shown(story.offer())
    assert (pop.state, pop.caller.number) == ("talking", "13800001307")
    story.apply(events.TalkStarted(at=T0, call="c9", interface=LIN, agent=None))
    story.end("c9")
    assert not story.session._early


def test_resync_closes_what_the_pbx_no_longer_has(story: Story) -> None:
    """A pop whose call vanished in a gap does not hang on the screen."""
    story.queue()
    story.ring()
    story.queue("c2", "v2")
    story.ring(LIN, "c2", "v2")
    effects = story.session.reconcile(["c2"], story.tick())
    assert [c.reason for c in closed(effects)] == ["caller_gone"]
    assert [p.call for p in story.session.pops_of("lin")] == ["c2"]


class Twice(Story):
    """A story whose every event comes twice."""

    def apply(self, event: events.Event) -> list[Effect]:
        """Feed one event two times."""
        return super().apply(event) + super().apply(event)


def test_repeated_events_change_nothing() -> None:
    """An event delivered twice shows nothing twice."""
    once, twice = Story(lin=LIN), Twice(lin=LIN)
    for s in (once, twice):
        s.offer()
        s.queue()
        s.ring()
        s.answer()
        s.talk_ended()
        s.end()
    assert shown(once.effects) == shown(twice.effects)
    assert closed(once.effects) == closed(twice.effects)


def test_ring_that_is_told_after_its_answer_opens_no_second_pop(story: Story) -> None:
    """Another node's word of the ring was missed, its answer was heard; told again, the agent's one pop stays."""
    story.offer()
    story.queue()
    story.answer()
    (pop,) = story.session.pops_of("lin")
    assert shown(story.ring() + story.answer()) == []
    (same,) = story.session.pops_of("lin")
    assert (same.id, same.state) == (pop.id, "talking")
