"""A node: one start of the program on one machine. Feed, writer, journal and leadership are the real ones.

What `cti.exchange` ties together is tied together here without its link and its history.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

from cti import events
from cti.ami.link import LinkState
from cti.ami.messages import Packet
from cti.ami.roster import Roster
from cti.bus import Bus
from cti.calls.record import Call
from cti.feed import Feed
from cti.floor import Floor
from cti.history.queue_log import LogBook, Rules
from cti.leadership import TRY_S, Leadership
from cti.nodes.links import Links
from cti.nodes.neighbours import Neighbours
from cti.store.base import StoreError
from cti.store.journal import Journal
from cti.store.lease import Lease
from cti.store.safekeeping import Figures
from cti.store.writer import Writer
from tests.simulation.core import Clean, Core, Remembered
from tests.simulation.database import Database
from tests.simulation.hearing import Followed, neighbours
from tests.simulation.scheduler import Life, Process, SlowProcess

if TYPE_CHECKING:
    from tests.simulation.world import World

NAME = "sim"
LOOK_S = 15.0
AHEAD_S = 0.004
"Lists run ahead of the events by up to this (FAULTS, fact 7)."
LATE_S = 0.5
"What is late comes with the next packet, or after this."
AGAIN = 40
"Packets that may be said again."
NOTHING = Roster(boot="one", queue_status=[], channels=[])
LIVE, LOST, READING = (LinkState(phase, "", "") for phase in ("live", "lost", "resyncing"))


class Pages:
    """What a feed knows of pages: nothing of them is simulated."""

    def __init__(self) -> None:
        self.session = self

    def reconcile(self, alive: object, at: float) -> list[Any]:
        """No pops."""
        return []

    def carry(self, what: object) -> None:
        """Nothing to show."""

    def calls_changed(self, calls: object) -> None:
        """Nobody looks."""


class OneLink:
    """How the link stands."""

    def __init__(self) -> None:
        self.phase = "connecting"

    def state(self, name: str) -> str:
        """Now."""
        return self.phase

    def put(self, name: str, state: str, text: str, text_en: str) -> None:
        """It changed."""
        self.phase = state


class Straight:
    """A writer without queue, thread and journal, for schedules that are about what comes before it."""

    backlog = 0
    journal = Figures()

    def __init__(self, database: Database) -> None:
        self._database = database

    def held(self, pbx: str) -> dict[str, Call | None]:
        """Nothing waits."""
        return {}

    def put(self, call: Call, pbx: str, *, older: bool = False) -> bool:
        """Write it."""
        self._database.save_calls((call,), pbx, older=older)
        return True

    def drop(self, call: str, pbx: str) -> bool:
        """Forget it."""
        self._database.drop_calls((call,))
        return True


class Node:
    """One start. `whole`: nothing befalls its core as long as it lives, which is remembered then."""

    def __init__(self, world: World, name: str, start: int, clean: Clean | None, *, contested: bool) -> None:
        self.world = world
        self.name = name
        self.process = Process(world.scheduler, world.work, Life())
        self.clean = clean
        self.core: Core | Remembered = Core() if clean is None else Remembered(clean)
        self.pages = Pages()
        self.links = OneLink()
        self.linked = False
        self.late: list[tuple[Packet, float]] = []
        self.recent: list[Packet] = []
        self.rings: list[str] = []
        self.corrections = 0
        self.refused = 0
        self.book: LogBook | None = None
        self.taken: Lease | None = None
        self.epochs = 0
        "How often it began to lead."
        self._taking: asyncio.Task[None] | None = None
        self.bus = Bus()
        self.air = Bus()
        "What others are told of."
        self.neighbours: Neighbours | None = None
        self.followed: Followed | None = None
        self.on_lead: list[Callable[[bool], None]] = []
        self.writer: Writer | Straight
        if world.plan.straight:
            self.writer = Straight(world.database)
        else:
            journal = Journal(cast(Any, world.disks[name].path(f"{NAME}.calls")), reserve=0)
            self.writer = Writer(
                cast(Any, world.database), journal=journal, clock=lambda: world.scheduler.now, look_s=LOOK_S
            )
        self.feed = Feed(
            self.core,
            NAME,
            self.bus,
            cast(Floor, self.pages),
            cast(Writer, self.writer),
            cast(Links, self.links),
            alive=lambda: [call.id for call in self.core.open_calls()],
        )
        self.leadership: Leadership | None = None
        self.slow: SlowProcess | None = None
        if contested:
            self.slow = SlowProcess(self.process, world.lease_clock)
            self.leadership = Leadership(
                cast(Any, world.database),
                pbx=NAME,
                node=f"{name}{start}",
                run=self._asks,
                steady=self.slow.time,
                on_change=self._changed,
                able=lambda: self.links.phase == "live",
            )
            assert isinstance(self.writer, Writer)
            self.writer.lead(None)
            self.writer.on_stale = lambda: self._changed(None)
        if clean is None:
            self.bus.subscribe("told", self._told)

    @property
    def up(self) -> bool:
        """It lives and is not stopped."""
        return not self.process.life.gone and not self.process.life.stopped

    @property
    def leads(self) -> bool:
        """It writes."""
        if self.leadership is None:
            return self.book is not None
        return self.taken is not None and self.taken == self.leadership.held

    # -- from start to end --------------------------------------------------------------------------------------

    def start(self) -> None:
        """The program begins."""
        if isinstance(self.writer, Straight):
            self.process.does(self._starts)
        else:
            self.process.start(self._run(self.writer))

    def _starts(self) -> None:
        self._adopt(self.world.database.open_calls())
        self.connect()

    async def _run(self, writer: Writer) -> None:
        if self.world.listener is not None:
            self.followed = Followed(self)
            self.neighbours = neighbours(self.name, self.air, [self.followed], [])
        await writer.recover()
        if self.leadership is None:
            self._adopt(await self._stored())
        self.process.start(writer.run())
        if self.leadership is not None and self.slow is not None:
            self.slow.start(self.leadership.run())
        self.connect()

    async def _stored(self) -> list[Call]:
        while True:
            try:
                return cast("list[Call]", await self._in_store(lambda: self.world.database.open_calls(NAME)))
            except StoreError:
                await asyncio.sleep(TRY_S)

    def _in_store(self, what: Callable[[], Any]) -> asyncio.Future[Any]:
        return self.process.run_in_executor(None, what)

    async def _asks(self, what: Callable[[], Any]) -> Any:
        assert self.slow is not None
        return await self.slow.run_in_executor(None, what)

    def _changed(self, lease: Lease | None) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None
        led, self.taken = self.taken is not None, None
        if isinstance(self.writer, Writer):
            self.writer.lead(None)
        self.book = None
        if led:
            self.world.stops_leading(self)
            for tell in self.on_lead:
                tell(False)
        if lease is not None:
            self.process.call_soon(self._begin, lease)

    def _begin(self, lease: Lease) -> None:
        self._taking = self.process.start(self._take(lease))

    async def _take(self, lease: Lease) -> None:
        stored = await self._stored()
        self.taken = lease
        self.epochs += 1
        if isinstance(self.writer, Writer):
            self.writer.lead(self.world.database.fenced(lease))
        self._adopt(stored)
        for tell in self.on_lead:
            tell(True)

    def _adopt(self, stored: list[Call]) -> None:
        database = self.world.database
        self.book = LogBook(Rules(), database.open_visits(), database.last)
        self.feed.adopt(stored)

    @property
    def epoch(self) -> int:
        """Of its lease; 0 where nobody contests."""
        return 0 if self.taken is None else self.taken.epoch

    def records(self, record: Clean) -> None:
        """Note what the core does."""
        assert isinstance(self.core, Core)
        self.core.record = record

    def failures(self) -> list[str]:
        """What nobody handled."""
        own = [f"{name} failed" for name in self.bus.failures]
        return own + self.process.failures + ([] if self.slow is None else self.slow.failures)

    def bury(self) -> None:
        """The world ends."""
        self.process.kill()
        for part in (self.process, self.slow):
            if part is not None:
                part.bury()

    def remembers(self) -> None:
        """Its core does what was recorded, from now on."""
        assert self.clean is not None
        now = self.world.scheduler.now
        self._goes_on(iter([moment for moment in self.clean.saves if moment[0] > now]), None)
        if self.world.listener is not None:
            self._tells(iter(self.clean.told), None)

    def _tells(self, moments: Iterator[tuple[float, events.Event]], event: events.Event | None) -> None:
        if event is not None:
            self.air.publish((event,))
        following = next(moments, None)
        if following is not None:
            at, then = following
            at = max(at, self.world.scheduler.now)
            self.world.scheduler.at(at, self._tells, moments, then, process=self.process)

    def _goes_on(self, moments: Iterator[tuple[float, list[Call]]], calls: list[Call] | None) -> None:
        if calls is not None:
            cast(Remembered, self.core).goes_on(calls)
            self.feed.save()
        following = next(moments, None)
        if following is not None:
            at, then = following
            self.world.scheduler.at(at, self._goes_on, moments, then, process=self.process)

    # -- the link -----------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """The link is made, the lists are read; what was said a moment before they were made comes after them."""
        if self.linked or not self.world.reachable(self.name):
            return
        now = self.world.scheduler.now
        self.linked = True
        self.world.hole_ends(self.name)
        self.feed.on_state(READING, now)
        if self.clean is None:
            self.late = self.world.said_since(now - AHEAD_S)
            self.reads()
        else:
            self.feed.on_roster(NOTHING, [], now)
        self.feed.on_state(LIVE, now)
        if self.clean is not None:
            self.remembers()

    def reads(self) -> None:
        """All lists."""
        now = self.world.scheduler.now
        late, self.late = self.late, []
        self.recent.clear()  # of another connection nothing is repeated
        self.feed.on_roster(self.world.lists.roster(now), late, now)

    def cut(self) -> None:
        """The link is gone."""
        self.linked = False
        self.feed.on_state(LOST, self.world.scheduler.now)

    def hears(self, packets: list[Packet], faults: dict[int, str], first: int) -> None:
        """Packets from the wire; `faults` of single ones by their number, `first` is the first's."""
        at = self.world.scheduler.now
        if not self.linked:
            return
        for number, packet in enumerate(packets, first):
            fault = faults.get(number)
            if fault == "drop":
                continue
            if self.late:
                self.hears_late()
            if fault == "delay":
                self.late.append((packet, at))
                self.process.call_later(LATE_S, self.hears_late)
                continue
            self.feed.on_packet(packet, at)
            if faults:
                self.recent.append(packet)
            if fault == "double":
                self.feed.on_packet(packet, at)
            elif fault == "replay":
                for again in self.recent[-AGAIN:]:
                    self.feed.on_packet(again, at)

    def hears_late(self) -> None:
        """What was held back for a moment comes now."""
        late, self.late = self.late, []
        for packet, _ in late if self.linked else ():
            self.recent.append(packet)
            self.feed.on_packet(packet, self.world.scheduler.now)

    def beats(self) -> None:
        """Say how the link stands, as every second: whoever missed something hears of it by the entry's number."""
        if self.neighbours is not None and self.leads:
            self.neighbours._tell_beat(cast(Any, self.followed))

    def look(self) -> None:
        """A round of the audit: channels and every queue."""
        if not self.linked:
            return
        audit, lists, now = self.core.audit, self.world.lists, self.world.scheduler.now
        certain = audit.answer({}, lists.show_channels())
        for queue in self.world.story.queues:
            certain += audit.answer({"Queue": queue}, lists.queue_status(now, queue))
        if certain:
            self.corrections += certain
            self.reads()

    def _told(self, event: events.Event) -> None:
        assert isinstance(self.core, Core)
        if self.core.record is not None:
            self.core.record.told.append((self.world.scheduler.now, event))
        if self.world.listener is not None:
            self.air.publish((event,))
        if isinstance(event, events.AgentRinging):
            self.rings.append(event.ring)
