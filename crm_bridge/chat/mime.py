"""The pages in a MIME web archive, streamed: pictures are passed over without being held (pure)."""

from __future__ import annotations

import base64
import binascii
import codecs
import quopri
import re
from collections.abc import Iterator
from typing import Final

from crm_bridge.chat.decoding import HEAD, Bytes, encoding_of
from crm_bridge.chat.message import Tally

CHUNK: Final = 1 << 18
_MAX_HEAD: Final = 1 << 16
_BOUNDARY: Final = re.compile(rb'boundary\s*=\s*(?:"([^"\r\n]{1,200})"|([^\s";]{1,200}))', re.IGNORECASE)
_TYPE: Final = re.compile(rb"^content-type\s*:\s*([^\s;]+)", re.IGNORECASE | re.MULTILINE)
_CHARSET: Final = re.compile(rb'charset\s*=\s*"?([\w-]{1,40})', re.IGNORECASE)
_TRANSFER: Final = re.compile(rb"^content-transfer-encoding\s*:\s*([\w-]+)", re.IGNORECASE | re.MULTILINE)
_BLANK: Final = re.compile(rb"\r?\n\r?\n")


class _Source:
    """A stream with a buffer that is never longer than two chunks."""

    def __init__(self, stream: Bytes, head: bytes) -> None:
        self._stream = stream
        self.buffer = head
        self.ended = False

    def more(self) -> bool:
        piece = self._stream.read(CHUNK)
        self.ended = not piece
        self.buffer += piece
        return bool(piece)

    def head(self) -> bytes | None:
        """Header lines up to the blank line; None at the end or where they have no end in sight."""
        while True:
            if hit := _BLANK.search(self.buffer, 0, _MAX_HEAD):
                found, self.buffer = self.buffer[: hit.start()], self.buffer[hit.end() :]
                return found
            if len(self.buffer) >= _MAX_HEAD or not self.more():
                return None

    def until(self, mark: bytes) -> Iterator[bytes]:
        """The bytes in front of `mark`, which is taken away; all that is left where there is none."""
        while True:
            place = self.buffer.find(mark)
            if place >= 0:
                found, self.buffer = self.buffer[:place], self.buffer[place + len(mark) :]
                yield found
                return
            keep = len(mark) - 1
            if len(self.buffer) > keep:
                found, self.buffer = self.buffer[: len(self.buffer) - keep], self.buffer[len(self.buffer) - keep :]
                yield found
            if not self.more():
                rest, self.buffer = self.buffer, b""
                yield rest
                return


def pages(stream: Bytes, head: bytes, tally: Tally) -> Iterator[Iterator[str]]:
    """Each page's text, in pieces. A page must be read to its end before the next is asked for."""
    source = _Source(stream, head)
    top = source.head()
    if top is None:
        tally.odd += 1
        return
    hit = _BOUNDARY.search(top)
    if hit is None:
        yield _text(source.until(b"\x00--no-boundary--\x00"), top)
        return
    mark = b"--" + (hit[1] or hit[2])
    for _ in source.until(mark):
        pass
    while not source.ended or source.buffer:
        if source.buffer.startswith(b"--"):
            return
        part = source.head()
        if part is None:
            return
        kind = _TYPE.search(part)
        body = source.until(b"\n" + mark)
        if kind is not None and kind[1].lower() in (b"text/html", b"text/plain", b"application/xhtml+xml"):
            yield _text(body, part)
        for _ in body:
            pass


def _text(body: Iterator[bytes], head: bytes) -> Iterator[str]:
    transfer = _TRANSFER.search(head)
    word = transfer[1].lower() if transfer else b""
    if word == b"base64":
        body = _base64(body)
    elif word == b"quoted-printable":
        body = _quoted(body)
    first = b""
    for piece in body:
        first += piece
        if len(first) >= HEAD:
            break
    charset = _CHARSET.search(head)
    decoder = codecs.getincrementaldecoder(_known(charset[1].decode("ascii", "replace") if charset else "", first))(
        "replace"
    )
    yield decoder.decode(first)
    for piece in body:
        yield decoder.decode(piece)
    yield decoder.decode(b"", True)


def _known(name: str, first: bytes) -> str:
    """The encoding that is declared, unless the bytes tell otherwise or nobody knows it."""
    seen = encoding_of(first[:HEAD])
    if seen != "gb18030" or not name:
        return seen
    try:
        declared = codecs.lookup(name).name
    except LookupError:
        return seen
    return declared if declared in ("big5", "shift_jis", "euc_kr", "cp1252", "big5hkscs", "cp950") else seen


def _base64(body: Iterator[bytes]) -> Iterator[bytes]:
    pending = b""
    for piece in body:
        pending += re.sub(rb"[^A-Za-z0-9+/]", b"", piece)
        whole = len(pending) // 4 * 4
        yield base64.b64decode(pending[:whole])
        pending = pending[whole:]
    try:
        yield base64.b64decode(pending + b"=" * (-len(pending) % 4))
    except binascii.Error:
        yield b""


def _quoted(body: Iterator[bytes]) -> Iterator[bytes]:
    pending = b""
    for piece in body:
        pending += piece
        end = pending.rfind(b"\n") + 1
        if not end and len(pending) > CHUNK:
            end = len(pending) - 3
        if end:
            yield quopri.decodestring(pending[:end])
            pending = pending[end:]
    yield quopri.decodestring(pending)
