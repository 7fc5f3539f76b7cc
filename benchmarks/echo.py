"""The floor of a pop: reads AMI, and for each AgentCalled writes a ready frame of 8 kB to that phone's browser.

No parsing but a search for the phone, no state, no look-up. `python -m benchmarks.echo AMI_PORT` prints its push port.
"""

from __future__ import annotations

import asyncio
import sys

FRAME = bytes([0x81, 126, *(8000).to_bytes(2)]) + b'{"v":1,"type":"pop",'.ljust(8000, b" ")
_BROWSERS: dict[bytes, asyncio.WriteTransport] = {}


class _Browser(asyncio.Protocol):
    """Takes the path of the upgrade request as the phone's name."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        self.held = b""

    def data_received(self, data: bytes) -> None:
        self.held += data
        if b"\r\n\r\n" in self.held:
            cookie = self.held.partition(b"phone=")[2].partition(b"\r\n")[0]
            _BROWSERS[cookie] = self.transport
            self.transport.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            self.held = b""


class _Pbx(asyncio.Protocol):
    """Looks for AgentCalled and the phone that rings."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(b"Action: Login\r\nActionID: 1\r\nUsername: echo\r\n\r\n")
        self.held = b""

    def data_received(self, data: bytes) -> None:
        held = self.held + data
        done = held.rfind(b"\r\n\r\n")
        self.held = held[done + 4 :]
        at = held.find(b"Event: AgentCalled\r\n", 0, done + 1)
        while at >= 0:
            start = held.find(b"\r\nInterface: ", at) + 13
            browser = _BROWSERS.get(held[start : held.find(b"\r\n", start)])
            if browser is not None:
                browser.write(FRAME)
            at = held.find(b"Event: AgentCalled\r\n", start, done + 1)


async def main(port: int) -> None:
    """Runs until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Browser, "127.0.0.1", 0)
    await loop.create_connection(_Pbx, "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
