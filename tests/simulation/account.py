"""The account of a simulated run, for the checker (`tests/checker`)."""

from __future__ import annotations

from collections.abc import Iterator

from cti.calls.record import Call
from tests.checker import account as checked
from tests.checker.account import Account, Buffer, Compared, OurCall, OurVisit, Rest, Slack, Span
from tests.simulation.core import Core
from tests.simulation.node import Node
from tests.simulation.story import Story
from tests.simulation.world import QUIET_S, World

SLACK = Slack(exact_s=0.002, whole_s=1.001, edge_s=0.01)
LOST_S = 5.0
"""A node that dies may take with it what it saw in these last seconds, one that stands by what it saw since the
database was away: that is filled in, and marked. Where another saw it and leads, nothing is."""
LEFT_S = 2.5
"A node that was cut off leads no longer than this."
LOSSY = ("drop", "delay")


def account_of(world: World) -> Account:
    """Everything that is known of it."""
    lossy = any(fault.kind in LOSSY for fault in world.plan.faults)
    living = [node for node in world.now_on.values() if not node.process.life.stopped]
    live = [node for node in living if isinstance(node.core, Core)]
    holes, maybe = _holes(world)
    return Account(
        holes=holes,
        maybe=maybe,
        lossy=lossy,
        slack=SLACK,
        truth=_truth(world.story),
        calls=[_call(call) for call in world.database.calls.values()],
        rest=_rest(live),
        states=[*_states(world, live, lossy), *(Compared("what is heard", *both) for both in world.heard)],
        told=[f"start {n}: ring {ring}" for n, node in enumerate(world.nodes) for ring in node.rings],
        buffers=[buffer for node in living for buffer in _buffers(node)],
        refused=["a line of queue_log"] * world.refused,
        log=[f"exception was never retrieved: {text}" for node in world.nodes for text in node.failures()],
        written=world.database.written,
    )


def _truth(story: Story) -> list[checked.TrueCall]:
    if story.truth is None:
        story.truth = [
            checked.TrueCall(
                call.id,
                call.began,
                call.ended,
                [
                    checked.TrueVisit(v.queue, v.entered, v.outcome, v.agent, wait_s=v.left - v.entered)
                    for v in call.visits
                ],
            )
            for call in story.calls
        ]
    return story.truth


def _call(call: Call) -> OurCall:
    visits = [
        OurVisit(n, visit.queue, visit.outcome, visit.agent, visit.joined_at, visit.wait_s)
        for n, visit in enumerate(call.visits, 1)
    ]
    talks = [(talk.from_, talk.to) for talk in call.talks]
    return OurCall(call.id, call.started_at, call.ended_at, call.gap, visits, talks)


def _holes(world: World) -> tuple[list[Span], list[Span]]:
    """When nobody saw the PBX, and when somebody did not who wrote afterwards."""
    own = {name: [(begin, end) for begin, end in holes] for name, holes in world.holes.items()}
    nobody, *others = own.values()
    for other in others:
        nobody = [(max(a, c), min(b, d)) for a, b in nobody for c, d in other if max(a, c) < min(b, d)]
    away = [(fault.at, fault.until + LOST_S) for fault in world.plan.faults if fault.kind in ("away", "hung")]
    away = away if world.contested else []  # who stands by knows of it late; who writes keeps a journal at once
    maybe = [
        (min([begin, *(since for since, until in away if since < begin < until)]) - LOST_S, end)
        for name, holes in own.items()
        for begin, end in holes
        if not world.contested or any(who == name and to > begin + LEFT_S for who, to in world.reigns)
    ]
    return nobody, maybe


def _rest(live: list[Node]) -> Rest:
    return Rest(
        QUIET_S,
        [call.id for node in live for call in node.core.open_calls()],
        [],
        [agent.agent for node in live for agent in node.core.agents() if agent.phase in ("busy", "ringing", "held")],
    )


def _states(world: World, live: list[Node], lossy: bool) -> Iterator[Compared]:
    lists, now = world.lists, world.scheduler.now
    channels = lists.show_channels()
    queues = [(queue, lists.queue_status(now, queue)) for queue in world.story.queues]
    none: frozenset[tuple[str, ...]] = frozenset()
    for node in live:
        audit = node.core.audit
        before = audit.corrections
        for _ in range(2):
            audit.answer({}, channels)
            for queue, items in queues:
                audit.answer({"Queue": queue}, items)
        found = audit.corrections - before
        yield Compared(node.name, none if not found else frozenset({(f"{found} differences",)}), none)
        if node.corrections and not lossy:
            yield Compared(node.name, frozenset({("the audit corrected what was not lost",)}), none)


def _buffers(node: Node) -> Iterator[Buffer]:
    if isinstance(node.core, Core):
        for name, size in node.core.sizes().items():
            yield Buffer(f"{name} at rest", size, 0)
    yield Buffer("calls that wait to be written, at rest", node.writer.backlog, 0)
    yield Buffer("bytes in the journal, at rest", node.writer.journal.bytes, 0)
