"""Schedules by number: each story is played with several sets of faults."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from cti.ami.messages import Packet
from tests.simulation.checker import breaches
from tests.simulation.story import Story, tell
from tests.simulation.world import Fault, World, faults_of

SHARE = 10
"Schedules of one story."


def schedule(seed: int) -> tuple[Story, list[list[Packet]], list[Fault], random.Random]:
    """Story and faults of a seed."""
    story = tell(random.Random(seed // SHARE))
    packets = [[Packet(raw) for raw in step.said] for step in story.steps]
    rng = random.Random(seed)
    return story, packets, faults_of(rng, story, packets), rng


def failures(seeds: Iterable[int]) -> Iterator[tuple[int, list[Fault], list[str]]]:
    """(seed, faults, what did not hold) of each schedule that failed."""
    known = -1
    story: Story | None = None
    packets: list[list[Packet]] = []
    for seed in seeds:
        if story is None or seed // SHARE != known:
            known = seed // SHARE
            story, packets, _, _ = schedule(seed)
        rng = random.Random(seed)
        faults = faults_of(rng, story, packets)
        world = World(story, packets, faults, rng)
        try:
            world.run()
            wrong = breaches(world)
        except Exception as error:
            wrong = [f"I16: {type(error).__name__}: {error}"]
        if wrong:
            yield seed, faults, wrong


def replay(seed: int) -> World:
    """One schedule alone, to look at."""
    story, packets, faults, rng = schedule(seed)
    world = World(story, packets, faults, rng)
    world.run()
    return world
