"""Reports equal the slow and obvious count over the documents, and their parts add up."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cti.calls.record import Call
from cti.history.ask import BYS, By, Question
from cti.history.calendar import Calendar, Hours, Interval
from cti.history.report import Report, Row, report, team_at
from cti.store import Store
from tests.history import reference
from tests.history.days import AGENTS, QUEUES, ZONE, at, calls, stored

PERIODS = {
    "clocks go forward": ("2026-03-28", "2026-03-31"),
    "clocks go back": ("2026-10-24", "2026-10-27"),
    "new year": ("2026-12-30", "2027-01-03"),
}
CALENDAR = Calendar(ZONE)


class Place:
    """A store of random days and the documents themselves."""

    def __init__(self, folder: Path, period: str, seed: int) -> None:
        self.since, self.until = (at(f"{day} 00:00") for day in PERIODS[period])
        self.calls: list[Call] = calls(random.Random(seed), 400, self.since, self.until)
        self.store = stored(self.calls, folder)

    def ask(self, by: By, **more: Any) -> Report:
        """A report over the whole period."""
        question = Question(since_ms=round(self.since * 1000), until_ms=round(self.until * 1000), by=by, **more)
        return report(question, self.store, CALENDAR)

    def waits(self, unit: str) -> list[reference.Wait]:
        """The waits that began in the period."""
        found = reference.callers(self.calls) if unit == "callers" else reference.visits(self.calls)
        return [w for w in found if reference.ms(self.since) <= reference.ms(w[1]) < reference.ms(self.until)]


@pytest.fixture(params=list(PERIODS), scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Three days over a border of the calendar, to be read only."""
    made = Place(tmp_path_factory.mktemp("history"), request.param, seed=13)
    yield made
    made.store.close()


@pytest.fixture(params=list(PERIODS))
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """The same, to be changed."""
    made = Place(tmp_path, request.param, seed=1313)
    yield made
    made.store.close()


def thirteen(queue: str, entry: float) -> float:
    """The target of every queue at any time."""
    return 13.0


def agrees(
    figures: Any, waits: list[reference.Wait], target: Callable[[str, float], float] = thirteen, **more: Any
) -> None:
    """Every number of a row is what counting gives."""
    told = {**figures.values, **figures.levels}
    for name, value in reference.figures(waits, target, **more).items():
        assert told[name] == (pytest.approx(value, abs=1e-12) if isinstance(value, float) else value), name


@pytest.mark.parametrize("by", BYS)
def test_every_report_is_what_counting_the_documents_gives(place: Place, by: By) -> None:
    """Whatever rows are asked for, each equals the count over exactly its waits, in every variant."""
    told = place.ask(by)
    waits = place.waits(told.unit)

    def belongs(row: Row, wait: reference.Wait) -> bool:
        queue, entry, _, _, line, agent, _, _ = wait
        match by:
            case "total":
                return True
            case "queue":
                return queue == row.key
            case "line":
                return line == row.key
            case "agent":
                return agent == row.key
            case "team":
                return agent != ""  # nobody is in a team
            case "heat":
                when = reference.local(entry, ZONE)
                return f"{when.weekday()}-{when.hour}" == row.key
            case _:
                assert row.start is not None
                assert row.end is not None
                return row.start <= entry < row.end

    assert told.rows
    for row in told.rows:
        agrees(row.figures, [w for w in waits if belongs(row, w)])
    if by in ("agent", "team"):
        waits = [w for w in waits if w[5]]
    agrees(told.total, waits)


ADDED = (
    "offered",
    "answered",
    "in_time",
    "late",
    "abandoned",
    "short",
    "outflow",
    "aside",
    "waiting",
    "missed",
    "transfers",
)


@pytest.mark.parametrize("by", [by for by in BYS if by != "total"])
def test_rows_add_up_to_their_total(place: Place, by: By) -> None:
    """Quarters, hours, days, hours of the week, queues and lines sum to the total; shares are of sums, not sums."""
    told = place.ask(by)
    for name in ADDED:
        assert sum(row.figures.values[name] or 0 for row in told.rows) == told.total.values[name], name


def test_quarters_make_up_the_day_and_days_the_month(place: Place) -> None:
    """The same calls in finer intervals: each day is the sum of its 92, 96 or 100 quarters."""
    days, quarters = place.ask("day"), place.ask("15m")
    for day in days.rows:
        assert day.start is not None
        assert day.end is not None
        inside = [q for q in quarters.rows if q.start is not None and day.start <= q.start < day.end]
        assert len(inside) == round((day.end - day.start) / 900)
        for name in ADDED:
            assert sum(q.figures.values[name] or 0 for q in inside) == day.figures.values[name]


def test_agents_sum_to_their_queue(place: Place) -> None:
    """All that a queue answered was answered by somebody: the agents of a queue sum to it in answers, talk and ASA."""
    queues = {row.key: row for row in place.ask("queue").rows}
    for queue in QUEUES:
        agents = place.ask("agent", queues=(queue,))
        for name in ("answered", "in_time", "late", "talk_s", "transfers"):
            total = sum(row.figures.values[name] or 0 for row in agents.rows)
            assert total == pytest.approx(queues[queue].figures.values[name] or 0), name


def test_no_calls_are_no_data(tmp_path: Path) -> None:
    """An interval without calls has no shares and no averages: None, never 0 or 100 %."""
    store = Store.open(f"sqlite:///{tmp_path}/cti.db")
    question = Question(
        since_ms=round(at("2026-05-01 00:00") * 1000), until_ms=round(at("2026-05-02 00:00") * 1000), by="hour"
    )
    told = report(question, store, CALENDAR)
    assert len(told.rows) == 24
    for figures in (*(row.figures for row in told.rows), told.total):
        assert set(figures.levels.values()) == {None}
        for name in (
            "asa_s",
            "aht_s",
            "longest_s",
            "connect_rate",
            "abandon_rate",
            "occupancy",
            "logged_in_s",
            "talk_s",
        ):
            assert figures.values[name] is None
        assert figures.values["offered"] == 0
    store.close()


def test_whole_seconds_cut_both_ends_as_asterisk_does(place: Place) -> None:
    """In whole-second mode a wait is the difference of two cut clocks, in each row."""
    told = place.ask("queue", whole=True)
    for row in told.rows:
        agrees(row.figures, [w for w in place.waits("visits") if w[0] == row.key], whole=True)


@pytest.mark.parametrize("target", [0.0, 5.0, 12.999, 13.0, 60.0])
def test_any_past_period_can_be_recomputed_for_another_target(fresh: Place, target: float) -> None:
    """The target asked for is used for every call, whatever was in force."""
    fresh.store.note_targets({"": (13.0, 5.0), "sales": (20.0, 5.0)}, fresh.since - 1)
    agrees(fresh.ask("total", target_s=target).total, fresh.waits("callers"), lambda queue, entry: target)


def test_a_change_of_target_never_rewrites_the_past(fresh: Place) -> None:
    """Each call is judged by the target of its queue at its entry; the first target known holds for all before."""
    middle = fresh.since + (fresh.until - fresh.since) / 2
    before = fresh.ask("queue").rows
    fresh.store.note_targets({"": (13.0, 5.0), "sales": (13.0, 5.0)}, fresh.since + 7)
    assert fresh.ask("queue").rows == before
    fresh.store.note_targets({"": (13.0, 5.0), "sales": (5.0, 5.0)}, middle)

    def held(queue: str, entry: float) -> float:
        return 5.0 if queue == "sales" and reference.ms(entry) >= reference.ms(middle) else 13.0

    told = fresh.ask("queue")
    for row in told.rows:
        agrees(row.figures, [w for w in fresh.waits("visits") if w[0] == row.key], held)
    assert [target for _, target in told.targets["sales"]] == [13.0, 5.0]
    assert fresh.store.note_targets({"": (13.0, 5.0), "sales": (5.0, 5.0)}, middle + 9) == 0


HOURS = [
    Hours(days=frozenset(range(5)), start=480, end=1200),
    Hours(start=1320, end=360),
    Hours(days=frozenset({6}), start=135, end=195),
    Hours(days=frozenset({3, 6}), start=1320, end=360),
]


@pytest.mark.parametrize("hours", HOURS)
@pytest.mark.parametrize("by", ["total", "queue", "hour", "heat"])
def test_working_hours_leave_out_what_began_outside(place: Place, by: By, hours: Hours) -> None:
    """Only entries within the hours count, by the site's clock, over midnight and changes of the clock."""
    told = place.ask(by, hours=hours)
    waits = []
    for wait in place.waits(told.unit):
        when = reference.local(wait[1], ZONE)
        minute = when.hour * 60 + when.minute
        day = when if hours.start < hours.end or minute >= hours.start else when - timedelta(days=1)
        span = hours.start <= minute < hours.end if hours.start < hours.end else not hours.end <= minute < hours.start
        if span and day.weekday() in hours.days:
            waits.append(wait)
    agrees(told.total, waits)
    if by in ("hour", "heat"):
        assert len(told.rows) < (place.until - place.since) / 3600 if by == "hour" else 168


def test_the_clock_may_start_at_the_400_number(place: Place) -> None:
    """From the arrival: the wait of a call's first chain is longer by what came before the queue."""
    told = place.ask("total", clock="arrival")
    waits: list[reference.Wait] = []
    for wait in place.waits("callers"):
        call, visit = wait[6], wait[7]
        first = visit is not None and call.visits.index(visit) == next(
            (n for n, v in enumerate(call.visits) if v.outcome == "answered"), len(call.visits) - 1
        )
        if first and wait[3] is not None and call.started_at is not None:
            lead = max(0, reference.ms(wait[1]) - reference.ms(call.started_at))
            waits.append((*wait[:3], (reference.ms(wait[3]) + lead) / 1000, *wait[4:]))
        else:
            waits.append(wait)
    agrees(told.total, waits)


def test_several_marks_at_once(place: Place) -> None:
    """The share of the answered within 3, 5, 10, 13, 15, 20 s: each mark is V1 for that target."""
    told = place.ask("total", marks=(3.0, 5.0, 13.0, 20.0)).total
    for mark in (3.0, 5.0, 13.0, 20.0):
        assert told.marks[f"{mark:g}"] == place.ask("total", target_s=mark).total.levels["V1"]


def test_the_period_before_is_compared(place: Place) -> None:
    """As many days directly before, counted the same way, by the same keys."""
    middle = CALENDAR.after("day", round(place.since * 1000))
    end = CALENDAR.after("day", middle)
    question = Question(since_ms=middle, until_ms=end, by="queue", compare=True)
    told = report(question, place.store, CALENDAR)
    assert told.before is not None
    assert (told.before.since, told.before.until) == (place.since, middle / 1000)
    first = report(Question(since_ms=round(place.since * 1000), until_ms=middle, by="queue"), place.store, CALENDAR)
    assert told.before.total == first.total
    assert told.before.rows == {row.key: row.figures for row in first.rows}


def test_a_month_so_far_is_compared_with_the_same_days_of_the_month_before() -> None:
    """1 to 20 November against 1 to 20 October, a whole month against the whole month before."""
    days = {
        ("2026-11-01", "2026-11-21"): ("2026-10-01", "2026-10-21"),
        ("2026-03-01", "2026-04-01"): ("2026-02-01", "2026-03-01"),
        ("2026-03-01", "2026-03-31"): ("2026-02-01", "2026-03-01"),
        ("2026-11-16", "2026-11-23"): ("2026-11-09", "2026-11-16"),
        ("2026-10-25", "2026-10-26"): ("2026-10-24", "2026-10-25"),
        ("2026-01-01", "2026-01-08"): ("2025-12-01", "2025-12-08"),
    }
    for (since, until), before in days.items():
        found = CALENDAR.period_before(*(round(at(f"{day} 00:00") * 1000) for day in (since, until)))
        assert found == tuple(round(at(f"{day} 00:00") * 1000) for day in before)


@pytest.mark.parametrize(
    ("interval", "begin", "after"),
    [
        ("15m", "2026-05-06 10:30", "2026-05-06 10:45"),
        ("30m", "2026-05-06 10:30", "2026-05-06 11:00"),
        ("hour", "2026-05-06 10:00", "2026-05-06 11:00"),
        ("day", "2026-05-06 00:00", "2026-05-07 00:00"),
        ("week", "2026-05-04 00:00", "2026-05-11 00:00"),
        ("month", "2026-05-01 00:00", "2026-06-01 00:00"),
    ],
)
def test_intervals_begin_where_people_say(interval: Interval, begin: str, after: str) -> None:
    """Half past ten on a Wednesday: a week begins on Monday, a month on its first."""
    moment = round(at("2026-05-06 10:37") * 1000)
    assert CALENDAR.begin(interval, moment) == round(at(begin) * 1000)
    assert CALENDAR.after(interval, round(at(begin) * 1000)) == round(at(after) * 1000)
    assert CALENDAR.begin(interval, round(at(after) * 1000) - 1) == round(at(begin) * 1000)


def test_a_sunday_belongs_to_the_week_before() -> None:
    """The week ends with Sunday, also over the year."""
    assert CALENDAR.begin("week", round(at("2027-01-03 23:59") * 1000)) == round(at("2026-12-28 00:00") * 1000)


def test_a_phone_is_in_the_team_of_the_last_change() -> None:
    """From the very millisecond of a change on; before the first one known, in that one."""
    steps = ((1000, "a"), (2000, "b"), (2500, ""))
    assert [team_at(steps, ms) for ms in (0, 1000, 1999, 2000, 2499, 2500)] == ["a", "a", "a", "b", "b", ""]


def test_history_stays_right_when_an_agent_moves(fresh: Place) -> None:
    """A call belongs to the team its agent was in when it came, to the millisecond."""
    moved = fresh.since + 86_400 + 1234.567
    phone = AGENTS[0][0]
    fresh.store.note_teams({p: "east" for p, _ in AGENTS}, fresh.since - 5)
    fresh.store.note_teams({p: "west" if p == phone else "east" for p, _ in AGENTS}, moved)
    told = {row.key: row.figures.values["answered"] for row in fresh.ask("team").rows}
    west = [
        w
        for w in fresh.waits("visits")
        if w[2] == "answered"
        and w[7] is not None
        and w[7].interface == phone
        and reference.ms(w[1]) >= reference.ms(moved)
    ]
    answered = [w for w in fresh.waits("visits") if w[2] == "answered"]
    assert told["west"] == len([w for w in west if w[3] is not None])
    assert told["west"]
    assert told["east"] == len([w for w in answered if w[3] is not None]) - told["west"]
    only = fresh.ask("day", teams=("west",))
    assert only.total.values["answered"] == told["west"]
    assert fresh.store.note_teams({p: "west" if p == phone else "east" for p, _ in AGENTS}, moved + 9) == 0


def test_missed_rings_count_for_who_let_it_ring(place: Place) -> None:
    """Ring-no-answer by agent, by queue and in all are the same rings."""
    rings = [
        (missed.agent or missed.interface, wait[0])
        for wait in place.waits("visits")
        if wait[7] is not None
        for missed in wait[7].missed
    ]
    by_agent = {row.key: row.figures.values["missed"] for row in place.ask("agent").rows}
    assert {name: n for name, n in by_agent.items() if n} == {
        name: sum(1 for agent, _ in rings if agent == name) for name, _ in rings
    }
    assert place.ask("total").total.values["missed"] == len(rings)


def test_writing_a_call_twice_counts_it_once_and_a_dropped_call_not_at_all(fresh: Place) -> None:
    """Rows are derived from the document: as often as it is written, it is one call; without it, none."""
    before = fresh.ask("15m")
    fresh.store.save_calls(fresh.calls[:300], "pbx")
    assert fresh.ask("15m") == before
    assert fresh.store.derive_history() == len(fresh.calls)
    assert fresh.ask("15m") == before
    fresh.store.drop_calls([call.id for call in fresh.calls])
    assert fresh.ask("total").total.values["offered"] == 0
