"""A question as a page's address asks it (pure)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, TypeVar, get_args

from cti.board.metrics import DEFAULT_VARIANT, VARIANTS
from cti.history.ask import BYS, WHICHES, Clock, Question, Which
from cti.history.calendar import DAY_MINUTES, Calendar, Hours

T = TypeVar("T", bound=str)
Params = Mapping[str, Sequence[str]]

LONGEST_DAYS: Final = 1100
MOST_INTERVALS: Final = 10_000
MOST_NAMES: Final = 200
FILTERS: Final = (
    "from",
    "to",
    "by",
    "queue",
    "line",
    "agent",
    "team",
    "days",
    "hours",
    "target",
    "short",
    "marks",
    "variant",
    "whole",
    "clock",
    "compare",
)
"Names that a question understands; `which`, `skip` and `format` belong to lists and exports."


class BadQuestion(Exception):
    """It cannot be understood; a sentence for people."""

    def __init__(self, text: str, text_en: str) -> None:
        super().__init__(text_en)
        self.text = text
        self.text_en = text_en


def question_of(params: Params, calendar: Calendar, now: float) -> Question:
    """The question; without `from` it is about today. Raises BadQuestion."""
    today = calendar.day_of(round(now * 1000))
    first = _one(params, "from")
    since = calendar.midnight(today) if first is None else _moment(first, calendar, end=False)
    last = _one(params, "to")
    if last is None:
        day = calendar.day_of(since) if first is not None else today
        until = calendar.midnight(day + timedelta(days=1))
    else:
        until = _moment(last, calendar, end=True)
    if not since < until <= since + LONGEST_DAYS * 86_400_000:
        raise BadQuestion(f"时间范围应为正，最长 {LONGEST_DAYS} 天", f"From before to, at most {LONGEST_DAYS} days")
    by = _choice(params, "by", BYS, "total")
    steps = {"15m": 900_000, "30m": 1_800_000, "hour": 3_600_000}
    if by in steps and (until - since) // steps[by] > MOST_INTERVALS:
        raise BadQuestion("时段太多，请缩短范围或放大间隔", "Too many intervals: a shorter period, or longer intervals")
    return Question(
        since_ms=since,
        until_ms=until,
        by=by,
        queues=_names(params, "queue"),
        lines=_names(params, "line"),
        agents=_names(params, "agent"),
        teams=_names(params, "team"),
        hours=_hours(params),
        target_s=_seconds(params, "target"),
        short_s=_seconds(params, "short"),
        marks=_marks(params),
        variant=_choice(params, "variant", VARIANTS, DEFAULT_VARIANT),
        whole=_flag(params, "whole"),
        clock=_choice(params, "clock", get_args(Clock), "queue"),
        compare=_flag(params, "compare"),
    )


def which_of(params: Params) -> Which:
    """Which number a list is behind. Raises BadQuestion."""
    return _choice(params, "which", WHICHES, "offered")


def skip_of(params: Params) -> int:
    """How many rows of a list are known already. Raises BadQuestion."""
    text = _one(params, "skip") or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise BadQuestion("skip 应为非负整数", "`skip` is a whole number")
    return int(text)


def _one(params: Params, name: str) -> str | None:
    values = params.get(name, ())
    if len(values) > 1:
        raise BadQuestion(f"{name} 只能有一个", f"`{name}` may be given once")
    return values[0] if values and values[0] != "" else None


def _choice(params: Params, name: str, known: Sequence[T], default: T) -> T:
    text = _one(params, name)
    if text is None:
        return default
    for choice in known:
        if choice == text:
            return choice
    raise BadQuestion(f"{name} 应为 {'、'.join(known)} 之一", f"`{name}` is one of {', '.join(known)}")


def _flag(params: Params, name: str) -> bool:
    return _choice(params, name, ("0", "1"), "0") == "1"


def _names(params: Params, name: str) -> tuple[str, ...]:
    values = tuple(dict.fromkeys(params.get(name, ())))
    if len(values) > MOST_NAMES or any(len(value) > 120 or "\x00" in value for value in values):
        raise BadQuestion(f"{name} 过多或过长", f"Too many or too long: `{name}`")
    return values


def _seconds(params: Params, name: str) -> float | None:
    text = _one(params, name)
    if text is None:
        return None
    return _number(text, name)


def _number(text: str, name: str) -> float:
    try:
        value = float(text) if len(text) < 20 else math.nan
    except ValueError:
        value = math.nan
    if not 0 <= value <= 86_400:
        raise BadQuestion(f"{name} 应为 0 到 86400 之间的秒数", f"`{name}` is a number of seconds, 0 to 86400")
    return value


def _marks(params: Params) -> tuple[float, ...]:
    text = _one(params, "marks")
    if text is None:
        return ()
    parts = text.split(",")
    if len(parts) > 12:
        raise BadQuestion("marks 最多 12 个", "At most 12 marks")
    return tuple(sorted({_number(part, "marks") for part in parts}))


def _hours(params: Params) -> Hours | None:
    days, hours = _one(params, "days"), _one(params, "hours")
    if days is None and hours is None:
        return None
    try:
        week = frozenset(range(7)) if days is None else frozenset(int(day) for day in days.split(","))
        start, end = (0, DAY_MINUTES) if hours is None else (_minute(text) for text in hours.split("-"))
        return Hours(days=week, start=start, end=end)
    except ValueError:
        raise BadQuestion(
            "时段如 hours=08:00-20:00，按一刻钟；days=0,1,2,3,4 为周一至周五",
            "Such as hours=08:00-20:00, in quarters of an hour, and days=0,1,2,3,4 for Monday to Friday",
        ) from None


def _minute(text: str) -> int:
    hour, _, minute = text.partition(":")
    if not (hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit() and len(text) <= 5):
        raise ValueError(text)
    return int(hour) * 60 + int(minute)


def _moment(text: str, calendar: Calendar, *, end: bool) -> int:
    """A local day or moment in epoch ms; the end of a day where `end`."""
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            if not 2000 <= day.year <= 2200:
                raise ValueError(text)
            return calendar.midnight(day + timedelta(days=1) if end else day)
        when = datetime.fromisoformat(text[:40])
        when = when if when.tzinfo is not None else when.replace(tzinfo=calendar.zone)
        if not 2000 <= when.year <= 2200:
            raise ValueError(text)
        return round(when.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise BadQuestion(
            "日期如 2026-11-21，时刻如 2026-11-21T09:15",
            "A day such as 2026-11-21 or a moment such as 2026-11-21T09:15",
        ) from None
