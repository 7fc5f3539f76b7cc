"""Categories and fields as data: what a new site starts with, and reading what it made of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from msgspec import structs

from crm_bridge.embedded import tables
from crm_bridge.model import Category, Field, FieldKind, Option, Party
from crm_bridge.quick import Reads

CATEGORIES: Final = (
    ("sea", "国际海运", "Ocean freight"),
    ("water", "内贸水运", "Domestic water"),
    ("rail", "铁路", "Rail"),
    ("truck", "车队", "Trucking"),
    ("peer", "同行客户", "Co-loader"),
    ("customer", "客户", "Customer"),
    ("staff", "员工", "Staff"),
)
"(key, Chinese, English) of the seven flat categories."

_SHIPPERS = ("sea", "water", "rail", "customer", "peer")
_CARRIERS = ("sea", "water", "rail", "truck")

# key, scope, Chinese, English, kind, shown in the pop, personal, options
_Spec = tuple[str, str, str, str, FieldKind, bool, bool, tuple[tuple[str, str, str], ...]]

_EVERYONE: Final[tuple[_Spec, ...]] = (
    ("preference", "person", "偏好", "Preference", "long", True, False, ()),
    ("character", "person", "性格", "Character", "text", False, True, ()),
    ("birthday", "person", "生日", "Birthday", "date", False, True, ()),
    (
        "language",
        "person",
        "语言",
        "Language",
        "choice",
        False,
        False,
        (("zh", "中文", "Chinese"), ("en", "英文", "English"), ("yue", "粤语", "Cantonese")),
    ),
    ("source", "company", "来源", "Source", "text", False, False, ()),
)
_SHIPPER: Final[tuple[_Spec, ...]] = (
    ("lanes", "company", "常走", "Usual lanes", "text", True, False, ()),
    ("cargo", "company", "货名", "Cargo", "text", True, False, ()),
    (
        "cargo_class",
        "company",
        "货类",
        "Cargo class",
        "choice",
        False,
        False,
        (
            ("general", "普货", "General"),
            ("dangerous", "危险品", "Dangerous"),
            ("reefer", "冷藏", "Reefer"),
            ("battery", "带电", "With battery"),
        ),
    ),
    ("terms", "company", "账期", "Terms", "text", True, False, ()),
    ("overdue", "company", "逾期", "Overdue", "text", True, False, ()),
    ("credit", "company", "额度", "Credit", "text", True, False, ()),
    ("factory", "company", "工厂说明", "Factory", "long", False, False, ()),
)
_CARRIER: Final[tuple[_Spec, ...]] = (
    ("office_region", "company", "办公地区", "Office region", "text", False, False, ()),
    (
        "service_grade",
        "company",
        "服务等级",
        "Service grade",
        "choice",
        False,
        False,
        (("1", "一级", "First"), ("2", "二级", "Second"), ("3", "三级", "Third")),
    ),
)


HEAD_KEYS: Final = frozenset(
    ("id", "name", "company", "role", "category", "tier", "phone", "qq", "wechat", "email", "contacts", "owner", "tags")
)
"Keys that are the program's own: of a party's columns and of contact points."


def defaults() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of crm_category and crm_field for a new site."""
    categories = [
        {"key": key, "label": zh, "label_en": en, "position": place} for place, (key, zh, en) in enumerate(CATEGORIES)
    ]
    fields: list[dict[str, Any]] = []
    for category, specs in (
        *((key, _SHIPPER) for key in _SHIPPERS),
        *((key, _CARRIER) for key in _CARRIERS),
        ("*", _EVERYONE),
    ):
        for spec in specs:
            key, scope, zh, en, kind, show, personal, options = spec
            fields.append(
                {
                    "category": category,
                    "key": key,
                    "scope": scope,
                    "label": zh,
                    "label_en": en,
                    "kind": kind,
                    "required": False,
                    "show_in_pop": show,
                    "pii": personal,
                    "options": [list(option) for option in options],
                    "position": len(fields),
                }
            )
    return categories, fields


class FieldSpec(Field, frozen=True, kw_only=True, gc=False):
    """A field with the place its value is kept."""

    scope: str
    "company, person, or column (of the party itself), or contact (a contact point)."


class Catalogue:
    """All categories and fields at one moment; immutable."""

    def __init__(
        self, categories: list[Category], fields: dict[str, list[FieldSpec]], retired: Collection[str] = ()
    ) -> None:
        self.categories = [category for category in categories if category.key not in retired]
        self._labels = {category.key: category for category in categories}
        options = tuple(Option(value=c.key, label=c.label, label_en=c.label_en) for c in self.categories)
        self._head = (
            FieldSpec(key="name", label="姓名", label_en="Name", value="", required=True, pii=True, scope="column"),
            FieldSpec(key="company", label="公司", label_en="Company", value="", scope="column"),
            FieldSpec(key="role", label="职务", label_en="Role", value="", scope="column"),
            FieldSpec(
                key="category",
                label="分类",
                label_en="Category",
                value="",
                kind="choice",
                required=True,
                options=options,
                scope="column",
            ),
            FieldSpec(key="tier", label="等级", label_en="Tier", value="", scope="column"),
            FieldSpec(key="phone", label="电话", label_en="Phone", value="", pii=True, scope="contact"),
            FieldSpec(key="qq", label="QQ", label_en="QQ", value="", pii=True, scope="contact"),
            FieldSpec(key="wechat", label="微信", label_en="WeChat", value="", pii=True, scope="contact"),
            FieldSpec(key="email", label="邮箱", label_en="E-mail", value="", pii=True, scope="contact"),
        )
        self._fields = fields
        self._shown: dict[str, Shown] = {}

    def label(self, key: str) -> tuple[str, str]:
        """Chinese and English of a category, the key itself for one that was deleted."""
        category = self._labels.get(key)
        return (category.label, category.label_en) if category else (key, key)

    def known(self, category: str) -> bool:
        """Whether a category exists."""
        return category in self._labels

    def form(self, category: str, holds: str | None = None) -> tuple[FieldSpec, ...]:
        """Every field of a category: the party's own columns, contact points, then the site's fields in their order.

        A retired category is a choice only of who `holds` it.
        """
        head: Iterable[FieldSpec] = self._head
        held = self._labels.get(holds or "")
        if held is not None and held not in self.categories:
            more = (Option(value=held.key, label=held.label, label_en=held.label_en),)
            head = [
                structs.replace(spec, options=spec.options + more) if spec.key == "category" else spec for spec in head
            ]
        return (*head, *self._fields.get(category, ()), *self._fields.get("*", ()))

    def fields_of(self, party: Party) -> tuple[FieldSpec, ...]:
        """The site's own fields of a party's category."""
        return (*self._fields.get(party.category, ()), *self._fields.get("*", ()))

    def shown(self, category: str) -> Shown:
        """What a profile of this category shows."""
        found = self._shown.get(category)
        if found is None:
            head = self.form(category, category)[:5]
            specs = (*head, *self._fields.get(category, ()), *self._fields.get("*", ()))
            places: dict[str, dict[str, list[tuple[int, FieldSpec]]]] = {"column": {}, "company": {}, "person": {}}
            for place, spec in enumerate(specs):
                places.setdefault(spec.scope, {}).setdefault(spec.key, []).append((place, spec))
            found = self._shown[category] = Shown(
                blank=tuple(filled(spec, "") for spec in specs),
                columns=tuple((place, spec) for ((place, spec),) in places["column"].values()),
                company=places["company"],
                person=places["person"],
            )
        return found


class Shown(NamedTuple):
    """A profile's fields, in their order, as they are where nothing is known; and where each value goes."""

    blank: tuple[Field, ...]
    columns: tuple[tuple[int, FieldSpec], ...]
    company: dict[str, list[tuple[int, FieldSpec]]]
    person: dict[str, list[tuple[int, FieldSpec]]]


def filled(spec: FieldSpec, value: str) -> Field:
    """A field of a form with its value."""
    return Field(
        key=spec.key,
        label=spec.label,
        label_en=spec.label_en,
        value=value,
        kind=spec.kind,
        required=spec.required,
        show_in_pop=spec.show_in_pop and spec.scope not in ("column", "contact"),
        pii=spec.pii,
        options=spec.options,
        readonly=spec.readonly,
    )


def read(connection: Reads) -> Catalogue:
    """The catalogue as it stands in the database."""
    rows = connection.execute(sa.select(tables.category).order_by(tables.category.c.position)).all()
    categories = [Category(key=row.key, label=row.label, label_en=row.label_en) for row in rows]
    fields: dict[str, list[FieldSpec]] = {}
    live = sa.select(tables.field).where(~tables.field.c.retired).order_by(tables.field.c.position)
    for row in connection.execute(live):
        of_category = fields.setdefault(row.category, [])
        if any(known.key == row.key for known in of_category):
            continue
        of_category.append(
            FieldSpec(
                key=row.key,
                label=row.label,
                label_en=row.label_en,
                value="",
                kind=row.kind,
                required=row.required,
                show_in_pop=row.show_in_pop,
                pii=row.pii,
                options=tuple(Option(value=v, label=zh, label_en=en) for v, zh, en in row.options),
                scope=row.scope,
            )
        )
    return Catalogue(categories, fields, {row.key for row in rows if row.retired})
