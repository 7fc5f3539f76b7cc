"""A copy of a SQLite database while it is in use: whole, as of one moment, looked through before it counts."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from cti.store.base import StoreError

BUSY_S: Final = 30.0
"How long the copy waits for a writer."


def file_of(url: str) -> Path | None:
    """The file behind an SQLAlchemy URL; None where it is no SQLite file."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database))


def copy(source: Path, target: Path) -> int:
    """Copy a database file that others may write to meanwhile; returns its size in bytes.

    `target` is there only when it is whole: it is made beside, checked, brought to the disk, and then given its name.
    It is readable for its owner only. Raises StoreError.
    """
    made = target.with_name(f"{target.name}.part")
    try:
        if not source.is_file():
            raise StoreError(f"找不到文件 {source.name}", f"There is no file {source.name}", permanent=True)
        os.close(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        with (
            closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=rw", uri=True, timeout=BUSY_S)) as reading,
            closing(sqlite3.connect(made)) as writing,
        ):
            # In one step: the copy is of one moment, and in WAL mode nobody waits for it.
            reading.backup(writing)
            # A file on its own, whatever mode the original was in.
            writing.execute("PRAGMA journal_mode = DELETE")
            (said,) = writing.execute("PRAGMA integrity_check(1)").fetchone()
        if said != "ok":
            raise StoreError(
                f"{source.name} 已损坏，这份副本不能用",
                f"{source.name} is damaged: the copy cannot be used",
                permanent=True,
            )
        with made.open("rb") as whole:
            os.fsync(whole.fileno())
        made.rename(target)
    except (OSError, sqlite3.Error) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise StoreError(
            f"{source.name} 备份失败：{why}", f"{source.name} could not be copied: {why}", permanent=False
        ) from error
    finally:
        made.unlink(missing_ok=True)
    return target.stat().st_size
