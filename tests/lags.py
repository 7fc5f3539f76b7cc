"""A machine whose disk and threads are slow: `pytest -p tests.lags` lets work in other threads, and commits, come late.

What a test reads right after it was told of something holds only where it was written first; here that shows at once,
and not once a month in CI. `LAGS=0.3,0.4`: three of ten pieces of work, and commits, come up to 0.4 s late.
"""

from __future__ import annotations

import os
import random
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

_SHARE, _LONGEST = (float(part) for part in os.environ.get("LAGS", "0.3,0.4").split(","))
_RNG: Final = random.Random(os.environ.get("LAGS_SEED"))
_submit: Final[Any] = ThreadPoolExecutor.submit


def _lag() -> None:
    if threading.current_thread() is not threading.main_thread() and _RNG.random() < _SHARE:
        time.sleep(_RNG.uniform(0.0, _LONGEST))


def _late(self: ThreadPoolExecutor, work: Any, /, *args: Any, **named: Any) -> Future[Any]:
    def run() -> Any:
        _lag()
        return work(*args, **named)

    future: Future[Any] = _submit(self, run)
    return future


@event.listens_for(Engine, "commit")
def _slow_disk(connection: Connection) -> None:
    _lag()


ThreadPoolExecutor.submit = _late  # type: ignore[assignment, method-assign]
