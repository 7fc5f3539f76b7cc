"""Times as chat programs write them (pure)."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from typing import Any, Final

EARLIEST: Final = 631_152_000.0
"1990: no chat is older."
LATEST: Final = 4_102_444_800.0
"2100."

_MORNING: Final = frozenset({"AM", "A.M.", "上午", "凌晨", "早上", "清晨"})
_LATER: Final = frozenset({"PM", "P.M.", "下午", "晚上", "傍晚"})
HALF: Final = r"[AaPp]\.?[Mm]\.?|上午|下午|凌晨|早上|清晨|中午|晚上|傍晚"
"A half of the day, in front of the time or behind it."

_LOCAL: Final = re.compile(
    rf"\s*(\d{{4}})[-/.年](\d{{1,2}})[-/.月](\d{{1,2}})日?(?:[ T\u00a0\u202f]+(?:({HALF})\s?)?"
    rf"(\d{{1,2}}):(\d{{2}})(?::(\d{{2}}))?(?:[.,]\d{{1,9}})?(?:[ \u202f]?({HALF}))?)?\s*"
)


def hour_of(hour: int, half: str | None) -> int | None:
    """The hour of the day, None where it cannot be one.

    >>> hour_of(12, "AM"), hour_of(8, "下午"), hour_of(20, "下午"), hour_of(8, None)
    (0, 20, 20, 8)
    """
    if not 0 <= hour <= 23:
        return None
    word = (half or "").upper()
    if word in _MORNING:
        return 0 if hour == 12 else hour
    if word in _LATER:
        return hour + 12 if hour < 12 else hour
    if word == "中午":
        return hour + 12 if hour < 11 and hour else hour
    return hour


def local(
    year: int, month: int, day: int, hour: int, minute: int, second: int, zone: tzinfo, half: str | None = None
) -> float | None:
    """Epoch seconds of a local time; None for none that there is."""
    real = hour_of(hour, half)
    if real is None or not 1990 <= year < 2100:
        return None
    try:
        return datetime(year, month, day, real, minute, second, tzinfo=zone).timestamp()
    except (ValueError, OverflowError):
        return None


def moment(value: Any, zone: tzinfo) -> float | None:
    """Epoch seconds of a number (s, ms, µs or ns by its size) or a text (ISO 8601, or local as `zone` has it).

    >>> moment(1703001600000, UTC), moment("1703001600", UTC), moment("2023-12-19T16:00:00Z", UTC)
    (1703001600.0, 1703001600.0, 1703001600.0)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        plain = value.strip()[:64]
        if not plain:
            return None
        if plain.isascii() and plain.replace(".", "", 1).isdigit() and not _is_day(plain):
            return _number(float(plain))
        return _text(plain, zone)
    if isinstance(value, (int, float)):
        try:
            return _number(float(value))
        except OverflowError:
            return None
    return None


def _is_day(plain: str) -> bool:
    return bool(re.fullmatch(r"(?:19|20)\d{12}", plain))


def _number(value: float) -> float | None:
    if value != value or value < 0:
        return None
    for limit, unit in ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3)):
        if value >= limit:
            value /= unit
            break
    return value if EARLIEST <= value < LATEST else None


def _text(plain: str, zone: tzinfo) -> float | None:
    if hit := re.fullmatch(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)", plain):
        year, month, day, hour, minute, second = (int(part) for part in hit.groups())
        return local(year, month, day, hour, minute, second, zone)
    if hit := _LOCAL.fullmatch(plain):
        year, month, day = int(hit[1]), int(hit[2]), int(hit[3])
        return local(year, month, day, int(hit[5] or 0), int(hit[6] or 0), int(hit[7] or 0), zone, hit[4] or hit[8])
    try:
        found = datetime.fromisoformat(plain)
        at = (found if found.tzinfo else found.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        return None
    return at if EARLIEST <= at < LATEST else None
