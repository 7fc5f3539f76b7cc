"""The trial of counting: a real Asterisk at 60 calls a minute, the service killed and its link cut again and again."""

from __future__ import annotations

import asyncio
import math
import random
import sys

from tests.asterisk.crowd import Crowd
from tests.faults.broken import program
from tests.faults.crowded import Fault, Stand, through
from tests.faults.figures import Figure, none_of

PER_SECOND = 1.0
"60 calls a minute."
KILL_S, CUT_S = 3.2, 1.2
"About how long one takes, with the pause before it: the crowd calls as long as all of them."
PAUSE_S = 0.4


async def killed_at_once(stand: Stand) -> None:
    """kill -9, and started again at once."""
    await stand.daemon.kill()
    await stand.daemon.start()


async def killed_twice(stand: Stand) -> None:
    """kill -9, and again before it has got ready: while it migrates, reads or logs in."""
    await stand.daemon.kill()
    await stand.daemon.start(ready=False)
    await asyncio.sleep(stand.rng.uniform(0.3, 1.8))
    await stand.daemon.kill()
    await stand.daemon.start()


async def killed_in_a_commit(stand: Stand) -> None:
    """SIGKILL by its own hand, shortly before, in or after one of its next commits."""
    await stand.daemon.kill()
    how = stand.rng.choice(("before", "within", "after"))
    stand.daemon.words = [sys.executable, "-m", "tests.faults.dying", how, str(stand.rng.randint(1, 8))]
    try:
        await stand.daemon.start(ready=False)
        await asyncio.wait_for(stand.daemon.ended(), 30)
    finally:
        stand.daemon.words = program()
    await stand.daemon.start()


async def cut_shortly(stand: Stand) -> None:
    """RST, and reachable again after a moment."""
    stand.proxy.closed = True
    stand.proxy.reset()
    await stand.not_ready()  # once it may come back it may be back before anybody asks
    await asyncio.sleep(stand.rng.uniform(0.0, 0.4))
    stand.proxy.closed = False
    await stand.back()


async def counting(kills: int, cuts: int, *, seed: int = 6) -> list[Figure]:
    """So many of each in one run; at its end the database is compared with queue_log and the channel event log."""
    rng = random.Random(seed)
    faults: list[Fault] = [cut_shortly] * cuts
    left = kills
    while left > 0:
        fault, many = rng.choice(((killed_at_once, 1), (killed_at_once, 1), (killed_twice, 2), (killed_in_a_commit, 2)))
        if many <= left:
            faults.append(fault)
            left -= many
    rng.shuffle(faults)
    during = kills * KILL_S + cuts * CUT_S
    crowd = Crowd(calls=math.ceil(during * PER_SECOND), per_second=PER_SECOND, seed=seed)
    done = await through(crowd, 16, faults, pause_s=PAUSE_S)
    wrong = done.disagreements()
    if done.judged[0]:
        wrong.append(f"cti reconcile: {done.judged[1]}")
    what = f"at 60 calls/min, {len(done.books.calls)} calls on a real Asterisk"
    missing = [text for text in wrong if text.startswith("I1") and "missing" in text]
    doubled = [text for text in wrong if text.startswith("I2") or "never happened" in text]
    other = [text for text in wrong if text not in missing and text not in doubled]
    return [
        none_of(f"calls lost over {kills} kills and {cuts} cuts", kills + cuts, missing),
        none_of(f"calls doubled, {what}", kills + cuts, doubled),
        none_of("counts, outcomes and times that are not queue_log's", kills + cuts, other),
    ]
