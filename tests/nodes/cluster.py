"""A site of several nodes on one machine: one PostgreSQL, one Redis, replayed PBXs, and services beside each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from crm_bridge.embedded import EmbeddedCrm
from cti.app import App
from cti.commands import demo
from cti.demo import sample, site
from cti.demo.pbx import ReplayedPbx
from cti.settings import CrmSettings, NodeSettings, PbxSettings, RedisSettings, Settings, StoreSettings
from cti.store import Store
from cti.ticker import wall_clock
from tests.app.service import FAST, KNOWN, PASSWORD, Browser, eventually

QUEUES = {"north": ("europe",), "south": ("seasia", "export")}
"{PBX: its queues}. Each phone stands at one PBX: those of the first queue at the first."


def fill_server(url: str) -> None:
    """Tables, customers, users and some history in a server database."""
    store, crm = Store.open(url), EmbeddedCrm(url)
    try:
        store.migrate()
        crm.migrate()
        sample.fill(crm, store, wall_clock(), FAST.hash, password=PASSWORD)
    finally:
        crm.close()
        store.close()


def phones_of(pbx: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """(interface, name, queues) of the phones that stand at a PBX."""
    queues = QUEUES[pbx]
    found = []
    for interface, name, all_queues, _ in site.AGENTS:
        if ("europe" in all_queues) == (pbx == "north"):
            found.append((interface, name, tuple(queue for queue in all_queues if queue in queues)))
    return found


@asynccontextmanager
async def replayed(name: str, *, callers: Sequence[str] = (KNOWN,), speed: float = 10.0) -> AsyncIterator[ReplayedPbx]:
    """A PBX of the site."""
    async with ReplayedPbx(
        callers=callers,
        speed=speed,
        playing=False,
        talk=(3.0, 6.0),
        systemname=f"{name}-5f0c9a",
        phones=phones_of(name),
        queues=QUEUES[name],
        featured=phones_of(name)[0][0],
    ) as pbx:
        yield pbx


@dataclass
class Site:
    """What the nodes share."""

    store: str
    redis: str
    pbxs: dict[str, ReplayedPbx]
    stream: str
    folder: Path
    "Each node's journal has a folder of its own in it."
    change: Callable[[Settings], Settings] = lambda settings: settings

    def settings(self, node: str, follows: Sequence[str] = (), roles: Sequence[str] = ()) -> Settings:
        """Settings of one node; `follows` () for all."""
        plain = demo.settings_for(Path(), 0, port=0, push_port=0)
        pbxs = [
            PbxSettings(
                name=name,
                host=plain.pbx.host,
                port=pbx.port,
                username=plain.pbx.username,
                secret=plain.pbx.secret,
                trunks=plain.pbx.trunks,
                systemname=f"{name}-5f0c9a",
            )
            for name, pbx in self.pbxs.items()
        ]
        made = msgspec.structs.replace(
            plain,
            pbx=pbxs[0],
            more_pbxs=tuple(pbxs[1:]),
            node=NodeSettings(name=node, follows=tuple(follows), **({"roles": tuple(roles)} if roles else {})),
            redis=RedisSettings(url=self.redis, stream=self.stream),
            store=StoreSettings(url=self.store, journal=str(self.folder / node)),
            crm=CrmSettings(url=self.store),
        )
        return self.change(made)


class Node:
    """One running service of the site."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.base = f"http://127.0.0.1:{app.web_port}"

    @property
    def name(self) -> str:
        """Of the settings."""
        return self.app.settings.node.name

    async def live(self) -> None:
        """Wait until all PBXs are in sight, followed or heard of."""
        await eventually(lambda: self.app.floor.link.state == "live")

    async def leads(self, pbx: str) -> None:
        """Wait until this node leads it."""
        await eventually(lambda: any(one.leads for one in self.app.exchanges if one.name == pbx))

    @asynccontextmanager
    async def browser(self, user: str) -> AsyncIterator[Browser]:
        """A logged-in browser at this node."""
        async with Browser(self.base) as browser:
            await browser.login(user)
            yield browser


@asynccontextmanager
async def node(site_: Site, name: str, follows: Sequence[str] = (), roles: Sequence[str] = ()) -> AsyncIterator[Node]:
    """A node, until the block ends."""
    async with App(site_.settings(name, follows, roles), hasher=FAST) as app:
        yield Node(app)


class Stopped:
    """A node that a test may end before its own end."""

    def __init__(self, site_: Site, name: str, follows: Sequence[str] = ()) -> None:
        self._stack = AsyncExitStack()
        self._made = node(site_, name, follows)

    async def start(self) -> Node:
        """Start it."""
        return await self._stack.enter_async_context(self._made)

    async def stop(self) -> None:
        """Stop it in order."""
        await self._stack.aclose()


def play(pbx: ReplayedPbx, tape: str, queue: str, caller: str = KNOWN) -> asyncio.Task[None]:
    """Let a PBX play a call."""
    return asyncio.get_running_loop().create_task(pbx.place_call(tape, caller, queue, "4000001313"))
