"""Handlers: callers enter queues, agents are rung, callers leave.

No event is believed by its name alone. QueueCallerAbandon is also sent on time-out, leave-when-empty, withdraw and
Redirect; QueueCallerLeave comes before AgentConnect. A visit is decided by what follows: see `_pending`.
"""

from __future__ import annotations

from collections.abc import Callable

from cti import events
from cti.ami.messages import Packet
from cti.calls.legs import Leg
from cti.calls.rings import end_ring, visit_of, whole
from cti.calls.state import State
from cti.calls.visits import VisitState
from cti.events import Outcome

# How long after QueueCallerAbandon (or a Leave without one) a sign is waited for. Asterisk sends the sign within
# milliseconds; without one the visit is out of the queue for a reason nobody told.
DECIDE_S = 0.25
COMPLETE_S = 2.5
"Between an entry and what AgentComplete's times make of it, where its answer was not seen."


def join(state: State, packet: Packet, at: float) -> None:
    """QueueCallerJoin. A second one of the same caller and queue while that visit is open is a duplicate."""
    leg, queue = state.leg_of(packet, at), packet.get("Queue")
    if leg is None or not queue:
        state.count("packets_without_keys")
        return
    call = leg.call.final()
    if any(older.joined_at == at and older.leg is leg and older.queue == queue for older in call.visits):
        return  # told again, to the microsecond
    visit = call.open_visit(leg, queue)
    if visit is not None and visit.waiting:
        if visit.estimated:  # a resync listed the caller before his own event came: now the time is exact
            visit.joined_at, visit.estimated = at, False
        return
    for older in call.visits:
        if older.leg is leg and not older.settled:
            moved_on(state, older, at)
    visit = call.new_visit(leg, queue, at, at)
    visit.position = whole(packet.get("Position"))
    visit.place = (packet.get("Context"), packet.get("Exten"))
    tell_queued(state, visit, at)
    watch(state, visit, at)


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


def placed(state: State, packet: Packet, at: float) -> None:
    """QueueEntry (a list item): a waiting caller's place. No event tells that somebody changed his priority."""
    leg, position = state.legs.get(packet.get("Uniqueid")), whole(packet.get("Position"))
    visit = leg.call.final().open_visit(leg, packet.get("Queue")) if leg is not None else None
    if visit is None or position is None or not visit.waiting or visit.position == position:
        return
    visit.position = position
    state.emit(
        events.CallerPlaced,
        at,
        call=visit.leg.call.final().id,
        visit=visit.key,
        queue=visit.queue,
        position=position,
    )


def target_of(state: State, queue: str) -> float:
    """The queue's target in seconds."""
    return state.config.targets.get(queue, state.config.default_target)


def watch(state: State, visit: VisitState, at: float) -> None:
    """Set the visit's deadline; the new visit of a caller who is already late is late from its first moment."""
    deadline = visit.waiting_since + target_of(state, visit.queue) + 0.001
    state.at_time(max(at, deadline), lambda now: breach(state, visit, now))


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


def agent_connect(state: State, packet: Packet, at: float) -> None:
    """AgentConnect: the one event that means answered."""
    visit = visit_of(state, packet, at)
    if visit is None:
        return
    dest = state.leg_of(packet, at, "Dest")
    call = visit.leg.call.final()
    member = packet.get("Interface")
    ring = visit.rings.get(dest.uid) if dest is not None else None
    phones = dest.phones() if dest is not None else []
    taken = [phone for phone in phones if phone.answered] or phones
    visit.agent = packet.get("MemberName") or None
    visit.interface = taken[-1].interface if taken else state.roll.phone(member)
    if ring is not None and ring.dest.is_local and taken:
        state.roll.learn(member, visit.interface, visit.agent)
    visit.close("answered", at)
    state.undecided.discard(visit.leg.uid)
    call.clock = None
    state.roll.answered(visit.interface, visit.queue)
    state.dirty.add(visit.interface)
    for other in visit.rings.values():
        won = other is ring or visit.interface in other.told
        end_ring(state, other, at, "answered" if won else "answered_elsewhere", visit.agent or visit.interface)
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
    held, talked = whole(packet.get("HoldTime")), whole(packet.get("TalkTime"))
    visit = _completed(
        leg, queue, (state.roll.phone(member), packet.get("MemberName")), at - (held or 0) - (talked or 0)
    )
    if visit is None:
        return
    visit.completed = True
    if visit.outcome == "answered" and visit.wait_s is not None:
        return
    visit.closed, visit.outcome, visit.settled = True, "answered", True
    visit.agent = visit.agent or packet.get("MemberName") or None
    visit.interface = visit.interface or state.roll.phone(member)
    if visit.joined_at is not None and held is not None:
        visit.wait_s = float(held)
        visit.answered_at = visit.left_at = visit.joined_at + held
    state.changed_calls.add(visit.leg.call.final().id)


def _completed(leg: Leg | None, queue: str, by: tuple[str, str], began: float) -> VisitState | None:
    """The visit that an AgentComplete is about. A caller sent back into the same queue stands there again already.

    Of those whose answer was not seen it is the one that left the queue and nobody said why, before one that waits.
    """
    if leg is None:
        return None
    own = [visit for visit in leg.call.final().visits if visit.leg is leg and visit.queue == queue]

    def fits(visit: VisitState) -> bool:
        # Whole seconds, each of the three of them.
        return visit.joined_at is None or abs(visit.joined_at - began) <= COMPLETE_S

    theirs = [v for v in own if v.outcome == "answered" and (v.interface == by[0] or v.agent == by[1])]
    for visit in theirs:
        if not visit.completed and (visit.wait_s is not None or fits(visit)):
            return visit
    if any(visit.completed and fits(visit) for visit in theirs):
        return None  # told again
    others = [v for v in reversed(own) if v.outcome != "answered" and not v.completed and fits(v)]
    left = (v for v in others if not v.waiting and (not v.settled or v.outcome == "key"))
    return next(left, others[0] if others else None)


def abandon(state: State, packet: Packet, at: float) -> None:
    """QueueCallerAbandon: the caller is out of the queue; why is told by what follows."""
    visit = visit_of(state, packet, at)
    if visit is None or visit.abandon_at is not None:
        return
    visit.abandon_at = at
    place = (packet.get("Context"), packet.get("Exten"))
    if place != visit.place and all(visit.place) and all(place) and not visit.leg.caller_left():
        # He stands elsewhere in the dialplan already, though Queue() has not returned: an AMI Redirect put him there.
        settle(state, visit, "redirected", at)
        return
    _pending(state, visit, at)


def leave(state: State, packet: Packet, at: float) -> None:
    """QueueCallerLeave: after an Abandon, before an AgentConnect, or alone (key press)."""
    visit = visit_of(state, packet, at)
    if visit is None or visit.leave_at is not None:
        return
    visit.leave_at = at
    if visit.abandon_at is None:
        _pending(state, visit, at)


def _picked_up(visit: VisitState) -> bool:
    return any(ring.answered or any(p.answered for p in ring.phones) for ring in visit.rings.values())


def _left_alone(visit: VisitState) -> Outcome:
    """What a Leave without an Abandon means once nothing more can come: a key, unless that could not be seen."""
    return "key" if visit.joined_at is not None and not _picked_up(visit) else "unknown"


def _pending(state: State, visit: VisitState, at: float) -> None:
    """The visit left its queue: decide now if the caller is gone, else wait for a sign."""
    if visit.abandon_at is not None and visit.leg.caller_left():
        settle(state, visit, "abandoned", at)
        return
    state.undecided.add(visit.leg.uid)

    def decide(now: float) -> None:
        state.undecided.discard(visit.leg.uid)
        if visit.closed:
            return
        if visit.abandon_at is not None:
            settle(state, visit, "abandoned" if visit.leg.caller_left() else "unknown", now)
        elif not _picked_up(visit):  # a picked-up phone may take seconds (announcement, gosub) to AgentConnect
            settle(state, visit, _left_alone(visit), now)

    state.unless_told(at + DECIDE_S, decide)


def settle(state: State, visit: VisitState, outcome: Outcome, at: float) -> None:
    """The visit's outcome is known (or will not be): close it and tell."""
    if visit.settled or (visit.closed and outcome == visit.outcome):
        return
    left_at = visit.abandon_at if visit.abandon_at is not None else visit.leave_at
    visit.close(outcome, left_at)
    state.undecided.discard(visit.leg.uid)
    call = visit.leg.call.final()
    state.changed_calls.add(call.id)
    for ring in visit.rings.values():
        end_ring(state, ring, at, "caller_gone" if outcome == "abandoned" else "cancelled", None)
    common = {"call": call.id, "visit": visit.key, "queue": visit.queue, "waiting_since": visit.waiting_since}
    wait_s = None if visit.wait_s is None else round(visit.wait_s, 6)
    if outcome == "abandoned":
        state.emit(events.CallAbandoned, at, wait_s=wait_s or 0.0, **common)
    else:
        state.emit(events.CallLeftQueue, at, reason=outcome, wait_s=wait_s, **common)


def moved_on(state: State, visit: VisitState, at: float) -> None:
    """The caller is known to live on in the dialplan, and nothing said how he left."""
    if visit.settled:
        return
    if visit.abandon_at is None and visit.leave_at is None:
        visit.leave_at = at
        settle(state, visit, "unknown", at)
    elif visit.abandon_at is None:
        settle(state, visit, _left_alone(visit), at)
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
                settle(state, visit, _left_alone(visit), at)


HANDLERS: dict[str, Callable[[State, Packet, float], None]] = {
    "QueueCallerJoin": join,
    "QueueEntry": placed,
    "QueueCallerAbandon": abandon,
    "QueueCallerLeave": leave,
    "AgentConnect": agent_connect,
    "AgentComplete": agent_complete,
}
