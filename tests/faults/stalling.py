"""`cti` with a fault in it: the first answered look-up holds the event loop up for two seconds (F35).

    python -m tests.faults.stalling run --config F

As a part of somebody's own would that sleeps where it must not. A breakage that the environment names is planted, too.
"""

from __future__ import annotations

import os
import sys
import time

from tests.faults.breakages import BREAKAGES
from tests.faults.broken import VARIABLE

STALL_S = 2.0


def sleeps_in_the_loop() -> None:
    """What somebody wrote."""
    time.sleep(STALL_S)


def main() -> int:
    """Spoil, then run the command line."""
    from cti.cli import main as cti
    from cti.floor import Floor

    if VARIABLE in os.environ:
        BREAKAGES[os.environ[VARIABLE]].plant()
    whole = Floor.matched

    def matched(self: Floor, call: str, matches: object) -> None:
        Floor.matched = whole  # type: ignore[method-assign]
        sleeps_in_the_loop()
        whole(self, call, matches)  # type: ignore[arg-type]

    Floor.matched = matched  # type: ignore[method-assign]
    return cti(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
