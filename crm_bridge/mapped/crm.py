"""The CRM of a site that has its own: look-ups from our index, the record from their database, our additions beside.

A look-up asks our index only; a number that it does not know is asked for there once, within 300 ms. The profile is
read anew and stands as it was read last while their database is away, with a line that says so. Their database is
never written to: what is typed here is kept here, shown over theirs, and handed to the outbox, which may write it back.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Final, Literal, Protocol

import msgspec
import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.embedded import EmbeddedCrm, tables, writes
from crm_bridge.embedded.crm import errors, to_id
from crm_bridge.index import PhoneIndex
from crm_bridge.index_rows import Row, addresses, source_value
from crm_bridge.index_tables import overlay
from crm_bridge.mapped.connect import Source, SourceError
from crm_bridge.mapped.deals import Deals, LanesOfBoth
from crm_bridge.mapped.entities import Entities
from crm_bridge.mapped.mapping import Mapping as MappingFile
from crm_bridge.mapped.sections import Sections
from crm_bridge.mapped.sheet import Sheet
from crm_bridge.model import (
    BusinessRecord,
    Category,
    ChatMessage,
    ContactPoint,
    Field,
    Match,
    Note,
    Party,
    Profile,
    Quote,
    Section,
)
from crm_bridge.numbers import Number, canonical
from crm_bridge.sync import Sync, Syncing
from crm_bridge.writeback.intents import key_of

NEGATIVE_S: Final = 10.0
"How long a number that nobody has is not asked for again."
NEGATIVES: Final = 5_000
_SURE: Final = frozenset({"learned", "exact", "derived"})


class Outbox(Protocol):
    """Who writes back what was typed here: at least once, and twice under one key is harmless."""

    def put(
        self,
        kind: Literal["note", "fields", "party", "business"],
        key: str,
        party: Row | None,
        payload: Mapping[str, Any],
        *,
        after: str | None = None,
    ) -> None:
        """Keep it until it is written; `party` is the customer there, None for one that only we know.

        `after` is the whole key of what must be written first.
        """

    def has(self, kind: Literal["party"], key: str) -> bool:
        """Whether something was put in under this key."""

    def prospects(self) -> Mapping[str, str | None]:
        """{party: its id there, where that was told} of the new prospects that are written."""


def _now() -> float:
    return datetime.now(UTC).timestamp()


class MappedCrm(LanesOfBoth):
    """Implements `crm_bridge.model.Crm` over another CRM's database; `local` holds the index and what is typed here.

    Every method may be called from any thread and raises CrmError. `close` also closes `local`.
    """

    def __init__(
        self,
        mapping: MappingFile,
        local: EmbeddedCrm,
        *,
        outbox: Outbox | None = None,
        on_numbers: Callable[[Mapping[str, tuple[str, ...]]], None] | None = None,
        clock: Callable[[], float] = _now,
    ) -> None:
        """`on_numbers` is told which parties got which number keys, so that past calls can be linked to them."""
        self.mapping = mapping
        self.local = local
        self.label = mapping.source.label or mapping.source.name
        self._clock = clock
        self._outbox = outbox
        self._sheet = Sheet(Path(mapping.source.file), mapping.source.sheet) if mapping.source.file else None
        spec = mapping.source if self._sheet is None else self._sheet.source(mapping.source)
        self.source = Source(spec)
        self.entities = Entities(mapping, self.source, local.site)
        self.sections = Sections(mapping, self.source)
        self.deals = Deals(mapping, self.source, clock)
        self.index = PhoneIndex(
            local,
            mapping.source.name,
            clock=clock,
            on_numbers=on_numbers,
            prospects=None if outbox is None else outbox.prospects,
        )
        self._limits = mapping.source
        self._nobody: OrderedDict[str, float] = OrderedDict()
        self._asked: dict[str, threading.Event] = {}
        self._lock = threading.Lock()
        self._syncing: Syncing | None = None
        self._heard_at: float | None = None
        self._extend_forms()

    # Life

    def sync(self, **options: Any) -> Sync:
        """A sync of this CRM, for one round by hand."""
        spec = self.mapping.sync
        full_every = spec.full_every
        if self._sheet is not None:
            self._sheet.refresh()
            # A list has no change marks: it is compared whenever the file was read anew.
            full_every = min(full_every, max(0.0, _now() - self._sheet.read_at))
        return Sync(
            self.entities,
            self.index,
            page=spec.page,
            overlap_s=spec.overlap,
            full_every_s=full_every,
            **options,
        )

    def start(self) -> None:
        """Keep the index current in a thread, until `close`."""
        spec = self.mapping.sync
        self._syncing = Syncing(self._round, spec.every, spec.pause)
        self._syncing.start()

    def _round(self, wanted: Callable[[], bool], pause: Callable[[], object]) -> Sync:
        self.deals.refresh()
        return self.sync(wanted=wanted, pause=pause)

    def wait_for_rounds(self, rounds: int, timeout_s: float) -> bool:
        """Until the thread has made so many rounds; False where it has not in time."""
        return self._syncing is not None and self._syncing.wait(rounds, timeout_s)

    def close(self) -> None:
        """Stop the sync and give all connections back."""
        if self._syncing is not None:
            self._syncing.stop()
        self.source.close()
        if self._sheet is not None:
            self._sheet.close()
        self.local.close()

    @property
    def source_ok(self) -> bool:
        """False while the other database is held for broken: look-ups and profiles are then as read last."""
        return self.source.breaker.ok

    def check(self) -> None:
        """Raises CrmError unless our own database answers and theirs does."""
        self.local.check()
        self.source.ask(sa.text("SELECT 1"), {}, limit=1, deadline_s=self._limits.section_timeout)

    def migrate(self) -> None:
        """Bring our own tables to this program's revision."""
        self.local.migrate()
        self.index.migrate()

    # Look-up

    def lookup(self, number: str | None) -> list[Match]:
        """See `Crm.lookup`. A number the index does not know is asked for in the other database, within its limit."""
        matches = self.local.lookup(number)
        if any(match.level in _SURE for match in matches):
            return matches
        known = canonical(number, self.local.site)
        if not self._worth_asking(known) or not self._ask_for(known):
            return matches
        return self.local.lookup(number)

    def _worth_asking(self, number: Number) -> bool:
        if number.key is None or number.cls in ("internal", "short", "service", "masked", "raw"):
            return False
        with self._lock:
            until = self._nobody.get(number.key)
            return until is None or until < monotonic()

    def _ask_for(self, number: Number) -> bool:
        """Whether the other database knew the number and its rows are in the index now."""
        key = number.key or ""
        with self._lock:
            waiting = self._asked.get(key)
            mine = threading.Event()
            if waiting is None:
                self._asked[key] = mine
        if waiting is not None:  # the same caller rings at several phones: one question is enough
            waiting.wait(self._limits.lookup_timeout)
            return True
        try:
            rows = self.entities.find(number, self._limits.lookup_timeout)
            if rows:
                self.index.put(rows)
                return True
            self._remember_nobody(key)
        except SourceError:
            pass  # the pop goes on with what we know; `source_ok` tells
        finally:
            with self._lock:
                self._asked.pop(key, None)
            mine.set()
        return False

    def _remember_nobody(self, key: str) -> None:
        with self._lock:
            self._nobody[key] = monotonic() + NEGATIVE_S
            self._nobody.move_to_end(key)
            while len(self._nobody) > NEGATIVES:
                self._nobody.popitem(last=False)

    # Reading

    def party(self, party_id: str) -> Party | None:
        """See `Crm.party`."""
        return self.local.party(party_id)

    def profile(self, party_id: str) -> Profile:
        """See `Crm.profile`: read anew where that takes no longer than a look-up may, else as it was read last."""
        row = self.index.external(to_id(party_id))
        if row is None:
            return self.local.profile(party_id)
        notes: list[Note] = []
        away = False
        try:
            fresh = self.entities.one(row.entity, row.id, self._limits.lookup_timeout)
            if fresh is not None:
                self.index.put([fresh])
            notes = self.sections.notes(row, 20)
            self._heard_at = self._clock()
        except SourceError:
            away = True
        profile = self.local.profile(party_id)
        together = sorted([*profile.notes, *notes], key=lambda note: -note.at)[:20]
        fields = (self._marker(), *profile.fields) if away else profile.fields
        return msgspec.structs.replace(profile, notes=tuple(together), fields=fields)

    def _marker(self) -> Field:
        """The line of a profile that says how old it is."""
        at = self._heard_at or self.index.state(self.mapping.entities[0].name).read_at
        zone = self.mapping.zone
        since = datetime.fromtimestamp(at, zone).strftime("%m-%d %H:%M") if at else ""
        text = f"{self.label} 暂时没有答复，以下为{since + ' ' if since else ''}存下的资料"
        return Field(key="crm_state", label="客户库", label_en="CRM", value=text, readonly=True, show_in_pop=True)

    def business(self, party_id: str, limit: int = 20) -> Section[BusinessRecord]:
        """See `Crm.business`: theirs and what was typed here."""
        local = self.local.business(party_id, limit)
        row = self.index.external(to_id(party_id))
        if row is None:
            return local
        theirs, total = self.sections.business(row, limit)
        items = sorted([*local.items, *theirs], key=lambda item: -item.at)[:limit]
        return Section(items=tuple(items), total=local.total + total, as_of=self._clock(), trend=local.trend)

    def chats(self, party_id: str, limit: int = 20) -> Section[ChatMessage]:
        """See `Crm.chats`: theirs and what was imported here."""
        local = self.local.chats(party_id, limit)
        row = self.index.external(to_id(party_id))
        if row is None:
            return local
        theirs, total = self.sections.chats(row, limit)
        answered = False
        items: list[ChatMessage] = []
        for item in sorted([*local.items, *theirs], key=lambda item: -item.at)[:limit]:
            answered = answered or item.direction == "out"
            items.append(msgspec.structs.replace(item, answered=answered or item.kind == "system"))
        return Section(items=tuple(items), total=local.total + total, as_of=self._clock())

    def quotes(self, party_id: str, limit: int = 20) -> Section[Quote]:
        """See `Crm.quotes`: theirs and what was made here."""
        local = self.local.quotes(party_id, limit)
        row = self.index.external(to_id(party_id))
        if row is None:
            return local
        theirs, total = self.sections.quotes(row, limit, self._clock())
        items = sorted([*local.items, *theirs], key=lambda item: (item.status not in ("open", "sent"), -item.at))
        now = self._clock()
        shown = local.trend or self.trend_of(party_id, items, now)
        return Section(items=tuple(items[:limit]), total=local.total + total, as_of=now, trend=shown)

    def search(self, text: str, limit: int = 10) -> list[Party]:
        """See `Crm.search`: in the index."""
        return self.local.search(text, limit)

    def form(self, category: str) -> tuple[Field, ...]:
        """See `Crm.form`."""
        return self.local.form(category)

    def categories(self) -> list[Category]:
        """See `Crm.categories`."""
        return self.local.categories()

    # Changing: here, and by the outbox perhaps there

    def save_fields(self, party_id: str, values: Mapping[str, str], version: int, by: str) -> Profile:
        """See `Crm.save_fields`. A value typed here stands until the other CRM changes that value itself."""
        party = to_id(party_id)
        row = self.index.external(party)
        now = self._clock()
        with errors(), self.local.database.write() as connection:
            profile = writes.save_fields(self.local, connection, party, values, version, by, now)
            if row is not None:
                self._lay_over(connection, party, row, profile, values, by, now)
        self._write_back("fields", f"{party_id}/{profile.party.version}", party_id, dict(values))
        return profile

    def whose(self, party_id: str) -> tuple[Row | None, str | None]:
        """(the customer there, None) or, for a prospect that is on its way there, (None, the key it waits under)."""
        row = self.index.external(to_id(party_id))
        if row is not None or self._outbox is None or not self._outbox.has("party", party_id):
            return row, None
        return None, key_of("party", party_id)

    def _write_back(
        self, kind: Literal["note", "fields", "business"], key: str, party_id: str, payload: Mapping[str, Any]
    ) -> None:
        """Of a customer that is there, or will be; what only we know stays here."""
        if self._outbox is None:
            return
        row, after = self.whose(party_id)
        if row is not None or after is not None:
            self._outbox.put(kind, key, row, payload, after=after)

    def _lay_over(
        self,
        connection: sa.Connection,
        party: int,
        row: Row,
        profile: Profile,
        saved: Mapping[str, str],
        by: str,
        now: float,
    ) -> None:
        specs = {spec.key: spec for spec in self.local.catalogue(connection).form(profile.party.category)}
        rows: list[dict[str, Any]] = []
        for key in saved:
            spec = specs.get(key)
            if spec is None or key == "company" or spec.scope == "contact":
                continue
            holder, told = party, row
            if spec.scope == "company" and profile.party.company_id is not None:
                holder = int(profile.party.company_id)
                company = self.index.row_of(connection, holder)
                if company is None:
                    continue
                told = company
            value = sql.clean(str(saved[key]).strip(), writes.MAX_VALUE)
            base = source_value(told, key)
            rows.append({"party_id": holder, "key": key, "value": value, "base": base, "by": by[:80], "at": now})
        sql.upsert(connection, overlay, rows)

    def create_party(self, values: Mapping[str, str], number: str | None, by: str) -> Profile:
        """See `Crm.create_party`: a prospect of our own."""
        profile = self.local.create_party(values, number, by)
        if self._outbox is not None:
            self._outbox.put("party", profile.party.id, None, {**values, "number": number or ""})
        return profile

    def tell_prospect(self, party_id: str) -> None:
        """Write a prospect back that was made beside this class, such as by a chat."""
        if self._outbox is not None and self.index.external(to_id(party_id)) is None:
            profile = self.local.profile(party_id)
            points = {point.kind: point.value for point in reversed(profile.contact_points)}
            values = {field.key: field.value for field in profile.fields if field.value}
            self._outbox.put("party", party_id, None, {**values, **points, "number": points.get("phone", "")})

    def set_contact_points(self, party_id: str, points: Sequence[ContactPoint], version: int, by: str) -> Profile:
        """See `EmbeddedCrm.set_contact_points`. What the other CRM says stays: it is changed there."""
        row = self.index.external(to_id(party_id))
        if row is None:
            return self.local.set_contact_points(party_id, points, version, by)
        theirs = [ContactPoint(kind=kind, value=value, label=label) for kind, value, label in addresses(row)]
        known = {(point.kind, point.value) for point in theirs}
        added = [point for point in points if (point.kind, point.value) not in known]
        profile = self.local.set_contact_points(party_id, [*theirs, *added], version, by)
        told = {kind: "; ".join(p.value for p in added if p.kind == kind) for kind in {p.kind for p in added}}
        if told:
            self._write_back("fields", f"{party_id}/{profile.party.version}", party_id, told)
        return profile

    def add_note(self, party_id: str, text: str, by: str, call_id: str | None = None, at: float | None = None) -> Note:
        """See `Crm.add_note`."""
        note = self.local.add_note(party_id, text, by, call_id, at)
        payload = {"text": note.text, "by": by, "call_id": call_id or "", "at": note.at}
        self._write_back("note", note.id, party_id, payload)
        return note

    def add_business(self, party_id: str, values: Mapping[str, str], by: str) -> BusinessRecord:
        """See `Crm.add_business`."""
        record = self.local.add_business(party_id, values, by)
        self._write_back("business", record.id, party_id, msgspec.to_builtins(record))
        return record

    def learn(self, number: str, party_id: str, by: str) -> None:
        """See `Crm.learn`."""
        self.local.learn(number, party_id, by)

    # Inside

    def _extend_forms(self) -> None:
        """The site's own fields of the mapping are fields of every category here."""
        rows: list[dict[str, Any]] = [
            {
                "category": "*",
                "key": field.key,
                "scope": field.scope,
                "label": field.label,
                "label_en": field.label_en,
                "kind": field.kind,
                "required": False,
                "show_in_pop": field.show_in_pop,
                "pii": field.pii,
                "options": [],
                "position": 500 + place,
            }
            for place, field in enumerate(self.mapping.fields)
        ]
        if rows:
            with errors(), self.local.database.write() as connection:
                sql.upsert(connection, tables.field, rows, keep=True)
