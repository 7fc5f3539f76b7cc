"""Our own phone index over another CRM: each of its customers as a party of ours, with every number by its key.

The index lives in the tables of the embedded CRM (`crm_party`, `crm_phone`, ...), so a look-up, a choice learned, a
note or a chat works alike for a customer of our own and for one of the other CRM, and goes on while that CRM is away.
`crmx_ref` tells which is which. Putting the same row twice changes nothing: a hash of what it says is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.embedded import EmbeddedCrm, tables
from crm_bridge.embedded.crm import errors
from crm_bridge.index_adopt import adopted, keep_typed
from crm_bridge.index_rows import (
    COLUMNS,
    Doc,
    Entry,
    Row,
    addresses,
    columns,
    company_key,
    digest,
    entries,
    source_value,
)
from crm_bridge.index_tables import overlay, ref, sync

_doc: Final = msgspec.json.Decoder(Doc)

_MIGRATIONS: Final = Path(__file__).parent / "index_migrations"
GONE_TAG: Final = "客户库已删除"
"Stands on a party whose row is gone there while something here still hangs on it."


class Put(msgspec.Struct, kw_only=True):
    """What a page changed."""

    new: int = 0
    changed: int = 0
    same: int = 0
    numbers: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    "{party: keys it did not have before}: past calls of those numbers are this party's."


class State(msgspec.Struct, frozen=True, kw_only=True):
    """How far the sync of an entity is."""

    pass_no: int
    mark: str | None
    full_at: float | None
    read_at: float | None


class PhoneIndex:
    """The index of one source. Every method may be called from any thread and raises CrmError."""

    def __init__(
        self,
        crm: EmbeddedCrm,
        source: str,
        *,
        clock: Callable[[], float],
        on_numbers: Callable[[Mapping[str, tuple[str, ...]]], None] | None = None,
        prospects: Callable[[], Mapping[str, str | None]] | None = None,
    ) -> None:
        """`on_numbers` is told, after the commit and in the thread that wrote, which parties got which new keys.

        `prospects` gives the parties of ours that were written into the other CRM, with their ids there.
        """
        self.crm = crm
        self.source = source
        self._clock = clock
        self._on_numbers = on_numbers
        self._prospects = prospects
        if crm.database.is_sqlite:
            self.migrate()

    def migrate(self) -> None:
        """Bring the index's own tables to this program's revision."""
        with errors():
            sql.migrate(self.crm.database, _MIGRATIONS, "crmx_version")

    def check(self) -> None:
        """Raises CrmError unless the index's own tables are this program's, neither older nor newer."""
        with errors():
            sql.require(self.crm.database, _MIGRATIONS, "crmx_version")

    # Filling

    def put(self, rows: Sequence[Row]) -> Put:
        """Take rows over, in one transaction; one that says what it said before costs a comparison only."""
        done = Put()
        if not rows:
            return done
        unique = {(row.entity, row.id): row for row in rows}
        with self._write() as connection:
            known = self._refs(connection, unique)
            passes = self._passes(connection)
            fresh: list[tuple[Row, str]] = []
            changed: list[tuple[Row, str, Any]] = []
            seen: list[dict[str, Any]] = []
            for place, row in unique.items():
                said, old = digest(row), known.get(place)
                if old is None:
                    fresh.append((row, said))
                elif old.hash != said or old.gone:
                    changed.append((row, said, old))
                else:
                    done.same += 1
                    if old.pass_no != passes.get(row.entity, 0):
                        seen.append({"e": row.entity, "x": row.id, "n": passes.get(row.entity, 0)})
            self._stamp(connection, seen)
            self._insert(connection, fresh, passes, done)
            self._change(connection, changed, passes, done)
            self._link_people(connection, [row for row, _ in fresh if row.kind == "company"])
        if done.numbers and self._on_numbers is not None:
            self._on_numbers(done.numbers)
        return done

    def remove(self, entity: str, ids: Iterable[str]) -> int:
        """Take away rows that are gone there; returns how many were known. What hangs on them here stays."""
        wanted = list(dict.fromkeys(ids))
        count = 0
        with self._write() as connection:
            for start in range(0, len(wanted), 500):
                part = wanted[start : start + 500]
                known = self._refs(connection, [(entity, one) for one in part])
                for old in known.values():
                    if not old.gone:
                        count += 1
                        self._take_away(connection, old)
        return count

    # How far the sync is

    def state(self, entity: str) -> State:
        """Where the sync of an entity stands."""
        query = sa.select(sync).where(sync.c.source == self.source, sync.c.entity == entity)
        with self._read() as connection:
            row = connection.execute(query).first()
        if row is None:
            return State(pass_no=0, mark=None, full_at=None, read_at=None)
        return State(pass_no=row.pass_no, mark=row.mark, full_at=row.full_at, read_at=row.read_at)

    def begin_pass(self, entity: str) -> int:
        """Begin comparing everything: from now on each row put is stamped with the number returned."""
        with self._write() as connection:
            number = self._passes(connection).get(entity, 0) + 1
            self._save(connection, entity, pass_no=number)
        return number

    def end_pass(self, entity: str, mark: str | None, at: float) -> None:
        """All was compared."""
        with self._write() as connection:
            self._save(connection, entity, mark=mark, full_at=at, read_at=at)

    def reached(self, entity: str, mark: str | None, at: float) -> None:
        """All changes were read up to this mark."""
        with self._write() as connection:
            self._save(connection, entity, mark=mark, read_at=at)

    def unseen(self, entity: str, pass_no: int) -> list[str]:
        """Rows that the pass of this number did not meet: they are gone there."""
        query = sa.select(ref.c.external_id).where(*self._alive(entity), ref.c.pass_no < pass_no)
        with self._read() as connection:
            return list(connection.execute(query).scalars())

    def count(self, entity: str) -> int:
        """How many rows of an entity are known."""
        with self._read() as connection:
            return int(connection.execute(sa.select(sa.func.count()).where(*self._alive(entity))).scalar_one())

    def external(self, party_id: int) -> Row | None:
        """What the other CRM said last of a party; None for one of our own, or one that is gone there."""
        with self._read() as connection:
            return self.row_of(connection, party_id)

    def row_of(self, connection: sa.Connection, party_id: int) -> Row | None:
        """The same in a transaction of the caller."""
        query = sa.select(ref.c.doc).where(ref.c.party_id == party_id, ref.c.source == self.source, ~ref.c.gone)
        doc = connection.execute(query).scalar()
        return None if doc is None else _doc.decode(doc).row

    # Inside

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with errors(), self.crm.database.read() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        with errors(), self.crm.database.write() as connection:
            yield connection

    def _alive(self, entity: str) -> tuple[Any, ...]:
        return ref.c.source == self.source, ref.c.entity == entity, ~ref.c.gone

    def _refs(self, connection: sa.Connection, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Any]:
        by_entity: dict[str, list[str]] = {}
        for entity, external in places:
            by_entity.setdefault(entity, []).append(external)
        found: dict[tuple[str, str], Any] = {}
        for entity, ids in by_entity.items():
            for start in range(0, len(ids), 500):
                query = sa.select(ref).where(
                    ref.c.source == self.source,
                    ref.c.entity == entity,
                    ref.c.external_id.in_(ids[start : start + 500]),
                )
                found |= {(entity, row.external_id): row for row in connection.execute(query)}
        return found

    def _passes(self, connection: sa.Connection) -> dict[str, int]:
        query = sa.select(sync.c.entity, sync.c.pass_no).where(sync.c.source == self.source)
        return {row.entity: row.pass_no for row in connection.execute(query)}

    def _stamp(self, connection: sa.Connection, seen: list[dict[str, Any]]) -> None:
        if seen:
            connection.execute(
                sa.update(ref)
                .where(
                    ref.c.source == self.source,
                    ref.c.entity == sa.bindparam("e"),
                    ref.c.external_id == sa.bindparam("x"),
                )
                .values(pass_no=sa.bindparam("n")),
                seen,
            )

    def _save(self, connection: sa.Connection, entity: str, **values: Any) -> None:
        where = (sync.c.source == self.source, sync.c.entity == entity)
        if not connection.execute(sa.update(sync).where(*where).values(**values)).rowcount:
            start = {"source": self.source, "entity": entity, "pass_no": 0}
            connection.execute(sa.insert(sync), {**start, **values})

    def _insert(
        self, connection: sa.Connection, fresh: list[tuple[Row, str]], passes: Mapping[str, int], done: Put
    ) -> None:
        fresh = self._adopt(connection, fresh, passes, done) if self._prospects is not None else fresh
        if not fresh:
            return
        now = self._clock()
        companies = self._companies(connection, [row for row, _ in fresh])
        made = [
            {
                **columns(row, companies),
                "version": 1,
                "created_at": now,
                "created_by": self.source,
                "updated_at": now,
                "updated_by": self.source,
            }
            for row, _ in fresh
        ]
        insert = sa.insert(tables.party).returning(tables.party.c.id, sort_by_parameter_order=True)
        parties = list(connection.execute(insert, made).scalars())
        self._write_rows(
            connection, [(row, said, p) for (row, said), p in zip(fresh, parties, strict=True)], {}, passes
        )
        done.new += len(fresh)
        self._tell(connection, done, [(row, party, ()) for (row, _), party in zip(fresh, parties, strict=True)])

    def _adopt(
        self, connection: sa.Connection, fresh: list[tuple[Row, str]], passes: Mapping[str, int], done: Put
    ) -> list[tuple[Row, str]]:
        """Tie rows that are prospects of ours to them; gives the others."""
        prospects = self._prospects() if self._prospects is not None and fresh else {}
        known = adopted(connection, [row for row, _ in fresh], prospects, self.crm.site) if prospects else {}
        if not known:
            return fresh
        mine = [(row, said, known[row.entity, row.id]) for row, said in fresh if (row.entity, row.id) in known]
        companies = self._companies(connection, [row for row, _, _ in mine])
        for row, _, party in mine:
            keep_typed(connection, party, row, self.source, self._clock(), self.crm.site)
            values = columns(row, companies)
            self._laid_over(connection, party, row, values)
            values |= {"updated_at": self._clock(), "updated_by": self.source, "version": tables.party.c.version + 1}
            connection.execute(sa.update(tables.party).where(tables.party.c.id == party).values(**values))
        self._write_rows(connection, mine, {}, passes)
        done.changed += len(mine)
        return [(row, said) for row, said in fresh if (row.entity, row.id) not in known]

    def _change(
        self,
        connection: sa.Connection,
        changed: list[tuple[Row, str, Any]],
        passes: Mapping[str, int],
        done: Put,
    ) -> None:
        if not changed:
            return
        now = self._clock()
        companies = self._companies(connection, [row for row, _, _ in changed])
        before: dict[int, Doc] = {}
        for row, _, old in changed:
            before[old.party_id] = _doc.decode(old.doc)
            values = columns(row, companies)
            self._laid_over(connection, old.party_id, row, values)
            values |= {"updated_at": now, "updated_by": self.source}
            party = tables.party
            updated = connection.execute(
                sa.update(party).where(party.c.id == old.party_id).values(**values, version=party.c.version + 1)
            )
            if not updated.rowcount:  # it was gone, and came back
                start = {"id": old.party_id, "version": 1, "created_at": now, "created_by": self.source}
                connection.execute(sa.insert(party), {**values, **start})
        self._write_rows(connection, [(row, said, old.party_id) for row, said, old in changed], before, passes)
        done.changed += len(changed)
        self._tell(
            connection,
            done,
            [(row, old.party_id, () if old.gone else before[old.party_id].entries) for row, _, old in changed],
        )

    def _tell(self, connection: sa.Connection, done: Put, rows: list[tuple[Row, int, tuple[Entry, ...]]]) -> None:
        for row, party, old in rows:
            had = {entry.key for entry in old if entry.level != "text"}
            keys = {entry.key for entry in entries(row, self.crm.site) if entry.level != "text"} - had
            if keys:
                done.numbers[str(party)] = tuple(sorted(keys))

    def _companies(self, connection: sa.Connection, rows: list[Row]) -> dict[tuple[str, str], int]:
        places = {(r.company_entity, r.company_id) for r in rows if r.company_entity and r.company_id}
        found = self._refs(connection, [(entity, one) for entity, one in places if entity and one])
        return {place: row.party_id for place, row in found.items() if not row.gone}

    def _write_rows(
        self,
        connection: sa.Connection,
        rows: list[tuple[Row, str, int]],
        before: Mapping[int, Doc],
        passes: Mapping[str, int],
    ) -> None:
        """Numbers, addresses and the reference of rows whose party stands."""
        phones: list[dict[str, Any]] = []
        points: list[dict[str, Any]] = []
        refs: list[dict[str, Any]] = []
        for row, said, party in rows:
            found = entries(row, self.crm.site)
            old = before.get(party)
            if old is not None:
                self._clear(connection, party, old, keep=found)
            phones += [
                {
                    "key": entry.key,
                    "party_id": party,
                    "ext": entry.ext,
                    "level": entry.level,
                    "label": entry.label,
                    "seen_at": None,
                }
                for entry in found
            ]
            points += [
                {"party_id": party, "kind": kind, "value": value, "label": label, "position": place}
                for place, (kind, value, label) in enumerate(addresses(row))
            ]
            refs.append(
                {
                    "source": self.source,
                    "entity": row.entity,
                    "external_id": row.id,
                    "party_id": party,
                    "hash": said,
                    "doc": msgspec.json.encode(Doc(row, tuple(found))).decode(),
                    "company": company_key(row.company_entity, row.company_id),
                    "pass_no": passes.get(row.entity, 0),
                    "gone": False,
                }
            )
        sql.upsert(connection, tables.phone, phones)
        if points:
            connection.execute(sa.insert(tables.contact_point), points)
        sql.upsert(connection, ref, refs)

    def _clear(self, connection: sa.Connection, party: int, old: Doc, keep: list[Entry]) -> None:
        """Take away what came from there before; what was added here stays."""
        staying = {(entry.key, entry.ext, entry.level) for entry in keep}
        for entry in old.entries:
            if (entry.key, entry.ext, entry.level) not in staying:
                phone = tables.phone.c
                connection.execute(
                    sa.delete(tables.phone).where(
                        phone.key == entry.key,
                        phone.party_id == party,
                        phone.ext == entry.ext,
                        phone.level == entry.level,
                    )
                )
        point = tables.contact_point.c
        for kind, value, label in addresses(old.row):
            connection.execute(
                sa.delete(tables.contact_point).where(
                    point.party_id == party, point.kind == kind, point.value == value, point.label == label
                )
            )

    def _laid_over(self, connection: sa.Connection, party: int, row: Row, values: dict[str, Any]) -> None:
        """What was typed here goes over the row, unless the other CRM has changed that value itself since."""
        for typed in connection.execute(sa.select(overlay).where(overlay.c.party_id == party)).all():
            if typed.base != source_value(row, typed.key):
                connection.execute(sa.delete(overlay).where(overlay.c.party_id == party, overlay.c.key == typed.key))
            elif typed.key in COLUMNS:
                values[typed.key] = typed.value or None
            else:
                values["attrs"] = {**values["attrs"], typed.key: typed.value}

    def _link_people(self, connection: sa.Connection, companies: list[Row]) -> None:
        """People who came before their company."""
        party = tables.party
        for row in companies:
            place = company_key(row.entity, row.id)
            early = sa.select(ref.c.party_id).where(ref.c.source == self.source, ref.c.company == place, ~ref.c.gone)
            mine = sa.select(ref.c.party_id).where(
                ref.c.source == self.source, ref.c.entity == row.entity, ref.c.external_id == row.id
            )
            connection.execute(
                sa.update(party)
                .where(party.c.id.in_(early), party.c.company_id.is_(None))
                .values(company_id=mine.scalar_subquery(), version=party.c.version + 1)
            )

    def _take_away(self, connection: sa.Connection, old: Any) -> None:
        doc = _doc.decode(old.doc)
        self._clear(connection, old.party_id, doc, keep=[])
        connection.execute(
            sa.update(ref)
            .where(ref.c.source == self.source, ref.c.entity == old.entity, ref.c.external_id == old.external_id)
            .values(gone=True, hash="")
        )
        try:
            with connection.begin_nested():
                connection.execute(sa.delete(tables.party).where(tables.party.c.id == old.party_id))
        except sa.exc.IntegrityError:  # notes, calls, colleagues: they need it
            tags = sorted({*doc.row.tags, GONE_TAG})
            connection.execute(sa.update(tables.party).where(tables.party.c.id == old.party_id).values(tags=tags))
