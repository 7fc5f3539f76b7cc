"""Closed deals of a lane out of the embedded CRM, for `freight.lanes`."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from crm_bridge.embedded import rows
from crm_bridge.freight.lanes import LaneDeal
from crm_bridge.freight.ports import find, lane_key
from crm_bridge.quick import Reads

MOST: int = 20_000
"Deals read for one lane, the newest."


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
