"""What the history noted and the store does not take now is kept safe in a journal, until it does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock
from typing import Any, Final

import msgspec

from cti.history.recorder import Notes
from cti.store.journal import MAX_AGE_S, Entry, Journal

_notes: Final = msgspec.json.Decoder(Notes)

_log = logging.getLogger(__name__)

_PARTS: Final = ("spans", "moments", "free", "calls")
LIMIT: Final = 16 << 20
RESERVE: Final = 1 << 20
"Bytes."


class NotesJournal:
    """Call its methods from any thread, `left_over` first. None of them raises: what fails is said once."""

    def __init__(self, journal: Journal, *, clock: Callable[[], float]) -> None:
        """`clock` is the wall's."""
        self._journal = journal
        self._clock = clock
        self._lock = Lock()
        self._known: dict[str, set[Any]] = {part: set() for part in _PARTS}
        "What the journal has."
        self._open = False
        self._ok = True

    def left_over(self) -> Notes:
        """What an earlier run could not write; of the same thing what was noted last."""
        spans: dict[Any, Any] = {}
        moments: dict[Any, Any] = {}
        free: dict[Any, Any] = {}
        calls: set[str] = set()
        with self._lock:
            try:
                entries = self._journal.open()
            except OSError as error:
                self._say(False, error)
                return Notes()
            self._open = True
            for entry in entries:
                if self._clock() - entry.at > MAX_AGE_S:
                    continue
                try:
                    notes = _notes.decode(entry.body)
                except msgspec.DecodeError:
                    self._journal.put_aside(entry.body)
                    continue
                spans |= {(span.interface, span.from_ms): span for span in notes.spans}
                moments |= {(m.call, m.doing, m.interface, m.from_ms): m for m in notes.moments}
                free |= {(one.queue, one.at_ms): one for one in notes.free}
                calls |= notes.calls
                self._learn(notes)
        return Notes(
            spans=tuple(spans.values()),
            moments=tuple(moments.values()),
            free=tuple(free.values()),
            calls=frozenset(calls),
        )

    def keep(self, notes: Notes, *, whole: bool) -> bool:
        """Have these on the disk; whether they are. `whole`: nothing else waits, so a full journal may begin anew."""
        with self._lock:
            new = Notes(
                spans=tuple(self._new("spans", notes)),
                moments=tuple(self._new("moments", notes)),
                free=tuple(self._new("free", notes)),
                calls=frozenset(self._new("calls", notes)),
            )
            if not self._open or not new:
                return self._open
            try:
                now = self._clock()
                done = self._journal.append([Entry(now, msgspec.json.encode(new))])
                if not done and whole:
                    done = self._journal.rewrite([Entry(now, msgspec.json.encode(notes))])
            except OSError as error:
                self._say(False, error)
                return False
            if done:
                self._learn(new)
            self._say(done, None)
            return done

    def stored(self) -> None:
        """Everything is in the store: be empty."""
        with self._lock:
            for known in self._known.values():
                known.clear()
            if self._open and self._journal.used:
                try:
                    self._journal.clear()
                except OSError as error:
                    self._say(False, error)

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._open = False
            self._journal.close()

    def _new(self, part: str, notes: Notes) -> list[Any]:
        known = self._known[part]
        return [one for one in getattr(notes, part) if one not in known]

    def _learn(self, notes: Notes) -> None:
        for part in _PARTS:
            self._known[part].update(getattr(notes, part))

    def _say(self, ok: bool, error: OSError | None) -> None:
        if ok != self._ok:
            self._ok = ok
            if not ok:
                why = "it is full" if error is None else error.strerror or type(error).__name__
                _log.error("the journal of the history takes nothing: %s", why)
