"""The service in virtual time under seeded faults: whatever goes wrong, every call is there once and right."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import pytest

import cti.calls.on_queues
import cti.calls.resync
import cti.continuity
import cti.feed
import cti.history.books
import cti.nodes.heard
from cti import wire
from cti.calls.pbx import Pbx
from cti.calls.record import Call
from cti.calls.visits import VisitState
from cti.events import Event
from cti.feed import Feed
from cti.leadership import Leadership
from cti.nodes.neighbours import Neighbours
from cti.store.journal import Entry, Journal
from cti.store.safekeeping import Safekeeping
from cti.store.writer import Writer
from tests.simulation import soak
from tests.simulation.database import Database, Fenced
from tests.simulation.play import FAMILIES, PLENTY, Count, Played, failures, happens, once_failed, plan_of
from tests.simulation.story import BRIEF, LEAST
from tests.simulation.world import KINDS, World

FEW, MANY = 400, 100_000
"Schedules of the short and of the long run."


def told(found: Iterator[Played]) -> str:
    """The first failures, with how to see them again."""
    lines = [str(one) for one in found]
    return "\n".join(lines[:5]) and f"{len(lines)} failed; tests.simulation.play.replay(seed) plays one:\n" + "\n".join(
        lines[:5]
    )


def test_a_few_hundred_schedules() -> None:
    """Cuts, crashes, torn writes, lost, doubled, repeated and late packets, hung nodes and databases: all holds."""
    assert told(failures(range(FEW))) == ""
    assert told(failures(range(PLENTY, PLENTY + FEW))) == ""


def test_schedules_that_failed_once() -> None:
    """What was found and put right stays right."""
    assert told(failures(once_failed())) == ""


@pytest.mark.parametrize("first", [0, PLENTY])
def test_a_schedule_is_worth_its_name(first: int) -> None:
    """At least one queue call, twenty events and one fault; every kind of fault comes up; a seed is always the same."""
    kinds: Counter[tuple[int, str]] = Counter()
    events: list[int] = []
    for seed in range(first, first + 6000, 7):
        story, _ = happens(seed)
        assert sum(len(call.visits) > 0 for call in story.calls) >= 1
        events.append(sum(map(len, story.packets)))
        plan, _ = plan_of(seed, story)
        assert plan.faults
        kinds.update((len(plan.nodes), fault.kind) for fault in plan.faults)
        if seed % 100 == 0:
            assert plan_of(seed, happens(seed)[0])[0] == plan
    assert min(events) >= LEAST
    assert sum(many > BRIEF for many in events) > len(events) / 10, "none is long"
    assert {(len(nodes), kind) for nodes, several in FAMILIES.values() for kind in several} == set(kinds)
    assert {kind for _, kind in kinds} == set(KINDS)


def _closes_nothing_of_before(feed: Feed, stored: Sequence[Call]) -> None:
    """What only the journal knows is forgotten."""
    feed._carried.remember(stored)
    if feed._listed:
        feed._close_gone()
    feed.save(all_of_them=True)


SEEN_AT = {
    "nobody asks for the epoch": 300,
    "what is told again counts again": 140,
    "who stood still is listened to": 2660,
    "a ring that ended unheard rings on": 660,
    "a restart forgets what was before": 1880,
    "a journal that is never read": 650,
    "a journal that keeps nothing": 650,
    "a leader that never ends": 1320,
    "what is told again comes behind its end": 20_029_400,
}
"Where to begin to look for errors that show seldom."

PLANTED: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "channels that are gone stay": lambda patch: patch.setattr(cti.calls.resync, "_close_gone", lambda *a: None),
    "nobody follows queue_log": lambda patch: patch.setattr(World, "follow", lambda self: None),
    "a restart forgets what was before": lambda patch: patch.setattr(cti.continuity, "continued", lambda old, new: new),
    "no audit": lambda patch: patch.setattr(World, "_look", lambda self, name: None),
    "an AgentComplete is the last visit's": lambda patch: patch.setattr(
        cti.calls.on_queues,
        "_completed",
        lambda leg, queue, by, began: None if leg is None else leg.call.final().last_visit(leg, queue),
    ),
    "what is told again counts again": lambda patch: patch.setattr(VisitState, "was_at", lambda *a: False),
    "a cut leaves no mark": lambda patch: patch.setattr(Pbx, "link_lost", lambda self, at: []),
    "a call that is known is filled in once more": lambda patch: patch.setattr(
        cti.history.books, "pairs", lambda ours, theirs: ([], list(ours), list(theirs))
    ),
    "a crash loses what was written": lambda patch: patch.setattr(Database, "put", lambda self, call, epoch: None),
    "a journal that is never read": lambda patch: patch.setattr(Journal, "open", _opened_empty),
    "a journal that keeps nothing": lambda patch: patch.setattr(Journal, "append", lambda self, entries: True),
    "a journal that is never emptied": lambda patch: patch.setattr(Safekeeping, "settled", lambda self: None),
    "who stands by keeps nothing": lambda patch: patch.setattr(Writer, "_put", _only_of_who_leads(Writer._put)),
    "nobody asks for the epoch": lambda patch: patch.setattr(Fenced, "_mind", lambda self: self._database.there()),
    "a leader that never ends": lambda patch: patch.setattr(Leadership, "_end", lambda self, why: None),
    "who stood still is listened to": lambda patch: patch.setattr(Neighbours, "_leads", lambda *a: True),
    "a ring that ended unheard rings on": lambda patch: patch.setattr(cti.nodes.heard, "_quiet", lambda *a: []),
    "what is told again comes behind its end": lambda patch: patch.setattr(cti.nodes.heard, "_news", _only_new),
    "what only the journal knows stays open": lambda patch: patch.setattr(Feed, "adopt", _closes_nothing_of_before),
}


def _opened_empty(journal: Journal) -> list[Entry]:
    _OPEN(journal)
    journal.clear()
    return []


_OPEN = Journal.open


def _only_new(told: Iterable[Event], had: Collection[bytes], calls: Collection[str]) -> Iterator[Event]:
    every = {None, *calls}
    return (event for event in told if getattr(event, "call", None) in every and wire.encode(event) not in had)


def _only_of_who_leads(put: Callable[..., bool]) -> Callable[..., bool]:
    return lambda writer, key, call: not writer.leads or put(writer, key, call)


@pytest.mark.parametrize("planted", PLANTED)
def test_the_checker_sees_a_broken_build(planted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each error that is planted is found: a checker that cannot fail proves nothing."""
    PLANTED[planted](monkeypatch)
    first = SEEN_AT.get(planted, 0)
    assert next(failures(range(first, first + FEW)), None) is not None, "never found"


@pytest.mark.long
def test_a_hundred_thousand_schedules() -> None:
    """The same, many times over, on all cores; each with a queue call, twenty events and a fault; prints how many."""
    began = time.monotonic()
    count, failed = Count(), list[Played]()
    for lot, wrong in soak.played(range(PLENTY + FEW, PLENTY + FEW + MANY)):
        count += lot
        failed += wrong
    assert told(iter(failed)) == ""
    assert count.schedules == MANY
    print(f"{count}; {MANY / (time.monotonic() - began):.0f} schedules a second on {os.cpu_count()} cores")
