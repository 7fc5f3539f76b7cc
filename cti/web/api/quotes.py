"""Enquiries and quotes: with their charges, per container type, and what they come to."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

from aiohttp import web

from crm_bridge.embedded.quoting import QuoteDraft, QuoteSheet
from crm_bridge.freight import charges, containers, currencies
from crm_bridge.freight.charges import Cargo, Charge, totals
from crm_bridge.live import own_part
from crm_bridge.model import QuoteStatus
from cti.web.api.reading import moment_of, number_of, one_of
from cti.web.ports import Refusal
from cti.web.routes import Request, Route, answer
from cti.wire import SectionName
from cti.wire import customers as shapes

PAGE: Final = 50
MAX_CHARGES: Final = 80
MAX_TEXT: Final = 4000
QUOTES: Final[tuple[SectionName, ...]] = ("quotes",)
_STATES: Final[tuple[QuoteStatus, ...]] = ("open", "sent", "won", "lost", "expired")


def _charges(given: tuple[shapes.ChargeBody, ...]) -> tuple[Charge, ...]:
    if len(given) > MAX_CHARGES or any(len(c.code) > 40 or len(c.name) > 80 or len(c.container) > 40 for c in given):
        raise Refusal(413, "too_long", "费用太多或过长", "Too many or too long charges")
    return tuple(_charge(one) for one in given)


def _charge(given: shapes.ChargeBody) -> Charge:
    known = charges.CODES.get(charges.code_of(given.code) or "")
    return Charge(
        code=known.code if known else given.code,
        currency=currencies.code_of(given.currency[:20]) or given.currency[:8],
        price=given.price,
        basis=given.basis or (known.basis if known else "container"),
        part=given.part or (known.part if known else "other"),
        container=containers.canonical(given.container) if given.container else "",
        minimum=given.minimum,
        name=given.name,
    )


def _draft(body: shapes.QuoteBody) -> QuoteDraft:
    long = max(map(len, (body.pol, body.pod, body.containers, body.carrier, body.schedule, body.key)))
    if long > 200 or len(body.note) > MAX_TEXT:
        raise Refusal(413, "too_long", "内容过长", "Too long")
    until = body.valid_until
    if until is not None and not (math.isfinite(until) and 0 <= until < 1e11):
        raise Refusal(422, "invalid", "有效期不对", "`valid_until` is no time")
    if body.transit_days is not None and not 0 <= body.transit_days <= 400:
        raise Refusal(422, "invalid", "航程应为 0 到 400 天", "`transit_days` lies between 0 and 400")
    return QuoteDraft(
        pol=body.pol,
        pod=body.pod,
        containers=body.containers,
        charges=_charges(body.charges),
        currency=body.currency[:20],
        carrier=body.carrier,
        transit_days=body.transit_days,
        schedule=body.schedule,
        valid_until=until,
        status=body.status,
        note=body.note,
    )


def _answer(sheet: QuoteSheet, status: int = 200) -> web.Response:
    shown = shapes.QuoteAnswer(quote=sheet.quote, charges=sheet.charges, total=sheet.total, version=sheet.version)
    return answer(shown, status)


async def of_party(request: Request) -> web.StreamResponse:
    """A customer's enquiries and quotes, those still open first."""
    party, limit = request.path("id"), number_of(request, "limit", PAGE, 1, 200)
    found = await request.services.customers.ask(lambda crm: crm.quotes(party, limit))
    return answer(shapes.QuotesAnswer(quotes=found.items, total=found.total))


async def everybodys(request: Request) -> web.StreamResponse:
    """Enquiries and quotes of all customers, newest first."""
    status, kind = one_of(request, "status", _STATES), one_of(request, "kind", ("enquiry", "quote"))
    before = moment_of(request, "before")
    priced = None if kind is None else kind == "quote"
    found = await request.services.customers.ask(
        lambda crm: own_part(crm).offers(status=status, priced=priced, before=before, limit=PAGE + 1)
    )
    shown = tuple(found[:PAGE])
    return answer(shapes.OffersAnswer(offers=shown, next=shown[-1].quote.at if len(found) > PAGE else None))


async def one(request: Request) -> web.StreamResponse:
    """One quote with its charges."""
    party, quote = request.path("id"), request.path("quote")
    return _answer(await request.services.customers.ask(lambda crm: own_part(crm).quote_sheet(party, quote)))


async def add(request: Request) -> web.StreamResponse:
    """A new enquiry or quote."""
    body, by, party = await request.body(shapes.QuoteBody), request.who.login, request.path("id")
    draft, key = _draft(body), f"{by} {body.key}" if body.key else None
    customers = request.services.customers
    sheet = await customers.ask(
        lambda crm: own_part(crm).quote_sheet(party, own_part(crm).add_quote(party, draft, by, key=key).id)
    )
    customers.audit(request.who, "quote.add", party, sheet.quote.id)
    customers.changed((party,), QUOTES)
    return _answer(sheet, 201)


async def save(request: Request) -> web.StreamResponse:
    """Change an enquiry or quote; 409 with the current one where somebody else was first."""
    body, by, party = await request.body(shapes.QuoteBody), request.who.login, request.path("id")
    draft, quote, customers = _draft(body), request.path("quote"), request.services.customers
    sheet = await customers.ask(lambda crm: own_part(crm).save_quote(party, quote, draft, body.version, by))
    customers.audit(request.who, "quote.save", party, quote)
    customers.changed((party,), QUOTES)
    return _answer(sheet)


async def end(request: Request) -> web.StreamResponse:
    """How an offer ended."""
    body, by, party = await request.body(shapes.StatusBody), request.who.login, request.path("id")
    if body.note is not None and len(body.note) > MAX_TEXT:
        raise Refusal(413, "too_long", "内容过长", "Too long")
    quote, customers = request.path("quote"), request.services.customers
    sheet = await customers.ask(
        lambda crm: own_part(crm).quote_sheet(
            party, own_part(crm).set_quote_status(party, quote, body.status, by, body.note).id
        )
    )
    customers.audit(request.who, "quote.status", party, f"{quote} {body.status}")
    customers.changed((party,), QUOTES)
    return _answer(sheet)


async def add_up(request: Request) -> web.StreamResponse:
    """What charges come to, before anything is saved."""
    body = await request.body(shapes.TotalsBody)
    boxes = tuple(containers.parse(body.containers[:200]))
    given = _charges(body.charges)
    wrong = any(
        not c.price.is_finite() or abs(c.price) >= Decimal(10) ** 12 or currencies.code_of(c.currency) is None
        for c in given
    )
    if wrong:
        raise Refusal(422, "invalid", "费用的金额或币种不对", "Amount or currency of a charge is wrong")
    return answer(shapes.TotalsAnswer(containers=boxes, total=totals(given, Cargo(containers=boxes))))


ROUTES = (
    Route(
        method="GET",
        path="/parties/{id}/quotes",
        right="desk",
        handler=of_party,
        summary="A customer's enquiries and quotes",
        answer=shapes.QuotesAnswer,
        query=("limit",),
    ),
    Route(
        method="POST",
        path="/parties/{id}/quotes",
        right="edit",
        handler=add,
        summary="A new enquiry or quote",
        body=shapes.QuoteBody,
        answer=shapes.QuoteAnswer,
        status=201,
    ),
    Route(
        method="GET",
        path="/parties/{id}/quotes/{quote}",
        right="desk",
        handler=one,
        summary="One quote with its charges and totals",
        answer=shapes.QuoteAnswer,
    ),
    Route(
        method="PUT",
        path="/parties/{id}/quotes/{quote}",
        right="edit",
        handler=save,
        summary="Change an enquiry or quote",
        body=shapes.QuoteBody,
        answer=shapes.QuoteAnswer,
    ),
    Route(
        method="POST",
        path="/parties/{id}/quotes/{quote}/status",
        right="edit",
        handler=end,
        summary="How an offer ended",
        body=shapes.StatusBody,
        answer=shapes.QuoteAnswer,
    ),
    Route(
        method="GET",
        path="/quotes",
        right="desk",
        handler=everybodys,
        summary="Enquiries and quotes of all customers, newest first",
        answer=shapes.OffersAnswer,
        query=("status", "kind", "before"),
    ),
    Route(
        method="POST",
        path="/quotes/totals",
        right="desk",
        handler=add_up,
        summary="What charges come to, saving nothing",
        body=shapes.TotalsBody,
        answer=shapes.TotalsAnswer,
    ),
)
