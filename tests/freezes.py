"""A machine whose other programs wait for their turn: `pytest -p tests.freezes` lets children stand still now and then.

Browsers, databases, Redis, Asterisk and other nodes of ours are stopped for a moment and go on (SIGSTOP, SIGCONT), as
where the machine is given to somebody else. `FREEZES=0.1,0.8,0.7`: one for 0.1 to 0.8 s, each time after about 0.7 s.
`FREEZES_ONLY=chrom,postgres`: those alone whose names begin so.
"""

from __future__ import annotations

import atexit
import os
import random
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

_SHORTEST, _LONGEST, _BETWEEN = (float(part) for part in os.environ.get("FREEZES", "0.1,0.8,0.7").split(","))
_ONLY: Final = tuple(os.environ.get("FREEZES_ONLY", "").split(","))
_RNG: Final = random.Random(os.environ.get("FREEZES_SEED"))
_FROZEN: Final = threading.Lock()


def _below(parent: int) -> list[tuple[int, str, str]]:
    """(id, name, state) of each process under this one."""
    children: dict[int, list[tuple[int, str, str]]] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            stat = file.read_text()
            state, father = stat[stat.rindex(")") + 2 :].split()[:2]
            name = stat[stat.index("(") + 1 : stat.rindex(")")]
            children.setdefault(int(father), []).append((int(file.parent.name), name, state))
    found, fathers = [], [parent]
    while fathers:
        some = children.get(fathers.pop(), [])
        found += some
        fathers += [id for id, _, _ in some]
    return found


def _now_and_then() -> None:
    while True:
        time.sleep(_RNG.expovariate(1 / _BETWEEN))
        with suppress(OSError), _FROZEN:
            # One that a test has stopped itself is left to it.
            going = [id for id, name, state in _below(os.getpid()) if state in "RSD" and name.startswith(_ONLY)]
            if going:
                one = _RNG.choice(going)
                os.kill(one, signal.SIGSTOP)
                try:
                    time.sleep(_RNG.uniform(_SHORTEST, _LONGEST))
                finally:
                    os.kill(one, signal.SIGCONT)


atexit.register(_FROZEN.acquire)  # nobody is left standing
threading.Thread(target=_now_and_then, name="freezes", daemon=True).start()
