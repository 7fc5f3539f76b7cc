"""Writers of one file of SQLite's: each has his turn, in the order in which they asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from crm_bridge.line import Line, NoTurnError
from crm_bridge.sql import Database, SqlError

GUARD_S = 30.0
PLACE = sa.table("place", sa.column("who"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file in which writers leave their names."""
    path = tmp_path / "line.db"
    database = Database(f"sqlite:///{path}")
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE place (n INTEGER PRIMARY KEY, who TEXT)")
    database.close()
    return path


def _until(true: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < GUARD_S
        time.sleep(0.001)  # another thread's step: nobody tells


def _waiting(database: Database) -> int:
    assert database.line is not None
    return len(database.line)


def test_who_writes_again_at_once_comes_behind_those_who_wait(file: Path) -> None:
    """By itself SQLite lets whoever asks in the right moment go first, and one may wait in vain for seconds."""
    one, other = Database(f"sqlite:///{file}"), Database(f"sqlite:///{file.parent}/./{file.name}")

    def write(database: Database, who: str) -> None:
        with database.write() as connection:
            connection.execute(sa.insert(PLACE).values(who=who))

    with ThreadPoolExecutor(5) as threads:
        done = []
        with one.write() as connection:
            connection.execute(sa.insert(PLACE).values(who="first"))
            for n in range(5):
                done.append(threads.submit(write, other, f"waits {n}"))
                _until(lambda n=n: _waiting(other) == n + 1)  # type: ignore[misc]
        write(one, "again")
        for future in done:
            future.result(GUARD_S)
    with one.read() as connection:
        order = list(connection.execute(sa.text("SELECT who FROM place ORDER BY n")).scalars())
    assert order == ["first", *(f"waits {n}" for n in range(5)), "again"]
    one.close()
    other.close()


def test_whose_turn_does_not_come_is_told_that_the_database_is_busy(file: Path) -> None:
    """It can be asked again; who gave up keeps nobody behind him from his turn."""
    one, other = Database(f"sqlite:///{file}"), Database(f"sqlite:///{file}", busy_s=0.05)
    with one.write(), pytest.raises(SqlError, match="busy") as refused, other.write():
        pass
    assert not refused.value.permanent
    with other.write() as connection:
        connection.execute(sa.insert(PLACE).values(who="at last"))
    one.close()
    other.close()


def test_a_turn_that_ends_in_an_error_is_given_on() -> None:
    """Whatever happens in it."""
    line = Line()
    with pytest.raises(ValueError, match="spoilt"), line.turn(GUARD_S):
        raise ValueError("spoilt")
    with line.turn(0.0), pytest.raises(NoTurnError), line.turn(0.0):
        pass
    assert len(line) == 0
