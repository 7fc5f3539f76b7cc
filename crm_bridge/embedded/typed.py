"""Values as people type them: checked, and turned into what the tables hold."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime, tzinfo
from typing import Any, Final

from crm_bridge.model import Field


def wrong(value: str, spec: Field) -> tuple[str, str] | None:
    """What is wrong with a value of a field, in Chinese and English; None where nothing is."""
    if not value:
        return None
    if spec.kind == "number" and not _is_number(value):
        return f"{spec.label}应是数字", f"{spec.label_en} must be a number"
    if spec.kind == "date" and not _is_date(value):
        return f"{spec.label}应是日期，如 2026-03-01", f"{spec.label_en} must be a date such as 2026-03-01"
    if spec.kind == "bool" and value not in ("0", "1"):
        return f"{spec.label}应是 0 或 1", f"{spec.label_en} must be 0 or 1"
    if spec.kind == "choice" and value not in {option.value for option in spec.options}:
        return f"{spec.label}没有这个选项", f"{spec.label_en} has no such choice"
    return None


def _is_number(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _text(value: str, _: tzinfo) -> str:
    return value


def _money(value: str, _: tzinfo) -> float | None:
    if not value:
        return None
    amount = float(re.sub(r"[,，\s]|US\$|USD|[$¥￥]", "", value))
    if not math.isfinite(amount) or amount < 0:
        raise ValueError
    return amount


def _days(value: str, _: tzinfo) -> int | None:
    if not value:
        return None
    days = int(value.removesuffix("天").strip())
    if not 0 <= days <= 400:
        raise ValueError
    return days


def _day(value: str, zone: tzinfo) -> float | None:
    if not value:
        return None
    moment = datetime.fromisoformat(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


def _closed(value: str, _: tzinfo) -> str:
    found = {"": "open", "open": "open", "won": "won", "lost": "lost", "是": "won", "否": "lost"}.get(value)
    if found is None:
        raise ValueError
    return found


def _currency(value: str, _: tzinfo) -> str:
    code = {"": "USD", "RMB": "CNY", "CNH": "CNY"}.get(value.upper(), value.upper())
    if not re.fullmatch("[A-Z]{3}", code):
        raise ValueError
    return code


BUSINESS: Final[dict[str, Callable[[str, tzinfo], Any]]] = {
    **dict.fromkeys(
        ("pol", "pod", "origin", "destination", "container", "supplier", "cargo", "details", "schedule"), _text
    ),
    **dict.fromkeys(("status", "bl_no", "vessel"), _text),
    **dict.fromkeys(("floor_price", "price"), _money),
    **dict.fromkeys(("price_date", "etd", "eta"), _day),
    "transit_days": _days,
    "currency": _currency,
    "closed": _closed,
}
"How each field of a business record is read; raises ValueError."
WORDS: Final[dict[Any, tuple[str, str]]] = {
    _text: ("文字", "text"),
    _money: ("金额", "an amount"),
    _day: ("日期，如 2026-03-01", "a date such as 2026-03-01"),
    _days: ("天数", "a number of days"),
    _currency: ("三个字母的币种", "a currency of three letters"),
    _closed: ("open、won 或 lost", "open, won or lost"),
}
"What each of those wanted, in Chinese and English."
