"""Handlers: transfers. Success means sent away, not answered."""

from __future__ import annotations

from collections.abc import Callable

from cti import events
from cti.ami.messages import Packet
from cti.calls import record
from cti.calls.call import CallState
from cti.calls.legs import Leg, number
from cti.calls.state import State


def blind(state: State, packet: Packet, at: float) -> None:
    """BlindTransfer: the phone sent the caller to an extension."""
    if packet.get("Result") != "Success":
        return
    by = state.leg_of(packet, at, "Transferer")
    sent = state.leg_of(packet, at, "Transferee")
    subject = sent or by
    if subject is None:
        return
    to = packet.get("Extension") or packet.get("TransfereeExten")
    _add(state, subject.call.final(), "blind", by, to or None, at, packet.get("TransfererUniqueid"), to)


def attended(state: State, packet: Packet, at: float) -> None:
    """AttendedTransfer: handed on after a consultation; blonde when the target had not answered yet."""
    if packet.get("Result") != "Success":
        return
    first = state.leg_of(packet, at, "OrigTransferer", create=False)
    second = state.leg_of(packet, at, "SecondTransferer", create=False)
    sent = state.leg_of(packet, at, "Transferee", create=False)
    legs = [leg for leg in (sent, first, second) if leg is not None]
    if not legs:
        return
    call = max((leg.call.final() for leg in legs), key=state.rank)
    uid = packet.get("TransferTargetUniqueid")
    taker = "TransferTarget"
    is_caller = call.caller is not None and number(packet.get("TransferTargetCallerIDNum")) == call.caller
    if uid and packet.get("TransfereeUniqueid") and (is_caller or (call.primary and uid == call.primary.uid)):
        taker = "Transferee"  # completed from the consultation's side: what is joined to the caller is the transferee
        uid = packet.get("TransfereeUniqueid")
    target = state.legs.get(uid)
    answered = bool(uid) and (target is None or any(phone.answered for phone in target.phones()))
    to = number(packet.get(f"{taker}CallerIDNum")) if uid else None
    if to is None and uid:
        to = number(packet.get("SecondTransfererConnectedLineNum"))
    if to is None:
        exten = packet.get("SecondTransfererExten")
        to = exten if exten not in ("", "s") else number(packet.get("SecondTransfererConnectedLineNum"))
    kind = "attended" if answered else "blonde"
    _add(
        state,
        call,
        kind,
        first or second,
        to,
        at,
        packet.get("OrigTransfererUniqueid"),
        packet.get("SecondTransfererUniqueid"),
    )


def _add(state: State, call: CallState, kind: str, by: Leg | None, to: str | None, at: float, *key: str) -> None:
    """Record a transfer once, however often it is told."""
    if (kind, *key) in call.transfer_keys or len(call.transfers) >= 1_000:
        return
    call.transfer_keys.add((kind, *key))
    interface = by.interface if by is not None else None
    call.transfers.append(record.Transfer(kind=kind, by=interface, to=to, at=at))
    state.emit(events.CallTransferred, at, call=call.id, kind=kind, by=interface, to=to)


HANDLERS: dict[str, Callable[[State, Packet, float], None]] = {"BlindTransfer": blind, "AttendedTransfer": attended}
