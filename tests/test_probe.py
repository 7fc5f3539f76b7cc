"""The store's probe: a failure and a question that hangs are both noticed in time, and so is the return."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from cti import probe
from cti.probe import Probe

GUARD_S = 20.0


@asynccontextmanager
async def asking(
    ask: Callable[[], object], monkeypatch: pytest.MonkeyPatch, late_s: float = GUARD_S
) -> AsyncIterator[Probe]:
    """A probe that runs, quickly, and waits so long for an answer."""
    monkeypatch.setattr(probe, "EVERY_S", 0.01)
    monkeypatch.setattr(probe, "LATE_S", late_s)
    made = Probe(ask)
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], bool]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(GUARD_S):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_store_that_fails_is_known_until_it_answers_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not ok with the kind of error, ok with the next good answer."""
    fails = True

    def ask() -> None:
        if fails:
            raise OSError("gone")

    async with asking(ask, monkeypatch) as made:
        assert made.ok
        await until(lambda: not made.ok)
        assert made.why == "OSError"
        fails = False
        await until(lambda: made.ok)
        assert made.why == ""


async def test_question_that_hangs_is_no_answer_and_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that hangs is not ok, nobody asks it again meanwhile, and its late answer counts."""
    go, asked = threading.Event(), []

    def ask() -> None:
        asked.append(1)
        go.wait(GUARD_S)

    async with asking(ask, monkeypatch, late_s=0.1) as made:
        await until(lambda: not made.ok)
        await asyncio.sleep(0.3)
        assert len(asked) == 1
        go.set()
        await until(lambda: made.ok)
