"""Closed deals of a lane out of the embedded CRM, for `freight.lanes`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from threading import Lock
from typing import Final

import msgspec
import sqlalchemy as sa

from crm_bridge.embedded import rows
from crm_bridge.freight import containers
from crm_bridge.freight.lanes import LaneDeal
from crm_bridge.freight.ports import find, lane_key
from crm_bridge.freight.trend import WEEK, Deal, trend
from crm_bridge.model import Quote, Trend
from crm_bridge.quick import Reads

MOST: int = 20_000
"Deals read for one lane, the newest."


WINDOW_S: Final = 12 * WEEK
"How far back a trend in the record goes."
KEPT_S: Final = 60.0
"A lane's trend is worked out again after this: other programs close deals, too."
KEPT: Final = 512
"Trends that are kept."


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """A lane that deals were closed on."""

    pol: str
    pod: str
    n: int
    "Closed deals."
    last: float
    "When the last was closed."


def deals(
    connection: Reads, pol: str, pod: str, since: float, until: float, account: int | None = None
) -> list[LaneDeal]:
    """Closed deals between two ports, however they were written, newest first; `account` says whose are `ours`."""
    lane = {"pol": lane_key(pol), "pod": lane_key(pod), "since": since, "until": until, "limit": MOST}
    if not (lane["pol"] and lane["pod"]):
        return []
    return [
        LaneDeal(
            at=row.at,
            container=row.container,
            currency=row.currency,
            price=row.price,
            floor_price=row.floor_price,
            supplier=row.supplier,
            cargo=row.cargo,
            ours=row.account_id == account,
        )
        for row in connection.execute(rows.deal_query, lane)
    ]


def busiest(connection: sa.Connection, since: float, limit: int) -> list[Lane]:
    """Lanes by number of closed deals since a time. A known port has its usual name."""
    found = connection.execute(rows.lane_query, {"since": since, "limit": limit})
    return [
        Lane(pol=_name(row.pol_key, row.pol), pod=_name(row.pod_key, row.pod), n=row.n, last=row.last) for row in found
    ]


def _name(key: str, written: str) -> str:
    port = find(key)
    return port.name if port is not None else written


class Wanted(msgspec.Struct, frozen=True):
    """The lane and container that a customer's quotes ask about."""

    pol: str
    pod: str
    "Keys of the ports."
    container: str
    currency: str

    def takes(self, container: str) -> bool:
        """Whether a text of containers names this type and no other: one price for two types is neither's."""
        return [name for name, _ in containers.parse(container)] == [self.container]


_key = lru_cache(2048)(lane_key)


def wanted(quotes: tuple[Quote, ...]) -> tuple[Wanted, Quote] | None:
    """Of the first quote that has a price: the lane the caller most likely asks for. None without one."""
    first = next((quote for quote in quotes if quote.lines), None)
    if first is None:
        return None
    pol, pod = _key(first.pol), _key(first.pod)
    if not (pol and pod):
        return None
    return Wanted(pol, pod, containers.canonical(first.lines[0].container), first.currency), first


class Trends:
    """Trends of lanes, each kept for a minute: hundreds of other customers' deals are no part of one's record."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Wanted, tuple[float, Trend | None]] = OrderedDict()
        self._lock = Lock()

    def forget(self) -> None:
        """Deals were closed here."""
        with self._lock:
            self._kept.clear()

    def of(self, lane: Wanted, read: Callable[[], list[LaneDeal]], now: float, zone: tzinfo) -> Trend | None:
        """The lane's trend over the deals that `read` gives, in which nothing is one customer's own."""
        with self._lock:
            at, found = self._kept.get(lane, (float("-inf"), None))
        if 0 <= now - at < KEPT_S:
            return found
        deals = [
            Deal(at=deal.at, price=deal.price)
            for deal in read()
            if deal.currency == lane.currency and lane.takes(deal.container)
        ]
        offset = datetime.fromtimestamp(now, zone).utcoffset() or timedelta(0)
        found = trend(
            deals,
            pol=lane.pol,
            pod=lane.pod,
            currency=lane.currency,
            container=lane.container,
            now=now,
            offset=offset.total_seconds(),
        )
        with self._lock:
            self._kept[lane] = now, found
            self._kept.move_to_end(lane)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found
