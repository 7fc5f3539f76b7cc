"""The watchdog: notices when the event loop stands still, and says where it stood (FAULTS F35).

The loop beats; a thread looks whether it did. After STALL_S of silence the thread logs the stack of the loop's thread:
files, lines and names of functions, never a value. A thread that was itself kept from running (the machine slept, the
process was stopped) accuses nobody. Under systemd (Type=notify) the loop's beat is passed on, so that a process whose
loop hangs for good is started anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from cti.metrics import Sample

log = logging.getLogger(__name__)

STALL_S: Final = 0.2
"A loop that is silent for longer stands still."
BEAT_S: Final = 0.05
"Between two beats, and between two looks."
AGAIN_S: Final = 10.0
"Stacks are logged at most this often; stalls are counted always."
WINDOW_S: Final = 30.0
"The worst lag is of the last two windows."
DEEP: Final = 40
"Frames of a stack that are logged, the innermost."


class Watchdog:
    """`start` from the loop that is to be watched; `stop` from it, too."""

    def __init__(self, steady: Callable[[], float], environ: Mapping[str, str] = os.environ) -> None:
        """`steady` in seconds; `environ` is where systemd says how it wants to be told."""
        self._steady = steady
        self._notifier = Notifier(environ)
        self._every_s = self._notifier.watchdog_s / 2 if self._notifier.watchdog_s else 0.0
        self._told = 0.0
        self._beat = 0.0
        self._handle: asyncio.TimerHandle | None = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._watched = 0
        self._logged = -AGAIN_S
        self._window = 0.0
        self._worst = [0.0, 0.0]
        self.stalls = 0
        "How often the loop stood still for longer than STALL_S."

    def start(self) -> None:
        """Watch the running loop, which runs in the calling thread."""
        self._watched = threading.get_ident()
        self._beat = self._window = self._told = self._steady()
        self._tick()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No more of it."""
        self._ended.set()
        if self._handle is not None:
            self._handle.cancel()
        if self._thread is not None:
            self._thread.join(1.0)

    def ready(self) -> None:
        """Tell systemd that the service is there."""
        self._notifier.tell("READY=1")

    def stopping(self) -> None:
        """Tell systemd that it ends on purpose."""
        self._notifier.tell("STOPPING=1")

    @property
    def lag_s(self) -> float:
        """The longest silence of the loop within the last half to whole minute, beyond its own beat."""
        return max(self._worst)

    def samples(self) -> Iterator[Sample]:
        """For /metrics."""
        yield Sample("loop_lag_seconds", self.lag_s)
        yield Sample("loop_stalls_total", float(self.stalls))

    # --- in the loop -------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        now = self._steady()
        silent, self._beat = now - self._beat, now
        lag = max(0.0, silent - BEAT_S)
        if silent > STALL_S:
            self.stalls += 1
            log.warning("the event loop stood still for %.1f s", lag)
        if now - self._window > WINDOW_S:
            self._window = now
            self._worst = [0.0, self._worst[0]]
        self._worst[0] = max(self._worst[0], lag)
        if self._every_s and now - self._told >= self._every_s:
            self._told = now
            self._notifier.tell("WATCHDOG=1")
        self._handle = asyncio.get_running_loop().call_later(BEAT_S, self._tick)

    # --- in the thread -----------------------------------------------------------------------------------------

    def _watch(self) -> None:
        judge = Judge(self._steady())
        while not self._ended.wait(BEAT_S):
            now = self._steady()
            if judge.look(now, self._beat):
                self._say(now)

    def _say(self, now: float) -> None:
        if now - self._logged < AGAIN_S:
            return
        self._logged = now
        frame = sys._current_frames().get(self._watched)
        stack = traceback.extract_stack(frame)[-DEEP:] if frame is not None else []
        where = "".join(f"\n  {one.filename}:{one.lineno} {one.name}" for one in stack)
        log.warning("the event loop stands still for more than %g s; it stands at:%s", STALL_S, where)


class Judge:
    """Whether the loop alone stands still. Pure."""

    def __init__(self, now: float) -> None:
        self._looked = self._running_since = now
        self._accused = -1.0

    def look(self, now: float, beat: float) -> bool:
        """True once for each silence since `beat`. A look that comes late itself begins to count anew."""
        if now - self._looked > STALL_S:
            self._running_since = now
        self._looked = now
        if now - max(beat, self._running_since) <= STALL_S or beat == self._accused:
            return False
        self._accused = beat
        return True


class Notifier:
    """What systemd is told, where it asks for it (sd_notify(3)); elsewhere nothing happens."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):
            self._address = "\0" + self._address[1:]
        try:
            self.watchdog_s = int(environ.get("WATCHDOG_USEC", "0")) / 1e6 if self._address else 0.0
        except ValueError:
            self.watchdog_s = 0.0

    def tell(self, text: str) -> None:
        """One message; whoever does not take it is not waited for."""
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(text.encode(), self._address)
