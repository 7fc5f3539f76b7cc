"""The site's calendar: intervals, hours of the week, working hours, the period before (pure).

Intervals are those of the site's zone. A day begins at local midnight and has 23 or 25 hours when clocks change; the
hour that comes twice is two intervals. Every zone's offset is made of quarters of an hour, so every interval begins
with a quarter in UTC, too.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

Interval = Literal["15m", "30m", "hour", "day", "week", "month"]
INTERVALS: Final[tuple[Interval, ...]] = get_args(Interval)
QUARTER_MS: Final = 900_000
DAY_MINUTES: Final = 1440


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """Working hours: on these weekdays (0 is Monday), from one minute of the day to another, in quarters of an hour.

    A span over midnight belongs to the day that it began on. 480 to 1200 is 8:00 to 20:00.
    """

    days: frozenset[int] = frozenset(range(7))
    start: int = 0
    end: int = DAY_MINUTES

    def __post_init__(self) -> None:
        """Raises ValueError for what is no span of quarters."""
        if not self.days <= frozenset(range(7)) or not self.days:
            raise ValueError("days are 0 to 6")
        if any(m % 15 or not 0 <= m <= DAY_MINUTES for m in (self.start, self.end)) or self.start == self.end:
            raise ValueError("hours begin and end with a quarter of an hour")

    def holds(self, weekday: int, minute: int) -> bool:
        """Whether a local moment lies within."""
        if self.start < self.end:
            return weekday in self.days and self.start <= minute < self.end
        if minute >= self.start:
            return weekday in self.days
        return minute < self.end and (weekday - 1) % 7 in self.days


class Calendar:
    """Moments of one zone. All arguments and results are epoch milliseconds where not said otherwise."""

    def __init__(self, zone: ZoneInfo) -> None:
        """The site's zone."""
        self.zone = zone
        self._local = lru_cache(maxsize=65_536)(self._local_of)

    def _local_of(self, quarter: int) -> datetime:
        return datetime.fromtimestamp(quarter * 900, self.zone)

    def local(self, ms: int) -> datetime:
        """Local time of the quarter in which a moment lies."""
        return self._local(ms // QUARTER_MS)

    def hour_of_week(self, ms: int) -> tuple[int, int]:
        """(weekday, hour); Monday is 0."""
        at = self.local(ms)
        return at.weekday(), at.hour

    def within(self, hours: Hours, ms: int) -> bool:
        """Whether a quarter lies within working hours."""
        at = self.local(ms)
        return hours.holds(at.weekday(), at.hour * 60 + at.minute)

    def ranges(self, hours: Hours | None, since: int, until: int) -> tuple[tuple[int, int], ...]:
        """The parts of a period that lie within working hours; one empty part where none does."""
        if hours is None:
            return ((since, until),)
        found: list[tuple[int, int]] = []
        for quarter in range(since // QUARTER_MS * QUARTER_MS, until, QUARTER_MS):
            if self.within(hours, quarter):
                begin, end = max(quarter, since), min(quarter + QUARTER_MS, until)
                if found and found[-1][1] == begin:
                    found[-1] = (found[-1][0], end)
                else:
                    found.append((begin, end))
        return tuple(found) or ((since, since),)

    def midnight(self, day: date) -> int:
        """Begin of a local day."""
        return round(datetime.combine(day, time(), self.zone).timestamp()) * 1000

    def day_of(self, ms: int) -> date:
        """The local day of a moment."""
        return self.local(ms).date()

    def begin(self, interval: Interval, ms: int) -> int:
        """Begin of the interval that holds a moment."""
        quarter = ms // QUARTER_MS * QUARTER_MS
        if interval == "15m":
            return quarter
        at = self.local(ms)
        if interval == "30m":
            return quarter - at.minute % 30 * 60_000
        if interval == "hour":
            return quarter - at.minute * 60_000
        day = at.date()
        if interval == "week":
            day -= timedelta(days=day.weekday())
        elif interval == "month":
            day = day.replace(day=1)
        return self.midnight(day)

    def after(self, interval: Interval, begin: int) -> int:
        """Begin of the next interval."""
        if interval in ("15m", "30m", "hour"):
            step = {"15m": 1, "30m": 2, "hour": 4}[interval] * QUARTER_MS
            # Clocks that change by half an hour leave a shorter or longer interval behind.
            return next(
                (t for t in range(begin + QUARTER_MS, begin + step, QUARTER_MS) if self._is(interval, t)), begin + step
            )
        day = self.day_of(begin)
        if interval == "day":
            day += timedelta(days=1)
        elif interval == "week":
            day += timedelta(days=7)
        else:
            day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        return self.midnight(day)

    def _is(self, interval: Interval, ms: int) -> bool:
        return self.begin(interval, ms) == ms

    def intervals(self, interval: Interval, since: int, until: int) -> list[int]:
        """Begins of all intervals that touch [since, until)."""
        found: list[int] = []
        at = self.begin(interval, since)
        while at < until:
            found.append(at)
            at = self.after(interval, at)
        return found

    def period_before(self, since: int, until: int) -> tuple[int, int]:
        """The period to compare with: the same days of the month before, else as many days directly before.

        A period that does not begin and end at midnight is compared with the same length of time directly before it.
        """
        first, last = self.day_of(since), self.day_of(until - 1)
        if self.midnight(first) != since or self.midnight(last + timedelta(days=1)) != until:
            return since - (until - since), since
        if first.day == 1 and (first.year, first.month) == (last.year, last.month):
            begin = (first - timedelta(days=1)).replace(day=1)
            whole = (last + timedelta(days=1)).month != last.month
            end = first if whole else min(begin + timedelta(days=last.day), first)
            return self.midnight(begin), self.midnight(end)
        days = (last - first).days + 1
        return self.midnight(first - timedelta(days=days)), since
