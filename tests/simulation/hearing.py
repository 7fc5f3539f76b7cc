"""A node that does not follow the PBX and shows its calls by what the leader tells over the relay.

Neighbours, Heard, Standing and the relay's taking side are the real ones; what lies between two relays, one Redis
stream, is a model: it may be away, come back empty, lose an entry or have one twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

from cti import events
from cti.ami.link import LinkState
from cti.bus import Bus
from cti.nodes.heard import Heard
from cti.nodes.neighbours import Neighbours
from cti.relay import LINGER_S, RETRY_S, URGENT_S, Relay, _encode, _Entry
from cti.settings.node import RedisSettings
from cti.standing import Standing
from tests.simulation.scheduler import Life, Process, Timer

if TYPE_CHECKING:
    from cti.feed import Feed
    from tests.simulation.node import Node
    from tests.simulation.world import World

SETTINGS = RedisSettings(url="redis://redis")
TOOK_S = 0.002
State = frozenset[tuple[str, ...]]
"{(open call, its rings ...), (phone, phase)}"


class Stream:
    """One Redis stream."""

    def __init__(self, world: World) -> None:
        self.entries: list[bytes] = []
        self.start = 0
        "How often it began empty."
        self.away = False
        self.lose = False
        self.double = False
        self.added = 0
        "How many entries there ever were."
        self._world = world
        self._readers: list[Wire] = []

    def join(self, reader: Wire) -> None:
        """Somebody listens."""
        self._readers.append(reader)

    def add(self, entry: bytes) -> bool:
        """An entry more; False where it is away."""
        if self.away:
            return False
        self.added += 1
        if self.lose:
            self.lose = False
            return True
        self.entries += [entry] * (1 + self.double)
        self.double = False
        self.news()
        return True

    def news(self) -> None:
        """Whoever listens hears of it."""
        scheduler = self._world.scheduler
        for reader in self._readers:
            if not reader.process.life.gone and not reader.expects:
                reader.expects = True
                scheduler.at(scheduler.now + TOOK_S, reader.reads, process=reader.process)

    def flush(self) -> None:
        """It is empty, and begins anew."""
        self.entries.clear()
        self.start += 1
        self.news()


class Wire(Relay):
    """A relay whose client is the model."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.process = cast(Process, asyncio.get_running_loop())
        self.line: Stream = cast(Any, self.process.scheduler).stream
        self.expects = False
        self._flushing: Timer | None = None
        self._hurries = False
        self._start, self._place = self.line.start, len(self.line.entries)
        self.line.join(self)
        self.process.call_soon(self._hole, "")

    def tell(self, kind: str, body: bytes, urgent: bool = False, *, patient: bool = False) -> None:
        """As ever; what waits goes in a moment."""
        super().tell(kind, body, urgent, patient=patient)
        if not patient and (self._flushing is None or (urgent and not self._hurries)):
            if self._flushing is not None:
                self._flushing.cancel()
            self._hurries = urgent
            self._flushing = self.process.call_later(URGENT_S if urgent else LINGER_S, self._flush)

    def _flush(self) -> None:
        self._flushing, self._hurries = None, False
        if self._going is None:
            if not self._waiting:
                return
            waiting, self._waiting = tuple(self._waiting), []
            self._number += 1
            self._going = _encode(_Entry(self.node, self._run, self._number, waiting))
        if self.line.add(self._going):
            self._going = None
        if self._waiting or self._going is not None:
            self._flushing = self.process.call_later(RETRY_S, self._flush)

    def reads(self) -> None:
        """What is new."""
        self.expects = False
        line = self.line
        if line.away:
            return
        if line.start != self._start:
            self._start, self._place = line.start, len(line.entries)
            self._fell_back(b"0-0")
            return
        new = line.entries[self._place :]
        self._place = len(line.entries)
        for entry in new:
            self._take(entry)


class Followed:
    """A node's PBX as `cti.nodes.neighbours` sees it."""

    name = "sim"

    def __init__(self, node: Node) -> None:
        self._node = node
        self.on_lead: list[Callable[[bool], None]] = node.on_lead
        self.feed: Feed = node.feed
        self.pbx = node.core
        self.link = self
        self.standing: Standing | None = None

    @property
    def leads(self) -> bool:
        """Whether it writes and tells."""
        return self._node.leads

    @property
    def epoch(self) -> int:
        """Of its lease."""
        return self._node.epoch

    @property
    def state(self) -> LinkState:
        """Of the link."""
        return LinkState(cast(Any, self._node.links.phase), "", "")

    def stand(self) -> Standing:
        """Keep what stands."""
        self.standing = Standing()
        self._node.air.subscribe("standing", self.standing.apply)
        return self.standing


class Nobody:
    """A floor without people, and facts that nobody makes."""

    def __init__(self) -> None:
        self.session = self.phones = self
        self.tell: object = None

    def taken(self) -> dict[str, str]:
        """Nobody sits anywhere."""
        return {}

    def calls_changed(self, calls: object) -> None:
        """Nobody looks."""

    def hear(self, kind: str, body: bytes) -> bool:
        """No fact."""
        return False


def neighbours(node: str, bus: Bus, followed: list[Any], heard: list[Heard]) -> Neighbours:
    """The real ones, in the process whose turn it is."""
    nobody = cast(Any, Nobody())
    return Neighbours(SETTINGS, node, bus, nobody, nobody, followed, heard, on_hole=lambda: None)


class Links:
    """How the link stands: nobody asks."""

    def put(self, name: str, state: str, text: str, text_en: str) -> None:
        """It changed."""


class Shown:
    """What pages show of a PBX, by the events that came."""

    def __init__(self, told: Iterable[events.Event] = ()) -> None:
        self._calls: dict[str, set[str]] = {}
        "{open call: what rings for it}"
        self._agents: dict[str, str] = {}
        for event in told:
            self.apply(event)

    def apply(self, event: events.Event) -> None:
        """It happened."""
        match event:
            case events.AgentChanged():
                self._agents[event.agent.interface] = event.agent.phase
            case events.AgentGone():
                self._agents.pop(event.interface, None)
            case events.CallEnded() | events.CallMerged():
                self._calls.pop(event.call, None)
            case events.AgentRinging():
                self._calls.setdefault(event.call, set()).add(event.ring)
            case events.RingEnded():
                self._calls.setdefault(event.call, set()).discard(event.ring)
            case _:
                call: str | None = getattr(event, "call", None)
                if call is not None:
                    self._calls.setdefault(call, set())

    def state(self) -> State:
        """All of it."""
        calls = ((call, *sorted(rings)) for call, rings in self._calls.items())
        return frozenset({*calls, *self._agents.items()})


class Listener:
    """A node that only hears, and what its pages show."""

    def __init__(self, world: World) -> None:
        self.process = Process(world.scheduler, world.work, Life())
        self.bus = Bus()
        self.shown = Shown()
        self.bus.subscribe("pages", self.shown.apply)
        self.neighbours: Neighbours | None = None
        self.process.does(self._joins, world)

    def _joins(self, world: World) -> None:
        heard = Heard("sim", cast(Any, Links()), self.bus.publish, clock=lambda: world.scheduler.now)
        self.neighbours = neighbours("c", Bus(), [], [heard])
