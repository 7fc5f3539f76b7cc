"""From a number to everybody it may belong to, ranked, with the reason for each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from crm_bridge.embedded import rows, tables
from crm_bridge.embedded.catalogue import Catalogue
from crm_bridge.model import Match, MatchLevel, Party
from crm_bridge.numbers import Number
from crm_bridge.quick import prepare

_SCORES: Final[dict[MatchLevel, float]] = {
    "learned": 1.0,
    "exact": 0.9,
    "derived": 0.75,
    "switchboard": 0.5,
    "text": 0.2,
}

_LABELS_EN: Final = {"手机": "mobile", "办公": "office", "传真": "fax", "电话": "phone", "家庭": "home"}

_hit = sa.union_all(
    sa.select(
        tables.phone.c.party_id,
        tables.phone.c.ext,
        tables.phone.c.level,
        tables.phone.c.label,
        tables.phone.c.seen_at,
        sa.literal("").label("by"),
        sa.literal(0).label("times"),
    ).where(tables.phone.c.key == sa.bindparam("key")),
    sa.select(
        tables.learned.c.party_id,
        sa.literal(""),
        sa.literal("learned"),
        sa.literal(""),
        tables.learned.c.at,
        tables.learned.c.by,
        tables.learned.c.times,
    ).where(tables.learned.c.key == sa.bindparam("key")),
).subquery()


def _query(*more: Any) -> Any:
    return (
        sa.select(
            *rows.party_columns,
            *more,
            _hit.c.ext,
            _hit.c.level,
            _hit.c.label.label("point"),
            _hit.c.seen_at,
            _hit.c.by,
            _hit.c.times,
        )
        .select_from(_hit.join(rows.party, rows.party.c.id == _hit.c.party_id))
        .outerjoin(rows.company, rows.company.c.id == rows.party.c.company_id)
        .limit(200)
    )


query: Final = _query()
whole_query: Final = _query(*rows.field_columns)
"With what a profile needs."
prepare(query, whole_query)


class _Hit(msgspec.Struct, kw_only=True):
    party: Party
    level: str
    ext: str
    label: str
    seen_at: float | None
    by: str
    times: int
    last_contact: float | None


def ranked(found: Iterable[Any], number: Number, catalogue: Catalogue, zone: tzinfo) -> list[Match]:
    """Rows of `query`, best first: learned, exact, derived, switchboard, text; then last contact.

    Each party stands once, under its best level. A company is left out beside its own person whom the number belongs
    to exactly, for the person's record holds the company's.
    """
    hits = [
        _Hit(
            party=rows.to_party(row, catalogue),
            level=row.level,
            ext=row.ext,
            label=row.point,
            seen_at=row.seen_at,
            by=row.by,
            times=row.times,
            last_contact=row.last_contact,
        )
        for row in found
    ]
    # A firm and its own people behind one number are one customer.
    sharers = {hit.party.company_id or hit.party.id for hit in hits if hit.level not in ("text", "learned")}
    known = any(hit.ext and hit.ext == number.ext for hit in hits)
    best: dict[str, Match] = {}
    for hit in hits:
        match = _match(hit, number, shared=len(sharers) > 1, known=known, zone=zone)
        old = best.get(hit.party.id)
        if old is None or match.score > old.score:
            best[hit.party.id] = match
    people = {match.party.company_id for match in best.values() if match.level in ("learned", "exact", "derived")}
    left = [match for match in best.values() if not (match.party.id in people and match.level in ("exact", "derived"))]
    return sorted(left, key=lambda match: (-match.score, -(match.last_contact or 0.0), match.party.id))


def _match(hit: _Hit, number: Number, *, shared: bool, known: bool, zone: tzinfo) -> Match:
    label = f"，登记为「{hit.label}」" if hit.label else ""
    label_en = f", registered as {_LABELS_EN.get(hit.label, hit.label)}" if hit.label else ""
    level: MatchLevel
    bonus = 0.0
    if hit.level == "learned":
        level = "learned"
        reason = f"{hit.by} 选过这个客户（{hit.times} 次）"
        reason_en = f"Chosen before by {hit.by} ({hit.times}×)"
        bonus = min(hit.times, 50) / 1000
    elif hit.level == "text":
        level = "text"
        day = datetime.fromtimestamp(hit.seen_at, zone).strftime("%m-%d") if hit.seen_at else ""
        where, where_en = hit.label or "文字", f" on {day}" if day else ""
        reason = f"号码出现在{f' {day} 的' if day else ''}{where}中，资料里没有登记"
        reason_en = f"Seen in a text{where_en}; not registered"
    elif hit.ext and hit.ext == number.ext:
        level = "exact"
        reason, reason_en = f"总机和分机都一致（转 {hit.ext}）", f"Number and extension agree (ext. {hit.ext})"
    elif hit.ext or (number.ext and known) or (shared and number.cls == "landline"):
        level = "switchboard"
        behind, behind_en = (f"转 {hit.ext}", f", ext. {hit.ext}") if hit.ext else ("", "")
        reason = f"同一总机{label}{behind}"
        reason_en = f"Shared switchboard{label_en}{behind_en}"
        bonus = -0.1 if number.ext and hit.ext else 0.0
    elif hit.level == "derived" or number.confidence == "derived":
        level = "derived"
        reason, reason_en = f"补上区号或国家码后一致{label}", f"Agrees once the area or country code is added{label_en}"
    else:
        level = "exact"
        reason, reason_en = f"号码一致{label}", f"Number agrees{label_en}"
        if shared:
            reason, reason_en = f"{reason}，但此号不止一个客户", f"{reason_en}, but others have it too"
    return Match(
        party=hit.party,
        level=level,
        reason=reason,
        reason_en=reason_en,
        score=_SCORES[level] + bonus,
        last_contact=hit.last_contact,
    )
