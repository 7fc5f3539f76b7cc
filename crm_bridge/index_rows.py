"""What the phone index takes of a customer of another CRM, and what it makes of it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from crm_bridge.model import PartyKind
from crm_bridge.numbers import Number, Site, canonical_all, numbers_in

COLUMNS: Final = ("name", "role", "category", "tier")
"Of a party, and may be typed over."
_SHORTEST: Final = 7
"Digits of a number of no known form that is still indexed."
_LABELS: Final = {"qq": "QQ", "wechat": "微信", "wangwang": "旺旺", "email": "邮箱", "msn": "MSN"}


class Phone(msgspec.Struct, frozen=True, kw_only=True):
    """A cell with a number or several."""

    text: str
    label: str
    area: str = ""
    "Area code of numbers without one; the site's where nothing is said."

    def site(self, site: Site) -> Site:
        """The site as this cell wants it."""
        return msgspec.structs.replace(site, area_code=self.area) if self.area else site


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as another CRM tells it; `entity` and `id` name it there for good."""

    entity: str
    id: str
    kind: PartyKind
    name: str
    company_entity: str | None = None
    company_id: str | None = None
    "Of a person's company, there."
    role: str | None = None
    category: str
    tier: str | None = None
    owner: str | None = None
    owner_name: str | None = None
    tags: tuple[str, ...] = ()
    attrs: dict[str, str] = msgspec.field(default_factory=dict)
    points: tuple[tuple[str, str], ...] = ()
    "(kind, value) of addresses other than phones."
    phones: tuple[Phone, ...] = ()
    texts: tuple[str, ...] = ()
    "Free texts: numbers in them are hints."
    last_contact: float | None = None


class Entry(msgspec.Struct, frozen=True, order=True):
    """One row of crm_phone of a party."""

    key: str
    ext: str
    level: str
    label: str


class Doc(msgspec.Struct, frozen=True):
    """What a row said last: to know what of the party came from there."""

    row: Row
    entries: tuple[Entry, ...]


def entries(row: Row, site: Site) -> list[Entry]:
    """What the index holds of a row: registered numbers, then those that only stand in a text."""
    found: dict[tuple[str, str, str], Entry] = {}
    registered: set[str] = set()
    for phone in row.phones:
        for number in canonical_all(phone.text, phone.site(site)):
            if number.key is None or not _is_somebodys(number):
                continue
            level = "derived" if number.confidence == "derived" else "exact"
            entry = Entry(number.key[:40], (number.ext or "")[:8], level, phone.label[:40])
            found.setdefault((entry.key, entry.ext, level), entry)
            registered.add(entry.key)
    for written in row.texts:
        for number in numbers_in(written, site):
            if number.key and number.key not in registered:
                found.setdefault((number.key, "", "text"), Entry(number.key[:40], "", "text", "备注"))
    return list(found.values())


def source_value(row: Row, key: str) -> str:
    """What the other CRM says of a field, '' where nothing."""
    if key in COLUMNS:
        return str(getattr(row, key) or "")
    return row.attrs.get(key, "")


def _is_somebodys(number: Number) -> bool:
    """A hot line is everybody's, an extension ours, and a scrap of digits nobody's number."""
    if number.cls in ("short", "service", "internal"):
        return False
    return number.cls != "raw" or len(number.key or "") >= _SHORTEST


def digest(row: Row) -> str:
    """The same for rows that say the same."""
    return hashlib.blake2b(msgspec.json.encode(row, order="deterministic"), digest_size=16).hexdigest()


def company_key(entity: str | None, external: str | None) -> str | None:
    """A company named in one text."""
    return f"{entity}/{external}"[:120] if entity and external else None


def columns(row: Row, companies: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    """Columns of crm_party; `companies` are the parties of the companies that are known."""
    company = companies.get((row.company_entity or "", row.company_id or ""))
    return {
        "kind": row.kind,
        "name": row.name,
        "company_id": company,
        "role": row.role,
        "category": row.category,
        "tier": row.tier,
        "owner": row.owner,
        "owner_name": row.owner_name,
        "tags": list(row.tags),
        "attrs": dict(row.attrs),
        "last_contact": row.last_contact,
    }


def addresses(row: Row) -> list[tuple[str, str, str]]:
    """(kind, value, label) of a row's contact points."""
    phones = [("phone", phone.text[:200], phone.label[:40]) for phone in row.phones]
    return list(dict.fromkeys([*phones, *((kind, value, _LABELS[kind]) for kind, value in row.points)]))
