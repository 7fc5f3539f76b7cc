"""From the ring to the browser: AgentCalled written by the PBX until the pop's frame is read.

300 pages are open. The daemon is `cti run` in a process of its own; the floor is `benchmarks.echo`. They hang on
the same PBX and take turns. Withheld callers show the way of the pop itself (there is nothing to look up); customers of
the sample CRM add look-up and six sections from SQLite in the same process.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import stream
from benchmarks.exchange import Exchange
from benchmarks.service import AGENTS, Page, Side, open_page, running
from benchmarks.table import Figure

QUIET = 60
SECONDS = 3
RATE = 100
ROUNDS = 3
ENTERED = b"Event: AgentCalled"


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


def ring_to_pop() -> list[Figure]:
    """Quiet and at 100 calls a second."""
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    exchange = Exchange(AGENTS)
    await exchange.start()
    echo, withheld, customers = Load(), Load(), Load()
    try:
        with tempfile.TemporaryDirectory() as folder:
            async with running(Path(folder), exchange) as (daemon, cookies, callers), _echo(exchange) as floor:
                origin = f"http://127.0.0.1:{daemon.web}"
                pages = [await open_page(daemon.port, cookie, origin) for cookie in cookies]
                page_kb = await _page_memory(daemon, cookies, origin)
                empty = [await open_page(floor.port, f"phone={stream.phone(n)}", origin) for n in range(AGENTS)]
                await asyncio.sleep(1)
                first = 0
                for _ in range(ROUNDS):
                    for side, browsers, load, numbers in (
                        (floor, empty, echo, ["<unknown>"]),
                        (daemon, pages, withheld, ["<unknown>"]),
                        (daemon, pages, customers, callers),
                    ):
                        send = functools.partial(exchange.say, side.name)
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
    more = [await open_page(daemon.port, cookie, origin) for cookie in cookies for _ in range(3)]
    await asyncio.sleep(1)
    each = (daemon.memory_kb() - before) / len(more)
    for page in more:
        page.transport.close()
    return each


async def _quiet(send: Callable[[bytes], None], pages: list[Page], load: Load, first: int, callers: list[str]) -> int:
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


async def _arrived(load: Load, times: list[float], page: Page, sent: float) -> None:
    assert page.popped is not None
    try:
        async with asyncio.timeout(2):
            times.append(await page.popped - sent)
    except TimeoutError:
        load.lost += 1


async def _loaded(send: Callable[[bytes], None], pages: list[Page], load: Load, first: int, callers: list[str]) -> int:
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
