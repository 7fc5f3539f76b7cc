"""JSON of any length as a sequence of small pieces: nothing but one element is ever held (pure)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from crm_bridge.chat.message import Tally

MAX_ELEMENT: Final = 4_000_000
"Characters of one element; a longer one is left out."
MAX_DEPTH: Final = 60

_OUTSIDE: Final = re.compile(r'["{}\[\]]')
_INSIDE: Final = re.compile(r'["\\]')
_TOP: Final = "{"


class Splitter:
    """Cuts a document into (key, text): the objects in a top-level list have the key '', those in a top-level object's
    list the key of that list if it is one of `arrays`, every other object or list of the top level its own key.
    """

    def __init__(self, arrays: frozenset[str], tally: Tally) -> None:
        self._arrays = arrays
        self._tally = tally
        self._buffer = ""
        self._at = 0  # how far the buffer is understood
        self._level = 0
        self._root = ""
        self._key = ""
        self._inside = False  # a string
        self._string = -1  # where it began, if it may be a key
        self._array = False  # a list of `arrays` is open
        self._start = -1  # where the element began
        self._base = 0  # the level it began on
        self._bad = False  # too long or too deep

    def feed(self, piece: str) -> Iterator[tuple[str, str]]:
        """The elements that end in this piece."""
        self._buffer += piece
        while True:
            hit = (_INSIDE if self._inside else _OUTSIDE).search(self._buffer, self._at)
            if hit is None:
                self._at = len(self._buffer)
                break
            char = hit.group()
            if char == "\\":
                if hit.end() >= len(self._buffer):
                    self._at = hit.start()
                    break
                self._at = hit.end() + 1
                continue
            self._at = hit.end()
            if char == '"':
                self._quote(hit.start())
            elif char in "{[":
                self._open(char, hit.start())
            elif (done := self._close()) is not None:
                yield done
        self._trim()

    def _quote(self, at: int) -> None:
        if not self._inside:
            self._inside = True
            self._string = at if self._level == 1 and self._root == _TOP and self._start < 0 else -1
            return
        self._inside = False
        if self._string >= 0:
            self._key = self._buffer[self._string + 1 : min(at, self._string + 200)]
            self._string = -1

    def _open(self, char: str, at: int) -> None:
        level, self._level = self._level, self._level + 1
        if level == 0:
            self._root = char
            self._array = False
        elif self._start < 0 and not self._bad:
            if self._root == _TOP and level == 1 and char == "[" and self._key in self._arrays:
                self._array = True
            elif level == (2 if self._array else 1):
                self._start, self._base = at, level
        elif level - self._base > MAX_DEPTH:
            self._spoil()

    def _close(self) -> tuple[str, str] | None:
        self._level = max(0, self._level - 1)
        found = None
        if (self._start >= 0 or self._bad) and self._level <= self._base:
            if not self._bad:
                key = "" if self._root == "[" else self._key
                found = (key, self._buffer[self._start : self._at])
            self._start, self._bad = -1, False
        elif self._array and self._level == 1:
            self._array = False
        return found

    def _spoil(self) -> None:
        if not self._bad:
            self._tally.cut += 1
        self._bad, self._start = True, -1

    def _trim(self) -> None:
        if self._start >= 0 and self._at - self._start > MAX_ELEMENT:
            self._spoil()
        if self._string >= 0 and self._at - self._string > 100_000:
            self._string = -1
        keep = min([self._at, *(at for at in (self._start, self._string) if at >= 0)])
        if keep:
            self._buffer = self._buffer[keep:]
            self._at -= keep
            self._start = self._start - keep if self._start >= 0 else -1
            self._string = self._string - keep if self._string >= 0 else -1


def elements(pieces: Iterable[str], arrays: Iterable[str], tally: Tally) -> Iterator[tuple[str, Any]]:
    """(key, value) of every element; see `Splitter`. What is no JSON is counted and left out."""
    splitter = Splitter(frozenset(arrays), tally)
    for piece in pieces:
        for key, text in splitter.feed(piece):
            value = load(text)
            if value is None:
                tally.odd += 1
            else:
                yield key, value


def load(text: str) -> Any:
    """The value of a JSON text; None for what is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def at(value: Any, *path: str) -> Any:
    """What stands at a path of keys (digits for places in a list), None where there is nothing."""
    for key in path:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isascii() and key.isdigit() and int(key[:6]) < len(value):
            value = value[int(key[:6])]
        else:
            return None
    return value


def string(value: Any) -> str:
    """A value as text: numbers as they are written, '' for what is neither text nor number."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**30 else ""
    if isinstance(value, float) and value == value and abs(value) < 1e30:
        return str(int(value)) if value == int(value) else str(value)
    return ""
