"""How a database is opened here: engine, transactions, errors in words, migrations. Shared by the CRM and the store.

SQLite runs in WAL mode: readers never wait, one writer at a time waits its turn. Writing transactions begin with
BEGIN IMMEDIATE, for a reader that turns writer in the middle would fail at once instead of waiting.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, RLock
from typing import Any, Final

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import StaticPool

BUSY_S: Final = 5.0
"How long a statement waits for another's lock."


class SqlError(Exception):
    """A database did not do what was asked; `permanent` tells whether asking again can help. The text holds no SQL."""

    def __init__(self, text: str, text_en: str, *, permanent: bool) -> None:
        super().__init__(text_en)
        self.text = text
        self.text_en = text_en
        self.permanent = permanent


class Database:
    """One database with a small pool; every method may be called from any thread."""

    def __init__(self, url: str, *, busy_s: float = BUSY_S, pool: int = 4) -> None:
        """Opens nothing yet. Raises SqlError for a URL that cannot be used."""
        try:
            parsed = sa.make_url(url)
            options: dict[str, Any] = {"hide_parameters": True}
            # In memory there is one connection for all threads, taken in turn.
            self._turn: RLock | None = None
            if parsed.get_backend_name() == "sqlite":
                options["connect_args"] = {"check_same_thread": False, "timeout": busy_s}
                if parsed.database in (None, "", ":memory:"):
                    self._turn = RLock()
                    options["poolclass"] = StaticPool
                else:
                    options.update(pool_size=pool, max_overflow=pool, pool_timeout=busy_s)
            else:
                options.update(pool_size=pool, max_overflow=pool, pool_timeout=busy_s, pool_pre_ping=True)
            self.engine = sa.create_engine(parsed, **options)
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError) as error:
            raise SqlError(
                "数据库地址不可用，或缺少它的驱动",
                "The database URL cannot be used, or its driver is missing",
                permanent=True,
            ) from error
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One consistent view. Raises SqlError."""
        with self.errors(), self._taking_turns(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction: committed at the end, rolled back on any exception. Raises SqlError."""
        with self.errors(), self._taking_turns(), self.engine.connect() as connection:
            if self.is_sqlite:
                connection = connection.execution_options(writes=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close all connections; one still in use closes when it is given back."""
        self.engine.dispose()

    @contextmanager
    def _taking_turns(self) -> Iterator[None]:
        if self._turn is None:
            yield
        else:
            with self._turn:
                yield

    @contextmanager
    def errors(self) -> Iterator[None]:
        """What a driver or SQLAlchemy raises, as SqlError."""
        try:
            yield
        except sa.exc.TimeoutError as error:
            raise SqlError("数据库忙", "The database is busy", permanent=False) from error
        except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
            # A file taken away under us comes back empty: what waits must not be given up for that.
            schema = "no such" in str(error.orig)
            raise SqlError(
                "数据库的表结构不对" if schema else "数据库打不开或忙",
                "The database has other tables than expected" if schema else "The database is away or busy",
                permanent=False,
            ) from error
        except sa.exc.SQLAlchemyError as error:
            raise SqlError("数据库拒绝了这次操作", "The database refused this", permanent=True) from error


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions are ours: see _begin_sqlite
    cursor = connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
        "cache_size = -16000",
        "temp_store = MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def upsert(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]], *, keep: bool = False) -> int:
    """Insert rows; one whose primary key exists replaces the old row's other columns, or is left out where `keep`.

    Returns how many rows were touched.
    """
    if not rows:
        return 0
    names = list(rows[0])
    keys = [column.name for column in table.primary_key]
    insert: Any = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
    rest = {name: insert.excluded[name] for name in names if name not in keys}
    statement = (
        insert.on_conflict_do_nothing(index_elements=keys)
        if keep or not rest
        else insert.on_conflict_do_update(index_elements=keys, set_=rest)
    )
    return int(connection.execute(statement, rows).rowcount)


def clean(text: str, limit: int = 20_000) -> str:
    """Text that any database takes: no NUL, no lone surrogate, bounded."""
    return text[:limit].replace("\x00", "").encode("utf-8", "replace").decode()


def like(text: str) -> str:
    """A pattern for `LIKE ... ESCAPE '\\'` that finds the text itself anywhere, wildcards taken as letters."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


_migrating: Final = Lock()
"Alembic keeps its context in a global: one migration at a time in a process."


def migrate(database: Database, folder: Path, version_table: str) -> None:
    """Bring a database to the newest of the Alembic revisions in `folder`, in one transaction. Raises SqlError."""
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)

    def upgrade(revision: Any, _: object) -> Any:
        return script._upgrade_revs("head", revision)

    with _migrating, database.write() as connection:
        current = MigrationContext.configure(connection, opts={"version_table": version_table}).get_current_revision()
        if current == script.get_current_head():
            return
        with EnvironmentContext(config, script, fn=upgrade) as environment:
            environment.configure(connection=connection, version_table=version_table, transaction_per_migration=False)
            environment.run_migrations()


def revision(database: Database, version_table: str) -> str | None:
    """The revision a database is at, None for one never migrated."""
    with database.read() as connection:
        return MigrationContext.configure(connection, opts={"version_table": version_table}).get_current_revision()
