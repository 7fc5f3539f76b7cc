"""One service on one SQLite file: a second start on the same data is refused, for two would write the same calls.

So is a start on data that is no longer what it was (`cti.store.sound`).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from cti.store.base import StoreError
from cti.store.sound import boot, require_sound


class Claim:
    """A lock beside the store's file, held until `release` or the end of the process, however that comes.

    The lock's file says since which boot of the machine the data was last in use, and names the files there were.
    """

    def __init__(self, descriptor: int | None, paths: Sequence[Path] = ()) -> None:
        self._descriptor = descriptor
        self._paths = paths

    @classmethod
    def take(cls, url: str, *beside: str) -> Self:
        """Claim the data at this SQLAlchemy URL; a server database or one in memory needs none. Raises StoreError.

        Files at the URLs `beside`, the customers', are looked at with it.
        """
        path = _file(url)
        if path is None:
            return cls(None)
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
        paths = dict.fromkeys([path, *(other for other in map(_file, beside) if other is not None)])
        claim = cls(descriptor, tuple(paths))
        try:
            last, _, names = os.pread(descriptor, 4096, 0).decode("utf-8", "replace").partition("\n")
            used = names.split("\n")
            for one in paths:
                require_sound(one, used=str(one.absolute()) in used, same_boot=last != "" and last == boot(), lock=path)
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
        """Say what there is."""
        if self._descriptor is not None:
            text = "\n".join([boot(), *(str(path.absolute()) for path in self._paths if path.exists())])
            with contextlib.suppress(OSError):  # the disk is full: the next start knows less
                os.ftruncate(self._descriptor, 0)
                os.pwrite(self._descriptor, text.encode("utf-8", "replace"), 0)

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _file(url: str) -> Path | None:
    """The SQLite file at this URL."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database))
