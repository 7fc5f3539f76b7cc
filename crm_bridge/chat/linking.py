"""Whose conversation is it? By the id on the platform, by what stands in the remark name, by numbers in the texts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final, Literal

import msgspec
import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.embedded import rows, tables
from crm_bridge.numbers import Site, numbers_in

How = Literal["id", "name", "phone", "chosen", "new", ""]

POINTS: Final[dict[str, tuple[str, ...]]] = {
    "qq": ("qq", "email"),
    "wecom": ("wecom", "wechat"),
    "wechat": ("wechat",),
    "wangwang": ("wangwang",),
    "msn": ("msn", "email"),
}
"Kinds of contact point that a channel's ids are."
LABELS: Final = {"qq": "QQ", "wecom": "企业微信", "wechat": "微信", "wangwang": "旺旺", "msn": "MSN", "email": "邮箱"}
"What a contact point of each kind is called."
_WORD: Final = re.compile(r"[\u4e00-\u9fff]{2,}|[A-Za-z][A-Za-z.&' ]+[A-Za-z]")
_MAX_WORDS: Final = 8
_MAX_NUMBERS: Final = 20


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A customer that a conversation may belong to, for a person to decide."""

    party_id: str
    name: str
    company: str | None
    how: How
    reason: str
    reason_en: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The party a conversation certainly belongs to."""

    party_id: int
    how: How


def by_id(connection: sa.Connection, channel: str, ids: Iterable[str]) -> Found | None:
    """The one account that has one of these ids as a contact point; None for none or several."""
    wanted = sorted({one for one in ids if one})
    if not wanted:
        return None
    points = tables.contact_point
    found = connection.execute(
        sa.select(points.c.party_id)
        .where(points.c.kind.in_(POINTS.get(channel, (channel,))), points.c.value.in_(wanted))
        .limit(20)
    ).scalars()
    return _single(connection, found, "id")


def by_phones(connection: sa.Connection, texts: Iterable[str], site: Site, *, how: How = "phone") -> Found | None:
    """The one account that a registered number in these texts belongs to; None for none or several."""
    keys: set[str] = set()
    for text in texts:
        if sum(char.isdigit() for char in text) >= 7 and len(keys) < _MAX_NUMBERS:
            keys.update(number.key for number in numbers_in(text, site) if number.key)
    if not keys:
        return None
    found = connection.execute(
        sa.select(tables.phone.c.party_id)
        .where(tables.phone.c.key.in_(sorted(keys)), tables.phone.c.level != "text")
        .limit(50)
    ).scalars()
    return _single(connection, found, how)


def suggestions(
    connection: sa.Connection, channel: str, name: str, ids: Iterable[str], texts: Iterable[str], site: Site, limit: int
) -> list[Suggestion]:
    """Who a conversation may belong to: the same id first, then numbers, then names that stand in its remark name."""
    made: dict[int, Suggestion] = {}

    def add(found: Iterable[Any], how: How, reason: str, reason_en: str) -> None:
        for row in found:
            made.setdefault(
                row.id,
                Suggestion(
                    party_id=str(row.id),
                    name=row.name,
                    company=row.company,
                    how=how,
                    reason=reason,
                    reason_en=reason_en,
                ),
            )

    wanted = sorted({one for one in ids if one})
    points = tables.contact_point
    same_id = sa.select(points.c.party_id).where(
        points.c.kind.in_(POINTS.get(channel, (channel,))), points.c.value.in_(wanted)
    )
    add(_parties(connection, rows.party.c.id.in_(same_id), limit), "id", "登记了同一个账号", "The same account")
    keys = {number.key for text in (name, *texts) for number in numbers_in(text, site) if number.key}
    same_number = sa.select(tables.phone.c.party_id).where(
        tables.phone.c.key.in_(sorted(keys)[:_MAX_NUMBERS]), tables.phone.c.level != "text"
    )
    add(
        _parties(connection, rows.party.c.id.in_(same_number), limit),
        "phone",
        "提到了登记的号码",
        "A registered number",
    )
    words = [word.strip() for word in _WORD.findall(name)][:_MAX_WORDS]
    if words:
        # The remark holds the name, or the name the remark: 周敏-屿衡 is 周敏 of 屿衡国际.
        alike = sa.or_(
            rows.party.c.name.in_(words), *(rows.party.c.name.like(sql.like(word), escape="\\") for word in words)
        )
        add(_parties(connection, alike, limit), "name", "备注里有这个名字", "The name stands in the remark")
    return list(made.values())[:limit]


def _parties(connection: sa.Connection, where: sa.ColumnElement[bool], limit: int) -> Iterable[Any]:
    query = (
        sa.select(rows.party.c.id, rows.party.c.name, rows.company.c.name.label("company"))
        .select_from(rows.party.outerjoin(rows.company, rows.company.c.id == rows.party.c.company_id))
        .where(where)
        .order_by(rows.party.c.kind.desc(), rows.party.c.id)
        .limit(limit)
    )
    return connection.execute(query).all()


def _single(connection: sa.Connection, found: Iterable[int], how: How) -> Found | None:
    """Of parties of one account the one, or the company; None for several accounts."""
    ids = sorted(set(found))
    if not ids:
        return None
    accounts = {
        int(account)
        for account in connection.execute(
            sa.select(sa.func.coalesce(tables.party.c.company_id, tables.party.c.id)).where(tables.party.c.id.in_(ids))
        ).scalars()
    }
    if len(accounts) != 1:
        return None
    return Found(party_id=ids[0] if len(ids) == 1 else accounts.pop(), how=how)
