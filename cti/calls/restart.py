"""A PBX that booted anew: its calls are over, and what nobody told is not made up."""

from __future__ import annotations

from cti import events
from cti.calls.rings import end_ring
from cti.calls.state import State
from cti.calls.visits import VisitState


def restarted(state: State, at: float) -> None:
    """Close every call of the old boot. The last moment it was heard of is the last one known."""
    last = state.last_at or at
    state.emit(events.PbxRestarted, at)
    for call in list(state.calls.values()):
        call.gap = True
        for visit in call.visits:
            if not visit.closed:
                close_unseen(state, visit, at, restart=True)
        for talk in call.talks:
            state.end_talk(call, talk, last, tell=True)
        for leg in list(call.legs.values()):
            leg.gone = True
            state.tombs[leg.uid] = at
            call.legs.pop(leg.uid)
        state.end_if_empty(call, last)
    state.legs.clear()
    state.by_name.clear()
    state.by_phone.clear()
    state.bridges.replace(())
    state.dirty.update(state.roll.phones())


def close_unseen(state: State, visit: VisitState, at: float, *, restart: bool = False) -> None:
    """A visit ended while nobody looked: when and how is not known."""
    # What was seen before counts: an Abandon without its sign stays unknown, but its time is known.
    seen = visit.abandon_at if visit.abandon_at is not None else visit.leave_at
    visit.close("pbx_restart" if restart else "unknown", seen)
    visit.settled = True
    call = visit.leg.call.final()
    call.gap = True
    for ring in visit.rings.values():
        end_ring(state, ring, at, "cancelled", None)
    state.emit(
        events.CallLeftQueue,
        at,
        call=call.id,
        visit=visit.key,
        queue=visit.queue,
        reason=visit.outcome,
        wait_s=visit.wait_s,
        waiting_since=visit.waiting_since,
    )
