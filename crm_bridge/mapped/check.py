"""How well a mapping fits its database: counted and asked, nothing written, neither there nor here.

For the people who write a mapping: what they see are their own customers' cells.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from crm_bridge.index_rows import Row, entries
from crm_bridge.mapped.connect import Source, SourceError, untyped
from crm_bridge.mapped.deals import Deals
from crm_bridge.mapped.entities import Entities
from crm_bridge.mapped.mapping import Mapping
from crm_bridge.mapped.sections import Sections
from crm_bridge.numbers import Number, Site, canonical_all

SAMPLES: Final = 20
_PAGE: Final = 500
_PROBE: Final = Number(raw="", cls="mobile", key="+8613000000000")
"A number that is nobody's: how long the question of a ringing phone takes."
_EXPLAIN: Final = {
    "sqlite": "EXPLAIN QUERY PLAN ",
    "postgresql": "EXPLAIN ",
    "mysql": "EXPLAIN ",
    "mariadb": "EXPLAIN ",
}


class EntityReport(msgspec.Struct, kw_only=True):
    """What was found of one entity."""

    name: str
    rows: int = 0
    "In the bin or not."
    read: int = 0
    "Of them looked at, without those in the bin."
    without_number: int = 0
    cells: int = 0
    "With something in them, where numbers should be."
    parsed: int = 0
    "Of them with at least one number."
    unparsed: list[tuple[str, str]] = msgspec.field(default_factory=list)
    "(id, cell), the first twenty."
    spoiled: int = 0
    "Texts that were read in the wrong character set."
    charset: str = ""
    "What they seem to be in, where that can be told."
    changes: bool = True
    "False: without a change mark, everything is compared each time."
    error: str = ""
    error_en: str = ""


class SectionReport(msgspec.Struct, kw_only=True):
    """What came of one section's query."""

    kind: str
    rows: int = 0
    took_s: float = 0.0
    plan: list[str] = msgspec.field(default_factory=list)
    scans: bool = False
    "It reads a whole table."
    error: str = ""
    error_en: str = ""


class Report(msgspec.Struct, kw_only=True):
    """All of it."""

    label: str
    entities: list[EntityReport] = msgspec.field(default_factory=list)
    duplicates: list[tuple[str, int]] = msgspec.field(default_factory=list)
    "(number, how many customers have it), the most first."
    sections: list[SectionReport] = msgspec.field(default_factory=list)
    may_write: bool = False
    "The account has more rights than it needs."
    question_s: float | None = None
    "How long the question of a ringing phone took; None where it got no answer."

    @property
    def good(self) -> bool:
        """Whether all queries worked."""
        return not any([*(one.error for one in self.entities), *(one.error for one in self.sections)])


def check(
    mapping: Mapping, source: Source, site: Site, *, most: int = 20_000, tell: Callable[[str], None] = lambda _: None
) -> Report:
    """Look at up to `most` rows of each entity and at every section. Raises SourceError where there is no answer."""
    entities = Entities(mapping, source, site)
    report = Report(label=mapping.source.label or mapping.source.name)
    holders: dict[str, set[str]] = {}
    samples: dict[str, Row] = {}
    for name in entities.entities:
        tell(name)
        report.entities.append(_entity(entities, source, name, site, most, holders, samples))
    shared = sorted(((key, len(who)) for key, who in holders.items() if len(who) > 1), key=lambda pair: -pair[1])
    report.duplicates = shared[:SAMPLES]
    sections = Sections(mapping, source)
    for spec, statement in sections.statements:
        sample = next((row for name, row in samples.items() if not spec.entities or name in spec.entities), None)
        report.sections.append(_section(source, spec.kind, statement, _of(sample)))
    now = datetime.now(UTC).timestamp()
    deals = Deals(mapping, source, lambda: now)
    if deals.statement is not None:
        report.sections.append(_section(source, "deals", deals.statement, deals.parameters(now, 20)))
    report.may_write = _may_write(source)
    began = time.monotonic()
    try:
        entities.find(_PROBE, 10.0)
        report.question_s = time.monotonic() - began
    except SourceError:
        report.question_s = None
    return report


def _entity(
    entities: Entities,
    source: Source,
    name: str,
    site: Site,
    most: int,
    holders: dict[str, set[str]],
    samples: dict[str, Row],
) -> EntityReport:
    found = EntityReport(name=name, changes=bool(entities.mapping.entity(name).changed))
    try:
        (counted,) = source.read(sa.select(sa.func.count().label("n")).select_from(entities.table(name)), {}, limit=1)
        found.rows = int(counted["n"])
        after: Any = None
        while found.read < most:
            page = entities.page(name, after, _PAGE)
            for row in page.rows:
                _look(found, row, site, holders)
                samples.setdefault(name, row)
            after = page.after
            if after is None:
                break
    except SourceError as error:
        if not error.permanent:
            raise
        found.error, found.error_en = error.text, error.text_en
        cause = error.__cause__
        found.error_en += f" ({str(getattr(cause, 'orig', cause))[:300]})"
    return found


def _look(found: EntityReport, row: Row, site: Site, holders: dict[str, set[str]]) -> None:
    found.read += 1
    found.without_number += not row.phones
    for phone in row.phones:
        found.cells += 1
        if canonical_all(phone.text, phone.site(site)):
            found.parsed += 1
        elif len(found.unparsed) < SAMPLES:
            found.unparsed.append((row.id, phone.text[:60]))
    for entry in entries(row, site):
        if entry.level != "text" and len(holders) < 2_000_000:
            holders.setdefault(entry.key, set()).add(f"{row.entity}/{row.id}")
    for text in (row.name, *row.texts):
        if charset := spoiled(text):
            found.spoiled += 1
            found.charset = found.charset or charset.strip("?")


def spoiled(text: str) -> str:
    """The character set a text seems to be in when it was read in another: gbk, utf-8, `?` for some; '' for none.

    >>> spoiled("宁波".encode("gbk").decode("latin-1"))
    'gbk'
    """
    if "�" in text:
        return "?"
    if not re.search(r"[\u0080-\u00ff]{2,}", text):
        return ""
    for written in ("latin-1", "cp1252"):
        for charset in ("utf-8", "gbk"):
            try:
                again = text.encode(written).decode(charset)
            except UnicodeError:
                continue
            if re.search(r"[一-鿿]", again):
                return charset
    return ""


def _of(sample: Row | None) -> dict[str, Any]:
    """What a section's statement asks with, for one customer."""
    row = sample or Row(entity="", id="0", kind="company", name="", category="")
    return {
        "party_id": row.id,
        "company_id": row.id if row.kind == "company" else row.company_id,
        "entity": row.entity,
        "limit": 20,
    }


def _section(source: Source, kind: str, statement: Any, values: dict[str, Any]) -> SectionReport:
    report = SectionReport(kind=kind)
    named = {name: values[name] for name in statement._bindparams}
    try:
        began = time.monotonic()
        report.rows = len(source.read(statement, named, limit=20))
        report.took_s = time.monotonic() - began
        if explain := _EXPLAIN.get(source.dialect.name):
            plan = sa.text(explain + statement.text).bindparams(*(untyped(n) for n in named if n != "limit"))
            lines = source.read(plan, named, limit=50)
            report.plan = [_line(line) for line in lines]
            report.scans = any(_is_scan(line) for line in report.plan)
    except SourceError as error:
        if not error.permanent:
            raise
        report.error, report.error_en = error.text, error.text_en
        cause = error.__cause__
        report.error_en += f" ({str(getattr(cause, 'orig', cause))[:300]})"
    return report


def _line(raw: Any) -> str:
    """One line of a plan: its text, or MySQL's columns."""
    if "detail" in raw:
        return str(raw["detail"])
    if len(raw) == 1:
        return str(next(iter(raw.values()))).rstrip()
    named = {str(key).lower(): value for key, value in raw.items()}
    told = ("table", "type", "key", "rows", "extra")
    return " ".join(f"{key}={named[key]}" for key in told if named.get(key) not in (None, ""))


def _is_scan(line: str) -> bool:
    return "Seq Scan" in line or line.startswith("SCAN ") or "type=ALL" in line


def _may_write(source: Source) -> bool:
    """Whether the account may change their tables: it need not."""
    try:
        if source.dialect.name == "postgresql":
            query = (
                "SELECT count(*) AS n FROM information_schema.role_table_grants WHERE grantee = current_user"
                " AND privilege_type IN ('INSERT', 'UPDATE', 'DELETE')"
            )
            return int(source.read(sa.text(query), {}, limit=1)[0]["n"]) > 0
        if source.dialect.name in ("mysql", "mariadb"):
            grants = source.read(sa.text("SHOW GRANTS"), {}, limit=100)
            return any(
                re.search(r"\b(ALL PRIVILEGES|INSERT|UPDATE|DELETE|DROP)\b", str(next(iter(grant.values()))))
                for grant in grants
            )
    except SourceError:
        return False
    return False
