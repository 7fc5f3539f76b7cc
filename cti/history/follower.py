"""Follows queue_log on disk, through rotations and cuts, and fills in what the AMI missed. Rules: FAULTS 3.5.

How far was read is saved with the rows that it gave, in one transaction. A renamed file is read to its end before the
new one; a file that was cut is looked for among its copies. Nothing here waits: `step` and `settle` run in a thread.
"""

from __future__ import annotations

import gzip
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import msgspec

from cti.calls.record import Call
from cti.history.books import Filled, fill
from cti.history.follow import Place, Read, Rejected, read_chunk, sha_of
from cti.history.queue_log import LogBook, LogVisit, Rules

log = logging.getLogger(__name__)

CHUNK: Final = 1 << 20
"Bytes of one step."
GRACE_S: Final = 10.0
"Our own events have this long before a visit is compared: three times what an open call waits to be written."
NEAR_S: Final = 10.0
"Visits of the log this near to one another are told apart together."
_TAIL: Final = 8192


class LogStore(Protocol):
    """Where rows and places are kept. Synchronous; raises when it cannot."""

    def log_state(self, path: str) -> tuple[Place | None, list[LogVisit]]:
        """How far, and what was open."""

    def save_log(
        self, path: str, place: Place, visits: Sequence[LogVisit], rejected: Sequence[Rejected], at: float
    ) -> None:
        """All or none."""

    def unsettled(self, before: float, limit: int = 200) -> list[LogVisit]:
        """Closed visits not compared yet."""

    def settled(self, keys: Sequence[str]) -> None:
        """Compared."""

    def log_visits(self, since: float, until: float) -> list[LogVisit]:
        """Visits that entered in [since, until)."""

    def calls_near(self, visit: LogVisit) -> list[Call]:
        """Calls it may be of."""

    def phones_of(self, agents: Iterable[str]) -> Mapping[str, str]:
        """Members' phones."""

    def backfill(self, call: Call, pbx: str, at: float, *, inserted: bool) -> None:
        """Write a completed call."""


class Follower:
    """One queue_log of one PBX."""

    def __init__(
        self,
        path: Path,
        store: LogStore,
        *,
        pbx: str,
        rules: Callable[[], Rules],
        clock: Callable[[], float],
        from_start: bool = False,
    ) -> None:
        """`clock` is the PBX's. Without a saved place reading begins at the file's end, or at its start."""
        self.counters = {"lines_rejected": 0, "rotations": 0, "cuts": 0, "lost_files": 0, "filled": 0, "inserted": 0}
        self._path = path
        self._store = store
        self._pbx = pbx
        self._rules = rules
        self._clock = clock
        self._from_start = from_start
        self._place: Place | None = None
        self._book: LogBook | None = None

    def step(self) -> bool:
        """Read some more; True where there may be still more at once. Raises OSError where the file cannot be read."""
        now = self._clock()
        if self._book is None:
            self._place, open_visits = self._store.log_state(str(self._path))
            last = self._place.last if self._place is not None else 0
            self._book = LogBook(self._rules(), open_visits, last)
        try:
            return self._read_on(self._book, now)
        except BaseException:
            self._book = None  # what was read and not saved is read again
            raise

    def _read_on(self, book: LogBook, now: float) -> bool:
        with self._path.open("rb") as file:
            stat = os.fstat(file.fileno())
            # After a standstill what the link says is old, and its clock with it: no line is later than its file.
            now = max(now, stat.st_mtime)
            identity = (str(stat.st_dev), str(stat.st_ino))
            place = self._place
            if place is None:
                file.seek(max(0, stat.st_size - _TAIL))
                tail = b"" if self._from_start else file.read()
                tail = tail[: tail.rfind(b"\n") + 1]  # a line may be half written
                offset = 0 if self._from_start else max(0, stat.st_size - _TAIL) + len(tail)
                place = Place(
                    device=identity[0],
                    inode=identity[1],
                    offset=offset,
                    line_sha=_before(file, offset),
                    last=0 if self._from_start else int(now) - 3600 * 24,
                )
                self._save(place, Read(visits=(), rejected=(), used=0), now)
                return True
            renamed = identity != (place.device, place.inode)
            cut = not renamed and not _is_at(file, stat.st_size, place)
            if not renamed and not cut:
                file.seek(place.offset)
                chunk = file.read(CHUNK)
                read = read_chunk(book, chunk, now)
                # A line without an end in a whole chunk is none of Asterisk's: it is passed over.
                offset = place.offset + (read.used or (CHUNK if len(chunk) == CHUNK else 0))
                if offset > place.offset:
                    there = msgspec.structs.replace(
                        place, offset=offset, line_sha=_before(file, offset), last=book.last
                    )
                    self._save(there, read, now)
                return offset > place.offset
        self.counters["cuts" if cut else "rotations"] += 1
        if cut:
            log.warning("queue_log was cut: looking for what was read of it among its copies")
        self._finish_old(book, place, now)
        fresh = Place(device=identity[0], inode=identity[1], offset=0, line_sha=sha_of(b""), last=book.last)
        self._save(fresh, Read(visits=tuple(book.take()), rejected=(), used=0), now)
        return True

    def _finish_old(self, book: LogBook, place: Place, now: float) -> None:
        """The rest of the file that was read so far, and whole files between it and the present one."""
        rest: list[bytes] | None = None
        for older in self._siblings():
            content = _content(older)
            if rest is None:
                same_file = str(older.stat().st_ino) == place.inode and older.stat().st_size >= place.offset
                known = sha_of(content[max(0, place.offset - _TAIL) : place.offset])
                if same_file or (0 < place.offset <= len(content) and known == place.line_sha):
                    rest = [content[place.offset :]]
            else:
                rest.append(content)
        if rest is None:
            self.counters["lost_files"] += 1
            log.error("the rest of the former queue_log was not found: what it said is missing")
            return
        for content in rest:
            # A file that will not grow any more ends with its last line, even without a line end.
            read = read_chunk(book, content if content.endswith(b"\n") or not content else content + b"\n", now)
            self.counters["lines_rejected"] += len(read.rejected)
            self._store.save_log(str(self._path), place, read.visits, read.rejected, now)

    def _siblings(self) -> list[Path]:
        """Rotated files, oldest first."""
        own = self._path.name
        found = [p for p in self._path.parent.iterdir() if p.name.startswith(own) and p.name != own and p.is_file()]
        return sorted(found, key=lambda p: (p.stat().st_mtime_ns, p.name))

    def _save(self, place: Place, read: Read, now: float) -> None:
        self.counters["lines_rejected"] += len(read.rejected)
        if read.rejected:
            log.warning("%d lines of queue_log were refused and put aside", len(read.rejected))
        self._store.save_log(str(self._path), place, read.visits, read.rejected, now)
        self._place = place

    def settle(self) -> int:
        """Compare closed visits with our calls and fill in what is missing; returns how many calls were written."""
        now = self._clock()
        written = 0
        done: list[str] = []
        for visit in self._store.unsettled(now - GRACE_S):
            agents = {visit.agent, *(agent for agent, _, _ in visit.missed)}
            near = self._store.log_visits(visit.entered - NEAR_S, visit.entered + NEAR_S)
            told = fill(visit, self._store.calls_near(visit), self._store.phones_of(agents), near)
            if told == "later":
                continue
            if isinstance(told, Filled):
                self._store.backfill(told.call, self._pbx, now, inserted=told.inserted)
                self.counters["inserted" if told.inserted else "filled"] += 1
                written += 1
            done.append(visit.key)
        if done:
            self._store.settled(done)
        return written


def _is_at(file: BinaryIO, size: int, place: Place) -> bool:
    """Whether the file still has what was read last, where it was."""
    return size >= place.offset and _before(file, place.offset) == place.line_sha


def _before(file: BinaryIO, offset: int) -> str:
    """Hash of the bytes before an offset."""
    start = max(0, offset - _TAIL)
    file.seek(start)
    return sha_of(file.read(offset - start))


def _content(path: Path) -> bytes:
    raw = path.read_bytes()
    if raw[:2] == b"\x1f\x8b":
        try:
            return gzip.decompress(raw)
        except (OSError, EOFError):
            return b""
    return raw
