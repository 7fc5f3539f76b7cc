"""Readers of the board bench, in a process of their own: `python -m benchmarks.readers PUSH RAW MANY`.

Opens MANY pages of the push port and MANY plain connections to the raw port, says so on standard output, and throws
away what comes until its standard input ends.
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys

HELLO = b'{"type":"hello","v":1,"page":"board","last_seq":0}'


class Reader(asyncio.Protocol):
    """One connection; `request` is what it says first."""

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say it."""
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        transport.write(self.request)
        if not self.request:
            self.open.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Throw it away; answer pings."""
        if not self.open.done():
            if data.startswith(b"HTTP/1.1 101"):
                self.open.set_result(None)
                self.transport.write(bytes([0x81, 0x80 | len(HELLO), 0, 0, 0, 0]) + HELLO)
            else:
                self.open.set_exception(RuntimeError(data[:200].decode(errors="replace")))
            return
        ping = data.find(b"\x89\x04")  # no text holds these two bytes
        if ping >= 0:
            self.transport.write(b"\x8a\x84\0\0\0\0" + data[ping + 2 : ping + 6])


async def main(push: int, raw: int, many: int) -> None:
    """Open all, say so, read until told to stop."""
    loop = asyncio.get_running_loop()
    for _ in range(many):
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            f"GET /push HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nOrigin: http://127.0.0.1\r\n\r\n"
        ).encode()
        _, page = await loop.create_connection(lambda said=request: Reader(said), "127.0.0.1", push)  # type: ignore[misc]
        await page.open
        await loop.create_connection(lambda: Reader(b""), "127.0.0.1", raw)
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*(int(word) for word in sys.argv[1:])))
