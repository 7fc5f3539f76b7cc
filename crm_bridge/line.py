"""A lock whose waiters come in the order in which they asked: who writes often keeps nobody else from writing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class NoTurnError(Exception):
    """One's turn did not come in time."""


class Line:
    """For threads of one process. Not reentrant."""

    def __init__(self) -> None:
        """Nobody has it."""
        self._lock = Lock()
        self._taken = False
        self._waiting: deque[Lock] = deque()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @contextmanager
    def turn(self, within_s: float) -> Iterator[None]:
        """Hold it. Raises NoTurnError where that did not come within so many seconds."""
        mine = Lock()
        with self._lock:
            at_once = not self._taken
            if at_once:
                self._taken = True
            else:
                mine.acquire()
                self._waiting.append(mine)
        if not at_once and not mine.acquire(timeout=within_s) and self._leave(mine):
            raise NoTurnError
        try:
            yield
        finally:
            with self._lock:
                if self._waiting:
                    self._waiting.popleft().release()
                else:
                    self._taken = False

    def _leave(self, mine: Lock) -> bool:
        """Whether it was left; False: it is one's own since just now."""
        with self._lock:
            if mine not in self._waiting:
                return False
            self._waiting.remove(mine)
            return True
