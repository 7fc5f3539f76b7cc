"""What one node tells the others, over one Redis stream. The only door to Redis, which holds nothing of record.

Every node delivers to its own pages first and tells the others behind the call's back: telling never waits, what was
told within a moment goes as one entry, and what is urgent takes along what was told before it. A reader goes on after
the last entry it has read, also over a reconnect. Entries of a node are numbered from its start; a number that is
missing (trimmed, flushed, more told than could wait) means that the reader's picture of that node has a hole: it is
told so and asks the node for a snapshot.
With Redis away everything here goes on as on a single node.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from typing import Any, Final

import msgspec
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from cti.settings.redis_url import RedisUrl, parse

log = logging.getLogger(__name__)

LINGER_S: Final = 0.25
"What is not urgent waits this long for company: a call may cost Redis 8 messages at most, each entry is two of them."
URGENT_S: Final = 0.01
"What is urgent waits this long: a PBX tells one moment in several events, milliseconds apart."
KEPT: Final = 50_000
"Entries that Redis keeps, about: for readers that were away for some seconds."
WAITING: Final = 20_000
"Messages that may wait for Redis; beyond them all are dropped, and readers find the hole by its number."
BLOCK_S: Final = 1.0
"A reader asks again after this without news."
ANSWER_S: Final = 3.0
"Redis that has not answered by then is away."
SENTINEL_S: Final = 0.8
"A sentinel that has not answered by then is passed over for the next."
RETRY_S: Final = 0.25
"First pause before trying again; doubled up to MOST_RETRY_S."
MOST_RETRY_S: Final = 2.0


class Message(msgspec.Struct, frozen=True, array_like=True):
    """One thing told: `kind` says which, `body` is its JSON."""

    kind: str
    body: msgspec.Raw


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    """One entry of the stream."""

    node: str
    run: str
    "Of one start of the node: numbers begin anew with it."
    number: int
    messages: tuple[Message, ...]


_encode: Final = msgspec.json.Encoder().encode
_entry: Final = msgspec.json.Decoder(_Entry)


class Relay:
    """One node's end. Use from one event loop: `tell` from anywhere in it, `run` as a task."""

    def __init__(
        self,
        url: str,
        *,
        stream: str,
        node: str,
        on_message: Callable[[str, Message], None],
        on_hole: Callable[[str], None],
        on_state: Callable[[bool], None] = lambda up: None,
    ) -> None:
        """`url` as `cti.settings.redis_url` has it (raises its RedisUrlError); `stream` names the site.

        `on_message(node, message)` gets what other nodes told, in their order.

        `on_hole(node)`: something of this node was missed, or the node started anew; `on_hole("")`: of anybody, which
        is said at the start and whenever Redis came back empty.
        """
        address = parse(url)
        self.where = address.shown
        "The address without its passwords."
        self._client, self._sentinels = _clients(address)
        self._stream = stream
        self.node = node
        self._run = secrets.token_hex(8)
        self._on_message = on_message
        self._on_hole = on_hole
        self._on_state = on_state
        self._waiting: list[Message] = []
        self._going: bytes | None = None
        "The entry on its way."
        self._after: bytes | None = None
        "Id of the last entry read."
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._number = 0
        self._heard: dict[str, tuple[str, int]] = {}
        "{node: (run, number)} of the last entry read."
        self._ups: dict[str, bool | None] = {"tell": None, "read": None}
        "None: not tried yet."
        self.up = False
        "Both telling and reading work."
        self.told = 0
        "Entries written."
        self.dropped = 0
        "Messages that could not even wait."
        self.rejected = 0
        "Entries that are none of ours, or spoilt."
        self.holes = 0
        "Times that something of others was missed."

    def tell(self, kind: str, body: bytes, urgent: bool = False, *, patient: bool = False) -> None:
        """Have the other nodes told within LINGER_S, or URGENT_S. Never waits, never fails. `body` is JSON.

        What is `patient` goes whenever anything else does: an entry of its own it is not worth. The order is that of
        telling, urgent or not.
        """
        if len(self._waiting) >= WAITING:
            self.dropped += len(self._waiting)
            self._waiting.clear()
            self._number += 1  # the hole that readers will find
        self._waiting.append(Message(kind, msgspec.Raw(body)))
        if urgent:
            self._hurry.set()
        if not patient:
            self._wake.set()

    async def run(self) -> None:
        """Tell and listen for ever; cancel to stop."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._again("tell", self._telling))
                tasks.create_task(self._again("read", self._reading))
        finally:
            for client in (self._client, self._sentinels):
                with contextlib.suppress(RedisError, OSError):
                    if client is not None:
                        await client.aclose()

    async def _again(self, part: str, work: Callable[[], Any]) -> None:
        pause = RETRY_S
        while _wanted():
            try:
                await work()
            except (RedisError, OSError, TimeoutError) as error:
                if self._ups[part] is not False:
                    # Names of errors only: their texts may hold what was sent.
                    names = " < ".join(type(one).__name__ for one in (error, error.__cause__) if one is not None)
                    log.warning("Redis at %s is away (%s): %s", self.where, part, names)
                    pause = RETRY_S
                self._tell_state(part, up=False)
            await asyncio.sleep(pause)
            pause = min(MOST_RETRY_S, pause * 2)

    def _tell_state(self, part: str, *, up: bool) -> None:
        self._ups[part] = up
        now = all(self._ups.values())
        if now != self.up:
            self.up = now
            self._on_state(now)

    # --- telling -----------------------------------------------------------------------------------------------

    async def _telling(self) -> None:
        async with asyncio.timeout(ANSWER_S):
            await self._client.ping()
        self._tell_state("tell", up=True)
        while _wanted():
            if self._going is None:
                await self._gathered()
                waiting, self._waiting = tuple(self._waiting), []
                self._number += 1
                self._going = _encode(_Entry(self.node, self._run, self._number, waiting))
            # What fails to go is kept and goes again: read twice it is known by its number.
            async with asyncio.timeout(ANSWER_S):
                await self._client.xadd(self._stream, {b"e": self._going}, maxlen=KEPT, approximate=True)
            self._going = None
            self.told += 1

    async def _gathered(self) -> None:
        """Wait until something is to be told, and a moment for what is told with it."""
        await self._wake.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                await self._hurry.wait()
                await asyncio.sleep(URGENT_S)
        self._wake.clear()
        self._hurry.clear()

    # --- reading -----------------------------------------------------------------------------------------------

    async def _reading(self) -> None:
        async with asyncio.timeout(ANSWER_S):
            after = await self._beginning()
        self._tell_state("read", up=True)
        while _wanted():
            found: Any = await self._client.xread({self._stream: after}, count=200, block=int(BLOCK_S * 1000))
            if not found:
                async with asyncio.timeout(ANSWER_S):
                    last = await self._last()
                if _place(last) < _place(after):
                    after = self._fell_back(last)
                continue
            for place, fields in found[0][1]:
                after = place
                self._after = place
                self._take(fields.get(b"e", b""))

    async def _beginning(self) -> bytes:
        """Where to read on: after the last entry read, or after the newest there is."""
        last = await self._last()
        if self._after is None:
            self._hole("")
            return last
        return self._after if _place(self._after) <= _place(last) else self._fell_back(last)

    def _fell_back(self, last: bytes) -> bytes:
        """Redis has less than was read of it: it came back empty, or another took over that was behind.

        What it has was read before; the numbers heard stay, so that nothing is heard twice.
        """
        self._after = last
        self._hole("")
        return last

    def _hole(self, node: str) -> None:
        self.holes += 1
        self._on_hole(node)

    async def _last(self) -> bytes:
        newest: Any = await self._client.xrevrange(self._stream, count=1)
        return bytes(newest[0][0]) if newest else b"0-0"

    def _take(self, raw: bytes) -> None:
        try:
            entry = _entry.decode(raw)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            self.rejected += 1
            return
        if entry.node == self.node:
            return
        run, number = self._heard.get(entry.node, ("", 0))
        if run == entry.run and entry.number <= number:
            return
        self._heard[entry.node] = (entry.run, entry.number)
        if run != entry.run or entry.number != number + 1:
            self._hole(entry.node)
        for message in entry.messages:
            self._on_message(entry.node, message)


async def trouble(url: str) -> str:
    """Why this Redis cannot be used now; '' where it answers. Names of errors only. Raises RedisUrlError."""
    client, sentinels = _clients(parse(url))
    try:
        async with asyncio.timeout(ANSWER_S):
            await client.ping()
        return ""
    except (RedisError, OSError, TimeoutError) as error:
        return type(error).__name__
    finally:
        for one in (client, sentinels):
            with contextlib.suppress(RedisError, OSError):
                if one is not None:
                    await one.aclose()


def _clients(address: RedisUrl) -> tuple[redis.asyncio.Redis, Sentinel | None]:
    """The client of the one that takes what is told, and of its sentinels where there are any.

    Nothing is tried again in there: `_again` does, so that what fails is known at once.
    """
    tls: dict[str, Any] = {}
    if address.tls:
        tls = {
            "ssl": True,
            "ssl_ca_certs": address.ca or None,
            "ssl_certfile": address.cert or None,
            "ssl_keyfile": address.key or None,
        }
    common: dict[str, Any] = {
        "db": address.db,
        "username": address.user or None,
        "password": address.password or None,
        "socket_timeout": BLOCK_S + ANSWER_S,
        "socket_connect_timeout": SENTINEL_S if address.service else ANSWER_S,
        "retry": Retry(NoBackoff(), 0),
        **tls,
    }
    if not address.service:
        host, port = address.hosts[0]
        return redis.asyncio.Redis(host=host, port=port, **common), None
    sentinels = Sentinel(  # type: ignore[no-untyped-call]
        list(address.hosts),
        sentinel_kwargs={
            "username": address.sentinel_user or None,
            "password": address.sentinel_password or None,
            "socket_timeout": SENTINEL_S,
            "socket_connect_timeout": SENTINEL_S,
            "retry": Retry(NoBackoff(), 0),
            **tls,
        },
    )
    return sentinels.master_for(address.service, **common), sentinels


def _wanted() -> bool:
    """False for a task that was cancelled: the Redis client now and then answers a cancellation with a result."""
    task = asyncio.current_task()
    return task is None or not task.cancelling()


def _place(at: bytes) -> tuple[int, int]:
    """A stream id in its order."""
    first, _, second = at.partition(b"-")
    return int(first), int(second or 0)
