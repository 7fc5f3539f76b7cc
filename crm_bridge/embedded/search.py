"""Finding parties by what somebody types: a name, a company, the end of a number."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.embedded import rows, tables
from crm_bridge.embedded.catalogue import Catalogue
from crm_bridge.model import Party
from crm_bridge.numbers import Site, canonical


def search(connection: sa.Connection, text: str, limit: int, known: Catalogue, site: Site) -> list[Party]:
    """See `Crm.search`."""
    plain = sql.clean(text.strip(), 80)
    if not plain:
        return []
    number = canonical(plain, site)
    pattern = sql.like(plain)
    by_name = rows.party.c.name.like(pattern, escape="\\") | rows.company.c.name.like(pattern, escape="\\")
    digits = "".join(char for char in plain if char.isascii() and char.isdigit())
    found: Any = by_name
    if len(digits) >= 4:
        ending = (tables.phone.c.key == number.key) | tables.phone.c.key.like(f"%{digits}", escape="\\")
        found = by_name | rows.party.c.id.in_(sa.select(tables.phone.c.party_id).where(ending))
    query = (
        sa.select(*rows.party_columns)
        .select_from(rows.party.outerjoin(rows.company, rows.company.c.id == rows.party.c.company_id))
        .where(found)
        # A name that begins with the text, then the customers spoken to last.
        .order_by(
            sa.case((rows.party.c.name.like(pattern[1:], escape="\\"), 0), else_=1),
            rows.party.c.last_contact.desc().nulls_last(),
            rows.party.c.id,
        )
        .limit(max(1, min(limit, 100)))
    )
    return [rows.to_party(row, known) for row in connection.execute(query)]
