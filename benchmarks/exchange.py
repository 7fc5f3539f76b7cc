"""An AMI server for benchmarks: logs everybody in, answers the lists with idle agents, says what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from benchmarks import stream

_LISTS = {
    "QueueStatus": "QueueStatusComplete",
    "CoreShowChannels": "CoreShowChannelsComplete",
    "BridgeList": "BridgeListComplete",
    "Status": "StatusComplete",
    "DeviceStateList": "DeviceStateListComplete",
}


class Exchange:
    """One AMI port with `agents` idle queue members."""

    def __init__(self, agents: int) -> None:
        self.agents = agents
        self.port = 0
        self.clients: dict[str, asyncio.StreamWriter] = {}
        "By user name."
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on a free port of the loopback."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Drop everybody."""
        for writer in self.clients.values():
            writer.close()
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        try:
            while True:
                raw = await reader.readuntil(b"\r\n\r\n")
                headers = dict(line.split(": ", 1) for line in raw.decode().split("\r\n") if ": " in line)
                writer.write("".join(self._answer(headers)).encode())
                if headers["Action"] == "Login":
                    self.clients[headers["Username"]] = writer
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, headers: dict[str, str]) -> Iterator[str]:
        action = headers["Action"]
        mark = f"ActionID: {headers['ActionID']}\r\n"
        if action in _LISTS:
            yield f"Response: Success\r\n{mark}EventList: start\r\n\r\n"
            if action == "QueueStatus":
                for agent in range(self.agents):
                    phone, queue = stream.phone(agent), stream.queue(agent)
                    yield (
                        f"Event: QueueMember\r\n{mark}Queue: {queue}\r\nName: Agent {agent}\r\nLocation: {phone}\r\n"
                        f"StateInterface: {phone}\r\nPenalty: 0\r\nStatus: 1\r\nPaused: 0\r\nInCall: 0\r\n\r\n"
                    )
            yield f"Event: {_LISTS[action]}\r\n{mark}EventList: Complete\r\nListItems: {self.agents}\r\n\r\n"
            return
        extra = "CoreStartupDate: 2026-01-01\r\nCoreStartupTime: 08:00:00\r\n" if action == "CoreStatus" else ""
        yield f"Response: Success\r\n{mark}{extra}\r\n"
        if action == "Login":
            yield "Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n"
