"""Prices of a lane by week and month, from deals to figures."""

from __future__ import annotations

import random
import sqlite3
import statistics
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st

import crm_bridge.embedded.crm
from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.freight.lanes import LaneDeal, LanePrices, Per, Period, in_currency, kinds, lane_prices, read_prices
from crm_bridge.freight.trend import quantile
from crm_bridge.model import BusinessRecord

ZONE = ZoneInfo("Asia/Shanghai")
NOW = 1_780_000_000.0
DAY = 86400.0


def at(month: int, day: int, hour: int = 12, year: int = 2026) -> float:
    """A time in Shanghai."""
    return datetime(year, month, day, hour, tzinfo=ZONE).timestamp()


def deal(when: float, price: float, **rest: Any) -> LaneDeal:
    """A closed deal of one 40HQ."""
    return LaneDeal(**{"at": when, "price": price, "container": "40HQ×1", "currency": "USD", **rest})


def of(deals: list[LaneDeal], per: Per = "month", periods: int = 13, **rest: Any) -> LanePrices | None:
    """The prices of some lane."""
    given_ = {"pol": "宁波", "pod": "汉堡", "container": "40HC", "currency": "USD", "now": NOW, "zone": ZONE, **rest}
    return lane_prices(deals, per=per, periods=periods, **given_)


def test_a_period_tells_its_figures() -> None:
    """n, least, quartiles, median, greatest, last and spread of each month; fewer than three deals say nothing."""
    deals = [deal(at(5, n), 2000.0 + 100 * n, floor_price=1900.0 + 100 * n) for n in (1, 2, 3, 4)]
    deals += [deal(at(4, 30, 23), 2050.0), deal(at(4, 2), 2100.0), deal(at(4, 1, 0), 2200.0), deal(at(3, 31, 23), 9.0)]
    prices = of(deals)
    assert prices is not None
    april, may = prices.periods
    assert (april.at, may.at) == (at(4, 1, 0), at(5, 1, 0))
    assert (may.n, may.min, may.p25, may.median, may.p75, may.max, may.last) == (
        4,
        2100.0,
        2175.0,
        2250.0,
        2325.0,
        2400.0,
        2400.0,
    )
    assert (may.spread, april.spread) == (100.0, None)
    assert (april.n, april.last) == (3, 2050.0)
    assert prices.change == pytest.approx(2250 / 2100 - 1)
    assert may.moving == statistics.median([2100, 2200, 2300, 2400, 2050, 2100, 2200])
    assert (prices.n, prices.last, prices.last_at) == (7, 2400.0, at(5, 4))


def test_weeks_begin_on_the_sites_monday() -> None:
    """Sunday late belongs to the week before, Monday 00:00 to the next, in the site's zone."""
    monday = at(5, 25, 0)
    deals = [deal(monday + n, 2000.0 + n) for n in range(3)] + [deal(monday - 1 - n, 2100.0 + n) for n in range(3)]
    prices = of(deals, per="week")
    assert prices is not None
    assert [(period.at, period.n) for period in prices.periods] == [(monday - 7 * DAY, 3), (monday, 3)]


def test_weeks_hold_when_the_clocks_change() -> None:
    """In a zone with summer time a week begins at its own midnight, before and after the change."""
    berlin = ZoneInfo("Europe/Berlin")
    now = datetime(2026, 4, 8, 12, tzinfo=berlin).timestamp()
    mondays = [datetime(2026, 3, day, tzinfo=berlin).timestamp() for day in (16, 23, 30)]
    deals = [deal(start + n * 60, 2000.0) for start in mondays for n in range(3)]
    prices = of(deals, per="week", now=now, zone=berlin)
    assert prices is not None
    assert [period.at for period in prices.periods] == mondays


def test_fewer_than_three_deals_are_hidden() -> None:
    """Two deals say nothing at all; three in three months give totals and no period."""
    assert of([deal(at(5, 1), 2000.0), deal(at(5, 2), 2000.0)]) is None
    prices = of([deal(at(month, 1), 2000.0) for month in (3, 4, 5)])
    assert prices is not None
    assert (prices.n, prices.periods, prices.change) == (3, (), None)


def test_types_and_currencies_never_mix() -> None:
    """A 20GP is no half 40HQ, yuan are no dollars, one price for two types is neither's: all counted."""
    deals = [deal(at(5, n), 2000.0) for n in (1, 2, 3)]
    deals += [deal(at(5, 4), 1000.0, container="20GP*2"), deal(at(5, 5), 15000.0, currency="CNY")]
    deals += [deal(at(5, 6), 5000.0, container="20GP*1+40HQ*2")]
    prices = of(deals)
    assert prices is not None
    assert (prices.n, prices.median, prices.other_currency, prices.mixed) == (3, 2000.0, 1, 1)
    assert kinds(deals) == [("40HQ", "USD", 3), ("20GP", "USD", 1), ("40HQ", "CNY", 1)]


def test_other_currencies_count_by_the_rate_of_their_day() -> None:
    """Deals are brought into one currency by the rate of their day; without a rate they are left out and counted."""
    deals = [
        deal(at(5, 1), 2000.0),
        deal(at(5, 2), 14200.0, currency="CNY", floor_price=7100.0),
        deal(at(5, 3), 9.0, currency="XXX"),
    ]
    rates = {"CNY": 1 / 7.1}
    found, left_out = in_currency(deals, "USD", lambda currency, _: rates.get(currency))
    assert left_out == 1
    assert [(one.price, one.currency) for one in found] == [(2000.0, "USD"), (pytest.approx(2000.0), "USD")]
    assert found[1].floor_price == pytest.approx(1000.0)


def test_a_slip_of_the_pen_is_cut_and_a_moving_market_is_not() -> None:
    """A zero too many does not move any figure; a price that trebles over a year is all kept."""
    rng = random.Random(3)
    deals = [deal(NOW - day * DAY, (1500.0 + (360 - day) * 9) * rng.uniform(0.98, 1.02)) for day in range(0, 360, 2)]
    clean, spoilt = of(deals), of([*deals, deal(NOW - 40 * DAY, 40_000.0), deal(NOW - 41 * DAY, 4.1)])
    assert clean is not None
    assert spoilt is not None
    assert (clean.cut, spoilt.cut) == (0, 2)
    assert spoilt.periods == clean.periods
    assert (spoilt.min, spoilt.max) == (clean.min, clean.max)


def test_a_year_ago_is_the_same_month() -> None:
    """The newest month is held against the same month of the year before, where both are shown."""
    deals = [deal(at(5, n), 2200.0) for n in (1, 2, 3)] + [deal(at(5, n, year=2025), 2000.0) for n in (1, 2, 3)]
    prices = of(deals)
    assert prices is not None
    assert prices.change is None
    assert prices.year == pytest.approx(0.1)


def test_own_deals_are_marked() -> None:
    """The asking customer's own deals stand apart for the chart."""
    deals = [deal(at(5, n), 2000.0 + n, ours=n == 2) for n in (1, 2, 3)]
    prices = of(deals)
    assert prices is not None
    assert prices.ours == ((at(5, 2), 2002.0),)


@given(
    st.lists(st.tuples(st.floats(-10, 400), st.floats(-10, 1e5)), max_size=60),
    st.sampled_from(["week", "month"]),
    st.integers(-2, 400),
)
def test_figures_are_in_order_whatever_the_deals(rows: list[tuple[float, float]], per: Per, periods: int) -> None:
    """Least, quartiles, median, greatest never cross; periods are in time, of three deals at least, and sum up."""
    prices = of([deal(NOW - day * DAY, price) for day, price in rows], per=per, periods=periods)
    if prices is None:
        return
    assert prices.n >= 3
    assert sum(period.n for period in prices.periods) <= prices.n
    assert [period.at for period in prices.periods] == sorted({period.at for period in prices.periods})
    figures: tuple[LanePrices | Period, ...] = (prices, *prices.periods)
    for one in figures:
        assert one.n >= 3
        assert one.min <= one.p25 <= one.median <= one.p75 <= one.max
        assert one.min <= one.last <= one.max


def filled(crm: EmbeddedCrm) -> tuple[str, str]:
    """Two customers with deals on one lane, ports in every spelling."""
    one = crm.create_party({"name": "甲", "category": "sea"}, None, "lin").party.id
    two = crm.create_party({"name": "乙", "category": "sea"}, None, "lin").party.id
    spelt = [
        ("宁波", "汉堡"),
        ("Ningbo", "HAMBURG"),
        ("CNNGB", "DEHAM"),
        ("宁波港", "德国汉堡"),
        ("北仑", "Hamburg, Germany"),
    ]
    records = [
        BusinessRecord(
            id=f"d{n}", at=NOW - n * DAY, pol=pol, pod=pod, container="40HC*1", price=2000.0 + n, closed="won"
        )
        for n, (pol, pod) in enumerate(spelt)
    ]
    others = [
        BusinessRecord(id="x1", at=NOW, pol="宁波", pod="鹿特丹", container="40HQ", price=9.0, closed="won"),
        BusinessRecord(id="x2", at=NOW, pol="宁波", pod="汉堡", container="40HQ", price=9.0, closed="lost"),
        BusinessRecord(id="x3", at=NOW, pol="宁波", pod="汉堡", container="40HQ", closed="won"),
        BusinessRecord(id="x4", at=NOW - 900 * DAY, pol="宁波", pod="汉堡", container="40HQ", price=9.0, closed="won"),
    ]
    with crm.loading() as loader:
        loader.add_business(one, records[:2])
        loader.add_business(two, [*records[2:], *others])
    return one, two


def test_a_lane_is_one_however_its_ports_are_written(crm: EmbeddedCrm) -> None:
    """Deals of all spellings are one lane's; open and lost ones, other lanes and those without a price are not."""
    one, _ = filled(crm)
    for pol, pod in (("宁波", "汉堡"), ("NINGBO, CHINA", "deham")):
        deals = crm.lane_deals(pol, pod, NOW - 100 * DAY, party_id=one)
        assert [(d.price, d.ours) for d in deals] == [
            (2000.0, True),
            (2001.0, True),
            (2002.0, False),
            (2003.0, False),
            (2004.0, False),
        ]
    prices, _ = read_prices(crm, "Ningbo", "汉堡", "高柜", "USD", now=NOW, per="month", periods=6, party_id=one)
    assert prices is not None
    assert (prices.container, prices.n, prices.median, len(prices.ours)) == ("40HQ", 5, 2002.0, 2)
    assert crm.lane_deals("", "汉堡", 0.0) == []
    assert [(lane.pol, lane.pod, lane.n) for lane in crm.lanes(NOW - 100 * DAY)] == [
        ("宁波", "汉堡", 5),
        ("宁波", "鹿特丹", 1),
    ]


def test_what_is_typed_is_on_its_lane_at_once(crm: EmbeddedCrm) -> None:
    """A business record added by an agent counts for its lane without further ado."""
    party = crm.create_party({"name": "甲", "category": "sea"}, None, "lin").party.id
    crm.add_business(
        party, {"pol": "shanghai", "pod": "LA", "container": "40HQ", "price": "1,800", "closed": "是"}, "lin"
    )
    assert [d.price for d in crm.lane_deals("上海", "洛杉矶", NOW - DAY)] == [1800.0]


def test_old_business_gets_its_lane_on_migration(tmp_path: Path) -> None:
    """Rows written before lanes had keys are found by them after the migration."""
    script = ScriptDirectory(str(Path(crm_bridge.embedded.crm.__file__).parent / "migrations"))
    engine = sa.create_engine(f"sqlite:///{tmp_path}/crm.db")
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        script.get_revision("0001").module.upgrade()
        connection.exec_driver_sql("CREATE TABLE crm_version (version_num VARCHAR(32) NOT NULL)")
        connection.exec_driver_sql("INSERT INTO crm_version VALUES ('0001')")
    engine.dispose()
    with sqlite3.connect(tmp_path / "crm.db") as old:
        old.execute(
            "INSERT INTO crm_party VALUES (1,'person','甲',NULL,NULL,'sea',NULL,NULL,NULL,'[]','{}',1,NULL,0,'',0,'')"
        )
        for n, (pol, pod) in enumerate([("宁波", "汉堡"), ("NINGBO", "Hamburg"), ("某地", ""), ("", "汉堡")]):
            old.execute(
                "INSERT INTO crm_business (account_id, at, id, pol, pod, origin, destination, container, price,"
                " currency, supplier, cargo, details, schedule, closed, status, bl_no, vessel, by) VALUES"
                " (1, ?, ?, ?, ?, '', '', '40HQ', 2000, 'USD', '', '', '', '', 'won', '', '', '', '')",
                (NOW - n * DAY, f"b{n}", pol, pod),
            )
    crm = EmbeddedCrm(f"sqlite:///{tmp_path}/crm.db", clock=lambda: NOW)
    assert len(crm.lane_deals("宁波港", "DEHAM", 0.0)) == 2
    assert crm.business("1").total == 4
    crm.close()


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=40))
def test_quartiles_are_those_of_statistics(values: list[float]) -> None:
    """Our quantiles are those of the standard library's inclusive method."""
    if len(values) > 1:
        wanted = statistics.quantiles(values, n=4, method="inclusive")
        assert [quantile(values, share) for share in (0.25, 0.5, 0.75)] == pytest.approx(wanted)
