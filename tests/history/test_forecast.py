"""What-if and staffing from stored calls: what is measured, what is said, and when nothing can be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cti.board.whatif import Load, outlook
from cti.calls.record import Call, Talk, Visit
from cti.history.calendar import Calendar
from cti.history.forecast import Unmeasured, habits, staffing, what_if
from cti.store import Store

ZONE = ZoneInfo("Asia/Shanghai")
CALENDAR = Calendar(ZONE)
TODAY = date(2026, 11, 23)  # a Monday


def _at(day: date, hour: int, minute: int = 0, second: float = 0.0) -> float:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE).timestamp() + second


def _call(n: str, at: float, wait: float, talk: float | None, queue: str = "europe") -> Call:
    answered = at + wait if talk is not None else None
    visit = Visit(
        queue=queue,
        joined_at=at,
        left_at=at + wait,
        outcome="answered" if talk is not None else "abandoned",
        answered_at=answered,
        wait_s=wait,
        agent="陈" if talk is not None else None,
        interface="PJSIP/1" if talk is not None else None,
    )
    talks = (
        ()
        if talk is None or answered is None
        else (Talk(interface="PJSIP/1", agent="陈", from_=answered, to=answered + talk),)
    )
    return Call(
        id=n,
        direction="inbound",
        caller="1",
        dialed="2",
        started_at=at,
        ended_at=at + wait + (talk or 0.0),
        refused=(),
        visits=(visit,),
        talks=talks,
        transfers=(),
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty one."""
    made = Store.open(f"sqlite:///{tmp_path}/cti.db")
    yield made
    made.close()


def _hour(store: Store, day: date, hour: int, answered: int, abandoned: int, name: str) -> None:
    step = 3600.0 / (answered + abandoned)
    store.save_calls(
        [
            _call(f"{name}-{n}", _at(day, hour, second=n * step), 10.0, 180.0 if n < answered else None)
            for n in range(answered + abandoned)
        ],
        "pbx",
    )


def _now(hour: int, minute: int = 0) -> int:
    return round(_at(TODAY, hour, minute) * 1000)


def test_what_if_is_the_model_of_what_was_measured(store: Store) -> None:
    """Arrivals of the last hour, means of the day: 40 calls, 180 s, 10 hang-ups after 400 s of waiting in all."""
    _hour(store, TODAY, 10, 30, 10, "a")
    _hour(store, TODAY, 9, 30, 0, "b")
    told = what_if(
        store,
        "europe",
        label="欧洲航线",
        agents=2,
        target_s=13.0,
        goal=0.9,
        now_ms=_now(11),
        until_ms=_now(11, 30),
        until_text="11:30",
    )
    measured = told.measured
    assert (measured.calls, measured.aht_s, measured.aht_calls, measured.abandoned) == (40, 180.0, 60, 10)
    assert measured.patience_s == pytest.approx((70 * 10.0) / 10)
    load = Load(per_s=40 / 3600, handling_s=180.0, patience_s=70.0)
    for option in told.options:
        assert option.level == outlook(load, option.agents, 13.0).level
    assert [option.change for option in told.options] == [-2, -1, 0, 1, 2, 3, 4]
    now, more = (round(outlook(load, n, 13.0).level * 100) for n in (2, 3))
    assert told.text == f"欧洲航线：到 11:30 再加 1 名坐席，13 秒接通率预计从 {now}% 变为 {more}%"
    assert told.text_en.endswith(f"takes the 13-second level from {now} to {more} %")
    assert told.model.startswith("Erlang A")
    assert all(a.text and a.text_en for a in told.assumptions)
    assert any("70" in a.text for a in told.assumptions)


def test_without_a_hang_up_it_says_erlang_c_and_without_calls_nothing(store: Store) -> None:
    """Nobody hung up: nobody is taken to; no call in the hour, or none answered in four weeks: words, no numbers."""
    args = {"label": "", "agents": 3, "target_s": 13.0, "goal": 0.9, "until_ms": _now(12), "until_text": "12:00"}
    with pytest.raises(Unmeasured):
        what_if(store, "europe", now_ms=_now(11), **args)  # type: ignore[arg-type]
    _hour(store, TODAY, 10, 0, 5, "a")
    with pytest.raises(Unmeasured):
        what_if(store, "europe", now_ms=_now(11), **args)  # type: ignore[arg-type]
    _hour(store, TODAY, 8, 20, 0, "b")
    store.drop_calls([f"a-{n}" for n in range(5)])
    _hour(store, TODAY, 10, 20, 0, "c")
    told = what_if(store, "europe", now_ms=_now(11), **args)  # type: ignore[arg-type]
    assert told.model_en.startswith("Erlang C")
    assert told.measured.patience_s is None
    with pytest.raises(Unmeasured):
        what_if(store, "seasia", now_ms=_now(11), **args)  # type: ignore[arg-type]


def test_habits_are_taken_from_the_shortest_time_that_has_enough(store: Store) -> None:
    """A day of many calls is enough; a thin one is filled from the week."""
    for day in range(1, 6):
        store.save_calls(
            [_call(f"old{day}-{n}", _at(TODAY - timedelta(days=day), 10, n), 5.0, 300.0) for n in range(10)], "pbx"
        )
    store.save_calls([_call(f"new-{n}", _at(TODAY, 9, n), 5.0, 100.0) for n in range(5)], "pbx")
    thin = habits(store, "europe", _now(11))
    assert thin.answered == 55
    store.save_calls([_call(f"more-{n}", _at(TODAY, 8, n), 5.0, 100.0) for n in range(30)], "pbx")
    enough = habits(store, "europe", _now(11))
    assert (enough.answered, enough.handling_s) == (35, 100.0)


def test_a_days_staff_comes_from_the_same_weekday(store: Store) -> None:
    """Mondays count, a Monday without any call does not; each half-hour gets the fewest agents that reach the goal."""
    for week in (1, 2, 4):
        monday = TODAY - timedelta(weeks=week)
        _hour(store, monday, 10, 36 + 4 * week, 4, f"m{week}")
        _hour(store, monday + timedelta(days=1), 10, 200, 0, f"t{week}")
    told = staffing(store, CALENDAR, "europe", day=TODAY, weeks=8, target_s=13.0, goal=0.9, now_ms=_now(8))
    assert [datetime.fromtimestamp(row.start, ZONE).strftime("%H:%M") for row in told.rows] == ["10:00", "10:30"]
    assert {row.samples for row in told.rows} == {3}
    assert sum(row.calls for row in told.rows) == pytest.approx((44 + 48 + 56) / 3, abs=0.02)
    for row in told.rows:
        assert row.low <= row.calls <= row.high
        assert row.agents is not None
        assert row.level is not None
        assert row.level >= 0.9
        known = habits(store, "europe", _now(8))
        load = Load(per_s=row.calls / 1800, handling_s=known.handling_s, patience_s=known.patience_s)
        assert outlook(load, row.agents - 1, 13.0).level < 0.9
    with pytest.raises(Unmeasured):
        staffing(
            store, CALENDAR, "europe", day=TODAY + timedelta(days=5), weeks=8, target_s=13.0, goal=0.9, now_ms=_now(8)
        )
