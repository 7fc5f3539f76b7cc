"""Agents' pages in a process of their own: `python -m benchmarks.browsers PUSH ORIGIN`.

Reads cookies from standard input, a line each, up to an empty one; opens a page for each and says `open`. At the next
line it prints what the pages have got so far, as JSON: {"pops": {call: [page, when]}, "strays": ..., "frames": ...},
and so on until standard input ends. A pop that came to a second page or twice as a new one is a stray.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time

from benchmarks.service import Page

CALL = re.compile(rb'"call":"([^"]*)"')
RINGING = b'"state":"ringing"'


class Seen:
    """What all pages have got."""

    def __init__(self) -> None:
        self.pops: dict[str, tuple[int, float]] = {}
        self.strays = 0
        self.frames = 0
        self.lost = 0
        "Pages that were closed."

    def report(self) -> str:
        """As JSON."""
        return json.dumps({"pops": self.pops, "strays": self.strays, "frames": self.frames, "lost": self.lost})


class Browser(Page):
    """One page; what it gets is cut into frames."""

    def __init__(self, number: int, cookie: str, origin: str, seen: Seen) -> None:
        super().__init__(cookie, origin)
        self.number = number
        self.seen = seen
        self.held = b""

    def data_received(self, data: bytes) -> None:
        """Every frame that is complete."""
        opened = self.open.done()
        super().data_received(data)
        if not opened:
            return
        held = self.held + data
        at = 0
        while len(held) - at >= 4:
            length, head = held[at + 1], 2
            if length == 126:
                length, head = int.from_bytes(held[at + 2 : at + 4]), 4
            elif length == 127:
                length, head = int.from_bytes(held[at + 2 : at + 10]), 10
            if len(held) - at < head + length:
                break
            self._frame(held[at + head : at + head + length])
            at += head + length
        self.held = held[at:]

    def _frame(self, text: bytes) -> None:
        self.seen.frames += 1
        if b'"type":"pop",' not in text[:40]:
            return
        found = CALL.search(text)
        assert found is not None
        page, _ = self.seen.pops.setdefault(found[1].decode(), (self.number, time.perf_counter()))
        self.seen.strays += page != self.number

    def connection_lost(self, exc: Exception | None) -> None:
        """It should not have been."""
        super().connection_lost(exc)
        self.seen.lost += 1


async def main(port: int, origin: str) -> None:
    """Runs until standard input ends."""
    loop, seen = asyncio.get_running_loop(), Seen()
    for number, line in enumerate(iter(sys.stdin.readline, "\n")):
        cookie = line.strip()
        _, page = await loop.create_connection(
            lambda number=number, cookie=cookie: Browser(number, cookie, origin, seen),  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
        await page.open
    print("open", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(seen.report(), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
