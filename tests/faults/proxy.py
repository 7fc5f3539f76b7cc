"""A proxy that stands in a TCP connection and does to it what bad networks do.

Each way has its own faults, which may be changed at any moment, and apply to every connection from then on: latency and
jitter, bandwidth, slicing, corruption, an end after so many bytes, silence (bytes are taken and thrown away: the other
side believes that they arrived), and a stop (nothing is taken any more: the sender's buffers fill). Whole connections
are ended by `finish` (FIN) and `reset` (RST); while `closed`, new ones are refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

CHUNK = 1 << 16
UNDERWAY = 64
"Chunks that may be underway on one way of one connection; 2 with small buffers."
SMALL = 1 << 17
"Bytes of a small socket buffer; by itself it grows to megabytes, and with much less the proxy would be slow."

Ender = Literal["client", "server", "proxy"]
Rewrite = Callable[[bytes], bytes]


@dataclass
class Way:
    """What happens on one way. All may be changed while connections stand."""

    latency_s: float = 0.0
    jitter_s: float = 0.0
    "At most this much more, drawn for each chunk; the order is kept."
    bytes_per_s: float | None = None
    slice_bytes: int = 0
    "Hand on at most so many bytes at once; 0: as they come."
    corrupt: float = 0.0
    "Chance of each chunk to have one byte changed."
    end_after: int | None = None
    "Bytes to hand on, over all connections; then the connection ends in the middle of whatever is said."
    silent: bool = False
    "Take everything and hand on nothing."
    rewrite: Callable[[], Rewrite] | None = None
    "For each new connection, what makes of the bytes that come those that are handed on."
    carried: int = 0
    "Bytes handed on."
    swallowed: int = 0
    "Bytes thrown away."
    _going: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Bytes go."""
        self._going.set()

    @property
    def stopped(self) -> bool:
        """Nothing is taken from the sender."""
        return not self._going.is_set()

    @stopped.setter
    def stopped(self, stopped: bool) -> None:
        if stopped:
            self._going.clear()
        else:
            self._going.set()

    async def going(self) -> None:
        """Wait while stopped."""
        await self._going.wait()

    def cut(self, data: bytes) -> tuple[bytes, bool]:
        """What of these bytes may still be handed on, and whether the connection ends with them."""
        if self.end_after is None:
            return data, False
        rest = max(0, self.end_after - self.carried)
        return data[:rest], len(data) >= rest

    def heal(self) -> None:
        """No faults."""
        self.latency_s = self.jitter_s = self.corrupt = 0.0
        self.bytes_per_s = self.end_after = self.rewrite = None
        self.slice_bytes, self.silent, self.stopped = 0, False, False


class Proxy:
    """Stands before `target` (host, port) on a loopback port of its own: `async with Proxy(...) as proxy`."""

    def __init__(self, target: tuple[str, int], *, seed: int = 13, small_buffers: bool = False) -> None:
        """Nothing listens yet. With `small_buffers` less is held here."""
        self.target = target
        self.port = 0
        self.to_client, self.to_server = Way(), Way()
        self.closed = False
        "New connections are reset at once."
        self.made = 0
        "Connections so far."
        self.ended: Counter[Ender] = Counter()
        "Connections by who ended them."
        self.underway = 2 if small_buffers else UNDERWAY
        self._small = small_buffers
        self._rng = random.Random(seed)
        self._open: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Proxy:
        """Listen."""
        listener = socket.create_server(("127.0.0.1", self.port))
        if self._small:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=CHUNK)
        self.port = listener.getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """End everything."""
        self.closed = True
        self._server.close()
        self.heal()
        self.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def connections(self) -> int:
        """How many stand."""
        return len(self._open)

    def heal(self) -> None:
        """No faults on either way; what was silenced meanwhile stays lost."""
        self.to_client.heal()
        self.to_server.heal()

    def silence(self) -> None:
        """The cable is out: nobody hears anything any more, and nobody is told."""
        self.to_client.silent = self.to_server.silent = True

    def reset(self) -> None:
        """RST to both ends of every connection, whatever was underway."""
        for connection in list(self._open):
            connection.end("proxy", abruptly=True)

    def finish(self) -> None:
        """FIN to both ends of every connection."""
        for connection in list(self._open):
            connection.end("proxy", abruptly=False)

    async def until(self, true: Callable[[Proxy], bool]) -> None:
        """Wait until connections have come or gone so that it is so."""
        async with self._changed:
            await self._changed.wait_for(lambda: true(self))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.closed:
            _rst(writer)
            return
        try:
            far_reader, far_writer = await self._connect()
        except OSError:
            _rst(writer)
            return
        except asyncio.CancelledError:  # the proxy is being closed
            _rst(writer)
            raise
        connection = _Connection(self, (reader, writer), (far_reader, far_writer))
        self.made += 1
        self._open.add(connection)
        await self._tell()
        try:
            await connection.run()
        except asyncio.CancelledError:
            pass  # the proxy is being closed
        finally:
            self._open.discard(connection)
            self.ended[connection.ended_by or "proxy"] += 1
            await self._tell()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        family = socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            if self._small:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
            await asyncio.get_running_loop().sock_connect(sock, self.target)
            return await asyncio.open_connection(sock=sock, limit=CHUNK)
        except BaseException:
            sock.close()
            raise

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def spoil(self, data: bytes) -> bytes:
        """One byte of it changed."""
        at = self._rng.randrange(len(data))
        return data[:at] + bytes([data[at] ^ self._rng.randrange(1, 256)]) + data[at + 1 :]

    def chance(self, share: float) -> bool:
        """Whether what happens so often happens now."""
        return share > 0 and self._rng.random() < share

    def delay(self, way: Way) -> float:
        """Seconds that a chunk takes."""
        return way.latency_s + (self._rng.random() * way.jitter_s if way.jitter_s else 0.0)


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Connection:
    """One client and its server."""

    def __init__(self, proxy: Proxy, client: Ends, server: Ends) -> None:
        self.ended_by: Ender | None = None
        self._proxy = proxy
        self._client, self._server = client, server
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Carry both ways until somebody ends it."""
        (from_client, to_client), (from_server, to_server) = self._client, self._server
        proxy = self._proxy
        ways = [
            asyncio.create_task(self._carry(from_client, to_server, proxy.to_server, "client")),
            asyncio.create_task(self._carry(from_server, to_client, proxy.to_client, "server")),
        ]
        try:
            await self._over.wait()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for writer in (to_client, to_server):
                writer.close()
            for writer in (to_client, to_server):
                try:
                    await writer.wait_closed()
                except OSError:
                    pass
                except asyncio.CancelledError:  # what a reader that stands still has not read is not waited for
                    writer.transport.abort()

    def end(self, by: Ender, *, abruptly: bool) -> None:
        """End it; the first who does is who did."""
        if self.ended_by is None:
            self.ended_by = by
            if abruptly:
                _rst(self._client[1])
                _rst(self._server[1])
            self._over.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way, by: Ender) -> None:
        underway: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(self._proxy.underway)
        handing = asyncio.create_task(self._hand_on(underway, writer, way))
        rewrite = way.rewrite() if way.rewrite is not None else None
        clock = asyncio.get_running_loop().time
        due, abruptly = 0.0, False
        try:
            while True:
                await way.going()
                data = await reader.read(CHUNK)
                if not data:
                    break
                await way.going()
                if way.silent:
                    way.swallowed += len(data)
                    continue
                if rewrite is not None:
                    data = rewrite(data)
                due = max(due, clock() + self._proxy.delay(way))
                await underway.put((due, data))
            await underway.put((due, b""))
            await handing
        except OSError:
            abruptly = True
        finally:
            handing.cancel()
            self.end(by, abruptly=abruptly)

    async def _hand_on(
        self, underway: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter, way: Way
    ) -> None:
        proxy = self._proxy
        clock = asyncio.get_running_loop().time
        while True:
            due, data = await underway.get()
            if not data:
                return
            if (wait := due - clock()) > 0:
                await asyncio.sleep(wait)
            if proxy.chance(way.corrupt):
                data = proxy.spoil(data)
            data, ends = way.cut(data)
            size = way.slice_bytes or len(data)
            for start in range(0, len(data), size or 1):
                piece = data[start : start + size]
                writer.write(piece)
                way.carried += len(piece)
                try:
                    await writer.drain()
                except OSError:
                    self.end("client" if writer is self._client[1] else "server", abruptly=True)
                    return
                if way.bytes_per_s:
                    await asyncio.sleep(len(piece) / way.bytes_per_s)
                elif way.slice_bytes:
                    await asyncio.sleep(0)  # each piece a segment of its own
            if ends:
                self.end("proxy", abruptly=False)


def _rst(writer: asyncio.StreamWriter) -> None:
    """Close so that the other end is reset."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
