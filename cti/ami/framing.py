"""Bytes from an AMI socket or tape -> packets (pure).

The only separator is CRLF CRLF. Never a text splitter: a value may hold a bare LF (Asterisk's own "Park successful"
does), and U+2028, U+0085 and their kin are line ends to `str.splitlines` and ordinary characters to Asterisk.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from cti.ami.messages import Packet

LIMIT: Final = 1 << 20
"Longest packet taken, in bytes. Events have no limit of their own in Asterisk; ours keeps memory bounded."

_END: Final = b"\r\n\r\n"
_MERGED: Final = b"\r\n\nEvent: "
_GREETING: Final = b"Asterisk Call Manager/"
_BANNER: Final = re.compile(rb"(Asterisk Call Manager/[0-9A-Za-z.]{1,32})\r\n")
_SEAM: Final = re.compile(rb"(Asterisk Call Manager/[0-9A-Za-z.]{1,32})\r\n(?=Response: |Event: |\Z)")
_NAMES_KEPT: Final = 1024


class Framer:
    """Cuts a byte stream into packets; give it the bytes as they come, in pieces of any size.

    The cost is linear in the bytes fed, however long a packet is and however small the pieces are. Nothing raises on
    any input; what could not be used is counted:

    - `unwanted`: events whose type nobody wants, dropped by name before a packet is made of them;
    - `oversized`: packets longer than the limit, skipped up to their end;
    - `malformed`: packets that begin with neither `Event:` nor `Response:`;
    - `odd`: packets kept although an Event (or, in a response, a Response) header stands in them twice: the first
      counts. Whoever may send a UserEvent can forge such a second header;
    - `doubts`: places where the structure itself cannot be trusted (a blank line made with a bare LF: two packets
      have become one). What was told there is partly lost: read the lists again;
    - `truncated`: packets cut off by the end of a connection (on a tape: the next banner stands in them).
    """

    __slots__ = (
        "_held",
        "_names",
        "_only",
        "_skipping",
        "_started",
        "_tape",
        "banner",
        "doubts",
        "limit",
        "malformed",
        "odd",
        "oversized",
        "truncated",
        "unwanted",
        "wanted",
    )

    def __init__(
        self,
        wanted: frozenset[bytes] | None = None,
        *,
        only: Mapping[bytes, bytes] | None = None,
        limit: int = LIMIT,
        tape: bool = False,
    ) -> None:
        """`wanted`: names of the event types to keep, None for all (responses are always kept).

        `only`: of these types, keep what contains these bytes.

        `tape`: the bytes are those of several connections one after the other. A banner may then stand anywhere, and
        is given as a packet with the one header `Banner`; on a live socket it stands at the very beginning only, and
        is kept in `banner`.
        """
        self.wanted = wanted
        self.limit = limit
        self.banner: str | None = None
        self._tape = tape
        self._started = tape
        self._held = bytearray()
        self._skipping = False
        self._names: dict[bytes, tuple[str, bytes | None]] = {}
        self._only = only or {}
        self.unwanted = self.oversized = self.malformed = self.odd = self.doubts = self.truncated = 0

    @property
    def pending(self) -> int:
        """Bytes held back because their packet is not complete."""
        return len(self._held)

    def counters(self) -> dict[str, int]:
        """What was dropped or kept with doubts since the beginning, by reason."""
        return {
            "unwanted": self.unwanted,
            "oversized": self.oversized,
            "malformed": self.malformed,
            "odd": self.odd,
            "doubts": self.doubts,
            "truncated": self.truncated,
        }

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that became complete with these bytes, in order."""
        held = self._held
        if not self._started:
            held += data
            if not self._greeted():
                return []
            data = bytes(held)
            held.clear()
        elif held:
            if _END not in data and _END not in held[-3:] + data[:3]:
                self._hold(data)
                return []
            held += data
            data = bytes(held)
            held.clear()
        blocks = data.split(_END)
        rest = blocks.pop()
        if self._skipping and blocks:
            del blocks[0]
            self._skipping = False
        if rest:
            self._hold(rest)
        if not blocks:
            return []
        if _MERGED in data:
            self.doubts += sum(block.count(_MERGED) for block in blocks)
        return self._packets(blocks)

    def close(self) -> None:
        """The connection ended: what is held back is a packet that will never be complete."""
        if self._held or self._skipping:
            self.truncated += 1
        self._held.clear()
        self._skipping = False

    def _hold(self, data: bytes) -> None:
        held = self._held
        held += data
        if self._skipping or len(held) > self.limit:
            if not self._skipping:
                self.oversized += 1
                self._skipping = True
            del held[:-3]  # enough to see a separator that is cut in two

    def _greeted(self) -> bool:
        """Take the banner off the beginning of a connection; False while it is not all here yet."""
        held = self._held
        if len(held) <= 64 and b"\r\n" not in held and _GREETING.startswith(held[: len(_GREETING)]):
            return False
        self._started = True
        found = _BANNER.match(held)
        if found is not None:
            self.banner = found[1].decode()
            del held[: found.end()]
        return True

    def _packets(self, blocks: list[bytes]) -> list[Packet]:
        wanted, names, limit, tape = self.wanted, self._names, self.limit, self._tape
        packets: list[Packet] = []
        unwanted = 0
        new = Packet.__new__
        for block in blocks:
            if block[:7] != b"Event: ":
                packets.extend(self._careful(block))
                continue
            end = block.find(b"\r\n", 7)
            key = block[7:end] if end >= 0 else block[7:]
            known = names.get(key)
            if known is None:
                if wanted is not None and key not in wanted:
                    unwanted += 1
                else:
                    packets.extend(self._careful(block))
                continue
            name, needle = known
            if needle is not None and needle not in block:
                unwanted += 1
            elif block.find(b"\nEvent:", 7) >= 0 or len(block) > limit or (tape and _GREETING in block):
                packets.extend(self._careful(block))
            else:
                packet = new(Packet)
                packet.raw = b"\r\n" + block
                packet.event = name
                packets.append(packet)
        self.unwanted += unwanted
        return packets

    def _careful(self, block: bytes) -> list[Packet]:
        """The packets of a block that is not plainly one good event of a known name."""
        if self._tape:
            seam = _SEAM.search(block)
            if seam is not None:
                if seam.start():
                    self.truncated += 1
                after = block[seam.end() :]
                banner = Packet(b"Banner: " + seam[1])
                return [banner, *(self._careful(after) if after else [])]
        if len(block) > self.limit:
            self.oversized += 1
            return []
        if block[:1] in (b"\r", b"\n"):
            block = block.lstrip(b"\r\n")  # the value before it ended in CR LF: Asterisk's own RTP figures do
        if not block:
            return []
        if block.startswith(b"Event:"):
            packet = Packet(block)
            if self.wanted is not None and packet.event.encode("utf-8", "replace") not in self.wanted:
                self.unwanted += 1
                return []
            repeated = packet.raw.find(b"\nEvent:", 8) >= 0
            if not repeated and block.startswith(b"Event: ") and len(self._names) < _NAMES_KEPT:
                name = packet.event.encode("utf-8", "replace")
                self._names[name] = (packet.event, self._only.get(name))
        elif block.startswith(b"Response:"):
            packet = Packet(block)
            packet.event = ""
            repeated = packet.raw.find(b"\nEvent:") >= 0 or packet.raw.find(b"\nResponse:", 10) >= 0
        else:
            self.malformed += 1
            return []
        if repeated and _MERGED not in packet.raw:
            self.odd += 1
        return [packet]
