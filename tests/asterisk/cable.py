"""The cable between the service and the PBX, which a test can pull and plug in again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Cable:
    """Forwards one local port to another; `pull` resets everything on it and lets nothing new through."""

    def __init__(self, target_port: int) -> None:
        """Nothing listens yet."""
        self.port = 0
        self.target = target_port
        self._plugged = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Cable:
        """Take a port."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give it back."""
        self._server.close()
        self.pull()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def pull(self) -> None:
        """Cut every connection at once, in the middle of whatever it said."""
        self._plugged = False
        for writer in list(self._writers):
            writer.transport.abort()

    def plug(self) -> None:
        """Let connections through again."""
        self._plugged = True

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if not self._plugged:
                return
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
            self._writers.add(far_writer)
            ways = [self._pour(reader, far_writer), self._bring(far_reader, writer)]
            tasks = [asyncio.create_task(way) for way in ways]
            self._tasks.update(tasks)
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            far_writer.transport.abort()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._tasks.difference_update(tasks)
            self._writers.discard(far_writer)
        except OSError:
            pass  # the PBX is away: the service hears of it by the connection's end
        finally:
            writer.transport.abort()
            self._writers.discard(writer)

    async def _bring(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What the PBX says."""
        await self._pour(reader, writer)

    @staticmethod
    async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()


class Sieve(Cable):
    """A cable that loses packets of the PBX's: those of which `lose` says so. Nobody is told."""

    def __init__(self, target_port: int, lose: Callable[[bytes], bool]) -> None:
        """`lose` is asked of each packet, without the blank line behind it."""
        super().__init__(target_port)
        self.lost = 0
        self._lose = lose

    async def _bring(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rest = b""
        while data := await reader.read(1 << 16):
            *packets, rest = (rest + data).split(b"\r\n\r\n")
            for packet in packets:
                if self._lose(packet):
                    self.lost += 1
                else:
                    writer.write(packet + b"\r\n\r\n")
            await writer.drain()
