"""The mapping file: whose database, which rows are customers, where their numbers and history stand.

TOML, read strictly: an unknown key is an error. `preset = "suitecrm"` takes a file of `presets/` as the ground; what
the site's own file says goes over it, entities by their name and sections by their kind. SQL in it is the site's own
and is sent as it stands: values go in as bound parameters only, so anything that looks like string formatting, a
second statement or another verb than SELECT is refused.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping as Dict
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from crm_bridge.model import FieldKind, PartyKind

PRESETS: Final = Path(__file__).parent / "presets"
SectionKind = Literal["business", "quotes", "chats", "notes"]


class MappingError(Exception):
    """The mapping cannot be used; `text` and `text_en` say why, with the place."""

    def __init__(self, text: str, text_en: str) -> None:
        super().__init__(text_en)
        self.text = text
        self.text_en = text_en


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class SourceSpec(_Strict, frozen=True, kw_only=True):
    """[source]: the database, or a spreadsheet that is read like one."""

    name: str
    "Short and lasting: rows are remembered under it."
    label: str = ""
    "What people call that CRM; the name where nothing is said."
    url: str = ""
    "SQLAlchemy URL; use an account that may only read."
    url_file: str = ""
    "File that holds the URL, relative to the mapping."
    file: str = ""
    "A .csv or .xlsx instead of a database, relative to the mapping."
    sheet: str = ""
    "Sheet of the .xlsx; the first where nothing is said."
    charset: str = ""
    "How bytes become text where the database does not say or says it wrongly, such as gbk."
    timezone: str = "Asia/Shanghai"
    "Of times without a zone."
    pool: int = 3
    connect_timeout: float = 2.0
    "Seconds."
    lookup_timeout: float = 0.3
    "Seconds for the question asked while a phone rings."
    section_timeout: float = 1.8
    bulk_timeout: float = 60.0
    "Seconds for one page of the sync."

    def __repr__(self) -> str:
        """Without the URL, which may hold a password."""
        return f"SourceSpec(name={self.name!r})"


class SyncSpec(_Strict, frozen=True, kw_only=True):
    """[sync]: how the phone index is kept current."""

    every: float = 60.0
    "Seconds between two readings of what changed."
    full_every: float = 86_400.0
    "Seconds between two comparisons of everything, which find deleted rows and those without a change mark."
    overlap: float = 900.0
    "Seconds that every reading goes back: rows committed late, or by a server whose clock is behind."
    page: int = 500
    "Rows a statement."
    pause: float = 0.02
    "Seconds between two pages of a comparison of everything, to spare their server."


class PhoneSpec(_Strict, frozen=True, kw_only=True):
    """A column with a number, or several in one cell."""

    column: str
    label: str = "电话"
    area: str = ""
    "Area code of numbers written without one."


class RelatedPhones(_Strict, frozen=True, kw_only=True):
    """Numbers in a table of their own."""

    sql: str
    "Gives id, number and, if it likes, label, for `:ids`."
    find: str = ""
    "Gives the id of rows that have one of `:numbers`, for the question while a phone rings."
    labels: Dict[str, str] = msgspec.field(default_factory=dict)


class Pivot(_Strict, frozen=True, kw_only=True):
    """Custom fields kept as rows (EAV)."""

    sql: str
    "Gives id, key and value for `:ids`."
    fields: Dict[str, str] = msgspec.field(default_factory=dict)
    "{their key: one of our fields, or phone}."


class ValueMap(_Strict, frozen=True, kw_only=True):
    """A column whose values become ours."""

    column: str = ""
    values: Dict[str, str] = msgspec.field(default_factory=dict)
    default: str = ""


class Deleted(_Strict, frozen=True, kw_only=True):
    """A column that tells which rows are in the bin."""

    column: str
    values: tuple[str, ...] = ("1",)


class Company(_Strict, frozen=True, kw_only=True):
    """The company of a person."""

    entity: str
    column: str


class Entity(_Strict, frozen=True, kw_only=True):
    """[[entities]]: rows that are customers."""

    name: str
    kind: PartyKind
    table: str = ""
    "Or `sql`."
    sql: str = ""
    id: str = "id"
    changed: str = ""
    "Column that grows with every change: a time or a counter. '': everything is compared instead."
    deleted: Deleted | None = None
    title: tuple[str, ...]
    "Columns of the name in Western order; a Chinese one is put together family name first."
    company: Company | None = None
    category: ValueMap = msgspec.field(default_factory=lambda: ValueMap(default="customer"))
    tier: ValueMap | None = None
    columns: Dict[str, str] = msgspec.field(default_factory=dict)
    "{role, owner, owner_name, tags, last_contact: column}."
    fields: Dict[str, str] = msgspec.field(default_factory=dict)
    "{key of our field, or qq, wechat, email: column}."
    phones: tuple[PhoneSpec, ...] = ()
    related_phones: tuple[RelatedPhones, ...] = ()
    pivots: tuple[Pivot, ...] = ()
    texts: tuple[str, ...] = ()
    "Columns of free text: numbers found there are hints."


class SectionSpec(_Strict, frozen=True, kw_only=True):
    """[[sections]]: history of a customer; the columns are named like our fields."""

    kind: SectionKind
    sql: str
    entities: tuple[str, ...] = ()
    "Of which entities; empty: of all."
    values: Dict[str, Dict[str, str]] = msgspec.field(default_factory=dict)
    "{our field: {their value: ours}}."


class DealsSpec(_Strict, frozen=True, kw_only=True):
    """[deals]: all closed deals, for prices of lanes."""

    sql: str
    """A SELECT with `:since` (or `:since_epoch`) and `:limit`; columns `at pol pod container currency price floor_price
    supplier cargo`, and `company_id`, the customer's key."""


class ExtraField(_Strict, frozen=True, kw_only=True):
    """[[fields]]: a field of ours that the site's CRM has and we do not."""

    key: str
    label: str
    label_en: str
    kind: FieldKind = "text"
    show_in_pop: bool = True
    pii: bool = False
    scope: Literal["company", "person"] = "person"


class Mapping(_Strict, frozen=True, kw_only=True):
    """A whole mapping file, its preset included."""

    preset: str = ""
    source: SourceSpec
    sync: SyncSpec = msgspec.field(default_factory=SyncSpec)
    entities: tuple[Entity, ...]
    sections: tuple[SectionSpec, ...] = ()
    deals: DealsSpec | None = None
    fields: tuple[ExtraField, ...] = ()
    writeback: Dict[str, Any] = msgspec.field(default_factory=dict)
    "Handed on as it stands to who writes back."

    @staticmethod
    def load(path: str | Path) -> Mapping:
        """Read and check a file. Raises MappingError."""
        file = Path(path)
        return parse(_read(file), file.parent)

    def entity(self, name: str) -> Entity:
        """The entity of that name; raises KeyError."""
        for entity in self.entities:
            if entity.name == name:
                return entity
        raise KeyError(name)

    @property
    def zone(self) -> ZoneInfo:
        """Of times that carry none."""
        return ZoneInfo(self.source.timezone)


def parse(tree: dict[str, Any], folder: Path) -> Mapping:
    """A mapping of what a file holds; `folder` is where the files it names are looked for. Raises MappingError."""
    merged = _on_preset(tree)
    _files(merged, folder)
    try:
        mapping = msgspec.convert(merged, Mapping)
    except msgspec.ValidationError as error:
        raise MappingError(f"映射文件有误：{error}", f"The mapping is wrong: {error}") from None
    _check(mapping)
    return mapping


def presets() -> list[str]:
    """Names of the presets."""
    return sorted(file.stem for file in PRESETS.glob("*.toml"))


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise MappingError(
            f"读不了映射文件：{error.strerror}", f"The mapping cannot be read: {error.strerror}"
        ) from None
    except UnicodeDecodeError:
        raise MappingError("映射文件不是 UTF-8 编码", "The mapping is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"映射文件 TOML 语法错误：{error}", f"TOML syntax: {error}") from None


def _on_preset(tree: dict[str, Any]) -> dict[str, Any]:
    name = tree.get("preset", "")
    if not name:
        return dict(tree)
    if name not in presets():
        known = "、".join(presets())
        raise MappingError(
            f"没有这个预设，可用的有：{known}", f"There is no such preset; there are: {', '.join(presets())}"
        )
    ground = _read(PRESETS / f"{name}.toml")
    merged = {**ground, **tree}
    for table in ("source", "sync", "writeback"):
        if isinstance(ground.get(table), dict) and isinstance(tree.get(table), dict):
            merged[table] = {**ground[table], **tree[table]}
    merged["entities"] = _over(ground.get("entities", []), tree.get("entities", []), "name")
    kinds = {section.get("kind") for section in tree.get("sections", []) if isinstance(section, dict)}
    kept = [section for section in ground.get("sections", []) if section.get("kind") not in kinds]
    merged["sections"] = [*kept, *tree.get("sections", [])]
    merged["fields"] = _over(ground.get("fields", []), tree.get("fields", []), "key")
    return merged


def _over(ground: list[dict[str, Any]], own: Any, key: str) -> list[Any]:
    """The preset's tables with the site's keys over those of the same name, then the site's further ones."""
    if not isinstance(own, list) or not all(isinstance(one, dict) for one in own):
        return [own]
    mine = {one.get(key): one for one in own}
    merged = [{**one, **mine.pop(one[key], {})} for one in ground]
    return [*merged, *mine.values()]


def _files(tree: dict[str, Any], folder: Path) -> None:
    source = tree.get("source")
    if not isinstance(source, dict):
        return
    source = tree["source"] = dict(source)
    if named := source.get("url_file"):
        try:
            source["url"] = (folder / str(named)).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise MappingError("读不了 source.url_file", "source.url_file cannot be read") from None
    if source.get("file"):
        source["file"] = str(folder / str(source["file"]))


_ALLOWED: Final = {
    "entity": frozenset[str](),
    "ids": frozenset({"ids"}),
    "find": frozenset({"numbers"}),
    "section": frozenset({"party_id", "company_id", "entity", "limit"}),
    "deals": frozenset({"since", "since_epoch", "limit"}),
}
_BIND: Final = re.compile(r"(?<![:\w\\]):(\w+)")
_FORMATTING: Final = re.compile(r"%\(|%s|\{|\}|\?|\$\d|\$\{")
COLUMNS: Final = frozenset({"role", "owner", "owner_name", "tags", "last_contact"})


def _check(mapping: Mapping) -> None:
    source = mapping.source
    if bool(source.url) == bool(source.file):
        _refuse("source", "url 和 file 要写一个，且只能写一个", "one of url and file must stand, and only one")
    try:
        ZoneInfo(source.timezone)
    except (ValueError, OSError, KeyError):
        _refuse("source.timezone", "不认识的时区", "unknown time zone")
    try:
        b"".decode(source.charset or "utf-8")
    except LookupError:
        _refuse("source.charset", "不认识的字符集", "unknown character set")
    names = [entity.name for entity in mapping.entities]
    if not names or len(set(names)) != len(names):
        _refuse("entities", "至少要有一个，名字不能重复", "at least one is needed, and no name twice")
    for entity in mapping.entities:
        where = f"entities.{entity.name}"
        if bool(entity.table) == bool(entity.sql):
            _refuse(where, "table 和 sql 要写一个，且只能写一个", "one of table and sql must stand, and only one")
        if entity.company is not None and entity.company.entity not in names:
            _refuse(f"{where}.company", "没有这个 entity", "there is no such entity")
        if unknown := set(entity.columns) - COLUMNS:
            _refuse(f"{where}.columns", f"不认识：{min(unknown)}", f"unknown: {min(unknown)}")
        check_sql(entity.sql, "entity", where)
        for pivot in entity.pivots:
            check_sql(pivot.sql, "ids", f"{where}.pivots")
        for related in entity.related_phones:
            check_sql(related.sql, "ids", f"{where}.related_phones")
            check_sql(related.find, "find", f"{where}.related_phones.find")
    if mapping.deals is not None:
        check_sql(mapping.deals.sql, "deals", "deals")
    for section in mapping.sections:
        check_sql(section.sql, "section", f"sections.{section.kind}")
        if unknown := set(section.entities) - set(names):
            _refuse(f"sections.{section.kind}", f"没有这个 entity：{min(unknown)}", f"no such entity: {min(unknown)}")


def check_sql(sql: str, use: str, where: str) -> None:
    """Refuse what is not one SELECT with named parameters of its use. Raises MappingError."""
    if not sql:
        return
    bare = re.sub(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", "", sql, flags=re.DOTALL)
    if not re.match(r"\s*(SELECT|WITH)\b", bare, re.IGNORECASE):
        _refuse(where, "只能是一条 SELECT", "must be a SELECT")
    if ";" in bare.strip().rstrip(";"):
        _refuse(where, "只能有一条语句", "must be one statement")
    if _FORMATTING.search(bare):
        _refuse(where, "不许拼接字符串，参数写成 :party_id", "no string formatting: parameters are written :party_id")
    if unknown := set(_BIND.findall(bare)) - _ALLOWED[use]:
        known = ", ".join(f":{name}" for name in sorted(_ALLOWED[use])) or "-"
        _refuse(where, f"没有参数 :{min(unknown)}，可用 {known}", f"no parameter :{min(unknown)}; there are {known}")


def _refuse(where: str, text: str, text_en: str) -> None:
    raise MappingError(f"{where}：{text}", f"{where}: {text_en}")
