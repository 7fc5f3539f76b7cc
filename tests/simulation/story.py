"""What happens at a simulated PBX: calls by a seed, as AMI events, queue_log lines and lists, in virtual time.

One call waits in queues, is rung, let ring, answered, sent back, overflows, gives up. The truth is kept beside it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from cti.ami.messages import Packet
from tests.checker import account as checked
from tests.simulation.lists import OVERFLOW, QUEUES, Known

EPOCH = 1_790_000_000.0
LEAST = 20
"Events of a story."
BRIEF = 30
"Events of a brief story, at most."


@dataclass(slots=True)
class TrueVisit:
    """One stay in one queue, as it was."""

    queue: str
    entered: float
    outcome: str = ""
    left: float = 0.0
    agent: str | None = None


@dataclass(slots=True)
class TrueCall:
    """One call, as it was."""

    id: str
    began: float
    caller: str
    ended: float = 0.0
    visits: list[TrueVisit] = field(default_factory=list)


@dataclass(slots=True)
class Channel:
    """A channel as CoreShowChannels lists it."""

    uid: str
    name: str
    linked: str
    number: str
    state: str
    app: str = ""
    data: str = ""
    bridge: str = ""

    def lines(self, prefix: str = "") -> str:
        """Its snapshot in an event."""
        p = prefix
        return (
            f"{p}Channel: {self.name}\r\n{p}ChannelState: {self.state}\r\n{p}CallerIDNum: {self.number}\r\n"
            f"{p}Context: in\r\n{p}Exten: s\r\n{p}Uniqueid: {self.uid}\r\n{p}Linkedid: {self.linked}"
        )


Change = tuple[str, str, str]
"(what, channel or member, value) of the lists"


@dataclass(slots=True)
class Step:
    """A moment: what is said, what is logged, what the lists have from now on."""

    at: float
    said: list[bytes]
    log: list[bytes]
    changes: list[Change]
    channel: Channel | None = None


@dataclass(slots=True)
class Story:
    """All of it."""

    steps: list[Step]
    calls: list[TrueCall]
    members: list[tuple[str, str, str]]
    packets: list[list[Packet]] = field(init=False)
    "The steps' events."
    phones: dict[str, str] = field(init=False)
    queues: tuple[str, ...] = field(init=False)
    "Those with a member."

    truth: list[checked.TrueCall] | None = None
    "As the checker has it."

    def said_at(self, which: int) -> float:
        """When the packet of this number is said."""
        for step, packets in zip(self.steps, self.packets, strict=True):
            which -= len(packets)
            if which < 0:
                return step.at
        return self.steps[-1].at

    def __post_init__(self) -> None:
        self.packets = [[Known(raw) for raw in step.said] for step in self.steps]
        self.phones = {name: interface for _, interface, name in self.members}
        self.queues = tuple(dict.fromkeys(queue for queue, _, _ in self.members))


class _Teller:
    """Tells one call."""

    def __init__(self, rng: random.Random, number: int, at: float, steps: list[Step]) -> None:
        self.rng = rng
        self.at = at
        self.steps = steps
        self.serial = number * 100
        self.number = number
        self.uid = self._uid()
        self.caller = Channel(self.uid, f"PJSIP/line1-{self.serial:08x}", self.uid, f"139{number:08d}", "6")
        self.call = TrueCall(self.uid, at, self.caller.number)
        self.gone = False

    def _uid(self) -> str:
        self.serial += 1
        return f"{int(self.at)}.{self.serial}"

    def step(
        self, *said: str, log: tuple[str, ...] = (), changes: tuple[Change, ...] = (), channel: Channel | None = None
    ) -> None:
        stamp = f"\r\nTimestamp: {self.at:.6f}\r\n"
        packets = [b"Event: " + text.replace("\r\n", stamp, 1).encode() for text in said]
        lines = [f"{int(self.at)}|{line}".encode() for line in log]
        self.steps.append(Step(self.at, packets, lines, list(changes), channel))

    def wait(self, low: float, high: float) -> None:
        self.at = round(self.at + self.rng.uniform(low, high), 6)

    def tell(self) -> TrueCall:
        rng, me = self.rng, self.caller
        born = me.lines().replace("Exten: s", "Exten: 4000001313")
        self.step(f"Newchannel\r\n{born}", channel=me)
        self.wait(0.2, 2.0)
        queue = rng.choice(QUEUES)
        for _ in range(rng.choice((1, 1, 2, 3))):
            outcome = self.visit(queue)
            if self.gone:
                break
            if outcome == "timeout":
                queue = OVERFLOW
            elif outcome == "key":
                break
            # else sent back: into the same queue, or another
            else:
                queue = rng.choice((queue, *QUEUES))
        if not self.gone:
            self.wait(0.3, 2.0)
            self.step(f"Hangup\r\n{me.lines()}\r\nCause: 16", changes=(("gone", me.uid, ""),))
        self.call.ended = self.at
        return self.call

    def visit(self, queue: str) -> str:
        rng, me = self.rng, self.caller
        seen = TrueVisit(queue, self.at)
        self.call.visits.append(seen)
        if not self._joined(queue):
            self.join(queue)
        end = self.at + rng.uniform(0.5, 14.0)
        fate = rng.choice(("answered",) * 6 + ("abandoned",) * 3 + ("timeout", "timeout", "key"))
        agents = [f"{queue}{self.number % 4}{n}" for n in range(3)]
        rung: Channel | None = None
        agent = agents[0]
        for agent in agents:
            self.wait(0.01, 0.6)
            rung = self.ring(queue, agent)
            if agent == agents[-1] or self.at + 4 > end or rng.random() < 0.6:
                break
            self.wait(1.0, 4.0)
            self.missed(queue, agent, rung)
            rung = None
        self.at = max(self.at + 0.2, end)
        seen.outcome, seen.left = fate, self.at
        if rung is not None and fate != "answered":
            self.cancelled(agent, rung)
        hold = int(self.at) - int(seen.entered)
        key = f"{me.uid}|{queue}"
        if fate == "answered" and rung is not None:
            seen.agent = f"Agent {agent}"
            return self.answered(queue, agent, rung, hold)
        base = f"\r\n{me.lines()}\r\nQueue: {queue}"
        left = ("leave", me.uid, "")
        if fate == "key":
            self.step(f"QueueCallerLeave{base}", log=(f"{key}|NONE|EXITWITHKEY|0|1|1|{hold}",), changes=(left,))
            self.wait(0.6, 1.5)
            return "key"
        if fate == "timeout":
            status = f"UserEvent\r\n{me.lines()}\r\nUserEvent: Overflow\r\nQueue: {queue}\r\nStatus: TIMEOUT"
            self.step(
                f"QueueCallerAbandon{base}",
                f"QueueCallerLeave{base}",
                status,
                log=(f"{key}|NONE|EXITWITHTIMEOUT|1|1|{hold}",),
                changes=(left,),
            )
            self.wait(0.01, 0.2)
            return "timeout"
        self.step(
            f"QueueCallerAbandon{base}",
            f"QueueCallerLeave{base}",
            f"Hangup\r\n{me.lines()}\r\nCause: 0",
            log=(f"{key}|NONE|ABANDON|1|1|{hold}",),
            changes=(left, ("gone", me.uid, "")),
        )
        self.gone = True
        return "abandoned"

    def _joined(self, queue: str) -> bool:
        """A transfer back has said so already."""
        last = self.steps[-1]
        return ("enter", self.uid, queue) in last.changes and last.at == self.at

    def join(self, queue: str) -> None:
        said = f"QueueCallerJoin\r\n{self.caller.lines()}\r\nQueue: {queue}\r\nPosition: 1\r\nCount: 1"
        entered = f"{self.uid}|{queue}|NONE|ENTERQUEUE||{self.caller.number}|1"
        self.step(said, log=(entered,), changes=(("enter", self.uid, queue),))

    def member(self, queue: str, agent: str, status: str) -> str:
        return (
            f"QueueMemberStatus\r\nQueue: {queue}\r\nMemberName: Agent {agent}\r\nInterface: PJSIP/{agent}\r\n"
            f"StateInterface: PJSIP/{agent}\r\nPenalty: 0\r\nCallsTaken: 0\r\nLastCall: 0\r\n"
            f"InCall: {int(status == '2')}\r\nStatus: {status}\r\nPaused: 0\r\nPausedReason: "
        )

    def by(self, queue: str, agent: str) -> str:
        return f"Queue: {queue}\r\nInterface: PJSIP/{agent}\r\nMemberName: Agent {agent}"

    def ring(self, queue: str, agent: str) -> Channel:
        uid = self._uid()
        leg = Channel(uid, f"PJSIP/{agent}-{self.serial:08x}", self.uid, agent, "5", "AppQueue", "(Outgoing Line)")
        both = f"{self.caller.lines()}\r\n{leg.lines('Dest')}"
        self.step(
            f"Newchannel\r\n{leg.lines()}",
            f"AgentCalled\r\n{both}\r\n{self.by(queue, agent)}",
            f"DialBegin\r\n{both}\r\nDialString: {agent}",
            self.member(queue, agent, "6"),
            changes=((f"member {queue}", f"PJSIP/{agent}", "6"),),
            channel=leg,
        )
        return leg

    def missed(self, queue: str, agent: str, leg: Channel) -> None:
        both = f"{self.caller.lines()}\r\n{leg.lines('Dest')}"
        self.step(
            f"AgentRingNoAnswer\r\n{both}\r\n{self.by(queue, agent)}\r\nRingTime: 3000",
            f"DialEnd\r\n{both}\r\nDialStatus: NOANSWER",
            f"Hangup\r\n{leg.lines()}\r\nCause: 16",
            self.member(queue, agent, "1"),
            log=(f"{self.uid}|{queue}|Agent {agent}|RINGNOANSWER|3000",),
            changes=(("gone", leg.uid, ""), (f"member {queue}", f"PJSIP/{agent}", "1")),
        )

    def cancelled(self, agent: str, leg: Channel) -> None:
        queue = self.call.visits[-1].queue
        both = f"{self.caller.lines()}\r\n{leg.lines('Dest')}"
        self.step(
            f"DialEnd\r\n{both}\r\nDialStatus: CANCEL",
            f"Hangup\r\n{leg.lines()}\r\nCause: 26",
            self.member(queue, agent, "1"),
            changes=(("gone", leg.uid, ""), (f"member {queue}", f"PJSIP/{agent}", "1")),
        )

    def answered(self, queue: str, agent: str, leg: Channel, hold: int) -> str:
        rng, me = self.rng, self.caller
        leg.state = "6"
        both = f"{me.lines()}\r\n{leg.lines('Dest')}"
        bridge = f"b{leg.uid}"
        enter = f"\r\nBridgeUniqueid: {bridge}\r\nBridgeTechnology: simple_bridge"
        base = f"{me.uid}|{queue}|Agent {agent}"
        self.step(
            f"DialEnd\r\n{both}\r\nDialStatus: ANSWER",
            f"Newstate\r\n{leg.lines()}",
            f"QueueCallerLeave\r\n{me.lines()}\r\nQueue: {queue}",
            f"AgentConnect\r\n{both}\r\n{self.by(queue, agent)}\r\nHoldTime: {hold}\r\nRingTime: 1",
            f"BridgeEnter\r\n{leg.lines()}{enter}",
            f"BridgeEnter\r\n{me.lines()}{enter}",
            self.member(queue, agent, "2"),
            log=(f"{base}|CONNECT|{hold}|{leg.uid}|1",),
            changes=(
                ("leave", me.uid, ""),
                ("bridge", me.uid, bridge),
                ("bridge", leg.uid, bridge),
                ("state", leg.uid, "6"),
                (f"member {queue}", f"PJSIP/{agent}", "2"),
            ),
        )
        connected = self.at
        self.wait(0.3, 15.0)
        talked = int(self.at) - int(connected)
        done = f"AgentComplete\r\n{both}\r\n{self.by(queue, agent)}\r\nHoldTime: {hold}\r\nTalkTime: {talked}"
        leave = [f"BridgeLeave\r\n{c.lines()}{enter}" for c in (me, leg)]
        idle = (f"member {queue}", f"PJSIP/{agent}", "1")
        agent_gone = f"Hangup\r\n{leg.lines()}\r\nCause: 16"
        if rng.random() < 0.35 and len(self.call.visits) < 3:
            again = rng.choice((queue, *QUEUES))
            handed = (
                f"BlindTransfer\r\nResult: Success\r\n{leg.lines('Transferer')}\r\n{me.lines('Transferee')}\r\n"
                f"Extension: 7051"
            )
            self.step(
                handed,
                *leave,
                f"QueueCallerJoin\r\n{me.lines()}\r\nQueue: {again}\r\nPosition: 1\r\nCount: 1",
                f"{done}\r\nReason: transfer",
                agent_gone,
                self.member(queue, agent, "1"),
                log=(
                    f"{me.uid}|{again}|NONE|ENTERQUEUE||{me.number}|1",
                    f"{base}|BLINDTRANSFER|7051|from-phones|{hold}|{talked}|1",
                ),
                changes=(
                    ("bridge", me.uid, ""),
                    ("gone", leg.uid, ""),
                    ("enter", me.uid, again),
                    idle,
                ),
            )
            return self.visit(again)
        self.step(
            *leave,
            f"{done}\r\nReason: caller",
            agent_gone,
            f"Hangup\r\n{me.lines()}\r\nCause: 16",
            self.member(queue, agent, "1"),
            log=(f"{base}|COMPLETECALLER|{hold}|{talked}|1",),
            changes=(("gone", me.uid, ""), ("gone", leg.uid, ""), idle),
        )
        self.gone = True
        return "answered"


def tell(rng: random.Random, *, brief: bool = False) -> Story:
    """A story of twenty events or more: calls that overlap, one to three; each call has agents of its own.

    A brief one is of one or two calls and thirty events at most: it is told until it is.
    """
    steps, calls = _told(rng, (1, 1, 1, 2, 3))
    while brief and sum(len(step.said) for step in steps) > BRIEF:
        steps, calls = _told(rng, (1, 1, 2))
    steps.sort(key=lambda step: step.at)
    rung = {
        (what.partition(" ")[2], phone): f"Agent {phone.partition('/')[2]}"
        for step in steps
        for what, phone, _ in step.changes
        if what.startswith("member ")
    }
    members = [(queue, phone, name) for (queue, phone), name in rung.items()]
    return Story(steps, calls, members)


def _told(rng: random.Random, numbers: tuple[int, ...]) -> tuple[list[Step], list[TrueCall]]:
    """One of these numbers of calls, or more for the sake of twenty events."""
    steps: list[Step] = []
    calls: list[TrueCall] = []
    at = EPOCH + rng.random()
    many = rng.choice(numbers)
    while len(calls) < many or sum(len(step.said) for step in steps) < LEAST:
        number = len(calls)
        calls.append(_Teller(rng, number, round(at, 6), steps).tell())
        at += rng.uniform(0.05, 12.0)
    return steps, calls
