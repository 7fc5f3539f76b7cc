"""Prices of a lane over its closed deals, week by week or month by month (pure).

One container type, one currency: a 40HQ is not two 20GP, and dollars are not yuan. A period of fewer than three deals
says nothing and is left out. A price that is far from its time's others is taken for a slip of the pen and cut.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import groupby
from typing import Final, Literal, Protocol

import msgspec

from crm_bridge.freight import containers
from crm_bridge.freight.trend import DAY, LEAST, Deal, quantile, without_outliers

Per = Literal["week", "month"]
MOST_PERIODS: Final = 260
_MOVING: Final = 4
"Periods of the moving median."


class LaneDeal(msgspec.Struct, frozen=True, kw_only=True):
    """A closed deal on a lane."""

    at: float
    "Day of the price, epoch seconds."
    container: str
    "As written: 40HQ×2."
    currency: str
    price: float
    "Per container."
    floor_price: float | None = None
    "What it cost us, per container."
    supplier: str = ""
    cargo: str = ""
    ours: bool = False
    "It was the asking customer's."


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """Prices of a week or month, per container."""

    at: float
    "Its beginning in the site's zone."
    n: int
    min: float
    p25: float
    median: float
    p75: float
    max: float
    last: float
    "The newest deal's."
    spread: float | None
    "Median of price less floor price, where three deals or more carry both."
    moving: float
    "Median of the deals of this and the three periods before."


class LanePrices(msgspec.Struct, frozen=True, kw_only=True):
    """How the price of one lane and container type went, in one currency; n is at least three."""

    pol: str
    pod: str
    container: str
    currency: str
    per: Per
    n: int
    min: float
    p25: float
    median: float
    p75: float
    max: float
    last: float
    last_at: float
    ours: tuple[tuple[float, float], ...]
    "(time, price) of the asking customer's own deals."
    periods: tuple[Period, ...]
    "Oldest first; those with fewer than three deals left out."
    change: float | None
    "Relative change of the newest period's median against the one before it, None unless the two are neighbours."
    year: float | None
    "The same against the same week or month a year earlier."
    cut: int
    "Deals cut as slips."
    other_currency: int
    "Deals of this lane and type left out because they are in another currency."
    mixed: int
    "Deals left out because one price stands for several container types."


class LaneSource(Protocol):
    """Whoever knows closed deals."""

    @property
    def zone(self) -> tzinfo:
        """By which weeks and months begin."""

    def lane_deals(
        self, pol: str, pod: str, since: float, until: float | None = None, party_id: str | None = None
    ) -> list[LaneDeal]:
        """Closed deals between two ports in any spelling; those of `party_id` and company are `ours`."""


def read_prices(
    source: LaneSource,
    pol: str,
    pod: str,
    container: str = "",
    currency: str = "",
    *,
    now: float,
    per: Per = "week",
    periods: int = 26,
    party_id: str | None = None,
) -> tuple[LanePrices | None, list[tuple[str, str, int]]]:
    """How a lane's price went up to `now` (see `lane_prices`), and what else it can be shown for (see `kinds`).

    A container type or currency that is not said is the one the lane has most deals of.
    """
    since = now - (max(1, periods) + 1) * (7 if per == "week" else 31) * DAY
    deals = source.lane_deals(pol, pod, since, now, party_id)
    offered = kinds(deals)
    fitting = [kind[:2] for kind in offered if container in ("", kind[0]) and currency in ("", kind[1])]
    kind, coin = (container, currency) if container and currency else fitting[0] if fitting else ("", "")
    if not kind:
        return None, offered
    zone = source.zone
    told = lane_prices(
        deals, pol=pol, pod=pod, container=kind, currency=coin, now=now, zone=zone, per=per, periods=periods
    )
    return told, offered


def lane_prices(
    deals: Iterable[LaneDeal],
    *,
    pol: str,
    pod: str,
    container: str,
    currency: str,
    now: float,
    zone: tzinfo = UTC,
    per: Per = "week",
    periods: int = 26,
) -> LanePrices | None:
    """The trend up to `now` over the last `periods` weeks or months; None where fewer than three deals remain."""
    kind = containers.canonical(container)
    count = max(1, min(periods, MOST_PERIODS))
    starts = _starts(now, zone, per, count)
    same: list[LaneDeal] = []
    other = mixed = 0
    for deal in deals:
        if not starts[0] <= deal.at <= now or not 0 < deal.price < 1e9:
            continue
        boxes = containers.parse(deal.container)
        if kind not in [name for name, _ in boxes]:
            continue
        if len(boxes) > 1:
            mixed += 1
        elif deal.currency != currency:
            other += 1
        else:
            same.append(deal)
    same.sort(key=lambda deal: deal.at)
    by_start = {
        start: list(group)
        for start, group in groupby(same, lambda deal: _begin(datetime.fromtimestamp(deal.at, zone), per))
    }
    kept = _kept(by_start, starts)
    every = [deal for start in starts for deal in kept.get(start, ())]
    if len(every) < LEAST:
        return None
    shown = tuple(_period(start, kept, starts) for start in starts if len(kept.get(start, ())) >= LEAST)
    prices = [deal.price for deal in every]
    newest = shown[-1] if shown else None
    return LanePrices(
        pol=pol,
        pod=pod,
        container=kind,
        currency=currency,
        per=per,
        n=len(every),
        min=min(prices),
        p25=quantile(prices, 0.25),
        median=statistics.median(prices),
        p75=quantile(prices, 0.75),
        max=max(prices),
        last=every[-1].price,
        last_at=every[-1].at,
        ours=tuple((deal.at, deal.price) for deal in every if deal.ours),
        periods=shown,
        change=_change(newest, shown, starts, 1),
        year=_change(newest, shown, starts, 52 if per == "week" else 12),
        cut=len(same) - len(every),
        other_currency=other,
        mixed=mixed,
    )


def in_currency(
    deals: Iterable[LaneDeal], to: str, rate: Callable[[str, float], float | None]
) -> tuple[list[LaneDeal], int]:
    """Deals with prices in `to` by the rate of their day, and how many had to be left out for want of a rate.

    `rate(currency, at)` gives units of `to` for one unit of `currency` at that time, None where it is not known.
    """
    found: list[LaneDeal] = []
    left_out = 0
    for deal in deals:
        factor = 1.0 if deal.currency == to else rate(deal.currency, deal.at)
        if factor is None or not 0 < factor < 1e9:
            left_out += 1
            continue
        floor = None if deal.floor_price is None else deal.floor_price * factor
        found.append(msgspec.structs.replace(deal, currency=to, price=deal.price * factor, floor_price=floor))
    return found, left_out


def kinds(deals: Iterable[LaneDeal]) -> list[tuple[str, str, int]]:
    """(container type, currency, deals) that a lane can be shown for, the commonest first."""
    counts: dict[tuple[str, str], int] = {}
    for deal in deals:
        boxes = containers.parse(deal.container)
        if len(boxes) == 1:
            key = (boxes[0][0], deal.currency)
            counts[key] = counts.get(key, 0) + 1
    return [(kind, currency, n) for (kind, currency), n in sorted(counts.items(), key=lambda row: (-row[1], row[0]))]


def _begin(moment: datetime, per: Per) -> float:
    """Beginning of the week (Monday) or month that holds a moment, in the moment's zone."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return (day.replace(day=1) if per == "month" else day - timedelta(days=day.weekday())).timestamp()


def _starts(now: float, zone: tzinfo, per: Per, count: int) -> list[float]:
    """Beginnings of the last `count` periods, oldest first; the last holds `now`."""
    moment = datetime.fromtimestamp(now, zone)
    found: list[float] = []
    for _ in range(count):
        start = _begin(moment, per)
        found.append(start)
        moment = datetime.fromtimestamp(start, zone) - timedelta(hours=12)
    return found[::-1]


def _kept(by_start: dict[float, list[LaneDeal]], starts: Sequence[float]) -> dict[float, list[LaneDeal]]:
    """Deals of each period without slips, each held against its own and the neighbouring periods: markets move."""
    kept: dict[float, list[LaneDeal]] = {}
    for place, start in enumerate(starts):
        mine = by_start.get(start, [])
        if not mine:
            continue
        reach = 1
        around = _window(by_start, starts, place, reach)
        while len(around) < 5 and reach < 8:
            reach += 1
            around = _window(by_start, starts, place, reach)
        fine = {deal.price for deal in without_outliers([Deal(at=deal.at, price=deal.price) for deal in around])}
        kept[start] = [deal for deal in mine if deal.price in fine]
    return kept


def _window(by_start: dict[float, list[LaneDeal]], starts: Sequence[float], place: int, reach: int) -> list[LaneDeal]:
    near = starts[max(0, place - reach) : place + reach + 1]
    return [deal for start in near for deal in by_start.get(start, ())]


def _period(start: float, kept: dict[float, list[LaneDeal]], starts: Sequence[float]) -> Period:
    mine = kept[start]
    prices = [deal.price for deal in mine]
    spreads = [deal.price - deal.floor_price for deal in mine if deal.floor_price is not None]
    place = starts.index(start)
    moving = [deal.price for near in starts[max(0, place - _MOVING + 1) : place + 1] for deal in kept.get(near, ())]
    return Period(
        at=start,
        n=len(prices),
        min=min(prices),
        p25=quantile(prices, 0.25),
        median=statistics.median(prices),
        p75=quantile(prices, 0.75),
        max=max(prices),
        last=mine[-1].price,
        spread=statistics.median(spreads) if len(spreads) >= LEAST else None,
        moving=statistics.median(moving),
    )


def _change(newest: Period | None, shown: Sequence[Period], starts: Sequence[float], back: int) -> float | None:
    """Against the period so many before; None where that is not shown."""
    if newest is None:
        return None
    place = starts.index(newest.at) - back
    before = next((period for period in shown if place >= 0 and period.at == starts[place]), None)
    return newest.median / before.median - 1 if before is not None else None
