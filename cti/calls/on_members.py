"""Handlers: queue members come, go, pause and change state."""

from __future__ import annotations

from collections.abc import Callable

from cti.ami.messages import Packet
from cti.calls.state import State


def changed(state: State, packet: Packet, at: float) -> None:
    """QueueMemberStatus and its kin: one event a queue for each change. QueueMember is their list item."""
    phone, status_only = state.roll.read(packet)
    # While a phone has calls of its own, they tell its state, not the device.
    if phone is not None and not (status_only and phone in state.by_phone):
        state.dirty.add(phone)


def removed(state: State, packet: Packet, at: float) -> None:
    """QueueMemberRemoved."""
    phone = state.roll.remove(packet)
    if phone is not None:
        state.dirty.add(phone)


HANDLERS: dict[str, Callable[[State, Packet, float], None]] = {
    "QueueMember": changed,
    "QueueMemberStatus": changed,
    "QueueMemberAdded": changed,
    "QueueMemberPause": changed,
    "QueueMemberPenalty": changed,
    "QueueMemberRinginuse": changed,
    "QueueMemberRemoved": removed,
}
