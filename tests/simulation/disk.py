"""A disk in memory, in the shape in which `cti.store.journal` knows the operating system's; writes may be cut short."""

from __future__ import annotations

import itertools
import os
from typing import Any


class Killed(BaseException):
    """The process died in the midst of a write."""


class Disk:
    """Files that outlive the processes of one machine."""

    def __init__(self) -> None:
        self.files: dict[str, bytearray] = {}
        self.budget: int | None = None
        "Bytes that can still be written before the process dies."

    def path(self, name: str) -> Path:
        """A file on this disk."""
        return Path(self, name)


class Path:
    """What the journal needs of a path."""

    def __init__(self, disk: Disk, name: str) -> None:
        self.disk = disk
        self.name = name

    @property
    def parent(self) -> Path:
        """The folder, which is there."""
        return Path(self.disk, "")

    def mkdir(self, **_: object) -> None:
        """It is."""

    def with_name(self, name: str) -> Path:
        """A file beside this one."""
        return Path(self.disk, name)

    def unlink(self) -> None:
        """Take it away."""
        self.disk.files.pop(self.name, None)


class System:
    """The calls of `os` and `fcntl` that a journal makes; constants are the real ones."""

    LOCK_EX, LOCK_NB = 2, 4

    def __init__(self) -> None:
        self._open: dict[int, tuple[Disk, bytearray]] = {}
        self._count = itertools.count(1000)

    def begin(self) -> None:
        """Another world: nothing is open."""
        self._open.clear()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("O_"):
            return getattr(os, name)
        raise AttributeError(name)

    def open(self, path: Path, flags: int, mode: int = 0) -> int:
        file = next(self._count)
        content = path.disk.files.get(path.name)
        if content is None:
            content = path.disk.files[path.name] = bytearray()
        self._open[file] = path.disk, content
        return file

    def close(self, file: int) -> None:
        self._open.pop(file, None)

    def flock(self, file: int, how: int) -> None:
        """Nobody else is there."""

    def fsync(self, file: int) -> None:
        """What is written outlives a killed process anyway."""

    def fstat(self, file: int) -> os.stat_result:
        return os.stat_result((0, 0, 0, 0, 0, 0, len(self._open[file][1]), 0, 0, 0))

    def ftruncate(self, file: int, size: int) -> None:
        content = self._open[file][1]
        del content[size:]
        content.extend(bytes(size - len(content)))

    def posix_fallocate(self, file: int, at: int, size: int) -> None:
        content = self._open[file][1]
        content.extend(bytes(max(0, at + size - len(content))))

    def pread(self, file: int, size: int, at: int) -> bytes:
        return bytes(self._open[file][1][at : at + size])

    def pwrite(self, file: int, text: bytes | memoryview, at: int) -> int:
        disk, content = self._open[file]
        some = bytes(text)
        if disk.budget is not None:
            some = some[: disk.budget]
            disk.budget -= len(some)
        content.extend(bytes(max(0, at - len(content))))
        content[at : at + len(some)] = some
        if len(some) < len(text):
            raise Killed
        return len(some)

    def replace(self, old: Path, new: Path) -> None:
        if old.disk.budget == 0:
            raise Killed
        new.disk.files[new.name] = old.disk.files.pop(old.name)
