"""What may happen to single packets of AMI on the way to the service: doubled, told again, late, lost, out of order."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

from tests.faults.proxy import Rewrite

END = b"\r\n\r\n"
REMEMBERED = 1000
"Packets of which one may be told again."


@dataclass
class Mishaps:
    """Chances of each event to be met by a mishap; answers and lists are left alone. Counts what was done."""

    seed: int = 13
    doubled: float = 0.0
    again: float = 0.0
    "One of the last thousand is told once more after it."
    swapped: float = 0.0
    "Changes places with the next one of the same chunk."
    lost: float = 0.0
    late: int = 0
    "Every event comes so many packets late: lists and answers overtake it."
    done: int = 0

    def for_a_connection(self) -> Rewrite:
        """What the proxy applies to the bytes of one connection."""
        return _Stream(self, random.Random(self.seed + self.done)).rewrite


class _Stream:
    def __init__(self, mishaps: Mishaps, rng: random.Random) -> None:
        self._mishaps = mishaps
        self._rng = rng
        self._rest = b""
        self._past: deque[bytes] = deque(maxlen=REMEMBERED)
        self._held: deque[tuple[int, bytes]] = deque()
        self._number = 0

    def rewrite(self, data: bytes) -> bytes:
        """Whole packets go on as it falls; the beginning of one waits for its end."""
        if not self._number and data.startswith(b"Asterisk Call Manager/"):
            return data  # the banner ends with its line
        *packets, self._rest = (self._rest + data).split(END)
        told: list[bytes] = []
        for packet in packets:
            self._number += 1
            if packet.startswith(b"Event: ") and b"\r\nActionID: " not in packet:
                self._event(packet, told)
            else:
                told.append(packet)
            while self._held and self._held[0][0] <= self._number:
                told.append(self._held.popleft()[1])
        self._swap(told)
        return b"".join(packet + END for packet in told)

    def _event(self, packet: bytes, told: list[bytes]) -> None:
        mishaps, falls = self._mishaps, self._falls
        if falls(mishaps.lost):
            return
        self._past.append(packet)
        again = [packet]
        if falls(mishaps.doubled):
            again.append(packet)
        if falls(mishaps.again):
            again.append(self._past[self._rng.randrange(len(self._past))])
        if mishaps.late:
            mishaps.done += 1
            self._held.extend((self._number + mishaps.late, one) for one in again)
        else:
            told.extend(again)

    def _swap(self, told: list[bytes]) -> None:
        for at in range(len(told) - 1):
            both = told[at : at + 2]
            if all(one.startswith(b"Event: ") for one in both) and self._falls(self._mishaps.swapped):
                told[at : at + 2] = both[::-1]

    def _falls(self, chance: float) -> bool:
        if chance <= 0 or self._rng.random() >= chance:
            return False
        self._mishaps.done += 1
        return True
