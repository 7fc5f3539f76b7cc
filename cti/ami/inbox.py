"""Packets between the wire and the core: handed on in order, in slices of time, held back, and bounded."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from cti.ami.messages import Packet

MAX_HELD: Final = 200_000
"Packets that may wait (while the lists are read, or while the core is busy)."
MAX_HELD_BYTES: Final = 64 << 20


class Inbox:
    """Hands packets on at once where it can, and keeps them where it cannot.

    The reader is never made to wait: it puts and goes on. A core that is slow gets `slice_s` seconds of a loop turn,
    then others have theirs. `held` stops handing on until `release`.
    """

    def __init__(self, hand_on: Callable[[Packet, float], None], slice_s: float) -> None:
        self.held = True
        self._hand_on = hand_on
        self._slice = slice_s
        self._queue: deque[tuple[Packet, float]] = deque()
        self._bytes = 0
        self._scheduled = False
        self._handed = 0
        "Packets handed on from the queue so far."

    def __len__(self) -> int:
        """Packets that wait."""
        return len(self._queue)

    def put(self, packets: Sequence[Packet], now: float) -> bool:
        """Take packets received at `now`; False when there are more than may wait (then all are thrown away)."""
        if not self.held and not self._queue:
            packets = packets[self._directly(packets, now) :]
            if not packets:
                return True
            self._schedule()
        for packet in packets:
            self._bytes += len(packet.raw)
            self._queue.append((packet, now))
        if len(self._queue) > MAX_HELD or self._bytes > MAX_HELD_BYTES:
            self.clear()
            return False
        return True

    def take(self) -> list[tuple[Packet, float]]:
        """All that waits, which then waits no more."""
        taken = list(self._queue)
        self.clear()
        return taken

    def clear(self) -> None:
        """Throw away all that waits."""
        self._queue.clear()
        self._bytes = 0

    def release(self) -> None:
        """Hand on from now."""
        self.held = False
        if self._queue:
            self._schedule()

    async def drain(self) -> None:
        """Hand on all that waits, held or not."""
        while self._queue:
            self._some()
            await asyncio.sleep(0)

    async def catch_up(self) -> None:
        """Have all that waits at this moment handed on; what comes meanwhile may wait further."""
        last = self._handed + len(self._queue)
        while self._queue and self._handed < last:
            self._some()
            await asyncio.sleep(0)

    def _directly(self, packets: Sequence[Packet], now: float) -> int:
        time = asyncio.get_running_loop().time
        until = time() + self._slice
        for done, packet in enumerate(packets, 1):
            self._hand_on(packet, now)
            if done & 15 == 0 and time() > until:
                return done
        return len(packets)

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        if not self.held:
            self._some()
            if self._queue:
                self._schedule()

    def _some(self) -> None:
        time = asyncio.get_running_loop().time
        until = time() + self._slice
        while self._queue:
            packet, now = self._queue.popleft()
            self._bytes -= len(packet.raw)
            self._handed += 1
            self._hand_on(packet, now)
            if time() > until:
                break
