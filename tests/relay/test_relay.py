"""Telling other nodes over a real Redis: in order, once, holes known, and nobody ever waits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
import redis

from cti import relay
from cti.relay import Message, Relay
from tests.servers.redis import Redis

GUARD_S = 20.0


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    """One Redis for all of these."""
    started = Redis.start()
    yield started
    started.end()


class Node:
    """One node's end, and what it heard."""

    def __init__(self, url: str, name: str, stream: str) -> None:
        self.heard: list[tuple[str, str, bytes]] = []
        self.holes: list[str] = []
        self.changed = asyncio.Event()
        self.relay = Relay(
            url, stream=stream, node=name, on_message=self._take, on_hole=self._hole, on_state=self._state
        )

    def _take(self, node: str, message: Message) -> None:
        self.heard.append((node, message.kind, bytes(message.body)))
        self.changed.set()

    def _hole(self, node: str) -> None:
        self.holes.append(node)
        self.changed.set()

    def _state(self, up: bool) -> None:
        self.changed.set()

    async def until(self, true: Callable[[], object]) -> None:
        """Wait for news until it is so."""
        async with asyncio.timeout(GUARD_S):
            while not true():
                self.changed.clear()
                await self.changed.wait()

    def bodies(self, node: str) -> list[int]:
        """The numbers heard of a node."""
        return [int(body) for of, _, body in self.heard if of == node]


def node(server: Redis, name: str, stream: str) -> AbstractAsyncContextManager[Node]:
    """A node of this server that is up."""
    return listening(server.url, name, stream)


@asynccontextmanager
async def listening(url: str, name: str, stream: str) -> AsyncIterator[Node]:
    """A node that is up."""
    made = Node(url, name, stream)
    task = asyncio.create_task(made.relay.run())
    try:
        await made.until(lambda: made.relay.up)
        yield made
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def entries(server: Redis, stream: str) -> int:
    """How many entries the stream has."""
    return int(await asyncio.to_thread(redis.Redis.from_url(server.url).xlen, stream))


async def test_what_is_told_is_heard_by_the_others_in_order_and_once(server: Redis) -> None:
    """Others hear everything in the order it was told; nobody hears himself; a moment's messages go as one entry."""
    async with node(server, "a", "s1") as a, node(server, "b", "s1") as b:
        for number in range(1000):
            a.relay.tell("n", b"%d" % number)
        await b.until(lambda: len(b.bodies("a")) == 1000)
        assert b.bodies("a") == list(range(1000))
        assert a.heard == []
        assert await entries(server, "s1") == 1


async def test_what_is_urgent_goes_at_once_and_takes_along_what_lingers(
    server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An urgent message waits for nobody; what lingers goes with it, before it, in the same entry."""
    monkeypatch.setattr(relay, "LINGER_S", 10 * GUARD_S)
    async with node(server, "a", "s8") as a, node(server, "b", "s8") as b:
        for moment in range(3):
            first = 3 * moment
            a.relay.tell("n", b"%d" % first)
            await asyncio.sleep(0)  # the teller wakes and lingers
            a.relay.tell("n", b"%d" % (first + 1))
            a.relay.tell("n", b"%d" % (first + 2), urgent=True)
            await b.until(lambda upto=first + 3: len(b.bodies("a")) == upto)  # type: ignore[misc]
        assert b.bodies("a") == list(range(9))
        assert await entries(server, "s8") == 3


async def test_what_lingers_goes_though_nothing_urgent_comes(server: Redis) -> None:
    """What is not urgent goes by itself after its time, with all that was told meanwhile."""
    async with node(server, "a", "s9") as a, node(server, "b", "s9") as b:
        a.relay.tell("n", b"0")
        a.relay.tell("n", b"1")
        await b.until(lambda: len(b.bodies("a")) == 2)
        assert b.bodies("a") == [0, 1]
        assert await entries(server, "s9") == 1


async def test_what_is_patient_waits_for_company(server: Redis) -> None:
    """A patient message has no entry of its own: it goes before whatever is told next."""
    async with node(server, "a", "s10") as a, node(server, "b", "s10") as b:
        a.relay.tell("n", b"0", urgent=True)
        await b.until(lambda: b.bodies("a") == [0])
        a.relay.tell("n", b"1", patient=True)
        await asyncio.sleep(2 * relay.LINGER_S)  # long enough for a teller that is not patient
        assert await entries(server, "s10") == 1
        a.relay.tell("n", b"2")
        await b.until(lambda: b.bodies("a") == [0, 1, 2])
        assert await entries(server, "s10") == 2


async def test_new_reader_is_told_to_ask_for_a_snapshot(server: Redis) -> None:
    """Whoever comes has missed what was before: he is told so before he hears anything."""
    async with node(server, "a", "s2") as a:
        a.relay.tell("n", b"1")
        async with node(server, "b", "s2") as b:
            assert b.holes == [""]
            a.relay.tell("n", b"2")
            await b.until(lambda: b.heard)
            assert b.bodies("a")[-1] == 2


async def test_redis_killed_and_back_leaves_nobody_without_word(server: Redis) -> None:
    """What is told while Redis is away goes when it is back; a reader whose Redis came back empty knows of it."""
    async with node(server, "a", "s3") as a, node(server, "b", "s3") as b:
        a.relay.tell("n", b"1")
        await b.until(lambda: b.bodies("a") == [1])
        before = len(b.holes)
        server.kill()
        a.relay.tell("n", b"2")
        await a.until(lambda: not a.relay.up)
        a.relay.tell("n", b"3")
        server.again()
        await a.until(lambda: a.relay.up)
        await b.until(lambda: b.bodies("a")[-1:] == [3])
        assert b.bodies("a") == [1, 2, 3] or len(b.holes) > before


async def test_flushed_stream_is_a_hole(server: Redis) -> None:
    """Entries that Redis lost before they were read are missed by their number, and that is said."""
    async with node(server, "a", "s4") as a:
        raw = redis.Redis.from_url(server.url)
        async with node(server, "b", "s4") as b:
            a.relay.tell("n", b"1")
            await b.until(lambda: b.bodies("a") == [1])
            a.relay._number += 1  # an entry that was lost on its way
            before = len(b.holes)
            a.relay.tell("n", b"3")
            await b.until(lambda: b.bodies("a") == [1, 3])
            assert b.holes[before:] == ["a"]
            await asyncio.to_thread(raw.flushall)
            a.relay.tell("n", b"4")
            await b.until(lambda: b.bodies("a")[-1] == 4 or len(b.holes) > before + 1)
        raw.close()


async def test_entry_told_twice_is_heard_once(server: Redis) -> None:
    """A writer that cannot know whether its entry arrived sends it again: readers know it by its number."""
    raw = redis.Redis.from_url(server.url)
    async with node(server, "a", "s5") as a, node(server, "b", "s5") as b:
        a.relay.tell("n", b"1")
        await b.until(lambda: b.bodies("a") == [1])
        entries: Any = await asyncio.to_thread(raw.xrange, "s5")
        fields = entries[0][1]
        await asyncio.to_thread(raw.xadd, "s5", {b"e": fields[b"e"]})
        a.relay.tell("n", b"2")
        await b.until(lambda: b.bodies("a")[-1] == 2)
        assert b.bodies("a") == [1, 2]
    raw.close()


@pytest.mark.parametrize("spoilt", [b"", b"{", b"[]", b'["a","r","x",[]]', b"\xff\xfe", b"[" * 5000])
async def test_spoilt_entry_is_counted_and_passed(server: Redis, spoilt: bytes) -> None:
    """What is no entry of ours is counted, and what follows is heard."""
    raw = redis.Redis.from_url(server.url)
    async with node(server, "a", "s6") as a, node(server, "b", "s6") as b:
        await asyncio.to_thread(raw.xadd, "s6", {b"e": spoilt})
        a.relay.tell("n", b"7")
        await b.until(lambda: b.bodies("a") == [7])
        assert b.relay.rejected == 1
    raw.close()


async def test_frozen_redis_holds_nobody_up_and_nothing_grows(server: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Redis hanging telling returns at once; what waits is bounded, and what was dropped is a hole."""
    monkeypatch.setattr(relay, "WAITING", 50)
    async with node(server, "a", "s7") as a, node(server, "b", "s7") as b:
        a.relay.tell("n", b"0")
        await b.until(lambda: b.bodies("a") == [0])
        server.freeze()
        try:
            for number in range(1, 501):
                a.relay.tell("n", b"%d" % number)
            assert a.relay.dropped
            assert len(a.relay._waiting) <= 50
        finally:
            server.thaw()
        before = len(b.holes)
        await b.until(lambda: b.bodies("a")[-1] == 500)
        assert "a" in b.holes[before:]
