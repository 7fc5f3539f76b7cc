"""Takes callbacks and applies them in a process of its own: no flood of them stands between a ring and its pop.

The service starts it with the listening socket as an inherited descriptor and its settings on standard input, where no
other user of the machine can read them. It says on standard output what the service should know, a JSON object a line,
and ends when its input ends: however the service dies, its child does not outlive it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from crm_bridge.numbers import Site
from cti.popup.lanes import Away, Late
from cti.settings.sms import SmsHooks, SmsPlatform
from cti.sms.build import http_platform
from cti.sms.keeping import Keeping
from cti.sms.text import refusal
from cti.store import Store, StoreError
from cti.ticker import steady_clock, wall_clock
from cti.web.api.hooks import Door, HookServer

log = logging.getLogger(__name__)
Scope = Literal["marketing", "all"]

LOOK_S: Final = 5.0
"Callbacks are looked for at least this often, in case nobody told of them."
ROOT: Final = str(Path(__file__).resolve().parents[2])
BATCH: Final = 50
"Events applied in one transaction."

AGAIN_S: Final = (0.2, 1.0, 5.0, 30.0)
"Pauses before a child that ended by itself is started again."


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is told."""

    store: str
    "The store's URL."
    area_code: str
    hooks: SmsHooks
    platforms: tuple[SmsPlatform, ...]
    words: tuple[str, ...]
    words_all: tuple[str, ...]
    "What customers write who want no more."
    descriptor: int


_orders: Final = msgspec.json.Decoder(Orders)


async def apply_for_ever(
    store: Store,
    understand: Callable[[str], Scope | None],
    wake: asyncio.Event,
    on_changed: Callable[[Collection[str]], None],
    run: Callable[[Callable[[], Any]], Awaitable[Any]] = asyncio.to_thread,
) -> None:
    """Apply what comes: at once, and in a flood no faster than leaves the processor to others.

    `on_changed` hears the keys of the numbers whose messages changed.
    """
    broken = False
    while True:
        wake.clear()
        try:
            while await run(store.events_waiting):
                began = steady_clock()
                changes = await run(lambda: store.apply_events(wall_clock(), understand, BATCH))
                if changes:
                    on_changed({change.key for change in changes})
                await asyncio.sleep((steady_clock() - began) * 2.0)
            broken = False
        except (StoreError, Away, Late) as error:
            if not broken:
                log.warning("callbacks are not applied: %s", type(error).__name__)
            broken = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await wake.wait()


def understanding(words: Collection[str], everything: Collection[str]) -> Callable[[str], Scope | None]:
    """What a customer's text refuses, by the site's words."""
    return lambda text: refusal(text, words, everything)


def doors(hooks: SmsHooks, platforms: tuple[SmsPlatform, ...]) -> dict[str, Door]:
    """The entrances of those platforms that have a secret."""
    found: dict[str, Door] = {}
    for one in platforms:
        platform = http_platform(one)
        if platform is not None and one.hook_secrets:
            networks = tuple(ipaddress.ip_network(text) for text in one.allow)
            found[one.name] = Door(platform, one.hook_secrets, networks, hooks.public_url)
    return found


def server(hooks: SmsHooks, platforms: tuple[SmsPlatform, ...], keeping: Keeping) -> HookServer:
    """The server of these settings, not started."""
    return HookServer(
        doors(hooks, platforms),
        keeping.keep,
        clock=wall_clock,
        steady=steady_clock,
        proxies=tuple(ipaddress.ip_network(text) for text in hooks.proxies),
    )


class HookProcess:
    """The service's side: keeps the child running. `run` as a task."""

    def __init__(
        self,
        orders: Orders,
        sock: socket.socket,
        *,
        on_changed: Callable[[Collection[str]], None],
        on_counts: Callable[[Mapping[str, int]], None],
    ) -> None:
        """`on_changed` gets keys of numbers; `on_counts` {"platform what": how many} since the child began."""
        self.ok = False
        self.pid: int | None = None
        self._orders = orders
        self._socket = sock
        self._input: asyncio.StreamWriter | None = None
        self._on_changed = on_changed
        self._on_counts = on_counts

    def wake(self) -> None:
        """Something that the child did not hear of waits to be applied."""
        if self._input is not None and not self._input.is_closing():
            self._input.write(b"\n")

    async def run(self) -> None:
        """Run the child, again and again, until cancelled."""
        fails = 0
        while True:
            began = steady_clock()
            try:
                await self._once()
            except OSError as error:
                log.error("the process for callbacks did not start: %s", type(error).__name__)
            fails = 0 if steady_clock() - began > 60.0 else fails + 1
            log.error("the process for callbacks ended; it is started again")
            await asyncio.sleep(AGAIN_S[min(fails, len(AGAIN_S) - 1)])

    async def _once(self) -> None:
        path = os.pathsep.join(part for part in (ROOT, os.environ.get("PYTHONPATH", "")) if part)
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "cti.messaging.hooking",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=(self._socket.fileno(),),
            env={**os.environ, "PYTHONPATH": path},
        )
        self.pid = child.pid
        assert child.stdin is not None  # noqa: S101 - for the type checker: both were asked for
        assert child.stdout is not None  # noqa: S101
        try:
            child.stdin.write(msgspec.json.encode(self._orders) + b"\n")
            with contextlib.suppress(ConnectionError):
                await child.stdin.drain()
            self._input = child.stdin
            while line := await child.stdout.readline():
                self._hear(line)
        finally:
            self.ok, self.pid, self._input = False, None, None
            child.stdin.close()  # it ends by itself at that
            try:
                async with asyncio.timeout(5.0):
                    await child.wait()
            except TimeoutError:
                child.kill()
                await child.wait()

    def _hear(self, line: bytes) -> None:
        with contextlib.suppress(msgspec.DecodeError):
            said = msgspec.json.decode(line, type=dict[str, Any])
            if said.get("ready"):
                self.ok = True
            if "changed" in said:
                self._on_changed(said["changed"])
            if "counts" in said:
                self._on_counts(said["counts"])


async def serve(orders: Orders) -> None:
    """The child's side: until standard input ends."""
    loop = asyncio.get_running_loop()
    wake = asyncio.Event()
    store = await asyncio.to_thread(Store.open, orders.store, site=Site(area_code=orders.area_code))
    keeping = Keeping(store.take_in, on_news=wake.set)
    hooks = server(orders.hooks, orders.platforms, keeping)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    sock = socket.socket(fileno=orders.descriptor)
    sock.setblocking(False)
    understand = understanding(orders.words, orders.words_all)
    tasks = (
        loop.create_task(keeping.run()),
        loop.create_task(apply_for_ever(store, understand, wake, lambda keys: _say(changed=sorted(keys)))),
        loop.create_task(_count(hooks)),
    )
    await hooks.start(sock)
    _say(ready=True)
    try:
        while await reader.readline():
            wake.set()
    finally:
        await hooks.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        keeping.close()
        store.close()


async def _count(hooks: HookServer) -> None:
    """Counts, once a second where they changed."""
    told: dict[str, int] = {}
    while True:
        await asyncio.sleep(1.0)
        counts = {" ".join(key).strip(): value for key, value in hooks.counts.items()}
        if counts != told:
            told = counts
            _say(counts=counts)


def _say(**said: Any) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
    sys.stdout.buffer.flush()


def main() -> int:
    """`python -m cti.messaging.hooking`, as the service starts it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the service's, which then closes our input
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s hooks: %(message)s")
    line = bytearray()
    while not line.endswith(b"\n"):  # byte by byte: what follows is the loop's to read
        piece = os.read(0, 1)
        if not piece:
            return 1
        line += piece
    asyncio.run(serve(_orders.decode(bytes(line))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
