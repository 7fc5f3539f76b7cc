"""What stays of calls: the memory of the service after many of them, played as fast as it takes them.

Of the calls of the day that runs, the board keeps what it needs to count each once, also if a later word corrects it,
for the latest 20,000. All of these calls are of one day. They are played several times as fast as they last, so that
an audit now and then meets lists of another moment and the state is read anew: a call in the midst of which that falls
ends marked and without its answer. What is waited for is that each stands in the store, ended.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks.exchange import Exchange
from benchmarks.load import ENDED, stored
from benchmarks.service import Side, running
from benchmarks.table import Figure
from benchmarks.torrent import Torrent

SHORT, LONG = 4_000, 200_000
AGENTS = 30
RATE = 100
"Calls of one block, each played from its beginning to its end."
AHEAD = 1_000
"Calls that may be on their way to the store."
SETTLE_S = 8.0


def short() -> list[Figure]:
    """Some thousands."""
    return asyncio.run(_measure(SHORT))


def long() -> list[Figure]:
    """Two hundred thousand."""
    return asyncio.run(_measure(LONG))


async def _measure(calls: int) -> list[Figure]:
    exchange = Exchange(AGENTS)
    await exchange.start()
    try:
        with tempfile.TemporaryDirectory() as name:
            async with running(Path(name), exchange, agents=AGENTS) as (daemon, _, _):
                database = Path(name) / "cti.db"
                began = time.time()  # noqa: TID251 - the PBX's own clock
                torrent = Torrent(RATE, AGENTS, at_once=10)
                half = await _play(exchange, daemon, torrent, database, range(calls // RATE // 2), int(began))
                blocks = range(calls // RATE // 2, calls // RATE)
                whole = await _play(exchange, daemon, torrent, database, blocks, int(began))
    finally:
        exchange.stop()
    return [
        Figure(f"memory after {calls:,} calls / after half of them", whole / half, "x", 1.05),
        Figure(f"memory after {calls:,} calls", whole / 1000, "MB"),
        Figure("what a call of the second half left", (whole - half) / (calls / 2) * 1000, "bytes"),
    ]


async def _play(exchange: Exchange, daemon: Side, torrent: Torrent, database: Path, blocks: range, began: int) -> float:
    """Play these blocks; the memory of the service, in kB, when all is done."""
    for number in blocks:
        for packet in torrent.whole(number, began + number):
            exchange.say(daemon.name, packet)
        await exchange.clients[daemon.name].drain()
        await _all(database, (number + 1) * RATE - AHEAD)
    await _all(database, blocks.stop * RATE)
    await asyncio.sleep(SETTLE_S)
    return daemon.memory_kb()


async def _all(database: Path, calls: int) -> None:
    found = await stored(database, calls, ENDED)
    if found < calls:
        raise SystemExit(f"{found} of {calls} calls are in the store")
