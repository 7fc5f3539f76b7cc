"""What a small Asterisk knows: channels, bridges, who waits, and its queue members (no sockets, no clock)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

Headers = list[tuple[str, str]]

_SNAPSHOT: Final = (
    "Channel ChannelState ChannelStateDesc CallerIDNum CallerIDName ConnectedLineNum ConnectedLineName Language "
    "AccountCode Context Exten Priority Uniqueid Linkedid"
)
SNAPSHOT: Final = tuple(_SNAPSHOT.split())
"Headers that describe a channel, in Asterisk's order."
_BRIDGE: Final = ("BridgeType", "BridgeTechnology", "BridgeCreator", "BridgeName")
RING: Final = 6
IDLE: Final = 1


class Channel(msgspec.Struct):
    """A channel and what lists say of it."""

    snapshot: dict[str, str]
    since: float
    bridge: str = ""
    application: str = ""
    data: str = ""
    queue: str = ""
    did: str = ""
    joined: float = 0.0
    answered: float = 0.0


class Entry(msgspec.Struct):
    """A caller who waits in a queue."""

    uniqueid: str
    since: float


class Member(msgspec.Struct):
    """A phone as member of one queue."""

    queue: str
    calls: int = 0
    in_call: int = 0
    last_call: int = 0
    paused: bool = False
    reason: str = ""
    last_pause: int = 0
    penalty: int = 0
    added_at: int = 0
    "Whole epoch seconds at which it was added; 0 for a row of the configuration."


class Phone(msgspec.Struct):
    """An agent's phone; `status` is Asterisk's device state number (1 idle, 2 in use, 6 ringing)."""

    interface: str
    name: str
    members: dict[str, Member]
    status: int = IDLE


class Exchange:
    """State that follows from the events sent, so that a list read in mid-call is right."""

    def __init__(self, phones: Iterable[tuple[str, str, Sequence[str]]], queues: Sequence[str], boot: float) -> None:
        self.boot = boot
        self.queues: dict[str, list[Entry]] = {queue: [] for queue in queues}
        self.phones = {
            interface: Phone(interface, name, {queue: Member(queue) for queue in member_of})
            for interface, name, member_of in phones
        }
        self.channels: dict[str, Channel] = {}
        self.bridges: dict[str, tuple[dict[str, str], list[str]]] = {}
        self.processed = 0

    # -- events -------------------------------------------------------------------------------------------------

    def apply(self, event: dict[str, str], now: float) -> None:
        """Follow an event about to be sent, and fill in what only we know (positions, counts, whole seconds)."""
        name = event["Event"]
        uniqueid = event.get("Uniqueid", "")
        if name == "Newchannel":
            self.channels[uniqueid] = Channel({}, now, did=event["Exten"])
            self.processed += event["Linkedid"] == uniqueid
        channel = self.channels.get(uniqueid)
        if channel is not None and "Channel" in event:
            channel.snapshot = {key: event.get(key, "") for key in SNAPSHOT}
        match name:
            case "Hangup":
                self.channels.pop(uniqueid, None)
            case "BridgeCreate":
                self.bridges[event["BridgeUniqueid"]] = ({key: event.get(key, "") for key in _BRIDGE}, [])
            case "BridgeDestroy":
                self.bridges.pop(event["BridgeUniqueid"], None)
            case "BridgeEnter" | "BridgeLeave":
                self._move(event["BridgeUniqueid"], uniqueid, enters=name == "BridgeEnter")
            case "QueueCallerJoin" | "QueueCallerLeave" | "QueueCallerAbandon":
                self._queue(event, name, uniqueid, now)
            case "AgentCalled":
                self._application(event.get("DestUniqueid", ""), "AppQueue", "(Outgoing Line)", event["Queue"])
            case "AgentConnect":
                if channel is not None:
                    channel.answered = now
                    event["HoldTime"] = str(int(now - channel.joined))
            case "AgentComplete":
                if channel is not None:
                    event["TalkTime"] = str(int(now - channel.answered))
                    event["HoldTime"] = str(int(channel.answered - channel.joined))
                    self._application(uniqueid, "Dial", "", "")
                member = self.phones[event["Interface"]].members.get(event["Queue"])
                if member is not None:
                    member.calls += 1
                    member.last_call = int(now)
            case _:
                pass

    def _move(self, bridge: str, uniqueid: str, *, enters: bool) -> None:
        inside = self.bridges.setdefault(bridge, ({}, []))[1]
        if uniqueid in inside:
            inside.remove(uniqueid)
        if enters:
            inside.append(uniqueid)
        channel = self.channels.get(uniqueid)
        if channel is not None:
            channel.bridge = bridge if enters else ""

    def _application(self, uniqueid: str, application: str, data: str, queue: str) -> None:
        channel = self.channels.get(uniqueid)
        if channel is not None:
            channel.application, channel.data, channel.queue = application, data, queue

    def _queue(self, event: dict[str, str], name: str, uniqueid: str, now: float) -> None:
        waiting = self.queues[event["Queue"]]
        place = next((n for n, entry in enumerate(waiting) if entry.uniqueid == uniqueid), None)
        if name == "QueueCallerJoin":
            waiting.append(Entry(uniqueid, now))
            if uniqueid in self.channels:
                self.channels[uniqueid].joined = now
            self._application(uniqueid, "Queue", f"{event['Queue']},tT,,,60", event["Queue"])
            event["Position"] = event["Count"] = str(len(waiting))
        elif place is not None:
            event["Position"] = str(place + 1)
            if "HoldTime" in event:
                event["HoldTime"] = str(int(now - waiting[place].since))
            if name == "QueueCallerLeave":
                del waiting[place]
                event["Count"] = str(len(waiting))

    # -- members ------------------------------------------------------------------------------------------------

    def status(self, interface: str, status: int, in_call: int, queue: str, now: float) -> list[Headers]:
        """The member's new state: one event for each queue he is in, as Asterisk sends them."""
        phone = self.phones[interface]
        phone.status = status
        if queue in phone.members:
            phone.members[queue].in_call = in_call
        return [self._member_event("QueueMemberStatus", phone, member) for member in phone.members.values()]

    def pause(self, interface: str, queue: str, paused: bool, reason: str, now: float) -> list[Headers]:
        """Pause or un-pause in one queue, or in all where `queue` is ''; empty where there is no such member."""
        phone = self.phones.get(interface)
        if phone is None or (queue and queue not in phone.members):
            return []
        events = []
        for member in [phone.members[queue]] if queue else phone.members.values():
            member.paused = paused
            member.reason = reason if paused else ""
            if paused:
                member.last_pause = int(now)
            events.append(self._member_event("QueueMemberPause", phone, member))
        return events

    def add(self, interface: str, queue: str, penalty: int, paused: bool, now: float) -> list[Headers] | str:
        """Add a phone to a queue; the PBX's sentence where that cannot be."""
        phone = self.phones.get(interface)
        if phone is None or queue not in self.queues:
            return "Unable to add interface to queue: No such queue"
        if queue in phone.members:
            return "Unable to add interface: Already there"
        member = phone.members[queue] = Member(queue, penalty=penalty, paused=paused, added_at=int(now))
        return [self._member_event("QueueMemberAdded", phone, member)]

    def remove(self, interface: str, queue: str) -> list[Headers] | str:
        """Remove a phone that was added; the PBX's sentence for others."""
        phone = self.phones.get(interface)
        member = phone.members.get(queue) if phone is not None else None
        if phone is None or member is None:
            return "Unable to remove interface: Not there"
        if not member.added_at:
            return "Member not dynamic"
        del phone.members[queue]
        return [self._member_event("QueueMemberRemoved", phone, member)]

    def penalise(self, interface: str, queue: str, penalty: int) -> list[Headers] | str:
        """Change a penalty; the PBX's sentence where there is no such member."""
        phone = self.phones.get(interface)
        if phone is None or queue not in phone.members:
            return "Invalid interface, queuename or penalty"
        phone.members[queue].penalty = penalty
        return [self._member_event("QueueMemberPenalty", phone, phone.members[queue])]

    def first(self, channel: str, queue: str) -> bool:
        """Put a caller at the front of his queue, which no event tells; False where he does not wait there."""
        waiting = self.queues.get(queue, [])
        for entry in waiting:
            told = self.channels.get(entry.uniqueid)
            if told is not None and told.snapshot.get("Channel") == channel:
                waiting.remove(entry)
                waiting.insert(0, entry)
                return True
        return False

    def _member_event(self, name: str, phone: Phone, member: Member) -> Headers:
        return [
            ("Event", name),
            ("Privilege", "agent,all"),
            ("Queue", member.queue),
            ("MemberName", phone.name),
            ("Interface", phone.interface),
            ("StateInterface", phone.interface),
            *self._figures(phone, member),
            ("Ringinuse", "0"),
            ("Wrapuptime", "0"),
        ]

    def _figures(self, phone: Phone, member: Member) -> Headers:
        return [
            ("Membership", "dynamic" if member.added_at else "static"),
            ("Penalty", str(member.penalty)),
            ("CallsTaken", str(member.calls)),
            ("LastCall", str(member.last_call)),
            ("LastPause", str(member.last_pause)),
            ("LoginTime", str(member.added_at or int(self.boot))),
            ("InCall", str(member.in_call)),
            ("Status", str(phone.status)),
            ("Paused", str(int(member.paused))),
            ("PausedReason", member.reason),
        ]

    # -- lists --------------------------------------------------------------------------------------------------

    def core_status(self) -> Headers:
        """CoreStatus."""
        at = datetime.fromtimestamp(self.boot, UTC)
        day, hour = at.strftime("%Y-%m-%d"), at.strftime("%H:%M:%S")
        return [
            ("CoreStartupDate", day),
            ("CoreStartupTime", hour),
            ("CoreReloadDate", day),
            ("CoreReloadTime", hour),
            ("CoreCurrentCalls", str(len(self.channels))),
            ("CoreProcessedCalls", str(self.processed)),
        ]

    def queue_status(self, only: str, now: float) -> list[Headers]:
        """Items of QueueStatus."""
        items: list[Headers] = []
        for queue, waiting in self.queues.items():
            if only and queue != only:
                continue
            figures = ["Holdtime", "TalkTime", "Completed", "Abandoned"]
            items.append(
                [
                    *(("Event", "QueueParams"), ("Queue", queue), ("Max", "0"), ("Strategy", "rrmemory")),
                    ("Calls", str(len(waiting))),
                    *((figure, "0") for figure in figures),
                    *(("ServiceLevel", "13"), ("ServicelevelPerf", "0.0"), ("ServicelevelPerf2", "0.0")),
                    ("Weight", "0"),
                ]
            )
            for phone in self.phones.values():
                member = phone.members.get(queue)
                if member is not None:
                    names = [("Queue", queue), ("Name", phone.name), ("Location", phone.interface)]
                    figures_of = [("StateInterface", phone.interface), *self._figures(phone, member)]
                    items.append([("Event", "QueueMember"), *names, *figures_of, ("Wrapuptime", "0")])
            for place, entry in enumerate(waiting, 1):
                told = self.channels[entry.uniqueid].snapshot if entry.uniqueid in self.channels else {}
                items.append(
                    [
                        *(("Event", "QueueEntry"), ("Queue", queue), ("Position", str(place))),
                        *(("Channel", told.get("Channel", "")), ("Uniqueid", entry.uniqueid)),
                        *((key, told.get(key, "").strip("<>")) for key in SNAPSHOT[3:7]),
                        *(("Wait", str(int(now - entry.since))), ("Priority", "0")),
                    ]
                )
        return items

    def core_show_channels(self, now: float) -> list[Headers]:
        """Items of CoreShowChannels."""
        items: list[Headers] = []
        for channel in self.channels.values():
            seconds = int(now - channel.since)
            items.append(
                [
                    ("Event", "CoreShowChannel"),
                    *channel.snapshot.items(),
                    ("Application", channel.application),
                    ("ApplicationData", channel.data),
                    ("Duration", f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"),
                    ("BridgeId", channel.bridge),
                ]
            )
        return items

    def status_list(self, variables: str, now: float) -> list[Headers]:
        """Items of Status, with the variables asked for."""
        items: list[Headers] = []
        for uniqueid, channel in self.channels.items():
            known = {"QUEUENAME": channel.queue}
            if uniqueid == channel.snapshot.get("Linkedid"):
                known["DID"] = channel.did
            asked = [f"{name}={known.get(name, '')}" for name in variables.split(",") if name]
            items.append(
                [
                    *(("Event", "Status"), ("Privilege", "Call")),
                    *channel.snapshot.items(),
                    *(("Type", "PJSIP"), ("DNID", ""), ("BridgeID", channel.bridge)),
                    *(("Application", channel.application), ("Data", channel.data)),
                    ("Seconds", str(int(now - channel.since))),
                    *(("Variable", one) for one in asked),
                ]
            )
        return items

    def bridge_list(self) -> list[Headers]:
        """Items of BridgeList."""
        return [[("Event", "BridgeListItem"), *self._bridge(bridge)] for bridge in self.bridges]

    def bridge_info(self, bridge: str) -> tuple[list[Headers], Headers] | None:
        """Items of BridgeInfo, and what its Complete adds; None where there is no such bridge."""
        if bridge not in self.bridges:
            return None
        inside = [self.channels[u] for u in self.bridges[bridge][1] if u in self.channels]
        return [[("Event", "BridgeInfoChannel"), *c.snapshot.items()] for c in inside], self._bridge(bridge)

    def _bridge(self, bridge: str) -> Headers:
        kind, inside = self.bridges[bridge]
        return [
            ("BridgeUniqueid", bridge),
            *kind.items(),
            ("BridgeNumChannels", str(len(inside))),
            ("BridgeVideoSourceMode", "none"),
        ]

    def device_states(self) -> list[Headers]:
        """Items of DeviceStateList."""
        words = {1: "NOT_INUSE", 2: "INUSE", 6: "RINGING"}
        return [
            [
                ("Event", "DeviceStateChange"),
                ("Device", phone.interface),
                ("State", words.get(phone.status, "UNKNOWN")),
            ]
            for phone in self.phones.values()
        ]
