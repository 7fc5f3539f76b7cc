"""Parse and state: what one AMI event costs from its bytes to the events it tells.

Rivals on the same bytes, each reading them from a socket that another process fills: a bare split at blank lines (the
floor), stock panoramisk with one pattern and with the 29 patterns a CTI needs (its callbacks keep no state).
"""

from __future__ import annotations

import asyncio
import functools
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Sequence

from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager

from benchmarks import stream
from benchmarks.table import Figure, in_turns
from cti import events
from cti.ami.framing import Framer
from cti.ami.gate import Gate
from cti.ami.messages import Packet
from cti.ami.protocol import AmiProtocol
from cti.calls.pbx import ONLY, WANTED, Pbx
from tests.calls.tapes import ARCHIVES, archive

CALLS = 400
LIVE = (0, 1_000, 10_000, 100_000)


class _Split(asyncio.Protocol):
    """The floor: cut at blank lines and count."""

    def __init__(self, ended: asyncio.Event) -> None:
        self.ended = ended
        self.rest = b""
        self.count = 0

    def data_received(self, data: bytes) -> None:
        parts = (self.rest + data).split(b"\r\n\r\n")
        self.rest = parts.pop()
        self.count += len(parts)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()


def _thirteen(ended: asyncio.Event) -> asyncio.BaseProtocol:
    """What the daemon does with an event: framing, gate, core."""
    gate, pbx = Gate(), Pbx()

    def packets(found: list[Packet]) -> None:
        for packet in found:
            if gate.admit(packet):
                pbx.feed(packet, stream.EPOCH)

    protocol: asyncio.BaseProtocol = AmiProtocol(packets, lambda why: ended.set(), WANTED, ONLY)
    return protocol


def _panoramisk(patterns: Sequence[str]) -> Callable[[asyncio.Event], asyncio.BaseProtocol]:
    """Stock panoramisk; the callbacks read a header and keep no state."""

    def callback(manager: object, message: object) -> None:
        getattr(message, "uniqueid", None)

    class Stock(AMIProtocol):  # type: ignore[misc]  # panoramisk carries no types
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self.factory, self.encoding = self.manager, "utf8"

    def make(ended: asyncio.Event) -> asyncio.BaseProtocol:
        manager = Manager(loop=asyncio.get_running_loop())
        for pattern in patterns:
            manager.register_event(pattern, callback)
        manager.connection_lost = lambda exc: ended.set()
        protocol: asyncio.BaseProtocol = Stock()
        protocol.manager = manager  # type: ignore[attr-defined]
        return protocol

    return make


async def _read(make: Callable[[asyncio.Event], asyncio.BaseProtocol], port: int) -> None:
    ended = asyncio.Event()
    await asyncio.get_running_loop().create_connection(lambda: make(ended), "127.0.0.1", port)
    await ended.wait()


def _compare(packets: list[bytes], title: str, floor: float | None) -> list[Figure]:
    count = len(packets)
    rivals: dict[str, Callable[[asyncio.Event], asyncio.BaseProtocol]] = {
        "split": _Split,
        "thirteen": _thirteen,
        "panoramisk *": _panoramisk("*"),
        "panoramisk 29": _panoramisk(stream.CTI_PATTERNS),
    }
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(packets))
        file.flush()
        command = [sys.executable, "-m", "benchmarks.blast", file.name]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as blast:
            assert blast.stdout is not None
            port = int(blast.stdout.readline())
            cpu = in_turns({name: functools.partial(_run, make, port) for name, make in rivals.items()})
            blast.kill()
    own = cpu["thirteen"]
    return [
        Figure(f"{title}: stock panoramisk with 29 patterns / Thirteen", cpu["panoramisk 29"] / own, "x", 10, "more"),
        Figure(f"{title}: stock panoramisk with * / Thirteen", cpu["panoramisk *"] / own, "x"),
        Figure(f"{title}: Thirteen / bare split", own / cpu["split"], "x", floor),
        Figure(f"{title}: events a second on one core", count / own, "", 200_000, "more", 350_000),
        Figure(f"{title}: CPU per event", own / count * 1e6, "µs"),
    ]


def _run(make: Callable[[asyncio.Event], asyncio.BaseProtocol], port: int) -> None:
    asyncio.run(_read(make, port))


def parse_and_state() -> list[Figure]:
    """The synthetic stream, and all recorded tapes one after the other."""
    sent, told = stream.generate(CALLS, abandoned=0.1)
    packets = [packet for _, packet in sent]
    _check(packets, told)
    return [*_compare(packets, "stream", 4), *_compare(tapes(), "tapes", None)]


def _check(packets: list[bytes], told: stream.Told) -> None:
    """A fast answer must be a right one: what was understood equals what the stream told."""
    pbx, understood = Pbx(), []
    for packet in Framer(WANTED, only=ONLY, tape=True).feed(b"".join(packets)):
        understood += pbx.feed(packet, stream.EPOCH)
    count = {
        "calls": sum(isinstance(e, events.CallEnded) for e in understood),
        "rings": sum(isinstance(e, events.AgentRinging) for e in understood),
        "answered": sum(isinstance(e, events.CallAnswered) for e in understood),
        "abandoned": sum(isinstance(e, events.CallAbandoned) for e in understood),
    }
    expected = {name: getattr(told, name) for name in count}
    if count != expected or pbx.open_calls():
        raise SystemExit(f"the stream was not understood: {count}, open {len(pbx.open_calls())}, told {expected}")


def tapes() -> list[bytes]:
    """The events of all recorded tapes, in order, but for those on which stock panoramisk breaks or logs in again."""
    found: list[bytes] = []
    left_out = (b"Event: FullyBooted", b"Event: Shutdown")
    for name in ARCHIVES:
        for file, content in sorted(archive(name).items()):
            if file.endswith(".ami"):
                blocks = (block for block in content.split(b"\r\n\r\n") if block.startswith(b"Event: "))
                good = (b for b in blocks if not b.startswith(left_out) and b"\nEvent:" not in b)
                found += [block + b"\r\n\r\n" for block in good]
    return found


def growth() -> list[Figure]:
    """What other live calls cost an event: nothing, if the state is looked up and never searched."""
    sent, _ = stream.generate(100)
    packets = stream.chunks([packet for _, packet in sent])
    crowds = {live: _with_live_calls(live) for live in LIVE}

    def run(live: int) -> None:
        framer, pbx = crowds[live]
        for chunk in packets:
            for packet in framer.feed(chunk):
                pbx.feed(packet, stream.EPOCH)

    cpu = in_turns({str(live): functools.partial(run, live) for live in crowds}, rounds=9)
    alone = cpu["0"]
    return [
        *(
            Figure(f"CPU per event with {live:,} other live calls / with none", cpu[str(live)] / alone, "x", 1.2)
            for live in LIVE[1:]
        ),
        Figure("CPU per event with none", alone / len(sent) * 1e6, "µs"),
        Figure("memory of a live call", _memory_of_calls(2_000), "kB"),
    ]


def _waiting(number: int) -> bytes:
    """A caller who has entered a queue and waits."""
    uniqueid = f"17000000.{number}"
    head = f"Channel: PJSIP/uplink-9{number:07x}\r\nChannelState: 6\r\nCallerIDNum: 138{number:08d}\r\n"
    tail = f"Context: incoming\r\nExten: 4000009999\r\nUniqueid: {uniqueid}\r\nLinkedid: {uniqueid}\r\n"
    born = f"Event: Newchannel\r\nTimestamp: {stream.EPOCH - 1:.6f}\r\n{head}{tail}\r\n"
    joined = f"Event: QueueCallerJoin\r\nTimestamp: {stream.EPOCH - 1:.6f}\r\n{head}{tail}Queue: q{number % 20}\r\n"
    return f"{born}{joined}Position: 1\r\nCount: 1\r\n\r\n".encode()


def _with_live_calls(live: int) -> tuple[Framer, Pbx]:
    framer, pbx = Framer(WANTED, only=ONLY), Pbx()
    for number in range(live):
        for packet in framer.feed(_waiting(number)):
            pbx.feed(packet, stream.EPOCH)
    if len(pbx.open_calls()) != live:
        raise SystemExit(f"{live} callers wait and {len(pbx.open_calls())} are known")
    return framer, pbx


def _memory_of_calls(live: int) -> float:
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = _with_live_calls(live)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del kept
    return (after - before) / live / 1000
