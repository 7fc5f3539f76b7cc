"""Closed deals out of somebody else's tables, for prices of lanes: read beside the sync, asked from memory.

No page and no pop waits for their database here: what was read last stands until it is read again.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from crm_bridge.embedded import EmbeddedCrm, writes
from crm_bridge.embedded.crm import errors, to_id
from crm_bridge.embedded.lanes import Lane
from crm_bridge.freight import containers
from crm_bridge.freight.lanes import LaneDeal
from crm_bridge.freight.ports import find, lane_key
from crm_bridge.freight.trend import WEEK, Deal, trend
from crm_bridge.index import PhoneIndex
from crm_bridge.mapped import values
from crm_bridge.mapped.connect import Source, SourceError, untyped
from crm_bridge.mapped.mapping import Mapping
from crm_bridge.model import Quote, Trend

log = logging.getLogger(__name__)

FRESH_S: Final = 600.0
"Their deals are read again after this."
SPAN_S: Final = 3 * 366 * 86_400.0
"How far back they are read: this year and its comparison."
MOST: Final = 60_000


class TheirDeal(msgspec.Struct, frozen=True):
    """A closed deal and whose it was."""

    pol: str
    pod: str
    pol_key: str
    pod_key: str
    account: str
    "Key of the company there."
    deal: LaneDeal


class Deals:
    """Their closed deals as they were read last."""

    def __init__(self, mapping: Mapping, source: Source, clock: Callable[[], float]) -> None:
        self._mapping = mapping
        self._source = source
        self._clock = clock
        self.statement: sa.TextClause | None = None
        "None where the mapping has no `[deals]`."
        if mapping.deals is not None:
            statement = sa.text(mapping.deals.sql.strip().rstrip(";"))
            self.statement = statement.bindparams(*(untyped(n) for n in statement._bindparams if n != "limit"))
        self._read_at: float | None = None
        self._error = ""
        self.found: tuple[TheirDeal, ...] = ()
        "Newest first."

    def refresh(self) -> None:
        """Read them where it is time to; what fails leaves what was read before."""
        now = self._clock()
        if self.statement is None or (self._read_at is not None and now - self._read_at < FRESH_S):
            return
        given = self.parameters(now)
        named = {name: given[name] for name in self.statement._bindparams}
        try:
            rows = self._source.read(self.statement, named, limit=MOST)
        except SourceError as error:
            if error.text_en != self._error:
                log.warning("deals: %s", error.text_en)
            self._error = error.text_en
            return
        self._read_at, self._error = now, ""
        deals = [deal for row in rows if (deal := self._deal(row)) is not None]
        self.found = tuple(sorted(deals, key=lambda one: -one.deal.at))

    def parameters(self, now: float, limit: int = MOST) -> dict[str, Any]:
        """What the statement may ask with."""
        since = now - SPAN_S
        moment = datetime.fromtimestamp(since, self._mapping.zone).replace(tzinfo=None)
        return {"since": moment, "since_epoch": since, "limit": limit}

    def _deal(self, row: Any) -> TheirDeal | None:
        charset, zone = self._mapping.source.charset, self._mapping.zone
        at, price = values.moment(row.get("at"), zone), values.amount(row.get("price"))
        pol, pod = (values.text(row.get(key), charset, 80) for key in ("pol", "pod"))
        if at is None or price is None or not (pol and pod):
            return None
        return TheirDeal(
            pol=pol,
            pod=pod,
            pol_key=lane_key(pol),
            pod_key=lane_key(pod),
            account=values.text(row.get("company_id"), charset, 120),
            deal=LaneDeal(
                at=at,
                container=values.text(row.get("container"), charset, 80),
                currency=values.currency(row.get("currency")),
                price=price,
                floor_price=values.amount(row.get("floor_price")),
                supplier=values.text(row.get("supplier"), charset, 80),
                cargo=values.text(row.get("cargo"), charset, 80),
            ),
        )


class LanesOfBoth:
    """The part of `MappedCrm` that knows prices of lanes: of their deals and of what was closed here."""

    local: EmbeddedCrm
    index: PhoneIndex
    deals: Deals
    _clock: Callable[[], float]

    def lanes(self, since: float, limit: int = 50) -> list[Lane]:
        """See `EmbeddedCrm.lanes`."""
        counts: Counter[tuple[str, str]] = Counter()
        shown: dict[tuple[str, str], Lane] = {}
        for lane in self.local.lanes(since, 500):
            key = (lane_key(lane.pol), lane_key(lane.pod))
            counts[key] += lane.n
            shown[key] = lane
        for one in self.deals.found:
            key = (one.pol_key, one.pod_key)
            if one.deal.at > since:
                counts[key] += 1
                known = shown.get(key)
                if known is None or one.deal.at > known.last:
                    shown[key] = Lane(pol=_name(one.pol), pod=_name(one.pod), n=0, last=one.deal.at)
        return [msgspec.structs.replace(shown[key], n=n) for key, n in counts.most_common(max(1, min(limit, 500)))]

    @property
    def zone(self) -> tzinfo:
        """See `EmbeddedCrm.zone`."""
        return self.local.zone

    def lane_deals(
        self, pol: str, pod: str, since: float, until: float | None = None, party_id: str | None = None
    ) -> list[LaneDeal]:
        """See `EmbeddedCrm.lane_deals`."""
        end = self._clock() if until is None else until
        mine = self._company_there(party_id)
        lane = (lane_key(pol), lane_key(pod))
        theirs = [
            msgspec.structs.replace(one.deal, ours=mine is not None and one.account == mine)
            for one in self.deals.found
            if (one.pol_key, one.pod_key) == lane and since < one.deal.at <= end
        ]
        return sorted([*self.local.lane_deals(pol, pod, since, until, party_id), *theirs], key=lambda deal: -deal.at)

    def trend_of(self, party_id: str, quotes: Sequence[Quote], now: float) -> Trend | None:
        """Price trend of the lane the caller most likely asks for: that of the first quote that has a price."""
        first = next((quote for quote in quotes if quote.lines), None)
        if first is None or not self.deals.found:
            return None
        container = containers.canonical(first.lines[0].container)
        known = [
            Deal(at=deal.at, price=deal.price, ours=deal.ours)
            for deal in self.lane_deals(first.pol, first.pod, now - 12 * WEEK, now, party_id)
            if deal.currency == first.currency and [name for name, _ in containers.parse(deal.container)] == [container]
        ]
        offset = datetime.fromtimestamp(now, self.local.zone).utcoffset() or timedelta(0)
        return trend(
            known,
            pol=first.pol,
            pod=first.pod,
            container=container,
            currency=first.currency,
            now=now,
            offer=first.lines[0].freight if first.status in ("open", "sent") else None,
            offset=offset.total_seconds(),
        )

    def _company_there(self, party_id: str | None) -> str | None:
        """Key of a party's company there."""
        if party_id is None:
            return None
        with errors(), self.local.database.read() as connection:
            account = writes.account_of(connection, to_id(party_id))
        row = self.index.external(account)
        return None if row is None else row.id


def _name(written: str) -> str:
    port = find(written)
    return port.name if port is not None else written
