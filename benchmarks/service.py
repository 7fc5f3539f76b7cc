"""`cti run` as benchmarks start it, beside an exchange that they play, and pages as browsers open them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import os
import secrets
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import stream
from benchmarks.exchange import Exchange
from crm_bridge.embedded import EmbeddedCrm
from cti.auth import Account, StoredSession, token_hash
from cti.demo import sample
from cti.store import Store

AGENTS = 300
_HZ = os.sysconf("SC_CLK_TCK")


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


class Page(asyncio.Protocol):
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
        """Ask for the channel."""
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Say hello once; tell `popped` of a pop; answer pings."""
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
        """Whoever waits for the channel hears of it."""
        if not self.open.done():
            self.open.set_exception(exc or RuntimeError("closed"))


async def open_page(port: int, cookie: str, origin: str) -> Page:
    """A page of whoever has this cookie, open."""
    loop = asyncio.get_running_loop()
    _, page = await loop.create_connection(lambda: Page(cookie, origin), "127.0.0.1", port)
    await page.open
    return page


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextlib.asynccontextmanager
async def running(
    folder: Path, exchange: Exchange, more: str = "", *, agents: int = AGENTS, core: int | None = None
) -> AsyncIterator[tuple[Side, list[str], list[str]]]:
    """`cti run`, ready, with `more` in its settings; the cookies of its agents and the numbers of its customers.

    `core`: the one it may run on.
    """
    web, push = free_port(), free_port()
    config = folder / "cti.toml"
    config.write_text(
        f'[pbx]\nhost = "127.0.0.1"\nport = {exchange.port}\nusername = "bench"\nsecret = "bench"\n'
        f'trunks = ["PJSIP/uplink*"]\n[web]\nport = {web}\n[push]\nport = {push}\n'
        f'[store]\nurl = "sqlite:///{folder}/cti.db"\n[crm]\nurl = "sqlite:///{folder}/crm.db"\n'
        f'[log]\nlevel = "error"\n{more}'
    )
    cookies, callers = people(folder, agents)
    command = [sys.executable, "-m", "cti", "run", "--config", str(config)]
    process = await asyncio.create_subprocess_exec(*command, preexec_fn=functools.partial(pin, core))
    try:
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(_ready, web):
                if process.returncode is not None:
                    raise SystemExit("the service did not start")
                await asyncio.sleep(0.1)
        yield Side("bench", process, push, web), cookies, callers
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def pin(core: int | None) -> None:
    """Have this process, and what it starts, run on this core only, where there is more than one."""
    cores = os.sched_getaffinity(0)
    if core is not None and len(cores) > 1:
        os.sched_setaffinity(0, {sorted(cores)[core]})


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def people(folder: Path, agents: int) -> tuple[list[str], list[str]]:
    """Fills the databases: customers, and an agent with an open session for each phone."""
    store = Store.open(f"sqlite:///{folder}/cti.db")
    crm = EmbeddedCrm(f"sqlite:///{folder}/crm.db")
    now = time.time()  # noqa: TID251 - sessions begin now
    made = sample.fill(crm, store, now, lambda password: "x", password="no login here")
    cookies = []
    for number in range(agents):
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
