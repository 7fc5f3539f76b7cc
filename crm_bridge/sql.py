"""How a database is opened here: engine, transactions, errors in words, migrations. Shared by the CRM and the store.

SQLite runs in WAL mode: readers never wait, one writer at a time waits its turn. Writing transactions begin with
BEGIN IMMEDIATE, for a reader that turns writer in the middle would fail at once instead of waiting. SQLite's own
waiting is asking again now and then, and who is unlucky waits in vain beside others who write often: the writers of
this process stand in line before they ask.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock, RLock
from typing import Any, Final
from weakref import WeakValueDictionary

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import StaticPool

from crm_bridge.line import Line, NoTurnError

BUSY_S: Final = 5.0
"How long a statement waits for another's lock."


IDLE_MS: Final = "10000"
"A writer that stood still in its turn for so long, because its node hangs, loses it."
_TURN: Final = sa.select(
    sa.func.set_config("lock_timeout", sa.bindparam("busy"), True),
    sa.func.set_config("idle_in_transaction_session_timeout", sa.bindparam("idle"), True),
    sa.func.pg_advisory_xact_lock(1_313_131_314),
)


_NETWORK: Final = {
    "connect_timeout": 3,
    "tcp_user_timeout": 5000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
"A server that the network hides is given up after some seconds, not after the minutes that a kernel takes."
_LATER: Final = ("08", "25", "28", "3D", "42501", "42703", "42P01", "53", "55", "57", "58", "XX")
"""Beginnings of the states (PostgreSQL, appendix A) that speak of the server, or of what its keeper can put right, not
of what was asked: no connection, read-only or timed out, no such account, base, table or right, no room, a lock, a
stop, the disk, corruption."""
_CORRUPT: Final = ("malformed", "not a database")
"What SQLite says of a file that is spoilt."
_LINES: Final[WeakValueDictionary[Path, Line]] = WeakValueDictionary()
"Of each file of SQLite's that is open here, its writers."
_LINES_LOCK: Final = Lock()


class SqlError(Exception):
    """A database did not do what was asked; `permanent` tells whether asking again can help. The text holds no SQL."""

    def __init__(self, text: str, text_en: str, *, permanent: bool) -> None:
        super().__init__(text_en)
        self.text = text
        self.text_en = text_en
        self.permanent = permanent


class SchemaError(SqlError):
    """The tables are of another revision than this program's; `older` where migrating cures that."""

    def __init__(self, found: str | None, wanted: str, *, older: bool) -> None:
        if older:
            text = f"数据库的表结构是旧的（{found or '空'}，本程序要 {wanted}），需要先迁移"
            text_en = f"The tables are older ({found or 'none yet'}) than this program needs ({wanted}): migrate first"
        else:
            text = f"数据库已被更新版本的程序迁移（{found}，本程序只到 {wanted}），请更新本程序"
            text_en = f"A newer program has migrated the tables ({found}; this one knows {wanted}): update this program"
        super().__init__(text, text_en, permanent=True)
        self.older = older


class Database:
    """One database with a small pool; every method may be called from any thread."""

    def __init__(self, url: str, *, busy_s: float = BUSY_S, pool: int = 4, in_turn: bool = False) -> None:
        """Opens nothing yet. Raises SqlError for a URL that cannot be used.

        `in_turn`: a server's writers take turns as SQLite's do, so that what one has read nobody changes under it.
        """
        try:
            parsed = sa.make_url(url)
            if parsed.drivername == "postgresql":
                parsed = parsed.set(drivername="postgresql+psycopg")
            options: dict[str, Any] = {"hide_parameters": True}
            # In memory there is one connection for all threads, taken in turn.
            self._turn: RLock | None = None
            self.line: Line | None = None
            "Of SQLite's file, in which writers of this process stand."
            if parsed.get_backend_name() == "sqlite":
                options["connect_args"] = {"check_same_thread": False, "timeout": busy_s}
                if parsed.database in (None, "", ":memory:"):
                    self._turn = RLock()
                    options["poolclass"] = StaticPool
                else:
                    self.line = _line_of(Path(parsed.database))
                    options.update(pool_size=pool, max_overflow=pool, pool_timeout=busy_s)
            else:
                options.update(pool_size=pool, max_overflow=pool, pool_timeout=busy_s, pool_pre_ping=True)
                if parsed.get_backend_name() == "postgresql":
                    options["connect_args"] = {k: v for k, v in _NETWORK.items() if k not in parsed.query}
            self.engine = sa.create_engine(parsed, **options)
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError) as error:
            raise SqlError(
                "数据库地址不可用，或缺少它的驱动",
                "The database URL cannot be used, or its driver is missing",
                permanent=True,
            ) from error
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._in_turn = in_turn and self.engine.dialect.name == "postgresql"
        self._busy_s, self._busy_ms = busy_s, str(round(busy_s * 1000))
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One consistent view. Raises SqlError."""
        with self.errors(), self._taking_turns(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, queued: bool = True) -> Iterator[sa.Connection]:
        """One transaction: committed at the end, rolled back on any exception. Raises SqlError.

        Not `queued`: it stands in no line, as long as it may take; for what waits for others by itself.
        """
        with self.errors(), self._taking_turns(), self._in_line(queued), self.engine.connect() as connection:
            if self.is_sqlite:
                connection = connection.execution_options(writes=True)
            with connection.begin():
                if self._in_turn and queued:
                    connection.execute(_TURN, {"busy": self._busy_ms, "idle": IDLE_MS})
                yield connection

    def close(self) -> None:
        """Close all connections; one still in use closes when it is given back."""
        give_up(self.engine)

    @contextmanager
    def _taking_turns(self) -> Iterator[None]:
        if self._turn is None:
            yield
        else:
            with self._turn:
                yield

    @contextmanager
    def _in_line(self, queued: bool) -> Iterator[None]:
        if self.line is None or not queued:
            yield
        else:
            with self.line.turn(self._busy_s):
                yield

    @contextmanager
    def errors(self) -> Iterator[None]:
        """What a driver or SQLAlchemy raises, as SqlError."""
        try:
            yield
        except (sa.exc.TimeoutError, NoTurnError) as error:
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
            if any(word in str(getattr(error, "orig", "")) for word in _CORRUPT):
                raise SqlError("数据库文件已损坏", "The database's file is corrupt", permanent=False) from error
            later = str(getattr(getattr(error, "orig", None), "sqlstate", None) or "").startswith(_LATER)
            raise SqlError("数据库拒绝了这次操作", "The database refused this", permanent=not later) from error


def _line_of(file: Path) -> Line:
    with _LINES_LOCK:
        return _LINES.setdefault(file.resolve(), Line())


def give_up(engine: sa.Engine) -> None:
    """Close all connections; one still in use closes when it is given back."""
    if not isinstance(engine.pool, StaticPool):  # which has one for all, and closes it here
        sa.event.listen(engine.pool, "checkin", _close_returned)
    engine.dispose()


def hurry(connection: sa.Connection, within_s: float) -> None:
    """A server gives up each statement of this transaction that takes longer, be it for another's lock.

    SQLite waits for a lock at its beginning only, as long as the database was opened for.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {round(within_s * 1000)}")


def is_sqlite(url: str) -> bool:
    """Whether a URL names SQLite, which is one process's own."""
    try:
        return sa.make_url(url).get_backend_name() == "sqlite"
    except sa.exc.ArgumentError:
        return False


def _close_returned(connection: Any, record: sa.pool.ConnectionPoolEntry) -> None:
    """A pool that was given up keeps nothing."""
    if connection is not None:
        record.close()


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
    # Some drivers forget the number for INSERT unless they are told to keep it.
    return int(connection.execute(statement.execution_options(preserve_rowcount=True), rows).rowcount)


def clean(text: str, limit: int = 20_000) -> str:
    """Text that any database takes: no NUL, no lone surrogate, bounded."""
    return text[:limit].replace("\x00", "").encode("utf-8", "replace").decode()


def like(text: str) -> str:
    """A pattern for `LIKE ... ESCAPE '\\'` that finds the text itself anywhere, wildcards taken as letters."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


_migrating: Final = Lock()
"Alembic keeps its context in a global: one migration at a time in a process."
_MIGRATIONS_LOCK: Final = 1_313_131_313
"The number by which programs that migrate one PostgreSQL database wait for each other."


def alone(connection: sa.Connection) -> None:
    """Wait for any other program that migrates this database; until the end of the transaction it waits for us.

    SQLite's writers stand in line anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATIONS_LOCK)))


def migrate(database: Database, folder: Path, version_table: str) -> None:
    """Bring a database to the newest of the Alembic revisions in `folder`, in one transaction.

    Programs that do so at once wait for each other; the second finds nothing to do. Raises SqlError, SchemaError for
    tables that a newer program has migrated.
    """
    config, script = _script(folder)

    def upgrade(revision: Any, _: object) -> Any:
        return script._upgrade_revs("head", revision)

    with _migrating, database.write(queued=False) as connection:
        alone(connection)
        if _is_current(connection, script, version_table):
            return
        with EnvironmentContext(config, script, fn=upgrade) as environment:
            environment.configure(connection=connection, version_table=version_table, transaction_per_migration=False)
            environment.run_migrations()


def require(database: Database, folder: Path, version_table: str) -> None:
    """Raises SchemaError unless the database is at the newest of the revisions in `folder`; changes nothing."""
    _, script = _script(folder)
    with database.read() as connection:
        if not _is_current(connection, script, version_table):
            found = _revision(connection, version_table)
            raise SchemaError(found, str(script.get_current_head()), older=True)


@cache
def _script(folder: Path) -> tuple[Config, ScriptDirectory]:
    """The revisions of a folder, read once: they are part of this program, and readiness asks every few seconds."""
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    return config, ScriptDirectory.from_config(config)


def _is_current(connection: sa.Connection, script: ScriptDirectory, version_table: str) -> bool:
    """Whether a database is at the newest revision. Raises SchemaError for one that these revisions do not hold."""
    found, wanted = _revision(connection, version_table), str(script.get_current_head())
    if found is not None and found not in {one.revision for one in script.walk_revisions()}:
        raise SchemaError(found, wanted, older=False)
    return found == wanted


def _revision(connection: sa.Connection, version_table: str) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": version_table}).get_current_revision()


def revision(database: Database, version_table: str) -> str | None:
    """The revision a database is at, None for one never migrated."""
    with database.read() as connection:
        return _revision(connection, version_table)
