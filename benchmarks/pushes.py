"""Pushes callbacks at a steady rate: `python -m benchmarks.pushes PORT PATH RATE SECONDS`.

Prints how many were sent, how many heard a yes, and the 99th percentile of the answers' times in milliseconds. Every
callback is a receipt of its own.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections import deque

LINKS = 24


class _Link(asyncio.Protocol):
    """One connection that is kept open; its answers come in the order of its requests."""

    def __init__(self) -> None:
        self.sent: deque[float] = deque()
        self.times: list[float] = []
        self.good = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        for _ in range(data.count(b"HTTP/1.1 ")):
            self.times.append(now - self.sent.popleft())
        self.good += data.count(b"HTTP/1.1 200")


async def main(port: int, path: str, rate: int, seconds: float) -> None:
    """Push, wait for the last answers, print."""
    loop = asyncio.get_running_loop()
    links = [(await loop.create_connection(_Link, "127.0.0.1", port))[1] for _ in range(LINKS)]
    start, n = time.perf_counter(), 0
    while (gone := time.perf_counter() - start) < seconds:
        while n < gone * rate:
            link = links[n % LINKS]
            body = b'[{"phone_number":"138%08d","success":true,"err_code":"DELIVERED","biz_id":"%d"}]' % (n, n)
            link.transport.write(
                b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                % (path.encode(), len(body), body)
            )
            link.sent.append(time.perf_counter())
            n += 1
        await asyncio.sleep(0.004)
    end = time.perf_counter() + 20
    while any(link.sent for link in links) and time.perf_counter() < end:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.02)
    times = [one for link in links for one in link.times]
    print(n, sum(link.good for link in links), statistics.quantiles(times, n=100)[98] * 1000, flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
