"""Who is where on the PBX, as its lists told it at one moment (pure)."""

from __future__ import annotations

import msgspec

from cti.ami.messages import Packet


class Roster(msgspec.Struct):
    """The answers to a resync's questions, item packets in the order Asterisk sent them."""

    boot: str
    "CoreStartupDate and CoreStartupTime of CoreStatus: another value means another boot."
    queue_status: list[Packet] = []
    "QueueParams, QueueMember and QueueEntry items."
    channels: list[Packet] = []
    "CoreShowChannel items."
    bridges: list[tuple[str, list[Packet]]] = []
    "(BridgeUniqueid, its BridgeInfoChannel items)."
    variables: list[Packet] = []
    "Status items; may be empty."
    devices: list[Packet] = []
    "DeviceStateChange items of DeviceStateList; may be empty."
