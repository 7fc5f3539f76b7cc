"""Few facts that could not be written, kept safe in a journal until they are: what people and rules did to the PBX."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Final, Generic, TypeVar

import msgspec

from cti.store.journal import MAX_AGE_S, Entry, Journal
from cti.ticker import wall_clock

_log = logging.getLogger(__name__)

T = TypeVar("T")
LIMIT: Final = 4 << 20
RESERVE: Final = 256 << 10
"Bytes."


class Aside(Generic[T]):
    """Call its methods from any thread, `left_over` first. None of them raises: what fails is said once."""

    def __init__(self, path: Path, kind: type[T], *, clock: Callable[[], float] = wall_clock) -> None:
        """Facts are `kind`, which msgspec can write as JSON; `clock` is the wall's."""
        self._journal = Journal(path, limit=LIMIT, reserve=RESERVE)
        self._fact = msgspec.json.Decoder(kind)
        self._clock = clock
        self._lock = Lock()
        self._open = False
        self._ok = True

    def left_over(self) -> list[T]:
        """What an earlier run could not write, in its order."""
        found: list[T] = []
        with self._lock:
            try:
                entries = self._journal.open()
            except OSError as error:
                self._failed(error.strerror or type(error).__name__)
                return found
            self._open = True
            for entry in entries:
                if self._clock() - entry.at <= MAX_AGE_S:
                    try:
                        found.append(self._fact.decode(entry.body))
                    except msgspec.DecodeError:
                        self._journal.put_aside(entry.body)
        return found

    def keep(self, fact: T) -> bool:
        """Have this on the disk; whether it is."""
        with self._lock:
            if not self._open:
                return False
            try:
                done = self._journal.append([Entry(self._clock(), msgspec.json.encode(fact))])
            except OSError as error:
                self._failed(error.strerror or type(error).__name__)
                return False
            if not done:
                self._failed("it is full")
            return done

    def stored(self) -> None:
        """Everything is in the store: be empty."""
        with self._lock:
            if self._open and self._journal.used:
                try:
                    self._journal.clear()
                    self._ok = True
                except OSError as error:
                    self._failed(error.strerror or type(error).__name__)

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._open = False
            self._journal.close()

    def _failed(self, why: str) -> None:
        if self._ok:
            self._ok = False
            _log.error("%s takes nothing: %s", self._journal.path.name, why)
