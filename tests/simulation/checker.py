"""What must hold at the end of every run (FAULTS 2.1); a sentence for each breach."""

from __future__ import annotations

from collections.abc import Iterator

from cti import events
from cti.calls.record import Call
from tests.simulation.story import TrueCall
from tests.simulation.world import World

EXACT_S = 0.002
WHOLE_S = 1.001
"Of what was filled in from whole seconds."
EDGE_S = 0.01


def breaches(world: World) -> list[str]:
    """All of them; empty when everything held."""
    return list(_breaches(world))


def _breaches(world: World) -> Iterator[str]:
    truth = {call.id: call for call in world.story.calls}
    kept = world.disk.calls
    lossy = any(fault.kind in ("drop", "delay") for fault in world.faults)
    for id in truth.keys() - kept.keys():
        if truth[id].visits:
            yield f"I1: {id} is missing"
    for id in kept.keys() - truth.keys():
        yield f"I1: {id} never happened"
    for id in truth.keys() & kept.keys():
        for text in _call(world, truth[id], kept[id], lossy):
            yield f"{text} ({id})"
    yield from _rest(world)
    if world.refused:
        yield f"I14: {world.refused} genuine lines of queue_log were refused"
    if not lossy and world.corrections:
        yield "FAULTS 3.4: the audit corrected what was not lost"


def _call(world: World, was: TrueCall, call: Call, lossy: bool) -> Iterator[str]:
    ours = [(v.queue, v.outcome, v.agent) for v in call.visits]
    were = [(v.queue, v.outcome, v.agent) for v in was.visits]
    if ours != were:
        yield f"I2/I3: visits {ours}, were {were}"
        return
    allowed = WHOLE_S if call.gap or lossy else EXACT_S
    for visit, true in zip(call.visits, was.visits, strict=True):
        wait = true.left - true.entered
        if visit.wait_s is None or abs(visit.wait_s - wait) > allowed:
            yield f"I4: waited {visit.wait_s}, were {wait:.3f}"
        if visit.wait_s is not None and visit.wait_s < 0:
            yield f"I18: a wait of {visit.wait_s} s"
    if call.ended_at is None:
        yield "I6: still open"
    elif call.started_at is not None and call.ended_at < call.started_at - EXACT_S:
        yield "I18: it ended before it began"
    for talk in call.talks:
        if talk.to is None or talk.to < talk.from_:
            yield f"I18: a talk from {talk.from_} to {talk.to}"
    inside = [h for h in world.holes if was.began < h[1] - EDGE_S and was.ended > h[0] + EDGE_S]
    if inside and not call.gap:
        yield f"a gap without its mark: {inside}"
    if not world.holes and not lossy and call.gap:
        yield "marked without a gap"


def _rest(world: World) -> Iterator[str]:
    pbx = world.pbx
    if pbx.open_calls():
        yield f"I6: ghosts {[call.id for call in pbx.open_calls()]}"
    if any(pbx.sizes().values()):
        yield f"I12: kept {pbx.sizes()}"
    for agent in pbx.agents():
        if agent.phase in ("busy", "ringing", "held"):
            yield f"I6: {agent.agent} is {agent.phase}"
    at = world.story.steps[-1].at + 100.0
    before = pbx.audit.corrections
    for _ in range(2):
        pbx.audit.answer({}, world.lists.show_channels())
        for queue in dict.fromkeys(queue for queue, _, _ in world.story.members):
            pbx.audit.answer({"Queue": queue}, world.lists.queue_status(at, queue))
    if pbx.audit.corrections != before:
        yield "I7: the state is not the PBX's"
    rings = [event.ring for event in world.told if isinstance(event, events.AgentRinging)]
    crashed = any(fault.kind in ("crash", "torn") for fault in world.faults)
    if not crashed and len(rings) != len(set(rings)):
        yield "I8: one ring was told twice"
