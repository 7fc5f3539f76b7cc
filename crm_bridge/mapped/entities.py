"""Rows of somebody else's tables as customers of ours: pages for the sync, single rows for a ringing phone."""

from __future__ import annotations

import time
from collections.abc import Mapping as Dict
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from crm_bridge import marks
from crm_bridge.index_rows import Phone, Row
from crm_bridge.mapped import values
from crm_bridge.mapped.connect import Source, SourceError, texts, untyped
from crm_bridge.mapped.mapping import Entity, Mapping, ValueMap
from crm_bridge.mapped.variants import variants
from crm_bridge.numbers import Number, Site, canonical_all
from crm_bridge.sync import Page

_POINTS: Final = ("qq", "wechat", "wangwang", "email", "msn")
_FOUND: Final = 20
"Rows looked at for one number."

_CLOCKS: Final = {
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())",
    "mysql": "SELECT unix_timestamp(now(6))",
    "mariadb": "SELECT unix_timestamp(now(6))",
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",
    "mssql": "SELECT DATEDIFF_BIG(ms, '1970-01-01', SYSUTCDATETIME()) / 1000.0",
}


class Entities:
    """All customers of one mapped database. Every method raises SourceError."""

    def __init__(self, mapping: Mapping, source: Source, site: Site) -> None:
        self.mapping = mapping
        self.source = source
        self.name = mapping.source.name
        self.site = site
        self._plans = {entity.name: _Plan(entity, mapping) for entity in mapping.entities}
        self._deaf: set[tuple[str, int]] = set()
        "Questions by number that this database refuses, such as text compared with a bigint."

    @property
    def entities(self) -> Sequence[str]:
        """Their names, companies before their people as the mapping has them."""
        return list(self._plans)

    def table(self, entity: str) -> Any:
        """Rows of an entity, to select from."""
        return self._plans[entity].rows

    def has_marks(self, entity: str) -> bool:
        """Whether its rows tell when they changed."""
        return bool(self._plans[entity].changed)

    def now(self) -> float:
        """The database's own clock, ours where it has none that we know."""
        query = _CLOCKS.get(self.source.dialect.name)
        if query is None:
            return time.time()  # noqa: TID251 - stands in for a clock that cannot be asked
        (row,) = self.source.read(sa.text(query), {}, limit=1)
        return float(next(iter(row.values())))

    def page(self, entity: str, after: Any, limit: int) -> Page:
        """The next rows by key after `after` (None: from the first)."""
        plan = self._plans[entity]
        statement = plan.all if after is None else plan.after
        found = self.source.read(statement, {"after": after, "limit": limit}, limit=limit)
        last = found[-1][plan.id] if len(found) == limit else None
        return self._page(plan, found, last)

    def changes(self, entity: str, mark: str, after: Any, limit: int, overlap_s: float) -> Page | None:
        """The next rows changed since the mark less the overlap; None for an entity without change marks."""
        plan = self._plans[entity]
        if plan.since is None or plan.since_after is None:
            return None
        if after is None:
            found = self.source.read(plan.since, {"mark": marks.back(mark, overlap_s), "limit": limit}, limit=limit)
        else:
            found = self.source.read(
                plan.since_after, {"mark": after[0], "after": after[1], "limit": limit}, limit=limit
            )
        last = (found[-1][plan.changed], found[-1][plan.id]) if len(found) == limit else None
        return self._page(plan, found, last)

    def settled(self, mark: str, now: float) -> str:
        """The mark to go on from: none of the future."""
        return marks.not_after(mark, now, self.mapping.zone)

    def one(self, entity: str, external_id: str, deadline_s: float) -> Row | None:
        """One row as it stands now; None where it is gone."""
        plan = self._plans[entity]
        found = self.source.ask(plan.by_ids, {"ids": [external_id]}, limit=2, deadline_s=deadline_s)
        page = self._page(plan, found[:1], None, deadline_s=deadline_s)
        return page.rows[0] if page.rows else None

    def find(self, number: Number, deadline_s: float) -> list[Row]:
        """Rows that hold this number as one of its usual spellings; all entities share the deadline."""
        spellings = variants(number, self.site)
        until = time.monotonic() + deadline_s
        rows: list[Row] = []
        for plan in self._plans.values():
            for row in self._holding(plan, spellings, until):
                keys = {n.key for phone in row.phones for n in canonical_all(phone.text, phone.site(self.site))}
                if number.key in keys:
                    rows.append(row)
        return rows

    def _holding(self, plan: _Plan, spellings: list[str], until: float) -> tuple[Row, ...]:
        ids: list[str] = []
        for place, statement in enumerate(plan.finders):
            if (plan.entity.name, place) in self._deaf:
                continue
            left = max(0.01, until - time.monotonic())
            try:
                found = self.source.ask(statement, {"numbers": spellings}, limit=_FOUND, deadline_s=left)
            except SourceError as error:
                if not error.permanent:
                    raise
                self._deaf.add((plan.entity.name, place))
                continue
            ids += [values.text(row["id"]) for row in found]
        if not ids:
            return ()
        left = max(0.01, until - time.monotonic())
        unique = list(dict.fromkeys(ids))[:_FOUND]
        found = self.source.ask(plan.by_ids, {"ids": unique}, limit=_FOUND, deadline_s=left)
        return self._page(plan, found, None, deadline_s=left).rows

    def _page(
        self, plan: _Plan, found: Sequence[Dict[str, Any]], last: Any, *, deadline_s: float | None = None
    ) -> Page:
        charset = self.mapping.source.charset
        live: list[Dict[str, Any]] = []
        gone: list[str] = []
        for raw in found:
            (gone.append(values.text(raw[plan.id], charset)) if plan.is_gone(raw, charset) else live.append(raw))
        ids = [values.text(raw[plan.id], charset) for raw in live]
        phones, extra = self._related(plan, ids, deadline_s)
        rows = tuple(
            plan.row(raw, phones.get(external, []), extra.get(external, {}), charset)
            for external, raw in zip(ids, live, strict=True)
        )
        mark = marks.newest([marks.encode(raw[plan.changed]) for raw in found]) if plan.changed else None
        return Page(rows=rows, gone=tuple(gone), after=last, mark=mark)

    def _related(
        self, plan: _Plan, ids: list[str], deadline_s: float | None
    ) -> tuple[dict[str, list[Phone]], dict[str, dict[str, str]]]:
        """Numbers and fields that stand in other tables, by id."""
        phones: dict[str, list[Phone]] = {}
        extra: dict[str, dict[str, str]] = {}
        if not ids:
            return phones, extra
        charset = self.mapping.source.charset

        def ask(statement: Any) -> Sequence[Dict[str, Any]]:
            limit = len(ids) * 200
            if deadline_s is None:
                return self.source.read(statement, {"ids": ids}, limit=limit)
            return self.source.ask(statement, {"ids": ids}, limit=limit, deadline_s=deadline_s)

        for related, statement in plan.related:
            for raw in ask(statement):
                label = values.text(raw.get("label"), charset, 40)
                phones.setdefault(values.text(raw["id"], charset), []).append(
                    Phone(
                        text=values.text(raw["number"], charset, 500), label=related.labels.get(label, label or "电话")
                    )
                )
        for pivot, statement in plan.pivots:
            for raw in ask(statement):
                ours = pivot.fields.get(values.text(raw["key"], charset, 120))
                value = values.text(raw["value"], charset)
                external = values.text(raw["id"], charset)
                if ours == "phone" and value:
                    phones.setdefault(external, []).append(Phone(text=value[:500], label="电话"))
                elif ours and value:
                    extra.setdefault(external, {})[ours] = value
        return phones, extra


class _Plan:
    """The statements of one entity, built once, and how its rows are read."""

    def __init__(self, entity: Entity, mapping: Mapping) -> None:
        self.entity = entity
        self.id = entity.id
        self.changed = entity.changed
        self._zone = mapping.zone
        names = dict.fromkeys(
            name
            for name in (
                entity.id,
                entity.changed,
                entity.deleted.column if entity.deleted else "",
                *entity.title,
                entity.company.column if entity.company else "",
                entity.category.column,
                entity.tier.column if entity.tier else "",
                *entity.columns.values(),
                *entity.fields.values(),
                *(phone.column for phone in entity.phones),
                *entity.texts,
            )
            if name
        )
        columns = texts(list(names))
        rows: Any
        if entity.sql:
            rows = sa.text(entity.sql.strip().rstrip(";")).columns(*columns).subquery("e")
        else:
            schema, _, table = entity.table.rpartition(".")
            rows = sa.table(table, *columns, schema=schema or None).alias("e")
        self.rows = rows
        key = rows.c[entity.id]
        every = sa.select(*rows.c)
        limit: Any = sa.bindparam("limit", type_=sa.Integer)
        self.all = every.order_by(key).limit(limit)
        self.after = every.where(key > untyped("after")).order_by(key).limit(limit)
        self.by_ids = every.where(key.in_(untyped("ids", expanding=True)))
        self.since: Any = None
        self.since_after: Any = None
        if entity.changed:
            mark = rows.c[entity.changed]
            ordered = every.order_by(mark, key).limit(limit)
            self.since = ordered.where(mark >= untyped("mark"))
            self.since_after = ordered.where(
                (mark > untyped("mark")) | ((mark == untyped("mark")) & (key > untyped("after")))
            )
        ids = untyped("ids", expanding=True)
        self.related = [(one, sa.text(one.sql).bindparams(ids)) for one in entity.related_phones]
        self.pivots = [(one, sa.text(one.sql).bindparams(ids)) for one in entity.pivots]
        numbers = untyped("numbers", expanding=True)
        self.finders: list[Any] = []
        for phone in entity.phones:
            self.finders.append(sa.select(key.label("id")).where(rows.c[phone.column].in_(numbers)).limit(_FOUND))
        self.finders += [sa.text(one.find).bindparams(numbers) for one in entity.related_phones if one.find]

    def is_gone(self, raw: Dict[str, Any], charset: str) -> bool:
        deleted = self.entity.deleted
        return deleted is not None and values.text(raw[deleted.column], charset).lower() in deleted.values

    def row(self, raw: Dict[str, Any], phones: list[Phone], extra: dict[str, str], charset: str) -> Row:
        """A customer of a row, of its numbers and fields in other tables."""
        entity = self.entity

        def cell(column: str, limit: int = 500) -> str:
            return values.text(raw[column], charset, limit)

        own = [Phone(text=cell(one.column), label=one.label, area=one.area) for one in entity.phones]
        fields = {ours: cell(column, 4000) for ours, column in entity.fields.items()} | extra
        columns = {ours: cell(column) for ours, column in entity.columns.items()}
        company = entity.company
        name = values.joined([cell(column, 200) for column in entity.title])
        contact = entity.columns.get("last_contact")
        return Row(
            entity=entity.name,
            id=cell(entity.id, 120),
            kind=entity.kind,
            name=name[:200] or "（无名）",
            company_entity=company.entity if company else None,
            company_id=(cell(company.column, 120) or None) if company else None,
            role=columns.get("role", "")[:80] or None,
            category=_mapped(entity.category, raw, charset) or "customer",
            tier=(_mapped(entity.tier, raw, charset) if entity.tier else fields.get("tier", ""))[:16] or None,
            owner=columns.get("owner", "")[:80] or None,
            owner_name=columns.get("owner_name", "")[:80] or None,
            tags=tuple(tag.strip() for tag in columns.get("tags", "").replace("，", ",").split(",") if tag.strip())[
                :20
            ],
            attrs={key: value for key, value in fields.items() if value and key not in (*_POINTS, "tier")},
            points=tuple((key, fields[key][:200]) for key in _POINTS if fields.get(key)),
            phones=tuple(phone for phone in [*own, *phones] if phone.text),
            texts=tuple(found for column in entity.texts if (found := cell(column, values.MAX_CELL))),
            last_contact=values.moment(raw[contact], self._zone) if contact else None,
        )


def _mapped(spec: ValueMap, raw: Dict[str, Any], charset: str) -> str:
    value = values.text(raw[spec.column], charset, 80) if spec.column else ""
    if value in spec.values:
        return spec.values[value]
    return spec.default or ("" if spec.values else value)
