"""Reports over a year of 3,000 calls a day, in CPU time: SQLite works within the process.

`python -m benchmarks.history 10000000` asks ten million calls of three years on SQLite and on a PostgreSQL of its own,
in CPU time of service and server together and by the wall clock (about ten minutes, and 15 GB of disk meanwhile).
"""

from __future__ import annotations

import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import sqlalchemy as sa

from benchmarks.table import Figure, show
from cti.calls.record import Call, Missed, Talk, Visit
from cti.events import Outcome
from cti.history.ask import By, Question
from cti.history.calendar import QUARTER_MS, Calendar, Hours
from cti.history.recorder import Notes, Span
from cti.history.report import cause_report, report
from cti.store import Store
from cti.store.tables import metadata
from tests.debian import Unavailable
from tests.servers.postgresql import Postgresql

ZONE = ZoneInfo("Asia/Shanghai")
CALLS, DAYS, AGENTS, QUEUES = 3000, 365, 40, 5
CALLS_EACH = 75
"Of an agent in a day: a larger site has more agents."
FIRST = datetime(2026, 1, 1, tzinfo=ZONE)
OFFICE = Hours(start=480, end=1200)
DAY_KINDS: tuple[By, ...] = ("total", "hour", "15m", "agent", "queue", "line")
MONTH_KINDS: tuple[By, ...] = ("total", "day", "heat", "agent", "queue", "line")


def reports() -> list[Figure]:
    """A day's and a month's reports at random, each kind in turn."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{folder}/cti.db")
        _first_day(store, CALLS)
        with sqlite3.connect(f"{folder}/cti.db") as other:
            _all_days(other.execute, DAYS)
        other.close()
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


def on_sqlite(calls: int) -> list[Figure]:
    """A month's reports over three years of `calls` calls, by the wall clock."""
    days = 3 * DAYS
    with tempfile.TemporaryDirectory(prefix="thirteen-bench-") as folder:
        path = Path(folder) / "cti.db"
        store = Store.open(f"sqlite:///{path}")
        began = time.monotonic()
        _first_day(store, calls // days)
        store.close()
        connection = sqlite3.connect(path, isolation_level=None)
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000"):
            connection.execute(f"PRAGMA {setting}")
        rows = _all_days(connection.execute, days)
        connection.execute("ANALYZE")
        connection.close()
        filled = time.monotonic() - began
        store = Store.open(f"sqlite:///{path}")
        told = _month(store, days, "SQLite", 3000, time.process_time)
        store.close()
    return [Figure("SQLite: rows", rows), Figure("SQLite: seconds to fill it", filled, "s"), *told]


def on_postgresql(calls: int) -> list[Figure]:
    """The same on a PostgreSQL of its own; nothing where it cannot be fetched."""
    days = 3 * DAYS
    try:
        server = Postgresql.start()
    except Unavailable as missing:
        print(f"  no PostgreSQL here: {missing}")
        return []
    try:
        url = server.create("history")
        store = Store.open(url)
        store.migrate()
        began = time.monotonic()
        _first_day(store, calls // days)
        plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as other:
            rows = _all_days(other.execute, days)
            other.execute("VACUUM ANALYZE")
        filled = time.monotonic() - began
        told = _month(store, days, "PostgreSQL", 1000, lambda: time.process_time() + _spent(server))
        store.close()
    finally:
        server.end()
    return [Figure("PostgreSQL: rows", rows), Figure("PostgreSQL: seconds to fill it", filled, "s"), *told]


def _month(store: Store, days: int, name: str, goal: float, cpu: Callable[[], float]) -> list[Figure]:
    """Each of five questions is about a month of its own. The wall clock is fair on an idle machine only."""
    calendar, rng = Calendar(ZONE), random.Random(13)
    told = []
    for by in sorted(MONTH_KINDS, key=lambda by: by != "agent"):
        spent, taken = [], []
        for _ in range(5):
            first, before = rng.randrange(days - 31), cpu()
            taken.append(_timed(store, calendar, by, first, 31, clock=time.perf_counter))
            spent.append((cpu() - before) * 1000)
        aim = goal if by == "agent" else None
        told.append(Figure(f"{name}: a month by {by}, CPU", statistics.median(spent), "ms", aim))
        told.append(Figure(f"{name}: a month by {by}, wall clock", statistics.median(taken), "ms", aim))
    return told


def _spent(server: Postgresql) -> float:
    """CPU seconds of a server's processes so far, those that have ended with it."""
    ticks = 0
    for pid in (server.process.pid, *server._children()):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _timed(
    store: Store,
    calendar: Calendar,
    by: By,
    first: int,
    days: int,
    *,
    hours: Hours | None = None,
    why: bool = False,
    clock: Callable[[], float] = time.process_time,
) -> float:
    since, until = (FIRST + timedelta(days=day) for day in (first, first + days))
    question = Question(
        since_ms=round(since.timestamp() * 1000), until_ms=round(until.timestamp() * 1000), by=by, hours=hours
    )
    start = clock()
    told = cause_report(question, store, calendar) if why else report(question, store, calendar)
    taken = (clock() - start) * 1000
    if not told.rows:
        raise RuntimeError("an empty report proves nothing")
    return taken


def _first_day(store: Store, calls: int) -> None:
    """One day through the store's own way in."""
    rng = random.Random(1)
    store.note_targets({"": (13.0, 5.0), "q1": (20.0, 5.0)}, FIRST.timestamp())
    agents = max(AGENTS, calls // CALLS_EACH)
    made = [_call(n, rng, agents) for n in range(calls)]
    for at in range(0, calls, 500):
        store.save_calls(made[at : at + 500], "pbx")
    store.save_notes(Notes(spans=tuple(_spans(rng, agents))))


def _all_days(run: Callable[[str], Any], days: int) -> int:
    """The first day's rows moved to all other days, in the order of their keys; how many facts there are then."""
    run(
        "CREATE TEMP TABLE first_days AS WITH RECURSIVE d(day) AS"
        f" (SELECT CAST(1 AS BIGINT) UNION ALL SELECT day + 1 FROM d WHERE day < {days - 1}) SELECT day FROM d"
    )
    rows = 0
    for table, when in (("history_fact", "at_ms"), ("history_missed", "at_ms"), ("agent_time", "quarter")):
        # Indexes are made at the end: that is many times quicker.
        run(f"DROP INDEX IF EXISTS {table}_call")
        run(f"CREATE TEMP TABLE first_{table} AS SELECT * FROM {table}")
        columns = [column.name for column in metadata.tables[table].c]
        moved = {when: f"{when} + day * 86400000", "call_id": "call_id || '-' || day"}
        select = ", ".join(moved.get(name, f'"{name}"') for name in columns)
        names = ", ".join(f'"{name}"' for name in columns)
        rows += run(f"INSERT INTO {table} ({names}) SELECT {select} FROM first_days CROSS JOIN first_{table}").rowcount
        if "call_id" in columns:
            run(f"CREATE INDEX {table}_call ON {table} (call_id)")
    return rows


def _call(n: int, rng: random.Random, agents: int) -> Call:
    at = FIRST.timestamp() + rng.triangular(8 * 3600, 20 * 3600, 10 * 3600)
    joined = at + rng.uniform(5, 12)
    wait = rng.expovariate(1 / 9)
    agent = rng.randrange(agents)
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


def _spans(rng: random.Random, agents: int) -> list[Span]:
    found = []
    midnight = round(FIRST.timestamp() * 1000)
    for agent in range(agents):
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


if __name__ == "__main__":
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    for measured in (on_sqlite, on_postgresql):
        show(f"Reports over {many:,} calls of three years (wall clock)", measured(many))
        sys.stdout.flush()
