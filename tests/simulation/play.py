"""Schedules by number: each story is played by several plans."""

from __future__ import annotations

import gc
import logging
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.checker import evaluate
from tests.simulation.account import account_of
from tests.simulation.core import Clean
from tests.simulation.story import LEAST, Story, tell
from tests.simulation.world import LINK, RELAY, Fault, Plan, World

SHARE = 20
"Schedules of one story, in a row."
COLLECT = 1000
"Schedules between two collections of garbage."
ALONE = (*LINK, "cut", "cut", "crash")
STORED = ("crash", "torn", "away", "hung", "cut")
TWO = (*LINK, "cut", "crash", "crash", "torn", "pause", "stall", "stall", "away", "hung")
HEARD = (*RELAY, *RELAY, "cut", "crash", "torn", "pause", "stall", "drop", "away")
FAMILIES = {
    "alone": (("a",), ALONE),
    "stored": (("a",), STORED),
    "two": (("a", "b"), TWO),
    "heard": (("a", "b"), HEARD),
}
"{what a schedule is about: (its nodes, the faults that may befall them)}"
SHARES = ("alone",) * 5 + ("stored",) * 3 + ("two", "heard")
PLENTY = 10_000_000
"""The first seed of the schedules that are played by the hundred thousand: four stories of five are brief, and fewer
schedules are of two nodes, which take three times as long. Seeds before tell long stories."""
SHARES_OF_PLENTY = ("alone",) * 11 + ("stored",) * 7 + ("two", "heard")
LONG = 5
"Of this many stories one is not brief."
_OF_ALL = ("away", "hung", *RELAY)
"Faults that befall no single node."


@dataclass(frozen=True)
class Told:
    """A story, and what a core does in it that nothing befalls."""

    story: Story
    clean: Clean
    wrong: list[str]
    "What did not hold without any fault."


def story_of(seed: int) -> Told:
    """Of a schedule."""
    story, rng = happens(seed)
    clean = Clean()
    world = World(story, Plan(("a",), [], straight=True), rng, None, clean)
    world.run()
    clean.agents = world.nodes[0].core.agents()
    wrong = evaluate(account_of(world))
    world.dissolve()
    return Told(story, clean, wrong)


def happens(seed: int) -> tuple[Story, random.Random]:
    """What happens at the PBX, and the chance that decided it."""
    number = seed // SHARE
    rng = random.Random(number)
    return tell(rng, brief=seed >= PLENTY and number % LONG > 0), rng


def plan_of(seed: int, story: Story) -> tuple[Plan, random.Random]:
    """The nodes and faults of a schedule, and the chance that decides the rest of it."""
    rng = random.Random(seed)
    family = rng.choice(SHARES if seed < PLENTY else SHARES_OF_PLENTY)
    nodes, kinds = FAMILIES[family]
    return Plan(
        nodes, list(_faults(rng, story, nodes, kinds)), straight=family == "alone", listens=family == "heard"
    ), rng


def _faults(rng: random.Random, story: Story, nodes: tuple[str, ...], kinds: tuple[str, ...]) -> Iterator[Fault]:
    """One to three faults, somewhere in the story; what lasts on one node is over before it has another."""
    many = sum(map(len, story.packets))
    begin, end = story.steps[0].at, story.steps[-1].at
    busy = dict.fromkeys(("", *nodes), begin)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        kind = rng.choice(kinds)
        node = "" if kind in _OF_ALL else rng.choice(nodes)
        if kind in LINK:
            which = rng.randrange(many)
            yield Fault(kind, node, story.said_at(which), which=which)
        else:
            at = rng.uniform(busy[node], max(busy[node], end))
            until = at + rng.choice((0.2, 1.0, 3.0, 8.0, 20.0)) * rng.uniform(0.5, 1.5)
            busy[node] = until + 5.0
            yield Fault(kind, node, at, until)


@dataclass(frozen=True)
class Played:
    """A schedule that failed."""

    seed: int
    plan: Plan
    wrong: list[str]

    def __str__(self) -> str:
        """All in a line."""
        faults = ", ".join(f"{fault.kind} {fault.node}".strip() for fault in self.plan.faults)
        return f"seed {self.seed}: {faults}: {'; '.join(self.wrong)}"


def once_failed() -> list[int]:
    """Seeds of the file of regressions."""
    lines = (Path(__file__).parent / "regressions").read_text(encoding="utf-8").split("\n")
    return [int(line.split()[0]) for line in lines if line[:1].isdigit()]


@dataclass
class Count:
    """What was played."""

    schedules: int = 0
    calls: int = 0
    "That stood in a queue."
    events: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, story: Story, plan: Plan) -> list[str]:
        """One more; what it has too little of to be a schedule."""
        calls = sum(bool(call.visits) for call in story.calls)
        events = sum(map(len, story.packets))
        self.schedules += 1
        self.calls += calls
        self.events += events
        self.faults.update(fault.kind for fault in plan.faults)
        least = {"queue calls": (calls, 1), "events": (events, LEAST), "faults": (len(plan.faults), 1)}
        return [f"no schedule: {many} {what}" for what, (many, few) in least.items() if many < few]

    def __add__(self, other: Count) -> Count:
        return Count(
            self.schedules + other.schedules,
            self.calls + other.calls,
            self.events + other.events,
            self.faults + other.faults,
        )

    def __str__(self) -> str:
        """In a line."""
        kinds = ", ".join(f"{kind} {many}" for kind, many in sorted(self.faults.items()))
        return f"{self.schedules} schedules, {self.calls} queue calls, {self.events} events, faults: {kinds}"


def failures(seeds: Iterable[int], count: Count | None = None) -> Iterator[Played]:
    """Each schedule that failed; `count` is told what was played."""
    known, told = -1, None
    count = Count() if count is None else count
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # what is told of faults is told a thousand times over
    gc.disable()
    gc.freeze()
    try:
        for seed in seeds:
            if told is None or seed // SHARE != known:
                known, told = seed // SHARE, story_of(seed)
            plan, rng = plan_of(seed, told.story)
            wrong = told.wrong + count.add(told.story, plan)
            wrong += _played(World(told.story, plan, rng, told.clean, None))
            if wrong:
                yield Played(seed, plan, wrong)
            if count.schedules % COLLECT == 0:
                gc.collect()
    finally:
        gc.unfreeze()
        gc.enable()
        logging.disable(level)


def some(seeds: range) -> tuple[Count, list[Played]]:
    """A lot of schedules, for a process of its own."""
    count = Count()
    return count, list(failures(seeds, count))


def _played(world: World) -> list[str]:
    try:
        world.run()
        return evaluate(account_of(world))
    except Exception as error:
        return [f"I16: {type(error).__name__}: {error}"]
    finally:
        world.dissolve()


def replay(seed: int) -> World:
    """One schedule alone, to look at."""
    told = story_of(seed)
    plan, rng = plan_of(seed, told.story)
    world = World(told.story, plan, rng, told.clean, None)
    world.run()
    return world
