"""What stands now, as the events that made it so (pure): the snapshot that one node gives another.

Of every open call the events that still matter are kept, in their order; what ended without a trace (a ring that
nobody took, a hold that is over) is left out again. Whoever applies `events()` to an empty pop session and board, and
then what follows, stands where everybody else stands.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from cti import events
from cti.events import Event

MOST: Final = 400
"Events kept of one call; the oldest after its beginning go first."
LINGER_S: Final = 60.0
"Ended calls are kept for this: pops that somebody is still writing in, and what was told late."
ENDED: Final = 2_000
"Ended calls kept at most."


class Standing:
    """Apply every event of one PBX in its order."""

    def __init__(self) -> None:
        self._count = itertools.count()
        self._calls: dict[str, list[tuple[int, Event]]] = {}
        "{call: (place among all events, event)}"
        self._ended: OrderedDict[str, float] = OrderedDict()
        self._agents: dict[str, tuple[Event, ...]] = {}
        "{phone: (the event that paused it, where it is paused, and the newest one)}"
        self._link: Event | None = None

    def apply(self, event: Event) -> None:
        """Take one event in. Repeated ones change nothing that matters."""
        match event:
            case events.AgentChanged():
                phone = event.agent.interface
                before = self._agents.get(phone)
                since = before[0] if before is not None and _paused(before[0]) else event
                self._agents[phone] = (since, event) if _paused(event) and since is not event else (event,)
                return
            case events.AgentGone():
                self._agents.pop(event.interface, None)
                return
            case events.PbxConnected() | events.PbxLost() | events.PbxResynced() | events.PbxRestarted():
                self._link = event
                return
            case _:
                pass
        call: str | None = getattr(event, "call", None)
        if call is None:
            return
        kept = self._calls.setdefault(call, [])
        match event:
            case events.RingEnded() if event.reason != "answered":
                kept[:] = [(n, e) for n, e in kept if not (isinstance(e, events.AgentRinging) and e.ring == event.ring)]
            case events.CallResumed():
                kept[:] = [
                    (n, e) for n, e in kept if not (isinstance(e, events.CallHeld) and e.interface == event.interface)
                ]
            case events.CallMerged():
                into = self._calls.setdefault(event.into, [])
                into[:] = sorted([*into, *self._calls.pop(call), (next(self._count), event)], key=_place)
            case _:
                kept.append((next(self._count), event))
                if len(kept) > MOST:
                    del kept[1 : 1 + len(kept) - MOST]
        if isinstance(event, events.CallEnded):
            self._ended[call] = event.at
            self._forget(event.at)

    def _forget(self, now: float) -> None:
        while self._ended:
            call, at = next(iter(self._ended.items()))
            if abs(now - at) <= LINGER_S and len(self._ended) <= ENDED:
                return
            del self._ended[call]
            self._calls.pop(call, None)

    def events(self) -> Iterator[Event]:
        """All that stands: agents first, then the calls' events in their order, the link's state last."""
        for told in self._agents.values():
            yield from told
        for _, event in sorted((one for kept in self._calls.values() for one in kept), key=_place):
            yield event
        if self._link is not None:
            yield self._link

    def sizes(self) -> dict[str, int]:
        """What is held: calls, events, agents."""
        return {
            "calls": len(self._calls),
            "events": sum(map(len, self._calls.values())),
            "agents": len(self._agents),
        }


def _paused(event: Event) -> bool:
    return isinstance(event, events.AgentChanged) and any(queue.paused for queue in event.agent.queues)


def _place(one: tuple[int, Event]) -> int:
    return one[0]
