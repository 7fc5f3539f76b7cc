"""The headline figures, printed by one command with their numbers of tries: `make headline`.

    python -m tests.faults.headline [--only calls,link,pages,pops,nodes] [--kills 50] [--cuts 50] [--pauses 100] ...

Real processes throughout: `cti run`, Asterisk with SIPp, PostgreSQL, Redis, Chromium. Ends with 1 where a goal was
missed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable

from tests.debian import Unavailable
from tests.faults import agents_back, trial_calls, trial_link, trial_nodes, trial_pops
from tests.faults.figures import Figure

Trial = Callable[[], Awaitable[list[Figure]]]


def trials(given: argparse.Namespace) -> dict[str, list[Trial]]:
    """What is tried, by group."""
    return {
        "link": [
            lambda: trial_link.reconnects(given.reconnects),
            lambda: trial_link.dead_links(given.dead_links),
        ],
        "pages": [lambda: agents_back.figures(given.restarts)],
        "pops": [lambda: trial_pops.pops(given.pops)],
        "nodes": [
            lambda: trial_nodes.failovers(given.failovers),
            lambda: trial_nodes.pauses(given.pauses),
        ],
        "calls": [lambda: trial_calls.counting(given.kills, given.cuts, seed=given.seed)],
    }


async def run(given: argparse.Namespace) -> int:
    """Try, and print each line as it is known; how many goals were missed."""
    missed = 0
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"load at the start {load} on {os.cpu_count()} cores", flush=True)
    for group, some in trials(given).items():
        if group not in given.only.split(","):
            continue
        for trial in some:
            began = time.monotonic()
            try:
                figures = await trial()
            except Unavailable as why:
                print(f"not tried: {why}", flush=True)
                missed += 1
                continue
            for figure in figures:
                print(figure, flush=True)
                missed += not figure.met
            print(f"       ({group}: {time.monotonic() - began:.0f} s)", flush=True)
    print(f"goals missed: {missed}")
    return missed


def main(words: list[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="headline", description="the headline figures, on real processes")
    parser.add_argument("--only", default="link,pages,pops,nodes,calls", help="groups, with commas between them")
    parser.add_argument("--kills", type=int, default=50, help="kill -9 of the service under calls")
    parser.add_argument("--cuts", type=int, default=50, help="cuts of its link under calls")
    parser.add_argument("--failovers", type=int, default=20, help="kill -9 of the node that leads")
    parser.add_argument("--pauses", type=int, default=100, help="SIGSTOP of the node that leads, past its lease")
    parser.add_argument("--reconnects", type=int, default=50, help="cuts of the link at 600 channels")
    parser.add_argument("--dead-links", type=int, default=10, help="silences of the link")
    parser.add_argument("--restarts", type=int, default=10, help="restarts under 500 agents")
    parser.add_argument("--pops", type=int, default=100, help="pops under each trouble")
    parser.add_argument("--seed", type=int, default=6, help="of the order in which things happen")
    return 1 if asyncio.run(run(parser.parse_args(words))) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
