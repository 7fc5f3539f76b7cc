"""`python -m benchmarks [NAME...]`: prints the table; what is named runs at its full length."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable

from benchmarks import ami, board, chat, connections, crm, frames, history, load, memory, pops, reconnect, redis, sms
from benchmarks.table import Figure, show

BLOCKS: dict[str, tuple[str, Callable[[], list[Figure]]]] = {
    "ami": ("From AMI bytes to events (CPU, median of 5 in turns)", ami.parse_and_state),
    "pops": ("From the ring to the browser, 300 agents' pages open (echo floor and daemon in turns)", pops.ring_to_pop),
    "board": ("The board's changes to 200 supervisors at 5 Hz (CPU; ours and a bare write in turns)", board.push),
    "frames": ("Encoding what the pages get (CPU, median of 5 in turns)", frames.encode),
    "chat": ("A QQ web archive of 1 GB, streamed (64 MB beside it, each in a process of its own)", chat.gigabyte),
    "history": ("Reports over a year of 3,000 calls a day on SQLite (CPU)", history.reports),
    "crm": ("The record among 100,000 customers (wall clock, median of 5 rounds in turns)", crm.lookups),
    "sms": ("Pops while SMS platforms flood the hook port (300 pages open, rounds in turns)", sms.flood),
    "load": ("500 calls/s of replayed AMI on one core, 300 agents' pages in another process", load.short),
    "connections": ("Idle pages, in another process", connections.short),
    "redis": ("What a call costs Redis: recorded calls, one reader", redis.messages),
    "reconnect": ("The link is cut while 600 channels are up", reconnect.cuts),
    "memory": ("What stays of calls", memory.short),
    "growth": ("Growth with live calls", ami.growth),
}

LONG: dict[str, Callable[[], list[Figure]]] = {
    "load": load.sustained,
    "connections": connections.many,
    "memory": memory.long,
}
"What runs instead where the block is asked for by name."


def main(names: list[str]) -> int:
    """Runs the blocks of those names, all of them without one."""
    unknown = [name for name in names if name not in BLOCKS]
    if unknown:
        print(f"no such block: {', '.join(unknown)}; there are: {', '.join(BLOCKS)}", file=sys.stderr)
        return 2
    print(
        f"{platform.python_implementation()} {platform.python_version()} on {platform.machine()}; judge by the ratios"
    )
    for name, (title, run) in BLOCKS.items():
        if not names or name in names:
            show(title, LONG.get(name, run)() if names else run())
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
