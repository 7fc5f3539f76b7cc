"""An AMI server for benchmarks: logs everybody in, says what it is told to, and lists what stands by it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

from benchmarks import stream

QUEUES = [stream.queue(n) for n in range(5)]
_MEMBER = (
    b"Queue: %b\r\nMemberName: %b\r\nInterface: %b\r\nStateInterface: %b\r\nPenalty: 0\r\nCallsTaken: 0\r\n"
    b"InCall: 0\r\nStatus: 1\r\nPaused: 0\r\n"
)


class Exchange:
    """One AMI port with `agents` queue members, idle at first."""

    def __init__(self, agents: int) -> None:
        self.agents = agents
        self.port = 0
        self.clients: dict[str, asyncio.StreamWriter] = {}
        "By user name."
        self.channels: dict[bytes, bytes] = {}
        "{Uniqueid: snapshot}"
        self.bridges: dict[bytes, dict[bytes, None]] = {}
        self.waiting: dict[bytes, tuple[bytes, float]] = {}
        "{Uniqueid: (queue, since)}"
        self.members: dict[bytes, bytes] = {}
        for agent in range(agents):
            phone = stream.phone(agent).encode()
            words = stream.queue(agent).encode(), b"Agent %d" % agent, phone, phone
            self.members[phone] = _MEMBER % words
        self._server: asyncio.Server | None = None
        self._told: dict[bytes, Callable[[bytes], None]] = {
            b"Newchannel": self._channel,
            b"Newstate": self._channel,
            b"Hangup": self._gone,
            b"QueueCallerJoin": self._joined,
            b"QueueCallerLeave": self._out,
            b"QueueMemberStatus": self._member,
            b"BridgeEnter": self._entered,
            b"BridgeLeave": self._left,
        }

    async def start(self) -> None:
        """Listen on a free port of the loopback."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Drop everybody, and take nobody in."""
        self.cut()
        if self._server is not None:
            self._server.close()

    def cut(self) -> None:
        """Drop everybody."""
        for writer in self.clients.values():
            writer.transport.abort()

    def say(self, client: str, packet: bytes) -> None:
        """Tell this client of an event by a write of its own, as Asterisk does; it shows in the lists from now on."""
        take = self._told.get(packet[7 : packet.find(b"\r", 7)])
        if take is not None:
            take(packet)
        writer = self.clients[client]
        if writer.is_closing():
            raise SystemExit(f"{client} let go of the PBX")
        writer.write(packet)

    # --- what the events say -----------------------------------------------------------------------------------

    def _channel(self, packet: bytes) -> None:
        self.channels[_header(packet, b"Uniqueid")] = packet[packet.find(b"\r\nChannel: ") + 2 : -2]

    def _gone(self, packet: bytes) -> None:
        uniqueid = _header(packet, b"Uniqueid")
        self.channels.pop(uniqueid, None)
        self.waiting.pop(uniqueid, None)

    def _joined(self, packet: bytes) -> None:
        self.waiting[_header(packet, b"Uniqueid")] = _header(packet, b"Queue"), time.monotonic()

    def _out(self, packet: bytes) -> None:
        self.waiting.pop(_header(packet, b"Uniqueid"), None)

    def _member(self, packet: bytes) -> None:
        self.members[_header(packet, b"Interface")] = packet[packet.find(b"\r\nQueue: ") + 2 : -2]

    def _entered(self, packet: bytes) -> None:
        self.bridges.setdefault(_header(packet, b"BridgeUniqueid"), {})[_header(packet, b"Uniqueid")] = None

    def _left(self, packet: bytes) -> None:
        bridge = _header(packet, b"BridgeUniqueid")
        self.bridges[bridge].pop(_header(packet, b"Uniqueid"), None)
        if not self.bridges[bridge]:
            del self.bridges[bridge]

    # --- what is asked -----------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        try:
            while True:
                raw = await reader.readuntil(b"\r\n\r\n")
                headers = dict(line.split(": ", 1) for line in raw.decode().split("\r\n") if ": " in line)
                writer.write(b"".join(self._answer(headers)))
                if headers["Action"] == "Login":
                    self.clients[headers["Username"]] = writer
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, headers: dict[str, str]) -> Iterator[bytes]:
        action, mark = headers["Action"], b"ActionID: %b\r\n" % headers["ActionID"].encode()
        listed = self._listed(action, headers)
        if listed is not None:
            complete, items = listed
            yield b"Response: Success\r\n%bEventList: start\r\n\r\n" % mark
            for name, body in items:
                yield b"Event: %b\r\n%b%b\r\n" % (name, mark, body)
            yield b"Event: %b\r\n%bEventList: Complete\r\nListItems: %d\r\n\r\n" % (complete, mark, len(items))
            return
        yield b"Response: Success\r\n%b" % mark
        if action == "CoreStatus":
            yield b"CoreStartupDate: 2026-01-01\r\nCoreStartupTime: 08:00:00\r\n"
        elif action == "Ping":
            yield b"Ping: Pong\r\nTimestamp: %.6f\r\n" % time.time()  # noqa: TID251 - the PBX's own clock
        yield b"\r\n"
        if action == "Login":
            yield b"Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n"

    def _listed(self, action: str, headers: dict[str, str]) -> tuple[bytes, list[tuple[bytes, bytes]]] | None:
        """(name of the last packet, [(name, headers) of each item]); None for an action that asks for no list."""
        match action:
            case "QueueStatus":
                return b"QueueStatusComplete", list(self._queues(headers.get("Queue", "").encode()))
            case "CoreShowChannels":
                return b"CoreShowChannelsComplete", [(b"CoreShowChannel", body) for body in self.channels.values()]
            case "Status":
                return b"StatusComplete", [(b"Status", body) for body in self.channels.values()]
            case "BridgeList":
                items = [
                    (b"BridgeListItem", b"BridgeUniqueid: %b\r\nBridgeType: basic\r\n" % id) for id in self.bridges
                ]
                return b"BridgeListComplete", items
            case "BridgeInfo":
                inside = self.bridges.get(headers["BridgeUniqueid"].encode(), {})
                found = [self.channels[uniqueid] for uniqueid in inside if uniqueid in self.channels]
                return b"BridgeInfoComplete", [(b"BridgeInfoChannel", body) for body in found]
            case "DeviceStateList":
                return b"DeviceStateListComplete", []
            case _:
                return None

    def _queues(self, only: bytes) -> Iterator[tuple[bytes, bytes]]:
        for name in QUEUES:
            if not only or only == name.encode():
                yield b"QueueParams", b"Queue: %b\r\n" % name.encode()
        for body in self.members.values():
            if not only or body.startswith(b"Queue: %b\r\n" % only):
                yield (
                    b"QueueMember",
                    body.replace(b"\r\nMemberName: ", b"\r\nName: ").replace(b"\r\nInterface: ", b"\r\nLocation: "),
                )
        for uniqueid, (queue, since) in self.waiting.items():
            if (not only or queue == only) and uniqueid in self.channels:
                wait = int(time.monotonic() - since)
                yield b"QueueEntry", b"Queue: %b\r\nWait: %d\r\n%b" % (queue, wait, self.channels[uniqueid])


def _header(packet: bytes, name: bytes) -> bytes:
    start = packet.find(b"\r\n%b: " % name) + len(name) + 4
    return packet[start : packet.find(b"\r\n", start)]
