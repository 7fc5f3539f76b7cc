"""Change marks of a foreign table: how far a sync has read, kept as text and compared as what they are.

A mark is a time (with or without a zone, or as text), a counter or a row version. Going back by the overlap is done
in the question only; what is kept is the newest mark seen, but never one of the future, for a row with a wrong clock
must not hide all that come after it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Final

COUNTER_BACK: Final = 5_000
"How far a counter goes back: rows whose transaction was still open."


def encode(value: Any) -> str | None:
    """A mark as text, None for what can be none."""
    if isinstance(value, datetime):
        return f"{'t' if value.tzinfo is None else 'z'}:{value.isoformat()}"
    if isinstance(value, date):
        return f"d:{value.isoformat()}"
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return f"i:{value}"
    if isinstance(value, (float, Decimal)):
        return f"f:{value}"
    if isinstance(value, (bytes, bytearray)):
        return f"b:{bytes(value).hex()}"
    if isinstance(value, str) and value:
        return f"s:{value}"
    return None


def decode(mark: str) -> Any:
    """The value that `encode` was given."""
    kind, _, rest = mark.partition(":")
    if kind in ("t", "z"):
        return datetime.fromisoformat(rest)
    if kind == "d":
        return date.fromisoformat(rest)
    if kind == "i":
        return int(rest)
    if kind == "f":
        return Decimal(rest)
    if kind == "b":
        return bytes.fromhex(rest)
    return rest


def newest(marks: list[str | None]) -> str | None:
    """The greatest of marks of one column."""
    best: str | None = None
    for mark in marks:
        if mark is not None and (best is None or (mark[0] == best[0] and decode(mark) > decode(best))):
            best = mark
    return best


def back(mark: str, seconds: float) -> Any:
    """The value to ask from: the mark, gone back by the overlap."""
    kind, value = mark[0], decode(mark)
    if kind in ("t", "z"):
        return value - timedelta(seconds=seconds)
    if kind == "d":
        return value - timedelta(days=1 + seconds // 86400)
    if kind == "i":
        if 1_000_000_000 < value < 10_000_000_000:
            return value - int(seconds) - 1
        if 1_000_000_000_000 < value < 10_000_000_000_000:
            return value - int(seconds * 1000) - 1
        return max(0, value - COUNTER_BACK)
    if kind == "f":
        return value - Decimal(str(seconds))
    if kind == "s" and (parsed := _parse(value)) is not None:
        return _like(parsed - timedelta(seconds=seconds), value)
    return value


def not_after(mark: str, now: float, zone: tzinfo) -> str:
    """The mark, or the database's present where the mark lies in the future."""
    kind, value = mark[0], decode(mark)
    present = datetime.fromtimestamp(now, UTC)
    if kind == "z":
        return mark if value <= present else f"z:{present.isoformat()}"
    if kind == "t":
        here = present.astimezone(zone).replace(tzinfo=None)
        return mark if value <= here else f"t:{here.isoformat()}"
    if kind == "i" and 1_000_000_000 < value < 10_000_000_000:
        return f"i:{min(value, int(now))}"
    if kind == "i" and 1_000_000_000_000 < value < 10_000_000_000_000:
        return f"i:{min(value, int(now * 1000))}"
    if kind == "s" and (parsed := _parse(value)) is not None:
        here = present if parsed.tzinfo else present.astimezone(zone).replace(tzinfo=None)
        return mark if parsed <= here else f"s:{_like(here, value)}"
    return mark


def _parse(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _like(moment: datetime, sample: str) -> str:
    """A time in the notation of a sample, so that the two compare as text."""
    separator = "T" if "T" in sample else " "
    if len(sample) == 10:
        return moment.date().isoformat()
    fraction = sample.partition(".")[2]
    digits = len(fraction) - len(fraction.lstrip("0123456789"))
    written = moment.isoformat(sep=separator, timespec="microseconds" if digits else "seconds")
    if 0 < digits < 6:
        head, _, tail = written.partition(".")
        written = f"{head}.{tail[:digits]}{tail[6:]}"
    return written.replace("+00:00", "Z") if sample.endswith("Z") else written
