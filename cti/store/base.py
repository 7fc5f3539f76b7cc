"""The ground all parts of the store stand on: the database, its migrations, errors in words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.numbers import CHINA, Site
from cti.store import tables

STATEMENT_S: Final = 2.0
"How long a statement may take that is written behind everybody's back and can come again (FAULTS F16)."
ROOM: Final = 1 << 20
"Bytes that a disk must have free for a store on it to count as one that can be written."
_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_VERSION_TABLE: Final = "cti_version"


class StoreError(Exception):
    """The store could not do what was asked; `permanent` tells whether asking again can help. For people, no SQL."""

    def __init__(self, text: str, text_en: str, *, permanent: bool) -> None:
        super().__init__(text)
        self.text = text
        self.text_en = text_en
        self.permanent = permanent


def is_outage(error: BaseException) -> bool:
    """Whether a failed call speaks against the store: one that says "never so" is there."""
    return not (isinstance(error, StoreError) and error.permanent)


class Base:
    """A database with the store's tables. Every method may be called from any thread."""

    def __init__(self, database: sql.Database, site: Site = CHINA) -> None:
        """Use `open` instead, unless the tables are known to be there."""
        self.database = database
        self._site = site

    @classmethod
    def open(cls, url: str, *, site: Site = CHINA, busy_s: float = sql.BUSY_S) -> Self:
        """The store at an SQLAlchemy URL. A SQLite file is made and migrated; a server's is not (see `migrate`)."""
        with errors():
            store = cls(sql.Database(url, busy_s=busy_s), site)
            if store.database.is_sqlite:
                store.migrate()
        return store

    def migrate(self) -> None:
        """Bring the tables to this program's revision."""
        with errors():
            sql.migrate(self.database, _MIGRATIONS, _VERSION_TABLE)

    def close(self) -> None:
        """Give all connections back."""
        self.database.close()

    def check(self) -> None:
        """Raises StoreError unless the database answers, has this program's tables, neither older nor newer, and could
        be written to, as far as can be told without writing."""
        with errors():
            sql.require(self.database, _MIGRATIONS, _VERSION_TABLE)
        with self._read() as connection:
            connection.execute(sa.select(tables.call.c.id).limit(1)).first()
            if (
                connection.dialect.name == "postgresql"
                and connection.scalar(sa.text("SHOW transaction_read_only")) == "on"
            ):
                raise StoreError("数据库只读", "The database is read-only", permanent=False)
        if self.database.is_sqlite and self.database.engine.url.database not in (None, "", ":memory:"):
            disk = os.statvfs(Path(str(self.database.engine.url.database)).absolute().parent)
            require_room(disk.f_blocks, disk.f_bavail * disk.f_frsize, read_only=bool(disk.f_flag & os.ST_RDONLY))

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with errors(), self.database.read() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        with errors(), self.database.write() as connection:
            yield connection


def require_room(blocks: int, free: int, *, read_only: bool) -> None:
    """Raises StoreError for a disk that takes nothing more: `free` bytes of it, which has so many blocks.

    Where the system counts no blocks nothing is known.
    """
    if read_only:
        raise StoreError("数据目录所在的磁盘只读", "The disk of the data is read-only", permanent=False)
    if blocks and free < ROOM:
        raise StoreError("数据目录所在的磁盘满了", "The disk of the data is full", permanent=False)


@contextmanager
def errors() -> Iterator[None]:
    """What a database could not do, as StoreError."""
    try:
        yield
    except sql.SchemaError as error:
        how, how_en = ("：请先运行 cti migrate", ": run cti migrate") if error.older else ("", "")
        raise StoreError(f"{error.text}{how}", f"{error.text_en}{how_en}", permanent=True) from error
    except sql.SqlError as error:
        raise StoreError(error.text, error.text_en, permanent=error.permanent) from error
