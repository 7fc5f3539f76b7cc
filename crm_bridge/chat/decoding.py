"""Bytes of unknown encoding as text, in pieces of bounded size (pure: the stream is an argument)."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from crm_bridge.chat.message import Tally

CHUNK: Final = 1 << 16
HEAD: Final = 1 << 16
"Bytes by which the encoding is known."
MAX_LINE: Final = 100_000
"Characters of a line; the rest of a longer one is dropped."


class Bytes(Protocol):
    """A binary stream, read from its beginning."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; b'' at the end."""


def encoding_of(head: bytes) -> str:
    """Encoding of a text by its beginning: a byte order mark, else UTF-16 by its zeros, UTF-8, or GB18030.

    A few spoilt bytes do not make UTF-8 anything else.

    >>> encoding_of("报价".encode("gb18030")), encoding_of("报价".encode()), encoding_of(b"")
    ('gb18030', 'utf-8', 'utf-8')
    """
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return name
    half = max(1, len(head) // 2)
    if head[1::2].count(0) > half // 10 and head[::2].count(0) * 4 < head[1::2].count(0):
        return "utf-16-le"
    if head[::2].count(0) > half // 10 and head[1::2].count(0) * 4 < head[::2].count(0):
        return "utf-16-be"
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(head)
    spoilt = text.count("\ufffd") - head.count(b"\xef\xbf\xbd")
    if spoilt <= 0:
        return "utf-8"
    good = sum(1 for char in text if char > "\x7f") - spoilt
    return "utf-8" if spoilt * 20 <= good else "gb18030"


def chunks(stream: Bytes, head: bytes = b"", *, encoding: str | None = None) -> Iterator[str]:
    """The stream as text; `head` was read from it already. Bytes that mean nothing become U+FFFD."""
    while len(head) < HEAD and (more := stream.read(HEAD - len(head))):
        head += more
    decoder = codecs.getincrementaldecoder(encoding or encoding_of(head))("replace")
    yield _without_mark(decoder.decode(head))
    while piece := stream.read(CHUNK):
        yield decoder.decode(piece)
    yield decoder.decode(b"", True)


def _without_mark(text: str) -> str:
    return text.removeprefix("\ufeff")


def lines(pieces: Iterable[str], tally: Tally, longest: int = MAX_LINE) -> Iterator[str]:
    """Lines without their ends. Only LF and CRLF end a line: names hold stranger things."""
    pending = ""
    dropping = False
    for piece in pieces:
        parts = (pending + piece).split("\n")
        pending = parts.pop()
        for part in parts:
            if dropping:
                dropping = False
                continue
            if len(part) > longest:
                tally.cut += 1
                part = part[:longest]
            yield part.removesuffix("\r")
        if len(pending) > longest:
            if not dropping:
                tally.cut += 1
                yield pending[:longest]
            dropping = True
            pending = ""
        elif dropping:
            pending = ""
    if pending and not dropping:
        yield pending.removesuffix("\r")
