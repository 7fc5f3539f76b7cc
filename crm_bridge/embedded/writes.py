"""Changing the embedded CRM. Every function runs in the caller's transaction and checks before it writes."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.embedded import rows, tables, typed
from crm_bridge.embedded.catalogue import FieldSpec
from crm_bridge.freight.ports import lane_key
from crm_bridge.model import BusinessRecord, Conflict, Invalid, InvalidField, Note, NotFound, Profile
from crm_bridge.numbers import Number, Site, canonical, canonical_all, numbers_in

if TYPE_CHECKING:
    from crm_bridge.embedded.crm import EmbeddedCrm

MAX_VALUE: Final = 4000
"Characters of a field."
MAX_NOTE: Final = 20_000
_COLUMN_LIMITS: Final = {"name": 200, "company": 200, "role": 80, "tier": 16, "category": 40}
POINT_LABELS: Final = {"phone": "电话", "qq": "QQ", "wechat": "微信", "email": "邮箱"}
"What contact points other than labelled phones are called."


def save_fields(
    crm: EmbeddedCrm,
    connection: sa.Connection,
    party_id: int,
    values: Mapping[str, str],
    version: int,
    by: str,
    now: float,
) -> Profile:
    """Change some fields of a party and its company; see `Crm.save_fields`."""
    current = crm.read_profile(connection, party_id)
    if current.party.version != version:
        raise Conflict(current)
    held = current.party.category
    specs = {spec.key: spec for spec in crm.catalogue(connection).form(values.get("category", held), held)}
    clean = _checked(values, specs, partial=True)
    if current.party.kind == "company":
        clean.pop("company", None)
    if not clean:
        return current
    changes: dict[str, Any] = {}
    own_attrs: dict[str, str] = {}
    company_attrs: dict[str, str] = {}
    company_id = None if current.party.company_id is None else int(current.party.company_id)
    grows = 1
    for key, value in clean.items():
        spec = specs[key]
        if key == "company":
            linked = _company(connection, value, current.party.category, by, now) if value else None
            if linked != company_id:
                # The new company's counter may stand lower: the sum must still grow.
                grows += _version(connection, company_id)
                changes["company_id"] = linked
        elif spec.scope == "column":
            changes[key] = value or None
        elif spec.scope == "contact":
            _set_point(connection, party_id, key, value, crm.site)
        elif spec.scope == "company" and company_id is not None:
            company_attrs[key] = value
        else:
            own_attrs[key] = value
    _update(connection, party_id, changes, own_attrs, by, now, grows)
    if company_attrs and company_id is not None:
        _update(connection, company_id, {}, company_attrs, by, now)
    return crm.read_profile(connection, party_id)


def create_party(
    crm: EmbeddedCrm,
    connection: sa.Connection,
    values: Mapping[str, str],
    number: str | None,
    by: str,
    now: float,
) -> Profile:
    """A new person, and its company where that is not known; see `Crm.create_party`."""
    known = crm.catalogue(connection)
    category = values.get("category", "")
    specs = {spec.key: spec for spec in known.form(category)}
    clean = _checked(values, specs, partial=False, held=_held(connection, values.get("company", "").strip()))
    company = clean.pop("company", "")
    company_id = _company(connection, company, category, by, now) if company else None
    attrs = {key: value for key, value in clean.items() if specs[key].scope in ("person", "company") and value}
    of_company = {key: attrs.pop(key) for key in list(attrs) if specs[key].scope == "company" and company_id}
    party_id = insert_party(
        connection,
        kind="person",
        name=clean["name"],
        category=category,
        by=by,
        now=now,
        company_id=company_id,
        role=clean.get("role") or None,
        tier=clean.get("tier") or None,
        attrs=attrs,
        last_contact=now,
    )
    if of_company and company_id is not None:
        _update(connection, company_id, {}, of_company, by, now)
    caller = canonical(number, crm.site)
    if caller.key is not None:
        add_phone(connection, party_id, caller, label_of(caller))
    for key in POINT_LABELS:
        if clean.get(key):
            _set_point(connection, party_id, key, clean[key], crm.site)
    return crm.read_profile(connection, party_id)


def add_note(
    connection: sa.Connection,
    party_id: int,
    text: str,
    by: str,
    call_id: str | None,
    at: float,
    site: Site,
) -> Note:
    """A remark; the same call, author and text give the same row. Numbers in the text become hints."""
    plain = sql.clean(text.strip(), MAX_NOTE)
    if not plain:
        raise Invalid((InvalidField(key="text", text="备注是空的", text_en="The note is empty"),))
    account = account_of(connection, party_id)
    # Without a call two equal remarks at different times are two.
    identity = f"{party_id}\n{call_id or at!r}\n{by}\n{plain}"
    note_id = hashlib.sha256(identity.encode()).hexdigest()[:32]
    same = sa.select(tables.note).where(tables.note.c.account_id == account, tables.note.c.id == note_id)
    old = connection.execute(same).first()
    if old is not None:
        return Note(id=old.id, at=old.at, by=old.by, text=old.text)
    connection.execute(
        sa.insert(tables.note),
        {
            "account_id": account,
            "at": at,
            "id": note_id,
            "party_id": party_id,
            "by": sql.clean(by, 80),
            "text": plain,
            "call_id": call_id,
        },
    )
    for number in numbers_in(plain, site):
        hint(connection, party_id, number, "备注", at)
    touch(connection, party_id, at)
    return Note(id=note_id, at=at, by=by, text=plain)


def add_business(
    connection: sa.Connection, party_id: int, values: Mapping[str, str], by: str, now: float, zone: tzinfo
) -> BusinessRecord:
    """A business record of what an agent typed; see `Crm.add_business`."""
    problems: list[InvalidField] = []
    record: dict[str, Any] = {}
    for key, entered in values.items():
        if key not in typed.BUSINESS:
            problems.append(InvalidField(key=key, text="没有这一项", text_en="There is no such field"))
            continue
        value = sql.clean(str(entered).strip(), MAX_VALUE)
        try:
            record[key] = typed.BUSINESS[key](value, zone)
        except ValueError:
            kind, kind_en = typed.WORDS[typed.BUSINESS[key]]
            problems.append(InvalidField(key=key, text=f"应是{kind}", text_en=f"Must be {kind_en}"))
    if not problems and not any(value not in ("", None) for value in record.values()):
        problems.append(InvalidField(key="pol", text="至少填一项", text_en="At least one field must be filled"))
    if problems:
        raise Invalid(tuple(problems))
    record = {key: value for key, value in record.items() if value is not None and value != ""}
    made = BusinessRecord(id=uuid.uuid4().hex, at=now, by=by, **record)
    account = account_of(connection, party_id)
    row = {name: getattr(made, name) for name in made.__struct_fields__}
    connection.execute(sa.insert(tables.business), {**row, **lane_of(made), "account_id": account})
    touch(connection, party_id, now)
    return made


def learn(connection: sa.Connection, key: str, party_id: int, by: str, now: float) -> None:
    """Count an agent's choice of this party for this number."""
    account_of(connection, party_id)
    updated = connection.execute(
        sa.update(tables.learned)
        .where(tables.learned.c.key == key, tables.learned.c.party_id == party_id)
        .values(by=by, at=now, times=tables.learned.c.times + 1)
    )
    if not updated.rowcount:
        connection.execute(
            sa.insert(tables.learned), {"key": key, "party_id": party_id, "by": by, "at": now, "times": 1}
        )


# Pieces, also for filling a CRM in bulk


def account_of(connection: sa.Connection, party_id: int) -> int:
    """The company of a party, or itself; raises NotFound."""
    found = connection.execute(sa.select(rows.account), {"id": party_id}).scalar()
    if found is None:
        raise NotFound
    return int(found)


def lane_of(record: BusinessRecord) -> dict[str, str]:
    """The columns by which a lane's deals are found, however its ports are written."""
    return {"pol_key": lane_key(record.pol), "pod_key": lane_key(record.pod)}


def touch(connection: sa.Connection, party_id: int, at: float) -> None:
    """Note a contact with a party; the last one counts."""
    connection.execute(
        sa.update(tables.party)
        .where(
            tables.party.c.id == party_id,
            tables.party.c.last_contact.is_(None) | (tables.party.c.last_contact < at),
        )
        .values(last_contact=at)
    )


def label_of(number: Number) -> str:
    """What a number of this class is usually called."""
    return "手机" if number.cls == "mobile" else "办公" if number.cls == "landline" else "电话"


def add_phone(connection: sa.Connection, party_id: int, number: Number, label: str, position: int = 0) -> None:
    """Register a number of a party: as a contact point, as typed, and in the index."""
    connection.execute(
        sa.insert(tables.contact_point),
        {
            "party_id": party_id,
            "kind": "phone",
            "value": sql.clean(number.raw, 200),
            "label": label,
            "position": position,
        },
    )
    _index(connection, party_id, number, "derived" if number.confidence == "derived" else "exact", label, None)


def hint(connection: sa.Connection, party_id: int, number: Number, where: str, at: float) -> None:
    """Remember that a text about a party held this number, unless it is registered anyway."""
    registered = sa.select(tables.phone.c.key).where(
        tables.phone.c.key == number.key, tables.phone.c.party_id == party_id, tables.phone.c.level != "text"
    )
    if not connection.execute(registered.limit(1)).first():
        _index(connection, party_id, number, "text", where, at)


def _index(
    connection: sa.Connection, party_id: int, number: Number, level: str, label: str, seen_at: float | None
) -> None:
    row = {
        "key": number.key,
        "party_id": party_id,
        "ext": number.ext or "",
        "level": level,
        "label": label,
        "seen_at": seen_at,
    }
    sql.upsert(connection, tables.phone, [row])


def _set_point(connection: sa.Connection, party_id: int, kind: str, value: str, site: Site) -> None:
    if kind == "phone":
        for number in canonical_all(value, site):
            held = sa.select(tables.phone.c.key).where(
                tables.phone.c.key == number.key,
                tables.phone.c.party_id == party_id,
                tables.phone.c.ext == (number.ext or ""),
                tables.phone.c.level != "text",
            )
            if not connection.execute(held).first():
                add_phone(connection, party_id, number, label_of(number), position=9)
        return
    points = tables.contact_point
    connection.execute(sa.delete(points).where(points.c.party_id == party_id, points.c.kind == kind))
    if value:
        connection.execute(
            sa.insert(points),
            {
                "party_id": party_id,
                "kind": kind,
                "value": sql.clean(value, 200),
                "label": POINT_LABELS[kind],
                "position": 5,
            },
        )


def _company(connection: sa.Connection, name: str, category: str, by: str, now: float) -> int:
    """The company of exactly this name, made where there is none."""
    same = sa.select(tables.party.c.id).where(tables.party.c.name == name, tables.party.c.kind == "company")
    found = connection.execute(same.order_by(tables.party.c.id).limit(1)).scalar()
    if found is not None:
        return int(found)
    return insert_party(connection, kind="company", name=name, category=category, by=by, now=now)


def insert_party(
    connection: sa.Connection, *, kind: str, name: str, category: str, by: str, now: float, **rest: Any
) -> int:
    """A new row of crm_party; `rest` are further columns."""
    row = {
        "kind": kind,
        "name": name,
        "category": category,
        "tags": [],
        "attrs": {},
        "version": 1,
        "created_at": now,
        "created_by": sql.clean(by, 80),
        "updated_at": now,
        "updated_by": sql.clean(by, 80),
        **rest,
    }
    inserted = connection.execute(sa.insert(tables.party).values(row)).inserted_primary_key
    assert inserted is not None  # noqa: S101 - an autoincrement key was just made
    return int(inserted[0])


def _version(connection: sa.Connection, party_id: int | None) -> int:
    if party_id is None:
        return 0
    return int(connection.execute(sa.select(tables.party.c.version).where(tables.party.c.id == party_id)).scalar_one())


def _update(
    connection: sa.Connection,
    party_id: int,
    changes: dict[str, Any],
    attrs: dict[str, str],
    by: str,
    now: float,
    grows: int = 1,
) -> None:
    if attrs:
        old = connection.execute(sa.select(tables.party.c.attrs).where(tables.party.c.id == party_id)).scalar_one()
        changes["attrs"] = {key: value for key, value in {**old, **attrs}.items() if value != ""}
    connection.execute(
        sa.update(tables.party)
        .where(tables.party.c.id == party_id)
        .values(**changes, version=tables.party.c.version + grows, updated_at=now, updated_by=sql.clean(by, 80))
    )


def _held(connection: sa.Connection, company: str) -> frozenset[str]:
    """Fields that the company of this name has filled: nobody must fill them again."""
    same = sa.select(tables.party.c.attrs).where(tables.party.c.name == company, tables.party.c.kind == "company")
    found = connection.execute(same.order_by(tables.party.c.id).limit(1)).scalar() if company else None
    return frozenset(found or ())


def _checked(
    values: Mapping[str, str], specs: Mapping[str, FieldSpec], *, partial: bool, held: frozenset[str] = frozenset()
) -> dict[str, str]:
    """Values as they will be stored; raises Invalid with everything that is wrong. `held` need not be given."""
    problems: list[InvalidField] = []
    clean: dict[str, str] = {}
    for key, entered in values.items():
        spec = specs.get(key)
        if spec is None or spec.readonly:
            problems.append(InvalidField(key=key, text="没有这一项", text_en="There is no such field"))
            continue
        value = sql.clean(str(entered).strip(), _COLUMN_LIMITS.get(key, MAX_VALUE))
        if wrong := typed.wrong(value, spec):
            problems.append(InvalidField(key=key, text=wrong[0], text_en=wrong[1]))
        clean[key] = value
    for key, spec in specs.items():
        needed = key in clean or not (partial or key in held)
        if spec.required and needed and not clean.get(key):
            problems.append(InvalidField(key=key, text=f"{spec.label}必须填写", text_en=f"{spec.label_en} must be set"))
    if problems:
        raise Invalid(tuple(problems))
    return clean
