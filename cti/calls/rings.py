"""Rings: which phones ring for a queue visit or otherwise, and how each ring ends.

A ring that another agent's answer or the caller's hang-up cancelled is never a missed one.
"""

from __future__ import annotations

from collections.abc import Callable

from cti import events
from cti.ami.messages import Packet
from cti.calls import record
from cti.calls.legs import Leg
from cti.calls.state import State
from cti.calls.visits import Ring, VisitState
from cti.events import RingEnd


def whole(text: str) -> int | None:
    """A whole number as a header gives it, None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def visit_of(state: State, packet: Packet, at: float) -> VisitState | None:
    """The open visit a queue event speaks of; made where the tape began in its middle."""
    leg, queue = state.leg_of(packet, at), packet.get("Queue")
    if leg is None or not queue:
        return None
    call = leg.call.final()
    visit = call.open_visit(leg, queue)
    if visit is None:
        return call.new_visit(leg, queue, None, at) if call.last_visit(leg, queue) is None else None
    if len(call.visits) > 1 and any(older is not visit and older.was_at(leg, queue, at) for older in call.visits):
        return None  # told again, of a stay that is over
    return visit


def agent_called(state: State, packet: Packet, at: float) -> None:
    """AgentCalled: a member's channel is rung, before the phone itself says so."""
    visit = visit_of(state, packet, at)
    dest = state.leg_of(packet, at, "Dest")
    if visit is None or dest is None or not visit.waiting or dest.uid in visit.rings:
        return
    member = packet.get("Interface")
    ring = Ring(f"{visit.key}/{len(visit.rings) + 1}", visit, dest, packet.get("MemberName") or None, member, at)
    visit.rings[dest.uid] = ring
    dest.ring = ring
    if not dest.is_local and ring.agent:
        state.roll.learn(member, member, ring.agent)
    for phone in dest.phones():
        tell_ring(state, ring, phone, at)


def phone_rings(state: State, phone: Leg, caller: Leg, at: float) -> None:
    """A phone is dialled: part of a queue ring behind Local hops or a forward, or a ring of its own."""
    ring = _ring_behind(phone, caller)
    if ring is not None:
        tell_ring(state, ring, phone, at)
        return
    call = phone.call.final()
    if phone.uid in call.rings_outside_queue or phone.ring is not None:
        return
    about = call.consult_of if call.consult_of in state.calls else None
    key = f"{call.id}/d{len(call.rings_outside_queue) + 1}"
    call.rings_outside_queue[phone.uid] = key
    state.dirty.add(phone.interface)
    subject = state.calls[about] if about is not None else call
    state.emit(
        events.AgentRinging,
        at,
        call=subject.id,
        ring=key,
        visit=None,
        queue=None,
        agent=state.roll.name(phone.interface),
        interface=phone.interface,
        caller=subject.caller,
        caller_name=subject.caller_name,
        dialed=subject.dialed,
        choice=subject.choice,
        waiting_since=None,
        consult=about is not None,
    )


def _ring_behind(phone: Leg, caller: Leg) -> Ring | None:
    """The queue ring that made this phone ring, looking back through Local pairs and forwards."""
    leg: Leg | None = caller
    for _ in range(8):
        if leg is None or not leg.is_local:
            break
        near = leg.pair
        if near is not None and near.ring is not None:
            return near.ring
        leg = leg.upstream()
    for visit in reversed(phone.call.final().visits):
        if visit.waiting:
            for ring in visit.rings.values():
                if ring.member and ring.dest.gone and not ring.ended and not ring.dest.is_local:
                    return ring  # the member's phone sent the call on (302): its channel is gone, the ring is not
    return None


def tell_ring(state: State, ring: Ring, phone: Leg, at: float) -> None:
    """Tell, once a phone, that a queue's ring reached it."""
    if phone.interface in ring.told or ring.ended:
        return
    visit = ring.visit
    call = visit.leg.call.final()
    phone.ring = ring
    ring.phones.append(phone)
    key = ring.key if not ring.told else f"{ring.key}.{len(ring.told) + 1}"
    ring.told[phone.interface] = key
    if ring.dest.is_local:
        state.roll.learn(ring.member, phone.interface, ring.agent)
    state.dirty.add(phone.interface)
    state.emit(
        events.AgentRinging,
        at,
        call=call.id,
        ring=key,
        visit=visit.key,
        queue=visit.queue,
        agent=ring.agent,
        interface=phone.interface,
        caller=call.caller,
        caller_name=call.caller_name,
        dialed=call.dialed,
        choice=call.choice,
        waiting_since=visit.waiting_since,
    )


def ring_answered(state: State, dest: Leg, at: float) -> None:
    """DialEnd ANSWER: the phone was picked up."""
    if dest.ring is not None:
        dest.ring.answered = True
        return
    call = dest.call.final()
    key = call.rings_outside_queue.get(dest.uid)
    if key is not None:
        _tell_direct_end(state, call.consult_of, dest, key, "answered", at)


def ring_over(state: State, dest: Leg, at: float) -> None:
    """The phone stopped ringing without (or after) an answer: DialEnd, or its channel is gone."""
    ring = dest.ring
    if ring is None:
        call = dest.call.final()
        key = call.rings_outside_queue.get(dest.uid)
        if key is not None and not dest.answered:
            _tell_direct_end(state, call.consult_of, dest, key, "cancelled", at)
        return
    visit = ring.visit
    if ring.answered or visit.outcome == "answered":
        if visit.outcome == "answered" and visit.interface != dest.interface:
            end_ring(state, ring, at, "answered_elsewhere", visit.agent or visit.interface, dest)
        return
    winner = next((other for other in visit.rings.values() if other.answered), None)
    if winner is not None:
        end_ring(state, ring, at, "answered_elsewhere", winner.agent or winner.interface(), dest)
    else:
        end_ring(state, ring, at, "caller_gone" if visit.leg.caller_left() else "cancelled", None, dest)


def _tell_direct_end(state: State, about: str | None, dest: Leg, key: str, reason: RingEnd, at: float) -> None:
    call = dest.call.final()
    call.rings_outside_queue[dest.uid] = ""
    state.dirty.add(dest.interface)
    if not key:
        return
    state.emit(
        events.RingEnded,
        at,
        call=about if about is not None and about in state.calls else call.id,
        ring=key,
        visit=None,
        agent=state.roll.name(dest.interface),
        interface=dest.interface,
        reason=reason,
    )


def end_ring(state: State, ring: Ring, at: float, reason: RingEnd, by: str | None, only: Leg | None = None) -> None:
    """End a ring on one phone or on all; each phone is told once."""
    for interface, key in list(ring.told.items()):
        if not key or (only is not None and interface != only.interface):
            continue
        ring.told[interface] = ""
        state.dirty.add(interface)
        state.emit(
            events.RingEnded,
            at,
            call=ring.visit.leg.call.final().id,
            ring=key,
            visit=ring.visit.key,
            agent=ring.agent,
            interface=interface,
            reason=reason,
            by=by,
        )
    if only is None:
        ring.ended = True


def ring_no_answer(state: State, packet: Packet, at: float) -> None:
    """AgentRingNoAnswer: rang out, busy or declined. RingTime is in milliseconds here."""
    visit = visit_of(state, packet, at)
    if visit is None:  # also sent while the visit closes (time-out, empty, shutdown)
        leg = state.leg_of(packet, at, create=False)
        visit = None if leg is None else leg.call.final().last_visit(leg, packet.get("Queue"))
        if visit is None:
            return
    uid = packet.get("DestUniqueid")
    if uid in visit.missed_keys or len(visit.missed_keys) > 5_000:
        return
    visit.missed_keys.add(uid)
    ring = visit.rings.get(uid)
    member = packet.get("Interface")
    agent = packet.get("MemberName") or (ring.agent if ring is not None else None)
    phone = ring.interface() if ring is not None else state.roll.phone(member)
    took = whole(packet.get("RingTime"))
    ring_s = took / 1000 if took is not None else (at - ring.at if ring is not None else 0.0)
    visit.missed.append(record.Missed(agent=agent, interface=phone, ring_s=round(ring_s, 3)))
    state.roll.missed(phone)
    state.dirty.add(phone)
    state.emit(
        events.AgentMissed,
        at,
        call=visit.leg.call.final().id,
        visit=visit.key,
        ring=ring.key if ring is not None else visit.key,
        queue=visit.queue,
        agent=agent,
        interface=phone,
        ring_s=round(ring_s, 3),
    )
    if ring is not None:
        end_ring(state, ring, at, "missed", None)


HANDLERS: dict[str, Callable[[State, Packet, float], None]] = {
    "AgentCalled": agent_called,
    "AgentRingNoAnswer": ring_no_answer,
}
