"""500 calls a second on one core: `cti run` is bound to it; the PBX and 300 agents' pages run on the other.

The pages are real websocket clients in a process of their own. That every call popped, at its agent and nowhere else,
and stands in the store, answered, is a check: a run that lost one ends the program.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from benchmarks import stream
from benchmarks.exchange import Exchange
from benchmarks.service import AGENTS, Side, pin, running
from benchmarks.table import Figure
from benchmarks.torrent import Torrent, play

RATE = 500
SHORT_S, LONG_S = 5, 60
ANSWERED = "SELECT count(*) FROM call WHERE ended_at IS NOT NULL AND outcome = 'answered' AND id LIKE ?"
ENDED = "SELECT count(*) FROM call WHERE ended_at IS NOT NULL AND id LIKE ?"
SETTLE_S = 60.0
"The longest that anything may take to be done after the last event."


def short() -> list[Figure]:
    """Some seconds of it."""
    return asyncio.run(_measure(SHORT_S))


def sustained() -> list[Figure]:
    """A minute of it."""
    return asyncio.run(_measure(LONG_S))


async def _measure(seconds: int) -> list[Figure]:
    free = os.sched_getaffinity(0)
    exchange = Exchange(AGENTS)
    await exchange.start()
    try:
        with tempfile.TemporaryDirectory() as name:
            async with running(Path(name), exchange, core=0) as (daemon, cookies, _):
                pin(-1)
                async with browsers(daemon, cookies) as pages:
                    return await _torrent(daemon, exchange, pages, Path(name) / "cti.db", seconds)
    finally:
        os.sched_setaffinity(0, free)
        exchange.stop()


async def _torrent(daemon: Side, exchange: Exchange, pages: Browsers, database: Path, seconds: int) -> list[Figure]:
    torrent = Torrent(RATE, AGENTS)
    others, used, began = _busy(), daemon.used(), time.perf_counter()
    rings = await play(torrent, seconds, functools.partial(exchange.say, daemon.name))
    late = time.perf_counter() - began - seconds
    share = (daemon.used() - used) / (time.perf_counter() - began) * 100
    load = (_busy() - others) / (time.perf_counter() - began) * 100
    ended = time.perf_counter()
    seen = await pages.until(len(rings))
    behind = time.perf_counter() - ended
    delays = sorted(seen["pops"][call][1] - at for call, at in rings.items() if call in seen["pops"])
    written = await stored(database, len(rings))
    wrong = [
        f"{len(rings) - len(delays)} of {len(rings)} pops did not come" if len(delays) != len(rings) else "",
        f"{seen['strays']} pops came where they should not" if seen["strays"] else "",
        f"{seen['lost']} pages were closed" if seen["lost"] else "",
        f"{written} of {len(rings)} calls are in the store" if written != len(rings) else "",
    ]
    if any(wrong):
        raise SystemExit("the load was not borne: " + "; ".join(text for text in wrong if text))
    percentiles = statistics.quantiles(delays, n=100)
    return [
        Figure(
            f"{RATE} calls/s for {seconds} s: pops that came of {len(rings):,}", len(delays), "", len(rings), "more"
        ),
        Figure("share of the one core that the service may use", share, "%", 100),
        Figure("calls a second that the core would carry at this cost", RATE / share * 100, "", RATE, "more", 800),
        Figure("the last pop behind the last event", behind, "s", 1),
        Figure("ring to pop: p50", percentiles[49] * 1000, "ms"),
        Figure("ring to pop: p99", percentiles[98] * 1000, "ms", 300),
        Figure("CPU a call", share / 100 / RATE * 1e6, "µs"),
        Figure("CPU an event", share / 100 / torrent.events * 1e6, "µs"),
        Figure("frames a call", seen["frames"] / len(rings), ""),
        Figure("the PBX fell behind its own clock", late, "s"),
        Figure("what else the machine did meanwhile", load - share, "% of a core"),
    ]


class Browsers:
    """The process of the pages."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def seen(self) -> Any:
        """What the pages have got."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"?\n")
        return json.loads(await self.process.stdout.readline())

    async def until(self, pops: int) -> Any:
        """What the pages have got when so many calls have popped, or nothing more comes."""
        end = time.perf_counter() + SETTLE_S
        while True:
            seen = await self.seen()
            if len(seen["pops"]) >= pops or time.perf_counter() > end:
                await asyncio.sleep(0.5)  # what should not come may come, too
                return await self.seen()
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def browsers(daemon: Side, cookies: list[str]) -> AsyncIterator[Browsers]:
    """A page for each cookie, open."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.browsers",
        str(daemon.port),
        f"http://127.0.0.1:{daemon.web}",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 26,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write("".join(f"{cookie}\n" for cookie in cookies).encode() + b"\n")
        if await process.stdout.readline() != b"open\n":
            raise SystemExit("the pages could not be opened")
        yield Browsers(process)
    finally:
        process.stdin.close()
        await process.wait()


async def stored(database: Path, expected: int, which: str = ANSWERED) -> int:
    """Calls of the torrent in the store (ANSWERED or ENDED), once so many are there or nothing more comes."""
    end = time.perf_counter() + SETTLE_S
    while True:
        with contextlib.closing(sqlite3.connect(database)) as store:
            found = store.execute(which, (f"{stream.EPOCH // 1e5:.0f}%",)).fetchone()[0]
        if found >= expected or time.perf_counter() > end:
            return int(found)
        await asyncio.sleep(0.2)


def _busy() -> float:
    """CPU seconds of the whole machine so far."""
    words = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return sum(int(word) for word in (*words[1:4], *words[6:9])) / os.sysconf("SC_CLK_TCK")
