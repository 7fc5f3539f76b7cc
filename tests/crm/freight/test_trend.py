"""Container texts and lane prices."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.freight.containers import parse
from crm_bridge.freight.trend import WEEK, Deal, quantile, trend
from crm_bridge.model import Trend

NOW = 1_780_000_000.0
DAY = 86400.0


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("20GP*1+40GP*2", [("20GP", 1), ("40GP", 2)]),
        ("20GP*1+40HQ×2", [("20GP", 1), ("40HQ", 2)]),
        ("2x40HC", [("40HQ", 2)]),
        ("40'HQ", [("40HQ", 1)]),
        ("1*20'GP", [("20GP", 1)]),
        ("３×４０ＨＱ", [("40HQ", 3)]),
        ("40尺高柜", [("40HQ", 1)]),
        ("高柜*2、小柜", [("40HQ", 2), ("20GP", 1)]),
        ("45HQ×1", [("45HQ", 1)]),
        ("40RF*1,20OT*2", [("40RH", 1), ("20OT", 2)]),
        ("42G1", [("40GP", 1)]),
        ("散货 3 方", []),
        ("", []),
        ("40HQ×0", []),
    ],
)
def test_container_texts(text: str, wanted: list[tuple[str, int]]) -> None:
    """Container types as forwarders write them are understood; anything else is left alone."""
    assert parse(text) == wanted


@given(st.text(max_size=80))
def test_no_container_text_upsets_it(text: str) -> None:
    """Any text is parsed without an error, with counts of at least one."""
    assert all(count >= 1 for _, count in parse(text))


def of(deals: list[Deal], offer: float | None = None) -> Trend | None:
    """The trend of deals on some lane."""
    return trend(deals, pol="宁波", pod="汉堡", container="40HQ", currency="USD", now=NOW, offer=offer)


def test_fewer_than_three_deals_say_nothing() -> None:
    """Two deals in four weeks are hidden, three are shown; older ones do not help."""
    deals = [Deal(at=NOW - n * DAY, price=2000.0) for n in (1, 2)]
    old = [Deal(at=NOW - 40 * DAY - n, price=2000.0) for n in range(9)]
    assert of(deals) is None
    assert of(deals + old) is None
    shown = of([*deals, Deal(at=NOW - 3 * DAY, price=2030.0)])
    assert shown is not None
    assert (shown.n, shown.median, shown.change) == (3, 2000.0, None)


def test_change_is_against_the_four_weeks_before() -> None:
    """The change compares the median of the last four weeks with that of the four before."""
    deals = [Deal(at=NOW - n * DAY, price=2200.0) for n in (1, 2, 3)]
    deals += [Deal(at=NOW - n * DAY, price=2000.0) for n in (30, 31, 32)]
    shown = of(deals)
    assert shown is not None
    assert shown.change == pytest.approx(0.1)


def test_outliers_are_cut() -> None:
    """A price typed with a zero too many does not move the quartiles."""
    deals = [Deal(at=NOW - n * 3600, price=2000.0 + n) for n in range(9)]
    clean, spoilt = of(deals), of([*deals, Deal(at=NOW - 1, price=20_000.0)])
    assert clean is not None
    assert spoilt is not None
    assert spoilt.points == clean.points


def test_weeks_begin_on_monday_of_the_site() -> None:
    """A week's deals are those from Monday 00:00 in the site's zone; a week with fewer than three is left out."""
    monday = datetime(2026, 5, 25, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
    this_week = [Deal(at=monday + 600 * n, price=100.0 * (n + 20)) for n in range(4)]  # Sunday still in Greenwich
    shown = of([*this_week, Deal(at=monday - 600, price=2000.0), Deal(at=monday - WEEK, price=2000.0)])
    assert shown is not None
    (point,) = shown.points
    assert point.at == monday
    assert (point.n, point.median, point.p25, point.p75) == (4, 2150.0, 2075.0, 2225.0)


def test_the_future_and_nothing_do_not_count() -> None:
    """Deals dated after now, and prices of nothing, are left out."""
    assert of([Deal(at=NOW + 1, price=1.0)] * 5 + [Deal(at=NOW - 1, price=0.0)] * 5) is None


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=30), st.floats(0, 1))
def test_quantiles_lie_within(values: list[float], share: float) -> None:
    """A quantile lies between the least and the greatest value."""
    assert min(values) <= quantile(values, share) <= max(values) + 1e-6
