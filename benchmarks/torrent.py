"""Replayed AMI without end: one second of the synthetic stream again and again, each time as other calls.

Channels, bridges and calls have names of their own in every second, and stamps go on; what a call tells is the same as
in `benchmarks.stream`. Making a second anew costs a hundredth of what making its packets costs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks import stream

_STAMPED = 1_900_000_000
"Where the stamps of the pattern begin: told apart from its Uniqueids, which begin with stream.EPOCH."


@dataclass(frozen=True)
class Timed:
    """A packet and when it is due, in seconds from the beginning."""

    due: float
    packet: bytes
    call: str
    "The call whose phone begins to ring with it, else ''."


class Torrent:
    """`rate` calls a second by `agents` agents, each call from its beginning to its end."""

    def __init__(self, rate: int, agents: int, at_once: int = 40, callers: Sequence[str] = ("<unknown>",)) -> None:
        """`at_once` of the calls overlap. `callers` are who calls, in turns; without any, strangers do."""
        self.rate = rate
        sent, told = stream.generate(rate, agents=agents, at_once=at_once, rate=rate, epoch=_STAMPED, callers=callers)
        self.events = told.events
        "In the calls of one second."
        pattern = [(at - _STAMPED, packet) for at, packet in sent]
        self._tail = int(pattern[-1][0])
        "How many seconds later the last of a second's calls ends."
        self._pattern = sorted((at % 1.0, int(at), packet) for at, packet in pattern)

    def second(self, number: int, last: int, epoch: int) -> Iterator[Timed]:
        """What is sent in this second, in order; no call begins in or after the second `last`.

        `epoch`: the PBX's clock, in whole seconds, when it all begins.
        """
        for within, before, packet in self._pattern:
            begun = number - before
            if 0 <= begun < last:
                yield Timed(number + within, *_renamed(packet, begun, epoch + number))

    def seconds(self, last: int, epoch: int) -> Iterator[list[Timed]]:
        """All seconds until the last call has ended."""
        return (list(self.second(number, last, epoch)) for number in range(last + self._tail + 1))

    def whole(self, number: int, epoch: int) -> list[bytes]:
        """All calls that begin in this second, from their beginning to their end; `epoch`: the PBX's clock then."""
        in_order = sorted((before + within, before, packet) for within, before, packet in self._pattern)
        return [_renamed(packet, number, epoch + before)[0] for _, before, packet in in_order]


def _renamed(packet: bytes, begun: int, now: int) -> tuple[bytes, str]:
    """The packet as one of a call that began in second `begun`, stamped `now`; the call where its phone rings."""
    base = b"%d." % (stream.EPOCH + begun)
    packet = packet.replace(b"%d." % stream.EPOCH, base).replace(b"-0000", b"-%04x" % (begun & 0xFFFF))
    stamp = packet.find(b"\r\nTimestamp: ") + 13
    packet = b"%b%d%b" % (packet[:stamp], now, packet[stamp + 10 :])
    if not packet.startswith(b"Event: AgentCalled"):
        return packet, ""
    start = packet.find(b"\r\nLinkedid: ") + 12
    return packet, packet[start : packet.find(b"\r\n", start)].decode()


async def play(torrent: Torrent, seconds: int, write: Callable[[bytes], None]) -> dict[str, float]:
    """Write each packet by itself when it is due, as Asterisk does; {call: when its phone was told to ring}.

    Times are of the steady clock, which all processes of a machine share.
    """
    rings: dict[str, float] = {}
    epoch = int(time.time()) + 1  # noqa: TID251 - the PBX's own clock
    start = time.perf_counter() + epoch - time.time()  # noqa: TID251
    for second in torrent.seconds(seconds, epoch):
        for one in second:
            wait = start + one.due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            if one.call:
                rings[one.call] = time.perf_counter()
            write(one.packet)
    return rings
