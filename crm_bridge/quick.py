"""The few statements that every ringing phone asks, run on SQLite's driver itself.

SQLAlchemy builds and caches the SQL; around each execution it spends five to ten times what SQLite needs for a few
index probes. So statements that are registered here are compiled once and run on a connection of the calling thread's
own. Any other database, and any other statement, goes the usual way and gives the same rows.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Final, Protocol

import sqlalchemy as sa

from crm_bridge import sql

_registered: Final[dict[int, Any]] = {}


def prepare(*statements: Any) -> None:
    """Register statements that live as long as the program."""
    for statement in statements:
        _registered[id(statement)] = statement


class Answer(Protocol):
    """Rows of an answer, by attribute."""

    def all(self) -> Any:
        """All rows."""

    def first(self) -> Any:
        """The first, or None."""

    def __iter__(self) -> Iterator[Any]:
        """One after the other."""


class Reads(Protocol):
    """What a reading transaction is asked: an SQLAlchemy connection, or one of ours."""

    def execute(self, statement: Any, parameters: Any = None, /) -> Any:
        """Rows of a statement, an `Answer`."""


class _Rows(list[Any]):
    """An answer that has been read."""

    def all(self) -> list[Any]:
        return self

    def first(self) -> Any:
        return self[0] if self else None


class _Prepared:
    """A statement as SQLite takes it, with how its parameters stand and what its rows become."""

    def __init__(self, statement: Any, parameters: Mapping[str, Any], dialect: Any) -> None:
        # What stands in the place of each parameter now is never used: each run gives its own.
        blank = {name: [None] * len(one) if isinstance(one, list) else None for name, one in parameters.items()}
        state = statement.compile(dialect=dialect).construct_expanded_state(blank)
        self.sql: str = state.statement
        self._names: list[str] = list(state.positiontup or ())
        self._fixed = dict(state.parameters)
        columns = list(statement.selected_columns)
        # A column of a row may be called count, which a tuple has; it is then asked for under its label.
        names = [column.key or f"c{place}" for place, column in enumerate(columns)]
        unique = [name if names.index(name) == place else f"{name}_{place}" for place, name in enumerate(names)]
        self._row: Any = namedtuple("Row", unique, rename=True)  # type: ignore[misc]
        self._readers: list[tuple[int, Callable[[Any], Any]]] = [
            (place, json.loads) for place, column in enumerate(columns) if isinstance(column.type, sa.JSON)
        ] + [(place, bool) for place, column in enumerate(columns) if isinstance(column.type, sa.Boolean)]

    def run(self, connection: sqlite3.Connection, parameters: Mapping[str, Any]) -> _Rows:
        fixed = self._fixed
        given = [parameters[name] if name in parameters else fixed[name] for name in self._names]
        found = connection.execute(self.sql, given).fetchall()
        make, readers = self._row._make, self._readers
        if not readers:
            return _Rows(map(make, found))
        rows = _Rows()
        for raw in found:
            cells = list(raw)
            for place, read in readers:
                if cells[place] is not None:
                    cells[place] = read(cells[place])
            rows.append(make(cells))
        return rows


class Quick:
    """Quick reading of one SQLite file; any thread may call."""

    def __init__(self, database: sql.Database, failed: Callable[[sql.SqlError], Exception]) -> None:
        """`failed` turns what a database could not do into what the reader is told."""
        self.database = database
        self.failed = failed
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._plain: dict[int, _Prepared] = {}
        self._listed: dict[tuple[Any, ...], _Prepared] = {}
        self.usable = database.is_sqlite and database.engine.url.database not in (None, "", ":memory:")

    def read(self, *, single: bool = False) -> AbstractContextManager[Reads]:
        """One consistent view, or one statement. Raises what `failed` makes of it."""
        return _View(self, single) if self.usable else self._usual()

    @contextmanager
    def _usual(self) -> Iterator[Reads]:
        try:
            with self.database.read() as connection:
                yield connection
        except sql.SqlError as error:
            raise self.failed(error) from error

    def close(self) -> None:
        """Close the connections of all threads; none may be reading."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()
            self._local = threading.local()

    def connection(self) -> sqlite3.Connection:
        """The calling thread's own."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            with self.database.errors():
                fairy = self.database.engine.raw_connection()
                found = fairy.driver_connection
                fairy.detach()
            assert isinstance(found, sqlite3.Connection)  # noqa: S101 - `usable` said so
            self._local.connection = found
            with self._lock:
                self._open.append(found)
        return found

    def forget(self) -> None:
        """A connection that failed is not asked again: its file may be another by now."""
        found = getattr(self._local, "connection", None)
        self._local.connection = None
        if found is not None:
            with self._lock:
                if found in self._open:
                    self._open.remove(found)
            found.close()

    def run(self, connection: sqlite3.Connection, statement: Any, parameters: Mapping[str, Any]) -> _Rows | None:
        """The answer of a registered statement; None for one that is not."""
        found = self._plain.get(id(statement))
        if found is not None:
            return found.run(connection, parameters)
        if id(statement) not in _registered:
            return None
        lists = {name: value for name, value in parameters.items() if isinstance(value, list)}
        if not lists:
            found = self._plain[id(statement)] = _Prepared(statement, parameters, self.database.engine.dialect)
            return found.run(connection, parameters)
        place = (id(statement), *((name, len(value)) for name, value in lists.items()))
        found = self._listed.get(place)
        if found is None:
            found = self._listed[place] = _Prepared(statement, parameters, self.database.engine.dialect)
        single = {name: value for name, value in parameters.items() if name not in lists}
        for name, value in lists.items():
            single |= {f"{name}_{nth}": one for nth, one in enumerate(value, 1)}
        return found.run(connection, single)


class _View:
    """A reading transaction; the usual connection is opened only for a statement that is not registered."""

    __slots__ = ("_began", "_connection", "_quick", "_single", "_usual")

    def __init__(self, quick: Quick, single: bool) -> None:
        self._quick = quick
        self._single = single
        self._began = False
        self._usual: Any = None

    def __enter__(self) -> Reads:
        try:
            self._connection = self._quick.connection()
        except sql.SqlError as error:
            raise self._quick.failed(error) from error
        return self

    def execute(self, statement: Any, parameters: Any = None, /) -> Any:
        if not (self._began or self._single):
            self._connection.execute("BEGIN")
            self._began = True
        found = self._quick.run(self._connection, statement, parameters or {})
        if found is not None:
            return found
        if self._usual is None:
            self._usual = self._quick.database.engine.connect()
        return self._usual.execute(statement, parameters)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._usual is not None:
            self._usual.close()
        if self._began and error is None:
            self._connection.execute("COMMIT")
        elif self._began:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
        if isinstance(error, (sqlite3.Error, sa.exc.SQLAlchemyError)):
            self._quick.forget()
            try:
                with self._quick.database.errors():
                    raise sa.exc.OperationalError("", {}, error) if isinstance(error, sqlite3.Error) else error
            except sql.SqlError as told:
                raise self._quick.failed(told) from error
