"""Finding and opening recordings on disk. What comes from a call never leads out of the folder.

A call's key must look like a Uniqueid; patterns come from the settings. Folders and files are opened one after the
other without following symbolic links, each in the folder that is open already, and what was opened is looked at
again: so neither a link nor an exchange behind our back shows another file.
"""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import os
import re
import stat
import wave
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final

import msgspec

CALL: Final = re.compile(r"[A-Za-z0-9_.-]{1,150}\Z")
"A call's key that may stand in a file name: Asterisk's Uniqueid with its systemname."
TYPES: Final = {
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
    ".flac": "audio/flac",
    ".webm": "audio/webm",
}
"What browsers play, by the end of the name; other files are not shown."
MOST_SEEN: Final = 200_000
"Names of one folder that are looked at."
MOST_FOUND: Final = 50


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A recording."""

    id: str
    path: tuple[str, ...]
    "Folders and name below the configured folder."
    at: float
    "When it was last written."
    size: int
    seconds: float | None

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.path[-1]

    @property
    def type(self) -> str:
        """Its media type."""
        return TYPES[os.path.splitext(self.name)[1].lower()]


class Opened(msgspec.Struct, kw_only=True):
    """An open file."""

    fd: int
    size: int
    type: str


class Files:
    """The folder of recordings. Synchronous: called in worker threads."""

    def __init__(self, folder: str, patterns: Sequence[str], zone: tzinfo) -> None:
        """`patterns` are relative, with %Y %m %d of the call's day and {call}; * and ? stand for letters."""
        self._folder = folder
        self._patterns = tuple(patterns)
        self._zone = zone

    def find(self, call: str, at: float | None) -> list[Found]:
        """A call's recordings, oldest first; `at` is when it began. [] where there is none. Raises OSError."""
        if not self._folder or not CALL.match(call) or call in (".", ".."):
            return []
        found: dict[tuple[str, ...], Found] = {}
        for pattern in self._patterns:
            for parts in self._filled(pattern, call, at):
                for one in self._look(parts, call):
                    found.setdefault(one.path, one)
                    if len(found) >= MOST_FOUND:
                        break
        return sorted(found.values(), key=lambda one: (one.at, one.path))

    def _filled(self, pattern: str, call: str, at: float | None) -> Iterator[list[str]]:
        """The pattern's parts for the call's day and the next: a call over midnight lies under either."""
        days: list[datetime | None] = [None]
        if "%" in pattern:
            if at is None:
                return
            begin = datetime.fromtimestamp(at, self._zone)
            days = [begin, begin + timedelta(days=1)]
        # Letters that mean something in patterns are no letters of a call's key.
        for day in days:
            text = pattern if day is None else day.strftime(pattern)
            yield text.replace("{call}", call).split("/")

    def _look(self, parts: list[str], call: str) -> Iterator[Found]:
        """Files below the folder whose path fits the parts."""
        if any(part in ("", ".", "..") for part in parts):
            return
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            top = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                yield from self._below(top, parts, (), call)
            finally:
                os.close(top)

    def _below(self, folder: int, parts: list[str], path: tuple[str, ...], call: str) -> Iterator[Found]:
        here, rest = parts[0], parts[1:]
        for name in self._names(folder, here):
            try:
                if rest:
                    inner = os.open(name, _DIRECTORY, dir_fd=folder)
                    try:
                        yield from self._below(inner, rest, (*path, name), call)
                    finally:
                        os.close(inner)
                else:
                    one = self._file(folder, name, path, call)
                    if one is not None:
                        yield one
            except OSError:  # a link, or gone meanwhile
                continue

    def _names(self, folder: int, pattern: str) -> list[str]:
        if not any(char in pattern for char in "*?["):
            return [pattern]
        names = []
        with os.scandir(folder) as entries:
            for seen, entry in enumerate(entries):
                if seen >= MOST_SEEN:
                    break
                if fnmatch.fnmatchcase(entry.name, pattern) and not entry.name.startswith("."):
                    names.append(entry.name)
        return sorted(names)

    def _file(self, folder: int, name: str, path: tuple[str, ...], call: str) -> Found | None:
        if os.path.splitext(name)[1].lower() not in TYPES or not _is_of(name, call):
            return None
        fd = os.open(name, _FILE, dir_fd=folder)
        try:
            about = os.fstat(fd)
            if not stat.S_ISREG(about.st_mode):
                return None
            whole = (*path, name)
            key = hashlib.sha256("/".join(whole).encode("utf-8", "surrogateescape")).hexdigest()[:24]
            return Found(id=key, path=whole, at=about.st_mtime, size=about.st_size, seconds=_seconds(fd, name))
        finally:
            os.close(fd)

    def open(self, found: Found) -> Opened:
        """Open it for reading; the caller closes. Raises OSError where it is gone or no plain file."""
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in found.path[:-1]:
                inner = os.open(part, _DIRECTORY, dir_fd=folder)
                os.close(folder)
                folder = inner
            fd = os.open(found.name, _FILE, dir_fd=folder)
        finally:
            os.close(folder)
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            os.close(fd)
            raise FileNotFoundError(found.name)
        return Opened(fd=fd, size=about.st_size, type=found.type)


_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def _is_of(name: str, call: str) -> bool:
    """True where the name holds the call's key as a whole: 1700000000.12 is not in 1700000000.123."""
    return re.search(rf"(?<![A-Za-z0-9.]){re.escape(call)}(?![0-9]|\.\d)", name) is not None


def _seconds(fd: int, name: str) -> float | None:
    """How long a WAV file plays; None for what does not say."""
    if not name.lower().endswith(".wav"):
        return None
    try:
        with os.fdopen(os.dup(fd), "rb") as file, wave.open(file) as sound:
            return round(sound.getnframes() / sound.getframerate(), 3) if sound.getframerate() else None
    except (wave.Error, EOFError, OSError, ValueError):
        return None
