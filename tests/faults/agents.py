"""Pages of agents in a process of their own: `python -m tests.faults.agents`.

The first line of standard input is what to do, as JSON: `{"push": url, "base": origin, "tokens": [...], "askers": n}`.
Each token is a page that keeps its connection as the browser's does: after a loss it comes back at a random moment of
the next two seconds, later of longer and longer times. Each asker asks the API again and again, on new connections.

Standard output says, one JSON object a line, when all pages show a live link (`{"live": true, "at": steady clock}`) and
when the first no longer does, at once when a page is sent away for good (`{"denied": 4001}`), and when standard input
ends: what happened (`Told`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

SPREAD_S = 2.0
LONGEST_S = 15.0
PATIENCE_S = 30.0


@dataclass
class Told:
    """What pages and askers went through."""

    closed: Counter[str] = field(default_factory=Counter)
    "By close code."
    refused: list[str] = field(default_factory=list)
    "Connections that were not let in."
    jumps: int = 0
    "Frames whose number was not the next."
    answers: Counter[str] = field(default_factory=Counter)
    "What the API answered: status, or what went wrong."


class Crowd:
    """All of them."""

    def __init__(self, orders: dict[str, Any]) -> None:
        self._orders = orders
        self._live: set[int] = set()
        self.told = Told()
        self.ending = False

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for number, token in enumerate(self._orders["tokens"]):
                tasks.create_task(self._page(number, token))
            for number in range(self._orders.get("askers", 0)):
                tasks.create_task(self._ask(self._orders["tokens"][number]))

    def _say(self, number: int, live: bool) -> None:
        count, before = len(self._orders["tokens"]), len(self._live)
        (self._live.add if live else self._live.discard)(number)
        if before != len(self._live) and count in (before, len(self._live)):
            print(json.dumps({"live": live, "at": time.monotonic()}), flush=True)

    async def _page(self, number: int, token: str) -> None:
        tries = 0
        while True:
            try:
                code = await self._sit(number, token)
            except (OSError, InvalidHandshake, TimeoutError) as error:
                self.told.refused.append(f"{type(error).__name__}: {error}"[:200])
            else:
                self.told.closed[str(code)] += 1
                tries = 0
                if code in (4001, 4003):
                    print(json.dumps({"denied": code}), flush=True)
            self._say(number, False)
            await asyncio.sleep(random.uniform(0, min(LONGEST_S, SPREAD_S * 2 ** max(0, tries - 1))))
            tries += 1

    async def _sit(self, number: int, token: str) -> int | None:
        """One connection, to its end; its close code."""
        async with connect(
            self._orders["push"],
            additional_headers={"Cookie": f"cti={token}", "Origin": self._orders["base"]},
            max_size=None,
            compression=None,
            ping_interval=None,
            open_timeout=PATIENCE_S,
        ) as ws:
            with contextlib.suppress(ConnectionClosed):
                await ws.send('{"type":"hello","v":1,"page":"desk"}')
                seq = 0
                async for text in ws:
                    frame = json.loads(text)
                    seq += 1
                    self.told.jumps += frame["seq"] != seq
                    if frame["type"] in ("snapshot", "link"):
                        self._say(number, frame["link"]["state"] == "live")
        return ws.close_code

    async def _ask(self, token: str) -> None:
        headers = {"Cookie": f"cti={token}", "Origin": self._orders["base"]}
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        while True:
            try:
                async with (
                    aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True), timeout=timeout) as http,
                    http.get(f"{self._orders['base']}/api/v1/me", headers=headers) as answer,
                ):
                    await answer.read()
                    self.told.answers[str(answer.status)] += 1
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                self.told.answers[f"{type(error).__name__}: {error}"[:200]] += 1
            await asyncio.sleep(0.01)


async def main() -> None:
    """Take the orders, carry them out until standard input ends, tell."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    crowd = Crowd(json.loads(await reader.readline()))
    running = asyncio.create_task(crowd.run())
    ended = asyncio.create_task(reader.read())
    await asyncio.wait((running, ended), return_when=asyncio.FIRST_COMPLETED)
    crowd.ending = True
    told = json.dumps(vars(crowd.told))
    running.cancel()
    (failure,) = await asyncio.gather(running, return_exceptions=True)
    if isinstance(failure, Exception):
        raise failure
    print(told, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
