"""What a simulated PBX lists, and packets that are read by many."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from cti.ami.messages import Packet
from cti.ami.roster import Roster

if TYPE_CHECKING:
    from tests.simulation.story import Channel, Step

QUEUES = ("brook", "river")
OVERFLOW = "lake"


class _Headers(dict[str, str]):
    """Headers of a packet, each searched for when it is first asked for."""

    __slots__ = ("_packet",)

    def __init__(self, packet: Packet) -> None:
        self._packet = packet

    def __missing__(self, key: str) -> str:
        found = self[key] = self._packet.get(key)
        return found


class Known(Packet):
    """A packet that is read by many."""

    __slots__ = ("get",)

    def __init__(self, raw: bytes) -> None:
        self.get = _Headers(Packet(raw)).__getitem__  # type: ignore[method-assign, assignment]
        super().__init__(raw)


class Lists:
    """What the PBX would list now."""

    def __init__(self, members: list[tuple[str, str, str]]) -> None:
        """(queue, interface, name) of every member."""
        self.names = {(queue, interface): name for queue, interface, name in members}
        self.members = {(queue, interface): "1" for queue, interface, _ in members}
        self.channels: dict[str, Channel] = {}
        self.entries: dict[str, tuple[str, float]] = {}

    def apply(self, step: Step) -> None:
        """Time passes."""
        if step.channel is not None:
            self.channels[step.channel.uid] = step.channel
        for what, subject, value in step.changes:
            if what == "gone":
                self.channels.pop(subject, None)
                self.entries.pop(subject, None)
            elif what == "enter":
                self.entries[subject] = (value, step.at)
                self.channels[subject].app, self.channels[subject].data = "Queue", f"{value},tk,,,40"
            elif what == "leave":
                self.entries.pop(subject, None)
            elif what == "bridge":
                self.channels[subject].bridge = value
            elif what == "state":
                self.channels[subject].state = value
            elif what == "app":
                self.channels[subject].app = value
            else:  # a member's status
                self.members[what.partition(" ")[2], subject] = value

    def roster(self, at: float) -> Roster:
        """All lists at once."""
        return Roster(boot="one", queue_status=self.queue_status(at), channels=self.show_channels(), at=at)

    def queue_status(self, at: float, only: str = "") -> list[Packet]:
        """QueueStatus, of one queue where it is named."""
        said = [
            _packet(f"Event: QueueParams\r\nQueue: {queue}") for queue in (*QUEUES, OVERFLOW) if only in ("", queue)
        ]
        said += [
            _packet(
                f"Event: QueueMember\r\nQueue: {queue}\r\nName: {self.names[queue, interface]}\r\n"
                f"Location: {interface}\r\nStatus: {status}\r\nPaused: 0\r\nPenalty: 0"
            )
            for (queue, interface), status in self.members.items()
            if only in ("", queue)
        ]
        said += [
            Packet(
                f"Event: QueueEntry\r\nQueue: {queue}\r\nPosition: 1\r\nChannel: {self.channels[uid].name}\r\n"
                f"Uniqueid: {uid}\r\nCallerIDNum: {self.channels[uid].number}\r\nWait: {int(at - joined)}".encode()
            )
            for uid, (queue, joined) in self.entries.items()
            if only in ("", queue)
        ]
        return said

    def show_channels(self) -> list[Packet]:
        """CoreShowChannels."""
        return [
            Packet(
                f"Event: CoreShowChannel\r\n{c.lines()}\r\nApplication: {c.app}\r\nApplicationData: {c.data}\r\n"
                f"BridgeId: {c.bridge}".encode()
            )
            for c in self.channels.values()
        ]


@lru_cache(2000)
def _packet(text: str) -> Packet:
    """What is listed again and again."""
    return Known(text.encode())
