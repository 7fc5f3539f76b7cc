"""The fault proxy does what it is told: what the other fault tests stand on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.faults.proxy import Proxy, Rewrite

GUARD_S = 20.0
TEXT = bytes(range(256)) * 64


class Echo:
    """A server that sends back what it gets; remembers how its connections ended."""

    def __init__(self) -> None:
        self.got = b""
        self.ends: asyncio.Queue[str] = asyncio.Queue()
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.writers.append(writer)
        try:
            while data := await reader.read(1 << 16):
                self.got += data
                writer.write(data)
                await writer.drain()
            self.ends.put_nowait("finished")
        except ConnectionError:
            self.ends.put_nowait("reset")
        finally:
            writer.close()


@asynccontextmanager
async def standing(
    **more: bool,
) -> AsyncIterator[tuple[Proxy, Echo, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client that speaks with an echo through a proxy."""
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    async with asyncio.timeout(GUARD_S), Proxy(server.sockets[0].getsockname(), **more) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        try:
            yield proxy, echo, reader, writer
        finally:
            writer.transport.abort()
            server.close()
            for one in echo.writers:
                one.transport.abort()


async def test_without_faults_everything_arrives_as_it_was() -> None:
    """Both ways, any bytes, and the end of one side is the end of the other."""
    async with standing() as (proxy, echo, reader, writer):
        writer.write(TEXT)
        assert await reader.readexactly(len(TEXT)) == TEXT
        assert proxy.connections == 1
        writer.write_eof()
        assert await reader.read() == b""
        assert await echo.ends.get() == "finished"
        await proxy.until(lambda p: p.connections == 0)
        assert proxy.ended == {"client": 1}


async def test_latency_holds_back_and_keeps_the_order() -> None:
    """Nothing arrives before its time, whatever the jitter, and nothing overtakes."""
    async with standing() as (proxy, _, reader, writer):
        proxy.to_server.latency_s, proxy.to_server.jitter_s = 0.1, 0.05
        clock = asyncio.get_running_loop().time
        began = clock()
        for n in range(20):
            writer.write(bytes([n]))
            await asyncio.sleep(0)
        assert await reader.readexactly(20) == bytes(range(20))
        assert clock() - began >= 0.1


async def test_bandwidth_is_kept() -> None:
    """So many bytes take at least so long."""
    async with standing() as (proxy, _, reader, writer):
        proxy.to_server.bytes_per_s, proxy.to_server.slice_bytes = 20_000.0, 500
        clock = asyncio.get_running_loop().time
        began = clock()
        writer.write(TEXT[:4000])
        await reader.readexactly(4000)
        assert clock() - began >= 3500 / 20_000


async def test_slices_come_one_by_one() -> None:
    """A reader that asks often sees pieces no larger than the slice, and nothing is lost between them."""
    async with standing() as (proxy, _, reader, writer):
        proxy.to_server.slice_bytes = 3
        proxy.to_server.bytes_per_s = 3000.0  # a pause after each, so that no two are read as one
        sizes: list[int] = []
        writer.write(TEXT[:60])
        got = b""
        while len(got) < 60:
            piece = await reader.read(1000)
            sizes.append(len(piece))
            got += piece
        assert got == TEXT[:60]
        assert len(sizes) > 5


async def test_silence_is_heard_by_nobody_and_ends_with_the_connection() -> None:
    """Half-open one way: the sender believes that it was heard, the connection stands, the other way goes on."""
    async with standing() as (proxy, echo, reader, writer):
        proxy.to_client.silent = True
        writer.write(b"hello")
        while proxy.to_client.swallowed < 5:  # noqa: ASYNC110  the proxy tells of connections, not of bytes
            await asyncio.sleep(0.005)
        assert echo.got == b"hello"
        assert proxy.connections == 1
        proxy.heal()
        writer.write(b"again")
        assert await reader.readexactly(5) == b"again"


async def test_a_way_that_stands_still_fills_the_sender() -> None:
    """Nothing is taken, so the sender's buffers fill; when it goes on, all of it arrives."""
    async with standing(small_buffers=True) as (proxy, echo, reader, writer):
        proxy.to_client.stopped = True
        much = TEXT * 1024  # 16 MB: more than the buffers between
        writing = asyncio.create_task(_write(writer, much))
        before = -1
        while before != len(echo.got):
            before = len(echo.got)
            await asyncio.sleep(0.2)
        assert len(echo.got) < len(much)
        proxy.heal()
        got = await reader.readexactly(len(much))
        await writing
        assert got == much


async def _write(writer: asyncio.StreamWriter, much: bytes) -> None:
    writer.write(much)
    await writer.drain()


async def test_an_end_in_the_middle_is_one() -> None:
    """After so many bytes the connection ends, wherever that is."""
    async with standing() as (proxy, _, reader, writer):
        proxy.to_client.end_after = 100
        writer.write(TEXT)
        assert await reader.read(100_000) == TEXT[:100]
        assert await reader.read() == b""
        await proxy.until(lambda p: p.connections == 0)
        assert proxy.ended == {"proxy": 1}


async def test_one_byte_of_a_chunk_is_changed() -> None:
    """Corruption changes a byte and the length of nothing."""
    async with standing() as (proxy, _, reader, writer):
        proxy.to_client.corrupt = 1.0
        writer.write(b"x" * 50)
        got = await reader.readexactly(50)
        assert sum(byte != ord("x") for byte in got) >= 1


async def test_bytes_are_rewritten_by_each_connections_own() -> None:
    """What is handed on may be worked out from what came before on the same connection."""

    def doubling() -> Rewrite:
        return lambda data: data + data

    async with standing() as (proxy, echo, _, _writer):
        proxy.to_server.rewrite = doubling
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"ab")
        assert await reader.readexactly(4) == b"abab"
        assert echo.got == b"abab"
        writer.transport.abort()


@pytest.mark.parametrize(
    ("end", "heard"), [(Proxy.reset, "reset"), (Proxy.finish, "finished")], ids=["reset", "finish"]
)
async def test_connections_are_ended_in_both_manners(end: Callable[[Proxy], None], heard: str) -> None:
    """RST is felt as a reset, FIN as an end, on both sides; a closed proxy takes nobody."""
    async with standing() as (proxy, echo, reader, writer):
        writer.write(b"here")
        assert await reader.readexactly(4) == b"here"
        proxy.closed = True
        end(proxy)
        if heard == "reset":
            with pytest.raises(ConnectionResetError):
                await reader.readexactly(1)
        else:
            assert await reader.read() == b""
        assert await echo.ends.get() == heard
        await proxy.until(lambda p: p.connections == 0)
        assert proxy.ended == {"proxy": 1}
        with pytest.raises(OSError):  # noqa: PT011  refused or reset, as the system likes
            await _first_byte(proxy.port)


async def _first_byte(port: int) -> bytes:
    reader, _ = await asyncio.open_connection("127.0.0.1", port)
    return await reader.readexactly(1)


async def test_the_server_s_end_is_told_as_the_server_s() -> None:
    """Who ended a connection is counted."""
    async with standing() as (proxy, echo, reader, writer):
        writer.write(b"here")
        assert await reader.readexactly(4) == b"here"
        echo.writers[0].close()
        assert await reader.read() == b""
        await proxy.until(lambda p: p.connections == 0)
        assert proxy.ended == {"server": 1}
