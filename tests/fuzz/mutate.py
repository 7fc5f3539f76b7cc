"""Mutated AMI: good packets of a busy PBX, spoilt in every way that a wire, a dialplan or a stranger can spoil them."""

from __future__ import annotations

import random
from collections.abc import Iterator

from benchmarks import stream

_VALUES = [
    b"",
    b" ",
    b"-1",
    b"0",
    b"1e308",
    b"nan",
    b"-inf",
    b"99999999999999999999999999",
    b"1800000000.999999",
    b"<unknown>",
    b"anonymous",
    b"(null)",
    "张伟".encode(),
    "张伟".encode("gb18030"),
    b"\xff\xfe\xf0\x9f",
    b"\x00\x1b[2J\x07",
    "\u202e\u2028\u0085".encode(),
    b"<script>alert(1)</script>",
    b"'; DROP TABLE calls; --",
    b"line one\nEvent: Hangup",
    b"Local/1@x-00000001;2",
    b"PJSIP/",
    b";;;",
    b"/-/-/-",
    b"A" * 5000,
]
_EVENTS = [
    name.encode() for name in (*stream.CTI_PATTERNS, "Shutdown", "FullyBooted", "ParkedCall", "Pickup", "BridgeMerge")
]


def corpus(calls: int = 60, seed: int = 1) -> list[bytes]:
    """Good packets, in order, with their blank line."""
    return [packet for _, packet in stream.generate(calls, abandoned=0.2, seed=seed, agents=40)[0]]


def mutated(packets: list[bytes], count: int, seed: int) -> Iterator[bytes]:
    """`count` packets, most of them spoilt once or more, some as they were, so that state comes into being."""
    rng = random.Random(seed)
    for number in range(count):
        packet = packets[number % len(packets)]
        for _ in range(rng.choice((0, 0, 1, 1, 1, 2, 4))):
            packet = _spoil(packet, packets, rng)
        yield packet


def _spoil(packet: bytes, packets: list[bytes], rng: random.Random) -> bytes:
    lines = packet.split(b"\r\n")
    at = rng.randrange(len(lines))
    match rng.randrange(14):
        case 0:  # one bit
            if not packet:
                return packet
            spoilt = bytearray(packet)
            spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
            return bytes(spoilt)
        case 1:  # cut off, and the next one glued on
            return packet[: rng.randrange(len(packet) + 1)]
        case 2:
            del lines[at]
        case 3:
            lines.insert(at, lines[rng.randrange(len(lines))])
        case 4:  # a header of another packet
            other = rng.choice(packets).split(b"\r\n")
            lines[at] = rng.choice(other)
        case 5 | 6 | 7:
            lines[at] = lines[at].partition(b":")[0] + b": " + rng.choice(_VALUES)
        case 8:
            lines[0] = b"Event: " + rng.choice(_EVENTS)
        case 9:
            rng.shuffle(lines)
        case 10:  # twice
            return packet + packet
        case 11:
            lines.insert(at, bytes(rng.randrange(256) for _ in range(rng.randrange(40))))
        case 12:  # line ends
            return packet.replace(b"\r\n", rng.choice((b"\n", b"\r", b"\r\n\n", b"\n\r\n")), rng.randrange(1, 3))
        case _:
            lines[0] = b"Response: " + rng.choice(_VALUES)
    return b"\r\n".join(lines)
