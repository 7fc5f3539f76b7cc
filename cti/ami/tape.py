"""Tapes: recorded AMI, `.jsonl` (one message a line) or raw `.ami`, plain or gzipped (pure: bytes in, entries out)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

import msgspec

from cti.ami.framing import Framer
from cti.ami.messages import Packet


class Entry(msgspec.Struct, frozen=True):
    """One thing on a tape."""

    t: float
    "Seconds from the beginning of the tape; 0 throughout for a raw tape."
    packet: Packet | None
    "None for a mark or an action."
    mark: str = ""
    "`tcp-connected`, `tcp-closed`, ... of a mark line."
    epoch: float | None = None
    "Wall clock at `t`, on the `start` mark."


def read(content: bytes) -> Iterator[Entry]:
    """Entries of a tape. Lines and packets that cannot be read are passed over."""
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    first = content.lstrip()[:1]
    return _jsonl(content) if first == b"{" else _raw(content)


def _raw(content: bytes) -> Iterator[Entry]:
    framer = Framer(tape=True)
    for packet in framer.feed(content):
        if packet.get("Banner"):
            yield Entry(0.0, None, mark="tcp-connected")
        yield Entry(0.0, packet)


def _jsonl(content: bytes) -> Iterator[Entry]:
    for line in content.split(b"\n"):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)  # not msgspec: the tapes hold lone surrogates for bytes that were not UTF-8
            t = float(entry.get("t", 0.0))
            event = entry.get("event")
            if isinstance(event, dict):
                yield Entry(t, Packet.of({str(k): _texts(v) for k, v in event.items()}))
            elif isinstance(entry.get("mark"), str):
                epoch = entry.get("epoch")
                yield Entry(t, None, entry["mark"], float(epoch) if epoch is not None else None)
        except (ValueError, TypeError, AttributeError, RecursionError):
            continue


def _texts(value: object) -> str | list[str]:
    return [str(item) for item in value] if isinstance(value, list) else str(value)
