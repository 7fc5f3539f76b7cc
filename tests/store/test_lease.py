"""One leader at a time: leases and epochs on SQLite and PostgreSQL, and a leader that was stopped in mid-write."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from cti.store import Store, StoreError
from cti.store.lease import Lease, StaleEpochError, lease
from tests.servers.postgresql import Postgresql
from tests.store.records import call

NAMES = (f"lease{number}" for number in itertools.count())
GUARD_S = 30


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database with the store's tables."""
    if request.param == "sqlite":
        made = f"sqlite:///{tmp_path}/cti.db"
    else:
        made = request.getfixturevalue("postgresql").create(next(NAMES))
    store = Store.open(made)
    store.migrate()
    store.close()
    return made


@pytest.fixture
def both(url: str) -> Iterator[tuple[Store, Store]]:
    """Two nodes on one database."""
    nodes = Store.open(url), Store.open(url)
    yield nodes
    for node in nodes:
        node.close()


def test_one_leads_and_the_other_waits_for_the_lease_to_end(both: tuple[Store, Store]) -> None:
    """While one node's lease runs nobody else gets it; given up it is free at once, under a new epoch."""
    first, second = both
    mine = first.take_lease("hq", "a", for_s=60)
    assert mine == Lease("hq", "a", 1)
    assert second.take_lease("hq", "b", for_s=60) is None
    assert second.leader("hq") == mine
    assert first.keep_lease(mine, for_s=60)
    first.drop_lease(mine)
    assert second.leader("hq") is None
    assert second.take_lease("hq", "b", for_s=60) == Lease("hq", "b", 2)
    assert not first.keep_lease(mine, for_s=60)
    first.drop_lease(mine)
    assert second.leader("hq") == Lease("hq", "b", 2)


def test_each_pbx_has_a_leader_of_its_own(both: tuple[Store, Store]) -> None:
    """Leading one PBX says nothing of another."""
    first, second = both
    assert first.take_lease("hq", "a", for_s=60) is not None
    assert second.take_lease("branch", "b", for_s=60) == Lease("branch", "b", 1)


def test_node_that_starts_anew_leads_under_a_new_epoch(both: tuple[Store, Store]) -> None:
    """What an earlier start of the same node may still write is refused like anybody else's."""
    first, second = both
    old = first.take_lease("hq", "a", for_s=60)
    new = second.take_lease("hq", "a", for_s=60)
    assert old is not None
    assert new == Lease("hq", "a", 2)
    with pytest.raises(StaleEpochError):
        first.fenced(old).save_calls([call()], "hq")


def test_stale_leader_writes_nothing(both: tuple[Store, Store]) -> None:
    """After another node leads, no write under the old epoch is done, and what is not fenced goes on."""
    first, second = both
    old = first.take_lease("hq", "a", for_s=0)
    assert old is not None
    first.fenced(old).save_calls([call("before")], "hq")
    new = second.take_lease("hq", "b", for_s=60)
    assert new is not None
    with pytest.raises(StaleEpochError):
        first.fenced(old).save_calls([call("late")], "hq")
    second.fenced(new).save_calls([call("next")], "hq")
    first.save_call_note("before", "anna", "free of the fence", 1.0)
    assert {c.id for c in second.calls_since(0)} == {"before", "next"}


def test_of_many_that_try_at_once_one_leads(url: str) -> None:
    """However many nodes reach for a free lease together, one gets it."""
    stores = [Store.open(url) for _ in range(8)]
    got: list[Lease | None] = []
    gate = threading.Barrier(len(stores))

    def reach(number: int) -> None:
        gate.wait()
        got.append(stores[number].take_lease("hq", f"n{number}", for_s=60))

    threads = [threading.Thread(target=reach, args=(number,)) for number in range(len(stores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(GUARD_S)
    for store in stores:
        store.close()
    assert len([one for one in got if one is not None]) == 1


@pytest.mark.parametrize("writes", range(1, 6))
def test_leader_stopped_in_mid_write_finds_itself_replaced(postgresql: Postgresql, writes: int) -> None:
    """A leader that hung past its lease, wherever it stood, delays its successor briefly and writes no more."""
    url = postgresql.create(next(NAMES))
    store = Store.open(url)
    store.migrate()
    words = [sys.executable, "-m", "tests.store.stopped_leader", url]
    leader = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert leader.stdout is not None
    try:
        assert leader.stdout.readline() == "leads 1\n"
        for number in range(1, writes + 1):
            assert leader.stdout.readline() == f"wrote {number}\n"
        leader.send_signal(signal.SIGSTOP)
        new = None
        while new is None:  # until the lease is over: only the database knows when that is
            new = store.take_lease("hq", "second", for_s=60)
        at_promotion = {c.id for c in store.calls_since(0)}
        leader.send_signal(signal.SIGCONT)
        said, _ = leader.communicate(timeout=GUARD_S)
        assert said.endswith("refused\n") or leader.returncode != 0
        assert {c.id for c in store.calls_since(0)} == at_promotion
    finally:
        leader.kill()
        leader.wait()
        store.close()


@pytest.mark.parametrize("doing", ["writing", "writing in a batch", "renewing"])
def test_leader_that_hangs_between_two_statements_is_put_out(postgresql: Postgresql, doing: str) -> None:
    """However it stands in its transaction, that is ended soon: the next one need not wait for it to wake."""
    url = postgresql.create(next(NAMES))
    first, second = Store.open(url), Store.open(url)
    first.migrate()
    held = first.take_lease("hq", "a", for_s=0)
    assert held is not None
    transaction = first._leasing() if doing == "renewing" else first.fenced(held)._write()
    try:
        with pytest.raises(StoreError), transaction as connection:  # noqa: PT012  what it does is what is tried
            if doing == "renewing":
                connection.execute(sa.select(lease).where(lease.c.pbx == "hq").with_for_update())
            elif doing == "writing in a batch":
                # The server waits for the rest of a batch: its own limit does not count there.
                driver = connection.connection.driver_connection
                assert driver is not None
                with driver.pipeline(), driver.cursor() as cursor:
                    cursor.execute("SELECT 1")
                    driver.pgconn.send_flush_request()
                    driver.pgconn.flush()
                    _leads(second)
            if doing != "writing in a batch":
                _leads(second)
            connection.exec_driver_sql("SELECT 1")
    finally:
        first.close()
        second.close()


def _leads(second: Store) -> None:
    """Until it has the lease: only the database knows when it lets go."""
    limit = time.monotonic() + GUARD_S
    while (got := second.take_lease("hq", "b", for_s=60)) is None:
        assert time.monotonic() < limit, "the one that hangs keeps everybody out"
    assert got == Lease("hq", "b", 2)
