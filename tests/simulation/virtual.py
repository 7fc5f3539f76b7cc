"""The doors through which the service reaches clocks, threads and the disk, made to lead into a simulated world."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import ModuleType
from typing import Any

import cti.feed
import cti.history.queue_log
import cti.nodes.neighbours
import cti.relay
import cti.store.journal
import cti.store.safekeeping
import cti.store.writer
from tests.simulation.disk import System
from tests.simulation.hearing import Wire
from tests.simulation.scheduler import Scheduler

_inside: Scheduler | None = None


class Thread:
    """In place of a pool of one thread."""

    def __init__(self, max_workers: int = 1, thread_name_prefix: str = "") -> None:
        self.name = thread_name_prefix

    def submit(self, call: Callable[..., Any], *args: Any) -> None:
        """Behind everybody's back."""
        process = None if _inside is None else _inside.inside
        if process is not None:
            process.run_in_executor(self, call, *args)

    def shutdown(self, wait: bool = True) -> None:
        """Nothing to do."""


def now() -> float:
    """Virtual time."""
    if _inside is None:
        raise RuntimeError("no world runs")
    return _inside.now


_SYSTEM = System()
_DOORS: dict[tuple[ModuleType, str], object] = {
    (cti.feed, "wall_clock"): now,
    (cti.feed, "steady_clock"): now,
    (cti.history.queue_log, "parse"): lru_cache(5000)(cti.history.queue_log.parse),  # lines are read many times
    (cti.nodes.neighbours, "Relay"): Wire,
    (cti.relay, "_clients"): lambda address: (None, None),
    (cti.store.journal, "os"): _SYSTEM,
    (cti.store.journal, "fcntl"): _SYSTEM,
    (cti.store.safekeeping, "ThreadPoolExecutor"): Thread,
    (cti.store.writer, "ThreadPoolExecutor"): Thread,
}
_ONE = threading.Lock()


@contextmanager
def time(scheduler: Scheduler) -> Iterator[None]:
    """Within, the service lives in this scheduler's time."""
    global _inside
    with _ONE:
        real = {(module, name): getattr(module, name) for module, name in _DOORS}
        _inside = scheduler
        _SYSTEM.begin()
        for (module, name), own in _DOORS.items():
            setattr(module, name, own)
        try:
            yield
        finally:
            _inside = None
            for (module, name), own in real.items():
                setattr(module, name, own)
