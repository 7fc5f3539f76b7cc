"""The writer's journal: while the store is away nothing is lost with the process, and nothing comes back old."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.calls.record import Call, Refused
from cti.store import Store, StoreError, Writer
from cti.store.journal import MAX_AGE_S, Entry, Journal
from tests.store.records import call
from tests.store.test_writer import Disk

AWAY = StoreError("忙", "busy", permanent=False)
NOW = 1_790_000_000.0


class Node:
    """A writer in a process that may end at any moment."""

    def __init__(self, writer: Writer, journal: Journal, task: asyncio.Task[None]) -> None:
        self.writer = writer
        self._journal = journal
        self._task = task

    @classmethod
    async def start(cls, store: Disk | Store, folder: Path, *, leads: bool = True, **options: int) -> Node:
        """A new process: what an earlier one left is taken over."""
        journal = Journal(folder / "p.calls", reserve=4096, **options)
        writer = Writer(store, journal=journal, clock=lambda: NOW, retry_s=0.005, journal_s=0.01, look_s=0.005)
        if not leads:
            writer.lead(None)
        await writer.recover()
        return cls(writer, journal, asyncio.create_task(writer.run()))

    async def until(self, true: Callable[[], object]) -> None:
        """Wait for what nobody is told of."""
        async with asyncio.timeout(60):
            while not true():  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    async def safe(self) -> None:
        """Wait until all that waits is in the journal as it stands."""
        await self.until(lambda: self.writer.journal.missing == 0 and self.writer.journal.bytes)

    async def crash(self) -> None:
        """End as by `kill -9`: nothing more is written, to the store or to the journal."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._journal.close()

    async def stop(self) -> bool:
        """End in good order."""
        done = await self.writer.close(0.02)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        return done


@asynccontextmanager
async def node(store: Disk | Store, folder: Path) -> AsyncIterator[Node]:
    """A node that stops in good order."""
    one = await Node.start(store, folder)
    try:
        yield one
    finally:
        await one.stop()


async def test_killed_while_the_store_is_away_nothing_is_lost(tmp_path: Path) -> None:
    """The newest document of every call that waited is written at the next start; then the journal is empty."""
    disk = Disk()
    first = await Node.start(disk, tmp_path)
    disk.fails = AWAY
    for n in range(700):
        first.writer.put(call(f"c{n}"), "p")
    await first.safe()
    first.writer.put(call("c7", wait=2.0), "p")
    first.writer.drop("c8", "p")
    await first.safe()
    await first.crash()
    disk.fails = None
    disk.calls["c8"] = call("c8")
    async with node(disk, tmp_path) as second:
        assert set(disk.calls) == {f"c{n}" for n in range(700)} - {"c8"}
        assert disk.calls["c7"] == call("c7", wait=2.0)
        await second.until(lambda: second.writer.journal.bytes == 0)
        assert (second.writer.journal.replayed, disk.older) == (700, 699)
    async with node(disk, tmp_path) as third:
        assert third.writer.journal.replayed == 0


async def test_store_that_hangs_is_journalled_too(tmp_path: Path) -> None:
    """A write that does not come back has what waits, and what comes meanwhile, kept safe."""
    disk = Disk()
    disk.gate.clear()
    first = await Node.start(disk, tmp_path)
    first.writer.put(call("hangs"), "p")
    await first.safe()
    first.writer.put(call("comes"), "p")
    await first.until(lambda: first.writer.journal.journalled == 2)
    await first.crash()
    other = Disk()
    async with node(other, tmp_path):
        assert set(other.calls) == {"hangs", "comes"}
    disk.gate.set()


async def test_once_the_store_is_back_the_journal_is_empty(tmp_path: Path) -> None:
    """It is emptied only when everything in it is stored, however calls change meanwhile."""
    disk = Disk()
    async with node(disk, tmp_path) as one:
        disk.fails = AWAY
        one.writer.put(call("a", ended=False), "p")
        one.writer.put(call("b"), "p")
        await one.safe()
        disk.poison = "a"
        disk.fails = None
        one.writer.put(call("c"), "p")
        await one.until(lambda: {"b", "c"} <= set(disk.calls))
        await one.until(lambda: one.writer.backlog == 0)
        await one.until(lambda: one.writer.journal.bytes == 0)
        assert one.writer.store_ok
    assert b'"id":"a"' in (tmp_path / "p.calls.spoilt").read_bytes(), "what the store will never take is put aside"


async def test_stopped_while_the_store_is_away_nothing_is_lost(tmp_path: Path) -> None:
    """An orderly end leaves in the journal what could not be written, and counts it as kept."""
    disk = Disk()
    first = await Node.start(disk, tmp_path)
    disk.gate.clear()
    first.writer.put(call("last"), "p")
    assert await first.stop()
    async with node(other := Disk(), tmp_path):
        assert "last" in other.calls
    disk.gate.set()


async def test_node_that_does_not_lead_keeps_what_it_saw_over_its_end(tmp_path: Path) -> None:
    """While the store is away a node that stands by journals too, and writes it when it leads; unless it is there."""
    disk = Disk()
    first = await Node.start(disk, tmp_path, leads=False)
    disk.fails = AWAY
    for name in ("mine", "theirs"):
        first.writer.put(call(name), "p")
    await first.safe()
    await first.crash()
    disk.fails = None
    disk.calls["theirs"] = call("theirs", wait=3.0)
    second = await Node.start(disk, tmp_path, leads=False)
    await second.until(lambda: second.writer.backlog == 1)
    assert set(disk.calls) == {"theirs"}
    second.writer.lead(disk)
    assert await second.writer.flush(60)
    assert set(disk.calls) == {"mine", "theirs"}
    assert disk.calls["theirs"] == call("theirs", wait=3.0)
    await second.until(lambda: second.writer.journal.bytes == 0)
    await second.stop()


async def test_full_of_overtaken_documents_it_keeps_the_newest(tmp_path: Path) -> None:
    """A call that changes for as long as the outage lasts fills no journal; one that is full says so, and stays."""
    disk = Disk()
    disk.fails = AWAY
    first = await Node.start(disk, tmp_path, limit=8192)
    for n in range(200):
        first.writer.put(call("c", wait=float(n)), "p")
        await first.safe()
        assert first.writer.journal.ok
    await first.crash()
    second = await Node.start(disk, tmp_path, limit=8192)
    assert second.writer.held("p") == {"c": call("c", wait=199.0)}
    for n in range(40):
        second.writer.put(call(f"many{n}"), "p")
    await second.until(lambda: not second.writer.journal.ok)
    assert second.writer.backlog == 41
    disk.fails = None
    assert await second.writer.flush(60)
    assert len(disk.calls) == 41
    await second.stop()


async def test_what_is_spoilt_foreign_or_too_old_stops_nothing(tmp_path: Path) -> None:
    """Such entries are counted, what nobody can read is put aside; all others are written."""
    journal = Journal(tmp_path / "p.calls")
    journal.open()
    fact = msgspec.json.encode({"pbx": "p", "id": "old", "call": msgspec.to_builtins(call("old"))})
    good = fact.replace(b'"old"', b'"good"')
    journal.append([Entry(NOW - MAX_AGE_S - 1, fact), Entry(NOW, b'{"pbx":1}'), Entry(NOW, good)])
    journal.close()
    async with node(disk := Disk(), tmp_path) as one:
        assert set(disk.calls) == {"good"}
        figures = one.writer.journal
        assert (figures.lost, figures.spoilt, figures.replayed) == (1, 1, 1)
    assert (tmp_path / "p.calls.spoilt").read_bytes() == b'{"pbx":1}\n'


async def test_two_processes_share_no_journal(tmp_path: Path) -> None:
    """The second is refused at its start, before it could mix its calls with the first one's."""
    async with node(Disk(), tmp_path):
        with pytest.raises(StoreError, match=r"store\.journal"):
            await Node.start(Disk(), tmp_path)


async def test_journal_that_cannot_be_used_is_said_and_stops_nothing(tmp_path: Path) -> None:
    """Where no file can be made the service goes on without a journal, and its figures say so."""
    (tmp_path / "p.calls").mkdir()
    async with node(disk := Disk(), tmp_path) as one:
        assert (one.writer.journal.ok, one.writer.journal.failures) == (False, 1)
        disk.fails = AWAY
        one.writer.put(call("c"), "p")
        await one.until(lambda: not one.writer.store_ok)
        disk.fails = None
        assert await one.writer.flush(60)


_names = st.sampled_from(["a", "b", "c", "d"])
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), _names),
        st.tuples(st.just("end"), _names),
        st.tuples(st.just("drop"), _names),
        st.tuples(st.sampled_from(["away", "back", "crash", "yield"]), st.just("")),
    ),
    max_size=25,
)


@settings(max_examples=40)
@given(_steps)
def test_in_whatever_order_store_and_service_fail_the_newest_of_each_call_is_stored(
    steps: list[tuple[str, str]],
) -> None:
    """Calls change, the store goes and comes, the service is killed: at the end each call stands as last told, once."""

    async def play(folder: Path) -> None:
        disk, truth = Disk(), dict[str, Call]()
        one = await Node.start(disk, folder)
        for step, name in steps:
            match step:
                case "put" | "end":
                    old = truth.get(name)
                    told = call(name, ended=step == "end" or (old is not None and old.ended_at is not None))
                    more = Refused(queue="q", reason="full", at=NOW)
                    truth[name] = msgspec.structs.replace(told, refused=(*(old.refused if old else ()), more))
                    one.writer.put(truth[name], "p")
                case "drop":
                    truth.pop(name, None)
                    one.writer.drop(name, "p")
                case "away":
                    disk.fails = AWAY
                case "back":
                    disk.fails = None
                case "yield":
                    await asyncio.sleep(0.002)
                case _:
                    if disk.fails is None:
                        assert await one.writer.flush(60)
                    elif one.writer.backlog:
                        await one.safe()
                    await one.crash()
                    one = await Node.start(disk, folder)
        disk.fails = None
        assert await one.writer.flush(60)
        assert disk.calls == truth
        await one.until(lambda: one.writer.journal.bytes == 0)
        await one.stop()

    with tempfile.TemporaryDirectory() as made:
        asyncio.run(play(Path(made)))
