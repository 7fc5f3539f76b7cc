"""The service in virtual time under seeded faults: whatever goes wrong, every call is there once and right."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

import cti.calls.on_queues
import cti.calls.resync
import cti.continuity
import cti.history.books
from cti.calls.pbx import Pbx
from cti.calls.visits import VisitState
from tests.simulation.play import failures, schedule
from tests.simulation.world import KINDS, Disk, World

FEW, MANY = 400, 100_000
"Schedules of the short and of the long run."
ONCE_FAILED = (
    3,
    48,
    147,
    253,
    268,
    287,
    706,
    933,
    2600,
    2601,
    2603,
    2604,
    2608,
    6308,
    9801,
    20674,
    22951,
    30548,
    33218,
    641,
    1251,
    3168,
    8975,
    94550,
    50801,
)
"Seeds that found something once."


def told(found: Iterator[tuple[int, Any, list[str]]]) -> str:
    """The first failures, with how to see them again."""
    lines = [f"seed {seed}: {[fault.kind for fault in faults]}: {'; '.join(wrong)}" for seed, faults, wrong in found]
    return "\n".join(lines[:5]) and f"{len(lines)} failed; tests.simulation.play.replay(seed) plays one:\n" + "\n".join(
        lines[:5]
    )


def test_a_few_hundred_schedules() -> None:
    """Cuts, crashes, torn writes, lost, doubled, repeated and late packets: all invariants hold at the end of each."""
    assert told(failures(range(FEW))) == ""


def test_schedules_that_failed_once() -> None:
    """What was found and put right stays right."""
    assert told(failures(ONCE_FAILED)) == ""


def test_a_schedule_is_worth_its_name() -> None:
    """At least one queue call, twenty events and one fault; every kind of fault comes up; a seed is always the same."""
    kinds: set[str] = set()
    for seed in range(0, 400, 7):
        story, packets, faults, _ = schedule(seed)
        assert any(call.visits for call in story.calls)
        assert sum(map(len, packets)) >= 20
        assert faults
        kinds |= {fault.kind for fault in faults}
        again, _, faults_again, _ = schedule(seed)
        assert (again.calls, faults_again) == (story.calls, faults)
    assert kinds == set(KINDS)


PLANTED: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "channels that are gone stay": lambda patch: patch.setattr(cti.calls.resync, "_close_gone", lambda *a: None),
    "nobody follows queue_log": lambda patch: patch.setattr(World, "follow", lambda self, at: None),
    "a restart forgets what was before": lambda patch: patch.setattr(cti.continuity, "continued", lambda old, new: new),
    "no audit": lambda patch: patch.setattr(World, "look", lambda self, at: None),
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
    "a crash loses what was written": lambda patch: patch.setattr(Disk, "save", lambda self, call: None),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_the_checker_sees_a_broken_build(planted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each error that is planted is found: a checker that cannot fail proves nothing."""
    PLANTED[planted](monkeypatch)
    assert next(failures(range(MANY)), None) is not None, "never found"


def _some(seeds: range) -> tuple[int, str]:
    return len(seeds), told(failures(seeds))


@pytest.mark.long
def test_a_hundred_thousand_schedules() -> None:
    """The same, many times over, on all cores; prints how many a second."""
    began = time.monotonic()
    workers = os.cpu_count() or 1
    lots = [range(FEW + at, min(FEW + at + 2500, FEW + MANY)) for at in range(0, MANY, 2500)]
    with ProcessPoolExecutor(workers) as pool:
        done = list(pool.map(_some, lots))
    assert sum(count for count, _ in done) == MANY
    assert "\n".join(text for _, text in done if text) == ""
    print(f"{MANY / (time.monotonic() - began):.0f} schedules a second on {workers} cores")
