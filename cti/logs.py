"""Logs: one line an entry, control characters escaped, runs of digits masked: numbers and secrets stay out.

A terminal gets words, anything else gets JSON lines, or what the settings say. Names are kept out by not being logged;
this is the second fence, and the only place where logs are masked.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Final, TextIO

_DIGITS: Final = re.compile(r"(?<![\d.])(\+?\d{2,4})\d{3,}(\d{2})(?![\d.]|-\d)")
_SPACED: Final = re.compile(r"(?<!\d)(1[3-9]\d)[ -]\d{4}[ -]\d{2}(\d{2})(?!\d)")
"A mobile number as people write it."
_SECRET: Final = re.compile(
    r"(?i)(secret|password|passwd|token|cookie|authorization|api_?key)(['\"]?\s*[:=]\s*)(?:(bearer|basic)\s+)?\S+"
)
_IN_URL: Final = re.compile(r"(://[^\s:/@]*:)[^\s@]+@")
_OURS: Final = re.compile(r"\b(cti_[A-Za-z0-9]+_)[A-Za-z0-9_-]{8,}")
"An API token: its id helps, its secret must not stand anywhere."


def masked(text: str) -> str:
    """The text with longer runs of digits cut to their ends, and values of secrets replaced."""
    text = _OURS.sub(r"\1***", _IN_URL.sub(r"\1***@", _SECRET.sub(r"\1\2***", text)))
    return _DIGITS.sub(r"\1****\2", _SPACED.sub(r"\1****\2", text))


_LINE_ENDS: Final = {ord(char): f"\\u{ord(char):04x}" for char in "\x7f\x85\u2028\u2029"} | {
    code: f"\\u{code:04x}" for code in range(0xD800, 0xE000)
}
"What JSON lets through and some reader takes for the end of a line, or no encoding can hold."


class _Lines(logging.Formatter):
    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        text = masked(record.getMessage())
        trace = masked(self.formatException(record.exc_info)) if record.exc_info else ""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        if self._as_json:
            entry = {"at": at, "level": record.levelname.lower(), "from": record.name, "text": text}
            if trace:
                entry["trace"] = trace
            return json.dumps(entry, ensure_ascii=False).translate(_LINE_ENDS)
        # A trace's lines stand behind a bar: what an exception says cannot look like an entry.
        more = "".join(f"\n  | {_escaped(one)}" for one in trace.split("\n")) if trace else ""
        return f"{at} {record.levelname.lower():8}{_escaped(text)}{more}"


def _escaped(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def set_up(level: str, stream: TextIO | None = None, form: str = "auto") -> None:
    """Log to `stream` (standard error) at this level, as `text`, `json`, or `auto`: text on a terminal, else JSON."""
    out = stream or sys.stderr
    handler = logging.StreamHandler(out)
    handler.setFormatter(_Lines(form == "json" or (form == "auto" and not out.isatty())))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # What these say of single connections is theirs, not ours: a browser that went away is no event.
    for name in ("websockets", "aiohttp", "alembic", "asyncio"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
