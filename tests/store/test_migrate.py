"""A server's tables are migrated by command, by one program at a time; on other tables the service does not start."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.model import CrmError
from cti import cli
from cti.store import Store, StoreError
from tests.servers.postgresql import Postgresql

GUARD_S = 60.0
NAMES = (f"migrate{n}" for n in count())


@pytest.fixture
def url(postgresql: Postgresql) -> str:
    """An empty database."""
    return postgresql.create(next(NAMES))


@pytest.fixture
def cti(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs `cti`: exit code, and what it said."""

    def run(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = cli.main(words)
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


def config(folder: Path, url: str, more: str = "") -> str:
    """A config file on this database; its path."""
    path = folder / "cti.toml"
    path.write_text(
        '[pbx]\nhost = "127.0.0.1"\nport = 1\nusername = "cti"\nsecret = "none"\n'
        f'[store]\nurl = "{url}"\n[queues.europe]\nlabel = "欧洲航线"\n[web]\nport = 0\n[push]\nport = 0\n{more}',
        encoding="utf-8",
    )
    return str(path)


def execute(url: str, statement: str) -> None:
    """One statement in a database."""
    database = sql.Database(url)
    with database.write() as connection:
        connection.exec_driver_sql(statement)
    database.close()


def test_the_service_does_not_start_on_older_or_newer_tables(
    url: str, tmp_path: Path, cti: Callable[..., tuple[int, str]]
) -> None:
    """Empty, older or newer: `cti run` leaves with code 1 and says in both languages what cures it."""
    path = config(tmp_path, url)
    code, said = cti("run", "--config", path)
    assert (code, "请先运行 cti migrate" in said, "run cti migrate" in said) == (1, True, True), said
    assert "Traceback" not in said
    code, said = cti("migrate", "--config", path, "--check")
    assert (code, said.count("FAIL")) == (1, 2), said
    code, said = cti("migrate", "--config", path)
    assert (code, said.count("ok")) == (0, 2), said
    assert (cti("migrate", "--config", path, "--check"))[0] == 0
    for table, what in (("cti_version", "store"), ("crm_version", "crm")):
        execute(url, f"UPDATE {table} SET version_num = '0001'")
        code, said = cti("run", "--config", path)
        assert (code, "0001" in said, "cti migrate" in said) == (1, True, True), said
        execute(url, f"UPDATE {table} SET version_num = '9999'")
        for command in (["run"], ["migrate"]):
            code, said = cti(*command, "--config", path)
            assert (code, "请更新本程序" in said, "update this program" in said) == (1, True, True), (what, said)
        execute(url, f"UPDATE {table} SET version_num = '{HEADS[table]}'")
    assert (cti("migrate", "--config", path, "--check"))[0] == 0


HEADS: dict[str, str] = {}


@pytest.fixture(autouse=True, scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The newest revisions, as SQLite's own migration tells them."""
    url = f"sqlite:///{tmp_path_factory.mktemp('heads')}/x.db"
    Store.open(url).close()
    EmbeddedCrm(url).close()
    database = sql.Database(url)
    for table in ("cti_version", "crm_version"):
        HEADS[table] = sql.revision(database, table) or ""
    database.close()


def test_nodes_that_migrate_at_once_wait_for_each_other(url: str, tmp_path: Path) -> None:
    """Two nodes migrate an empty database at the same time: all succeed, and the first categories are there once."""
    words = [sys.executable, "-m", "cti", "migrate", "--config", config(tmp_path, url)]
    nodes = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)]
    told = [node.communicate(timeout=GUARD_S)[0].decode() for node in nodes]
    assert [node.returncode for node in nodes] == [0] * 2, told
    crm = EmbeddedCrm(url)
    assert [category.key for category in crm.categories()].count("sea") == 1
    crm.close()


def test_who_migrates_waits_for_who_began_before(url: str) -> None:
    """While another program migrates this one stands in line; it goes on when that one is done."""
    database, store = sql.Database(url), Store.open(url)
    with ThreadPoolExecutor(1) as thread:
        with database.write() as connection:
            sql.alone(connection)
            migrating = thread.submit(store.migrate)
            waiting = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            limit = time.monotonic() + GUARD_S
            while not connection.execute(waiting).scalar() and time.monotonic() < limit:
                time.sleep(0.02)  # the server tells nobody
            assert not migrating.done()
        migrating.result(GUARD_S)
    store.check()
    database.close()
    store.close()


def test_a_mapped_crm_has_its_own_tables_migrated_too(
    url: str, tmp_path: Path, cti: Callable[..., tuple[int, str]]
) -> None:
    """With a mapping the index and the outbox beside the customers are migrated and looked at as well."""
    (tmp_path / "crm.toml").write_text("", encoding="utf-8")
    path = config(tmp_path, url, f'[crm]\nmapping = "{tmp_path}/crm.toml"\n')
    assert (cti("migrate", "--config", path))[0] == 0
    database = sql.Database(url)
    with database.read() as connection:
        names = set(sa.inspect(connection).get_table_names())
    assert {"crmx_ref", "crmx_version"} <= names
    database.close()
    execute(url, "UPDATE crmx_version SET version_num = '9999'")
    code, said = cti("run", "--config", path)
    assert (code, "update this program" in said) == (1, True), said


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_check_tells_older_and_newer_tables(kind: str, postgresql: Postgresql, tmp_path: Path) -> None:
    """`check` of the store and of the CRM raise for good, in words, whichever way the tables differ."""
    made = f"sqlite:///{tmp_path}/x.db" if kind == "sqlite" else postgresql.create(next(NAMES))
    store, crm = Store.open(made), EmbeddedCrm(made)
    store.migrate()
    crm.migrate()
    store.check()
    crm.check()
    checks: tuple[tuple[str, Callable[[], None], type[StoreError] | type[CrmError]], ...] = (
        ("cti_version", store.check, StoreError),
        ("crm_version", crm.check, CrmError),
    )
    for table, check, error in checks:
        for version, word in (("0001", "older"), ("9999", "newer")):
            execute(made, f"UPDATE {table} SET version_num = '{version}'")
            with pytest.raises(error) as caught:
                check()
            told = caught.value
            assert isinstance(told, (StoreError, CrmError))
            assert told.permanent
            assert word in told.text_en
    store.close()
    crm.close()
    if kind == "sqlite":
        with pytest.raises(StoreError, match="更新版本"):
            Store.open(made)
        with pytest.raises(CrmError, match="更新版本"):
            EmbeddedCrm(made)


def test_a_server_that_is_away_is_not_taken_for_old() -> None:
    """No answer is a temporary error, and not one about tables."""
    url = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    store = Store.open(url)
    with pytest.raises(StoreError) as caught:
        store.check()
    assert not caught.value.permanent
    store.close()
