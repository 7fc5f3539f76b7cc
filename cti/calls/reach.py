"""What an action must name at the PBX: the one place where channels leave the core, and only for `cti.control`.

Everybody else knows calls, visits and interfaces. A reach is looked up at the moment it is used and never kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from cti.calls.state import State


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a queue: all that is needed to make it again."""

    queue: str
    interface: str
    "The member's own, which may be a Local channel."
    name: str = ""
    state_interface: str = ""
    penalty: int = 0
    paused: bool = False
    reason: str = ""
    dynamic: bool = True
    "False for a row of queues.conf: the PBX does not let go of it."
    login_time: int = 0
    "Whole epoch seconds at which it was added; another one means that it was removed and added meanwhile. 0: not said."


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """One channel, exactly."""

    channel: str
    uid: str
    call: str
    interface: str


def waiting(state: State, visit: str) -> Reach | None:
    """The channel of a caller who stands in a queue at this moment; None once he no longer does."""
    call = state.calls.get(visit.rpartition("#")[0])
    if call is None:
        return None
    for one in call.visits:
        if one.key == visit and one.waiting and not one.leg.gone and not one.leg.hangup_requested:
            leg = one.leg
            return Reach(channel=leg.name, uid=leg.uid, call=call.final().id, interface=leg.interface)
    return None


def talking(state: State, phone: str) -> Reach | None:
    """The channel on which a phone is bridged with a caller now; the one that is not on hold, where there are two."""
    found: Reach | None = None
    for leg in state.by_phone.get(phone, {}).values():
        if leg.gone or leg.bridge is None:
            continue
        call = leg.call.final()
        if found is None or not leg.held:
            found = Reach(channel=leg.name, uid=leg.uid, call=call.id, interface=phone)
    return found


def first_leg(state: State, call: str) -> Reach | None:
    """The channel that leads a call."""
    known = state.calls.get(call)
    leg = known.primary if known is not None else None
    if leg is None or leg.gone:
        return None
    return Reach(channel=leg.name, uid=leg.uid, call=call, interface=leg.interface)


def concerns(state: State, names: Iterable[str]) -> bool:
    """True where one of these is a channel, a channel's Uniqueid, a queue, a member or a phone of this PBX."""
    roll = state.roll
    queues, phones = set(roll.queues()), set(roll.phones())
    for name in names:
        if name in state.by_name or name in state.legs or name in queues or name in phones:
            return True
        if roll.is_member(roll.phone(name)) or state.by_phone.get(name):
            return True
    return False
