"""100,000 spoilt packets through framing, gate and core: no exception, nothing unprintable out, no growth."""

from __future__ import annotations

import asyncio
import gc
import random
import socket
import tracemalloc
from collections.abc import Iterable, Iterator

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import stream
from cti.ami.framing import Framer
from cti.ami.gate import WANTED, Gate
from cti.ami.messages import Packet
from cti.ami.protocol import AmiProtocol
from cti.ami.roster import Roster
from cti.calls.pbx import Pbx, PbxConfig
from cti.events import Event
from tests.fuzz.mutate import corpus, mutated

PACKETS = 100_000
_NOBODY = Roster(boot="", queue_status=(), channels=())


def _reads(packets: Iterable[bytes], seed: int) -> Iterator[bytes]:
    """The packets as a socket gives them: in pieces of any size."""
    rng = random.Random(seed)
    held = bytearray()
    for packet in packets:
        held += packet
        while len(held) > 4096:
            size = rng.randrange(1, 4096)
            yield bytes(held[:size])
            del held[:size]
    yield bytes(held)


class _Line:
    """Gate and core behind the link's own protocol on a real socket, and a check of everything that is told."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.pbx = Pbx(PbxConfig(linger=1.0))
        self.told = 0
        self.encoder = msgspec.json.Encoder()
        self.now = stream.EPOCH
        self.ended = asyncio.Event()
        self.protocol = AmiProtocol(self._packets, lambda why: self.ended.set(), WANTED)

    async def feed(self, pieces: Iterable[bytes]) -> None:
        """One connection that says all this."""
        ours, theirs = socket.socketpair()
        loop = asyncio.get_running_loop()
        counted = self.protocol.framer
        self.protocol = AmiProtocol(self._packets, lambda why: self.ended.set(), WANTED)
        self.protocol.framer = counted
        self.ended.clear()
        await loop.create_connection(lambda: self.protocol, sock=ours)
        _, writer = await asyncio.open_connection(sock=theirs)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        writer.close()
        await self.ended.wait()
        await writer.wait_closed()

    def _packets(self, packets: list[Packet]) -> None:
        for packet in packets:
            self.now += 0.001
            self.gate.admit(packet)
            self._check(self.pbx.feed(packet, self.now))  # what the gate turns away, too
            due = self.pbx.get_timer()
            if due is not None and due <= self.now:
                self._check(self.pbx.handle_timer(self.now))

    def _check(self, events: list[Event]) -> None:
        self.told += len(events)
        for event in events:
            self.encoder.encode(event)

    def forget(self) -> None:
        """The PBX says that nothing is left, and a minute passes."""
        self._check(self.pbx.resync(_NOBODY, self.now))
        self.encoder.encode(self.pbx.take_changed())
        self.now += 60 - (self.now - stream.EPOCH) % 60


def _later(packets: list[bytes], minutes: int) -> list[bytes]:
    """The same packets so many minutes on."""
    epoch = int(stream.EPOCH)
    return [p.replace(b"Timestamp: %d" % epoch, b"Timestamp: %d" % (epoch + 60 * minutes)) for p in packets]


async def test_spoilt_packets_raise_nothing_and_leave_nothing_behind() -> None:
    """Whatever comes in, the core goes on; what it kept is let go when the PBX's lists show nothing of it."""
    good = corpus()
    line = _Line()
    sizes = []
    rounds = 5
    raised: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: raised.append(context))
    tracemalloc.start()
    try:
        for number in range(rounds):
            await line.feed(_reads(mutated(_later(good, number), PACKETS // rounds, number), number))
            line.forget()
            assert raised == []
            assert line.pbx.open_calls() == []
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert line.told > PACKETS // 10, "the packets were spoilt so badly that nothing was understood"
    assert line.protocol.framer.malformed > 0
    assert line.protocol.framer.odd > 0
    assert line.gate.rejected["keys"] > 0
    growth = (sizes[-1] - sizes[1]) / (rounds - 2)
    assert growth < 100_000, f"bytes held after each round: {sizes}"


@given(st.lists(st.binary(max_size=80), max_size=30), st.booleans())
def test_any_bytes_at_all_are_survived(pieces: list[bytes], tape: bool) -> None:
    """No sequence of bytes makes the framer or the core raise, on a socket or on a tape."""
    framer, pbx = Framer(tape=tape), Pbx()
    for piece in pieces:
        for packet in framer.feed(piece + b"\r\n\r\n"):
            msgspec.json.encode(pbx.feed(packet, stream.EPOCH))


_KEYS = st.sampled_from(
    (
        "Channel",
        "DestChannel",
        "Uniqueid",
        "Linkedid",
        "DestUniqueid",
        "DestLinkedid",
        "Queue",
        "Interface",
        "MemberName",
        "CallerIDNum",
        "Exten",
        "Status",
        "Paused",
        "Timestamp",
        "BridgeUniqueid",
        "DialStatus",
        "Position",
        "Variable",
        "Value",
        "Wrapuptime",
        "LastCall",
        "TransfererUniqueid",
        "TransfereeUniqueid",
        "OrigTransfererUniqueid",
        "SecondTransfererUniqueid",
        "ActionID",
        "Response",
        "Cause",
    )
)
_WORDS = st.sampled_from(
    ["", "1.1", "1.2", "1.3", "PJSIP/a-1", "PJSIP/b-2", "Local/c@d-3;1", "Local/c@d-3;2", "q", "nan", "6"]
)
_NAMES = st.sampled_from(sorted(name.decode() for name in WANTED))


@given(st.lists(st.tuples(_NAMES, st.dictionaries(_KEYS, _WORDS | st.text(max_size=8), max_size=12)), max_size=40))
def test_any_order_of_any_known_events_is_survived(packets: list[tuple[str, dict[str, str]]]) -> None:
    """Events of known names with any headers, in any order, raise nothing, and the lists clear what they left."""
    pbx = Pbx()
    for name, headers in packets:
        text = {key: value.replace("\r", "").replace("\n", "") for key, value in headers.items()}
        packet = Packet.of({"Event": name, **{k: v.encode("utf-8", "replace").decode() for k, v in text.items()}})
        msgspec.json.encode(pbx.feed(packet, stream.EPOCH))
        msgspec.json.encode(pbx.handle_timer(stream.EPOCH + 1))
    msgspec.json.encode(pbx.open_calls())
    pbx.resync(_NOBODY, stream.EPOCH + 2)
    assert pbx.open_calls() == []
