"""A synthetic PBX: any number of interleaved queue calls as the AMI bytes that Asterisk would send for them.

One answered call is 59 events of 28 types, about 500 bytes each, with the snapshot headers of Asterisk 22. More than
half of them (variables, dialplan steps, RTP reports) are of no use to a CTI, as in real life. Everything follows from
the seed.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

EPOCH = 1_800_000_000.0
EVENTS_PER_ANSWERED_CALL = 59

# What a CTI must subscribe to where every subscription is a pattern.
CTI_PATTERNS = (
    "Newchannel",
    "Newstate",
    "NewCallerid",
    "NewConnectedLine",
    "Hangup",
    "HangupRequest",
    "SoftHangupRequest",
    "DialBegin",
    "DialState",
    "DialEnd",
    "LocalBridge",
    "LocalOptimizationEnd",
    "BridgeCreate",
    "BridgeEnter",
    "BridgeLeave",
    "BridgeDestroy",
    "Hold",
    "Unhold",
    "BlindTransfer",
    "AttendedTransfer",
    "QueueCallerJoin",
    "QueueCallerLeave",
    "QueueCallerAbandon",
    "AgentCalled",
    "AgentConnect",
    "AgentRingNoAnswer",
    "AgentComplete",
    "QueueMemberStatus",
    "UserEvent",
)


@dataclass
class Told:
    """What the stream told, to be compared with what was understood."""

    calls: int = 0
    rings: int = 0
    answered: int = 0
    abandoned: int = 0
    events: int = 0
    names: set[str] = field(default_factory=set)


def phone(agent: int) -> str:
    """Interface of an agent, counted from 0."""
    return f"PJSIP/7{agent:03d}"


def queue(agent: int) -> str:
    """Queue of an agent: five of them."""
    return f"line{agent % 5}"


@dataclass
class _Leg:
    channel: str
    uniqueid: str
    linkedid: str
    number: str
    name: str
    context: str
    exten: str
    other: str = ""
    state: int = 0

    def snapshot(self, prefix: str = "") -> list[str]:
        words = {0: "Down", 4: "Ring", 5: "Ringing", 6: "Up"}
        return [
            f"{prefix}Channel: {self.channel}",
            f"{prefix}ChannelState: {self.state}",
            f"{prefix}ChannelStateDesc: {words[self.state]}",
            f"{prefix}CallerIDNum: {self.number}",
            f"{prefix}CallerIDName: {self.name}",
            f"{prefix}ConnectedLineNum: {self.other or '<unknown>'}",
            f"{prefix}ConnectedLineName: <unknown>",
            f"{prefix}Language: en",
            f"{prefix}AccountCode: ",
            f"{prefix}Context: {self.context}",
            f"{prefix}Exten: {self.exten}",
            f"{prefix}Priority: 1",
            f"{prefix}Uniqueid: {self.uniqueid}",
            f"{prefix}Linkedid: {self.linkedid}",
        ]


class _Call:
    """One call from Newchannel to the last Hangup."""

    def __init__(self, number: int, agent: int, caller: str, rng: random.Random, told: Told, spacing: float) -> None:
        self.told = told
        self.rng = rng
        self.spacing = spacing
        base = f"{int(EPOCH)}.{number * 2}"
        self.trunk = _Leg(f"PJSIP/uplink-{number * 2:08x}", base, base, caller, "", "incoming", "4000009999", state=4)
        self.agent_leg = _Leg(
            f"{phone(agent)}-{number * 2 + 1:08x}",
            f"{int(EPOCH)}.{number * 2 + 1}",
            base,
            f"7{agent:03d}",
            f"Agent {agent}",
            "phones",
            "s",
            caller,
        )
        self.agent = agent
        self.bridge = f"b{number:08x}-0000-4000-8000-000000000000"

    def _event(self, at: float, name: str, *lines: str, leg: _Leg | None = None) -> tuple[float, bytes]:
        head = [f"Event: {name}", "Privilege: call,all", f"Timestamp: {at:.6f}"]
        self.told.events += 1
        self.told.names.add(name)
        return at, "\r\n".join([*head, *(leg.snapshot() if leg else []), *lines, "", ""]).encode()

    def _member(self, at: float, status: int, in_call: int) -> tuple[float, bytes]:
        interface = phone(self.agent)
        return self._event(
            at,
            "QueueMemberStatus",
            f"Queue: {queue(self.agent)}",
            f"MemberName: Agent {self.agent}",
            f"Interface: {interface}",
            f"StateInterface: {interface}",
            "Membership: static",
            "Penalty: 0",
            "CallsTaken: 3",
            f"LastCall: {int(EPOCH)}",
            "LastPause: 0",
            "LoginTime: 0",
            f"InCall: {in_call}",
            f"Status: {status}",
            "Paused: 0",
            "PausedReason: ",
            "Ringinuse: 0",
            "Wrapuptime: 0",
        )

    def _queue_agent(self) -> list[str]:
        return [
            f"Queue: {queue(self.agent)}",
            f"MemberName: Agent {self.agent}",
            f"Interface: {phone(self.agent)}",
        ]

    def _device(self, at: float, state: str) -> tuple[float, bytes]:
        return self._event(at, "DeviceStateChange", f"Device: {phone(self.agent)}", f"State: {state}")

    def _variable(self, at: float, leg: _Leg, name: str, value: str) -> tuple[float, bytes]:
        return self._event(at, "VarSet", f"Variable: {name}", f"Value: {value}", leg=leg)

    def _step(self, at: float, priority: int, application: str, data: str) -> tuple[float, bytes]:
        lines = ("Extension: s", f"Application: {application}", f"AppData: {data}")
        return self._event(at, "Newexten", *lines, leg=self.trunk)

    def _rtcp(self, at: float, name: str, leg: _Leg) -> tuple[float, bytes]:
        report = ["To: 127.0.0.1:4000", "From: 127.0.0.1:4002", "SSRC: 0x3f2a91bc", "PT: 200(SR)", "ReportCount: 1"]
        sent = ["SentNTP: 1800000000.1", "SentRTP: 160", "SentPackets: 250", "SentOctets: 40000"]
        return self._event(at, name, *report, *sent, leg=leg)

    def events(self, start: float, abandon: bool) -> Iterator[tuple[float, bytes]]:
        """The call's events with their times, in order."""
        trunk, leg, told, member = self.trunk, self.agent_leg, self.told, self._member
        told.calls += 1
        told.rings += 1
        at = start
        step = self.spacing

        def soon() -> float:
            nonlocal at
            at += step * self.rng.uniform(0.5, 1.5)
            return at

        yield self._event(soon(), "Newchannel", leg=trunk)
        yield self._variable(soon(), trunk, "SIPCALLID", "3c26700")
        for priority, (application, data) in enumerate(
            [
                ("Set", "__DID=4000009999"),
                ("Answer", ""),
                ("Read", "CHOICE,welcome,1"),
                ("Set", "CHANNEL(language)=en"),
            ],
            1,
        ):
            yield self._step(soon(), priority, application, data)
        trunk.state = 6
        yield self._event(soon(), "Newstate", leg=trunk)
        yield self._event(soon(), "DTMFBegin", "Digit: 2", "Direction: Received", leg=trunk)
        yield self._event(soon(), "DTMFEnd", "Digit: 2", "DurationMs: 120", "Direction: Received", leg=trunk)
        yield self._event(soon(), "UserEvent", "UserEvent: IvrChoice", "Choice: 2", leg=trunk)
        trunk.exten = "s"
        for name in ("CHOICE", "READSTATUS", "QUEUENAME", "QUEUEMAX", "QUEUESTRATEGY", "QUEUECALLS", "QUEUEHOLDTIME"):
            yield self._variable(soon(), trunk, name, "2")
        yield self._step(soon(), 9, "Queue", f"{queue(self.agent)},tT,,,40")
        join = [f"Queue: {queue(self.agent)}", "Position: 1", "Count: 1"]
        yield self._event(soon(), "QueueCallerJoin", *join, leg=trunk)
        yield self._event(soon(), "MusicOnHoldStart", "Class: default", leg=trunk)
        yield self._event(soon(), "Newchannel", leg=leg)
        yield self._event(soon(), "NewCallerid", "CID-CallingPres: 0 (Presentation Allowed)", leg=leg)
        yield self._event(soon(), "AgentCalled", *leg.snapshot("Dest"), *self._queue_agent(), leg=trunk)
        yield self._event(soon(), "DialBegin", *leg.snapshot("Dest"), f"DialString: 7{self.agent:03d}", leg=trunk)
        leg.state = 5
        yield self._event(soon(), "Newstate", leg=leg)
        yield self._device(soon(), "RINGING")
        yield member(soon(), 6, 0)
        if abandon:
            told.abandoned += 1
            yield self._event(soon(), "QueueCallerAbandon", *join, "OriginalPosition: 1", "HoldTime: 2", leg=trunk)
            yield self._event(at, "QueueCallerLeave", *join, leg=trunk)
            yield self._event(soon(), "DialEnd", *leg.snapshot("Dest"), "DialStatus: CANCEL", leg=trunk)
            yield self._event(soon(), "Hangup", "Cause: 26", "Cause-txt: Answered elsewhere", leg=leg)
            yield self._event(soon(), "Hangup", "Cause: 0", "Cause-txt: Unknown", leg=trunk)
            yield member(soon(), 1, 0)
            return
        told.answered += 1
        leg.state = 6
        yield self._event(soon(), "DialEnd", *leg.snapshot("Dest"), "DialStatus: ANSWER", leg=trunk)
        yield self._event(soon(), "Newstate", leg=leg)
        yield self._event(soon(), "QueueCallerLeave", *join, leg=trunk)
        yield self._event(soon(), "MusicOnHoldStop", leg=trunk)
        times = ["HoldTime: 2", "RingTime: 1"]
        yield self._event(soon(), "AgentConnect", *leg.snapshot("Dest"), *self._queue_agent(), *times, leg=trunk)
        bridge = [f"BridgeUniqueid: {self.bridge}", "BridgeType: basic", "BridgeTechnology: simple_bridge"]
        yield self._event(soon(), "BridgeCreate", *bridge, "BridgeNumChannels: 0")
        yield self._event(soon(), "BridgeEnter", *bridge, "BridgeNumChannels: 1", leg=leg)
        yield self._event(soon(), "BridgeEnter", *bridge, "BridgeNumChannels: 2", leg=trunk)
        yield self._device(soon(), "INUSE")
        yield member(soon(), 2, 1)
        yield self._variable(soon(), trunk, "BRIDGEPEER", leg.channel)
        yield self._variable(soon(), leg, "BRIDGEPEER", trunk.channel)
        yield self._event(soon(), "MixMonitorStart", leg=trunk)
        for _ in range(3):
            yield self._rtcp(soon(), "RTCPSent", trunk)
            yield self._rtcp(soon(), "RTCPReceived", leg)
        yield self._event(soon(), "HangupRequest", "Cause: 16", leg=trunk)
        yield self._event(soon(), "BridgeLeave", *bridge, "BridgeNumChannels: 1", leg=trunk)
        ended = ["HoldTime: 2", "TalkTime: 30", "Reason: caller"]
        yield self._event(soon(), "AgentComplete", *leg.snapshot("Dest"), *self._queue_agent(), *ended, leg=trunk)
        yield self._event(soon(), "BridgeLeave", *bridge, "BridgeNumChannels: 0", leg=leg)
        yield self._event(soon(), "BridgeDestroy", *bridge, "BridgeNumChannels: 0")
        yield self._event(soon(), "Hangup", "Cause: 16", "Cause-txt: Normal Clearing", leg=leg)
        quality = (
            "ssrc=1066045884;themssrc=2028385461;lp=0;rxjitter=0.000125;rxcount=1450;txjitter=0.000250;txcount=1452;"
            "rlp=0;rtt=0.000412;rxmes=85.366000;txmes=85.366000;minrxjitter=0.000000;maxrxjitter=0.001250"
        )
        for name in ("RTPAUDIOQOS", "RTPAUDIOQOSJITTER", "RTPAUDIOQOSLOSS", "RTPAUDIOQOSRTT"):
            yield self._variable(soon(), trunk, name, quality)
        yield self._device(soon(), "NOT_INUSE")
        yield member(soon(), 1, 0)
        yield self._event(soon(), "Hangup", "Cause: 16", "Cause-txt: Normal Clearing", leg=trunk)


def generate(
    calls: int,
    *,
    agents: int = 300,
    at_once: int = 40,
    abandoned: float = 0.0,
    seed: int = 13,
    rate: float = 100.0,
    epoch: float = EPOCH,
    first: int = 0,
    callers: Sequence[str] = (),
) -> tuple[list[tuple[float, bytes]], Told]:
    """(time, packet with its blank line) in the order sent, and what they tell.

    `rate` calls begin in a second and about `at_once` of them overlap. `abandoned` is the share of callers who hang
    up while waiting. Calls are numbered from `first`; without `callers` everybody has a number of his own.
    """
    rng = random.Random(seed)
    told = Told()
    spacing = at_once / rate / EVENTS_PER_ANSWERED_CALL
    streams = []
    for n in range(calls):
        number = first + n
        caller = callers[number % len(callers)] if callers else f"139{number % 100_000_000:08d}"
        call = _Call(number, number % agents, caller, rng, told, spacing)
        streams.append(call.events(epoch + n / rate, rng.random() < abandoned))
    return list(heapq.merge(*streams, key=lambda event: event[0])), told


def chunks(packets: list[bytes], size: int = 65536) -> list[bytes]:
    """The packets as reads of `size` bytes, cut anywhere."""
    whole = b"".join(packets)
    return [whole[start : start + size] for start in range(0, len(whole), size)]
