"""A whole house of real processes around a replayed PBX: database, Redis, nodes of the service, pages of agents.

Everything that nodes reach goes through a fault proxy, so that each of it may be slow, silent or gone by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from crm_bridge.embedded import EmbeddedCrm
from cti.auth import StoredSession, token_hash
from cti.demo import site
from cti.demo.exchange import Headers
from cti.demo.pbx import SECRET, USERNAME, ReplayedPbx
from cti.demo.playback import TRUNK
from cti.demo.sample import fill
from cti.store import Store
from tests.checker import Account, evaluate
from tests.checker.account import Slack, TrueCall, TrueVisit
from tests.checker.books import Page, our_calls
from tests.faults.process import CtiProcess
from tests.faults.proxy import Proxy
from tests.servers.postgresql import Postgresql
from tests.servers.redis import Redis

PBX = "main"
SYSTEM = "house-5f0c9a"
GUARD_S = 60.0
PASSWORD = "sample-password-13"
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"Hashes in a millisecond."


def token_of(login: str) -> str:
    """The session that stands in the store for a login: nobody has to log in."""
    return f"token-of-{login}-{'x' * 40}"[:60]


def fill_server(url: str) -> tuple[tuple[str, str], ...]:
    """Tables, customers, users with sessions; ((login, phone), ...) of the agents."""
    store, crm = Store.open(url), EmbeddedCrm(url)
    at = time.time()  # noqa: TID251  sessions begin now
    try:
        store.migrate()
        crm.migrate()
        made = fill(crm, store, at, CHEAP.hash, password=PASSWORD)
        for user in made.users:
            store.create_session(
                StoredSession(token_hash=token_hash(token_of(user.login)), login=user.login, created_at=at, seen_at=at)
            )
    finally:
        crm.close()
        store.close()
    return tuple((user.login, user.interface) for user in made.users if user.interface)


class TimedPbx(ReplayedPbx):
    """Remembers when it had each phone ring, and keeps the truth about its calls as it tells of them."""

    def __init__(self, **more: Any) -> None:
        """As a replayed PBX."""
        self.rang: dict[str, float] = {}
        "{phone: when, by the steady clock}"
        self.truth: dict[str, TrueCall] = {}
        super().__init__(**more)

    def _emit(self, event: Headers, now: float) -> None:
        told = dict(event)
        match told["Event"]:
            case "AgentCalled":
                self.rang[told["Interface"]] = time.monotonic()
            case "Newchannel" if told["Uniqueid"] == told["Linkedid"]:
                self.truth[told["Uniqueid"]] = TrueCall(told["Uniqueid"], now, None, [], PBX)
            case "QueueCallerJoin":
                self.truth[told["Uniqueid"]].visits.append(TrueVisit(told["Queue"], now, "unknown"))
            case "AgentConnect":
                visit = self.truth[told["Uniqueid"]].visits[-1]
                visit.outcome, visit.agent, visit.wait_s = "answered", told["MemberName"], now - visit.entered
            case "QueueCallerAbandon":
                visit = self.truth[told["Uniqueid"]].visits[-1]
                visit.outcome, visit.wait_s = "abandoned", now - visit.entered
            case "Hangup" if told["Uniqueid"] in self.truth:
                self.truth[told["Uniqueid"]].ended = now
            case _:
                pass
        super()._emit(event, now)


class Seat:
    """A page that comes back by itself, at whichever node takes it, and writes down what it was sent and when."""

    def __init__(self, login: str, nodes: Callable[[], Sequence[CtiProcess]], page: str = "desk") -> None:
        """`nodes`: where to ask, in this order, each time."""
        self.login = login
        self.page = Page(login)
        self.link: list[tuple[float, str]] = []
        "(steady clock, how the PBX's link stands from then on)"
        self.on_pop: Callable[[dict[str, Any], float], None] = lambda pop, at: None
        self.at: CtiProcess | None = None
        "The node that this page hangs on now."
        self.snapshots = 0
        self._nodes = nodes
        self._kind = page
        self._changed = asyncio.Condition()

    async def run(self) -> None:
        """Sit there until cancelled."""
        while True:
            for node in self._nodes():
                with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                    await self._hang_on(node)
                self.at = None
                self.page.gone(time.time())  # noqa: TID251  the checker's clock is the PBX's
            await asyncio.sleep(0.05)

    async def _hang_on(self, node: CtiProcess) -> None:
        headers = {"Cookie": f"cti={token_of(self.login)}", "Origin": node.base}
        url = f"ws://127.0.0.1:{node.push}/push"
        self.page.connecting(time.time())  # noqa: TID251
        async with connect(url, additional_headers=headers, max_size=None, open_timeout=2, ping_interval=None) as ws:
            await ws.send(json.dumps({"type": "hello", "v": 1, "page": self._kind}))
            async for text in ws:
                frame = json.loads(text)
                await self._sent(frame, node)
                if frame["type"] == "heartbeat":
                    await ws.send(json.dumps({"type": "heartbeat"}))

    async def _sent(self, frame: dict[str, Any], node: CtiProcess) -> None:
        at = time.monotonic()
        if frame["type"] == "snapshot":
            self.at, self.snapshots = node, self.snapshots + 1
        if "seq" in frame:
            self.page.sent(frame, time.time())  # noqa: TID251
        if frame["type"] in ("snapshot", "link"):
            state = frame["link"]["state"]
            if not self.link or self.link[-1][1] != state:
                self.link.append((at, state))
        if frame["type"] == "pop":
            self.on_pop(frame["pop"], at)
        async with self._changed:
            self._changed.notify_all()

    async def until(self, true: Callable[[Seat], object]) -> None:
        """Wait until a frame made it so."""
        async with asyncio.timeout(GUARD_S), self._changed:
            await self._changed.wait_for(lambda: bool(true(self)))

    async def shows(self, state: str, since: float = 0.0) -> float:
        """When (by the steady clock) the link was first shown so at or after `since`."""

        def found() -> float | None:
            return next((at for at, shown in self.link if shown == state and at >= since), None)

        await self.until(lambda seat: found() is not None)
        return found() or 0.0


@dataclass
class House:
    """All of it. The proxies stand between every node and what they are named for."""

    pbx: TimedPbx
    ami: Proxy
    store: Proxy
    crm: Proxy
    redis: Proxy
    database: Postgresql
    relay: Redis
    url: str
    "Of the database, without a proxy."
    agents: tuple[tuple[str, str], ...]
    folder: Path
    nodes: dict[str, CtiProcess] = field(default_factory=dict)

    def node(self, name: str, *, ami: Proxy | None = None) -> CtiProcess:
        """A node of this name; not started. `ami`: a proxy of its own before the PBX."""
        folder = self.folder / name
        folder.mkdir()

        def through(proxy: Proxy) -> str:
            return self.url.replace(f":{self.database.port}/", f":{proxy.port}/")

        store = f'url = "{through(self.store)}"\njournal = "{folder}/journal"'

        queues = "".join(f'[queues.{name}]\nlabel = "{label}"\n' for name, (label, _) in site.QUEUES.items())
        config = (
            f'[pbx]\nname = "{PBX}"\nhost = "127.0.0.1"\nport = {(ami or self.ami).port}\nusername = "{USERNAME}"\n'
            f'secret = "{SECRET}"\ntrunks = ["{TRUNK}"]\nsystemname = "{SYSTEM}"\n{queues}'
            f'[node]\nname = "{name}"\n[redis]\nurl = "redis://127.0.0.1:{self.redis.port}/0"\n'
            f'[store]\n{store}\n[crm]\nurl = "{through(self.crm)}"\n[site]\narea_code = "0574"\n'
        )
        # The database tells writers apart by this name.
        self.nodes[name] = CtiProcess(folder, config, environment={"PGAPPNAME": name})
        return self.nodes[name]

    def ask(self, words: str) -> list[tuple[Any, ...]]:
        """Rows of the database, asked beside the nodes."""
        engine = sa.create_engine(self.url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(words)]

    def do(self, *statements: str) -> None:
        """Have the database do something."""
        engine = sa.create_engine(self.url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    async def leader(self, but: str = "") -> tuple[str, int]:
        """(node, epoch) of who leads by the database's word; waits until it is another than `but`."""
        words = (
            "SELECT node, epoch FROM lease WHERE pbx = 'main' AND"
            " until_ms > CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
        )
        engine = sa.create_engine(self.url, pool_size=1, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                async with asyncio.timeout(GUARD_S):
                    while True:
                        found = connection.exec_driver_sql(words).first()
                        holder = "" if found is None else str(found.node).partition(" ")[0]
                        if found is not None and holder != but:
                            return holder, int(found.epoch)
                        await asyncio.sleep(0.005)
        finally:
            engine.dispose()

    async def written(self, calls: Iterable[str]) -> None:
        """Wait until these calls are over and stored so."""
        missing = set(calls)
        async with asyncio.timeout(GUARD_S):
            while True:
                ended = self.ask(f"SELECT id FROM call WHERE pbx = '{PBX}' AND ended_at IS NOT NULL")
                missing -= {row[0] for row in ended}
                if not missing:
                    return
                await asyncio.sleep(0.1)  # another process's doing

    async def judged(self, seats: Sequence[Seat] = ()) -> list[str]:
        """Once every call is over: what the service stored beside what the PBX told; and what pages were shown."""
        player = self.pbx.player
        async with asyncio.timeout(GUARD_S):
            while player.playing:
                await asyncio.wait(set(player.playing))
        until = time.monotonic() + GUARD_S / 2
        wrong = await asyncio.to_thread(self._judged, seats)
        while wrong and time.monotonic() < until:
            await asyncio.sleep(0.5)  # what was written last may still be on its way
            wrong = await asyncio.to_thread(self._judged, seats)
        return wrong

    def _judged(self, seats: Sequence[Seat]) -> list[str]:
        account = Account(
            lossy=True,
            slack=Slack(1.1, 1.1, 1.0),
            truth=list(self.pbx.truth.values()),
            calls=[call for call in our_calls(self.ask) if call.pbx == PBX],
            due=[],
            clients=[seat.page.client for seat in seats],
            streams=[stream for seat in seats for stream in seat.page.streams],
            log=[line for node in self.nodes.values() for line in node.log().split("\n")],
            secrets=(SECRET, PASSWORD),
        )
        return evaluate(account, must=("I1", "I2", "I3", "I4", "I6", "I8", "I11", "I16", "I18"))

    def play(self, per_second: float) -> asyncio.Task[None]:
        """Calls, one after the other, until cancelled."""

        async def ring() -> None:
            names = list(site.QUEUES)
            number = 0
            while True:
                number += 1
                self.pbx.player.start(_wish(names[number % len(names)]))
                await asyncio.sleep(1 / per_second)

        return asyncio.create_task(ring())


def _wish(queue: str) -> Any:
    from cti.demo.playback import Wish

    return Wish("answered", None, queue, None)


@asynccontextmanager
async def house(*, speed: float = 10.0, talk: tuple[float, float] = (3.0, 6.0), **more: Any) -> AsyncIterator[House]:
    """A house; its nodes end with it. Raises `Unavailable` where a server cannot be had."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="thirteen-house-")))
        database = await asyncio.to_thread(Postgresql.start)
        stack.callback(database.end)
        relay = await asyncio.to_thread(Redis.start)
        stack.callback(relay.end)
        url = database.create("house")
        agents = await asyncio.to_thread(fill_server, url)
        pbx = TimedPbx(callers=("13505741300",), speed=speed, playing=False, talk=talk, systemname=SYSTEM, **more)
        await stack.enter_async_context(pbx)
        ami, store, crm, redis = [
            await stack.enter_async_context(Proxy(("127.0.0.1", port)))
            for port in (pbx.port, database.port, database.port, relay.port)
        ]
        made = House(pbx, ami, store, crm, redis, database, relay, url, agents, folder)
        try:
            yield made
        finally:
            for proxy in (ami, store, crm, redis):
                proxy.heal()
                proxy.closed = False
            for node in made.nodes.values():
                if node.runs:
                    await node.stop()


@asynccontextmanager
async def seated(seats: Iterable[Seat]) -> AsyncIterator[None]:
    """These pages are open."""
    tasks = [asyncio.create_task(seat.run()) for seat in seats]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
