"""Resync: bring the state in line with what the PBX lists, without losing or counting anything twice.

Calls alive on both sides are kept with their first-seen times. What is gone is closed as unknown and marked. What is
new is taken up, marked, with whole-second times where the PBX gives them.
"""

from __future__ import annotations

from cti import events
from cti.ami.messages import Packet
from cti.ami.roster import Roster
from cti.calls import restart
from cti.calls.call import CallState
from cti.calls.legs import Leg, number
from cti.calls.on_channels import end_leg
from cti.calls.on_queues import tell_queued, watch
from cti.calls.rings import end_ring, tell_ring
from cti.calls.state import State
from cti.calls.visits import Ring

_UP, _RINGING = "6", "5"
AGAIN_S = 6.0
"""A listed entry this much later than the one we know is another: he left the queue and came back. More than reading
the lists takes; one entry taken for two would count twice, two taken for one are put right by queue_log."""


def resync(state: State, roster: Roster, at: float) -> None:
    """Take over a roster; events buffered since it was asked for are fed afterwards."""
    if state.boot and roster.boot and roster.boot != state.boot:
        restart.restarted(state, at)
    state.boot = roster.boot or state.boot
    phones = state.roll.replace([item for item in roster.queue_status if item.event == "QueueMember"])
    state.dirty.update(phones)
    listed = {item.get("Uniqueid"): item for item in roster.channels if item.get("Uniqueid")}
    known = set(state.legs)
    _close_gone(state, set(listed), at)
    for uid, item in listed.items():
        _take_up(state, item, at, new=uid not in known)
    for call in list(state.calls.values()):
        state.offer(call, at)
    _waiting(state, roster, at)
    _bridged(state, roster, at)
    _ringing(state, listed, at)
    _left_unseen(state, roster, at)
    state.emit(events.PbxResynced, at)


def _close_gone(state: State, alive: set[str], at: float) -> None:
    """Channels that ended in the gap: their calls are closed, with what cannot be known left open."""
    for leg in [leg for uid, leg in state.legs.items() if uid not in alive]:
        call = leg.call
        call.gap = True
        for visit in call.final().visits:
            if visit.leg is leg and not visit.closed:
                restart.close_unseen(state, visit, at)
        for talk in call.final().talks:
            if talk.to is None and (talk.leg is leg or call.primary is leg):
                talk.told_end = True  # when it ended nobody saw: no length is told, and `to` is the latest it can be
                talk.leg.bridge = None
                of, agent = call.final().id, talk.agent
                state.emit(events.TalkEnded, at, call=of, interface=talk.interface, agent=agent, talk_s=0.0)
        end_leg(state, leg, at)


def _take_up(state: State, item: Packet, at: float, *, new: bool) -> None:
    """A listed channel: refresh the known one, or take up one that was born unseen."""
    leg = state.leg_of(item, at)
    if leg is None:
        return
    leg.answered = item.get("ChannelState") == _UP
    if new:
        leg.call.gap = True
        if item.get("Application") == "Queue":
            leg.queue_app = item.get("ApplicationData").partition(",")[0]


def _waiting(state: State, roster: Roster, at: float) -> None:
    """QueueEntry: who stands in which queue, and for how many whole seconds."""
    for item in roster.queue_status:
        if item.event != "QueueEntry":
            continue
        leg = state.leg_of(item, at)
        queue = item.get("Queue")
        if leg is None or not queue:
            continue
        call = leg.call.final()
        if call.caller is None and call.primary is leg:
            call.caller = number(item.get("CallerIDNum"))
        waited = item.get("Wait")
        joined = at - float(waited) if waited.isascii() and waited.isdigit() and len(waited) < 8 else None
        visit = call.open_visit(leg, queue)
        if visit is not None and visit.waiting:
            if joined is None or visit.joined_at is None or joined - visit.joined_at < AGAIN_S:
                continue
            restart.close_unseen(state, visit, at)
        joined = at if joined is None else joined
        visit = call.new_visit(leg, queue, joined, joined)
        visit.estimated = True
        call.gap = True
        tell_queued(state, visit, at)
        watch(state, visit, at)


def _bridged(state: State, roster: Roster, at: float) -> None:
    """Who talks with whom, from BridgeInfo; a stretch that began in the gap begins when it was first seen."""
    placed: list[tuple[str, bool, list[Leg]]] = []
    for bridge, items in roster.bridges:
        holding = any(
            item.get("BridgeTechnology") == "holding_bridge" or item.get("BridgeType") == "parking" for item in items
        )
        legs = [leg for item in items if (leg := state.legs.get(item.get("Uniqueid"))) is not None]
        placed.append((bridge, holding, legs))
    if not roster.bridges:  # not asked for: CoreShowChannels names each channel's bridge too
        by_bridge: dict[str, list[Leg]] = {}
        for item in roster.channels:
            leg = state.legs.get(item.get("Uniqueid"))
            if leg is not None and item.get("BridgeId"):
                by_bridge.setdefault(item.get("BridgeId"), []).append(leg)
        placed = [(bridge, False, legs) for bridge, legs in by_bridge.items()]
    state.bridges.replace(placed)
    state.retalk(list(state.legs.values()), at)


def _ringing(state: State, listed: dict[str, Packet], at: float) -> None:
    """Phones that ring now for a waiting caller, and are not known to."""
    for uid, item in listed.items():
        leg = state.legs.get(uid)
        if leg is None or leg.is_local or leg.ring is not None or item.get("ChannelState") != _RINGING:
            continue
        call = leg.call.final()
        visit = next((v for v in reversed(call.visits) if v.waiting), None)
        if visit is None or leg is call.primary:
            continue
        agent = state.roll.name(leg.interface)
        ring = Ring(f"{visit.key}/{len(visit.rings) + 1}", visit, leg, agent, leg.interface, at)
        visit.rings[uid] = ring
        tell_ring(state, ring, leg, at)


def _left_unseen(state: State, roster: Roster, at: float) -> None:
    """Visits that were open, whose caller lives on but no longer stands in the queue."""
    if not any(item.event == "QueueParams" for item in roster.queue_status):
        return  # the queues were not listed: nothing can be said
    standing = {(item.get("Uniqueid"), item.get("Queue")) for item in roster.queue_status if item.event == "QueueEntry"}
    served = {
        item.get("Uniqueid"): item.get("ApplicationData").partition(",")[0]
        for item in roster.channels
        if item.get("Application") == "Queue"
    }
    for call in list(state.calls.values()):
        for visit in call.visits:
            if visit.closed or (visit.leg.uid, visit.queue) in standing:
                continue
            phone = _talking_member(state, call, visit.queue)
            # In another queue by now, he left this one somehow: how, its log knows.
            if phone is None or served.get(visit.leg.uid, visit.queue) != visit.queue:
                restart.close_unseen(state, visit, at)
                continue
            # He talks with a member of the queue: answered in the gap. When, AgentComplete tells in whole seconds.
            visit.closed, visit.outcome, visit.settled = True, "answered", True
            visit.interface, visit.agent = phone, state.roll.name(phone)
            call.clock, call.gap = None, True
            for ring in visit.rings.values():
                end_ring(state, ring, at, "answered" if phone in ring.told else "answered_elsewhere", visit.agent)
            state.roll.answered(phone, visit.queue)
            state.emit(
                events.CallAnswered,
                at,
                call=call.id,
                visit=visit.key,
                queue=visit.queue,
                agent=visit.agent,
                interface=phone,
                wait_s=max(0.0, at - (visit.joined_at if visit.joined_at is not None else at)),
                waiting_since=visit.waiting_since,
            )


def _talking_member(state: State, call: CallState, queue: str) -> str | None:
    for talk in call.talks:
        if talk.to is None and state.roll.serves(talk.interface, queue):
            return talk.interface
    return None
