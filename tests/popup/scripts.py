"""Event scripts: small true stories of calls, as the core would tell them."""

from __future__ import annotations

from typing import Any

from crm_bridge import model
from crm_bridge.numbers import canonical
from cti import events, wire
from cti.popup.phones import Phones
from cti.popup.rules import Labels, QueueLabel
from cti.popup.session import PopSession
from cti.popup.state import Close, Effect, Gather, LookUp, Show

T0 = 1_760_000_000.0
LABELS = Labels(
    lines={"4000001313": "订舱热线"},
    choices={"4000001313": {"2": "出口报价"}},
    queues={"europe": QueueLabel(label="欧洲航线", target_s=13.0)},
)
LIN, CHEN, QIAO = "PJSIP/8001", "PJSIP/8002", "PJSIP/8003"
NAMES = {LIN: "林知夏", CHEN: "陈晓雯", QIAO: "乔岩"}


def party(id: str = "p1", name: str = "周敏", **more: Any) -> model.Party:
    """A party of the tests' CRM."""
    fields: dict[str, Any] = {
        "kind": "person",
        "company": "宁波屿衡进出口有限公司",
        "company_id": "c1",
        "category": "sea",
        "category_label": "国际海运",
        "version": 1,
    }
    return model.Party(id=id, name=name, **{**fields, **more})


def match(party: model.Party, level: model.MatchLevel = "exact", score: float = 1.0) -> model.Match:
    """One match of a look-up."""
    return model.Match(party=party, level=level, reason="号码一致", reason_en="same number", score=score)


class Story:
    """A session under test, and what has been asked of the edges so far."""

    def __init__(self, **own: str) -> None:
        """`own` is {user: interface}."""
        self.phones = Phones(free={"PJSIP/8100": "机动席 1"})
        for user, interface in own.items():
            self.phones.set_own(user, [interface])
        self.session = PopSession(self.phones, LABELS, canonical)
        self.effects: list[Effect] = []
        self.clock = T0

    def take(self, effects: list[Effect]) -> list[Effect]:
        """Remember effects; returns them."""
        self.effects += effects
        return effects

    def apply(self, event: events.Event) -> list[Effect]:
        """Feed one event."""
        return self.take(self.session.apply(event))

    def tick(self, seconds: float = 1.0) -> float:
        """Time goes by."""
        self.clock += seconds
        return self.clock

    def offer(self, call: str = "c1", caller: str | None = "13800001307", name: str | None = None) -> list[Effect]:
        """The call begins."""
        return self.apply(
            events.CallOffered(
                at=self.tick(),
                call=call,
                direction="inbound",
                caller=caller,
                caller_name=name,
                dialed="4000001313",
            )
        )

    def queue(self, call: str = "c1", visit: str = "v1", caller: str | None = "13800001307") -> list[Effect]:
        """The caller enters the queue."""
        at = self.tick()
        return self.apply(
            events.CallQueued(
                at=at,
                call=call,
                visit=visit,
                queue="europe",
                position=1,
                waiting_since=at,
                caller=caller,
                caller_name=None,
                dialed="4000001313",
                choice="2",
            )
        )

    def ring(
        self,
        interface: str = LIN,
        call: str = "c1",
        visit: str | None = "v1",
        caller: str | None = "13800001307",
        **more: Any,
    ) -> list[Effect]:
        """A phone begins to ring."""
        fields: dict[str, Any] = {
            "ring": f"{call}/{visit}/{interface}",
            "queue": "europe" if visit else None,
            "agent": NAMES.get(interface),
            "caller_name": None,
            "dialed": "4000001313",
            "choice": None,
            "waiting_since": self.clock,
        }
        return self.apply(
            events.AgentRinging(
                at=self.tick(), call=call, visit=visit, interface=interface, caller=caller, **{**fields, **more}
            )
        )

    def ring_ended(
        self,
        reason: events.RingEnd,
        interface: str = LIN,
        call: str = "c1",
        visit: str | None = "v1",
        by: str | None = None,
    ) -> list[Effect]:
        """A phone stops ringing."""
        return self.apply(
            events.RingEnded(
                at=self.tick(),
                call=call,
                ring=f"{call}/{visit}/{interface}",
                visit=visit,
                agent=NAMES.get(interface),
                interface=interface,
                reason=reason,
                by=by,
            )
        )

    def answer(self, interface: str = LIN, call: str = "c1", visit: str = "v1") -> list[Effect]:
        """The phone is answered and bridged."""
        out = self.ring_ended("answered", interface, call, visit)
        out += self.apply(
            events.CallAnswered(
                at=self.clock,
                call=call,
                visit=visit,
                queue="europe",
                agent=NAMES.get(interface),
                interface=interface,
                wait_s=7.0,
                waiting_since=T0,
            )
        )
        out += self.apply(events.TalkStarted(at=self.clock, call=call, interface=interface, agent=NAMES.get(interface)))
        return out

    def talk_ended(self, interface: str = LIN, call: str = "c1") -> list[Effect]:
        """The phone leaves the call."""
        return self.apply(events.TalkEnded(at=self.tick(), call=call, interface=interface, agent=None, talk_s=30.0))

    def end(self, call: str = "c1") -> list[Effect]:
        """The last leg is gone."""
        return self.apply(events.CallEnded(at=self.tick(), call=call))

    def agent(self, interface: str, phase: events.AgentPhase) -> list[Effect]:
        """An agent's state changes."""
        state = events.AgentState(
            agent=NAMES.get(interface, interface),
            interface=interface,
            phase=phase,
            since=self.clock,
            call=None,
            queue=None,
            pause_reason="",
            missed=0,
            queues=(),
        )
        return self.apply(events.AgentChanged(at=self.tick(), agent=state))


def shown(effects: list[Effect], user: str | None = None) -> list[wire.Pop]:
    """The heads pushed by these effects, to `user` if given."""
    return [e.pop for e in effects if isinstance(e, Show) and (user is None or user in e.users)]


def closed(effects: list[Effect], user: str | None = None) -> list[Close]:
    """The closings in these effects."""
    return [e for e in effects if isinstance(e, Close) and (user is None or user in e.users)]


def look_ups(effects: list[Effect]) -> list[LookUp]:
    """The look-ups asked for."""
    return [e for e in effects if isinstance(e, LookUp)]


def gathers(effects: list[Effect]) -> list[Gather]:
    """The records asked for."""
    return [e for e in effects if isinstance(e, Gather)]
