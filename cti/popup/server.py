"""The push port: WebSocket connections in, pages of the hub out. The only door to websockets.

A connection must come from a listed origin, with the session's cookie, and say hello within five seconds. It may send
small frames at a human pace. No compression: it costs more than it saves on a LAN, and opens the zip-bomb class.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State

from cti import wire
from cti.auth import WALL, Identity, origin_allowed
from cti.listening import BACKLOG, listening, take_no_more
from cti.popup.hub import BEAT_TURNS, LOG_IN, NO_RIGHT, RESTARTING, Hub, Page

log = logging.getLogger(__name__)

HELLO_S: Final = 5.0
"A page that has not said hello by then is closed."
BEAT_S: Final = 2.0
"Every page hears something this often, so that it may say soon that it hears nothing."
SILENT_S: Final = 75.0
"A page that was silent for this long is gone (a browser may slow a hidden page's timers to one a minute)."
PART_S: Final = 1.0
"What pages get to say goodbye in when the service ends; one that sleeps holds up no restart."
SESSIONS_S: Final = 1.0
"Open pages' sessions are looked up in the store again after this."
MAX_FRAME: Final = 16 * 1024
"Largest frame taken from a page, in bytes."
RATE, BURST = 32.0, 64.0
"Frames a page may send a second, and at once (FAULTS 4.3)."
MAX_STRANGERS: Final = 2000
"Connections at once of which nobody knows yet who they are (all addresses: agents may sit behind one proxy)."
HELD: Final = 16
"Frames of one turn that wait for its end to go together."
POLICY: Final = 1008
AWAY: Final = 1001


def _header(length: int) -> bytes:
    """What stands before a text message that a server sends: its kind and its length (RFC 6455, 5.2)."""
    if length < 126:
        return bytes((0x81, length))
    return b"\x81\x7e" + length.to_bytes(2, "big") if length < 65536 else b"\x81\x7f" + length.to_bytes(8, "big")


class _Pipe:
    """A websockets connection as the hub sees it: the first write of a turn goes at once, the others together."""

    __slots__ = ("_closing", "_connection", "_held", "_written")

    def __init__(self, connection: ServerConnection, closing: set[asyncio.Task[None]]) -> None:
        self._connection = connection
        self._closing = closing
        self._held: list[bytes] = []
        self._written = False
        "In this turn of the loop."

    def write(self, *frames: bytes) -> None:
        for frame in frames:
            self._held += (_header(len(frame)), frame)
        if not self._written:
            self._written = True
            asyncio.get_running_loop().call_soon(self._turn_over)
            self._send()
        elif len(self._held) > 2 * HELD:
            self._send()

    def pending(self) -> int:
        return self._connection.transport.get_write_buffer_size() + sum(map(len, self._held))

    def close(self, code: int, reason: str) -> None:
        self._send()
        task = asyncio.get_running_loop().create_task(self._connection.close(code, reason))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _turn_over(self) -> None:
        self._written = False
        self._send()

    def _send(self) -> None:
        # What `broadcast` does for text messages, with one system call for all of them and nothing else.
        held, self._held = self._held, []
        if held and self._connection.protocol.state is State.OPEN:
            self._connection.transport.write(b"".join(held))


class PushServer:
    """Serves the hub's pages on one port."""

    def __init__(
        self,
        hub: Hub,
        *,
        identify: Callable[[Mapping[str, str]], Awaitable[Identity | None]],
        still: Callable[[Collection[str]], Awaitable[Mapping[str, Identity]]],
        touch: Callable[[Identity], Awaitable[None]],
        origins: frozenset[str],
        steady: Callable[[], float],
        on_seen: Callable[[Identity, str], None] = lambda identity, pop: None,
    ) -> None:
        """`identify` says who sent the handshake's headers, `still` which of these sessions live on, and whose."""
        self._hub = hub
        self._identify = identify
        self._still = still
        self._touch = touch
        self.origins = origins
        self._steady = steady
        self._on_seen = on_seen
        self._sock: socket.socket | None = None
        self._server: Server | None = None
        self._strangers = 0
        self._closing: set[asyncio.Task[None]] = set()
        self._rounds: tuple[asyncio.Task[None], ...] = ()
        self.refused = 0
        "Handshakes refused since the start."
        self.closed: Counter[int] = Counter()
        "{code: connections that were closed from here with it}; what browsers close is theirs."

    async def start(self, host: str, port: int, *, sock: socket.socket | None = None) -> int:
        """Listen; returns the port (useful where `port` is 0)."""
        self._sock = sock or listening(host, port)
        self._server = await serve(
            self._connected,
            sock=self._sock,
            backlog=BACKLOG,
            process_request=self._check,
            compression=None,
            max_size=MAX_FRAME,
            max_queue=16,
            open_timeout=5,
            ping_interval=None,  # both sides beat by themselves, and a page that reads slowly has its own time
            close_timeout=3,
            server_header=None,
        )
        loop = asyncio.get_running_loop()
        self._rounds = (loop.create_task(self._sweep()), loop.create_task(self._watch_sessions()))
        return int(self._sock.getsockname()[1])

    async def stop(self) -> None:
        """Tell the pages that the service restarts, and stop; who comes from now on is the next one's to answer."""
        for task in self._rounds:
            task.cancel()
        await asyncio.gather(*self._rounds, return_exceptions=True)
        server = self._server
        if server is None or self._sock is None:
            return
        # The library refuses with 503 whoever is still at the door when it closes.
        await take_no_more(self._sock, lambda: len(server.handler_tasks) > len(server.all_connections))
        self._hub.close_all(RESTARTING, "restarting")
        server.close(code=RESTARTING, reason="restarting")
        try:
            async with asyncio.timeout(PART_S):
                await asyncio.shield(server.wait_closed())
        except TimeoutError:
            for connection in tuple(server.all_connections):
                connection.transport.abort()
            for handler in tuple(server.handler_tasks):
                handler.cancel()
            await server.wait_closed()

    def _check(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path.partition("?")[0] != "/push":
            return connection.respond(404, "not here\n")
        origins = request.headers.get_all("Origin")
        if len(origins) != 1 or not origin_allowed(origins[0], self.origins):
            self.refused += 1
            return connection.respond(403, "this origin may not connect\n")
        if self._strangers >= MAX_STRANGERS:
            self.refused += 1
            return connection.respond(429, "too many connections\n")
        return None

    async def _connected(self, connection: ServerConnection) -> None:
        page: Page | None = None
        try:
            self._strangers += 1
            try:
                identity = await self._who(connection)
            finally:
                self._strangers -= 1
            if identity is None:
                await connection.close(LOG_IN, "log in first")
                return
            page = await self._welcome(connection, identity)
            if page is not None:
                await self._listen(connection, page)
        except ConnectionClosed:
            pass
        finally:
            if page is not None:
                self._hub.leave(page)
            sent = connection.protocol.close_sent
            if sent is not None and not connection.protocol.close_rcvd_then_sent:
                self.closed[sent.code] += 1

    async def _who(self, connection: ServerConnection) -> Identity | None:
        request = connection.request
        cookies = request.headers.get_all("Cookie") if request is not None else []
        return await self._identify({"Cookie": "; ".join(cookies)})

    async def _welcome(self, connection: ServerConnection, identity: Identity) -> Page | None:
        """The page behind a new connection once it has said hello; None where it was sent away."""
        try:
            async with asyncio.timeout(HELLO_S):
                hello = wire.decode_inbound(await connection.recv())
        except TimeoutError:
            await connection.close(POLICY, "no hello")
            return None
        except wire.WireError:
            await connection.close(POLICY, "not a hello")
            return None
        if not isinstance(hello, wire.Hello) or hello.v != wire.VERSION:
            await connection.close(POLICY, "reload the page: another version")
            return None
        if not _may(identity, hello.page):
            await connection.close(NO_RIGHT, "no right")
            return None
        return self._hub.open(_Pipe(connection, self._closing), _at(identity, hello.page), hello.page)

    async def _listen(self, connection: ServerConnection, page: Page) -> None:
        allowance, before = BURST, self._steady()
        touched = before
        while True:
            try:
                async with asyncio.timeout(SILENT_S):
                    raw = await connection.recv()
            except TimeoutError:
                return await self._send_away(connection, page, AWAY, "silent")
            now = self._steady()
            allowance = min(BURST, allowance + (now - before) * RATE) - 1.0
            before = now
            if allowance < 0:
                return await self._send_away(connection, page, POLICY, "too many frames")
            try:
                frame = wire.decode_inbound(raw)
            except wire.WireError:
                return await self._send_away(connection, page, POLICY, "not a frame")
            if isinstance(frame, wire.Seen):
                self._hub.figures.seen += 1
                self._on_seen(page.identity, frame.pop)
            if now - touched > 60.0:
                touched = now
                await self._touch(page.identity)

    async def _send_away(self, connection: ServerConnection, page: Page, code: int, reason: str) -> None:
        # Here and not through the hub: whoever leaves the handler first closes with 1000.
        self._hub.leave(page)
        await connection.close(code, reason)

    async def _sweep(self) -> None:
        """Heartbeats, and slow pages."""
        while True:
            await asyncio.sleep(BEAT_S / BEAT_TURNS)
            self._hub.look_after()
            self._hub.beat()

    async def _watch_sessions(self) -> None:
        """Sessions end in the store, too: another process disables a user. A task of its own: the store may be slow."""
        while True:
            await asyncio.sleep(SESSIONS_S)
            try:
                await self._check_sessions()
            except Exception as error:  # the store is away: pages stay, the next second asks again
                log.warning("sessions not checked: %s", type(error).__name__)

    async def _check_sessions(self) -> None:
        pages = self._hub.pages()
        if not pages:
            return
        alive = await self._still({page.identity.session for page in pages})
        for page in pages:
            identity = alive.get(page.identity.session)
            if identity is None:
                self._hub.close(page, LOG_IN, "session ended")
            elif not _may(identity, page.kind):
                self._hub.close(page, NO_RIGHT, "no right")
            else:
                page.identity = _at(identity, page.kind)


def _at(identity: Identity, page: str) -> Identity:
    return identity.at_wall() if page == "wallboard" else identity


def _may(identity: Identity, page: str) -> bool:
    return page in identity.rights or (page == "plain" and identity.role != WALL)
