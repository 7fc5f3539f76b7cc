"""What-if for now and staff for a day to come, from what was measured (pure; the model is `cti.board.whatif`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import msgspec

from cti.board.metrics import OUTFLOW
from cti.board.whatif import Load, Outlook, agents_for, outlook
from cti.history.ask import Cell, Dim, Facts, Question, Slice, Targets
from cti.history.calendar import Calendar
from cti.wire.watching import Measured, Option, Sentence, Staffing, StaffRow, WhatIf

HOUR_MS: Final = 3_600_000
HALF_MS: Final = 1_800_000
DAY_MS: Final = 86_400_000
WINDOWS_DAYS: Final = (1, 7, 28)
"Handling times and patience are taken from the shortest of these that has enough calls."
ENOUGH_ANSWERED: Final = 30
ENOUGH_ABANDONED: Final = 10
FEWER: Final = 2
MORE: Final = 4
"Agents around those there are."
MODEL: Final = ("Erlang A（M/M/n+M）", "Erlang A (M/M/n+M)")
MODEL_C: Final = ("Erlang C（M/M/n，无人放弃）", "Erlang C (M/M/n, nobody hangs up)")


class Unmeasured(Exception):
    """Nothing was measured from which this could be told; a sentence for people."""

    def __init__(self, text: str, text_en: str) -> None:
        super().__init__(text_en)
        self.text = text
        self.text_en = text_en


class Sums(msgspec.Struct, kw_only=True):
    """What callers of a queue did in a time."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    handled_ms: int = 0
    waited_ms: int = 0

    def add(self, cell: Cell) -> None:
        """One cell of visits."""
        judged = cell.judged and cell.outcome in ("answered", "abandoned")
        if judged or cell.outcome in OUTFLOW or cell.outcome == "waiting":
            self.offered += cell.n
        if judged:
            self.waited_ms += cell.wait
        if judged and cell.outcome == "answered":
            self.answered += cell.n
            self.handled_ms += cell.talk + cell.hold + cell.wrap
        elif judged:
            self.abandoned += cell.n


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    """How long calls take and how patient callers are."""

    handling_s: float
    answered: int
    since_ms: int
    patience_s: float | None
    abandoned: int


def sums(facts: Facts, queue: str, ranges: Sequence[tuple[int, int]], dims: tuple[Dim, ...] = ()) -> dict[int, Sums]:
    """Visits of a queue in these times, by quarter where that is a dim (else under 0)."""
    question = Question(since_ms=ranges[0][0], until_ms=ranges[-1][1], queues=(queue,))
    part = Slice(ranges=tuple(ranges), question=question, targets=Targets(), dims=dims)
    found: dict[int, Sums] = {}
    for cell in facts.visit_cells(part):
        found.setdefault(int(cell.key[0]) if dims else 0, Sums()).add(cell)
    return found


def habits(facts: Facts, queue: str, now_ms: int) -> Habits:
    """Mean handling time and patience before `now_ms`. Raises Unmeasured."""
    handling: tuple[float, int, int] | None = None
    patience: tuple[float | None, int] = (None, 0)
    for days in WINDOWS_DAYS:
        since = now_ms - days * DAY_MS
        total = sums(facts, queue, ((since, now_ms),)).get(0, Sums())
        if total.answered and (handling is None or handling[1] < ENOUGH_ANSWERED):
            handling = (total.handled_ms / 1000 / total.answered, total.answered, since)
        if total.abandoned and patience[1] < ENOUGH_ABANDONED:
            # Whoever was answered had at least so much patience: hang-ups over all waiting estimate its rate.
            patience = (total.waited_ms / 1000 / total.abandoned, total.abandoned)
    if handling is None or handling[0] <= 0:
        raise Unmeasured("近 28 天没有接起的来电，无法估算", "No call was answered in 28 days: nothing to go by")
    mean_patience = patience[0] if patience[0] else None
    return Habits(
        handling_s=handling[0],
        answered=handling[1],
        since_ms=handling[2],
        patience_s=mean_patience,
        abandoned=patience[1],
    )


def what_if(
    facts: Facts,
    queue: str,
    *,
    label: str,
    agents: int,
    target_s: float,
    goal: float,
    now_ms: int,
    until_ms: int,
    until_text: str,
) -> WhatIf:
    """What fewer or more agents would come to if it went on as in the last hour. Raises Unmeasured."""
    since = now_ms - HOUR_MS
    last = sums(facts, queue, ((since, now_ms),)).get(0, Sums())
    if last.offered == 0:
        raise Unmeasured("最近一小时没有来电，无法估算", "No call came in the last hour: nothing to go by")
    known = habits(facts, queue, now_ms)
    load = _load(last.offered / 3600, known)
    options = [_option(load, n, agents, target_s, goal) for n in range(max(0, agents - FEWER), agents + MORE + 1)]
    now = next(option for option in options if option.change == 0)
    more = next((option for option in options if option.change == 1), now)
    model = MODEL if known.patience_s is not None else MODEL_C
    level, better = round((now.level or 0.0) * 100), round((more.level or 0.0) * 100)
    seconds = f"{target_s:g}"
    return WhatIf(
        queue=queue,
        model=model[0],
        model_en=model[1],
        assumptions=_assumptions(known, since_hour=True),
        measured=Measured(
            since=since / 1000,
            until=now_ms / 1000,
            calls=last.offered,
            per_hour=float(last.offered),
            aht_s=known.handling_s,
            aht_calls=known.answered,
            aht_since=known.since_ms / 1000,
            patience_s=known.patience_s,
            abandoned=known.abandoned,
            agents=agents,
        ),
        target_s=target_s,
        goal=goal,
        since=now_ms / 1000,
        until=until_ms / 1000,
        options=tuple(options),
        text=f"{label}：到 {until_text} 再加 1 名坐席，{seconds} 秒接通率预计从 {level}% 变为 {better}%",
        text_en=f"{label}: one more agent until {until_text} takes the {seconds}-second level "
        f"from {level} to {better} %",
    )


def _load(per_s: float, known: Habits) -> Load:
    try:
        return Load(per_s=per_s, handling_s=known.handling_s, patience_s=known.patience_s)
    except ValueError:
        raise Unmeasured("测得的话务量超出可计算范围", "The measured load is out of the model's range") from None


def _option(load: Load, agents: int, now: int, target_s: float, goal: float) -> Option:
    told: Outlook = outlook(load, agents, target_s)
    return Option(
        agents=agents,
        change=agents - now,
        level=told.level,
        asa_s=told.asa_s,
        abandon=told.abandon,
        occupancy=told.occupancy,
        goal_met=told.level >= goal,
    )


def staffing(
    facts: Facts, calendar: Calendar, queue: str, *, day: date, weeks: int, target_s: float, goal: float, now_ms: int
) -> Staffing:
    """Agents by half-hour of a day, from the same weekday of the weeks before. Raises Unmeasured."""
    known = habits(facts, queue, now_ms)
    by_half: dict[int, list[int]] = {}
    days = 0
    for week in range(1, weeks + 1):
        past = day - timedelta(weeks=week)
        begin, end = calendar.midnight(past), calendar.midnight(past + timedelta(days=1))
        if end > now_ms:
            continue
        counted: dict[int, int] = {}
        for quarter, total in sums(facts, queue, ((begin, end),), ("quarter",)).items():
            local = calendar.local(quarter)
            half = local.hour * 2 + local.minute // 30
            counted[half] = counted.get(half, 0) + total.offered
        if not any(counted.values()):
            continue  # a holiday, or before the service ran: no expectation
        days += 1
        for half, offered in counted.items():
            by_half.setdefault(half, []).append(offered)
    if not days:
        raise Unmeasured("过去几周的同一天没有来电记录", "There were no calls on this weekday in the weeks before")
    rows = []
    starts: dict[int, int] = {}
    for quarter in range(calendar.midnight(day), calendar.midnight(day + timedelta(days=1)), HALF_MS // 2):
        local = calendar.local(quarter)
        starts.setdefault(local.hour * 2 + local.minute // 30, quarter)
    for half, seen in sorted(by_half.items()):
        mean = sum(seen) / days
        start = starts.get(half)
        if start is None:
            continue  # the hour that the clocks leap over
        need = agents_for(_load(mean / 1800, known), goal, target_s) if mean > 0 else 0
        told = None if need is None or mean <= 0 else outlook(_load(mean / 1800, known), need, target_s)
        rows.append(
            StaffRow(
                start=start / 1000,
                end=(start + HALF_MS) / 1000,
                calls=round(mean, 2),
                low=float(min(seen)) if len(seen) == days else 0.0,
                high=float(max(seen)),
                samples=days,
                agents=need,
                level=None if told is None else told.level,
                occupancy=None if told is None else told.occupancy,
            )
        )
    model = MODEL if known.patience_s is not None else MODEL_C
    return Staffing(
        queue=queue,
        day=day.isoformat(),
        model=model[0],
        model_en=model[1],
        assumptions=_assumptions(known, since_hour=False),
        target_s=target_s,
        goal=goal,
        weeks=weeks,
        rows=tuple(rows),
    )


def _assumptions(known: Habits, *, since_hour: bool) -> tuple[Sentence, ...]:
    arrivals = (
        Sentence(
            text="来电按最近一小时的速度随机到达（泊松）",
            text_en="Callers come at random (Poisson), as in the last hour",
        )
        if since_hour
        else Sentence(
            text="每半小时的来电取过去几周同一天的平均，随机到达（泊松）；没有来电的日子不算",
            text_en="Half-hours have the mean of the same weekday in the weeks before, at random (Poisson); "
            "days without any call are left out",
        )
    )
    patience = (
        Sentence(text="没有测到放弃，视为无人放弃", text_en="No hang-up was measured: nobody is taken to hang up")
        if known.patience_s is None
        else Sentence(
            text=f"耐心呈指数分布，平均 {known.patience_s:.0f} 秒（由 {known.abandoned} 次放弃估计）",
            text_en=f"Patience is exponential, {known.patience_s:.0f} s in the mean (from {known.abandoned} hang-ups)",
        )
    )
    return (
        arrivals,
        Sentence(
            text=f"处理时间（通话、保持、话后）呈指数分布，平均 {known.handling_s:.0f} 秒（{known.answered} 通）",
            text_en=f"Handling (talk, hold, wrap-up) is exponential, {known.handling_s:.0f} s in the mean "
            f"({known.answered} calls)",
        ),
        patience,
        Sentence(
            text="坐席都一样、只接这个队列，先到先接，不计振铃与接起前的时间；结果是稳定后的平均",
            text_en="Agents are alike, serve this queue only and in order; ringing takes no time; "
            "a mean of the steady state",
        ),
    )
