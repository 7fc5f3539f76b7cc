"""Reading one customer: the sections of the record each by itself, or all of them together.

Together they are one reading transaction on SQLite and one statement on PostgreSQL (see `whole`); either way the same
rows become the same structs here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import Any

import msgspec

from crm_bridge.embedded import lanes, rows, whole
from crm_bridge.embedded.catalogue import Catalogue, filled
from crm_bridge.embedded.lookup import query, ranked, whole_query
from crm_bridge.embedded.rows import HistoryQueries, of_account, of_party
from crm_bridge.model import (
    BusinessRecord,
    ChatMessage,
    ContactPoint,
    Field,
    LastDeal,
    Match,
    Note,
    NotFound,
    Party,
    Profile,
    Quote,
    QuoteLine,
    Record,
    Section,
    Trend,
)
from crm_bridge.numbers import Number, Site, canonical
from crm_bridge.quick import Quick, Reads


class Reading(ABC):
    """Methods of `EmbeddedCrm` that read one customer."""

    site: Site
    _quick: Quick
    _clock: Callable[[], float]
    _zone: tzinfo
    _trends: lanes.Trends

    @abstractmethod
    def _known(self, connection: Reads) -> Catalogue:
        """The catalogue as it stands."""

    def lookup(self, number: str | None) -> list[Match]:
        """See `Crm.lookup`."""
        known = self._number(number)
        if known is None:
            return []
        with self._quick.read() as connection:
            found = connection.execute(query, {"key": known.key})
            return ranked(found, known, self._known(connection), self._zone)

    def party(self, party_id: str) -> Party | None:
        """See `Crm.party`."""
        with self._quick.read() as connection:
            row = connection.execute(rows.party_query, {"id": to_id(party_id)}).first()
            return rows.to_party(row, self._known(connection)) if row else None

    def profile(self, party_id: str) -> Profile:
        """See `Crm.profile`."""
        with self._quick.read() as connection:
            return self.read_profile(connection, to_id(party_id))

    def read_profile(self, connection: Reads, party_id: int) -> Profile:
        """The profile as it stands in a transaction; raises NotFound."""
        return self._profile(connection, self._row(connection, party_id))

    def business(self, party_id: str, limit: int = 20) -> Section[BusinessRecord]:
        """See `Crm.business`."""
        with self._quick.read() as connection:
            return self._business(connection, of_party, {"id": to_id(party_id), "limit": limit})

    def chats(self, party_id: str, limit: int = 20) -> Section[ChatMessage]:
        """See `Crm.chats`."""
        with self._quick.read() as connection:
            return self._chats(connection, of_party, {"id": to_id(party_id), "limit": limit})

    def quotes(self, party_id: str, limit: int = 20) -> Section[Quote]:
        """See `Crm.quotes`."""
        with self._quick.read() as connection:
            given = {"id": to_id(party_id), "limit": limit, "now": self._clock()}
            return self._quotes(connection, of_party, given)

    def record(self, party_id: str, limit: int = 20) -> Record:
        """Profile, business records, chats and quotes together; raises NotFound.

        What the four methods would give, for a good half of the time.
        """
        me = to_id(party_id)
        with self._quick.read() as connection:
            if self._quick.on_server:
                now = self._clock()
                found = whole.of_party(connection, me, limit, now, now - lanes.WINDOW_S)
                if found is not None:
                    return self._told(connection, found, now)
            return self._record(connection, self._row(connection, me), limit)

    def record_of(self, number: str | None, limit: int = 20) -> tuple[list[Match], Record | None]:
        """Everybody a number may belong to, best first, with the record of the first; None where there is nobody."""
        known = self._number(number)
        if known is None:
            return [], None
        with self._quick.read() as connection:
            now = self._clock()
            found: whole.Found | None = None
            if self._quick.on_server:
                found = whole.of_number(connection, known.key or "", limit, now, now - lanes.WINDOW_S)
            hits = connection.execute(whole_query, {"key": known.key}).all() if found is None else found.hits
            matches = ranked(hits, known, self._known(connection), self._zone)
            if not matches:
                return [], None
            first = int(matches[0].party.id)
            if found is None:
                return matches, self._record(connection, next(hit for hit in hits if hit.id == first), limit)
            if found.me == first:
                return matches, self._told(connection, found, now)
            return matches, self._record(connection, self._row(connection, first), limit)

    # --- inside ------------------------------------------------------------------------------------------------

    def _number(self, number: str | None) -> Number | None:
        known = canonical(number, self.site)
        return None if known.key is None or known.cls == "masked" else known

    def _row(self, connection: Reads, party_id: int) -> Any:
        row = connection.execute(rows.profile_query, {"id": party_id}).first()
        if row is None:
            raise NotFound
        return row

    def _record(self, connection: Reads, row: Any, limit: int) -> Record:
        given = {"id": row.id, "account": row.company_id or row.id, "limit": limit, "now": self._clock()}
        return Record(
            profile=self._profile(connection, row),
            business=self._business(connection, of_account, given),
            chats=self._chats(connection, of_account, given),
            quotes=self._quotes(connection, of_account, given),
        )

    def _told(self, connection: Reads, found: whole.Found, now: float) -> Record:
        """The record of one statement's answer; the price trend is asked for only where it is not kept."""
        row = found.row()
        if row is None:
            raise NotFound
        lines = found.lines_of()
        items = tuple([rows.to_quote(quote, lines.get(quote.id, ()), now) for quote in found.quotes])

        def own(lane: lanes.Wanted) -> Iterable[Any]:
            kind = (lane.pol, lane.pod, lane.currency)
            return sorted((deal[3:] for deal in found.own if deal[:3] == kind), key=lambda d: d[1:], reverse=True)

        return Record(
            profile=_profile(row, found.points, found.colleagues, found.notes, self._known(connection)),
            business=Section(items=found.business, total=found.business_total, as_of=now),
            chats=Section(items=rows.to_chats(found.chats), total=found.chats_total, as_of=now),
            quotes=Section(
                items=items, total=found.quotes_total, as_of=now, trend=self._trend(connection, own, items, now)
            ),
        )

    def _profile(self, connection: Reads, row: Any) -> Profile:
        given = {"id": row.id, "account": row.company_id or row.id, "limit": whole.NOTES}
        has_colleagues = row.kind == "company" or row.company_id
        return _profile(
            row,
            [ContactPoint(*point) for point in connection.execute(of_account.points, given)],
            connection.execute(of_account.colleagues, given) if has_colleagues else (),
            [Note(*note) for note in connection.execute(of_account.notes, given)],
            self._known(connection),
        )

    def _business(
        self, connection: Reads, queries: HistoryQueries, given: Mapping[str, Any]
    ) -> Section[BusinessRecord]:
        found = connection.execute(queries.business, given).all()
        total = _total(connection, queries, "business", found, given)
        return Section(items=tuple(map(rows.to_business, found)), total=total, as_of=self._clock())

    def _chats(self, connection: Reads, queries: HistoryQueries, given: Mapping[str, Any]) -> Section[ChatMessage]:
        found = connection.execute(queries.chats, given).all()
        total = _total(connection, queries, "chats", found, given)
        return Section(items=rows.to_chats(found), total=total, as_of=self._clock())

    def _quotes(self, connection: Reads, queries: HistoryQueries, given: Mapping[str, Any]) -> Section[Quote]:
        now = given["now"]
        found = connection.execute(queries.quotes, given).all()
        total = _total(connection, queries, "quotes", found, given)
        lines: dict[str, list[QuoteLine]] = {row.id: [] for row in found}
        for quote, _, *line in connection.execute(rows.line_query, {"ids": list(lines)}) if lines else ():
            lines[quote].append(QuoteLine(*line[:4]))
        items = tuple([rows.to_quote(row, tuple(lines[row.id]), now) for row in found])

        def own(lane: lanes.Wanted) -> Iterable[Any]:
            asked = {
                "account": found[0].account_id,
                "since": now - lanes.WINDOW_S,
                "until": now,
                "pol": lane.pol,
                "pod": lane.pod,
                "currency": lane.currency,
            }
            return connection.execute(rows.own_query, asked)  # type: ignore[no-any-return]

        return Section(items=items, total=total, as_of=now, trend=self._trend(connection, own, items, now))

    def _trend(
        self,
        connection: Reads,
        own: Callable[[lanes.Wanted], Iterable[Any]],
        quotes: tuple[Quote, ...],
        now: float,
    ) -> Trend | None:
        """Of the lane the caller most likely asks for; `own` gives this customer's deals there, newest first."""
        asked = lanes.wanted(quotes)
        if asked is None:
            return None
        lane, first = asked
        found = self._trends.of(
            lane, lambda: lanes.deals(connection, first.pol, first.pod, now - lanes.WINDOW_S, now), now, self._zone
        )
        if found is None:
            return None
        last = next((LastDeal(at=at, price=price) for text, at, price in own(lane) if lane.takes(text)), None)
        return msgspec.structs.replace(
            found,
            pol=first.pol,
            pod=first.pod,
            last=last,
            ours=first.lines[0].freight if first.status in ("open", "sent") else None,
        )


def to_id(party_id: str) -> int:
    """The row of an opaque id; raises NotFound for what can be none."""
    if not (party_id.isascii() and party_id.isdigit() and len(party_id) <= 18):
        raise NotFound
    return int(party_id)


def _total(
    connection: Reads, queries: HistoryQueries, name: str, found: Sequence[Any], given: Mapping[str, Any]
) -> int:
    """How many rows there are in all: counted only where there may be more than were read."""
    if len(found) < given["limit"]:
        return len(found)
    return int(connection.execute(queries.totals[name], given).first()[0])


def _profile(
    row: Any,
    points: Iterable[ContactPoint],
    colleagues: Iterable[tuple[str, str | None]],
    notes: Iterable[Note],
    known: Catalogue,
) -> Profile:
    party = rows.to_party(row, known)
    shown = known.shown(party.category)
    fields = list(shown.blank)
    for place, spec in shown.columns:
        value = getattr(party, spec.key)
        if value:
            fields[place] = filled(spec, value)
    # A person without a company has the company's fields, too.
    company = row.attrs if row.company_attrs is None else row.company_attrs
    for values, places in ((company, shown.company), (row.attrs, shown.person)):
        for key, value in values.items():
            for place, spec in places.get(key, ()):
                text = str(value)
                fields[place] = filled(spec, text) if text else fields[place]
    if party.kind == "company" or party.company_id:
        fields.append(_colleagues(colleagues))
    return Profile(
        party=party,
        fields=tuple(fields),
        contact_points=tuple(points),
        notes=tuple(notes),
    )


def _colleagues(found: Iterable[tuple[str, str | None]]) -> Field:
    names = "、".join([f"{name}（{role}）" if role else name for name, role in found])
    return Field(
        key="contacts", label="联系人", label_en="Contacts", value=names, show_in_pop=True, pii=True, readonly=True
    )
