"""A flood of callbacks on the hook port: what pops feel of it, and how it is answered.

The daemon is `cti run`, 300 pages are open, customers of the sample CRM call one after the other; rounds with and
without 2,000 callbacks a second take turns.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import pops, service
from benchmarks.exchange import Exchange
from benchmarks.table import Figure

FLOOD = 2000
"Callbacks a second."
ROUNDS = 5
SECRET = "0123456789abcdef0123456789abcdef"


def flood() -> list[Figure]:
    """Pops quiet and under the flood."""
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    exchange = Exchange(service.AGENTS)
    await exchange.start()
    quiet, flooded = pops.Load(), pops.Load()
    answers: list[tuple[int, int, float]] = []
    hooks = service.free_port()
    more = (
        f'[sms]\nsignature = "x"\n[sms.hooks]\nport = {hooks}\npublic_url = "https://cti.example.com"\n'
        f'[sms.platforms.aliyun]\nkey_id = "k"\nkey_secret = "s"\nhook_secret = "{SECRET}"\nallow = ["127.0.0.1"]\n'
    )
    try:
        with tempfile.TemporaryDirectory() as folder:
            async with service.running(Path(folder), exchange, more) as (daemon, cookies, callers):
                origin = f"http://127.0.0.1:{daemon.web}"
                pages = [await service.open_page(daemon.port, cookie, origin) for cookie in cookies]
                await asyncio.sleep(1)
                send = functools.partial(exchange.say, daemon.name)
                first = 0
                for _ in range(ROUNDS):
                    first = await _calls(send, pages, quiet, first, callers)
                    process = await asyncio.create_subprocess_exec(
                        sys.executable,
                        "-m",
                        "benchmarks.pushes",
                        str(hooks),
                        f"/hooks/sms/aliyun/{SECRET}",
                        str(FLOOD),
                        "8",
                        stdout=asyncio.subprocess.PIPE,
                    )
                    assert process.stdout is not None
                    await asyncio.sleep(1)
                    before = daemon.used()
                    first = await _calls(send, pages, flooded, first, callers)
                    flooded.cpu_s += daemon.used() - before
                    sent, good, late = (await process.stdout.read()).split()
                    answers.append((int(sent), int(good), float(late)))
                    await process.wait()
                    await asyncio.sleep(2)
    finally:
        exchange.stop()
    p99 = pops._p(quiet.quiet, 99), pops._p(flooded.quiet, 99)
    return [
        Figure(f"pop p99 at {FLOOD:,} callbacks/s / quiet", p99[1] / p99[0], "x", 2),
        Figure(f"pop p50 at {FLOOD:,} callbacks/s / quiet", pops._p(flooded.quiet, 50) / pops._p(quiet.quiet, 50), "x"),
        Figure("pop p99, quiet", p99[0], "µs"),
        Figure("pop p99 in the flood", p99[1], "µs"),
        Figure("callbacks answered with a yes", sum(a[1] for a in answers) / sum(a[0] for a in answers) * 100, "%"),
        Figure("p99 of their answers", max(a[2] for a in answers), "ms"),
        Figure("pops lost", float(quiet.lost + flooded.lost), "", 0),
    ]


async def _calls(
    send: Callable[[bytes], None], pages: list[service.Page], load: pops.Load, first: int, callers: list[str]
) -> int:
    """One call after the other."""
    for _ in range(2):
        first = await pops._quiet(send, pages, load, first, callers)
    return first
