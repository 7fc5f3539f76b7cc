"""Which packets are believed (pure): the canary, the keys an event cannot be without, and the types we want at all."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import Final

from cti.ami.messages import Packet

_CHANNEL: Final = ("Channel", "Uniqueid", "Linkedid")
_MEMBER: Final = ("Queue", "Interface", "MemberName")

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "Newchannel": _CHANNEL,
    "Newstate": _CHANNEL,
    "Rename": ("Channel", "Newname", "Uniqueid"),
    "Hangup": ("Channel", "Uniqueid"),
    "DialBegin": ("DestChannel", "DestUniqueid"),
    "DialEnd": ("DestChannel", "DestUniqueid", "DialStatus"),
    "BridgeCreate": ("BridgeUniqueid",),
    "BridgeDestroy": ("BridgeUniqueid",),
    "BridgeEnter": ("BridgeUniqueid", "Channel", "Uniqueid"),
    "BridgeLeave": ("BridgeUniqueid", "Channel", "Uniqueid"),
    "Hold": ("Channel", "Uniqueid"),
    "Unhold": ("Channel", "Uniqueid"),
    "QueueCallerJoin": ("Queue", "Channel", "Uniqueid"),
    "QueueCallerLeave": ("Queue", "Channel", "Uniqueid"),
    "QueueCallerAbandon": ("Queue", "Channel", "Uniqueid"),
    "AgentCalled": ("Queue", "Interface", "DestChannel"),
    "AgentConnect": ("Queue", "Interface", "DestChannel"),
    "AgentRingNoAnswer": ("Queue", "Interface"),
    "AgentComplete": ("Queue", "Interface"),
    "QueueMemberStatus": (*_MEMBER, "Status"),
    "QueueMemberPause": (*_MEMBER, "Paused"),
    "QueueMemberAdded": _MEMBER,
    "QueueMemberRemoved": _MEMBER,
    "ChanSpyStart": ("SpyerUniqueid", "SpyeeUniqueid"),
}
"Headers without which Asterisk never sends these events; one that lacks them was not written by Asterisk."
_NEEDLES: Final = {event: tuple(f"\r\n{key}:".encode() for key in keys) for event, keys in REQUIRED.items()}

_ITEMS: Final = (
    "QueueParams QueueMember QueueEntry QueueStatusComplete CoreShowChannel CoreShowChannelsComplete BridgeListItem "
    "BridgeListComplete BridgeInfoChannel BridgeInfoComplete Status StatusComplete DeviceStateChange "
    "DeviceStateListComplete ListDialplan ShowDialPlanComplete"
)
_EVENTS: Final = (
    "FullyBooted Shutdown Reload Newchannel Newexten Newstate NewCallerid NewConnectedLine Rename Hangup "
    "HangupRequest SoftHangupRequest DialBegin DialState DialEnd LocalBridge LocalOptimizationBegin "
    "LocalOptimizationEnd BridgeCreate BridgeDestroy BridgeEnter BridgeLeave BridgeMerge Hold Unhold BlindTransfer "
    "AttendedTransfer Pickup ParkedCall UnParkedCall ParkedCallTimeOut ParkedCallGiveUp ParkedCallSwap "
    "ConfbridgeStart ConfbridgeEnd ConfbridgeJoin ConfbridgeLeave ChanSpyStart ChanSpyStop OriginateResponse "
    "QueueCallerJoin QueueCallerLeave QueueCallerAbandon QueueEntryPriority AgentCalled AgentConnect "
    "AgentRingNoAnswer AgentDump AgentComplete QueueMemberAdded QueueMemberRemoved QueueMemberPause "
    "QueueMemberPenalty QueueMemberRinginuse QueueMemberStatus UserEvent VarSet"
)
ITEMS: Final = frozenset(name.encode() for name in _ITEMS.split())
"Event types that answers to our list actions are made of."
WANTED: Final = frozenset(name.encode() for name in _EVENTS.split()) | ITEMS
"Event types kept by a link that is not told otherwise; the rest is dropped by name, unread."

RING: Final = 64
"Rejected packets remembered, each cut at 512 bytes."


class Gate:
    """Decides packet by packet; remembers the last ones it turned away, and how many for which reason."""

    __slots__ = ("_canary", "recent", "rejected")

    def __init__(self, systemname: str | None = None) -> None:
        """`systemname`: Asterisk's own, where it is configured to be a secret; then every event must carry it."""
        self._canary = systemname or None
        self.rejected: Counter[str] = Counter()
        self.recent: deque[tuple[str, bytes]] = deque(maxlen=RING)

    def admit(self, packet: Packet) -> bool:
        """Whether an event is to be believed. Responses and list items are not asked about: their ActionID tells.

        `FullyBooted` alone is sent without a SystemName when it follows a login.
        """
        if self._canary is not None and packet.event != "FullyBooted" and packet.get("SystemName") != self._canary:
            return self._reject("canary", packet)
        raw = packet.raw
        for needle in _NEEDLES.get(packet.event, ()):
            if needle not in raw:
                return self._reject("keys", packet)
        return True

    def _reject(self, reason: str, packet: Packet) -> bool:
        self.rejected[reason] += 1
        self.recent.append((reason, packet.raw[:512]))
        return False
