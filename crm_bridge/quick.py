"""The few statements that every ringing phone asks, run on the database's own driver.

SQLAlchemy builds and caches the SQL; around each execution it spends five to ten times what SQLite needs for a few
index probes, and on PostgreSQL two round trips for a transaction that a single statement does not need. So statements
that are registered here are compiled once and run on connections kept for reading. Any other statement, and a database
in memory, goes the usual way and gives the same rows.
"""

from __future__ import annotations

import json
import sqlite3
from collections import deque, namedtuple
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Final, Protocol

import msgspec
import psycopg
import sqlalchemy as sa

from crm_bridge import sql

_registered: Final[dict[int, tuple[Any, bool]]] = {}
_broken: Final = (sqlite3.Error, psycopg.Error)


def prepare(*statements: Any, bare: bool = False) -> None:
    """Register statements that live as long as the program. Rows of `bare` ones need have no names."""
    for statement in statements:
        _registered[id(statement)] = statement, bare


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

    __slots__ = ()

    def all(self) -> list[Any]:
        return self

    def first(self) -> Any:
        return self[0] if self else None


class _Prepared:
    """A statement as its driver takes it, with how its parameters stand and what its rows become."""

    def __init__(self, statement: Any, bare: bool, parameters: Mapping[str, Any], dialect: Any) -> None:
        # What stands in the place of each parameter now is never used: each run gives its own.
        blank = {name: [None] * len(one) if isinstance(one, list) else None for name, one in parameters.items()}
        state = statement.compile(dialect=dialect).construct_expanded_state(blank)
        of_lists = {
            f"{name}_{nth}": (name, nth - 1)
            for name, one in parameters.items()
            if isinstance(one, list)
            for nth in range(1, len(one) + 1)
        }
        self.sql: str = state.statement
        self._more: dict[str, Any] = {}
        names: list[str]
        if state.positiontup is None:
            # What psycopg must look for in a long text each time is cheaper found once: places by number.
            names = [name for name in state.parameters if name in parameters or name in of_lists]
            numbered = {name: f"${place}" for place, name in enumerate(names, 1)}
            self.sql %= {name: numbered.get(name) or _literal(value) for name, value in state.parameters.items()}
            self._more["prepare"] = True
        else:
            names = list(state.positiontup)
        self._given: list[Any] = [state.parameters[name] for name in names]
        "Parameters that never change, and room for the others."
        self._places = [(place, name) for place, name in enumerate(names) if name in parameters]
        self._listed = [(place, *of_lists[name]) for place, name in enumerate(names) if name in of_lists]
        columns = list(statement.selected_columns)
        # A column of a row may be called count, which a tuple has; it is then asked for under its label.
        labels = [column.key or f"c{place}" for place, column in enumerate(columns)]
        unique = [name if labels.index(name) == place else f"{name}_{place}" for place, name in enumerate(labels)]
        row: Any = namedtuple("Row", unique, rename=True)  # type: ignore[misc]
        self._make: Any = None if bare else row._make
        self._readers: list[tuple[int, Callable[[Any], Any]]] = []
        if dialect.name == "sqlite":
            self._readers += [(place, _from_json) for place, c in enumerate(columns) if isinstance(c.type, sa.JSON)]
            self._readers += [(place, bool) for place, c in enumerate(columns) if isinstance(c.type, sa.Boolean)]

    def run(self, cursor: Any, parameters: Mapping[str, Any]) -> _Rows:
        given = self._given.copy()
        for place, name in self._places:
            given[place] = parameters[name]
        for place, name, nth in self._listed:
            given[place] = parameters[name][nth]
        found = cursor.execute(self.sql, given, **self._more).fetchall()
        readers = self._readers
        if readers:
            for nth, raw in enumerate(found):
                cells = list(raw)
                for place, read in readers:
                    if cells[place] is not None:
                        cells[place] = read(cells[place])
                found[nth] = cells
        return _Rows(found if self._make is None else map(self._make, found))


def _literal(value: Any) -> str:
    """A constant of our own statements, as PostgreSQL reads it."""
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def _from_json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except ValueError:  # what JSON does not have but Python's writer writes: NaN, half a surrogate pair
        return json.loads(text)


class Quick:
    """Quick reading of one database; any thread may call."""

    def __init__(self, database: sql.Database, failed: Callable[[sql.SqlError], Exception]) -> None:
        """`failed` turns what a database could not do into what the reader is told."""
        self.database = database
        self.failed = failed
        self._free: deque[Any] = deque()
        "Cursors of connections nobody reads on: as many as once read at the same time."
        self._closed = 0
        "How often all were closed: what was lent before is not kept when it comes back."
        self._plain: dict[int, _Prepared] = {}
        self._listed: dict[tuple[Any, ...], _Prepared] = {}
        dialect = database.engine.dialect
        self.on_server = (dialect.name, dialect.driver) == ("postgresql", "psycopg")
        in_file = database.is_sqlite and database.engine.url.database not in (None, "", ":memory:")
        self.usable = in_file or self.on_server

    def read(self, *, single: bool = False) -> AbstractContextManager[Reads]:
        """One consistent view, or one statement. Raises what `failed` makes of it.

        On a server each statement sees what is committed then, as it does in every transaction there.
        """
        return _View(self, single or self.on_server) if self.usable else self._usual()

    @contextmanager
    def _usual(self) -> Iterator[Reads]:
        try:
            with self.database.read() as connection:
                yield connection
        except sql.SqlError as error:
            raise self.failed(error) from error

    def close(self) -> None:
        """Close the connections; one that is being read on closes when it comes back."""
        self._closed += 1
        while self._free:
            self._free.pop().connection.close()

    def take(self) -> tuple[Any, int]:
        """A cursor, the caller's own until it is given back, and when its connection was made. Raises SqlError."""
        made = self._closed
        with suppress(IndexError):
            return self._free.pop(), made
        with self.database.errors():
            fairy = self.database.engine.raw_connection()
            found = fairy.driver_connection
            fairy.detach()
        if isinstance(found, psycopg.Connection):
            found.rollback()
            found.autocommit = True
            return psycopg.RawCursor(found), made
        assert found is not None  # noqa: S101 - it was just opened
        return found.cursor(), made

    def give_back(self, cursor: Any, made: int) -> None:
        """The caller reads on it no longer."""
        if made == self._closed:
            self._free.append(cursor)
        else:
            cursor.connection.close()

    def forget(self, cursor: Any) -> None:
        """A connection that failed is not asked again, nor any made like it: the file may be another by now."""
        self.close()
        with suppress(*_broken):
            cursor.connection.close()

    def run(self, cursor: Any, statement: Any, parameters: Mapping[str, Any]) -> _Rows | None:
        """The answer of a registered statement; None for one that is not."""
        found = self._plain.get(id(statement))
        if found is not None:
            return found.run(cursor, parameters)
        if id(statement) not in _registered:
            return None
        bare = _registered[id(statement)][1]
        lists = {name: value for name, value in parameters.items() if isinstance(value, list)}
        if not lists:
            found = self._plain[id(statement)] = _Prepared(statement, bare, parameters, self.database.engine.dialect)
            return found.run(cursor, parameters)
        place = (id(statement), *((name, len(value)) for name, value in lists.items()))
        found = self._listed.get(place)
        if found is None:
            found = self._listed[place] = _Prepared(statement, bare, parameters, self.database.engine.dialect)
        return found.run(cursor, parameters)


class _View:
    """A reading transaction; the usual connection is opened only for a statement that is not registered."""

    __slots__ = ("_began", "_cursor", "_made", "_quick", "_read", "_single", "_usual")

    def __init__(self, quick: Quick, single: bool) -> None:
        self._quick = quick
        self._single = single
        self._began = False
        self._read = False
        self._usual: Any = None

    def __enter__(self) -> Reads:
        try:
            self._cursor, self._made = self._quick.take()
        except sql.SqlError as error:
            raise self._quick.failed(error) from error
        return self

    def execute(self, statement: Any, parameters: Any = None, /) -> Any:
        if not (self._began or self._single):
            self._cursor.execute("BEGIN")
            self._began = True
        try:
            found = self._quick.run(self._cursor, statement, parameters or {})
        except psycopg.OperationalError:
            # A server that was started anew closed what waited here. Nothing has been read yet: a new one is asked.
            if self._read or not self._cursor.connection.closed:
                raise
            self._quick.forget(self._cursor)
            self._cursor, self._made = self._quick.take()
            found = self._quick.run(self._cursor, statement, parameters or {})
        self._read = True
        if found is not None:
            return found
        if self._usual is None:
            self._usual = self._quick.database.engine.connect()
        return self._usual.execute(statement, parameters)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._usual is not None:
            self._usual.close()
        if not isinstance(error, (*_broken, sa.exc.SQLAlchemyError, sql.SqlError)):
            if self._began:
                self._cursor.execute("COMMIT")
            self._quick.give_back(self._cursor, self._made)
            return
        self._quick.forget(self._cursor)
        try:
            with self._quick.database.errors():
                raise _wrapped(error)
        except sql.SqlError as told:
            raise self._quick.failed(told) from error


def _wrapped(error: Exception) -> Exception:
    """What SQLAlchemy would have made of a driver's error."""
    if isinstance(error, (sqlite3.Error, psycopg.OperationalError, psycopg.InterfaceError)):
        return sa.exc.OperationalError("", {}, error)
    return sa.exc.DBAPIError("", {}, error) if isinstance(error, psycopg.Error) else error
