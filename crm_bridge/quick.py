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
from contextlib import contextmanager
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

    def __init__(self, database: sql.Database) -> None:
        self._database = database
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._prepared: dict[tuple[Any, ...], _Prepared] = {}
        engine = database.engine
        self.usable = database.is_sqlite and engine.url.database not in (None, "", ":memory:")

    @contextmanager
    def read(self) -> Iterator[Reads]:
        """One consistent view. Raises SqlError."""
        if not self.usable:
            with self._database.read() as connection:
                yield connection
            return
        view = _View(self, self._connection())
        try:
            yield view
        except sqlite3.Error as error:
            view.end()
            self._forget()
            with self._database.errors():
                raise sa.exc.OperationalError("", {}, error) from error
        finally:
            view.end()

    def close(self) -> None:
        """Close the connections of all threads; none may be reading."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()
            self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            with self._database.errors():
                fairy = self._database.engine.raw_connection()
                found = fairy.driver_connection
                fairy.detach()
            assert isinstance(found, sqlite3.Connection)  # noqa: S101 - `usable` said so
            self._local.connection = found
            with self._lock:
                self._open.append(found)
        return found

    def _forget(self) -> None:
        """A connection that failed is not asked again: its file may be another by now."""
        found = getattr(self._local, "connection", None)
        self._local.connection = None
        if found is not None:
            with self._lock:
                if found in self._open:
                    self._open.remove(found)
            found.close()

    def prepared(self, statement: Any, parameters: Mapping[str, Any]) -> _Prepared | None:
        """The statement made ready; None for one that was not registered."""
        if id(statement) not in _registered:
            return None
        lengths = {name: len(value) for name, value in parameters.items() if isinstance(value, list)}
        place = (id(statement), *lengths.items())
        found = self._prepared.get(place)
        if found is None:
            found = self._prepared[place] = _Prepared(statement, parameters, self._database.engine.dialect)
        return found


class _View:
    """A reading transaction; the usual connection is opened only for a statement that is not registered."""

    def __init__(self, quick: Quick, connection: sqlite3.Connection) -> None:
        self._quick = quick
        self._connection = connection
        self._began = False
        self._usual: Any = None

    def execute(self, statement: Any, parameters: Any = None, /) -> Any:
        given = parameters or {}
        ready = self._quick.prepared(statement, given)
        if ready is None:
            if self._usual is None:
                self._usual = self._quick._database.engine.connect()
            return self._usual.execute(statement, parameters)
        if not self._began:
            self._connection.execute("BEGIN")
            self._began = True
        expanded = {
            (f"{name}_{place}" if isinstance(value, list) else name): one
            for name, value in given.items()
            for place, one in enumerate(value if isinstance(value, list) else [value], 1)
        }
        return ready.run(self._connection, expanded)

    def end(self) -> None:
        """Give the view up."""
        if self._began:
            self._began = False
            self._connection.execute("COMMIT")
        if self._usual is not None:
            self._usual.close()
            self._usual = None
