"""Is a SQLite file what it was when it was left? Looked at before the service starts on it, changing nothing.

SQLite itself says nothing when the end of its log (`-wal`) is gone or spoilt: it goes on with what is left, and what
had been committed is lost without a word. The log's index (`-shm`) of the same boot still knows how much there was.
After the machine itself went down the end of the log may be missing by right: nothing is concluded from it then.
"""

from __future__ import annotations

import contextlib
import sqlite3
import struct
import time
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from cti.store.base import StoreError

CHECK_S: Final = 2.0
"How long the pages of a file are looked at; of a large one that is a part."
_MAGIC: Final = b"SQLite format 3\x00"
_HINT: Final = "；请从备份恢复（见 docs/howto/backup.md）"
_HINT_EN: Final = "; restore a backup (docs/howto/backup.md)"


class _Index(msgspec.Struct, frozen=True):
    """What `-shm` says of the log (sqlite.org/walformat.html, sections 2.1 and 2.2)."""

    frames: int
    "Committed."
    done: int
    "Of those, already in the main file."


def require_sound(path: Path, *, used: bool, same_boot: bool, lock: Path | None = None) -> None:
    """Raises StoreError (permanent) for a file that must not be started on. Nobody else may be using it.

    `used`: there was data before. `same_boot`: the machine has run since. `lock`: the file whose lock says so.
    """
    wal, shm = (path.with_name(f"{path.name}-{end}") for end in ("wal", "shm"))
    if _size(path) == 0:
        if used or _size(wal):
            mark = f"{(lock or path).name}.lock"
            raise _refused(
                f"数据库文件 {path.name} 不见了或是空的，而这里用过{_HINT}；"
                f"确要从头开始，删除 {mark} 和 {path.name}-wal",
                f"The file {path.name} is missing or empty, and it was in use here{_HINT_EN}; "
                f"to begin anew, delete {mark} and {path.name}-wal",
            )
        return
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise _refused(
                f"{path.name} 不是数据库文件，或已损坏{_HINT}", f"{path.name} is no database, or is corrupt{_HINT_EN}"
            )
    content = shm.read_bytes() if same_boot and shm.exists() else b""
    before = _index(content)
    try:
        after = _look(path, shm)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
            return  # it cannot be read just now: whoever opens it will say so
        raise _refused(f"数据库文件 {path.name} 已损坏{_HINT}", f"{path.name} is corrupt{_HINT_EN}") from error
    if before is not None and before.done < before.frames and (after is None or after.frames < before.frames):
        with contextlib.suppress(OSError):
            shm.write_bytes(content)  # looking has renewed it: the next start shall see what this one saw
        raise _refused(
            f"{path.name}-wal 被截断或损坏，已提交的数据读不全{_HINT}；要舍弃丢失的部分继续，删除 {path.name}-shm",
            f"{path.name}-wal was cut or spoilt: not all that was committed can be read{_HINT_EN}; "
            f"to go on without what is lost, delete {path.name}-shm",
        )


def boot() -> str:
    """Names the time since the machine came up; '' where that cannot be known."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _refused(text: str, text_en: str) -> StoreError:
    return StoreError(text, text_en, permanent=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _look(path: Path, shm: Path) -> _Index | None:
    """Read the file as SQLite does; what the index says then. Raises sqlite3.DatabaseError."""
    until = time.monotonic() + CHECK_S
    connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.set_progress_handler(lambda: time.monotonic() > until, 10_000)
        try:
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.OperationalError as error:
            if "interrupted" not in str(error):
                raise
            said = "ok"
        if said != "ok":
            raise sqlite3.DatabaseError("malformed")
        return _index(shm.read_bytes()) if shm.exists() else None
    finally:
        connection.close()


def _index(content: bytes) -> _Index | None:
    """None where it says nothing: too short, never filled, or caught in mid-change."""
    if len(content) < 136 or content[:48] != content[48:96] or not content[12]:
        return None
    return _Index(struct.unpack_from("=I", content, 16)[0], struct.unpack_from("=I", content, 96)[0])
