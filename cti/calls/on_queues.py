"""Handlers: callers enter queues, agents are rung, callers leave.

No event is believed by its name alone. QueueCallerAbandon is also sent on time-out, leave-when-empty, withdraw and
Redirect; QueueCallerLeave comes before AgentConnect. A visit is decided by what follows: see `_pending`.
"""

from __future__ import annotations

from collections.abc import Callable

from cti import events
from cti.ami.messages import Packet
from cti.calls import record
from cti.calls.legs import Leg
from cti.calls.state import State
from cti.calls.visits import LEFT_BY_STATUS, REFUSED_BY_STATUS, Ring, VisitState
from cti.events import Outcome, RingEnd

# How long after QueueCallerAbandon (or a Leave without one) a sign is waited for. Asterisk sends the sign within
# milliseconds; without one the visit is out of the queue for a reason nobody told.
DECIDE_S = 0.25
# One refusal is told twice (variable and user event); a second try of the caller takes longer than this.
_SAME_REFUSAL_S = 2.0


# -- entering -------------------------------------------------------------------------------------------


def join(state: State, packet: Packet, at: float) -> None:
    """QueueCallerJoin. A second one of the same caller and queue while that visit is open is a duplicate."""
    leg, queue = state.leg_of(packet, at), packet.get("Queue")
    if leg is None or not queue:
        state.count("packets_without_keys")
        return
    call = leg.call.final()
    visit = call.open_visit(leg, queue)
    if visit is not None and visit.waiting:
        if visit.estimated:  # a resync listed the caller before his own event came: now the time is exact
            visit.joined_at, visit.estimated = at, False
        return
    for older in call.visits:
        if older.leg is leg and not older.settled:
            _moved_on(state, older, at)
    visit = call.new_visit(leg, queue, at, at)
    visit.position = _whole(packet.get("Position"))
    tell_queued(state, visit, at)
    # The new visit of a caller who is already late is late from its first moment.
    state.at_time(max(at, visit.waiting_since + target_of(state, queue) + 0.001), lambda now: breach(state, visit, now))


def tell_queued(state: State, visit: VisitState, at: float) -> None:
    """Tell that a visit began."""
    call = visit.leg.call.final()
    state.emit(
        events.CallQueued,
        at,
        call=call.id,
        visit=visit.key,
        queue=visit.queue,
        position=visit.position,
        waiting_since=visit.waiting_since,
        caller=call.caller,
        caller_name=call.caller_name,
        dialed=call.dialed,
        choice=call.choice,
    )


def target_of(state: State, queue: str) -> float:
    """The queue's target in seconds."""
    return state.config.targets.get(queue, state.config.default_target)


def breach(state: State, visit: VisitState, now: float) -> None:
    """The target has passed: once a visit, and only for a caller who still waits."""
    if visit.waiting and not visit.breached:
        visit.breached = True
        state.emit(
            events.SlaBreached,
            now,
            call=visit.leg.call.final().id,
            visit=visit.key,
            queue=visit.queue,
            waiting_since=visit.waiting_since,
            target_s=target_of(state, visit.queue),
        )


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def _visit_of(state: State, packet: Packet, at: float) -> VisitState | None:
    """The open visit a queue event speaks of; made where the tape began in its middle."""
    leg, queue = state.leg_of(packet, at), packet.get("Queue")
    if leg is None or not queue:
        return None
    call = leg.call.final()
    visit = call.open_visit(leg, queue)
    if visit is None and call.last_visit(leg, queue) is None:
        visit = call.new_visit(leg, queue, None, at)
    return visit


# -- ringing --------------------------------------------------------------------------------------------


def agent_called(state: State, packet: Packet, at: float) -> None:
    """AgentCalled: a member's channel is rung, before the phone itself says so."""
    visit = _visit_of(state, packet, at)
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
        _tell_ring(state, ring, phone, at)


def phone_rings(state: State, phone: Leg, caller: Leg, at: float) -> None:
    """A phone is dialled: part of a queue ring behind Local hops or a forward, or a ring of its own."""
    ring = _ring_behind(phone, caller)
    if ring is not None:
        _tell_ring(state, ring, phone, at)
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


def _tell_ring(state: State, ring: Ring, phone: Leg, at: float) -> None:
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
            _end_ring(state, ring, at, "answered_elsewhere", visit.agent or visit.interface, dest)
        return
    reason: RingEnd = "caller_gone" if visit.leg.caller_left() else "cancelled"
    if any(other.answered for other in visit.rings.values()):
        reason = "answered_elsewhere"
    _end_ring(state, ring, at, reason, None, dest)


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


def _end_ring(state: State, ring: Ring, at: float, reason: RingEnd, by: str | None, only: Leg | None = None) -> None:
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
    visit = _visit_of(state, packet, at)
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
    took = _whole(packet.get("RingTime"))
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
        _end_ring(state, ring, at, "missed", None)


# -- answered -------------------------------------------------------------------------------------------


def agent_connect(state: State, packet: Packet, at: float) -> None:
    """AgentConnect: the one event that means answered."""
    visit = _visit_of(state, packet, at)
    if visit is None:
        return
    dest = state.leg_of(packet, at, "Dest")
    call = visit.leg.call.final()
    member = packet.get("Interface")
    ring = visit.rings.get(dest.uid) if dest is not None else None
    phones = dest.phones() if dest is not None else []
    taken = [phone for phone in phones if phone.answered] or phones
    visit.agent = packet.get("MemberName") or None
    visit.member = member
    visit.interface = taken[-1].interface if taken else state.roll.phone(member)
    if ring is not None and ring.dest.is_local and taken:
        state.roll.learn(member, visit.interface, visit.agent)
    visit.close("answered", at)
    call.clock = None
    state.roll.answered(visit.interface, visit.queue)
    state.dirty.add(visit.interface)
    for other in visit.rings.values():
        won = other is ring or visit.interface in other.told
        _end_ring(state, other, at, "answered" if won else "answered_elsewhere", visit.agent or visit.interface)
    state.emit(
        events.CallAnswered,
        at,
        call=call.id,
        visit=visit.key,
        queue=visit.queue,
        agent=visit.agent,
        interface=visit.interface,
        wait_s=round(visit.wait_s, 6) if visit.wait_s is not None else 0.0,
        waiting_since=visit.waiting_since,
    )


def agent_complete(state: State, packet: Packet, at: float) -> None:
    """AgentComplete: the queue is done with the call. Says after a gap that it was answered, in whole seconds.

    It may lack one side: the caller's channel, or Dest*.
    """
    queue, member = packet.get("Queue"), packet.get("Interface")
    until = state.roll.wrap_up(queue, member, at)
    if until is not None:
        phone = state.roll.phone(member)
        state.at_time(until, lambda now: state.dirty.add(phone))
        state.dirty.add(phone)
    leg = state.leg_of(packet, at, create=False)
    visit = leg.call.final().last_visit(leg, queue) if leg is not None else None
    if visit is None or visit.outcome == "answered" and visit.wait_s is not None:
        return
    held = _whole(packet.get("HoldTime"))
    visit.closed, visit.outcome, visit.settled = True, "answered", True
    visit.agent = visit.agent or packet.get("MemberName") or None
    visit.interface = visit.interface or state.roll.phone(member)
    if visit.joined_at is not None and held is not None:
        visit.wait_s = float(held)
        visit.answered_at = visit.left_at = visit.joined_at + held
    state.changed_calls.add(visit.leg.call.final().id)


# -- leaving --------------------------------------------------------------------------------------------


def abandon(state: State, packet: Packet, at: float) -> None:
    """QueueCallerAbandon: the caller is out of the queue; why is told by what follows."""
    visit = _visit_of(state, packet, at)
    if visit is None or visit.abandon_at is not None:
        return
    visit.abandon_at = at
    _pending(state, visit, at)


def leave(state: State, packet: Packet, at: float) -> None:
    """QueueCallerLeave: after an Abandon, before an AgentConnect, or alone (key press)."""
    visit = _visit_of(state, packet, at)
    if visit is None or visit.leave_at is not None:
        return
    visit.leave_at = at
    if visit.abandon_at is None:
        _pending(state, visit, at)


def _picked_up(visit: VisitState) -> bool:
    return any(ring.answered or any(p.answered for p in ring.phones) for ring in visit.rings.values())


def _pending(state: State, visit: VisitState, at: float) -> None:
    """The visit left its queue: decide now if the caller is gone, else wait for a sign."""
    if visit.abandon_at is not None and visit.leg.caller_left():
        settle(state, visit, "abandoned", at)
        return
    state.undecided += 1

    def decide(now: float) -> None:
        state.undecided -= 1
        if visit.closed:
            return
        if visit.abandon_at is not None:
            settle(state, visit, "abandoned" if visit.leg.caller_left() else "unknown", now)
        elif not _picked_up(visit):  # a picked-up phone may take seconds (announcement, gosub) to AgentConnect
            settle(state, visit, "key", now)

    state.at_time(at + DECIDE_S, decide)


def settle(state: State, visit: VisitState, outcome: Outcome, at: float) -> None:
    """The visit's outcome is known (or will not be): close it and tell."""
    if visit.settled or (visit.closed and outcome == visit.outcome):
        return
    left_at = visit.abandon_at if visit.abandon_at is not None else visit.leave_at
    visit.close(outcome, left_at)
    call = visit.leg.call.final()
    state.changed_calls.add(call.id)
    for ring in visit.rings.values():
        _end_ring(state, ring, at, "caller_gone" if outcome == "abandoned" else "cancelled", None)
    common = {"call": call.id, "visit": visit.key, "queue": visit.queue, "waiting_since": visit.waiting_since}
    wait_s = None if visit.wait_s is None else round(visit.wait_s, 6)
    if outcome == "abandoned":
        state.emit(events.CallAbandoned, at, wait_s=wait_s or 0.0, **common)
    else:
        state.emit(events.CallLeftQueue, at, reason=outcome, wait_s=wait_s, **common)


def _moved_on(state: State, visit: VisitState, at: float) -> None:
    """The caller is known to live on in the dialplan, and nothing said how he left."""
    if visit.settled:
        return
    if visit.abandon_at is None and visit.leave_at is None:
        visit.leave_at = at
        settle(state, visit, "unknown", at)
    elif visit.abandon_at is None:
        settle(state, visit, "unknown" if _picked_up(visit) else "key", at)
    else:
        settle(state, visit, "redirected" if state.dialplan_seen else "unknown", at)


def leg_gone(state: State, leg: Leg, at: float, *, hung_up: bool) -> None:
    """A caller's channel asked to end (`hung_up` False) or ended: what his open visit came to."""
    for visit in leg.call.final().visits:
        if visit.leg is not leg or visit.closed:
            continue
        if visit.abandon_at is not None:
            settle(state, visit, "abandoned", at)
        elif hung_up:
            if visit.leave_at is None:
                visit.leave_at = at
                settle(state, visit, "unknown", at)
            else:
                settle(state, visit, "unknown" if _picked_up(visit) else "key", at)


# -- what the dialplan says -----------------------------------------------------------------------------


def _undecided(leg: Leg) -> VisitState | None:
    visit = leg.call.final().last_visit(leg)
    if visit is None or visit.settled or (visit.abandon_at is None and visit.leave_at is None):
        return None
    return visit


def _status(state: State, leg: Leg, status: str, queue: str, at: float) -> None:
    """QUEUESTATUS, from the variable or a user event: left, or not let in."""
    visit = _undecided(leg)
    outcome = LEFT_BY_STATUS.get(status)
    if visit is not None and outcome is not None:
        settle(state, visit, outcome, at)
        return
    reason = REFUSED_BY_STATUS.get(status)
    if reason is None:
        return
    call = leg.call.final()
    for refused in call.refused:
        if refused.reason == reason and refused.queue == queue and at - refused.at < _SAME_REFUSAL_S:
            return
    if len(call.refused) < 1_000:
        call.refused.append(record.Refused(queue=queue, reason=reason, at=at))
        state.emit(events.CallRefused, at, call=call.id, queue=queue, reason=reason)


def variable_set(state: State, packet: Packet, at: float) -> None:
    """VarSet of QUEUESTATUS (class dialplan)."""
    state.dialplan_seen = True
    if b"\r\nVariable: QUEUESTATUS\r\n" not in packet.raw:
        return
    leg = state.leg_of(packet, at)
    if leg is not None:
        _status(state, leg, packet.get("Value").upper(), leg.queue_app, at)


def new_exten(state: State, packet: Packet, at: float) -> None:
    """Newexten (class dialplan): a step of the dialplan; a caller who takes one has not hung up."""
    state.dialplan_seen = True
    queue = b"\r\nApplication: Queue\r\n" in packet.raw
    if not queue and state.undecided <= 0:
        return
    leg = state.leg_of(packet, at)
    if leg is None:
        return
    visit = _undecided(leg)
    if visit is not None and packet.get("Extension") != "h":
        if leg.caller_left():
            settle(state, visit, "abandoned" if visit.abandon_at is not None else "unknown", at)
        else:
            _moved_on(state, visit, at)
    if queue:
        leg.queue_app = packet.get("AppData").partition(",")[0].strip()


def user_event(state: State, packet: Packet, at: float) -> None:
    """UserEvent of the dialplan (class user): the menu's choice, and how a caller left Queue().

    One sent over AMI carries no channel and tells nothing here.
    """
    if not packet.get("Uniqueid"):
        return
    leg = state.leg_of(packet, at)
    if leg is None:
        return
    choice = packet.get("Choice")
    call = leg.call.final()
    if choice and choice != call.choice:
        call.choice = choice[:40]
        state.emit(events.CallRouted, at, call=call.id, choice=call.choice)
    status = packet.get("Status") or packet.get("QueueStatus") or packet.get("QUEUESTATUS")
    if status:
        _status(state, leg, status.upper(), packet.get("Queue") or leg.queue_app, at)


HANDLERS: dict[str, Callable[[State, Packet, float], None]] = {
    "QueueCallerJoin": join,
    "QueueCallerAbandon": abandon,
    "QueueCallerLeave": leave,
    "AgentCalled": agent_called,
    "AgentRingNoAnswer": ring_no_answer,
    "AgentConnect": agent_connect,
    "AgentComplete": agent_complete,
    "VarSet": variable_set,
    "Newexten": new_exten,
    "UserEvent": user_event,
}
