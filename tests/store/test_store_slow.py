"""A PostgreSQL that is locked, slow or away: what can come again gives up soon and is not given up for good (F16)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from cti.history.recorder import Free, Notes
from cti.store import Store, StoreError
from tests.servers.postgresql import Postgresql
from tests.store.records import call

NAMES = (f"slow{number}" for number in itertools.count())


@pytest.fixture
def url(postgresql: Postgresql) -> str:
    """An empty store's URL."""
    made = postgresql.create(next(NAMES))
    store = Store.open(made)
    store.migrate()
    store.close()
    return made


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """The store."""
    made = Store.open(url)
    yield made
    made.close()


@contextmanager
def impatient(store: Store) -> Iterator[None]:
    """Meanwhile a statement is soon given up: what shall be done and not refused has the time that it ever has."""
    store.statement_s = 0.1
    yield
    store.statement_s = Store.statement_s


def admin(url: str) -> psycopg.Connection[tuple[object, ...]]:
    """Somebody else at the database."""
    return psycopg.connect(url.replace("+psycopg", ""))


NOTES = Notes(free=(Free(queue="europe", at_ms=1, free=1),), calls=frozenset({"c"}))


def test_locked_table_is_given_up_soon_and_asked_again(store: Store, url: str) -> None:
    """While another holds the tables, calls and notes are refused as what may come again; then they are taken."""
    with admin(url) as other, impatient(store):
        other.execute("SET idle_in_transaction_session_timeout = '8s'")  # a store that waits shall fail, not hang
        other.execute('LOCK TABLE "call", call_visit, queue_free IN ACCESS EXCLUSIVE MODE')
        writes: list[Callable[[], None]] = [
            lambda: store.save_calls([call("c")], "p"),
            lambda: store.drop_calls(["c"]),
            lambda: store.save_notes(NOTES),
        ]
        for write in writes:
            with pytest.raises(StoreError) as refused:
                write()
            assert not refused.value.permanent
        other.rollback()
    store.save_calls([call("c")], "p")
    store.save_notes(NOTES)
    assert store.call("c") == call("c")


def test_slow_statement_is_given_up_soon(store: Store, url: str) -> None:
    """A trigger that sleeps does not hold the writer for longer than a statement may take."""
    with admin(url) as other:
        other.execute(
            "CREATE FUNCTION sleepy() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN PERFORM pg_sleep(8); RETURN NEW; END$$"
        )
        other.execute('CREATE TRIGGER sleepy BEFORE INSERT ON "call" FOR EACH ROW EXECUTE FUNCTION sleepy()')
    with impatient(store), pytest.raises(StoreError) as refused:
        store.save_calls([call("c")], "p")
    assert not refused.value.permanent
    with admin(url) as other:
        other.execute('DROP TRIGGER sleepy ON "call"')
    store.save_calls([call("c")], "p")
    assert store.call("c") == call("c")


@pytest.mark.parametrize(
    ("spoil", "cure"),
    [
        ("ALTER DATABASE {} SET default_transaction_read_only = on", "ALTER DATABASE {} RESET ALL"),
        ('ALTER TABLE "call" RENAME TO elsewhere', 'ALTER TABLE elsewhere RENAME TO "call"'),
        (
            'ALTER TABLE "call" RENAME COLUMN wait_s TO elsewhere',
            'ALTER TABLE "call" RENAME COLUMN elsewhere TO wait_s',
        ),
    ],
)
def test_what_the_servers_keeper_can_put_right_costs_no_call(url: str, spoil: str, cure: str) -> None:
    """A read-only server, or a table that is not there: calls are not given up for it, they wait."""
    name = url.rpartition("/")[2]
    with admin(url) as other:
        other.execute(spoil.format(name))
    store = Store.open(url)
    try:
        with pytest.raises(StoreError) as refused:
            store.save_calls([call("c")], "p")
        assert not refused.value.permanent
        if "COLUMN" not in spoil:  # a column's name is no sign of how the store is
            with pytest.raises(StoreError):
                store.check()
    finally:
        store.close()
    with admin(url) as other:
        other.read_only = False
        other.execute(cure.format(name))
    store = Store.open(url)
    store.save_calls([call("c")], "p")
    store.close()
