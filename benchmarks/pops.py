"""From the ring to the browser: AgentCalled written by the PBX until the pop's frame is read.

300 pages are open. The daemon is `cti run` in a process of its own; the floor is `benchmarks.echo`. They hang on
the same PBX and take turns. Withheld callers show the way of the pop itself (there is nothing to look up); customers of
the sample CRM add look-up and six sections from SQLite in the same process.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import secrets
import socket
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import stream
from benchmarks.exchange import Exchange
from benchmarks.table import Figure
from crm_bridge.embedded import EmbeddedCrm
from cti.auth import Account, StoredSession, token_hash
from cti.demo import sample
from cti.store import Store

AGENTS = 300
QUIET = 60
SECONDS = 3
RATE = 100
ROUNDS = 3
ENTERED = b"Event: AgentCalled"
_HZ = os.sysconf("SC_CLK_TCK")


@dataclass
class Load:
    """What was measured in one workload on one side."""

    quiet: list[float] = field(default_factory=list)
    loaded: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    lost: int = 0

    def share(self) -> float:
        """Per cent of a core under load."""
        return self.cpu_s / (ROUNDS * SECONDS) * 100


@dataclass
class Side:
    """One of the two that are compared."""

    name: str
    "user name of its AMI session"
    process: asyncio.subprocess.Process
    port: int
    "of the push channel"
    web: int = 0

    def memory_kb(self) -> float:
        """Resident memory of the process."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return float(status.partition("VmRSS:")[2].split()[0])

    def used(self) -> float:
        """CPU seconds of the process so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _HZ


class _Page(asyncio.Protocol):
    """A browser's end of the push channel, reading as little as possible."""

    def __init__(self, cookie: str, origin: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        self.hello = b'{"type":"hello","v":1,"page":"desk","last_seq":0}'
        self.request = (
            f"GET /push HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nOrigin: {origin}\r\nCookie: {cookie}\r\n\r\n"
        ).encode()
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.popped: asyncio.Future[float] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        if not self.open.done():
            if not data.startswith(b"HTTP/1.1 101"):
                self.open.set_exception(RuntimeError(data[:200].decode(errors="replace")))
                return
            self.open.set_result(None)
            self._say(0x81, self.hello)
            self._beat()
        if self.popped is not None and not self.popped.done() and b'"type":"pop",' in data:
            self.popped.set_result(now)

        ping = data.find(b"\x89\x04")  # no text holds these two bytes
        if ping >= 0:
            self._say(0x8A, data[ping + 2 : ping + 6])

    def _beat(self) -> None:
        if not self.transport.is_closing():
            self._say(0x81, b'{"type":"beat"}')
            asyncio.get_running_loop().call_later(10, self._beat)

    def _say(self, kind: int, payload: bytes) -> None:
        self.transport.write(bytes([kind, 0x80 | len(payload), 0, 0, 0, 0]) + payload)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.open.done():
            self.open.set_exception(exc or RuntimeError("closed"))


def ring_to_pop() -> list[Figure]:
    """Quiet and at 100 calls a second."""
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    exchange = Exchange(AGENTS)
    await exchange.start()
    echo, withheld, customers = Load(), Load(), Load()
    try:
        with tempfile.TemporaryDirectory() as folder:
            async with _daemon(Path(folder), exchange) as (daemon, cookies, callers), _echo(exchange) as floor:
                origin = f"http://127.0.0.1:{daemon.web}"
                pages = [await _open(daemon.port, cookie, origin) for cookie in cookies]
                page_kb = await _page_memory(daemon, cookies, origin)
                empty = [await _open(floor.port, f"phone={stream.phone(n)}", origin) for n in range(AGENTS)]
                await asyncio.sleep(1)
                first = 0
                for _ in range(ROUNDS):
                    for side, browsers, load, numbers in (
                        (floor, empty, echo, ["<unknown>"]),
                        (daemon, pages, withheld, ["<unknown>"]),
                        (daemon, pages, customers, callers),
                    ):
                        send = exchange.clients[side.name].write
                        first = await _quiet(send, browsers, load, first, numbers)
                        before = side.used()
                        first = await _loaded(send, browsers, load, first, numbers)
                        load.cpu_s += side.used() - before
                        await asyncio.sleep(1)
    finally:
        exchange.stop()
    return [
        *_figures("withheld callers", withheld, echo, p50=2, p99=2, share=12),
        *_figures("customers on SQLite", customers, echo, p99=10),
        Figure("echo floor: p50", _p(echo.loaded, 50), "µs"),
        Figure("echo floor: p99", _p(echo.loaded, 99), "µs"),
        Figure("echo floor: share of a core", echo.share(), "%"),
        Figure("memory of an open page in the daemon", page_kb, "kB", 16),
        Figure("pops lost", withheld.lost + customers.lost, "", 0),
    ]


def _p(times: list[float], percent: int) -> float:
    """A percentile in microseconds, of at least two times."""
    return statistics.quantiles(times, n=100)[percent - 1] * 1e6


def _figures(
    title: str, own: Load, echo: Load, p50: float | None = None, p99: float | None = None, share: float | None = None
) -> list[Figure]:
    return [
        Figure(f"{title}, quiet: p50 / echo floor", _p(own.quiet, 50) / _p(echo.quiet, 50), "x"),
        Figure(f"{title}, {RATE} calls/s: p50 / echo floor", _p(own.loaded, 50) / _p(echo.loaded, 50), "x", p50),
        Figure(f"{title}, {RATE} calls/s: p99 / echo floor", _p(own.loaded, 99) / _p(echo.loaded, 99), "x", p99),
        Figure(f"{title}, {RATE} calls/s: p50", _p(own.loaded, 50), "µs"),
        Figure(f"{title}, {RATE} calls/s: p99", _p(own.loaded, 99), "µs"),
        Figure(f"{title}, {RATE} calls/s: share of a core", own.share(), "%", share),
    ]


async def _page_memory(daemon: Side, cookies: list[str], origin: str) -> float:
    """kB that each of three more pages a user costs; the first pages have warmed everything up."""
    before = daemon.memory_kb()
    more = [await _open(daemon.port, cookie, origin) for cookie in cookies for _ in range(3)]
    await asyncio.sleep(1)
    each = (daemon.memory_kb() - before) / len(more)
    for page in more:
        page.transport.close()
    return each


async def _quiet(send: Callable[[bytes], None], pages: list[_Page], load: Load, first: int, callers: list[str]) -> int:
    """One call after the other, with pauses."""
    for number in range(first, first + QUIET):
        epoch = time.time()  # noqa: TID251 - the PBX's own clock
        packets, _ = stream.generate(1, agents=AGENTS, epoch=epoch, first=number, callers=callers)
        page = pages[number % AGENTS]
        page.popped = asyncio.get_running_loop().create_future()
        for _, packet in packets:
            ringing = packet.startswith(ENTERED)
            if ringing:  # what came before is done with when the phone rings
                await asyncio.sleep(0.02)
            sent = time.perf_counter()
            send(packet)
            if ringing:
                await _arrived(load, load.quiet, page, sent)
                await asyncio.sleep(0.01)
    return first + QUIET


async def _arrived(load: Load, times: list[float], page: _Page, sent: float) -> None:
    assert page.popped is not None
    try:
        async with asyncio.timeout(2):
            times.append(await page.popped - sent)
    except TimeoutError:
        load.lost += 1


async def _loaded(send: Callable[[bytes], None], pages: list[_Page], load: Load, first: int, callers: list[str]) -> int:
    """100 calls a second, an event a write, each at its time."""
    calls = RATE * SECONDS
    start = time.time() + 0.05  # noqa: TID251 - the PBX's own clock
    packets, _ = stream.generate(calls, agents=AGENTS, epoch=start, first=first, callers=callers, rate=RATE)
    skew = time.perf_counter() - time.time()  # noqa: TID251 - to sleep until a time of the PBX's clock
    arrivals: list[asyncio.Task[None]] = []
    for at, packet in packets:
        wait = at + skew - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        if packet.startswith(ENTERED):
            interface = packet.partition(b"\r\nInterface: ")[2].partition(b"\r\n")[0]
            page = pages[int(interface[-3:])]
            page.popped = asyncio.get_running_loop().create_future()
            task = _arrived(load, load.loaded, page, time.perf_counter())
            arrivals.append(asyncio.get_running_loop().create_task(task))
        send(packet)
    await asyncio.gather(*arrivals)
    return first + calls


async def _open(port: int, cookie: str, origin: str) -> _Page:
    loop = asyncio.get_running_loop()
    _, page = await loop.create_connection(lambda: _Page(cookie, origin), "127.0.0.1", port)
    await page.open
    return page


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextlib.asynccontextmanager
async def _daemon(folder: Path, exchange: Exchange, more: str = "") -> AsyncIterator[tuple[Side, list[str], list[str]]]:
    """`cti run`, ready, with `more` in its settings; the cookies of its agents and the numbers of its customers."""
    web, push = _free_port(), _free_port()
    config = folder / "cti.toml"
    config.write_text(
        f'[pbx]\nhost = "127.0.0.1"\nport = {exchange.port}\nusername = "bench"\nsecret = "bench"\n'
        f'trunks = ["PJSIP/uplink*"]\n[web]\nport = {web}\n[push]\nport = {push}\n'
        f'[store]\nurl = "sqlite:///{folder}/cti.db"\n[crm]\nurl = "sqlite:///{folder}/crm.db"\n'
        f'[log]\nlevel = "error"\n{more}'
    )
    cookies, callers = _people(folder)
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "cti", "run", "--config", str(config))
    try:
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(_ready, web):  # noqa: ASYNC110 - it tells nobody when it is
                await asyncio.sleep(0.1)
        yield Side("bench", process, push, web), cookies, callers
    finally:
        process.terminate()
        await process.wait()


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _people(folder: Path) -> tuple[list[str], list[str]]:
    """Fills the databases: customers, and an agent with an open session for each phone."""
    store = Store.open(f"sqlite:///{folder}/cti.db")
    crm = EmbeddedCrm(f"sqlite:///{folder}/crm.db")
    now = time.time()  # noqa: TID251 - sessions begin now
    made = sample.fill(crm, store, now, lambda password: "x", password="no login here")
    cookies = []
    for number in range(AGENTS):
        login, token = f"agent{number}", secrets.token_urlsafe(32)
        account = Account(
            login=login, name=f"Agent {number}", role="agent", password_hash="x", interfaces=(stream.phone(number),)
        )
        store.add_user(account)
        store.create_session(StoredSession(token_hash=token_hash(token), login=login, created_at=now, seen_at=now))
        cookies.append(f"cti={token}")
    crm.close()
    store.close()
    return cookies, list(made.callers)


@contextlib.asynccontextmanager
async def _echo(exchange: Exchange) -> AsyncIterator[Side]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.echo", str(exchange.port), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield Side("echo", process, int(await process.stdout.readline()))
    finally:
        process.terminate()
        await process.wait()
