"""Prices of lanes over closed deals, and what freight forms offer."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from crm_bridge.freight import charges, containers, currencies, ports
from crm_bridge.freight.lanes import Per, read_prices
from cti import privacy
from cti.web.api.reading import number_of, one_of
from cti.web.ports import Refusal
from cti.web.routes import Request, Route, answer
from cti.wire import customers as shapes

DAY_S: Final = 86_400.0
MAX_PLACE: Final = 80
_PER: Final[tuple[Per, ...]] = ("week", "month")
_TOO_FEW: Final = ("成交不足 3 单，不显示走势", "Fewer than three closed deals: no trend is shown")


async def lanes(request: Request) -> web.StreamResponse:
    """Lanes by number of closed deals."""
    since = request.services.clock() - number_of(request, "days", 365, 1, 3650) * DAY_S
    limit = number_of(request, "limit", 50, 1, 500)
    found = await request.services.customers.ask(lambda crm: crm.lanes(since, limit))
    return answer(shapes.LanesAnswer(lanes=tuple(found)))


async def prices(request: Request) -> web.StreamResponse:
    """How the price of a lane went, per container type and in one currency."""
    pol, pod = (request.query(name) or "" for name in ("pol", "pod"))
    if not pol.strip() or not pod.strip() or len(pol) > MAX_PLACE or len(pod) > MAX_PLACE:
        raise Refusal(400, "bad_query", "请给出起运港和目的港", "`pol` and `pod` must be given")
    per = one_of(request, "per", _PER) or "week"
    periods = number_of(request, "periods", 26 if per == "week" else 12, 1, 260)
    container = containers.canonical((request.query("container") or "")[:40])
    currency = currencies.code_of((request.query("currency") or "")[:20]) or ""
    party = request.query("party")
    now = request.services.clock()

    found, offered = await request.services.customers.ask(
        lambda crm: read_prices(crm, pol, pod, container, currency, now=now, per=per, periods=periods, party_id=party)
    )
    text, text_en = ("", "") if found is not None else _TOO_FEW
    return answer(
        shapes.PricesAnswer(
            prices=None if found is None else privacy.prices(found, request.services.customers.sight(request.who)),
            kinds=tuple(shapes.LaneKind(container=kind, currency=coin, n=n) for kind, coin, n in offered),
            text=text,
            text_en=text_en,
        )
    )


async def find_ports(request: Request) -> web.StreamResponse:
    """Ports for what somebody is typing."""
    found = ports.search((request.query("q") or "")[:40], number_of(request, "limit", 10, 1, 50))
    return answer(shapes.PortsAnswer(ports=tuple(found)))


async def freight(request: Request) -> web.StreamResponse:
    """Container types, charge codes and currencies for forms."""
    return answer(
        shapes.FreightAnswer(
            containers=containers.TYPES,
            charges=tuple(charges.CODES.values()),
            currencies=tuple(currencies.CURRENCIES.values()),
        )
    )


ROUTES = (
    Route(
        method="GET",
        path="/lanes",
        right="desk",
        handler=lanes,
        summary="Lanes by number of closed deals",
        answer=shapes.LanesAnswer,
        query=("days", "limit"),
    ),
    Route(
        method="GET",
        path="/lanes/prices",
        right="desk",
        handler=prices,
        summary="Price trend of a lane",
        answer=shapes.PricesAnswer,
        query=("pol", "pod", "container", "currency", "per", "periods", "party"),
    ),
    Route(
        method="GET",
        path="/ports",
        right="desk",
        handler=find_ports,
        summary="Ports for what is being typed",
        answer=shapes.PortsAnswer,
        query=("q", "limit"),
    ),
    Route(
        method="GET",
        path="/freight",
        right="desk",
        handler=freight,
        summary="Container types, charges and currencies",
        answer=shapes.FreightAnswer,
    ),
)
