"""Leading and following: two nodes on one PostgreSQL, a leader killed, hung, or cut off from the database."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from cti.leadership import LEASE_S, Leadership
from cti.store import Store
from cti.store.lease import Lease
from cti.ticker import steady_clock
from tests.servers.postgresql import Postgresql

NAMES = (f"leading{number}" for number in itertools.count())
GUARD_S = 20.0


@pytest.fixture
def url(postgresql: Postgresql) -> str:
    """A database with the store's tables."""
    made = postgresql.create(next(NAMES))
    store = Store.open(made)
    store.migrate()
    store.close()
    return made


class Node:
    """One node that would lead, with a thread of its own to the database that can be held up."""

    def __init__(self, url: str, name: str, order: list[tuple[str, bool]] | None = None) -> None:
        """`order` gets (node, whether it leads) at every change."""
        self.name = name
        self.store = Store.open(url)
        self.thread = ThreadPoolExecutor(1)
        self.gate = asyncio.Event()
        self.gate.set()
        self.late_s = 0.0
        "How much later by its own clock an answer comes."
        self.passed = 0.0
        self.order = order if order is not None else []
        self.told: list[Lease | None] = []
        self.changed = asyncio.Event()
        self.leadership = Leadership(
            self.store,
            pbx="hq",
            node=name,
            run=self._work,
            steady=lambda: steady_clock() + self.passed,
            on_change=self._change,
        )

    async def _work(self, work: Callable[[], object]) -> object:
        await self.gate.wait()
        done = await asyncio.get_running_loop().run_in_executor(self.thread, work)
        self.passed += self.late_s
        return done

    def _change(self, lease: Lease | None) -> None:
        self.told.append(lease)
        self.order.append((self.name, lease is not None))
        self.changed.set()

    async def until(self, true: Callable[[], object]) -> None:
        """Wait for a change until it is so."""
        async with asyncio.timeout(GUARD_S):
            while not true():
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def running(node: Node) -> AsyncIterator[asyncio.Task[None]]:
    """The node's leadership as a task."""
    task = asyncio.create_task(node.leadership.run())
    try:
        yield task
    finally:
        node.gate.set()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        node.store.close()
        node.thread.shutdown()


async def test_one_leads_and_hands_over_when_it_stops(url: str) -> None:
    """The second node leads as soon as the first has stopped in order, without waiting for the lease to run out."""
    first, second = Node(url, "a"), Node(url, "b")
    async with running(first) as task:
        await first.until(lambda: first.leadership.held)
        async with running(second):
            task.cancel()
            await second.until(lambda: second.leadership.held)
            assert first.told[-1] is None
            assert second.told == [Lease("hq", "b", 2)]


async def test_leader_without_a_database_stops_by_itself_before_another_begins(url: str) -> None:
    """A leader whose renewals get no answer stops leading; only then does the other begin."""
    order: list[tuple[str, bool]] = []
    first, second = Node(url, "a", order), Node(url, "b", order)
    async with running(first):
        await first.until(lambda: first.leadership.held)
        async with running(second):
            first.gate.clear()
            await second.until(lambda: second.leadership.held)
            assert first.leadership.held is None
            assert order == [("a", True), ("a", False), ("b", True)]


async def test_answer_that_came_too_late_is_no_lease(url: str) -> None:
    """A lease whose word arrives after it may have run out is not believed; the next one in time is."""
    node = Node(url, "a")
    node.late_s = LEASE_S
    async with running(node):
        async with asyncio.timeout(GUARD_S):
            while node.passed < 2 * LEASE_S:  # noqa: ASYNC110 - answers tell nobody that they were too late
                await asyncio.sleep(0.01)
        assert node.told == []
        node.late_s = 0.0
        await node.until(lambda: node.leadership.held)
