"""A lane to something that may be slow or gone: bounded, given up in time, left alone while it is broken."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from cti.popup import lanes
from cti.popup.lanes import Away, Lane, Late
from tests.popup.pages import GUARD_S, eventually


class Clock:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def lane(**more: Any) -> Iterator[tuple[Lane, Clock]]:
    """A lane with its clock."""
    clock = Clock()
    made = Lane("test", 2, clock=clock, **{"deadline_s": 5.0, **more})
    yield made, clock
    made.close()


async def test_breaker_lets_one_through_after_its_time() -> None:
    """Open for thirty seconds; then one call decides for all."""

    def fail() -> None:
        raise ConnectionError

    with lane() as (made, clock):
        for _ in range(lanes.FAILS):
            with pytest.raises(ConnectionError):
                await made.run(fail)
        with pytest.raises(Away):
            await made.run(int)
        clock.now = lanes.OPEN_S + 1
        with pytest.raises(ConnectionError):
            await made.run(fail)
        with pytest.raises(Away):
            await made.run(int)
        clock.now = 2 * lanes.OPEN_S + 2
        assert await made.run(int) == 0
        assert made.ok
        assert await made.run(int) == 0


async def test_wrong_question_is_no_outage() -> None:
    """An error that speaks of the question does not open the breaker."""

    def fail() -> None:
        raise KeyError

    with lane(counts=lambda error: not isinstance(error, KeyError)) as (made, _):
        for _ in range(3 * lanes.FAILS):
            with pytest.raises(KeyError):
                await made.run(fail)
        assert made.ok


async def test_lane_uses_its_own_threads_and_no_more() -> None:
    """The cap on what runs at once holds; the rest waits its turn."""
    running = most = 0
    lock = threading.Lock()
    gate = threading.Event()

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.wait(GUARD_S)
        with lock:
            running -= 1

    with lane(deadline_s=GUARD_S) as (made, _):
        jobs = [asyncio.create_task(made.run(work)) for _ in range(10)]
        await eventually(lambda: running == 2)
        assert made.waiting == 10
        gate.set()
        await asyncio.gather(*jobs)
        assert most == 2


async def test_lane_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """When too many wait, a new one is refused at once."""
    monkeypatch.setattr(lanes, "MAX_WAITING", 3)
    gate = threading.Event()
    with lane(deadline_s=GUARD_S) as (made, _):
        jobs = [asyncio.create_task(made.run(lambda: gate.wait(GUARD_S))) for _ in range(3)]
        await eventually(lambda: made.waiting == 3)
        with pytest.raises(Away):
            await made.run(int)
        gate.set()
        assert await asyncio.gather(*jobs) == [True] * 3


async def test_rush_is_shed() -> None:
    """What waited in vain is dropped: after a rush the next question is answered at once, and nothing is broken."""
    gate = threading.Event()
    began: list[int] = []
    ran: list[int] = []

    def work(n: int) -> None:
        began.append(n)
        gate.wait(GUARD_S)
        ran.append(n)

    with lane(deadline_s=0.05) as (made, _):
        jobs = [asyncio.create_task(made.run(partial(work, n))) for n in range(2)]
        await eventually(lambda: len(began) == 2)
        jobs += [asyncio.create_task(made.run(partial(work, n))) for n in range(2, 20)]
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert all(isinstance(r, Late) for r in results)
        gate.set()
        await eventually(lambda: made.waiting == 0)
        made.deadline_s = GUARD_S  # a busy machine may take longer than the rush's deadline
        assert await made.run(int) == 0
        assert len(ran) == 2
        assert made.ok


async def test_late_failure_is_no_unhandled_one() -> None:
    """An exception that comes after the deadline reaches nobody and warns nobody."""
    gate = threading.Event()

    def fail() -> None:
        gate.wait(GUARD_S)
        raise OSError("late")

    with lane(deadline_s=0.02) as (made, _):
        with pytest.raises(Late):
            await made.run(fail)
        gate.set()
        await eventually(lambda: made.waiting == 0)
