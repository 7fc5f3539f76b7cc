"""The embedded CRM: reading here, changing in `writes`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.embedded import catalogue as catalogues
from crm_bridge.embedded import lanes, rows, tables, writes
from crm_bridge.embedded.catalogue import Catalogue, FieldSpec
from crm_bridge.embedded.load import Loader
from crm_bridge.embedded.lookup import lookup
from crm_bridge.embedded.people import PeopleEditing
from crm_bridge.embedded.quoting import Quoting
from crm_bridge.embedded.search import search
from crm_bridge.embedded.shape import Shaping
from crm_bridge.freight import containers
from crm_bridge.freight.lanes import LaneDeal, LanePrices, Per, lane_prices
from crm_bridge.freight.trend import WEEK, Deal, trend
from crm_bridge.model import (
    BusinessRecord,
    Category,
    ChatMessage,
    ContactPoint,
    CrmError,
    Field,
    Match,
    Note,
    NotFound,
    Party,
    Profile,
    Quote,
    QuoteLine,
    Section,
    Trend,
)
from crm_bridge.numbers import CHINA, Site, canonical
from crm_bridge.quick import Quick, Reads

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_VERSION_TABLE: Final = "crm_version"
_STALE_S: Final = 5.0
"Categories and fields are read again after this, for another program may change them."


def _now() -> float:
    return datetime.now(UTC).timestamp()


class EmbeddedCrm(Shaping, PeopleEditing, Quoting):
    """Implements `crm_bridge.model.Crm` on tables of its own. A SQLite database migrates itself when opened.

    Every method may be called from any thread and raises CrmError. `site` makes local numbers whole; `clock` gives
    epoch seconds.
    """

    def __init__(
        self, url: str, *, site: Site = CHINA, timezone: str = "Asia/Shanghai", clock: Callable[[], float] = _now
    ) -> None:
        self.site = site
        self._clock = clock
        self._zone = ZoneInfo(timezone)
        self._catalogue: Catalogue | None = None
        self._catalogue_at = 0.0
        self._catalogue_lock = Lock()
        with errors():
            self.database = sql.Database(url)
            self._quick = Quick(self.database, _told)
            if self.database.is_sqlite:
                self.migrate()

    @property
    def source_ok(self) -> bool:
        """True: there is no other database behind this one."""
        return True

    def migrate(self) -> None:
        """Bring the tables to this program's revision, and a new site its first categories and fields."""
        with errors():
            sql.migrate(self.database, _MIGRATIONS, _VERSION_TABLE)
            with self.database.write() as connection:
                if not connection.execute(sa.select(tables.category.c.key).limit(1)).first():
                    categories, fields = catalogues.defaults()
                    connection.execute(sa.insert(tables.category), categories)
                    connection.execute(sa.insert(tables.field), fields)

    def close(self) -> None:
        """Give all connections back."""
        self._quick.close()
        self.database.close()

    def check(self) -> None:
        """Raises CrmError unless the database answers and has this program's tables."""
        with self._read() as connection:
            connection.execute(sa.select(tables.category.c.key).limit(1)).first()

    # Reading

    def lookup(self, number: str | None) -> list[Match]:
        """See `Crm.lookup`."""
        known = canonical(number, self.site)
        if known.key is None or known.cls == "masked":
            return []
        with self._quick.read() as connection:
            return lookup(connection, known, self._known(connection), self._zone)

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
        row = connection.execute(rows.profile_query, {"id": party_id}).first()
        if row is None:
            raise NotFound
        known = self._known(connection)
        party = rows.to_party(row, known)
        points = connection.execute(rows.point_query, {"id": party_id}).all()
        fields = [_filled(spec, _value(spec, row, party)) for spec in known.form(party.category, party.category)[:5]]
        fields += [_filled(spec, _value(spec, row, party)) for spec in known.fields_of(party)]
        if party.kind == "company" or party.company_id:
            colleagues = connection.execute(rows.colleague_query, {"id": party_id}).all()
            fields.append(_colleagues(colleagues))
        return Profile(
            party=party,
            fields=tuple(fields),
            contact_points=tuple(
                ContactPoint(kind=point.kind, value=point.value, label=point.label) for point in points
            ),
            notes=tuple(
                Note(id=note.id, at=note.at, by=note.by, text=note.text)
                for note in connection.execute(rows.note_query, {"id": party_id, "limit": 20})
            ),
        )

    def business(self, party_id: str, limit: int = 20) -> Section[BusinessRecord]:
        """See `Crm.business`."""
        with self._quick.read(single=True) as connection:
            found = connection.execute(rows.business_query, {"id": to_id(party_id), "limit": limit}).all()
        return Section(items=tuple(rows.to_business(row) for row in found), total=_total(found), as_of=self._clock())

    def chats(self, party_id: str, limit: int = 20) -> Section[ChatMessage]:
        """See `Crm.chats`."""
        with self._quick.read(single=True) as connection:
            found = connection.execute(rows.chat_query, {"id": to_id(party_id), "limit": limit}).all()
        answered = False
        items: list[ChatMessage] = []
        for row in found:
            answered = answered or row.direction == "out"
            items.append(rows.to_chat(row, answered=answered or row.kind == "system"))
        return Section(items=tuple(items), total=_total(found), as_of=self._clock())

    def quotes(self, party_id: str, limit: int = 20) -> Section[Quote]:
        """See `Crm.quotes`."""
        now = self._clock()
        with self._quick.read() as connection:
            found = connection.execute(rows.quote_query, {"id": to_id(party_id), "limit": limit, "now": now}).all()
            lines: dict[str, list[QuoteLine]] = {row.id: [] for row in found}
            for line in connection.execute(rows.line_query, {"ids": list(lines)}) if lines else ():
                lines[line.quote_id].append(
                    QuoteLine(container=line.container, count=line.pieces, freight=line.freight, all_in=line.all_in)
                )
            items = tuple(rows.to_quote(row, tuple(lines[row.id]), now) for row in found)
            shown = self._trend(connection, found[0].account_id, items, now) if items else None
        return Section(items=items, total=_total(found), as_of=now, trend=shown)

    def _trend(self, connection: Reads, account: int, quotes: tuple[Quote, ...], now: float) -> Trend | None:
        """Of the lane the caller most likely asks for: that of the first quote that has a price."""
        first = next((quote for quote in quotes if quote.lines), None)
        if first is None:
            return None
        container = containers.canonical(first.lines[0].container)
        deals = [
            Deal(at=deal.at, price=deal.price, ours=deal.ours)
            for deal in lanes.deals(connection, first.pol, first.pod, now - 12 * WEEK, now, account)
            # One price for two types is neither's.
            if deal.currency == first.currency and [name for name, _ in containers.parse(deal.container)] == [container]
        ]
        moment = datetime.fromtimestamp(now, self._zone)
        return trend(
            deals,
            pol=first.pol,
            pod=first.pod,
            currency=first.currency,
            container=container,
            now=now,
            offer=first.lines[0].freight if first.status in ("open", "sent") else None,
            offset=(moment.utcoffset() or timedelta(0)).total_seconds(),
        )

    def search(self, text: str, limit: int = 10) -> list[Party]:
        """See `Crm.search`."""
        with self._read() as connection:
            return search(connection, text, limit, self._known(connection), self.site)

    def form(self, category: str) -> tuple[Field, ...]:
        """See `Crm.form`."""
        with self._read() as connection:
            specs = self._known(connection).form(category)
        return tuple(_filled(spec, category if spec.key == "category" else "") for spec in specs)

    def categories(self) -> list[Category]:
        """See `Crm.categories`."""
        with self._read() as connection:
            return list(self._known(connection).categories)

    # Changing

    def save_fields(self, party_id: str, values: Mapping[str, str], version: int, by: str) -> Profile:
        """See `Crm.save_fields`."""
        with self._write() as connection:
            return writes.save_fields(self, connection, to_id(party_id), values, version, by, self._clock())

    def create_party(self, values: Mapping[str, str], number: str | None, by: str) -> Profile:
        """See `Crm.create_party`."""
        with self._write() as connection:
            return writes.create_party(self, connection, values, number, by, self._clock())

    def add_note(self, party_id: str, text: str, by: str, call_id: str | None = None, at: float | None = None) -> Note:
        """See `Crm.add_note`. Numbers in the text become hints for later calls."""
        moment = self._clock() if at is None else at
        with self._write() as connection:
            return writes.add_note(connection, to_id(party_id), text, by, call_id, moment, self.site)

    def add_business(self, party_id: str, values: Mapping[str, str], by: str) -> BusinessRecord:
        """See `Crm.add_business`."""
        with self._write() as connection:
            return writes.add_business(connection, to_id(party_id), values, by, self._clock(), self._zone)

    def learn(self, number: str, party_id: str, by: str) -> None:
        """See `Crm.learn`; a withheld number teaches nothing."""
        key = canonical(number, self.site).key
        if key is None:
            return
        with self._write() as connection:
            writes.learn(connection, key, to_id(party_id), by, self._clock())

    @contextmanager
    def loading(self) -> Iterator[Loader]:
        """One transaction for filling in bulk."""
        with self._write() as connection:
            yield Loader(connection, self.site, self._clock())

    # Prices of lanes

    def lanes(self, since: float, limit: int = 50) -> list[lanes.Lane]:
        """Lanes with closed deals since a time, those with the most first."""
        with self._read() as connection:
            return lanes.busiest(connection, since, max(1, min(limit, 500)))

    def lane_deals(
        self, pol: str, pod: str, since: float, until: float | None = None, party_id: str | None = None
    ) -> list[LaneDeal]:
        """Closed deals between two ports in any spelling, newest first; those of `party_id` and company are `ours`."""
        with self._read() as connection:
            account = None if party_id is None else writes.account_of(connection, to_id(party_id))
            return lanes.deals(connection, pol, pod, since, self._clock() if until is None else until, account)

    def lane_prices(
        self,
        pol: str,
        pod: str,
        container: str,
        currency: str,
        *,
        per: Per = "week",
        periods: int = 26,
        party_id: str | None = None,
    ) -> LanePrices | None:
        """How a lane's price went; None where fewer than three closed deals tell. See `freight.lanes`."""
        now = self._clock()
        longest = 7 if per == "week" else 31
        since = now - (max(1, periods) + 1) * longest * 86400.0
        found = self.lane_deals(pol, pod, since, now, party_id)
        zone = self._zone
        return lane_prices(
            found,
            pol=pol,
            pod=pod,
            container=container,
            currency=currency,
            now=now,
            zone=zone,
            per=per,
            periods=periods,
        )

    def is_empty(self) -> bool:
        """Whether there is no party at all."""
        with self._read() as connection:
            return connection.execute(sa.select(tables.party.c.id).limit(1)).first() is None

    # The database

    def catalogue(self, connection: Reads) -> Catalogue:
        """Categories and fields, at most five seconds old."""
        return self._known(connection)

    def _forget_catalogue(self) -> None:
        with self._catalogue_lock:
            self._catalogue = None

    def _known(self, connection: Reads) -> Catalogue:
        now = self._clock()
        with self._catalogue_lock:
            if self._catalogue is None or not 0 <= now - self._catalogue_at < _STALE_S:
                self._catalogue = catalogues.read(connection)
                self._catalogue_at = now
            return self._catalogue

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with errors(), self.database.read() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        with errors(), self.database.write() as connection:
            yield connection


@contextmanager
def errors() -> Iterator[None]:
    """What a database could not do, as CrmError."""
    try:
        yield
    except sql.SqlError as error:
        raise _told(error) from error


def _told(error: sql.SqlError) -> CrmError:
    return CrmError(error.text, text_en=error.text_en, permanent=error.permanent)


def to_id(party_id: str) -> int:
    """The row of an opaque id; raises NotFound for what can be none."""
    if not (party_id.isascii() and party_id.isdigit() and len(party_id) <= 18):
        raise NotFound
    return int(party_id)


def _total(found: Any) -> int:
    return int(found[0].total) if found else 0


def _value(spec: FieldSpec, row: Any, party: Party) -> str:
    if spec.scope == "column":
        return str(getattr(party, spec.key) or "")
    if spec.scope == "company" and row.company_attrs is not None:
        return str(row.company_attrs.get(spec.key, ""))
    return str(row.attrs.get(spec.key, ""))


def _filled(spec: FieldSpec, value: str) -> Field:
    return Field(
        key=spec.key,
        label=spec.label,
        label_en=spec.label_en,
        value=value,
        kind=spec.kind,
        required=spec.required,
        show_in_pop=spec.show_in_pop and spec.scope not in ("column", "contact"),
        pii=spec.pii,
        options=spec.options,
        readonly=spec.readonly,
    )


def _colleagues(found: Any) -> Field:
    names = "、".join(f"{one.name}（{one.role}）" if one.role else one.name for one in found)
    return Field(
        key="contacts", label="联系人", label_en="Contacts", value=names, show_in_pop=True, pii=True, readonly=True
    )
