"""A page's connection as the hub sees it: a turn's first frame goes at once, its others together, and none is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from cti.popup.hub import RESTARTING
from cti.popup.server import _Pipe

GUARD_S = 20.0


class Counted(asyncio.WriteTransport):
    """A transport that counts what is handed to it."""

    def __init__(self, real: asyncio.WriteTransport) -> None:
        super().__init__()
        self.real = real
        self.writes: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Count it, and hand it on."""
        self.writes.append(bytes(data))
        self.real.write(data)

    def get_write_buffer_size(self) -> int:
        """The real one's."""
        return self.real.get_write_buffer_size()


@asynccontextmanager
async def pipe() -> AsyncIterator[tuple[_Pipe, ServerConnection, ClientConnection]]:
    """A pipe to a client that reads."""
    made: asyncio.Future[ServerConnection] = asyncio.get_running_loop().create_future()

    async def stay(connection: ServerConnection) -> None:
        made.set_result(connection)
        await connection.wait_closed()

    async with serve(stay, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with asyncio.timeout(GUARD_S), connect(f"ws://127.0.0.1:{port}", compression=None) as client:
            connection = await made
            yield _Pipe(connection, set()), connection, client


async def test_first_write_of_a_turn_goes_at_once_and_its_others_together() -> None:
    """A pop's head waits for nobody; what the same turn writes behind it is one write, in order, each frame whole."""
    async with pipe() as (to, connection, client):
        counted = Counted(connection.transport)
        setattr(connection, "transport", counted)  # noqa: B010 - a transport in all but its class
        sent = [b"%d" % n * 50 * n for n in range(1, 8)]
        to.write(sent[0])
        assert len(counted.writes) == 1
        for frame in sent[1:]:
            to.write(frame)
        assert [(await client.recv(decode=False)) for _ in sent] == sent
        assert len(counted.writes) == 2
        to.write(b"of another turn")
        assert len(counted.writes) == 3
        setattr(connection, "transport", counted.real)  # noqa: B010 - the library closes its own


async def test_what_waits_for_the_turn_to_end_counts_as_not_taken() -> None:
    """The hub sees all that it wrote, also before the turn is over: a page that does not read is told by it."""
    async with pipe() as (to, _, client):
        to.write(b"first")
        to.write(b"x" * 1000)
        assert to.pending() >= 1000
        assert [len(await client.recv()) for _ in range(2)] == [5, 1000]
        assert to.pending() == 0


async def test_what_was_written_comes_before_the_close() -> None:
    """A page that is sent away has got all that was written before."""
    async with pipe() as (to, _, client):
        to.write(b"first")
        to.write(b"last")
        to.close(RESTARTING, "restarting")
        assert [await client.recv(decode=False) for _ in range(2)] == [b"first", b"last"]
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == RESTARTING
