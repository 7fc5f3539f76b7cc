"""The writer: nothing waits for the disk, nothing is lost while the store is away, and the bound holds."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from cti.calls.record import Call
from cti.store import Store, StoreError, Writer
from cti.store.lease import StaleEpochError
from tests.store.records import call


class Disk:
    """A store whose answers a test decides."""

    def __init__(self) -> None:
        self.fails: StoreError | None = None
        self.poison: str | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.calls: dict[str, Call] = {}
        self.batches: list[int] = []
        self.older = 0
        self.asked = threading.Event()
        "Set as soon as something is to be written."

    def save_calls(self, calls: Sequence[Call], pbx: str, *, older: bool = False) -> None:
        """Keep them, or fail as told."""
        self.asked.set()
        self.gate.wait(60)
        if self.fails is not None:
            raise self.fails
        self.older += older * len(calls)
        if any(each.id == self.poison for each in calls):
            raise StoreError("坏", "bad", permanent=True)
        self.batches.append(len(calls))
        self.calls.update({each.id: each for each in calls})

    def drop_calls(self, ids: Sequence[str]) -> None:
        """Forget them, or fail as told."""
        if self.fails is not None:
            raise self.fails
        for id in ids:
            self.calls.pop(id, None)

    def ended_calls(self, ids: Sequence[str]) -> dict[str, bool]:
        """Which of them there are."""
        if self.fails is not None:
            raise self.fails
        return {id: self.calls[id].ended_at is not None for id in ids if id in self.calls}


@asynccontextmanager
async def running(disk: Disk | Store, **options: object) -> AsyncIterator[Writer]:
    """A writer at work."""
    writer = Writer(disk, retry_s=0.005, **options)  # type: ignore[arg-type]
    task = asyncio.create_task(writer.run())
    try:
        yield writer
    finally:
        await writer.close(30)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class States:
    """What the writer told of the store."""

    def __init__(self) -> None:
        self.told: list[bool] = []
        self._bad = asyncio.Event()

    def __call__(self, ok: bool) -> None:
        """The writer tells."""
        self.told.append(ok)
        if not ok:
            self._bad.set()

    async def bad(self) -> None:
        """Wait until the store was not ok."""
        async with asyncio.timeout(60):
            await self._bad.wait()


async def test_calls_arrive_in_batches() -> None:
    """Many calls are few transactions, and all of them are written."""
    disk = Disk()
    async with running(disk) as writer:
        for n in range(1200):
            assert writer.put(call(f"c{n}"), "p")
        assert await writer.flush(60)
        assert len(disk.calls) == 1200
        assert len(disk.batches) <= 5
        assert writer.backlog == 0


async def test_only_the_newest_document_waits() -> None:
    """A call that changes a hundred times while the disk is slow is written as it stands at the end."""
    disk = Disk()
    disk.gate.clear()
    async with running(disk) as writer:
        for n in range(100):
            writer.put(call("c", wait=float(n)), "p")
        assert writer.backlog == 1
        disk.gate.set()
        assert await writer.flush(60)
    assert disk.calls["c"] == call("c", wait=99.0)


async def test_a_change_during_the_write_is_not_lost() -> None:
    """What comes for a call while it is being written is written afterwards."""
    disk = Disk()
    async with running(disk) as writer:
        disk.gate.clear()
        writer.put(call("c", wait=1.0), "p")
        await asyncio.sleep(0)
        writer.put(call("c", wait=2.0), "p")
        disk.gate.set()
        assert await writer.flush(60)
    assert disk.calls["c"] == call("c", wait=2.0)


async def test_a_store_that_is_away_loses_nothing_and_says_so() -> None:
    """While the store is away calls wait, the state is told once; when it is back all are written and that is told."""
    disk, states = Disk(), States()
    disk.fails = StoreError("忙", "busy", permanent=False)
    async with running(disk, on_state=states) as writer:
        for n in range(50):
            writer.put(call(f"c{n}"), "p")
        await states.bad()
        assert writer.backlog == 50
        disk.fails = None
        assert await writer.flush(60)
        assert (len(disk.calls), writer.store_ok, states.told) == (50, True, [False, True])


async def test_the_bound_holds_and_the_waiting_stay() -> None:
    """At the bound new calls are refused and counted; calls already waiting stay and may still change."""
    disk = Disk()
    disk.fails = StoreError("忙", "busy", permanent=False)
    async with running(disk, limit=10) as writer:
        accepted = [writer.put(call(f"c{n}"), "p") for n in range(15)]
        assert (accepted.count(True), writer.refused, writer.backlog) == (10, 5, 10)
        assert writer.put(call("c0", wait=9.0), "p")
        disk.fails = None
        assert await writer.flush(60)
    assert set(disk.calls) == {f"c{n}" for n in range(10)}
    assert disk.calls["c0"] == call("c0", wait=9.0)


async def test_one_call_that_cannot_be_written_does_not_hold_up_the_others() -> None:
    """A call that the store refuses for good is given up and counted; all others are written."""
    disk = Disk()
    disk.poison = "c7"
    async with running(disk) as writer:
        for n in range(20):
            writer.put(call(f"c{n}"), "p")
        assert await writer.flush(60)
        assert (len(disk.calls), writer.refused) == (19, 1)
        writer.put(call("later"), "p")
        assert await writer.flush(60)
        assert writer.store_ok


async def test_a_slow_store_is_told_and_blocks_nobody() -> None:
    """While a write hangs the loop goes on, and after `slow_s` the store is not ok until the write is through."""
    disk, states = Disk(), States()
    disk.gate.clear()
    async with running(disk, slow_s=0.02, on_state=states) as writer:
        writer.put(call("c"), "p")
        await states.bad()
        for n in range(100):
            writer.put(call(f"c{n}"), "p")
        disk.gate.set()
        assert await writer.flush(60)
        assert writer.store_ok


async def test_closing_writes_what_waits() -> None:
    """The last calls before the end are written; with the store away closing does not wait for ever."""
    disk = Disk()
    async with running(disk) as writer:
        writer.put(call("last"), "p")
        assert await writer.close(60)
    assert "last" in disk.calls
    disk.fails = StoreError("忙", "busy", permanent=False)
    async with running(disk) as writer:
        writer.put(call("lost"), "p")
        assert not await writer.close(0.05)


async def test_a_locked_sqlite_file_delays_and_loses_nothing(tmp_path: Path) -> None:
    """While another program holds SQLite's write lock the real store refuses, and the calls arrive once it is free."""
    store = Store.open(f"sqlite:///{tmp_path}/cti.db", busy_s=0.01)
    lock = sqlite3.connect(tmp_path / "cti.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    states = States()
    async with running(store, on_state=states) as writer:
        writer.put(call("c"), "p")
        await states.bad()
        lock.execute("ROLLBACK")
        assert await writer.flush(60)
    assert store.call("c") == call("c")
    lock.close()
    store.close()


async def test_a_store_taken_away_is_waited_for(tmp_path: Path) -> None:
    """A store whose file was removed is not ok; calls wait and are not given up."""
    store = Store.open(f"sqlite:///{tmp_path}/cti.db")
    store.close()
    for ending in ("", "-wal", "-shm"):
        (tmp_path / f"cti.db{ending}").unlink(missing_ok=True)
    states = States()
    async with running(store, on_state=states) as writer:
        writer.put(call("c"), "p")
        await states.bad()
        assert (writer.backlog, writer.refused) == (1, 0)
        store.migrate()
        assert await writer.flush(60)
    assert store.call("c") == call("c")
    store.close()


class View(Disk):
    """A disk as one node sees it under its lease."""

    def __init__(self, disk: Disk) -> None:
        super().__init__()
        self.calls = disk.calls
        self.stale = False

    def save_calls(self, calls: Sequence[Call], pbx: str, *, older: bool = False) -> None:
        """Refuse where another node leads."""
        self.asked.set()
        self.gate.wait(60)
        if self.stale:
            raise StaleEpochError()
        super().save_calls(calls, pbx, older=older)


async def test_what_waits_is_written_when_this_node_leads() -> None:
    """A node that does not lead writes nothing and keeps all; told to lead, it writes by the view it is given."""
    disk = Disk()
    view = View(disk)
    async with running(disk) as writer:
        writer.lead(None)
        for n in range(5):
            writer.put(call(f"c{n}"), "p")
        assert not await writer.flush(0.05)
        assert (disk.calls, writer.backlog, writer.leads) == ({}, 5, False)
        writer.lead(view)
        assert await writer.flush(60)
        assert (len(disk.calls), view.older, disk.batches) == (5, 5, [])
        writer.put(call("new"), "p")
        assert await writer.flush(60)
        assert (len(disk.calls), view.older) == (6, 5)


async def test_leader_of_yesterday_writes_nothing_more_and_keeps_what_it_saw() -> None:
    """Refused because another leads, the writer says so once and stops; leading again it writes what it kept."""
    disk = Disk()
    old, new = View(disk), View(disk)
    told = asyncio.Event()
    async with running(disk) as writer:
        writer.on_stale = told.set
        writer.lead(old)
        writer.put(call("before"), "p")
        assert await writer.flush(60)
        old.stale = True
        writer.put(call("late"), "p")
        await asyncio.wait_for(told.wait(), 60)
        assert (writer.leads, writer.backlog, set(disk.calls)) == (False, 1, {"before"})
        writer.put(call("later"), "p")
        writer.lead(new)
        assert await writer.flush(60)
    assert set(disk.calls) == {"before", "late", "later"}


async def test_refusal_of_an_old_view_does_not_stop_a_new_one() -> None:
    """A write under the old epoch that comes back after this node leads again changes nothing."""
    disk = Disk()
    old, new = View(disk), View(disk)
    stopped = asyncio.Event()
    async with running(disk) as writer:
        writer.on_stale = stopped.set
        writer.lead(old)
        old.stale = True
        old.gate.clear()
        writer.put(call("c"), "p")
        assert await asyncio.to_thread(old.asked.wait, 60)
        writer.lead(new)
        old.gate.set()
        assert await writer.flush(60)
        assert (writer.leads, stopped.is_set(), set(disk.calls)) == (True, False, {"c"})


async def test_what_another_node_has_written_waits_no_longer() -> None:
    """A node that does not lead forgets calls whose end is stored and merged ones that are not; the rest it keeps."""
    disk = Disk()
    async with running(disk, look_s=0.005) as writer:
        writer.lead(None)
        for name in ("stored", "open-there", "unknown"):
            writer.put(call(name), "p")
        writer.put(call("open", ended=False), "p")
        writer.drop("merged", "p")
        disk.calls["stored"] = call("stored")
        disk.calls["open-there"] = call("open-there", ended=False)
        disk.calls["open"] = call("open", ended=False)
        async with asyncio.timeout(60):
            while writer.backlog > 3:  # noqa: ASYNC110 - nobody is told of it
                await asyncio.sleep(0.005)
        writer.lead(disk)
        assert await writer.flush(60)
    assert set(disk.calls) == {"stored", "open-there", "unknown", "open"}
    assert disk.calls["open-there"] == call("open-there")


async def test_merged_call_is_dropped_behind_its_last_document() -> None:
    """A call that became part of another is forgotten, however the store was when that was told."""
    disk = Disk()
    async with running(disk) as writer:
        writer.put(call("c"), "p")
        assert await writer.flush(60)
        disk.fails = StoreError("忙", "busy", permanent=False)
        writer.put(call("c", wait=2.0), "p")
        writer.put(call("d"), "p")
        writer.drop("c", "p")
        disk.fails = None
        assert await writer.flush(60)
    assert set(disk.calls) == {"d"}
