"""Logs: one line an entry, control characters escaped, runs of digits masked: numbers and secrets stay out.

A terminal gets words, anything else gets JSON lines. Names are kept out by not being logged; this is the second fence.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Final, TextIO

_DIGITS: Final = re.compile(r"(?<![\d.])(\+?\d{2,4})\d{3,}(\d{2})(?![\d.]|-\d)")
_SECRET: Final = re.compile(r"(?i)\b(secret|password|token|cookie)(['\"]?\s*[:=]\s*)\S+")


def masked(text: str) -> str:
    """The text with longer runs of digits cut to their ends, and values of secrets replaced."""
    return _SECRET.sub(r"\1\2***", _DIGITS.sub(r"\1****\2", text))


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
            return json.dumps(entry, ensure_ascii=False)
        line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
        return f"{at} {record.levelname.lower():8}{line}" + (f"\n{trace}" if trace else "")


def set_up(level: str, stream: TextIO | None = None) -> None:
    """Log to `stream` (standard error) at this level."""
    out = stream or sys.stderr
    handler = logging.StreamHandler(out)
    handler.setFormatter(_Lines(not out.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # What these say of single connections is theirs, not ours: a browser that went away is no event.
    for name in ("websockets", "aiohttp", "alembic", "asyncio"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
