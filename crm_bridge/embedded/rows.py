"""Rows of the embedded CRM as structs of the model, and the queries of its sections, built once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from crm_bridge.embedded import tables
from crm_bridge.embedded.catalogue import Catalogue
from crm_bridge.model import BusinessRecord, ChatMessage, Party, Quote, QuoteLine
from crm_bridge.quick import prepare

party = tables.party.alias("p")
company = tables.party.alias("c")

party_columns = (
    party.c.id,
    party.c.kind,
    party.c.name,
    party.c.company_id,
    company.c.name.label("company"),
    party.c.role,
    party.c.category,
    sa.func.coalesce(party.c.tier, company.c.tier).label("tier"),
    sa.func.coalesce(party.c.owner, company.c.owner).label("owner"),
    sa.case((party.c.owner.is_not(None), party.c.owner_name), else_=company.c.owner_name).label("owner_name"),
    party.c.tags,
    company.c.tags.label("company_tags"),
    # Two counters that only grow, so the sum changes whenever either record does.
    (party.c.version + sa.func.coalesce(company.c.version, 0)).label("version"),
    sa.func.coalesce(party.c.last_contact, company.c.last_contact).label("last_contact"),
)

_joined = party.outerjoin(company, company.c.id == party.c.company_id)

_id: Any = sa.bindparam("id", type_=sa.BigInteger)
party_query = sa.select(*party_columns).select_from(_joined).where(party.c.id == _id)


field_columns = (party.c.attrs, company.c.attrs.label("company_attrs"))
"What the fields of its category hold."


def profile_of(me: Any) -> sa.Select[Any]:
    """A party with its fields."""
    return sa.select(*party_columns, *field_columns).select_from(_joined).where(party.c.id == me)


account = (
    sa.select(sa.func.coalesce(tables.party.c.company_id, tables.party.c.id))
    .where(tables.party.c.id == _id)
    .scalar_subquery()
)
"The company of a party, or the party itself: whose history it is."

profile_query = profile_of(_id)

_limit: Any = sa.bindparam("limit", type_=sa.Integer)


class HistoryQueries(NamedTuple):
    """Sections of one customer, newest first; each takes `limit`."""

    business: sa.Select[Any]
    "Columns as BusinessRecord has its fields."
    chats: sa.Select[Any]
    notes: sa.Select[Any]
    "As Note has its fields."
    quotes: sa.Select[Any]
    "Takes `now`: offers still open come first."
    points: sa.Select[Any]
    "As ContactPoint has its fields. The party's own contact points, then its company's."
    colleagues: sa.Select[Any]
    "Names and roles."
    totals: dict[str, sa.Select[Any]]
    "Of business, chats and quotes: how many there are in all."


def queries(me: Any, whose: Any) -> HistoryQueries:
    """The sections of the party whose id is `me`, of the account `whose`."""
    business, chat, note, quote, point = (
        tables.business.c,
        tables.chat.c,
        tables.note.c,
        tables.quote.c,
        tables.contact_point.c,
    )
    still_open = quote.status.in_(("open", "sent")) & (
        quote.valid_until.is_(None) | (quote.valid_until > sa.bindparam("now", type_=sa.Float))
    )
    return HistoryQueries(
        business=_newest(tables.business, whose, [business[name] for name in BusinessRecord.__struct_fields__]),
        chats=_newest(
            tables.chat,
            whose,
            [chat.id, chat.at, chat.channel, chat.direction, chat.sender, chat.kind, chat.text],
        ),
        notes=_newest(tables.note, whose, [note.id, note.at, note.by, note.text]),
        quotes=sa.select(*quote)
        .where(quote.account_id == whose)
        .order_by(sa.case((still_open, 0), else_=1), quote.at.desc(), quote.id.desc())
        .limit(_limit),
        points=sa.select(point.kind, point.value, point.label)
        .where(point.party_id.in_((me, whose)))
        .order_by(sa.case((point.party_id == me, 0), else_=1), point.position, point.id)
        .limit(50),
        colleagues=sa.select(tables.party.c.name, tables.party.c.role)
        .where(tables.party.c.company_id == whose)
        .order_by(tables.party.c.id)
        .limit(8),
        totals={
            name: sa.select(sa.func.count()).where(table.c.account_id == whose)
            for name, table in (("business", tables.business), ("chats", tables.chat), ("quotes", tables.quote))
        },
    )


def _newest(table: sa.Table, whose: Any, columns: list[Any]) -> sa.Select[Any]:
    return (
        sa.select(*columns)
        .where(table.c.account_id == whose)
        .order_by(table.c.account_id.desc(), table.c.at.desc(), table.c.id.desc())
        .limit(_limit)
    )


of_party: Final = queries(_id, account)
"Take `id`, the party's."
of_account: Final = queries(_id, sa.bindparam("account", type_=sa.Integer))
"Take `account` besides, where that is known already."

line_query = (
    # "count" is taken: a row is a tuple.
    sa.select(*tables.quote_line.c, tables.quote_line.c.count.label("pieces"))
    .where(tables.quote_line.c.quote_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(tables.quote_line.c.quote_id, tables.quote_line.c.position)
)
deal_query = (
    sa.select(
        tables.business.c.at,
        tables.business.c.container,
        tables.business.c.currency,
        tables.business.c.price,
        tables.business.c.floor_price,
        tables.business.c.supplier,
        tables.business.c.cargo,
        tables.business.c.account_id,
    )
    .where(
        tables.business.c.pol_key == sa.bindparam("pol"),
        tables.business.c.pod_key == sa.bindparam("pod"),
        tables.business.c.closed == "won",
        tables.business.c.price.is_not(None),
        tables.business.c.at > sa.bindparam("since", type_=sa.Float),
        tables.business.c.at <= sa.bindparam("until", type_=sa.Float),
    )
    .order_by(tables.business.c.at.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
lane_query = (
    sa.select(
        sa.func.max(tables.business.c.pol).label("pol"),
        sa.func.max(tables.business.c.pod).label("pod"),
        tables.business.c.pol_key,
        tables.business.c.pod_key,
        sa.func.count().label("n"),
        sa.func.max(tables.business.c.at).label("last"),
    )
    .where(
        tables.business.c.closed == "won",
        tables.business.c.price.is_not(None),
        tables.business.c.at > sa.bindparam("since", type_=sa.Float),
        tables.business.c.pol_key != "",
        tables.business.c.pod_key != "",
    )
    .group_by(tables.business.c.pol_key, tables.business.c.pod_key)
    .order_by(sa.func.count().desc(), tables.business.c.pol_key, tables.business.c.pod_key)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
own_query = (
    sa.select(tables.business.c.container, tables.business.c.at, tables.business.c.price)
    .where(
        tables.business.c.account_id == sa.bindparam("account"),
        tables.business.c.at > sa.bindparam("since", type_=sa.Float),
        tables.business.c.at <= sa.bindparam("until", type_=sa.Float),
        tables.business.c.closed == "won",
        tables.business.c.price > 0,
        tables.business.c.pol_key == sa.bindparam("pol"),
        tables.business.c.pod_key == sa.bindparam("pod"),
        tables.business.c.currency == sa.bindparam("currency"),
    )
    .order_by(tables.business.c.at.desc(), tables.business.c.price.desc())
)
"An account's own closed deals on a lane."


for _queries_of in (of_party, of_account):
    prepare(_queries_of.business, _queries_of.chats, _queries_of.notes, _queries_of.points, bare=True)
    prepare(_queries_of.colleagues, *_queries_of.totals.values(), bare=True)
    prepare(_queries_of.quotes)
prepare(party_query, profile_query, deal_query)
prepare(own_query, line_query, bare=True)


def to_party(row: Any, catalogue: Catalogue) -> Party:
    """A row of `party_columns`; tier, owner and tags fall back to the company's."""
    label, label_en = catalogue.label(row.category)
    return Party(
        id=str(row.id),
        kind=row.kind,
        name=row.name,
        company=row.company,
        company_id=None if row.company_id is None else str(row.company_id),
        role=row.role,
        category=row.category,
        category_label=label,
        category_label_en=label_en,
        tier=row.tier,
        owner=row.owner,
        owner_name=row.owner_name,
        tags=tuple(dict.fromkeys([*row.tags, *(row.company_tags or ())])),
        version=row.version,
    )


def to_business(row: Any) -> BusinessRecord:
    """A row of `HistoryQueries.business`."""
    return BusinessRecord(*row)


def to_chats(found: Iterable[Any]) -> tuple[ChatMessage, ...]:
    """Rows of `HistoryQueries.chats`, newest first; what was written before a message of ours is answered."""
    answered = False
    items: list[ChatMessage] = []
    for id_, at, channel, direction, sender, kind, text in found:
        answered = answered or direction == "out"
        items.append(
            ChatMessage(
                id=id_,
                at=at,
                channel=channel,
                direction=direction,
                sender=sender,
                kind=kind,
                text=text,
                answered=answered or kind == "system",
            )
        )
    return tuple(items)


def to_quote(row: Any, lines: tuple[QuoteLine, ...], now: float) -> Quote:
    """A row of crm_quote; an offer past its day is expired, whatever was written."""
    over = row.status in ("open", "sent") and row.valid_until is not None and row.valid_until < now
    return Quote(
        id=row.id,
        number=row.number,
        at=row.at,
        pol=row.pol,
        pod=row.pod,
        carrier=row.carrier,
        transit_days=row.transit_days,
        schedule=row.schedule,
        currency=row.currency,
        lines=lines,
        valid_until=row.valid_until,
        status="expired" if over else row.status,
        note=row.note,
        by=row.by,
    )
