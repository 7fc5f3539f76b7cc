"""Price trend of a lane over closed deals (pure): per container type, in one currency, never averaged over TEU.

Shown only where at least three deals carry it; outliers are cut by the median absolute deviation.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import Final

import msgspec

from crm_bridge.model import LastDeal, Trend, TrendPoint

LEAST: Final = 3
"Fewer deals than this say nothing and are not shown."
DAY: Final = 86400.0
WEEK: Final = 7 * DAY
_MONDAY: Final = 4 * DAY
"The epoch was a Thursday: weeks begin on Monday, four days later (UTC)."


class Deal(msgspec.Struct, frozen=True, kw_only=True):
    """One closed deal on the lane: price per container."""

    at: float
    price: float
    ours: bool = False
    "It was this customer's."


def trend(
    deals: Iterable[Deal],
    *,
    pol: str,
    pod: str,
    container: str,
    currency: str,
    now: float,
    weeks: int = 12,
    offer: float | None = None,
    offset: float = 8 * 3600.0,
) -> Trend | None:
    """The trend up to `now`, or None where fewer than three deals remain in the last four weeks.

    `deals` are of one lane, container type and currency. `offset` is the site's zone in seconds east of UTC, by which
    weeks begin. `offer` is our open price.
    """
    known = [deal for deal in deals if now - weeks * WEEK < deal.at <= now and deal.price > 0]
    own = max((deal for deal in known if deal.ours), key=lambda deal: deal.at, default=None)
    kept = without_outliers(known)
    recent = [deal.price for deal in kept if deal.at > now - 4 * WEEK]
    if len(recent) < LEAST:
        return None
    before = [deal.price for deal in kept if now - 8 * WEEK < deal.at <= now - 4 * WEEK]
    middle = statistics.median(recent)
    by_week: dict[float, list[float]] = {}
    for deal in kept:
        by_week.setdefault(_week(deal.at, offset), []).append(deal.price)
    return Trend(
        pol=pol,
        pod=pod,
        container=container,
        currency=currency,
        n=len(recent),
        median=middle,
        change=middle / statistics.median(before) - 1 if len(before) >= LEAST else None,
        points=tuple(
            TrendPoint(
                at=week,
                n=len(prices),
                median=statistics.median(prices),
                p25=quantile(prices, 0.25),
                p75=quantile(prices, 0.75),
            )
            for week, prices in sorted(by_week.items())
            if len(prices) >= LEAST
        ),
        last=LastDeal(at=own.at, price=own.price) if own else None,
        ours=offer,
    )


def without_outliers(deals: list[Deal], limit: float = 5.0) -> list[Deal]:
    """Deals within `limit` scaled median absolute deviations of the median price; all, where they are few."""
    if len(deals) < 5:
        return deals
    middle = statistics.median(deal.price for deal in deals)
    # 1.4826 makes the deviation comparable with a standard deviation; the floor keeps a flat market from cutting all.
    spread = max(1.4826 * statistics.median(abs(deal.price - middle) for deal in deals), 0.02 * middle)
    return [deal for deal in deals if abs(deal.price - middle) <= limit * spread]


def quantile(values: list[float], share: float) -> float:
    """The value below which `share` of the values lie, interpolated between neighbours (Hyndman-Fan type 7).

    >>> quantile([1.0, 2.0, 3.0, 4.0], 0.25)
    1.75
    """
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _week(at: float, offset: float) -> float:
    local = at + offset - _MONDAY
    return local - local % WEEK + _MONDAY - offset
