"""Open files that run out cost the newest connection, never the PBX's or the database's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cti import doorway
from cti.doorway import Doorway

GUARD_S = 20.0


@asynccontextmanager
async def server() -> AsyncIterator[tuple[Doorway, int]]:
    """A server that greets whoever comes; its door and port."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await writer.drain()
            await reader.read()
        writer.close()

    door = Doorway(socket.AF_INET, socket.SOCK_STREAM)
    door.bind(("127.0.0.1", 0))
    door.listen(64)
    door.setblocking(False)
    async with await asyncio.start_server(greet, sock=door):
        yield door, door.getsockname()[1]


async def greeting(port: int) -> tuple[bytes, asyncio.StreamWriter]:
    """What a new connection is told; b"" where it was closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await asyncio.wait_for(reader.read(5), GUARD_S), writer
    except ConnectionError:
        return b"", writer


async def test_newest_are_closed_and_those_inside_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the number that connections may have they are closed at once; where one leaves, one may come."""
    async with server() as (door, port):
        inside = [await greeting(port) for _ in range(3)]
        lowest = os.open("/dev/null", os.O_RDONLY)
        os.close(lowest)
        # A client here takes a number, too: with this bound the next connection's is beyond it.
        monkeypatch.setattr(doorway, "most", lambda: lowest + 1)
        refused = [await greeting(port) for _ in range(5)]
        assert [word for word, _ in refused] == [b""] * 5
        assert door.shed == 5
        for _, writer in inside:
            writer.write(b"x")
            await writer.drain()
        for _, writer in (*inside, *refused):
            writer.close()
        monkeypatch.undo()
        word, writer = await greeting(port)
        assert word == b"hello"
        assert door.shed == 5
        writer.close()


def test_reserve_is_a_part_of_small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 are kept free, of a small limit a quarter."""
    for limit, most in ((65536, 65472), (256, 192), (100, 75)):
        monkeypatch.setattr(resource, "getrlimit", lambda which, limit=limit: (limit, limit))
        assert doorway.most() == most
