"""The composition root: builds everything once, starts it in order, stops it in reverse (AMI last in, first out)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

import msgspec
from argon2 import PasswordHasher

from crm_bridge.live import SiteCrm
from crm_bridge.numbers import Number, Site, canonical, display
from cti import __version__, wire
from cti.address import Address
from cti.ami.link import Link
from cti.auth import Auth, Identity
from cti.board import Board, QueuePlan
from cti.bus import Bus
from cti.calls.pbx import Pbx
from cti.chronicle import Chronicle
from cti.condition import Watch, of_closes, of_doors
from cti.customers import Customers, Opening
from cti.desk import Desks
from cti.exchange import Exchange
from cti.floor import Floor
from cti.listening import listening
from cti.machine import Machine
from cti.messaging.part import Messaging
from cti.nodes.cluster import Cluster
from cti.nodes.sharing import Sharing
from cti.ownpart import OwnPart
from cti.past import Past, Recall, load
from cti.popup.day import Day
from cti.popup.hub import Hub, Page
from cti.popup.lanes import Lane
from cti.popup.phones import Phones
from cti.popup.record import Records
from cti.popup.rules import Labels, QueueLabel
from cti.popup.server import PushServer
from cti.popup.session import PopSession
from cti.privacy import Privacy
from cti.probe import Probe
from cti.settings import Settings
from cti.store import Claim, Store, Writer, is_outage
from cti.supervision import Supervision
from cti.ticker import steady_clock, wall_clock
from cti.watchdog import Watchdog
from cti.watching import Watching
from cti.web.routes import Services
from cti.web.server import WebServer

log = logging.getLogger(__name__)

SWITCH_S: Final = 0.0005
"""How long a worker thread may keep the interpreter from the event loop. Python's own 5 ms, times the threads that read
records, would stand between a ring and its pop; the cost is some switching while much is read."""
ROUND_S: Final = 1.0
"The slow round: states of store and CRM, a new day, sessions that are over."


class App:
    """One Thirteen. `async with App(settings): ...` runs it; `web_port` and `push_port` are the open ones."""

    def __init__(self, settings: Settings, *, hasher: PasswordHasher | None = None) -> None:
        """Builds what needs neither store nor ports. `hasher` is for tests that log in often."""
        self.settings = settings
        self._hasher = hasher
        site, pbx, queues = settings.site, settings.pbx, settings.queues
        self._zone = ZoneInfo(site.timezone)
        self._site = Site(area_code=site.area_code)
        roles = settings.node.roles
        self._serves_pages, self._pushes, self._texts = "web" in roles, "push" in roles, "sms" in roles
        self.labels = Labels(
            lines=settings.lines,
            choices=settings.menu,
            queues={name: QueueLabel(label=q.label, target_s=q.target) for name, q in queues.items()},
            default_target_s=pbx.default_target,
        )
        self.bus = Bus()
        self.phones = Phones()
        self.opening = Opening(
            settings.crm,
            site=self._site,
            timezone=site.timezone,
            on_numbers=lambda found: self.customers.relink.numbers(found),
        )
        self._stack = contextlib.AsyncExitStack()
        self.watchdog = Watchdog(steady_clock)
        self.web_port = 0
        self.push_port = 0

    # --- starting and stopping ---------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Start everything. Raises StoreError or OSError where that cannot be."""
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything, in reverse."""
        await self._stack.aclose()

    async def _start(self) -> None:
        settings, later = self.settings, self._stack
        later.callback(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(SWITCH_S)
        self.watchdog.start()
        later.callback(self.watchdog.stop)
        later.callback(self.opening.close)
        # The tables of regions take half a second to load: not while the first phone rings.
        await asyncio.to_thread(lambda: canonical("057487654321").region)
        later.callback(Claim.take(settings.store.url, settings.crm.url).release)
        self.store = await asyncio.to_thread(Store.open, settings.store.url, site=self._site)
        later.callback(self.store.close)
        self.cluster = Cluster(settings, self.store)
        later.callback(self.cluster.close)
        await self.cluster.open_writers()
        followed = [pbx.name for pbx in settings.followed]
        past = await asyncio.to_thread(load, self.store, self._zone, wall_clock(), followed)
        web_socket = listening(settings.web.host, settings.web.port)
        later.callback(web_socket.close)
        push_socket = listening(settings.push.host, settings.push.port)
        later.callback(push_socket.close)
        self._doors = {"web": web_socket, "push": push_socket}
        self.web_port, self.push_port = web_socket.getsockname()[1], push_socket.getsockname()[1]
        self.address = Address(settings.web, self.web_port, self.push_port)
        hooks = settings.sms.hooks
        takes_callbacks = self._texts and any(one.hook_secrets for one in settings.sms.platforms)
        self._hook_socket = listening(hooks.host, hooks.port) if takes_callbacks else None
        if self._hook_socket is not None:
            later.callback(self._hook_socket.close)
        self._build(past)
        if not self.cluster.site.has:  # another node may have what one node of the site does
            self._leads_site(False)
        self.opening.start(self.customers.opened)
        later.callback(self.auth.close)
        later.callback(self.lane.close)
        for work in self.cluster.standing_work():
            self._run(work, later)
        for one in self.exchanges:
            # What it still has to write it writes before it gives the lease up.
            self._run(one.contest(), later)
            self._run(one.writer.run(), later)
            later.push_async_callback(one.close_writer)
            one.start(past.open.get(one.name, ()))
        later.push_async_callback(self.recall.close)
        self.recall.restore(past, self.pbx_now())
        await self.watching.restore(self.pbx_now())
        later.push_async_callback(self.records.close)
        later.push_async_callback(self.desks.close)
        await self.supervision.load()
        later.push_async_callback(self.supervision.close)
        await self.web.start("", 0, sock=web_socket)
        later.push_async_callback(self.web.stop)
        if self._pushes:
            await self.push.start("", 0, sock=push_socket)
            later.push_async_callback(self.push.stop)
        later.callback(self.chronicle.close)
        for one in self.exchanges:
            later.push_async_callback(one.scribe.close)
            self._run(one.scribe.run(), later)
        later.push_async_callback(self.watching.close)
        self._run(self.watching.run(), later)
        later.push_async_callback(self.customers.close)
        self._run(self.customers.run(), later)
        self._run(self.supervision.run(), later)
        later.push_async_callback(self.messaging.close)
        self._run(self.messaging.run(), later)
        self._run(self.probe.run(), later)
        self._run(self._rounds(), later)
        later.callback(self.floor.stop)
        for one in self.exchanges:
            later.callback(one.feed.stop)
            self._run(one.link.run(), later)

    def _run(self, work: Any, later: contextlib.AsyncExitStack) -> None:
        """Run a task until its turn to stop."""
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(_report)

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        later.push_async_callback(end)

    def _build(self, past: Past) -> None:
        """Build what is left, once; nothing runs yet."""
        settings = self.settings
        self.session = PopSession(self.phones, self.labels, self._canonical)
        board = Board(
            {n: QueuePlan(label=q.label, target_s=q.target, goal=q.goal) for n, q in settings.queues.items()},
            past.teams,
            day=self._day,
            describe=self._described,
            default=QueuePlan(label="", target_s=settings.pbx.default_target),
        )
        day = Day(lambda queue: self.labels.queue(queue).target_s, self._day)
        privacy = Privacy(
            floor_roles=settings.customers.floor_price_roles, personal_roles=settings.customers.personal_roles
        )
        self.floor = Floor(self.session, board, day, pbx_now=self.pbx_now, sight=privacy.of)
        self.hub = Hub(self._snapshot, pbx_now=self.pbx_now, steady=steady_clock)
        self.records = Records(
            self.crm,
            OwnPart(self.store, lambda row: self.desks.item(row)),
            canonical=self._canonical,
            clock=wall_clock,
            steady=steady_clock,
            alive=self.session.shelf.calls.__contains__,
            on_match=self.floor.matched,
            on_no_answer=self.floor.no_answer,
            on_section=self.floor.section,
            on_head=self.floor.head,
            zone=self._zone,
        )
        self.floor.attach(self.hub, self.records)
        self.sharing = Sharing(self.floor)
        self.auth = Auth(self.store, clock=wall_clock, secure=self.address.secure, hasher=self._hasher)
        self.watching = Watching(
            self.store,
            self.auth,
            self.floor,
            self.hub,
            settings,
            self.sharing,
            phones=self.phones.of,
            describe=self._described,
            secure=self.address.secure,
            clock=self.pbx_now,
        )
        self.watching.listen(self.bus)
        self.bus.subscribe("floor", self.floor.on_event)
        self.probe = Probe(self.store.check)
        self.lane = Lane("store", 2, deadline_s=5.0, clock=steady_clock, counts=is_outage)
        self.chronicle = Chronicle(self.store, settings, self.records.ask, phones=self.phones.of, clock=self.pbx_now)
        self.recall = Recall(self.floor, self.store, self.lane, ask=self.records.ask)
        self.cluster.build(
            self.bus,
            self.floor,
            self.sharing,
            on_recovered=self.recall.recall,
            on_site=self._leads_site,
            on_hole=lambda: self.supervision.missed_something(),
        )
        self.exchanges = self.cluster.exchanges
        self.customers = Customers(
            settings, self.opening, self.store, self.floor, privacy, self.sharing, clock=self.pbx_now
        )
        self.bus.subscribe("customers", self.customers.on_event)
        self.supervision = Supervision(
            settings,
            self.exchanges,
            self.floor,
            self.store,
            self.lane,
            self.sharing,
            clock=self.pbx_now,
            still=self.auth.still,
            leads=lambda: self.cluster.site.has,
        )
        self.bus.subscribe("supervision", self.supervision.on_event)
        self.messaging = Messaging(
            settings,
            self.store,
            self.bus,
            self.floor,
            self.sharing,
            clock=wall_clock,
            canonical=self._canonical,
            zone=self._zone,
            sees=lambda role: privacy.of(role).personal,
            sock=self._hook_socket,
            sends=self._texts,
            may_send=lambda: self.cluster.awake.has,
        )
        self.desks = Desks(
            self.floor,
            self.store,
            self.lane,
            self.auth,
            self.exchanges,
            self.sharing,
            clock=self.pbx_now,
            sight=self.customers.sight,
            noted=self.customers.noted,
            numbers_changed=self.customers.numbers_changed,
        )
        self.push = PushServer(
            self.hub,
            identify=self._come,
            still=self.watching.still,
            touch=self.auth.touch,
            origins=self.address.origins,
            steady=steady_clock,
            on_seen=self.floor.seen,
        )
        self.watch = Watch(
            self.floor,
            store_ok=lambda: self.store_ok,
            gauges=self._gauges,
            counters=self._counters,
            queues=tuple(settings.queues),
            sources=(
                self.cluster.samples,
                self.watchdog.samples,
                Machine(wall_clock()).samples,
                lambda: (*of_doors(self._doors), *of_closes(self.push.closed)),
            ),
            standing_by=self.cluster.standing_by,
            version=__version__,
        )
        self.web = WebServer(
            Services(
                auth=self.auth,
                desk=self.desks,
                history=self.chronicle.desk,
                customers=self.customers,
                watching=self.watching,
                control=self.supervision,
                overflow=self.supervision.rules,
                messages=self.messaging,
                condition=self.watch,
                site=self.address,
                version=__version__,
                clock=wall_clock,
            ),
            pages=self._serves_pages,
        )

    async def _come(self, headers: Mapping[str, str]) -> Identity | None:
        """Who opens a page; what he did at another node, and this one may not have heard of, is read first."""
        identity = await self.watching.identify(headers)
        if identity is not None and not self.store.database.is_sqlite and not self.hub.has(identity.login):
            await self.recall.user(identity.login)
        return identity

    def _leads_site(self, leads: bool) -> None:
        self.watching.lead(leads)
        self.supervision.lead(leads)

    @property
    def exchange(self) -> Exchange:
        """The first PBX that this node follows; raises StopIteration where it follows none."""
        return next(iter(self.exchanges))

    @property
    def pbx(self) -> Pbx:
        """Its core."""
        return self.exchange.pbx

    @property
    def link(self) -> Link:
        """Its link."""
        return self.exchange.link

    @property
    def writer(self) -> Writer:
        """What writes its calls."""
        return self.exchange.writer

    def _snapshot(self, page: Page) -> Iterator[tuple[str, bytes]]:
        """What a page is shown first."""
        yield from self.floor.snapshot(page)
        yield from self.supervision.frames(page)

    # --- clocks and numbers ------------------------------------------------------------------------------------

    def pbx_now(self) -> float:
        """Epoch seconds on the PBX's clock."""
        return self.cluster.now()

    def _day(self, at: float) -> object:
        return datetime.fromtimestamp(at, self._zone).date()

    def _canonical(self, raw: str | None) -> Number:
        return canonical(raw, self._site)

    def _described(self, raw: str | None) -> tuple[str, str]:
        number = self._canonical(raw)
        shown = display(number) or wire.clean_text(number.raw, 40)
        return ("" if number.cls == "anonymous" else shown), number.region or ""

    # --- the CRM, for worker threads ---------------------------------------------------------------------------

    def crm(self) -> SiteCrm:
        """The CRM. Raises CrmError while it cannot be opened."""
        return self.opening.crm()

    @property
    def crm_ok(self) -> bool:
        """False while the CRM, or the site's own behind it, is held for broken."""
        return self.records.crm_ok and self.opening.ok

    # --- how it is ---------------------------------------------------------------------------------------------

    @property
    def store_ok(self) -> bool:
        """True while the store takes what is to be written and answers."""
        return self.probe.ok and self.cluster.store_ok

    async def _rounds(self) -> None:
        """Once a second: is the store there, is the CRM, has a day begun."""
        while True:
            await asyncio.sleep(ROUND_S)
            self.floor.set_link(store_ok=self.store_ok, crm_ok=self.crm_ok)
            self.floor.roll()

    def _gauges(self) -> Mapping[str, float]:
        return {
            "pages": float(len(self.hub)),
            "open_calls": float(len(self.session.shelf.calls)),
            "pops": float(len(self.session.shelf.pops)),
            "store_ok": float(self.store_ok),
            "crm_ok": float(self.crm_ok),
            **self.cluster.gauges(),
            **self.customers.back.gauges(),
        }

    def _counters(self) -> Mapping[str, Mapping[str, int]]:
        figures = msgspec.structs.asdict(self.hub.figures)
        lanes = (self.records.finding, self.records.reading, self.records.own, self.lane, *self.customers.lanes)
        return {
            "push": {**figures, "refused": self.push.refused},
            "events": {"published": self.bus.published, "pops": self.floor.popped},
            "subscriber_failures": self.bus.failures,
            "lane_failures": {lane.name: lane.failures for lane in lanes},
            "sms_callbacks": self.messaging.counters(),
            **self.cluster.counters(),
            **self.watching.counters(),
        }


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("a part of the service stopped: %s", type(error).__name__, exc_info=error)
