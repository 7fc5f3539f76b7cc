"""Tables and migrations agree, and databases migrate themselves."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import crm_bridge.embedded.tables
import cti.store.messages_tables
import cti.store.tables
from crm_bridge import sql
from crm_bridge.embedded import EmbeddedCrm
from cti.store import Store, StoreError


@pytest.mark.parametrize(
    ("tables", "prefix", "version"),
    [
        (crm_bridge.embedded.tables.metadata, "crm_", "crm_version"),
        (cti.store.tables.metadata, "", "cti_version"),
    ],
)
def test_migrations_make_exactly_the_tables(tmp_path: Path, tables: sa.MetaData, prefix: str, version: str) -> None:
    """A migrated database has the tables, columns and indexes that the program names, no more and no less."""
    url = f"sqlite:///{tmp_path}/one.db"
    EmbeddedCrm(url).close()
    Store.open(url).close()
    engine = sa.create_engine(url)
    with engine.connect() as connection:

        def ours(item: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:
            if kind != "table" or name is None:
                return True
            is_crm = name.startswith("crm_")
            return is_crm == bool(prefix) and not name.endswith("_version")

        context = MigrationContext.configure(connection, opts={"version_table": version, "include_object": ours})
        assert compare_metadata(context, tables) == []
    engine.dispose()


def test_both_live_in_one_file_each_with_its_own_revision(tmp_path: Path) -> None:
    """CRM and store may share a database: each keeps its own revision and finds only its own tables."""
    url = f"sqlite:///{tmp_path}/one.db"
    EmbeddedCrm(url).close()
    Store.open(url).close()
    database = sql.Database(url)
    assert sql.revision(database, "crm_version") == "0003"
    assert sql.revision(database, "cti_version") == "0006"
    with database.read() as connection:
        names = set(sa.inspect(connection).get_table_names())
    assert not {n for n in names if n.startswith("crm_")} & set(cti.store.tables.metadata.tables)
    database.close()


def test_sqlite_runs_in_wal_mode(tmp_path: Path) -> None:
    """Readers never wait for the writer: the file is in WAL mode."""
    store = Store.open(f"sqlite:///{tmp_path}/cti.db")
    with store.database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    store.close()


def test_a_failed_change_leaves_nothing(tmp_path: Path) -> None:
    """An exception in the middle of a transaction takes everything of it back."""
    store = Store.open(f"sqlite:///{tmp_path}/cti.db")

    def change() -> None:
        with store.database.write() as connection:
            sql.upsert(connection, cti.store.tables.dismissed, [{"user": "a", "pop": "p", "at": 1.0}])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change()
    assert store.dismissed("a") == set()
    store.close()


def test_a_store_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    """A missing folder is a temporary error in words, without path or SQL; a nonsense URL a permanent one."""
    with pytest.raises(StoreError) as caught:
        Store.open(f"sqlite:///{tmp_path}/missing/cti.db")
    assert not caught.value.permanent
    assert "missing" not in str(caught.value)
    with pytest.raises(StoreError) as caught:
        Store.open("nonsense")
    assert caught.value.permanent


def test_an_upsert_of_keys_alone_keeps(tmp_path: Path) -> None:
    """Rows that consist of their key only are simply there once."""
    database = sql.Database(f"sqlite:///{tmp_path}/x.db")
    table = sa.Table("t", sa.MetaData(), sa.Column("a", sa.Integer, primary_key=True))
    with database.write() as connection:
        table.create(connection)
        sql.upsert(connection, table, [{"a": 1}, {"a": 1}, {"a": 2}])
        assert sql.upsert(connection, table, []) == 0
        assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar() == 2
    database.close()


def test_a_store_in_memory_is_one_for_all_threads() -> None:
    """In memory there is one database for all threads, taken in turn."""
    store = Store.open("sqlite://")
    threads = [threading.Thread(target=store.dismiss, args=("lin", f"p{n}", 1.0)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.dismissed("lin")) == 8
    store.close()


def test_writers_take_turns_from_their_first_read_on(tmp_path: Path) -> None:
    """A writer that reads first sees what the writer before it wrote, and neither fails: the second waits its turn."""
    database = sql.Database(f"sqlite:///{tmp_path}/x.db")
    table = sa.Table("t", sa.MetaData(), sa.Column("a", sa.Integer, primary_key=True))
    with database.write() as connection:
        table.create(connection)
    has_read = threading.Event()
    seen: list[int] = []

    def second() -> None:
        with database.write() as connection:
            seen.append(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
            has_read.set()
            connection.execute(sa.insert(table), {"a": 2})

    other = threading.Thread(target=second)
    with database.write() as connection:
        other.start()
        has_read.wait(0.3)  # in vain, where turns are kept
        connection.execute(sa.insert(table), {"a": 1})
    other.join(60)
    assert seen == [1]
    database.close()
