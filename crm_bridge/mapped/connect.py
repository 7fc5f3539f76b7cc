"""The one way to somebody else's database: it reads only, has deadlines, and is left alone while it is broken.

Questions of a ringing phone and of the record run in a few threads of our own, so that a database that hangs holds
those and nobody else; whoever asks waits no longer than the deadline. The sync reads on a connection apart, in its
own thread. After five failures in a row the database is asked nothing for half a minute, then once.
"""

from __future__ import annotations

import math
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, Final, TypeVar
from urllib.parse import quote

import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.mapped.mapping import SourceSpec
from crm_bridge.model import CrmError

FAILURES: Final = 5
OPEN_S: Final = 30.0
T = TypeVar("T")
Rows = list[Mapping[str, Any]]


class SourceError(CrmError):
    """The other database did not answer (`permanent` False), or the mapping asked it something wrong (True)."""

    guarded = True


class Breaker:
    """Counts failures in a row; any thread may call."""

    def __init__(self, clock: Callable[[], float], failures: int = FAILURES, open_s: float = OPEN_S) -> None:
        self._clock = clock
        self._failures = failures
        self._open_s = open_s
        self._count = 0
        self._until = 0.0
        self._lock = threading.Lock()

    @property
    def ok(self) -> bool:
        """False from the failure that opened it until something worked."""
        return self._count < self._failures

    def admits(self) -> bool:
        """Whether to ask now: always while it is closed, once a pause while it is open."""
        with self._lock:
            if self._count < self._failures:
                return True
            if self._clock() < self._until:
                return False
            self._until = self._clock() + self._open_s
            return True

    def worked(self) -> None:
        """The database answered."""
        with self._lock:
            self._count = 0

    def failed(self) -> None:
        """It did not."""
        with self._lock:
            self._count += 1
            if self._count >= self._failures:
                self._until = self._clock() + self._open_s


class Source:
    """A database that is read."""

    def __init__(self, spec: SourceSpec, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Opens no connection yet. Raises SourceError for a URL that cannot be used."""
        self.spec = spec
        self.breaker = Breaker(clock)
        self._threads = _Threads(max(1, spec.pool))
        try:
            self._live = _engine(spec, spec.section_timeout, spec.pool)
            self._bulk = _engine(spec, spec.bulk_timeout, 2)
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError, ValueError) as error:
            raise SourceError(
                "客户库地址不可用，或缺少它的驱动",
                text_en="The CRM's URL cannot be used, or its driver is missing",
                permanent=True,
            ) from error
        self.dialect = self._live.dialect
        self._bytewise = bool(spec.charset) and self.dialect.name in ("mysql", "mariadb")

    def ask(self, statement: Any, parameters: Mapping[str, Any], *, limit: int, deadline_s: float) -> Rows:
        """The first rows of an answer, waited for no longer than `deadline_s`. Raises SourceError."""
        if not self.breaker.admits():
            raise _away()
        future = self._threads.run(lambda: self._fetch(self._live, statement, parameters, limit))
        try:
            return self._counted(lambda: future.result(deadline_s))
        finally:
            future.cancel()

    def read(self, statement: Any, parameters: Mapping[str, Any], *, limit: int) -> Rows:
        """One page for the sync, in the calling thread. Raises SourceError."""
        return self._counted(lambda: self._fetch(self._bulk, statement, parameters, limit))

    def close(self) -> None:
        """Give the connections back; one still in use is closed behind its answer, or with the process."""
        self._threads.close()
        for engine in (self._live, self._bulk):
            sql.give_up(engine)

    def _fetch(self, engine: sa.Engine, statement: Any, parameters: Mapping[str, Any], limit: int) -> Rows:
        with engine.connect() as connection:
            found = connection.execute(statement, dict(parameters)).mappings().fetchmany(limit)
        if self._bytewise:
            return [{name: _redone(value, self.spec.charset) for name, value in row.items()} for row in found]
        return [dict(row) for row in found]

    def _counted(self, fetch: Callable[[], Rows]) -> Rows:
        try:
            found = fetch()
        except (FutureTimeout, TimeoutError) as error:
            self.breaker.failed()
            raise _away() from error
        except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError, OSError) as error:
            if _is_wrong(error):
                raise _wrong() from error
            self.breaker.failed()
            raise _away() from error
        except Exception as error:  # a driver stumbles over a value in its own way
            raise _wrong() from error
        self.breaker.worked()
        return found


def _away() -> SourceError:
    return SourceError("客户库没有答复", text_en="The CRM does not answer", permanent=False)


def _wrong() -> SourceError:
    return SourceError(
        "客户库拒绝了查询，请运行 cti crm check",
        text_en="The CRM refused the query: run cti crm check",
        permanent=True,
    )


_SQLITE_WRONG: Final = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_MISMATCH})
_MYSQL_WRONG: Final = frozenset({1044, 1049, 1054, 1142, 1143, 1146, 1290, 1792})
"No right, no such database, column or table, no writing."


def _is_wrong(error: Exception) -> bool:
    """SQLite and MySQL report a mistake in a query or a right that is missing as an operational error."""
    original = getattr(error, "orig", None)
    if isinstance(original, sqlite3.Error):
        return getattr(original, "sqlite_errorcode", 0) & 0xFF in _SQLITE_WRONG
    code = original.args[0] if original is not None and original.args else None
    return code in _MYSQL_WRONG


def _redone(value: Any, charset: str) -> Any:
    """A text that came a byte a character."""
    return value.encode("latin-1", "replace").decode(charset, "replace") if isinstance(value, str) else value


def _engine(spec: SourceSpec, timeout_s: float, pool: int) -> sa.Engine:
    url = sa.make_url(spec.url)
    name = url.get_backend_name()
    options: dict[str, Any] = {
        "hide_parameters": True,
        "pool_size": pool,
        "max_overflow": 1,
        "pool_timeout": timeout_s,
        "pool_recycle": 600,
    }
    if name == "sqlite":
        path = url.database or ""
        # Never make an empty database where the CRM's should be.
        address = f"file:{quote(path)}?mode=rw"

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(address, uri=True, timeout=timeout_s, check_same_thread=False)
            connection.execute("PRAGMA query_only = ON")
            if spec.charset:
                connection.text_factory = lambda raw: raw.decode(spec.charset, "replace")
            else:
                connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            _limit_sqlite(connection, timeout_s)
            return connection

        return sa.create_engine(url.set(database=path), creator=connect, **options)
    options["pool_pre_ping"] = True
    options["isolation_level"] = "AUTOCOMMIT"
    if name == "postgresql":
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        if url.drivername == "postgresql+psycopg":
            options["connect_args"] = {
                "connect_timeout": max(2, math.ceil(spec.connect_timeout)),
                "tcp_user_timeout": int(timeout_s * 1000) + 1000,
                "options": f"-c statement_timeout={int(timeout_s * 1000)} -c default_transaction_read_only=on",
            }
    elif name in ("mysql", "mariadb"):
        if url.drivername in ("mysql", "mariadb"):
            url = url.set(drivername=f"{url.drivername}+pymysql")
        if url.drivername.endswith("+pymysql"):
            options["connect_args"] = {
                "connect_timeout": max(1, math.ceil(spec.connect_timeout)),
                "read_timeout": max(1, math.ceil(timeout_s)) + 1,
                "write_timeout": max(1, math.ceil(timeout_s)) + 1,
            }
    engine = sa.create_engine(url, **options)
    if name in ("mysql", "mariadb"):
        sa.event.listen(engine, "connect", lambda raw, _: _limit_mysql(raw, timeout_s, bare=bool(spec.charset)))
    return engine


_STEPS: Final = 20_000
"Virtual machine steps of SQLite between two looks at the clock."


def _limit_sqlite(connection: sqlite3.Connection, timeout_s: float) -> None:
    """End a statement that runs longer; SQLite has no time-out of its own."""
    began: list[float] = [0.0]

    def begin(_: str) -> None:
        began[0] = time.monotonic()

    connection.set_trace_callback(begin)
    connection.set_progress_handler(lambda: int(time.monotonic() - began[0] > timeout_s), _STEPS)


def _limit_mysql(connection: Any, timeout_s: float, *, bare: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION READ ONLY")
        if bare:
            # Bytes as they stand, a character each, for columns that say latin1 and hold something else.
            cursor.execute("SET character_set_results = NULL")
            connection.encoding = "latin-1"
        version = connection.get_server_info()
        if "MariaDB" in version:
            cursor.execute("SET SESSION max_statement_time = %s", (timeout_s,))
        elif not version.startswith(("4.", "5.0", "5.1", "5.5", "5.6")):
            cursor.execute("SET SESSION max_execution_time = %s", (int(timeout_s * 1000),))


class _Threads:
    """A few threads that die with the process: one that hangs in a driver must not hold up the end of the service."""

    def __init__(self, size: int) -> None:
        self._work: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._size = size
        self._started: list[threading.Thread] = []
        self._lock = threading.Lock()

    def run(self, call: Callable[[], T]) -> Future[T]:
        """Call it in one of the threads; a future that is cancelled before its turn is left out."""
        future: Future[T] = Future()
        with self._lock:
            if len(self._started) < self._size:
                thread = threading.Thread(target=self._loop, name="crm-source", daemon=True)
                self._started.append(thread)
                thread.start()
        self._work.put((future, call))
        return future

    def close(self) -> None:
        for _ in self._started:
            self._work.put(None)

    def _loop(self) -> None:
        while (item := self._work.get()) is not None:
            future, call = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(call())
            except BaseException as error:  # handed to who waits
                future.set_exception(error)


def texts(names: Sequence[str]) -> list[sa.ColumnClause[Any]]:
    """Columns of a foreign table, whose types are not asked for: values come as the driver gives them."""
    return [sa.column(name) for name in names]


def untyped(name: str, *, expanding: bool = False) -> sa.BindParameter[Any]:
    """A parameter that goes out as it is, without a cast: the database fits it to the column it is compared with."""
    return sa.bindparam(name, type_=sa.types.NullType(), expanding=expanding)
