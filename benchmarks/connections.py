"""What an idle page costs the service: thousands of them open, real websocket clients in another process."""

from __future__ import annotations

import asyncio
import resource
import tempfile
from pathlib import Path

from benchmarks.exchange import Exchange
from benchmarks.load import browsers
from benchmarks.service import running
from benchmarks.table import Figure
from cti.popup.hub import MAX_PAGES

SHORT, LONG = 2_000, 10_000
WARM = 200
"Pages opened before the first look at the memory: what all share is there then."
IDLE_S = 5.0


def short() -> list[Figure]:
    """Some thousands."""
    return asyncio.run(_measure(SHORT))


def many() -> list[Figure]:
    """Ten thousand."""
    return asyncio.run(_measure(LONG))


async def _measure(pages: int) -> list[Figure]:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < pages + 1000:
        raise SystemExit(f"{pages} pages need {pages + 1000} open files, {most} are allowed")
    users = -(-(pages - WARM) // (MAX_PAGES - 1))
    exchange = Exchange(users)
    await exchange.start()
    try:
        with tempfile.TemporaryDirectory() as name:
            async with running(Path(name), exchange, agents=users) as (daemon, cookies, _):
                async with browsers(daemon, cookies[:WARM]):
                    await asyncio.sleep(2)
                async with browsers(daemon, cookies[:WARM]):
                    empty = daemon.memory_kb()
                    async with browsers(daemon, cookies * (MAX_PAGES - 1)) as opened:
                        await asyncio.sleep(2)
                        used = daemon.used()
                        await asyncio.sleep(IDLE_S)
                        used = daemon.used() - used
                        full = daemon.memory_kb()
                        lost = (await opened.seen())["lost"]
    finally:
        exchange.stop()
    if lost:
        raise SystemExit(f"{lost} idle pages were closed")
    made = len(cookies) * (MAX_PAGES - 1)
    return [
        Figure(f"memory of an idle page, {made + WARM:,} open", (full - empty) / made, "kB", 20),
        Figure("memory of the service with all of them", full / 1000, "MB"),
        Figure("share of a core that they take, idle", used / IDLE_S * 100, "%"),
    ]
