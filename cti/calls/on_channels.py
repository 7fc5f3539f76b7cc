"""Handlers: channels are born, dial, ring, are bridged, held and hung up."""

from __future__ import annotations

from collections.abc import Callable

from cti import events
from cti.ami.messages import Packet
from cti.calls import restart
from cti.calls.call import CallState
from cti.calls.legs import Leg, dialled_number, interface_of, number
from cti.calls.on_queues import leg_gone
from cti.calls.rings import phone_rings, ring_answered, ring_over
from cti.calls.state import State

Handler = Callable[[State, Packet, float], None]


def new_channel(state: State, packet: Packet, at: float) -> None:
    """Newchannel: the only event in which Exten of a caller's channel is surely the number dialled."""
    uid, name = packet.get("Uniqueid"), packet.get("Channel")
    if not uid or not name:
        state.count("packets_without_keys")
        return
    if uid in state.legs or uid in state.tombs:
        return
    twin = state.by_name.get(name)
    if twin is not None and not twin.gone and not name.startswith("Local/"):
        # A channel name is given out once a boot: that channel died with the PBX and nobody said so.
        restart.restarted(state, at)
    linkedid = packet.get("Linkedid") or uid
    known = linkedid in state.calls
    leg = state.new_leg(uid, name, linkedid, packet)
    if leg is None:
        return
    call = leg.call
    if call.primary is not leg:
        return
    if not known:
        call.partial = False
        call.started_at = at
    # A channel that is born Down and leads its own call was made by Originate (AMI or a call file).
    call.originated = packet.get("ChannelState") == "0"
    state.dialed(call, leg, packet.get("Exten"))
    _consultation(state, call, leg)
    if not call.originated:
        state.offer(call, at)


def _consultation(state: State, call: CallState, leg: Leg) -> None:
    """A phone that has a caller and calls somebody else consults about him."""
    if state.outside(leg):
        return
    for other in state.by_phone.get(leg.interface, {}).values():
        if other is not leg and any(talk.leg is other and talk.to is None for talk in other.call.talks):
            call.consult_of = other.call.final().id
            return


def new_state(state: State, packet: Packet, at: float) -> None:
    """Newstate: ringing and answered."""
    leg = state.leg_of(packet, at)
    if leg is None:
        return
    if packet.get("ChannelState") == "6" and not leg.answered:
        leg.answered = True
        state.dirty.add(leg.interface)
        state.changed_calls.add(leg.call.id)


def new_callerid(state: State, packet: Packet, at: float) -> None:
    """NewCallerid: a caller id that came after birth (an originated or analogue line)."""
    leg = state.leg_of(packet, at)
    if leg is not None and leg.caller is None:
        leg.caller = number(packet.get("CallerIDNum"))
        leg.caller_name = number(packet.get("CallerIDName"))
        if leg.call.primary is leg and leg.call.caller is None and not leg.call.visits:
            leg.call.caller, leg.call.caller_name = leg.caller, leg.caller_name


def dial_begin(state: State, packet: Packet, at: float) -> None:
    """DialBegin: one leg rings another. Without a first leg it is an Originate."""
    caller = state.leg_of(packet, at)
    dest = state.leg_of(packet, at, "Dest")
    if dest is None:
        return
    if caller is not None:
        if caller.call.primary is caller:
            state.dialed(caller.call, caller, packet.get("Exten"))
            state.offer(caller.call, at)
        if dest.dialer is None:
            dest.dialer = caller
            caller.children.append(dest)
    if dest.is_local:
        return
    through = dialled_number(packet.get("DialString"), dest.interface)
    if state.config.trunks:
        dest.trunk = state.outside(dest)
    elif (
        through is not None and not state.roll.is_member(dest.interface) and dest.interface not in state.dialled_phones
    ):
        dest.trunk = True
    if dest.trunk:
        state.trunks_seen.add(dest.interface)
        dest.call.final().reached_outside = True
        return
    if len(state.dialled_phones) < 50_000:
        state.dialled_phones.add(dest.interface)
        if dest.context and dest.interface not in state.trunks_seen:
            state.phone_contexts.add(dest.context)
    if caller is not None:
        phone_rings(state, dest, caller, at)


def dial_end(state: State, packet: Packet, at: float) -> None:
    """DialEnd: answered, cancelled, forwarded. CANCEL often comes twice."""
    dest = state.leg_of(packet, at, "Dest", create=False)
    state.leg_of(packet, at)
    if dest is None:
        return
    status = packet.get("DialStatus")
    if status == "ANSWER":
        dest.answered = True
        ring_answered(state, dest, at)
        state.dirty.add(dest.interface)
    elif not packet.get("Forward"):
        ring_over(state, dest, at)


def originate_response(state: State, packet: Packet, at: float) -> None:
    """OriginateResponse: names the number that the originated leg is to reach."""
    leg = state.legs.get(packet.get("Uniqueid"))
    if leg is not None and leg.call.originated:
        state.dialed(leg.call, leg, packet.get("Exten"))
        state.offer(leg.call, at)
    if packet.get("Response") == "Failure" and packet.get("Uniqueid"):
        phone = interface_of(packet.get("Channel"))
        state.emit(events.OriginateFailed, at, call=packet.get("Uniqueid")[:150], interface=phone)


def spy_start(state: State, packet: Packet, at: float) -> None:
    """ChanSpyStart: the channel listened to is named by its Uniqueid."""
    heard, by = state.legs.get(packet.get("SpyeeUniqueid")), state.legs.get(packet.get("SpyerUniqueid"))
    if heard is not None and by is not None:
        spy = by.call.final().id
        state.emit(
            events.SpyStarted, at, call=heard.call.final().id, interface=heard.interface, by=by.interface, spy=spy
        )


def spy_stop(state: State, packet: Packet, at: float) -> None:
    """ChanSpyStop."""
    by = state.legs.get(packet.get("SpyerUniqueid"))
    if by is not None:
        state.emit(events.SpyStopped, at, by=by.interface, spy=by.call.final().id)


def local_bridge(state: State, packet: Packet, at: float) -> None:
    """LocalBridge: ties the halves of a Local channel."""
    one = state.leg_of(packet, at, "LocalOne")
    two = state.leg_of(packet, at, "LocalTwo")
    if one is not None and two is not None:
        one.pair, two.pair = two, one


def bridge_enter(state: State, packet: Packet, at: float) -> None:
    """BridgeEnter: a leg hears the others in the bridge."""
    leg = state.leg_of(packet, at)
    bridge = packet.get("BridgeUniqueid")
    if leg is None or not bridge or at < leg.moved_at:  # told again, of a bridge that it has left
        return
    leg.moved_at = at
    holding = packet.get("BridgeTechnology") == "holding_bridge" or packet.get("BridgeType") == "parking"
    left = state.bridges.enter(bridge, leg, holding=holding)
    if left:
        state.retalk(left, at)
    state.retalk([leg], at)


def bridge_leave(state: State, packet: Packet, at: float) -> None:
    """BridgeLeave."""
    leg = state.leg_of(packet, at)
    if leg is not None and leg.bridge == packet.get("BridgeUniqueid") and at >= leg.moved_at:
        leg.moved_at = at
        state.retalk(state.bridges.leave(leg), at)


def bridge_destroy(state: State, packet: Packet, at: float) -> None:
    """BridgeDestroy."""
    legs = state.bridges.destroy(packet.get("BridgeUniqueid"))
    if legs:
        state.retalk(legs, at)


def hold(state: State, packet: Packet, at: float) -> None:
    """Hold: Channel is the phone that put the other side on hold."""
    _set_held(state, state.leg_of(packet, at), at, held=True)


def unhold(state: State, packet: Packet, at: float) -> None:
    """Unhold; a REFER sends one without a Hold."""
    _set_held(state, state.leg_of(packet, at), at, held=False)


def _set_held(state: State, leg: Leg | None, at: float, *, held: bool) -> None:
    if leg is None or leg.held == held:
        return
    leg.held = held
    state.dirty.add(leg.interface)
    kind = events.CallHeld if held else events.CallResumed
    state.emit(kind, at, call=leg.call.final().id, interface=leg.interface)


def hangup_request(state: State, packet: Packet, at: float) -> None:
    """HangupRequest and SoftHangupRequest: whoever has this channel wants it ended."""
    leg = state.leg_of(packet, at)
    if leg is not None:
        leg.hangup_requested = True
        state.changed_calls.add(leg.call.id)
        leg_gone(state, leg, at, hung_up=False)


def hangup(state: State, packet: Packet, at: float) -> None:
    """Hangup: the channel is gone. What comes of it later is ignored."""
    uid = packet.get("Uniqueid")
    leg = state.legs.get(uid)
    if leg is None:
        if uid and uid not in state.tombs and len(uid) <= 150:
            state.tombs[uid] = at
        return
    linkedid = packet.get("Linkedid")
    if linkedid and linkedid != leg.linkedid:
        state.relink(leg, linkedid, at)
    end_leg(state, leg, at)


def end_leg(state: State, leg: Leg, at: float) -> None:
    """Take a leg out of everything; the call ends with its last one."""
    call = leg.call
    state.changed_calls.add(call.id)
    state.retalk(state.bridges.leave(leg), at)
    leg.gone = True
    ring_over(state, leg, at)
    leg_gone(state, leg, at, hung_up=True)
    if call.primary is leg:
        for talk in call.talks:
            state.end_talk(call, talk, at)
    for talk in call.talks:
        if talk.leg is leg:
            state.end_talk(call, talk, at, tell=True)
    state.legs.pop(leg.uid, None)
    if state.by_name.get(leg.name) is leg:
        del state.by_name[leg.name]
    legs = state.by_phone.get(leg.interface)
    if legs is not None:
        legs.pop(leg.uid, None)
        if not legs:
            del state.by_phone[leg.interface]
    state.tombs[leg.uid] = at
    state.dirty.add(leg.interface)
    call.legs.pop(leg.uid, None)
    state.end_if_empty(call, at)


HANDLERS: dict[str, Handler] = {
    "Newchannel": new_channel,
    "Newstate": new_state,
    "NewCallerid": new_callerid,
    "DialBegin": dial_begin,
    "DialEnd": dial_end,
    "OriginateResponse": originate_response,
    "LocalBridge": local_bridge,
    "BridgeEnter": bridge_enter,
    "BridgeLeave": bridge_leave,
    "BridgeDestroy": bridge_destroy,
    "Hold": hold,
    "Unhold": unhold,
    "ChanSpyStart": spy_start,
    "ChanSpyStop": spy_stop,
    "HangupRequest": hangup_request,
    "SoftHangupRequest": hangup_request,
    "Hangup": hangup,
}
