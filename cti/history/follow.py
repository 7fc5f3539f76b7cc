"""How far queue_log was read, and what of a chunk counts (pure)."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from cti.history.queue_log import LogBook, LogVisit


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Up to where a file was read: always behind a line's end."""

    device: str
    inode: str
    offset: int
    line_sha: str
    "SHA-256 of the last bytes before it: tells whether the file is still the same one."
    last: int
    "Epoch of the newest line that counted."


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A line that did not count."""

    key: str
    reason: str
    line: str


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What a chunk gave."""

    visits: tuple[LogVisit, ...]
    rejected: tuple[Rejected, ...]
    used: int
    "Bytes up to the last line's end."


def sha_of(content: bytes) -> str:
    """What a place remembers of what was read."""
    return sha256(content).hexdigest()


def read_chunk(book: LogBook, chunk: bytes, now: float) -> Read:
    """All whole lines of a chunk; what follows the last line's end is still being written."""
    end = chunk.rfind(b"\n")
    if end < 0:
        return Read(visits=(), rejected=(), used=0)
    rejected: list[Rejected] = []
    lines = chunk[:end].split(b"\n")
    for number, raw in enumerate(lines):
        if not raw:
            continue
        reason = book.read(raw, now)
        if reason is not None:
            text = raw.decode("utf-8", "replace")
            key = sha_of(b"%d|" % number + raw)
            rejected.append(Rejected(key=key, reason=reason, line=text))
    return Read(visits=tuple(book.take()), rejected=tuple(rejected), used=end + 1)
