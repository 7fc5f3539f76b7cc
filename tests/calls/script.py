"""Short AMI scripts: packets as a PBX would send them, for one rule at a time."""

from __future__ import annotations

from cti.ami.messages import Packet
from cti.calls.pbx import Pbx, PbxConfig
from cti.events import Event

CALLER, PHONE = "9000.1", "9000.2"


class Script:
    """A PBX core and a pen to write its packets with."""

    def __init__(self, **config: object) -> None:
        """`config`: fields of PbxConfig."""
        self.pbx = Pbx(PbxConfig(trunks=("PJSIP/line*",), **config))  # type: ignore[arg-type]
        self.told: list[Event] = []

    def say(self, at: float, event: str, **headers: str) -> list[Event]:
        """One event at PBX time `at`; gives what it told."""
        packet = Packet.of({"Event": event, "Timestamp": f"{at:.6f}", **headers})
        told = self.pbx.feed(packet, at)
        self.told.extend(told)
        return told

    def tick(self, now: float) -> list[Event]:
        """The clock reaches `now`."""
        told = self.pbx.handle_timer(now)
        self.told.extend(told)
        return told

    # -- the usual steps ------------------------------------------------------------------------------

    def channel(self, uid: str = CALLER, name: str = "line1", linked: str = CALLER) -> dict[str, str]:
        """A channel snapshot."""
        return {"Channel": f"PJSIP/{name}-{uid.replace('.', '0')}", "Uniqueid": uid, "Linkedid": linked}

    def arrives(self, at: float, uid: str = CALLER, number: str = "13800001111", did: str = "4000001313") -> None:
        """A call from outside."""
        self.say(
            at,
            "Newchannel",
            ChannelState="4",
            CallerIDNum=number,
            Exten=did,
            Context="in",
            **self.channel(uid, linked=uid),
        )

    def joins(self, at: float, queue: str = "q", uid: str = CALLER) -> list[Event]:
        """The caller enters a queue."""
        return self.say(at, "QueueCallerJoin", Queue=queue, Position="1", **self.channel(uid, linked=uid))

    def rings(
        self, at: float, queue: str = "q", uid: str = PHONE, phone: str = "desk1", agent: str = "Ann"
    ) -> list[Event]:
        """A member's phone rings for the caller."""
        self.say(at, "Newchannel", ChannelState="0", Exten="s", Context="desks", **self.channel(uid, phone))
        dest = {f"Dest{key}": value for key, value in self.channel(uid, phone).items()}
        called = {"Queue": queue, "Interface": f"PJSIP/{phone}", "MemberName": agent}
        told = self.say(at, "AgentCalled", **called, **self.channel(), **dest)
        self.say(at, "DialBegin", DialString=f"PJSIP/{phone}", **self.channel(), **dest)
        return told

    def answers(
        self, at: float, queue: str = "q", uid: str = PHONE, phone: str = "desk1", agent: str = "Ann"
    ) -> list[Event]:
        """The phone is picked up and the two are bridged."""
        dest = {f"Dest{key}": value for key, value in self.channel(uid, phone).items()}
        self.say(at, "DialEnd", DialStatus="ANSWER", **self.channel(), **dest)
        self.say(at, "QueueCallerLeave", Queue=queue, Position="1", **self.channel())
        called = {"Queue": queue, "Interface": f"PJSIP/{phone}", "MemberName": agent, "HoldTime": "0"}
        told = self.say(at, "AgentConnect", **called, **self.channel(), **dest)
        for leg in (self.channel(uid, phone), self.channel()):
            told += self.say(at, "BridgeEnter", BridgeUniqueid="b1", BridgeTechnology="simple_bridge", **leg)
        return told

    def abandons(self, at: float, queue: str = "q", uid: str = CALLER) -> list[Event]:
        """The caller hangs up while waiting."""
        leg = self.channel(uid, linked=uid)
        told = self.say(at, "HangupRequest", **leg)
        told += self.say(at, "QueueCallerAbandon", Queue=queue, **leg)
        told += self.say(at, "QueueCallerLeave", Queue=queue, **leg)
        return told + self.say(at, "Hangup", Cause="0", **leg)
