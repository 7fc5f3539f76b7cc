"""Who waits and who is there, from the PBX's events, as far as actions and overflow rules need it (pure)."""

from __future__ import annotations

import msgspec

from cti import events
from cti.events import AgentState, Event


class Waiter(msgspec.Struct, frozen=True, kw_only=True):
    """A caller who stands in a queue."""

    visit: str
    call: str
    queue: str
    number: str | None
    since: float
    "Start of his 13 seconds, which may lie before this queue."
    ringing: tuple[str, ...] = ()
    "Ring keys of phones that ring for him."


class Standing:
    """Fed with every event in order; what it says is as true as the last one."""

    def __init__(self) -> None:
        self._waiting: dict[str, Waiter] = {}
        self._agents: dict[str, AgentState] = {}

    def apply(self, event: Event) -> bool:
        """Take one event in; True where a rule may have something to decide."""
        match event:
            case events.CallQueued():
                self._waiting[event.visit] = Waiter(
                    visit=event.visit,
                    call=event.call,
                    queue=event.queue,
                    number=event.caller,
                    since=event.waiting_since,
                )
            case events.CallAnswered() | events.CallAbandoned() | events.CallLeftQueue():
                self._waiting.pop(event.visit, None)
            case events.AgentRinging() if event.visit in self._waiting:
                one = self._waiting[event.visit]
                self._waiting[event.visit] = msgspec.structs.replace(one, ringing=(*one.ringing, event.ring))
            case events.RingEnded() if event.visit in self._waiting:
                one = self._waiting[event.visit]
                left = tuple(ring for ring in one.ringing if ring != event.ring)
                self._waiting[event.visit] = msgspec.structs.replace(one, ringing=left)
            case events.AgentChanged():
                self._agents[event.agent.interface] = event.agent
            case events.AgentGone():
                self._agents.pop(event.interface, None)
            case _:
                return False
        return True

    def waiter(self, visit: str) -> Waiter | None:
        """A waiting caller."""
        return self._waiting.get(visit)

    def waiting(self, queue: str) -> list[Waiter]:
        """Who waits in a queue, in no order."""
        return [one for one in self._waiting.values() if one.queue == queue]

    def agent(self, interface: str) -> AgentState | None:
        """An agent's state, None for a phone in no queue."""
        return self._agents.get(interface)

    def agents(self) -> dict[str, AgentState]:
        """All agents by phone."""
        return self._agents

    def staffed(self, queue: str) -> bool:
        """True where some member of the queue can be reached, be he paused or in a call."""
        return any(
            membership.queue == queue
            for state in self._agents.values()
            if state.phase not in ("unavailable", "unknown")
            for membership in state.queues
        )

    def free(self, queue: str) -> int:
        """Members who could take a call of the queue at this moment."""
        return sum(
            any(m.queue == queue and not m.paused for m in state.queues)
            for state in self._agents.values()
            if state.phase in ("idle", "paused")
        )
