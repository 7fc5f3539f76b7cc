"""A scripted PBX on a real socket, with a wire that can be cut anywhere, and clients of both kinds to try it on."""

from __future__ import annotations

import array
import asyncio
import contextlib
import fcntl
import termios
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

GUARD = 10.0
"Seconds after which a test that waits is hanging."

Fields = dict[str, str]
Answerer = Callable[[Fields], bytes | None]


def packet(*headers: str) -> bytes:
    """A packet from its `Key: value` lines."""
    return "".join(f"{header}\r\n" for header in headers).encode() + b"\r\n"


def listing(*items: Sequence[str]) -> Answerer:
    """Answer with a list of these items (each without its ActionID)."""

    def answer(fields: Fields) -> bytes:
        name, action_id = fields["Action"], f"ActionID: {fields['ActionID']}"
        told = [packet("Response: Success", action_id, "EventList: start", "Message: will follow")]
        told += [packet(item[0], action_id, *item[1:]) for item in items]
        return b"".join([*told, packet(f"Event: {name}Complete", action_id, "EventList: Complete", "ListItems: 0")])

    return answer


def saying(*headers: str) -> Answerer:
    """Answer with one response."""

    def answer(fields: Fields) -> bytes:
        return packet(headers[0], f"ActionID: {fields['ActionID']}", *headers[1:])

    return answer


def silence(fields: Fields) -> None:
    """No answer, ever."""


BOOT = ("Response: Success", "CoreStartupDate: 2026-11-21", "CoreStartupTime: 18:33:03")


def ready() -> dict[str, Answerer]:
    """What an idle PBX answers."""
    return {
        "Login": saying("Response: Success", "Message: Authentication accepted"),
        "Ping": saying("Response: Success", "Ping: Pong"),
        "CoreStatus": saying(*BOOT),
        **{name: listing() for name in ("QueueStatus", "CoreShowChannels", "BridgeList", "Status", "DeviceStateList")},
    }


@dataclass
class ScriptedPbx:
    """Answers what its script says, and says what the test wants said."""

    answers: dict[str, Answerer] = field(default_factory=ready)
    banner: bytes = b"Asterisk Call Manager/11.0.0\r\n"
    booted: bool = True
    port: int = 0
    muted: bool = False
    "Reads and writes nothing any more, and does not close: a half-open connection."
    received: list[Fields] = field(default_factory=list)
    logins: int = 0
    connections: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> ScriptedPbx:
        await self.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.shut()

    async def open(self) -> None:
        """Listen; again on the same port, after a `shut`."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def open_again(self) -> None:
        """Listen again where it listened before."""
        await self.open()

    async def shut(self) -> None:
        """Stop listening and cut every connection."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self.cut()
        if server is not None:
            await server.wait_closed()

    def cut(self) -> None:
        """Cut every connection."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self.connections += 1
        writer.write(self.banner)
        await self._tell()
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                raw = await reader.readuntil(b"\r\n\r\n")
                lines = raw.decode().split("\r\n")
                fields = dict(line.split(": ", 1) for line in lines if ": " in line)
                self.received.append(fields)
                if not self.muted:
                    await self._answer(fields, writer)
                await self._tell()
        writer.close()

    async def _answer(self, fields: Fields, writer: asyncio.StreamWriter) -> None:
        name = fields["Action"]
        said = self.answers.get(name, saying("Response: Error", "Message: Invalid/unknown command"))(fields)
        if said is not None:
            writer.write(said)
        if name == "Login" and said is not None:
            if b"Response: Success" not in said:
                writer.close()
                return
            self.logins += 1
            if self.booted:
                writer.write(packet("Event: FullyBooted", "Privilege: system,all", "Status: Fully Booted"))

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something that has to do with what was received is so."""
        async with asyncio.timeout(GUARD), self.changed:
            await self.changed.wait_for(true)

    async def say(self, *pieces: bytes) -> None:
        """Write the pieces so that each arrives in a read of its own."""
        writer = self.writer
        for piece in pieces:
            writer.write(piece)
            await self.flushed(writer)

    async def flushed(self, writer: asyncio.StreamWriter) -> None:
        """Wait until the other side's kernel has it all, and the loop has turned often enough to read it."""
        count = array.array("i", [1])
        async with asyncio.timeout(GUARD):
            while count[0] or writer.transport.get_write_buffer_size():
                fcntl.ioctl(writer.get_extra_info("socket").fileno(), termios.TIOCOUTQ, count)
                await asyncio.sleep(0)
        for _ in range(8):
            await asyncio.sleep(0)

    @property
    def writer(self) -> asyncio.StreamWriter:
        """The newest connection."""
        return self._writers[-1]

    def count(self, action: str) -> int:
        """How often an action of that name was received."""
        return sum(fields.get("Action") == action for fields in self.received)


def event(name: str, **headers: str) -> bytes:
    """An event without any key that it must have being looked at: use names that need none."""
    return packet(f"Event: {name}", "Privilege: user,all", *(f"{key}: {value}" for key, value in headers.items()))


def numbered(count: int) -> Iterator[bytes]:
    """Events with a number each."""
    return (event("UserEvent", UserEvent="Count", Number=str(n)) for n in range(count))


@dataclass(frozen=True)
class Site:
    """The link's settings."""

    port: int
    host: str = "127.0.0.1"
    username: str = "thirteen"
    secret: str = "right"
    systemname: str | None = None
