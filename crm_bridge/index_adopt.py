"""A prospect that was taken down here, written into the other CRM, and comes back from there: it stays one customer.

It is known by its number and by the key the other CRM gave it, or by its number and its name. What was typed here and
is not there stands over their values, like anything that is typed over them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.embedded import tables
from crm_bridge.index_rows import COLUMNS, Row, entries, source_value
from crm_bridge.index_tables import overlay, ref
from crm_bridge.numbers import Site, canonical

Place = tuple[str, str]
"(entity, id) there."


def adopted(
    connection: sa.Connection, rows: Sequence[Row], prospects: Mapping[str, str | None], site: Site
) -> dict[Place, int]:
    """{place: party of ours} of new rows that are prospects of ours; `prospects` is {party: its id there, if told}."""
    wanted = [int(party) for party in prospects]
    people = [row for row in rows if row.kind == "person"]
    if not wanted or not people:
        return {}
    known = sa.select(ref.c.party_id).where(ref.c.party_id.in_(wanted))
    by_key: dict[str, list[tuple[int, str]]] = {}
    for start in range(0, len(wanted), 500):
        query = (
            sa.select(tables.phone.c.key, tables.party.c.id, tables.party.c.name)
            .join(tables.party, tables.party.c.id == tables.phone.c.party_id)
            .where(
                tables.party.c.id.in_(wanted[start : start + 500]),
                tables.party.c.id.not_in(known),
                tables.phone.c.level != "text",
            )
        )
        for key, party, name in connection.execute(query):
            by_key.setdefault(key, []).append((party, name))
    found: dict[Place, int] = {}
    for row in people:
        keys = {entry.key for entry in entries(row, site) if entry.level != "text"}
        fitting = {
            party
            for key in keys
            for party, name in by_key.get(key, ())
            if party not in found.values() and (prospects[str(party)] == row.id or name.strip() == row.name.strip())
        }
        if len(fitting) == 1:
            found[row.entity, row.id] = fitting.pop()
    return found


def keep_typed(connection: sa.Connection, party: int, row: Row, by: str, now: float, site: Site) -> None:
    """What was typed for a prospect and the other CRM does not say goes over it; what both say is said once."""
    table = tables.party
    own = connection.execute(sa.select(table).where(table.c.id == party)).one()
    typed = {key: getattr(own, key) for key in COLUMNS if getattr(own, key, None)}
    typed |= {key: str(value) for key, value in dict(own.attrs).items() if value}
    laid: list[dict[str, Any]] = [
        {"party_id": party, "key": key[:40], "value": str(value), "base": source_value(row, key), "by": by, "at": now}
        for key, value in typed.items()
        if key != "company" and str(value) != source_value(row, key)
    ]
    sql.upsert(connection, overlay, laid)
    theirs = {canonical(phone.text, phone.site(site)).key for phone in row.phones} - {None}
    point = tables.contact_point.c
    for one in connection.execute(sa.select(tables.contact_point).where(point.party_id == party)).all():
        same = canonical(one.value, site).key in theirs if one.kind == "phone" else (one.kind, one.value) in row.points
        if same:
            connection.execute(sa.delete(tables.contact_point).where(point.id == one.id))
