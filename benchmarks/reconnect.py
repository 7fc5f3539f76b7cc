"""A link that is cut while 300 calls are up on 600 channels: how long until everything is live again at a page."""

from __future__ import annotations

import asyncio
import functools
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks import stream
from benchmarks.exchange import Exchange
from benchmarks.service import AGENTS, Page, running
from benchmarks.table import Figure

CUTS = 10
GUARD_S = 20.0


class _Watcher(Page):
    """A page that says when the link is live again."""

    def __init__(self, cookie: str, origin: str) -> None:
        super().__init__(cookie, origin)
        self.lost, self.live = asyncio.Event(), asyncio.Event()

    def data_received(self, data: bytes) -> None:
        """Look for what is said of the link."""
        super().data_received(data)
        if b'"type":"link"' in data:
            gone, back = data.rfind(b'"state":"lost"'), data.rfind(b'"state":"live"')
            (self.live if back > gone else self.lost).set()


def cuts() -> list[Figure]:
    """Some cuts one after the other."""
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    exchange = Exchange(AGENTS)
    await exchange.start()
    times: list[float] = []
    try:
        with tempfile.TemporaryDirectory() as name:
            async with running(Path(name), exchange) as (daemon, cookies, _):
                say = functools.partial(exchange.say, daemon.name)
                epoch = time.time()  # noqa: TID251 - the PBX's own clock
                # Every call up to the moment in which both its channels are in their bridge.
                calls, _ = stream.generate(AGENTS, agents=AGENTS, epoch=epoch, callers=("<unknown>",))
                for _, packet in calls:
                    if not packet.startswith(ENDING):
                        say(packet)
                await asyncio.sleep(3)
                origin = f"http://127.0.0.1:{daemon.web}"
                loop = asyncio.get_running_loop()
                _, page = await loop.create_connection(lambda: _Watcher(cookies[0], origin), "127.0.0.1", daemon.port)
                await page.open
                for _ in range(CUTS):
                    page.lost.clear()
                    page.live.clear()
                    cut = time.perf_counter()
                    exchange.cut()
                    async with asyncio.timeout(GUARD_S):
                        await page.live.wait()
                    times.append(time.perf_counter() - cut)
                    await asyncio.sleep(0.5)
                channels, bridges = len(exchange.channels), len(exchange.bridges)
    finally:
        exchange.stop()
    return [
        Figure("channels, each in a bridge", channels, "", 2 * AGENTS, "more"),
        Figure("bridges", bridges, "", AGENTS, "more"),
        Figure(f"cut to live again at a page, median of {CUTS}", statistics.median(times) * 1000, "ms"),
        Figure(f"cut to live again at a page, longest of {CUTS}", max(times) * 1000, "ms", 1000),
    ]


ENDING = tuple(
    b"Event: " + name for name in (b"Hangup", b"BridgeLeave", b"BridgeDestroy", b"AgentComplete", b"HangupRequest")
)
