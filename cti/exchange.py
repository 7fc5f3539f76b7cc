"""One PBX as this node follows it: link, core, what is written of it, and whether this node is the one that writes.

Every node that follows a PBX has its state and shows its calls to its own pages. One of them leads: it writes, under
the lease's epoch, which the database checks with every write. The others keep what they saw until the store has it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from cti import events
from cti.ami.link import Link
from cti.bus import Bus
from cti.calls.pbx import ONLY, WANTED, Pbx, PbxConfig
from cti.calls.record import Call
from cti.chronicle import Scribe
from cti.feed import Feed
from cti.floor import Floor
from cti.leadership import TRY_S, Leadership
from cti.nodes.links import Links
from cti.settings import PbxSettings, Settings
from cti.standing import Standing
from cti.store import Store, Writer
from cti.store.journal import Journal, journal_path
from cti.store.lease import Lease
from cti.ticker import steady_clock, wall_clock

log = logging.getLogger(__name__)


class Exchange:
    """`start` it with the store's open calls; `contest`, the writer, the scribe and, last, the link run as tasks."""

    def __init__(
        self,
        pbx: PbxSettings,
        settings: Settings,
        store: Store,
        writer: Writer,
        bus: Bus,
        floor: Floor,
        links: Links,
        *,
        alive: Callable[[], Iterable[str]],
        run: Callable[[Callable[[], Any]], Awaitable[Any]],
        holder: str,
    ) -> None:
        """`alive` gives the open calls of the whole site; `run` calls the store off the loop.

        `holder` is who this node is in leases, other at each start.
        """
        self.name = pbx.name
        self._store = store
        self._bus = bus
        self._run = run
        self.pbx = core_of(pbx, settings)
        self.standing: Standing | None = None
        self.writer = writer
        self.feed = Feed(self.pbx, pbx.name, bus, floor, self.writer, links, alive=alive)
        self.scribe = Scribe(
            store, pbx, settings, clock=self.now, away=lambda: not self.writer.store_ok or self._leadership_away()
        )
        bus.subscribe(f"history {pbx.name}", self.scribe.on_event)
        self.link = Link(
            pbx,
            on_packet=self.feed.on_packet,
            on_roster=self.feed.on_roster,
            on_state=self.feed.on_state,
            clock=wall_clock,
            wanted=WANTED,
            only=ONLY,
            auditor=self.pbx.audit,
        )
        self.on_lead: list[Callable[[bool], None]] = []
        "Told when this node begins to lead, and when it no longer does."
        self.leadership: Leadership | None = None
        "None where nobody contests: a store of one node."
        self._taking: asyncio.Task[None] | None = None
        self._taken: Lease | None = None
        if not store.database.is_sqlite:
            self.leadership = Leadership(
                store,
                pbx=pbx.name,
                node=holder,
                run=run,
                steady=steady_clock,
                on_change=self._changed,
                able=lambda: links.live(pbx.name),
            )
            self.writer.on_stale = lambda: self._changed(None)
            self.scribe.lead(None)

    @property
    def leads(self) -> bool:
        """True while this node writes, and does what rules ask for."""
        return self.leadership is None or (self._taken is not None and self._taken == self.leadership.held)

    @property
    def epoch(self) -> int:
        """Of the lease while this node leads, else 0."""
        return self._taken.epoch if self._taken is not None and self.leads else 0

    def now(self) -> float:
        """Epoch seconds on the PBX's clock."""
        return self.feed.now()

    def start(self, open_calls: Sequence[Call]) -> None:
        """Carry on what the store had open when the service stopped; several nodes do that when one of them leads."""
        if self.leadership is None:
            self.feed.adopt(open_calls)

    async def contest(self) -> None:
        """Lead whenever nobody else does; nothing where nobody contests."""
        if self.leadership is not None:
            await self.leadership.run()

    async def close_writer(self) -> None:
        """Write what is left."""
        if self._taking is not None:
            self._taking.cancel()
            await asyncio.gather(self._taking, return_exceptions=True)
        if not await self.writer.close():
            log.error("not everything was written down: %d calls of %s", self.writer.backlog, self.name)

    # --- leading -----------------------------------------------------------------------------------------------

    def _changed(self, lease: Lease | None) -> None:
        """The lease is this node's, or no longer."""
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None
        led, self._taken = self._taken is not None, None
        self.writer.lead(None)
        self.scribe.lead(None)
        for tell in self.on_lead if led else ():
            tell(False)
        if lease is not None:
            self._taking = asyncio.get_running_loop().create_task(self._take(lease))

    async def _take(self, lease: Lease) -> None:
        """Begin to write where whoever led before ended."""
        stored: list[Call] | None = None
        while stored is None:
            try:
                stored = await self._run(lambda: self._store.open_calls(self.name))
            except Exception as error:
                # Without it nothing is written; should the lease run out meanwhile, this is cancelled.
                log.warning("what %s had open was not read: %s", self.name, type(error).__name__)
                await asyncio.sleep(TRY_S)
        view = self._store.fenced(lease)
        self._taken = lease
        self.writer.lead(view)
        self.scribe.lead(view)
        self.feed.adopt(stored)
        for tell in self.on_lead:
            tell(True)

    def _leadership_away(self) -> bool:
        return self.leadership is not None and self.leadership.away

    def stand(self) -> Standing:
        """Keep, from now on, what another node is given that asks how things stand."""
        standing = self.standing = Standing()

        def apply(event: events.Event) -> None:
            if event.pbx == self.name:
                standing.apply(event)

        self._bus.subscribe(f"standing {self.name}", apply)
        return standing


async def writer_of(pbx: PbxSettings, settings: Settings, store: Store) -> Writer:
    """What writes the calls of one PBX. What an earlier run left in its journal is written, or waits to be.

    Raises StoreError where another process has the journal.
    """
    folder = settings.store.journal_folder
    writer = Writer(store, journal=None if folder is None else Journal(journal_path(folder, pbx.name, "calls")))
    if not store.database.is_sqlite:
        writer.lead(None)
    await writer.recover()
    return writer


def core_of(pbx: PbxSettings, settings: Settings) -> Pbx:
    """The core of one PBX as the settings want it."""
    queues = settings.queues
    return Pbx(
        PbxConfig(
            name=pbx.name,
            trunks=pbx.trunks,
            targets={name: queue.target for name, queue in queues.items()},
            default_target=pbx.default_target,
            wrapup={name: q.wrapup for name, q in queues.items() if q.wrapup is not None},
        )
    )
