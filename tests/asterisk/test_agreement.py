"""Counts agree with the PBX's own queue_log: calm, and with the link cut and the daemon killed in the middle."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.asterisk import programs
from tests.asterisk.agreement import WHOLE_S, Books, Stored, StoredVisit, books_of, disagreements, stored
from tests.asterisk.cable import Cable
from tests.asterisk.crowd import Crowd, CrowdSite, press
from tests.asterisk.daemon_process import DaemonProcess
from tests.asterisk.pbx import RealAsterisk

pytestmark = pytest.mark.asterisk

AGREES_S = 40.0
"What is missing is filled in when our own events have had their time (10 s after the call's last line) and two rounds."


@dataclass(frozen=True)
class Run:
    """What a run left."""

    books: Books
    ours: Stored
    holes: list[tuple[float, float]]
    judged: tuple[int, str]
    "Exit code and text of `cti reconcile`."
    corrections: int
    "What the audit put right, since the daemon's last start."


async def run(crowd: Crowd, agents: int, cuts: int = 0, kills: int = 0) -> Run:
    """The crowd calls, the link is cut and the daemon killed, and it is waited for what was missed to be filled in."""
    rng = random.Random(crowd.seed)
    during = crowd.calls / crowd.per_second
    holes: list[tuple[float, float]] = []
    async with RealAsterisk(CrowdSite(flood_agents=agents)) as pbx, Cable(pbx.ami_port) as cable:
        async with DaemonProcess(pbx, cable.port) as daemon:
            crowding = asyncio.create_task(press(pbx, crowd, guard=during + 60))
            try:
                faults = ["cut"] * cuts + ["kill"] * kills
                rng.shuffle(faults)
                for fault in faults:
                    await asyncio.sleep(rng.uniform(0.5, 1.5) * during / (len(faults) + 1) - 1.0)
                    began = _now()
                    if fault == "cut":
                        cable.pull()
                        await asyncio.sleep(rng.uniform(1.0, 4.0))
                        cable.plug()
                        await daemon.ready()
                    else:
                        await daemon.kill()
                        await asyncio.sleep(rng.uniform(0.2, 2.0))
                        await daemon.start()
                    holes.append((began, _now()))
                await crowding
            finally:
                crowding.cancel()
                with suppress(asyncio.CancelledError):
                    await crowding
            books = books_of(pbx)
            until = _now() + AGREES_S
            ours = stored(daemon)
            while (wrong := disagreements(books, ours, holes)) and _now() < until:
                await asyncio.sleep(0.5)  # another process: nobody tells
                ours = stored(daemon)
            corrections = await daemon.counted("link", "audit_corrections")
            judged = await daemon.reconcile()
            if not judged[0]:
                judged = await daemon.reconcile("--log", str(pbx.queue_log))
        if wrong:
            _keep(pbx.folder, crowd)
    return Run(books, ours, holes, judged, corrections)


def _now() -> float:
    return time.time()  # noqa: TID251  the wall clock is the PBX's


def _keep(folder: Path, crowd: Crowd) -> None:
    """What a failure is to be understood from."""
    kept = Path(".cache") / f"agreement-{crowd.seed}"
    shutil.rmtree(kept, ignore_errors=True)
    for part in ("thirteen", "log"):
        shutil.copytree(folder / part, kept / part)


def crowded(crowd: Crowd, agents: int, cuts: int = 0, kills: int = 0) -> Run:
    """A run, or a skipped test where no Asterisk can be had."""
    try:
        programs.sipp()
        programs.asterisk_files("22")
    except programs.Unavailable as reason:
        pytest.skip(str(reason))
    return asyncio.run(run(crowd, agents, cuts, kills))


def check(done: Run, calls: int) -> None:
    """Everything agrees, and there was enough of everything to prove something."""
    assert disagreements(done.books, done.ours, done.holes) == []
    assert done.judged[0] == 0, done.judged[1]
    assert done.corrections == 0, "no event was lost on a whole link, and the audit found something to put right"
    outcomes: Counter[str] = Counter()
    for (_, _, outcome), count in done.books.tally.items():
        outcomes[outcome] += count
    assert sum(call.direction == "inbound" for call in done.books.calls) == calls
    assert outcomes["answered"] > calls / 4
    assert outcomes["abandoned"] > calls / 20
    if calls > 100:
        assert outcomes["timeout"] >= calls / 40
        assert sum(len(call.transfers) for call in done.books.calls) >= calls / 40


def test_forty_calls_through_a_cut_and_a_kill_are_all_counted_once() -> None:
    """The link cut and the daemon killed in the middle: counts per queue and agent are queue_log's, gaps are marked."""
    done = crowded(Crowd(calls=40, per_second=8.0, seed=13, longest_s=7.0), agents=12, cuts=1, kills=1)
    check(done, 40)
    assert done.ours.filled, "nothing had to be filled in: the faults came to nothing"
    for planted, spoiled in _planted(done.ours):
        assert disagreements(done.books, spoiled, done.holes), f"nobody noticed: {planted}"


def _planted(ours: Stored) -> list[tuple[str, Stored]]:
    """The same with one error each."""
    visits = ours.visits
    answered = next(v for v in visits if v.agent and v.wait_s is not None)
    other = next(v.agent for v in visits if v.agent and v.agent != answered.agent)
    filled = next(v for v in visits if v.call in ours.filled)
    timed = next(v for v in visits if v.wait_s is not None)
    longer = 0.25 + 2 * WHOLE_S + (timed.wait_s or 0.0)
    way, _, _ = ours.calls[filled.call]

    def instead(visit: StoredVisit, *put: StoredVisit) -> Stored:
        return replace(ours, visits=[one for v in visits for one in (put if v is visit else (v,))])

    def with_call(call: str, marked: bool, alive: bool) -> Stored:
        return replace(ours, calls={**ours.calls, call: (way, marked, alive)})

    return [
        ("an event dropped: an answer nobody counted", instead(answered)),
        ("a call that was filled in counted twice", instead(filled, filled, filled)),
        ("credited to another agent", instead(answered, replace(answered, agent=other))),
        ("an answer told as given up", instead(answered, replace(answered, outcome="abandoned", agent=""))),
        ("a wait too long", instead(timed, replace(timed, wait_s=longer))),
        ("a gap without its mark", with_call(filled.call, False, False)),
        ("a call that never was", with_call("1.1", False, False)),
        ("a ghost", with_call(filled.call, True, True)),
        ("a report that counts twice", replace(ours, counted=ours.counted + Counter([next(iter(ours.counted))]))),
    ]
