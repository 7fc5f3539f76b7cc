"""History of a customer from somebody else's tables, by the SQL of the mapping, as our business records and quotes."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from crm_bridge.index_rows import Row
from crm_bridge.mapped import values
from crm_bridge.mapped.connect import Source, untyped
from crm_bridge.mapped.mapping import Mapping, SectionKind, SectionSpec
from crm_bridge.model import BusinessRecord, ChatMessage, Note, Quote, QuoteLine

_TEXTS: Final = (
    *("pol", "pod", "origin", "destination", "container", "supplier", "cargo", "schedule"),
    *("status", "bl_no", "vessel"),
)
_CLOSED: Final = {
    "won": "won",
    "lost": "lost",
    "1": "won",
    "是": "won",
    "已成交": "won",
    "否": "lost",
    "未成交": "lost",
}
_QUOTE_STATES: Final = frozenset({"open", "sent", "won", "lost", "expired"})


class Sections:
    """Asks the sections of one mapping. Every method raises SourceError."""

    def __init__(self, mapping: Mapping, source: Source) -> None:
        self._mapping = mapping
        self._source = source
        self._charset = mapping.source.charset
        self._zone = mapping.zone
        self._prefix = mapping.source.name
        self.statements = [(spec, _statement(spec)) for spec in mapping.sections]

    def business(self, row: Row, limit: int) -> tuple[list[BusinessRecord], int]:
        """Newest first, and how many there are."""
        found, total = self._ask("business", row, limit)
        return [self._business(raw) for raw in found], total

    def quotes(self, row: Row, limit: int, now: float) -> tuple[list[Quote], int]:
        """One row of the answer is one line; lines of the same id make one quote."""
        found, total = self._ask("quotes", row, limit * 6)
        grouped: dict[str, list[Dict[str, Any]]] = {}
        for raw in found:
            grouped.setdefault(self._text(raw, "id"), []).append(raw)
        return [self._quote(lines, now) for lines in list(grouped.values())[:limit]], max(total, len(grouped))

    def chats(self, row: Row, limit: int) -> tuple[list[ChatMessage], int]:
        """Newest first."""
        found, total = self._ask("chats", row, limit)
        return [self._chat(raw) for raw in found], total

    def notes(self, row: Row, limit: int) -> list[Note]:
        """Newest first."""
        found, _ = self._ask("notes", row, limit)
        notes = [
            Note(id=self._id(raw), at=self._at(raw), by=self._by(raw), text=self._text(raw, "text")) for raw in found
        ]
        return [note for note in notes if note.text]

    def _ask(self, kind: SectionKind, row: Row, limit: int) -> tuple[Sequence[Dict[str, Any]], int]:
        found: list[Dict[str, Any]] = []
        total = 0
        company = row.id if row.kind == "company" else row.company_id
        for spec, statement in self.statements:
            if spec.kind != kind or (spec.entities and row.entity not in spec.entities):
                continue
            parameters = {"party_id": row.id, "company_id": company, "entity": row.entity, "limit": limit}
            named = {name: parameters[name] for name in statement._bindparams}
            raws = self._source.ask(statement, named, limit=limit, deadline_s=self._mapping.source.section_timeout)
            told = values.whole(raws[0]["total"]) if raws and "total" in raws[0] else None
            total += max(told or 0, len(raws))
            found += [_renamed(raw, spec, self._charset) for raw in raws]
        return found, total

    # Rows as structs: what is missing or makes no sense is left empty

    def _text(self, raw: Dict[str, Any], key: str, limit: int = 500) -> str:
        return values.text(
            raw.get(key), self._charset, values.MAX_CELL if key in ("text", "details", "note") else limit
        )

    def _id(self, raw: Dict[str, Any]) -> str:
        return f"{self._prefix}:{self._text(raw, 'id', 120)}"

    def _at(self, raw: Dict[str, Any]) -> float:
        return values.moment(raw.get("at"), self._zone) or 0.0

    def _by(self, raw: Dict[str, Any]) -> str:
        # BY is a reserved word, so the column may be called author.
        return self._text(raw, "by" if "by" in raw else "author", 80)

    def _business(self, raw: Dict[str, Any]) -> BusinessRecord:
        closed = self._text(raw, "closed", 40)
        return BusinessRecord(
            id=self._id(raw),
            at=self._at(raw),
            **{key: self._text(raw, key) for key in _TEXTS},
            details=self._text(raw, "details"),
            by=self._by(raw),
            floor_price=values.amount(raw.get("floor_price")),
            price=values.amount(raw.get("price")),
            currency=values.currency(raw.get("currency")),
            price_date=values.moment(raw.get("price_date"), self._zone),
            transit_days=values.whole(raw.get("transit_days")),
            closed=_CLOSED.get(closed, "open"),  # type: ignore[arg-type]
            etd=values.moment(raw.get("etd"), self._zone),
            eta=values.moment(raw.get("eta"), self._zone),
            eta_planned=values.moment(raw.get("eta_planned"), self._zone),
        )

    def _quote(self, lines: Sequence[Dict[str, Any]], now: float) -> Quote:
        raw = lines[0]
        status = self._text(raw, "status", 40)
        until = values.moment(raw.get("valid_until"), self._zone)
        if status not in _QUOTE_STATES:
            status = "open"
        if status in ("open", "sent") and until is not None and until < now:
            status = "expired"
        priced = [
            QuoteLine(
                container=self._text(line, "container", 40),
                count=values.whole(line.get("count")) or 1,
                freight=freight,
                all_in=values.amount(line.get("all_in")),
            )
            for line in lines
            if (freight := values.amount(line.get("freight"))) is not None
        ]
        return Quote(
            id=self._id(raw),
            number=self._text(raw, "number", 80),
            at=self._at(raw),
            pol=self._text(raw, "pol"),
            pod=self._text(raw, "pod"),
            carrier=self._text(raw, "carrier"),
            transit_days=values.whole(raw.get("transit_days")),
            schedule=self._text(raw, "schedule"),
            currency=values.currency(raw.get("currency")),
            lines=tuple(priced),
            valid_until=until,
            status=status,  # type: ignore[arg-type]
            note=self._text(raw, "note"),
            by=self._by(raw),
        )

    def _chat(self, raw: Dict[str, Any]) -> ChatMessage:
        return ChatMessage(
            id=self._id(raw),
            at=self._at(raw),
            channel=self._text(raw, "channel", 16) or "web",
            direction="out" if self._text(raw, "direction", 8) in ("out", "1", "发") else "in",
            sender=self._text(raw, "sender", 120),
            kind=self._text(raw, "kind", 16) or "text",
            text=self._text(raw, "text"),
        )


def _statement(spec: SectionSpec) -> sa.TextClause:
    statement = sa.text(spec.sql.strip().rstrip(";"))
    names = list(statement._bindparams)
    return statement.bindparams(*(untyped(name) for name in names if name != "limit"))


def _renamed(raw: Dict[str, Any], spec: SectionSpec, charset: str) -> Dict[str, Any]:
    """The row with its values in our words, where the mapping has them."""
    if not spec.values:
        return raw
    changed = dict(raw)
    for key, words in spec.values.items():
        if key in changed:
            written = values.text(changed[key], charset, 200)
            changed[key] = words.get(written, written)
    return changed
