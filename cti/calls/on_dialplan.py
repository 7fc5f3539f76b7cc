"""Handlers: what the dialplan says of a caller - QUEUESTATUS, a further step, the menu's choice.

The class `dialplan` may not be subscribed; then a user event of the shipped dialplan tells, or nothing does.
"""

from __future__ import annotations

from collections.abc import Callable

from cti import events
from cti.ami.messages import Packet
from cti.calls import record
from cti.calls.legs import Leg
from cti.calls.on_queues import moved_on, settle
from cti.calls.state import State
from cti.calls.visits import LEFT_BY_STATUS, REFUSED_BY_STATUS, VisitState

# One refusal is told twice (variable and user event); a second try of the caller takes longer than this.
_SAME_REFUSAL_S = 2.0


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
        if visit.joined_at is None or at >= visit.joined_at:  # else told again, of an earlier stay
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
    leg = state.leg_of(packet, at)
    if leg is not None:
        _status(state, leg, packet.get("Value").upper(), leg.queue_app, at)


def new_exten(state: State, packet: Packet, at: float) -> None:
    """Newexten (class dialplan): a step of the dialplan; a caller who takes one has not hung up."""
    queue = b"\r\nApplication: Queue\r\n" in packet.raw
    leg = state.leg_of(packet, at)
    if leg is None:
        return
    visit = _undecided(leg)
    if visit is not None and packet.get("Extension") != "h":
        if leg.caller_left():
            settle(state, visit, "abandoned" if visit.abandon_at is not None else "unknown", at)
        else:
            moved_on(state, visit, at)
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
    "VarSet": variable_set,
    "Newexten": new_exten,
    "UserEvent": user_event,
}
