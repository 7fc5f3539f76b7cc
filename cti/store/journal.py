"""A journal: a local file to which facts go that the database does not take now, until it does.

One line an entry: a checksum, the moment in milliseconds, the JSON of the fact. Each `append` is on the disk when it
returns. A crash may leave half a line at the end, which is cut off; a line that was spoilt later is put aside in a file
of its own and counted. The file's first bytes are taken from the disk when it is opened, so that a disk that is full
still takes them: what is not used of them is zeros. Entries hold customers' numbers: the file is its owner's alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

LIMIT: Final = 64 << 20
"Bytes."
RESERVE: Final = 4 << 20
"Bytes taken from the disk beforehand: some three thousand calls."
MAX_AGE_S: Final = 7 * 86_400.0
"What is left over from an earlier run and older than this is given up."
_SPOILT_LIMIT: Final = 1 << 20
_ZEROS: Final = bytes(1 << 16)


class Entry(msgspec.Struct, frozen=True):
    """A fact: JSON, and when it was journalled (epoch seconds)."""

    at: float
    body: bytes


def journal_path(folder: Path, pbx: str, kind: str) -> Path:
    """Where the facts of one kind of one PBX are kept; a PBX may have any name.

    >>> journal_path(Path("journal"), "总机/1", "calls").name
    '%E6%80%BB%E6%9C%BA%2F1.calls'
    """
    return folder / f"{quote(pbx, safe='')}.{kind}"


class Journal:
    """One file; use from one thread at a time, `open` first. Whatever touches the disk raises OSError."""

    def __init__(self, path: Path, *, limit: int = LIMIT, reserve: int = RESERVE) -> None:
        """Touches nothing yet. `limit` and `reserve` in bytes."""
        self.path = path
        self.used = 0
        "Bytes of entries."
        self.oldest: float | None = None
        "When the first entry was journalled; None while there is none."
        self.torn = 0
        "Half lines that a crash had left."
        self.spoilt = 0
        "Lines that were no longer what had been written."
        self._limit = limit
        self._reserve = min(reserve, limit)
        self._file: int | None = None

    def open(self) -> list[Entry]:
        """Make the file or take the one there is: what an earlier run left in it, in order.

        Raises BlockingIOError where another process has it.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._take(_opened(self.path))
        content = _content(self._held)
        entries, aside, kept = _entries(content)
        self.spoilt += len(aside)
        self._put_aside(aside)
        self.used = kept
        self.oldest = entries[0].at if entries else None
        self.torn += kept < len(content)
        self._cut()
        _sync_folder(self.path.parent)
        return entries

    def append(self, entries: Sequence[Entry]) -> bool:
        """Add facts, all of them on the disk at the return; False, and nothing is added, where the limit forbids it."""
        text = b"".join(map(_line, entries))
        if self.used + len(text) > self._limit:
            return False
        try:
            _write(self._held, text, self.used)
            os.fsync(self._held)
        except OSError:
            with contextlib.suppress(OSError):
                self._cut()  # half of it must not stand before what comes next
            raise
        self.used += len(text)
        if self.oldest is None and entries:
            self.oldest = entries[0].at
        return True

    def rewrite(self, entries: Sequence[Entry]) -> bool:
        """Have these facts and no others, at once or not at all. False where they would all but fill it."""
        text = b"".join(map(_line, entries))
        if len(text) > self._limit * 3 // 4:
            return False
        new = self.path.with_name(f"{self.path.name}.new")
        file = _opened(new)
        try:
            os.ftruncate(file, 0)
            _write(file, text, 0)
            if len(text) < self._reserve:
                os.posix_fallocate(file, 0, self._reserve)
            os.fsync(file)
            os.replace(new, self.path)
        except OSError:
            os.close(file)
            with contextlib.suppress(OSError):
                new.unlink()
            raise
        self._take(file)
        _sync_folder(self.path.parent)
        self.used = len(text)
        self.oldest = entries[0].at if entries else None
        return True

    def clear(self) -> None:
        """Everything in it is in the database: have nothing. A crash in the midst leaves what may be written twice."""
        self.used = 0
        self.oldest = None
        self._cut()

    def put_aside(self, body: bytes) -> None:
        """Keep a fact that nobody can take, for people to look at."""
        self.spoilt += 1
        self._put_aside([body])

    def close(self) -> None:
        """Let another process have it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @property
    def _held(self) -> int:
        if self._file is None:
            raise OSError("the journal is not open")
        return self._file

    def _take(self, file: int) -> None:
        self.close()
        self._file = file

    def _cut(self) -> None:
        """Nothing but zeros behind what counts, and as much room as is reserved."""
        end = os.fstat(self._held).st_size
        keep = max(self.used, self._reserve)
        if end > keep:
            os.ftruncate(self._held, keep)
        for at in range(self.used, min(end, keep), len(_ZEROS)):
            _write(self._held, _ZEROS[: min(end, keep) - at], at)
        os.fsync(self._held)
        if end < keep:
            with contextlib.suppress(OSError):  # the disk is full: the journal does without
                os.posix_fallocate(self._held, 0, keep)

    def _put_aside(self, lines: Sequence[bytes]) -> None:
        if not lines:
            return
        with contextlib.suppress(OSError):  # it is for curiosity: the counter tells
            file = _opened(self.path.with_name(f"{self.path.name}.spoilt"))
            try:
                end = os.fstat(file).st_size
                text = b"".join(line + b"\n" for line in lines)[: max(0, _SPOILT_LIMIT - end)]
                _write(file, text, end)
            finally:
                os.close(file)


def _line(entry: Entry) -> bytes:
    if b"\n" in entry.body or b"\0" in entry.body:
        raise ValueError("a fact is one line of JSON")
    text = b"%d %b" % (round(entry.at * 1000), entry.body)
    return b"%08x %b\n" % (zlib.crc32(text), text)


def _entry(line: bytes) -> Entry | None:
    """None for a line that is not as it was written."""
    checksum, _, text = line.partition(b" ")
    try:
        if int(checksum, 16) != zlib.crc32(text) or len(checksum) != 8:
            return None
        at, _, body = text.partition(b" ")
        return Entry(int(at) / 1000, body)
    except ValueError:
        return None


def _entries(content: bytes) -> tuple[list[Entry], list[bytes], int]:
    """The entries, the spoilt lines, and how far the content counts: to the end of its last whole line."""
    end = content.rfind(b"\n") + 1
    entries: list[Entry] = []
    spoilt: list[bytes] = []
    for line in content[:end].split(b"\n")[:-1]:
        whole = line.lstrip(b"\0")  # where clearing was cut short
        entry = _entry(whole)
        if entry is not None:
            entries.append(entry)
        elif whole:
            spoilt.append(line)
    return entries, spoilt, end


def _opened(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise
    return file


def _content(file: int) -> bytes:
    """All of it but the zeros that were never used."""
    size = os.fstat(file).st_size
    pieces: list[bytes] = []
    at = 0
    while at < size and (piece := os.pread(file, size - at, at)):
        pieces.append(piece)
        at += len(piece)
    return b"".join(pieces).rstrip(b"\0")


def _write(file: int, text: bytes, at: int) -> None:
    view = memoryview(text)
    while view:
        done = os.pwrite(file, view, at)
        view, at = view[done:], at + done


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
