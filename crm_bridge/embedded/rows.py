"""Rows of the embedded CRM as structs of the model, and the queries of its sections, built once."""

from __future__ import annotations

from typing import Any

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

party_query = sa.select(*party_columns).select_from(_joined).where(party.c.id == sa.bindparam("id"))

profile_query = (
    sa.select(*party_columns, party.c.attrs, company.c.attrs.label("company_attrs"))
    .select_from(_joined)
    .where(party.c.id == sa.bindparam("id"))
)

account = (
    sa.select(sa.func.coalesce(tables.party.c.company_id, tables.party.c.id))
    .where(tables.party.c.id == sa.bindparam("id"))
    .scalar_subquery()
)
"The company of a party, or the party itself: whose history it is."

_limit: Any = sa.bindparam("limit", type_=sa.Integer)


def _total(table: sa.Table) -> Any:
    """How many rows an account has. A window over the rows themselves would read all of every one of them."""
    all_of_it = table.alias("every")
    return sa.select(sa.func.count()).where(all_of_it.c.account_id == account).scalar_subquery().label("total")


def _history(table: sa.Table) -> sa.Select[Any]:
    return (
        sa.select(*table.c, _total(table))
        .where(table.c.account_id == account)
        .order_by(table.c.account_id.desc(), table.c.at.desc(), table.c.id.desc())
        .limit(_limit)
    )


business_query = _history(tables.business)
chat_query = _history(tables.chat)
note_query = _history(tables.note)

_open = tables.quote.c.status.in_(("open", "sent")) & (
    tables.quote.c.valid_until.is_(None) | (tables.quote.c.valid_until > sa.bindparam("now", type_=sa.Float))
)
quote_query = (
    sa.select(*tables.quote.c, _total(tables.quote))
    .where(tables.quote.c.account_id == account)
    .order_by(sa.case((_open, 0), else_=1), tables.quote.c.at.desc(), tables.quote.c.id.desc())
    .limit(_limit)
)
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
point_query = (
    sa.select(tables.contact_point)
    .where(tables.contact_point.c.party_id.in_((sa.bindparam("id"), account)))
    .order_by(
        sa.case((tables.contact_point.c.party_id == sa.bindparam("id"), 0), else_=1),
        tables.contact_point.c.position,
        tables.contact_point.c.id,
    )
    .limit(50)
)
colleague_query = (
    sa.select(tables.party.c.name, tables.party.c.role)
    .where(tables.party.c.company_id == account)
    .order_by(tables.party.c.id)
    .limit(8)
)


prepare(
    party_query,
    profile_query,
    business_query,
    chat_query,
    note_query,
    quote_query,
    line_query,
    deal_query,
    point_query,
    colleague_query,
)


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
    """A row of crm_business."""
    return BusinessRecord(**{name: getattr(row, name) for name in BusinessRecord.__struct_fields__})


def to_chat(row: Any, *, answered: bool) -> ChatMessage:
    """A row of crm_chat."""
    return ChatMessage(
        id=row.id,
        at=row.at,
        channel=row.channel,
        direction=row.direction,
        sender=row.sender,
        kind=row.kind,
        text=row.text,
        answered=answered,
    )


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
