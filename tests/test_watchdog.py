"""A loop that stands still is noticed while it stands, with the place; who stopped with the machine is not accused."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from pathlib import Path

import pytest

from cti.ticker import steady_clock
from cti.watchdog import BEAT_S, STALL_S, Judge, Watchdog

GUARD_S = 20.0


def stand_still_here(caplog: pytest.LogCaptureFixture) -> None:
    """Block the loop until the watchdog has spoken."""
    limit = time.monotonic() + GUARD_S
    while "stand_still_here" not in caplog.text and time.monotonic() < limit:
        time.sleep(0.01)


async def test_stall_is_logged_while_it_lasts_with_its_stack(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the function that blocks before it has ended; the stall is counted, and its length shown."""
    dog = Watchdog(steady_clock, {})
    dog.start()
    try:
        with caplog.at_level(logging.WARNING, "cti.watchdog"):
            await asyncio.sleep(0.1)
            stand_still_here(caplog)
            assert "stand_still_here" in caplog.text
            async with asyncio.timeout(GUARD_S):
                while not dog.stalls:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        assert dog.lag_s >= STALL_S - BEAT_S
        samples = {sample.name: sample.value for sample in dog.samples()}
        assert samples["loop_stalls_total"] >= 1
        assert samples["loop_lag_seconds"] == dog.lag_s
    finally:
        dog.stop()


def test_loop_that_beats_is_not_accused() -> None:
    """As long as beats come nobody is accused."""
    judge = Judge(0.0)
    assert not any(judge.look(at / 20, at / 20 - 0.05) for at in range(1, 200))


def test_silence_is_told_once() -> None:
    """One stack for one silence; the next one is told again."""
    judge = Judge(0.0)
    told = [at for at in range(1, 40) if judge.look(at / 20, 0.0)]
    assert len(told) == 1
    assert STALL_S < told[0] / 20 <= STALL_S + 0.1
    assert [at for at in range(40, 60) if judge.look(at / 20, 1.95)] == [44]


def test_process_that_was_stopped_as_a_whole_accuses_nobody() -> None:
    """The machine slept, or all of it was stopped: the loop is given its time anew."""
    judge = Judge(0.0)
    assert not judge.look(0.05, 0.05)
    assert not judge.look(60.0, 0.05)
    assert not judge.look(60.05, 0.05)
    assert not judge.look(60.1, 60.06)
    assert judge.look(60.4, 60.06) is False, "this look was late itself"
    assert judge.look(60.55, 60.06) is False
    assert judge.look(60.65, 60.06)


async def test_systemd_is_told_that_it_runs_as_long_as_the_loop_does(tmp_path: Path) -> None:
    """READY=1 once, WATCHDOG=1 from the loop at least every half of the time that systemd allows."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)
        dog = Watchdog(steady_clock, {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"})
        dog.start()
        try:
            dog.ready()
            loop = asyncio.get_running_loop()
            told = {(await asyncio.wait_for(loop.sock_recv(systemd, 100), GUARD_S)).decode() for _ in range(3)}
            assert told == {"READY=1", "WATCHDOG=1"}
        finally:
            dog.stop()


async def test_without_systemd_nobody_is_told_and_nothing_fails() -> None:
    """No variable, a wrong one, or an address that is not there: it runs all the same."""
    for environ in (
        {},
        {"NOTIFY_SOCKET": "/nowhere/x", "WATCHDOG_USEC": "1000"},
        {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "z"},
    ):
        dog = Watchdog(steady_clock, environ)
        dog.start()
        dog.ready()
        await asyncio.sleep(0)
        dog.stop()
