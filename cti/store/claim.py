"""One service on one SQLite file: a second start on the same data is refused, for two would write the same calls."""

from __future__ import annotations

import fcntl
import os
from typing import Self

import sqlalchemy as sa

from cti.store.base import StoreError


class Claim:
    """A lock beside the file, held until `release` or the end of the process, however that comes."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, url: str) -> Self:
        """Claim the data at this SQLAlchemy URL; a server database or one in memory needs none. Raises StoreError."""
        parsed = sa.make_url(url)
        if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
            return cls(None)
        name = f"{parsed.database}.lock"
        try:
            descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
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
        return cls(descriptor)

    def release(self) -> None:
        """Let another one have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
