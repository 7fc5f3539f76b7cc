"""A machine that is often busy elsewhere: `pytest -p tests.stalls` lets every event loop stand still now and then.

A test that holds only where nothing is ever late fails here at once, and not once a month in CI. `STALLS=0.2,0.9,1.5`:
stand still for 0.2 to 0.9 s, each time after about 1.5 s (the mean) of going on.
"""

from __future__ import annotations

import asyncio.base_events
import os
import random
import time
from typing import Any, Final

_SHORTEST, _LONGEST, _BETWEEN = (float(part) for part in os.environ.get("STALLS", "0.2,0.9,1.5").split(","))
_RNG: Final = random.Random(os.environ.get("STALLS_SEED"))
_due = time.monotonic()
_run_once: Final[Any] = asyncio.base_events.BaseEventLoop._run_once  # type: ignore[attr-defined]


def _now_and_then(loop: Any) -> None:
    global _due
    if time.monotonic() >= _due:
        time.sleep(_RNG.uniform(_SHORTEST, _LONGEST))
        _due = time.monotonic() + _RNG.expovariate(1 / _BETWEEN)
    _run_once(loop)


asyncio.base_events.BaseEventLoop._run_once = _now_and_then  # type: ignore[attr-defined]
