"""A PBX that this node does not follow: its calls as the node that leads it tells them.

What stands there is kept, so that a snapshot after a hole publishes what was missed and nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final

from cti import events, wire
from cti.events import Event
from cti.nodes.links import Links
from cti.standing import Standing

SILENT_S: Final = 3.0
"Without a word from whoever leads, for this long, what is shown of the PBX is old (a word comes every second)."


class Heard:
    """One such PBX. `publish` is the bus's, `clock` tells epoch seconds."""

    def __init__(
        self, name: str, links: Links, publish: Callable[[Sequence[Event]], None], *, clock: Callable[[], float]
    ) -> None:
        self.name = name
        self._links = links
        self._publish = publish
        self._clock = clock
        self._standing = Standing()
        self._told_at: float | None = None
        self._state = "connecting"
        self._silent = False
        "Shown as lost because nobody told anything."

    def event(self, event: Event) -> None:
        """It happened."""
        self._standing.apply(event)
        self._publish([event])

    def stands(self, told: Sequence[Event]) -> None:
        """All that stands there now: what was missed is published, what is gone is ended.

        Of a call that is over in both nothing is published: told again, in other words, it would begin anew. What
        followed something missed is told once more behind it, or a ring would begin after its end.
        """
        now = self._clock()
        before = list(self._standing.events())
        had = {wire.encode(event) for event in before}
        there = Standing()
        for event in told:
            there.apply(event)
        self._standing = there
        open_here, open_there = _open(before), _open(told)
        over_there = {event.call for event in told if isinstance(event, events.CallEnded)}
        agents_there = _agents(told)
        lasting = [event for event in before if getattr(event, "call", None) in open_there]
        gone: list[Event] = _quiet(lasting, told, now)
        gone += [
            events.CallEnded(call=call, at=now, pbx=self.name)
            for call in open_here
            if call not in open_there and call not in over_there
        ]
        gone += [
            events.AgentGone(interface=phone, at=now, pbx=self.name)
            for phone in _agents(before)
            if phone not in agents_there
        ]
        self._publish([*gone, *_news(told, had, {*open_here, *open_there})])

    def alive(self) -> Iterable[str]:
        """Calls that have not ended."""
        return _open(self._standing.events())

    def beat(self, state: str, text: str, text_en: str) -> None:
        """Whoever leads says how its link stands."""
        self._told_at = self._clock()
        if self._silent and state == "live":
            # Whatever was missed meanwhile comes with a snapshot: a hole, or another leader, has it told.
            self._publish([events.PbxResynced(at=self._told_at, pbx=self.name)])
        self._silent = False
        if state != self._state:
            self._state = state
            self._links.put(self.name, state, text, text_en)

    def look(self) -> None:
        """Call about once a second: silence is shown."""
        if self._told_at is None or self._clock() - self._told_at <= SILENT_S or self._state == "lost":
            return
        self._state, self._silent = "lost", True
        self._publish([events.PbxLost(at=self._told_at, pbx=self.name)])
        self._links.put(self.name, "lost", "没有机器报告这台交换机的情况", "No node tells how this PBX is")


def _open(told: Iterable[Event]) -> dict[str, None]:
    calls: dict[str, None] = {}
    for event in told:
        call = getattr(event, "call", None)
        if call is None:
            continue
        if isinstance(event, events.CallEnded | events.CallMerged):
            calls.pop(call, None)
        else:
            calls[call] = None
    return calls


def _news(told: Iterable[Event], had: Collection[bytes], calls: Collection[str]) -> Iterator[Event]:
    """What was missed of these calls and of all else; of a call, what followed it, too."""
    again: set[str] = set()
    for event in told:
        call: str | None = getattr(event, "call", None)
        if call is not None and call not in calls:
            continue
        if call not in again and wire.encode(event) in had:
            continue
        if call is not None:
            again.add(call)
        yield event


def _quiet(before: Iterable[Event], told: Sequence[Event], now: float) -> list[Event]:
    """The ends of rings and holds that stood here and do not stand there: how they ended nobody told."""
    rings, held = _ringing(before), _held(before)
    rung = {event.ring for event in told if isinstance(event, events.AgentRinging)}
    holds = _held(told)
    ends: list[Event] = [
        events.RingEnded(
            at=now,
            pbx=ring.pbx,
            call=ring.call,
            ring=ring.ring,
            visit=ring.visit,
            agent=ring.agent,
            interface=ring.interface,
            reason="cancelled",
        )
        for ring in rings.values()
        if ring.ring not in rung
    ]
    ends += [
        events.CallResumed(at=now, pbx=hold.pbx, call=hold.call, interface=hold.interface)
        for key, hold in held.items()
        if key not in holds
    ]
    return ends


def _ringing(told: Iterable[Event]) -> dict[str, events.AgentRinging]:
    rings: dict[str, events.AgentRinging] = {}
    for event in told:
        if isinstance(event, events.AgentRinging):
            rings[event.ring] = event
        elif isinstance(event, events.RingEnded):
            rings.pop(event.ring, None)
    return rings


def _held(told: Iterable[Event]) -> dict[tuple[str, str], events.CallHeld]:
    return {(event.call, event.interface): event for event in told if isinstance(event, events.CallHeld)}


def _agents(told: Iterable[Event]) -> set[str]:
    return {event.agent.interface for event in told if isinstance(event, events.AgentChanged)}
