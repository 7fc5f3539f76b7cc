"""All that makes this node one of several: the PBXs it follows and those it hears of, its duties, its neighbours."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cti.bus import Bus
from cti.condition import of_pbx
from cti.exchange import Exchange, writer_of
from cti.floor import Floor
from cti.metrics import Sample
from cti.nodes.duty import Duty
from cti.nodes.exchanges import Exchanges
from cti.nodes.heard import Heard
from cti.nodes.links import Links
from cti.nodes.neighbours import Neighbours
from cti.nodes.sharing import Sharing
from cti.settings import Settings
from cti.store import Store, Writer
from cti.ticker import wall_clock


class Cluster:
    """`build` it once the floor stands; `standing_work` runs from the beginning, the links come last."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="leases")
        holder = f"{settings.node.name} {secrets.token_hex(4)}"
        self._holder = holder
        self.writers: dict[str, Writer] = {}
        self.awake = Duty(store, f"*{settings.node.name}", holder, run=self.run)
        "This node has lately reached the database; one that has not must neither act nor text."
        self.exchanges = Exchanges(())
        self.heard: tuple[Heard, ...] = ()
        self.neighbours: Neighbours | None = None

    async def open_writers(self) -> None:
        """Before anything is read: what an earlier run could not write is part of the past. Raises StoreError."""
        for pbx in self._settings.followed:
            self.writers[pbx.name] = await writer_of(pbx, self._settings, self._store)

    def build(
        self,
        bus: Bus,
        floor: Floor,
        sharing: Sharing,
        *,
        on_recovered: Callable[[Iterable[str]], None],
        on_site: Callable[[bool], None],
        on_hole: Callable[[], None],
    ) -> None:
        """Build all parts; nothing runs yet.

        `on_recovered` is told calls that go on after a gap; `on_site` whether this node has the duties that one node
        of the site has; `on_hole` that other nodes told something that was not heard here.
        """
        settings = self._settings
        links = self.links = Links([pbx.name for pbx in settings.pbxs], floor.link, floor.set_link)
        followed = tuple(
            Exchange(
                pbx,
                settings,
                self._store,
                self.writers[pbx.name],
                bus,
                floor,
                links,
                alive=self.alive,
                run=self.run,
                holder=self._holder,
            )
            for pbx in settings.followed
        )
        for one in followed:
            one.feed.on_recovered = on_recovered
        names = {one.name for one in followed}
        self.exchanges = Exchanges(followed, mind=lambda: self.awake.has)
        self.heard = tuple(
            Heard(pbx.name, links, bus.publish, clock=wall_clock) for pbx in settings.pbxs if pbx.name not in names
        )
        self.site = Duty(
            self._store,
            "*site",
            self._holder,
            run=self.run,
            on_change=on_site,
            able=lambda: any(links.live(one.name) for one in followed),
        )

        def missed() -> None:
            on_recovered(self.alive())
            on_hole()

        if settings.redis.url:
            self.neighbours = Neighbours(
                settings.redis, settings.node.name, bus, floor, sharing, followed, self.heard, on_hole=missed
            )

    async def run(self, call: Callable[[], Any]) -> Any:
        """Ask the store in a thread that nothing else can hold up."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def standing_work(self) -> list[Awaitable[None]]:
        """What is to run from the beginning to the end."""
        told = [self.neighbours.run()] if self.neighbours is not None else []
        return [self.awake.run(), self.site.run(), *told]

    def close(self) -> None:
        """Let the threads and the journals go."""
        for writer in self.writers.values():
            writer.let_go()
        self._threads.shutdown(wait=False)

    # --- how it is ---------------------------------------------------------------------------------------------

    def alive(self) -> list[str]:
        """All open calls of the site."""
        return [*self.exchanges.alive(), *(call for one in self.heard for call in one.alive())]

    def now(self) -> float:
        """Epoch seconds on the PBX's clock; of several the first's (they keep one time by NTP)."""
        for one in self.exchanges:
            return one.now()
        return wall_clock()

    @property
    def store_ok(self) -> bool:
        """True while the store takes what is to be written."""
        return all(one.writer.store_ok for one in self.exchanges)

    def standing_by(self) -> list[str]:
        """PBXs that this node follows and another one leads."""
        return [one.name for one in self.exchanges if not one.leads]

    def samples(self) -> Iterator[Sample]:
        """Figures of each PBX, for the metrics."""
        followed = {one.name: one for one in self.exchanges}
        for pbx in self._settings.pbxs:
            one = followed.get(pbx.name)
            yield from of_pbx(
                pbx.name,
                live=self.links.live(pbx.name),
                leads=one is not None and one.leads,
                epoch=one.epoch if one is not None else 0,
                link=one.link if one is not None else None,
                writer=one.writer if one is not None else None,
            )

    def gauges(self) -> Mapping[str, float]:
        """For the metrics."""
        return {
            "writer_backlog": float(sum(one.writer.backlog for one in self.exchanges)),
            "link_waiting": float(sum(one.link.waiting for one in self.exchanges)),
            "leads_site": float(self.site.has),
            **(self.neighbours.gauges() if self.neighbours is not None else {}),
        }

    def counters(self) -> Mapping[str, Mapping[str, int]]:
        """For the metrics."""
        return {
            "link": _summed(one.link.counters() for one in self.exchanges),
            "core_odd": _summed(one.pbx.counters for one in self.exchanges),
            "writer": _summed({"written": one.writer.written, "refused": one.writer.refused} for one in self.exchanges),
            **({"relay": self.neighbours.counters()} if self.neighbours is not None else {}),
        }


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(total)
