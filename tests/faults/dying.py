"""`python -m tests.faults.dying before|within|after N run ...`: `cti` that kills itself at its N-th commit from now on.

Not a breakage but an accident: nothing may come of it.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from typing import Any

from sqlalchemy.engine.default import DefaultDialect


def plant(how: str, number: int) -> None:
    """Let the process die at that commit: before it, up to 2 ms into it, or right after it."""
    commit = DefaultDialect.do_commit
    counted = [0]

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def dying(self: DefaultDialect, connection: Any) -> None:
        counted[0] += 1
        if counted[0] < number:
            commit(self, connection)  # type: ignore[no-untyped-call]
            return
        if how == "before":
            die()
        if how == "within":
            threading.Timer(random.uniform(0, 0.002), die).start()
        commit(self, connection)  # type: ignore[no-untyped-call]
        die()

    DefaultDialect.do_commit = dying  # type: ignore[method-assign]


if __name__ == "__main__":
    from cti.cli import main

    plant(sys.argv[1], int(sys.argv[2]))
    sys.exit(main(sys.argv[3:]))
