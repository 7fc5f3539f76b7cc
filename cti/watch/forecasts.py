"""What pages ask of what-if: implements `cti.web.ports.watching.Forecasts` with the history's sums."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec

from cti.history.ask import Facts
from cti.history.calendar import Calendar
from cti.history.forecast import Unmeasured, staffing, what_if
from cti.web.ports import Refusal, not_found
from cti.wire.watching import Staffing, WhatIf

T = TypeVar("T")
HALF_MS: Final = 1_800_000
MOST_DAYS: Final = 60
"A day to come lies at most so many days ahead."


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A queue as the settings have it."""

    label: str
    target_s: float
    goal: float


class Forecasts:
    """What-if for now, staff for a day to come. `run` runs slow work elsewhere."""

    def __init__(
        self,
        facts: Facts,
        calendar: Calendar,
        plan: Callable[[str], Plan | None],
        present: Callable[[str], int],
        *,
        run: Callable[[Callable[[], Any]], Awaitable[Any]],
        clock: Callable[[], float],
    ) -> None:
        """`plan` knows the queues, None for one that is none; `present` counts who is there and not paused."""
        self._facts = facts
        self._calendar = calendar
        self._plan = plan
        self._present = present
        self._run = run
        self._clock = clock

    async def what_if(self, queue: str, until: str | None) -> WhatIf:
        """Fewer or more agents until then; without it, until the half-hour after this one ends."""
        plan = self._known(queue)
        now_ms = round(self._clock() * 1000)
        until_ms = self._until(until, now_ms)
        agents = self._present(queue)
        return await self._told(
            lambda: what_if(
                self._facts,
                queue,
                label=plan.label,
                agents=agents,
                target_s=plan.target_s,
                goal=plan.goal,
                now_ms=now_ms,
                until_ms=until_ms,
                until_text=self._calendar.local(until_ms).strftime("%H:%M"),
            )
        )

    async def staffing(self, queue: str, params: Mapping[str, str]) -> Staffing:
        """Agents by half-hour; without a day, tomorrow."""
        plan = self._known(queue)
        now_ms = round(self._clock() * 1000)
        today = self._calendar.day_of(now_ms)
        try:
            day = date.fromisoformat(params["day"]) if params.get("day") else today + timedelta(days=1)
        except ValueError:
            raise Refusal(400, "bad_query", "日期应为 YYYY-MM-DD", "A day is YYYY-MM-DD") from None
        if not -MOST_DAYS <= (day - today).days <= MOST_DAYS:
            raise Refusal(400, "bad_query", f"日期应在 {MOST_DAYS} 天内", f"A day within {MOST_DAYS} days")
        goal = _number(params, "goal", plan.goal, 0.01, 0.9999)
        target = _number(params, "target", plan.target_s, 0.0, 3600.0)
        weeks = int(_number(params, "weeks", 8.0, 1.0, 26.0))
        return await self._told(
            lambda: staffing(
                self._facts,
                self._calendar,
                queue,
                day=day,
                weeks=weeks,
                target_s=target,
                goal=goal,
                now_ms=now_ms,
            )
        )

    def _known(self, queue: str) -> Plan:
        plan = self._plan(queue)
        if plan is None:
            raise not_found()
        return plan

    def _until(self, text: str | None, now_ms: int) -> int:
        if not text:
            return (now_ms // HALF_MS + 2) * HALF_MS
        try:
            wanted = datetime.strptime(text, "%H:%M")  # noqa: DTZ007 - a time of day
        except ValueError:
            raise Refusal(400, "bad_query", "until 应为 HH:MM", "`until` is HH:MM") from None
        now = self._calendar.local(now_ms)
        end = now.replace(hour=wanted.hour, minute=wanted.minute, second=0, microsecond=0)
        if end <= now:
            raise Refusal(400, "bad_query", "until 已经过去", "`until` has passed")
        return round(end.timestamp() * 1000)

    async def _told(self, work: Callable[[], T]) -> T:
        try:
            told: T = await self._run(work)
        except Unmeasured as reason:
            raise Refusal(409, "no_data", reason.text, reason.text_en) from None
        return told


def _number(params: Mapping[str, str], name: str, default: float, least: float, most: float) -> float:
    text = params.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise Refusal(400, "bad_query", f"{name} 应在 {least:g} 与 {most:g} 之间", f"`{name}` is {least:g} to {most:g}")
    return value
