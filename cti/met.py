"""Which keys a long day has met, at eight bytes a key (pure)."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import Final

LOT: Final = 4_096
"Keys of one sorted row. A look-up goes through all rows: fifty of them take some 20 µs."


class Met:
    """Keys that were met. Two of one 64-bit hash are taken for the same: at a million a day, in one of 10^7 days."""

    def __init__(self) -> None:
        """None yet."""
        self._latest: set[int] = set()
        self._rows: list[array[int]] = []

    def add(self, key: str) -> None:
        """It was met; add each once."""
        self._latest.add(hash(key))
        if len(self._latest) == LOT:
            self._rows.append(array("q", sorted(self._latest)))
            self._latest.clear()

    def __contains__(self, key: str) -> bool:
        known = hash(key)
        if known in self._latest:
            return True
        for row in reversed(self._rows):
            place = bisect_left(row, known)
            if place < len(row) and row[place] == known:
                return True
        return False

    def clear(self) -> None:
        """A new day."""
        self._latest.clear()
        self._rows.clear()
