"""The whole record in one statement of a PostgreSQL server: one round trip, and JSON that becomes structs at once.

It is put together of the very queries that read the sections one by one, so that both tell the same.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from crm_bridge.embedded import lookup, rows, tables
from crm_bridge.model import BusinessRecord, ContactPoint, Note, QuoteLine
from crm_bridge.quick import Reads, prepare

NOTES: Final = 20
"Of a profile."


class PartyRow(msgspec.Struct):
    """A row of `rows.party_columns`."""

    id: int
    kind: str
    name: str
    company_id: int | None
    company: str | None
    role: str | None
    category: str
    tier: str | None
    owner: str | None
    owner_name: str | None
    tags: list[str]
    company_tags: list[str] | None
    version: int
    last_contact: float | None


class HitRow(PartyRow):
    """A row of `lookup.whole_query`; without the last, one of `rows.profile_of`."""

    attrs: dict[str, Any]
    company_attrs: dict[str, Any] | None
    ext: str = ""
    level: str = ""
    point: str = ""
    seen_at: float | None = None
    by: str = ""
    times: int = 0


class LineRow(msgspec.Struct):
    """A row of crm_quote_line."""

    quote_id: str
    container: str
    count: int
    freight: float
    all_in: float | None


class QuoteRow(msgspec.Struct):
    """A row of crm_quote."""

    id: str
    number: str
    at: float
    pol: str
    pod: str
    carrier: str
    transit_days: int | None
    schedule: str
    currency: str
    valid_until: float | None
    status: str
    note: str
    by: str


class Found(msgspec.Struct, array_like=True):
    """The answer, in the order in which `_statement` builds it."""

    me: int | None
    "Whose record it is; None for nobody's."
    hits: tuple[HitRow, ...]
    points: tuple[ContactPoint, ...]
    colleagues: tuple[tuple[str, str | None], ...]
    notes: tuple[Note, ...]
    business: tuple[BusinessRecord, ...]
    business_total: int
    chats: tuple[tuple[str, float, str, str, str, str, str], ...]
    chats_total: int
    quotes: tuple[QuoteRow, ...]
    quotes_total: int
    lines: tuple[LineRow, ...]
    own: tuple[tuple[str, str, str, str, float, float], ...]
    "The newest deals by port keys, currency and container: those four, then at and price."

    def row(self) -> HitRow | None:
        """Of whose record it is."""
        return next((hit for hit in self.hits if hit.id == self.me), None)

    def lines_of(self) -> dict[str, tuple[QuoteLine, ...]]:
        """{quote: its lines, in their order}."""
        found: dict[str, list[QuoteLine]] = {}
        for line in self.lines:
            made = QuoteLine(container=line.container, count=line.count, freight=line.freight, all_in=line.all_in)
            found.setdefault(line.quote_id, []).append(made)
        return {quote: tuple(lines) for quote, lines in found.items()}


_decoder: Final = msgspec.json.Decoder(Found)


def _all(query: Any, *, bare: bool = False) -> Any:
    """The rows of a query as one JSON array, of objects or of arrays."""
    found = query.subquery("r")
    row = sa.func.json_build_array(*found.c) if bare else sa.func.row_to_json(sa.literal_column("r"))
    told = sa.select(sa.func.json_agg(row)).select_from(found).scalar_subquery()
    return sa.func.coalesce(told, sa.literal_column("'[]'::json"))


def _statement(me: sa.CTE, hits: Any) -> Any:
    """`me` has one row, the party's `id` and `account`, or none; `hits` is a query of its row and perhaps others."""
    id_, account = (sa.select(column).scalar_subquery() for column in (me.c.id, me.c.account))
    of = rows.queries(id_, account)
    quotes = of.quotes.cte("quotes")
    line, business = tables.quote_line.c, tables.business.c
    lines = (
        sa.select(line.quote_id, line.container, line.count, line.freight, line.all_in)
        .where(line.quote_id.in_(sa.select(quotes.c.id)))
        .order_by(line.quote_id, line.position)
    )
    kinds = (business.pol_key, business.pod_key, business.currency, business.container)
    nth = sa.func.row_number().over(partition_by=kinds, order_by=(business.at.desc(), business.price.desc()))
    deals = (
        sa.select(*kinds, business.at, business.price, nth.label("nth"))
        .where(
            business.account_id == account,
            business.at > sa.bindparam("since", type_=sa.Float),
            business.at <= sa.bindparam("now", type_=sa.Float),
            business.closed == "won",
            business.price > 0,
        )
        .subquery()
    )
    own = sa.select(*list(deals.c)[:-1]).where(deals.c.nth == 1)
    built = sa.func.json_build_array(
        id_,
        _all(hits),
        _all(of.points),
        _all(of.colleagues, bare=True),
        _all(of.notes.limit(NOTES)),
        _all(of.business),
        of.totals["business"].scalar_subquery(),
        _all(of.chats, bare=True),
        of.totals["chats"].scalar_subquery(),
        _all(sa.select(quotes)),
        of.totals["quotes"].scalar_subquery(),
        _all(lines),
        _all(own, bare=True),
    )
    return sa.select(sa.cast(built, postgresql.TEXT).label("told"))


def _of_party() -> Any:
    party = tables.party.c
    me = (
        sa.select(party.id, sa.func.coalesce(party.company_id, party.id).label("account"))
        .where(party.id == sa.bindparam("id", type_=sa.BigInteger))
        .cte("me")
    )
    return _statement(me, rows.profile_of(sa.bindparam("id", type_=sa.BigInteger)))


def _of_number() -> Any:
    hit = lookup.whole_query.cte("hit")
    # Nearly always whom the ranking puts first, too; where it does not, his record is read by itself.
    level = sa.case({"learned": 0, "exact": 1, "derived": 2}, value=hit.c.level, else_=3)
    me = (
        sa.select(hit.c.id, sa.func.coalesce(hit.c.company_id, hit.c.id).label("account"))
        .order_by(level, hit.c.kind.desc(), hit.c.last_contact.desc().nulls_last(), hit.c.id)
        .limit(1)
        .cte("me")
    )
    return _statement(me, sa.select(hit))


_by_party: Final = _of_party()
_by_number: Final = _of_number()
prepare(_by_party, _by_number, bare=True)


def of_party(connection: Reads, party_id: int, limit: int, now: float, since: float) -> Found | None:
    """What one statement tells of a party; None where its JSON cannot be read and the sections must be."""
    return _ask(connection, _by_party, {"id": party_id, "limit": limit, "now": now, "since": since})


def of_number(connection: Reads, key: str, limit: int, now: float, since: float) -> Found | None:
    """The same of the party that a number's key most likely belongs to, with `hits`, all it may belong to."""
    return _ask(connection, _by_number, {"key": key, "limit": limit, "now": now, "since": since})


def _ask(connection: Reads, statement: Any, given: dict[str, Any]) -> Found | None:
    told = connection.execute(statement, given).first()[0]
    try:
        return _decoder.decode(told)
    except msgspec.DecodeError:  # a number that JSON does not have, such as infinity
        return None
