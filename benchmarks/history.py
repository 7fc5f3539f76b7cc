"""Reports over a year of 3,000 calls a day, in CPU time: SQLite works within the process."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from benchmarks.table import Figure
from cti.calls.record import Call, Missed, Talk, Visit
from cti.events import Outcome
from cti.history.ask import By, Question
from cti.history.calendar import QUARTER_MS, Calendar, Hours
from cti.history.recorder import Notes, Span
from cti.history.report import cause_report, report
from cti.store import Store

ZONE = ZoneInfo("Asia/Shanghai")
CALLS, DAYS, AGENTS, QUEUES = 3000, 365, 40, 5
FIRST = datetime(2026, 1, 1, tzinfo=ZONE)
OFFICE = Hours(start=480, end=1200)
DAY_KINDS: tuple[By, ...] = ("total", "hour", "15m", "agent", "queue", "line")
MONTH_KINDS: tuple[By, ...] = ("total", "day", "heat", "agent", "queue", "line")


def reports() -> list[Figure]:
    """A day's and a month's reports at random, each kind in turn."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{folder}/cti.db")
        _fill(store)
        calendar, rng = Calendar(ZONE), random.Random(13)
        day = [_timed(store, calendar, by, rng.randrange(DAYS), 1) for _ in range(12) for by in DAY_KINDS]
        month = {
            by: statistics.median(_timed(store, calendar, by, rng.randrange(DAYS - 31), 31) for _ in range(4))
            for by in MONTH_KINDS
        }
        office = _timed(store, calendar, "agent", 100, 31, hours=OFFICE)
        causes = statistics.median(
            _timed(store, calendar, "day", rng.randrange(DAYS - 31), 31, why=True) for _ in range(4)
        )
        store.close()
    slowest = max(month, key=lambda by: month[by])
    return [
        Figure("a day's report, p50", statistics.median(day), "ms", 50),
        Figure("a day's report, p95", sorted(day)[len(day) * 95 // 100], "ms"),
        Figure("a month's report, p50 over kinds", statistics.median(month.values()), "ms", 500),
        Figure(f"a month's report, slowest kind ({slowest})", month[slowest], "ms", 500),
        Figure("a month by agent in working hours", office, "ms", 500),
        Figure("a month's late causes by day", causes, "ms", 500),
    ]


def _timed(
    store: Store, calendar: Calendar, by: By, first: int, days: int, *, hours: Hours | None = None, why: bool = False
) -> float:
    since, until = (FIRST + timedelta(days=day) for day in (first, first + days))
    question = Question(
        since_ms=round(since.timestamp() * 1000), until_ms=round(until.timestamp() * 1000), by=by, hours=hours
    )
    start = time.process_time()
    told = cause_report(question, store, calendar) if why else report(question, store, calendar)
    taken = (time.process_time() - start) * 1000
    if not told.rows:
        raise RuntimeError("an empty report proves nothing")
    return taken


def _fill(store: Store) -> None:
    """One day through the store's own way in, then the same rows moved to all other days."""
    rng = random.Random(1)
    store.note_targets({"": (13.0, 5.0), "q1": (20.0, 5.0)}, FIRST.timestamp())
    made = [_call(n, rng) for n in range(CALLS)]
    for at in range(0, CALLS, 500):
        store.save_calls(made[at : at + 500], "pbx")
    store.save_notes(Notes(spans=tuple(_spans(rng))))
    with store.database.write() as connection:
        for table, when in (("history_fact", "at_ms"), ("history_missed", "at_ms"), ("agent_time", "quarter")):
            columns = [c["name"] for c in sa.inspect(connection).get_columns(table)]
            moved = {when: f"{when} + :day * 86400000", "call_id": "call_id || '-' || :day"}
            select = ", ".join(moved.get(name, f'"{name}"') for name in columns)
            names = ", ".join(f'"{name}"' for name in columns)
            statement = sa.text(f"INSERT INTO {table} ({names}) SELECT {select} FROM {table} WHERE {when} < :end")
            end = round((FIRST + timedelta(days=1)).timestamp() * 1000)
            for day in range(1, DAYS):
                connection.execute(statement, {"day": day, "end": end})


def _call(n: int, rng: random.Random) -> Call:
    at = FIRST.timestamp() + rng.triangular(8 * 3600, 20 * 3600, 10 * 3600)
    joined = at + rng.uniform(5, 12)
    wait = rng.expovariate(1 / 9)
    agent = rng.randrange(AGENTS)
    phone, name = f"PJSIP/8{agent:03d}", f"Agent {agent}"
    outcome: Outcome = "answered" if rng.random() < 0.93 else rng.choice(("abandoned", "abandoned", "timeout"))
    answered = outcome == "answered"
    left, length = joined + wait, rng.expovariate(1 / 180)
    return Call(
        id=f"pbx-{at:.0f}.{n}",
        direction="inbound",
        caller=f"0138{n:08d}",
        dialed=f"40000013{rng.randrange(3):02d}",
        started_at=at,
        ended_at=left + length,
        refused=(),
        visits=(
            Visit(
                queue=f"q{rng.randrange(QUEUES)}",
                joined_at=joined,
                left_at=left,
                outcome=outcome,
                answered_at=left if answered else None,
                wait_s=wait,
                agent=name if answered else None,
                interface=phone if answered else None,
                missed=(Missed(agent=name, interface=phone, ring_s=8.0),) if wait > 13 else (),
            ),
        ),
        talks=(Talk(interface=phone, agent=name, from_=left, to=left + length),) if answered else (),
        transfers=(),
    )


def _spans(rng: random.Random) -> list[Span]:
    found = []
    midnight = round(FIRST.timestamp() * 1000)
    for agent in range(AGENTS):
        first = 32 + agent % 12  # shifts of nine hours, one after the other
        for quarter in range(midnight + first * QUARTER_MS, midnight + (first + 36) * QUARTER_MS, QUARTER_MS):
            at = quarter
            for phase in ("idle", "ringing", "busy", "wrapup", *(("paused",) if rng.random() < 0.2 else ())):
                end = min(quarter + QUARTER_MS, at + rng.randrange(1, 300_000))
                reason = "午休" if phase == "paused" else ""
                found.append(
                    Span(
                        interface=f"PJSIP/8{agent:03d}",
                        from_ms=at,
                        to_ms=end,
                        agent=f"Agent {agent}",
                        phase=phase,
                        reason=reason,
                    )
                )
                at = end
    return found
