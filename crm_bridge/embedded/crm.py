"""The embedded CRM: reading here, changing in `writes`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from threading import Lock
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.embedded import catalogue as catalogues
from crm_bridge.embedded import lanes, tables, writes
from crm_bridge.embedded.catalogue import Catalogue
from crm_bridge.embedded.load import Loader
from crm_bridge.embedded.people import PeopleEditing
from crm_bridge.embedded.quoting import Quoting
from crm_bridge.embedded.record import Reading, to_id
from crm_bridge.embedded.search import search
from crm_bridge.embedded.shape import Shaping
from crm_bridge.freight.lanes import LaneDeal
from crm_bridge.model import (
    BusinessRecord,
    Category,
    CrmError,
    Field,
    Note,
    Party,
    Profile,
)
from crm_bridge.numbers import CHINA, Site, canonical
from crm_bridge.quick import Quick, Reads

__all__ = ["EmbeddedCrm", "errors", "to_id"]

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_VERSION_TABLE: Final = "crm_version"
_STALE_S: Final = 5.0
"Categories and fields are read again after this, for another program may change them."


def _now() -> float:
    return datetime.now(UTC).timestamp()


class EmbeddedCrm(Reading, Shaping, PeopleEditing, Quoting):
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
        self._trends = lanes.Trends()
        self._catalogue: Catalogue | None = None
        self._catalogue_at = 0.0
        self._catalogue_lock = Lock()
        with errors():
            self.database = sql.Database(url, in_turn=True)
            self._quick = Quick(self.database, _told)
            if self.database.is_sqlite:
                self.migrate()

    @property
    def zone(self) -> tzinfo:
        """Of the site: days and weeks are counted in it."""
        return self._zone

    @property
    def source_ok(self) -> bool:
        """True: there is no other database behind this one."""
        return True

    def migrate(self) -> None:
        """Bring the tables to this program's revision, and a new site its first categories and fields."""
        with errors():
            sql.migrate(self.database, _MIGRATIONS, _VERSION_TABLE)
            with self.database.write(queued=False) as connection:
                sql.alone(connection)
                if not connection.execute(sa.select(tables.category.c.key).limit(1)).first():
                    categories, fields = catalogues.defaults()
                    connection.execute(sa.insert(tables.category), categories)
                    connection.execute(sa.insert(tables.field), fields)

    def close(self) -> None:
        """Give all connections back."""
        self._quick.close()
        self.database.close()

    def check(self) -> None:
        """Raises CrmError unless the database answers and has this program's tables, neither older nor newer."""
        with errors():
            sql.require(self.database, _MIGRATIONS, _VERSION_TABLE)
        with self._read() as connection:
            connection.execute(sa.select(tables.category.c.key).limit(1)).first()

    # Reading

    def search(self, text: str, limit: int = 10) -> list[Party]:
        """See `Crm.search`."""
        with self._read() as connection:
            return search(connection, text, limit, self._known(connection), self.site)

    def form(self, category: str) -> tuple[Field, ...]:
        """See `Crm.form`."""
        with self._read() as connection:
            specs = self._known(connection).form(category)
        return tuple(catalogues.filled(spec, category if spec.key == "category" else "") for spec in specs)

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
            made = writes.add_business(connection, to_id(party_id), values, by, self._clock(), self._zone)
        self._trends.forget()
        return made

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
        self._trends.forget()

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
