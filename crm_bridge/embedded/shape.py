"""Changing categories and fields without code: checked, counted by version, nothing ever thrown away.

A category or field that is no longer wanted is retired: it leaves forms and pops, values already stored stay, and it
can come back. Every change is a row of `crm_catalogue_change`, whose number is the catalogue's version.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Literal, get_args

import msgspec
import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.embedded import tables
from crm_bridge.embedded.catalogue import HEAD_KEYS
from crm_bridge.model import Category, CrmError, FieldKind, Invalid, InvalidField, Option

Scope = Literal["company", "person"]
Action = Literal["add", "change", "retire", "restore"]
MOST_CATEGORIES: Final = 60
MOST_FIELDS: Final = 120
"Of one category."
MOST_OPTIONS: Final = 100
_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


class CatalogueChanged(CrmError):
    """Somebody changed the catalogue first: `version` is how it stands now. Nothing was overwritten."""

    def __init__(self, version: int) -> None:
        super().__init__(
            "分类和字段刚被别人改过", text_en="Categories and fields were just changed by somebody", permanent=True
        )
        self.version = version


class FieldRule(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a category as whoever edits the catalogue sees it."""

    category: str
    "Key of its category, * for every one."
    key: str
    scope: Scope
    "Whether the company or the person holds the value."
    label: str
    label_en: str
    kind: FieldKind
    required: bool = False
    show_in_pop: bool = True
    pii: bool = False
    options: tuple[Option, ...] = ()
    position: int = 0
    retired: bool = False


class CategoryRule(Category, frozen=True, kw_only=True):
    """A category as whoever edits the catalogue sees it."""

    position: int = 0
    retired: bool = False


class CatalogueView(msgspec.Struct, frozen=True, kw_only=True):
    """The whole catalogue, retired parts too."""

    version: int
    "Number of the last change; a change carries the one it was made from."
    categories: tuple[CategoryRule, ...]
    fields: tuple[FieldRule, ...]


class CatalogueChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change of the catalogue."""

    version: int
    at: float
    by: str
    action: Action
    category: str
    field: str
    "'' where the category itself was changed."
    before: dict[str, Any]
    after: dict[str, Any]


class Shaping(ABC):
    """What `EmbeddedCrm` can do to its catalogue. Every method raises CrmError; Invalid tells all that is wrong.

    `version` is the catalogue's as the editor saw it: where it is given and no longer current, CatalogueChanged is
    raised. `None` changes whatever stands.
    """

    _clock: Callable[[], float]

    @abstractmethod
    def _read(self) -> AbstractContextManager[sa.Connection]:
        """One consistent view. Raises CrmError."""

    @abstractmethod
    def _write(self) -> AbstractContextManager[sa.Connection]:
        """One transaction. Raises CrmError."""

    @abstractmethod
    def _forget_catalogue(self) -> None:
        """It has changed: read it anew."""

    def catalogue_view(self) -> CatalogueView:
        """Categories and fields with everything an editor needs."""
        with self._read() as connection:
            return _view(connection)

    def catalogue_changes(self, limit: int = 100) -> list[CatalogueChange]:
        """Who changed what, newest first."""
        query = sa.select(tables.catalogue_change).order_by(tables.catalogue_change.c.version.desc())
        with self._read() as connection:
            found = connection.execute(query.limit(max(1, min(limit, 1000))))
            return [CatalogueChange(**row._asdict()) for row in found]

    def add_category(
        self, key: str, label: str, label_en: str, by: str, *, position: int | None = None, version: int | None = None
    ) -> CatalogueView:
        """A new category, last of all unless `position` says otherwise; fields of * are its at once."""

        def change(connection: sa.Connection, view: CatalogueView) -> None:
            problems = [*_bad_key(key), *_bad_labels(label, label_en)]
            if any(known.key == key for known in view.categories):
                problems.append(
                    _problem("key", "已有这个分类（或已停用）", "There is such a category (perhaps retired)")
                )
            if len(view.categories) >= MOST_CATEGORIES:
                problems.append(_problem("key", "分类太多", "Too many categories"))
            _refuse(problems)
            last = max((known.position for known in view.categories), default=-1) + 1
            row = {
                "key": key,
                "label": _label(label),
                "label_en": _label(label_en),
                "position": last if position is None else position,
                "retired": False,
            }
            connection.execute(sa.insert(tables.category), row)
            _log(connection, self._clock(), by, "add", key, "", {}, row)

        return self._changed(change, version)

    def change_category(
        self,
        key: str,
        by: str,
        *,
        label: str | None = None,
        label_en: str | None = None,
        position: int | None = None,
        version: int | None = None,
    ) -> CatalogueView:
        """Other labels or another place; the key stays, for parties hold it."""
        values = _given(label=label, label_en=label_en, position=position)

        def change(connection: sa.Connection, view: CatalogueView) -> None:
            old = _category(view, key)
            _refuse(_bad_labels(label if label is not None else old.label, label_en or old.label_en))
            self._set(connection, "change", by, key, "", old, values)

        return self._changed(change, version)

    def retire_category(self, key: str, by: str, *, version: int | None = None) -> CatalogueView:
        """No new party gets it; those that have it keep it, with its fields."""
        return self._changed(
            lambda c, v: self._set(c, "retire", by, key, "", _category(v, key), {"retired": True}), version
        )

    def restore_category(self, key: str, by: str, *, version: int | None = None) -> CatalogueView:
        """A retired category is as it was."""
        return self._changed(
            lambda c, v: self._set(c, "restore", by, key, "", _category(v, key), {"retired": False}), version
        )

    def add_field(
        self,
        category: str,
        key: str,
        label: str,
        label_en: str,
        by: str,
        *,
        kind: FieldKind = "text",
        scope: Scope = "company",
        required: bool = False,
        show_in_pop: bool = True,
        pii: bool = False,
        options: Sequence[Option] = (),
        position: int | None = None,
        version: int | None = None,
    ) -> CatalogueView:
        """A new field of a category, or of every one (*): in forms and profiles from now on."""

        def change(connection: sa.Connection, view: CatalogueView) -> None:
            problems = [*_bad_key(key), *_bad_labels(label, label_en), *_bad_kind(kind, scope, options)]
            if category != "*" and not any(known.key == category for known in view.categories):
                problems.append(_problem("category", "没有这个分类", "There is no such category"))
            # A form holds a category's own fields and those of every one: their keys must differ.
            others = [
                f for f in view.fields if f.key == key and ("*" in (f.category, category) or f.category == category)
            ]
            if others:
                problems.append(_problem("key", "已有这个字段（或已停用）", "There is such a field (perhaps retired)"))
            if sum(f.category == category for f in view.fields) >= MOST_FIELDS:
                problems.append(_problem("key", "字段太多", "Too many fields"))
            _refuse(problems)
            last = max((known.position for known in view.fields), default=-1) + 1
            row = {
                "category": category,
                "key": key,
                "scope": scope,
                "label": _label(label),
                "label_en": _label(label_en),
                "kind": kind,
                "required": required,
                "show_in_pop": show_in_pop,
                "pii": pii,
                "options": _options(options),
                "position": last if position is None else position,
                "retired": False,
            }
            connection.execute(sa.insert(tables.field), row)
            _log(connection, self._clock(), by, "add", category, key, {}, row)

        return self._changed(change, version)

    def change_field(
        self,
        category: str,
        key: str,
        by: str,
        *,
        label: str | None = None,
        label_en: str | None = None,
        required: bool | None = None,
        show_in_pop: bool | None = None,
        pii: bool | None = None,
        options: Sequence[Option] | None = None,
        position: int | None = None,
        version: int | None = None,
    ) -> CatalogueView:
        """Anything but key, kind and scope, for values are stored by those."""
        values = _given(
            label=label, label_en=label_en, required=required, show_in_pop=show_in_pop, pii=pii, position=position
        )

        def change(connection: sa.Connection, view: CatalogueView) -> None:
            old = _field(view, category, key)
            problems = _bad_labels(label if label is not None else old.label, label_en or old.label_en)
            if options is not None:
                problems += _bad_kind(old.kind, old.scope, options)
                values["options"] = _options(options)
            _refuse(problems)
            self._set(connection, "change", by, category, key, old, values)

        return self._changed(change, version)

    def retire_field(self, category: str, key: str, by: str, *, version: int | None = None) -> CatalogueView:
        """It leaves forms and profiles; values already stored stay where they are."""
        return self._changed(
            lambda c, v: self._set(c, "retire", by, category, key, _field(v, category, key), {"retired": True}), version
        )

    def restore_field(self, category: str, key: str, by: str, *, version: int | None = None) -> CatalogueView:
        """A retired field is as it was, with its values."""
        return self._changed(
            lambda c, v: self._set(c, "restore", by, category, key, _field(v, category, key), {"retired": False}),
            version,
        )

    def _changed(self, change: Callable[[sa.Connection, CatalogueView], None], version: int | None) -> CatalogueView:
        with self._write() as connection:
            view = _view(connection)
            if version is not None and version != view.version:
                raise CatalogueChanged(view.version)
            change(connection, view)
            after = _view(connection)
        self._forget_catalogue()
        return after

    def _set(
        self,
        connection: sa.Connection,
        action: Action,
        by: str,
        category: str,
        key: str,
        old: msgspec.Struct,
        values: dict[str, Any],
    ) -> None:
        """Change a row and write it down; what is so already is no change."""
        stored = msgspec.to_builtins(old)
        if "options" in stored:
            stored["options"] = [[o["value"], o["label"], o["label_en"]] for o in stored["options"]]
        changed = {name: value for name, value in values.items() if stored[name] != value}
        if not changed:
            return
        if key:
            where = (tables.field.c.category == category) & (tables.field.c.key == key)
            connection.execute(sa.update(tables.field).where(where).values(**changed))
        else:
            connection.execute(sa.update(tables.category).where(tables.category.c.key == category).values(**changed))
        before = {name: stored[name] for name in changed}
        _log(connection, self._clock(), by, action, category, key, before, changed)


def _view(connection: sa.Connection) -> CatalogueView:
    categories = connection.execute(
        sa.select(tables.category).order_by(tables.category.c.position, tables.category.c.key)
    )
    fields = connection.execute(sa.select(tables.field).order_by(tables.field.c.position, tables.field.c.key))
    newest = connection.execute(sa.select(sa.func.max(tables.catalogue_change.c.version))).scalar()
    return CatalogueView(
        version=int(newest or 0),
        categories=tuple(CategoryRule(**row._asdict()) for row in categories),
        fields=tuple(
            FieldRule(
                **{
                    **row._asdict(),
                    "options": tuple(Option(value=v, label=zh, label_en=en) for v, zh, en in row.options),
                }
            )
            for row in fields
        ),
    )


def _log(
    connection: sa.Connection,
    at: float,
    by: str,
    action: Action,
    category: str,
    key: str,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    row = {
        "at": at,
        "by": sql.clean(by, 80),
        "action": action,
        "category": category,
        "field": key,
        "before": before,
        "after": after,
    }
    connection.execute(sa.insert(tables.catalogue_change), row)


def _category(view: CatalogueView, key: str) -> CategoryRule:
    for known in view.categories:
        if known.key == key:
            return known
    raise Invalid((_problem("category", "没有这个分类", "There is no such category"),))


def _field(view: CatalogueView, category: str, key: str) -> FieldRule:
    for known in view.fields:
        if (known.category, known.key) == (category, key):
            return known
    raise Invalid((_problem("key", "没有这个字段", "There is no such field"),))


def _given(**values: Any) -> dict[str, Any]:
    return {
        name: _label(value) if name.startswith("label") else value
        for name, value in values.items()
        if value is not None
    }


def _label(text: str) -> str:
    return " ".join(sql.clean(text, 200).split())[:80]


def _options(options: Sequence[Option]) -> list[list[str]]:
    return [[option.value, _label(option.label), _label(option.label_en)] for option in options]


def _problem(key: str, text: str, text_en: str) -> InvalidField:
    return InvalidField(key=key, text=text, text_en=text_en)


def _refuse(problems: Sequence[InvalidField]) -> None:
    if problems:
        raise Invalid(tuple(problems))


def _bad_key(key: str) -> list[InvalidField]:
    if not _KEY.fullmatch(key):
        wanted = "小写字母开头，只用小写字母、数字和下划线，最多 40 个"
        return [_problem("key", wanted, "A small letter, then at most 39 small letters, digits and underscores")]
    if key in HEAD_KEYS:
        return [_problem("key", "这个名字系统已在用", "This key is the program's own")]
    return []


def _bad_labels(label: str, label_en: str) -> list[InvalidField]:
    problems: list[InvalidField] = []
    if not _label(label):
        problems.append(_problem("label", "中文名称必须填写", "The Chinese label must be set"))
    if not _label(label_en):
        problems.append(_problem("label_en", "英文名称必须填写", "The English label must be set"))
    return problems


def _bad_kind(kind: str, scope: str, options: Sequence[Option]) -> list[InvalidField]:
    problems: list[InvalidField] = []
    if kind not in get_args(FieldKind):
        problems.append(_problem("kind", "没有这种字段", "There is no such kind"))
    if scope not in get_args(Scope):
        problems.append(_problem("scope", "应是公司或个人", "Must be company or person"))
    values = [option.value for option in options]
    if kind == "choice" and not 1 <= len(values) <= MOST_OPTIONS:
        problems.append(
            _problem("options", f"选项应有 1 到 {MOST_OPTIONS} 个", f"There must be 1 to {MOST_OPTIONS} choices")
        )
    if kind != "choice" and values:
        problems.append(_problem("options", "只有选择字段有选项", "Only a choice has options"))
    if len(set(values)) < len(values) or any(not 1 <= len(v) <= 80 or v != v.strip() for v in values):
        problems.append(
            _problem(
                "options", "选项的值要各不相同，1 到 80 个字", "Choices need different values of 1 to 80 characters"
            )
        )
    if any(not _label(option.label) or not _label(option.label_en) for option in options):
        problems.append(_problem("options", "选项要有中英文名称", "Choices need labels in both languages"))
    return problems
