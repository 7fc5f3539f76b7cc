"""The outbox: intents as rows, taken by one worker at a time, crash or no crash.

A row says what it is about until the CRM has it; then its payload is dropped and only its key, its digest and the
CRM's id stay, so that the same intent put in again is known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.model import CrmError
from crm_bridge.writeback.intents import (
    KINDS,
    Counts,
    Delivery,
    Entry,
    Kind,
    PartyRef,
    State,
    Whose,
    digest,
    key_of,
)

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_VERSION_TABLE: Final = "crm_outbox_version"
MAX_TEXT: Final = 20_000

metadata = sa.MetaData()
table = sa.Table(
    "crm_outbox",
    metadata,
    sa.Column("key", sa.String(200), primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("party", sa.JSON(none_as_null=True)),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("after", sa.String(200)),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("due_at", sa.Float, nullable=False),
    sa.Column("done_at", sa.Float),
    sa.Column("claimed_by", sa.String(80), nullable=False),
    sa.Column("claimed_until", sa.Float, nullable=False),
    sa.Column("external_id", sa.String(200)),
    sa.Column("error", sa.String(300), nullable=False),
    sa.Column("error_en", sa.String(300), nullable=False),
    sa.Column("error_at", sa.Float),
    sa.Index("crm_outbox_due", "state", "due_at"),
)

_BEGUN: Final = "begun"
"Key of the row that says since when a kind is written back."
_REAL: Final = table.c.digest != ""
"Every intent has a digest; that row has none."


def _now() -> float:
    return datetime.now(UTC).timestamp()


class Outbox:
    """Intents waiting for the site's CRM. Every method may be called from any thread and raises CrmError."""

    def __init__(
        self,
        database: sql.Database,
        *,
        kinds: Collection[str] = KINDS,
        clock: Callable[[], float] = _now,
        on_put: Callable[[], None] | None = None,
    ) -> None:
        """`kinds` are those the site wants back, others are not kept; `on_put` wakes a worker, from any thread."""
        self.database = database
        self.kinds = frozenset(kinds)
        self.on_put = on_put
        self._clock = clock
        with _errors():
            if database.is_sqlite:
                self.migrate()

    def migrate(self) -> None:
        """Make the table, or bring it to this program's revision."""
        with _errors():
            sql.migrate(self.database, _MIGRATIONS, _VERSION_TABLE)

    def check(self) -> None:
        """Raises CrmError unless the table is this program's, neither older nor newer."""
        with _errors():
            sql.require(self.database, _MIGRATIONS, _VERSION_TABLE)

    # Putting in

    def put(
        self,
        kind: Kind,
        key: str,
        party: PartyRef | None,
        payload: Mapping[str, Any],
        *,
        after: str | None = None,
        at: float | None = None,
    ) -> None:
        """Keep an intent until the CRM has it; when this returns it is on the disk.

        The same again is nothing new, whether it waits or is done. Something else under a known key is told under that
        key as its next revision. `after` is the whole key of an intent that must be done first, such as the new
        prospect a note is about.
        """
        if kind not in self.kinds:
            return
        whole = key_of(kind, key)
        now = self._clock() if at is None else at
        whose = (
            None
            if party is None
            else Whose(
                entity=party.entity, id=party.id, company_entity=party.company_entity, company_id=party.company_id
            )
        )
        plain = _plain(payload)
        row: dict[str, Any] = {
            "revision": 1,
            "party": None if whose is None else msgspec.to_builtins(whose),
            "payload": plain,
            "digest": digest(whose, plain),
            "after": after,
            "state": "waiting",
            "attempts": 0,
            "due_at": now,
            "done_at": None,
            "error": "",
            "error_en": "",
            "error_at": None,
        }
        with self._write() as connection:
            old = connection.execute(sa.select(table).where(table.c.key == whole).with_for_update()).first()
            if old is None:
                fresh = {"key": whole, "kind": kind, "created_at": now, "claimed_by": "", "claimed_until": 0.0}
                connection.execute(sa.insert(table), {**row, **fresh})
            elif old.digest != row["digest"]:
                connection.execute(
                    sa.update(table).where(table.c.key == whole).values(**{**row, "revision": old.revision + 1})
                )
            else:
                return
        if self.on_put is not None:
            self.on_put()

    # Taking out

    def claim(self, worker: str, limit: int, lease_s: float) -> list[Delivery]:
        """Intents that are due, now this worker's for `lease_s` seconds; the oldest first."""
        now = self._clock()
        first = table.alias("first")
        done = sa.select(first.c.key).where(first.c.key == table.c.after, first.c.state == "done").exists()
        free = (table.c.state == "waiting") & (table.c.due_at <= now) & (table.c.claimed_until <= now)
        query = (
            sa.select(table.c.key)
            .where(free, table.c.after.is_(None) | done)
            .order_by(table.c.due_at, table.c.created_at, table.c.key)
            .limit(limit)
        )
        with self._write() as connection:
            taken: list[str] = []
            for key in connection.execute(query).scalars().all():
                # Another node may have been quicker.
                claimed = connection.execute(
                    sa.update(table)
                    .where(table.c.key == key, free)
                    .values(claimed_by=worker, claimed_until=now + lease_s)
                )
                if claimed.rowcount:
                    taken.append(key)
            first_id = sa.select(first.c.external_id).where(first.c.key == table.c.after).scalar_subquery()
            rows = connection.execute(sa.select(table, first_id.label("after_id")).where(table.c.key.in_(taken))).all()
        by_key = {row.key: row for row in rows}
        return [
            Delivery(
                key=key,
                revision=by_key[key].revision,
                kind=by_key[key].kind,
                party=None if by_key[key].party is None else msgspec.convert(by_key[key].party, Whose),
                payload=by_key[key].payload,
                attempts=by_key[key].attempts,
                created_at=by_key[key].created_at,
                after_id=by_key[key].after_id,
            )
            for key in taken
        ]

    def done(self, delivery: Delivery, external_id: str | None) -> None:
        """It took effect there. Something newer put in under its key meanwhile still waits."""
        now = self._clock()
        with self._write() as connection:
            same = (table.c.key == delivery.key) & (table.c.revision == delivery.revision)
            values: dict[str, Any] = {"state": "done", "done_at": now, "payload": {}, "party": None}
            values.update(error="", error_en="", error_at=None, attempts=table.c.attempts + 1)
            connection.execute(sa.update(table).where(same, table.c.state != "done").values(**values))
            named = {"external_id": external_id[:200]} if external_id else {}
            self._let_go(connection, delivery, named)

    def failed(self, delivery: Delivery, error: CrmError, due_at: float) -> None:
        """It did not, or nobody knows: tried again at `due_at`, or set aside where the error is permanent."""
        with self._write() as connection:
            same = (
                (table.c.key == delivery.key) & (table.c.revision == delivery.revision) & (table.c.state == "waiting")
            )
            values: dict[str, Any] = {
                "state": "refused" if error.permanent else "waiting",
                "attempts": table.c.attempts + 1,
                "due_at": due_at,
                "error": sql.clean(error.text, 300),
                "error_en": sql.clean(error.text_en, 300),
                "error_at": self._clock(),
            }
            connection.execute(sa.update(table).where(same).values(**values))
            self._let_go(connection, delivery, {})

    def give_back(self, deliveries: Collection[Delivery]) -> None:
        """They were claimed and not tried."""
        with self._write() as connection:
            for delivery in deliveries:
                self._let_go(connection, delivery, {})

    def release(self, worker: str) -> int:
        """Give back what a worker of this name held when it died; returns how many."""
        with self._write() as connection:
            held = (table.c.claimed_by == worker) & (table.c.claimed_until > 0)
            return int(connection.execute(sa.update(table).where(held).values(claimed_until=0.0)).rowcount)

    def next_due(self) -> float | None:
        """When the next intent is due that can be tried, None for none."""
        first = table.alias("first")
        done = sa.select(first.c.key).where(first.c.key == table.c.after, first.c.state == "done").exists()
        when = sa.case((table.c.claimed_until > table.c.due_at, table.c.claimed_until), else_=table.c.due_at)
        query = sa.select(sa.func.min(when)).where(table.c.state == "waiting", table.c.after.is_(None) | done)
        with self._read() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else float(found)

    # Looking

    def counts(self) -> Counts:
        """Figures for a page and for /metrics."""
        waiting = table.c.state == "waiting"
        query = sa.select(
            sa.func.sum(sa.case((waiting, 1), else_=0)),
            sa.func.sum(sa.case((waiting & (table.c.attempts > 0), 1), else_=0)),
            sa.func.sum(sa.case((table.c.state == "refused", 1), else_=0)),
            sa.func.sum(sa.case((table.c.state == "done", 1), else_=0)),
            sa.func.min(sa.case((waiting, table.c.created_at))),
        ).where(_REAL)
        with self._read() as connection:
            waits, retrying, refused, done, oldest = connection.execute(query).one()
        return Counts(
            waiting=int(waits or 0),
            retrying=int(retrying or 0),
            refused=int(refused or 0),
            done=int(done or 0),
            oldest=oldest,
        )

    def entries(self, state: State | None = None, limit: int = 100) -> list[Entry]:
        """Intents, what failed last first."""
        query = sa.select(*(table.c[name] for name in Entry.__struct_fields__)).where(_REAL)
        if state is not None:
            query = query.where(table.c.state == state)
        newest = sa.func.coalesce(table.c.error_at, 0.0).desc()
        query = query.order_by(newest, table.c.created_at.desc(), table.c.key).limit(max(1, min(limit, 1000)))
        with self._read() as connection:
            return [Entry(**row._asdict()) for row in connection.execute(query)]

    def external_id(self, kind: Kind, key: str) -> str | None:
        """What the CRM called an intent that is done; None where it did not say, or does not have it yet."""
        query = sa.select(table.c.external_id).where(table.c.key == key_of(kind, key))
        with self._read() as connection:
            return connection.execute(query).scalar()

    def has(self, kind: Kind, key: str) -> bool:
        """Whether an intent was put in under this key, done or not."""
        query = sa.select(table.c.key).where(table.c.key == key_of(kind, key))
        with self._read() as connection:
            return connection.execute(query).first() is not None

    def prospects(self) -> dict[str, str | None]:
        """{key of a new prospect: what the CRM called it, if it said} of those that are done."""
        query = sa.select(table.c.key, table.c.external_id).where(table.c.kind == "party", table.c.state == "done")
        with self._read() as connection:
            return {
                row.key.removeprefix("party:"): row.external_id
                for row in connection.execute(query)
                if row.key.removeprefix("party:").isdigit()
            }

    def begin(self, kind: Kind, at: float) -> float:
        """When this kind was first written back: remembered from `at` on, the first time it is asked."""
        whole = key_of(kind, _BEGUN)
        query = sa.select(table.c.created_at).where(table.c.key == whole)
        with self._write() as connection:
            found = connection.execute(query).scalar()
            if found is not None:
                return float(found)
            row = {"key": whole, "kind": kind, "revision": 1, "party": None, "payload": {}, "digest": "", "after": None}
            row |= {"state": "done", "attempts": 0, "created_at": at, "due_at": at, "done_at": None, "error": ""}
            row |= {"claimed_by": "", "claimed_until": 0.0, "external_id": None, "error_en": "", "error_at": None}
            connection.execute(sa.insert(table), row)
            return at

    def newest(self, kind: Kind) -> float | None:
        """When the newest intent of a kind was put in first; None for none."""
        query = sa.select(sa.func.max(table.c.created_at)).where(table.c.kind == kind, _REAL)
        with self._read() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else float(found)

    def retry(self, key: str | None = None) -> int:
        """Send again at once: one intent by its whole key, or all that were refused or wait for their next try."""
        undone = table.c.state.in_(("refused", "waiting"))
        chosen = undone & (table.c.key == key) if key is not None else undone
        with self._write() as connection:
            statement = sa.update(table).where(chosen).values(state="waiting", due_at=self._clock())
            found = int(connection.execute(statement).rowcount)
        if found and self.on_put is not None:
            self.on_put()
        return found

    def forget_done(self, before: float) -> int:
        """Drop keys of what was done before a time. What is put in again later is then written again."""
        with self._write() as connection:
            old = (table.c.state == "done") & (table.c.done_at < before) & _REAL
            needed = table.alias("needed")
            waited_for = sa.select(needed.c.key).where(needed.c.after == table.c.key, needed.c.state != "done").exists()
            return int(connection.execute(sa.delete(table).where(old, ~waited_for)).rowcount)

    def _let_go(self, connection: sa.Connection, delivery: Delivery, values: dict[str, Any]) -> None:
        values = {**values, "claimed_until": 0.0}
        connection.execute(sa.update(table).where(table.c.key == delivery.key).values(**values))

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with _errors(), self.database.read() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        with _errors(), self.database.write() as connection:
            yield connection


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except sql.SqlError as error:
        raise CrmError(error.text, text_en=error.text_en, permanent=error.permanent) from error


def _plain(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A payload as JSON keeps it: texts any database takes, finite numbers, nothing deeper than a list of texts."""
    found: dict[str, Any] = {}
    for name, value in payload.items():
        plain = msgspec.to_builtins(value)
        if isinstance(plain, str):
            plain = sql.clean(plain, MAX_TEXT)
        elif isinstance(plain, float) and not abs(plain) < float("inf"):
            plain = None
        elif not isinstance(plain, (bool, int, float, type(None))):
            plain = sql.clean(msgspec.json.encode(plain).decode(), MAX_TEXT)
        found[sql.clean(str(name), 80)] = plain
    return found
