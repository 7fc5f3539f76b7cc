"""`make soak`: ten million schedules on all cores. Prints how far it is, how fast, and what failed.

A seed that fails is added to the regressions beside this file, which every run of the tests plays.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

from tests.simulation.play import PLENTY, Count, Played, some

LOT = 2_000
"Schedules that a process plays at a time."
TEN_MILLION = 10_000_000
FIRST = PLENTY + 1_000_000
"The tests play those before."
TELL_S = 10.0
SHOWN = 20
"Failures that are printed and kept; more are only counted."
REGRESSIONS = Path(__file__).parent / "regressions"


def played(seeds: range) -> Iterator[tuple[Count, list[Played]]]:
    """Lot by lot, as they are ready."""
    lots = iter(range(seeds.start, seeds.stop, LOT))
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        going: list[Future[tuple[Count, list[Played]]]] = []
        while True:
            while len(going) < 2 * (os.cpu_count() or 1) and (begin := next(lots, None)) is not None:
                going.append(pool.submit(some, range(begin, min(begin + LOT, seeds.stop))))
            if not going:
                return
            yield going.pop(0).result()


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def main() -> int:
    """Play them; 1 where one failed."""
    wanted = argparse.ArgumentParser(description="Simulated schedules with faults, many of them.")
    wanted.add_argument("--schedules", type=int, default=TEN_MILLION)
    wanted.add_argument("--first", type=int, default=FIRST, help="the first seed")
    asked = wanted.parse_args()
    began = told_at = time.monotonic()
    count, failed = Count(), 0
    for lot, wrong in played(range(asked.first, asked.first + asked.schedules)):
        count += lot
        failed += len(wrong)
        for one in wrong[: max(0, SHOWN - failed + len(wrong))]:
            print(f"{one} (commit {_commit()})", flush=True)
            with REGRESSIONS.open("a", encoding="utf-8") as file:
                file.write(f"{one.seed} {'; '.join(one.wrong)[:150]}\n")
        now = time.monotonic()
        if now - told_at >= TELL_S or count.schedules == asked.schedules:
            told_at = now
            rate = count.schedules / (now - began)
            left = (asked.schedules - count.schedules) / rate / 60
            print(f"{count.schedules} played, {rate:.0f}/s, {failed} failed, {left:.0f} min left", flush=True)
    print(count)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
