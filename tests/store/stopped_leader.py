"""A node that leads and writes one call after the other, until it is told that it leads no longer.

Run as `python -m tests.store.stopped_leader URL`: prints `leads EPOCH`, then a line for each written call, at the end
`refused`.
"""

from __future__ import annotations

import sys

import msgspec

from cti.store import Store
from cti.store.lease import StaleEpochError
from tests.store.records import call


def main(url: str) -> None:
    """Lead until refused."""
    store = Store.open(url)
    held = store.take_lease("hq", "first", for_s=0.3)
    assert held is not None
    print("leads", held.epoch, flush=True)
    mine = store.fenced(held)
    number = 0
    while True:
        number += 1
        try:
            mine.save_calls([msgspec.structs.replace(call(), id=f"first-{number}")], "hq")
        except StaleEpochError:
            print("refused", flush=True)
            return
        print("wrote", number, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
