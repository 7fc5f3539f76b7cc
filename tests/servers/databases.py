"""Databases for tests that hold on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import sqlalchemy as sa

from tests.servers.postgresql import Postgresql

_names = count()


class Copies:
    """Copies of one migrated database: made in a twentieth of the time that migrating takes."""

    def __init__(self, server: Postgresql, migrate: Callable[[str], None]) -> None:
        """`migrate` makes the tables at a URL, once."""
        self._server = server
        self._template = f"model{next(_names)}"
        migrate(server.create(self._template))
        self._engine = sa.create_engine(server.url("postgres"), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")

    def new(self) -> tuple[str, Callable[[], None]]:
        """URL of a database with the tables and nothing in it, and what takes it away."""
        name = f"copy{next(_names)}"
        self._do(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}" STRATEGY file_copy')
        return self._server.url(name), lambda: self._do(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _do(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql(statement)
