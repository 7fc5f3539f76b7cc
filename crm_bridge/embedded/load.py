"""Filling the embedded CRM in bulk: one transaction, many rows. For samples, imports and tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.embedded import tables, writes
from crm_bridge.embedded.people import KINDS
from crm_bridge.model import BusinessRecord, ChatMessage, Quote
from crm_bridge.numbers import Site, canonical_all, numbers_in


class Loader:
    """Adds parties and their history inside one transaction; made by `EmbeddedCrm.loading`.

    Parties are named by the id that `add_party` gave. Rows of history are replaced where their id is known, so loading
    the same twice is harmless; parties are not.
    """

    def __init__(self, connection: sa.Connection, site: Site, now: float) -> None:
        self._connection = connection
        self._site = site
        self._now = now

    def add_party(
        self,
        name: str,
        category: str,
        *,
        company: str | None = None,
        role: str | None = None,
        tier: str | None = None,
        owner: str | None = None,
        owner_name: str | None = None,
        tags: Sequence[str] = (),
        attrs: dict[str, str] | None = None,
        phones: Iterable[tuple[str, str]] = (),
        points: Iterable[tuple[str, str]] = (),
        last_contact: float | None = None,
        person: bool = True,
    ) -> str:
        """A person, or a company where `person` is False; `company` is an id given before.

        `phones` are (as written, label), a cell may hold several numbers; `points` are (kind, value).
        """
        party_id = writes.insert_party(
            self._connection,
            kind="person" if person else "company",
            name=name,
            category=category,
            by="",
            now=self._now,
            company_id=None if company is None else int(company),
            role=role,
            tier=tier,
            owner=owner,
            owner_name=owner_name,
            tags=list(tags),
            attrs=attrs or {},
            last_contact=last_contact,
        )
        for position, (cell, label) in enumerate(phones):
            for number in canonical_all(cell, self._site):
                writes.add_phone(self._connection, party_id, number, label, position)
        rows = [
            {"party_id": party_id, "kind": kind, "value": value, "label": KINDS[kind], "position": 5}
            for kind, value in points
        ]
        if rows:
            self._connection.execute(sa.insert(tables.contact_point), rows)
        return str(party_id)

    def add_business(self, account: str, records: Iterable[BusinessRecord]) -> None:
        """Business of an account: a company, or a person who has none."""
        self._rows(
            tables.business,
            account,
            [{**msgspec.structs.asdict(record), **writes.lane_of(record)} for record in records],
        )

    def add_chats(self, account: str, messages: Iterable[ChatMessage]) -> None:
        """Chat with an account; phone numbers in the texts become hints."""
        rows: list[dict[str, Any]] = []
        for message in messages:
            row = msgspec.structs.asdict(message)
            del row["answered"]  # follows from the order
            rows.append(row)
            for number in numbers_in(message.text, self._site):
                writes.hint(self._connection, int(account), number, "聊天", message.at)
        self._rows(tables.chat, account, rows)

    def add_quotes(self, account: str, quotes: Iterable[Quote]) -> None:
        """Quotes made to an account, with their lines."""
        rows: list[dict[str, Any]] = []
        lines: list[dict[str, Any]] = []
        for quote in quotes:
            row = msgspec.structs.asdict(quote)
            for position, line in enumerate(row.pop("lines")):
                lines.append({"quote_id": quote.id, "position": position, **msgspec.structs.asdict(line)})
            rows.append(row)
        self._rows(tables.quote, account, rows)
        sql.upsert(self._connection, tables.quote_line, lines)

    def add_note(self, party: str, text: str, by: str, at: float) -> None:
        """A remark about a party."""
        writes.add_note(self._connection, int(party), text, by, None, at, self._site)

    def _rows(self, table: sa.Table, account: str, rows: list[dict[str, Any]]) -> None:
        sql.upsert(self._connection, table, [{**row, "account_id": int(account)} for row in rows])
