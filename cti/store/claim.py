"""One service on one SQLite file: a second start on the same data is refused, for two would write the same calls.

So is a start on data that is no longer what it was (`cti.store.sound`).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from cti.store.base import StoreError
from cti.store.sound import boot, require_sound


class Claim:
    """A lock beside the file, held until `release` or the end of the process, however that comes.

    The lock's file says that there is data, and since which boot of the machine it was last in use.
    """

    def __init__(self, descriptor: int | None, path: Path | None = None) -> None:
        self._descriptor = descriptor
        self._path = path

    @classmethod
    def take(cls, url: str) -> Self:
        """Claim the data at this SQLAlchemy URL; a server database or one in memory needs none. Raises StoreError."""
        parsed = sa.make_url(url)
        if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
            return cls(None)
        path = Path(str(parsed.database))
        try:
            descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"数据目录写不进去：{error.strerror}",
                f"The folder of the data cannot be written to: {error.strerror}",
                permanent=True,
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise StoreError(
                "已有一个十三秒在用这份数据；SQLite 只能由一个进程使用。先停掉它，或换用 PostgreSQL",
                "Another Thirteen is running on this data, and SQLite serves one. Stop it first, or use PostgreSQL",
                permanent=True,
            ) from error
        claim = cls(descriptor, path)
        try:
            last, _, used = os.pread(descriptor, 100, 0).decode("ascii", "replace").partition("\n")
            require_sound(path, used=bool(used), same_boot=last != "" and last == boot())
            claim._mark()
        except BaseException:
            claim._close()
            raise
        return claim

    def release(self) -> None:
        """Let another one have it."""
        if self._descriptor is not None:
            self._mark()
            self._close()

    def _mark(self) -> None:
        if self._descriptor is not None and self._path is not None:
            text = f"{boot()}\n" + ("used\n" if self._path.exists() else "")
            with contextlib.suppress(OSError):  # the disk is full: the next start knows less
                os.ftruncate(self._descriptor, 0)
                os.pwrite(self._descriptor, text.encode("ascii"), 0)

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
