"""Cells of somebody else's database as values of ours. Nothing here raises: what makes no sense is nothing."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any, Final

from crm_bridge import sql

MAX_CELL: Final = 20_000
"Characters of a cell that are looked at."
_EARLIEST: Final = 0.0
_LATEST: Final = 4_102_444_800.0
"Year 2100: a time beyond is a mistake."


def text(value: Any, charset: str = "", limit: int = MAX_CELL) -> str:
    """A cell as text: bytes decoded, 13812345678.0 as 13812345678, no NUL, no blank ends, bounded."""
    if value is None:
        return ""
    if isinstance(value, str):
        plain = value
    elif isinstance(value, (bytes, bytearray, memoryview)):
        plain = bytes(value[: limit * 4]).decode(charset or "utf-8", "replace")
    elif isinstance(value, bool):
        plain = "1" if value else "0"
    elif isinstance(value, (float, Decimal)):
        # A spreadsheet's or a careless schema's phone number.
        number = float(value)
        is_whole = math.isfinite(number) and abs(number) < 1e18 and value == int(value)
        plain = str(int(value)) if is_whole else str(value)
    elif isinstance(value, datetime):
        plain = value.isoformat(sep=" ", timespec="seconds")
    else:
        plain = str(value)
    return sql.clean(plain[:limit].strip(), limit)


def moment(value: Any, zone: tzinfo) -> float | None:
    """Epoch seconds of a time; one without a zone is in `zone`. None for none, zero dates and nonsense."""
    try:
        if isinstance(value, datetime):
            found = (value if value.tzinfo else value.replace(tzinfo=zone)).timestamp()
        elif isinstance(value, date):
            found = datetime(value.year, value.month, value.day, tzinfo=zone).timestamp()
        elif isinstance(value, bool) or value is None:
            return None
        elif isinstance(value, (int, float, Decimal)):
            found = float(value)
            if abs(found) > 1e11:  # milliseconds
                found /= 1000
        else:
            written = text(value, limit=40).replace("/", "-").replace("年", "-").replace("月", "-").rstrip("日")
            if re.fullmatch(r"\d{10}(\d{3})?", written):
                return moment(int(written), zone)
            written = re.sub(r"\b(\d)(?=[- :]|$)", r"0\1", written)
            parsed = datetime.fromisoformat(written)
            found = (parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError, OSError, ArithmeticError):
        return None
    return found if _EARLIEST < found < _LATEST else None


def amount(value: Any) -> float | None:
    """A price; None for none, nonsense, and what is below zero."""
    if value is None or isinstance(value, bool):
        return None
    try:
        if isinstance(value, (int, float, Decimal)):
            found = float(value)
        else:
            found = float(re.sub(r"[,，\s]|US\$|USD|RMB|CNY|[$¥￥元]", "", text(value, limit=60)))
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and 0 <= found < 1e12 else None


def whole(value: Any) -> int | None:
    """A small whole number, such as days; None for none and nonsense."""
    found = amount(text(value, limit=40).removesuffix("天")) if isinstance(value, (str, bytes)) else amount(value)
    return int(found) if found is not None and found < 100_000 else None


def currency(value: Any) -> str:
    """Three letters; RMB and CNH are CNY, nothing is USD."""
    code = text(value, limit=8).upper()
    code = {"": "USD", "RMB": "CNY", "CNH": "CNY", "人民币": "CNY", "美元": "USD"}.get(code, code)
    return code if re.fullmatch("[A-Z]{3}", code) else "USD"


_CJK: Final = re.compile(r"[㐀-鿿]")


def joined(parts: list[str]) -> str:
    """A name of its parts in Western order: Ann and Lee are Ann Lee, 敏 and 周 are 周敏."""
    found = [part for part in parts if part]
    if any(_CJK.search(part) for part in found):
        return "".join(reversed(found))
    return " ".join(found)
