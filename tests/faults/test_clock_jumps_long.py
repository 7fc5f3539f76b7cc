"""F8: the service's clock jumps by an hour, forwards and back, under a crowd of calls."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest

from tests import debian
from tests.asterisk import programs
from tests.asterisk.crowd import Crowd
from tests.faults.crowded import Stand, check, through

pytestmark = [pytest.mark.asterisk, pytest.mark.long]


def faked(file: Path) -> dict[str, str]:
    """An environment in which the wall clock is off by what the file says, and the steady clock is not."""
    unpacked = debian.fetch("bookworm", ["libfaketime"])
    (library,) = unpacked.root.glob("usr/lib/*/faketime/libfaketime.so.1")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


def test_service_whose_clock_jumps_counts_and_times_as_before() -> None:
    """I18: an hour ahead, an hour behind and right again: counts, outcomes and waits are the PBX's all the while."""
    programs.sipp()
    programs.asterisk_files("22")
    with tempfile.TemporaryDirectory() as folder:
        clock = Path(folder) / "clock"
        clock.write_text("+0\n")
        environment = faked(clock)

        async def ahead(_: Stand) -> None:
            clock.write_text("+3600\n")

        async def behind(_: Stand) -> None:
            clock.write_text("-3600\n")

        async def right(_: Stand) -> None:
            clock.write_text("+0\n")

        crowd = Crowd(calls=60, per_second=5.0, seed=8)
        done = asyncio.run(through(crowd, 18, [ahead, behind, right], lossy=True, environment=environment))
    check(done, 60)
    assert done.corrections == 0
    assert not any(call.marked for call in done.ours.calls), "nothing was cut, and something is marked"
    waits = [visit.wait_s for call in done.ours.calls for visit in call.visits if visit.wait_s is not None]
    assert min(waits) >= 0
