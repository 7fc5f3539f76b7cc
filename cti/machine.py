"""What the process takes of its machine, as the system says it."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from typing import Final

from cti.metrics import Sample

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Machine:
    """A source of samples. What the system does not tell (no /proc) is left out."""

    def __init__(self, started: float) -> None:
        """`started`: when the service did, epoch seconds."""
        self._started = started

    def samples(self) -> Iterator[Sample]:
        """Memory, processor time, open files."""
        yield Sample("process_start_time_seconds", self._started)
        yield Sample("process_max_fds", float(resource.getrlimit(resource.RLIMIT_NOFILE)[0]))
        used = resource.getrusage(resource.RUSAGE_SELF)
        yield Sample("process_cpu_seconds_total", used.ru_utime + used.ru_stime)
        try:
            with open("/proc/self/statm", "rb") as statm:
                yield Sample("process_resident_memory_bytes", float(int(statm.read().split()[1]) * _PAGE))
            yield Sample("process_open_fds", float(len(os.listdir("/proc/self/fd"))))
        except (OSError, ValueError, IndexError):
            return
