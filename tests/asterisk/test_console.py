"""The tests' own way into a PBX leaves nothing behind."""

from __future__ import annotations

import asyncio

import pytest

from tests.asterisk.console import Console

GUARD_S = 10.0


async def test_a_pbx_that_throws_one_out_before_a_word_is_left_for_good() -> None:
    """An Asterisk that starts lets people in and drops them: what was opened for that is closed, too."""
    left = asyncio.Event()

    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call")
        writer.write_eof()
        assert await reader.read() == b""
        left.set()
        writer.close()

    async with await asyncio.start_server(drop, "127.0.0.1", 0) as server:
        console = Console(server.sockets[0].getsockname()[1], "secret")
        with pytest.raises(asyncio.IncompleteReadError):
            await console.open()
        await console.close()
        await asyncio.wait_for(left.wait(), GUARD_S)
