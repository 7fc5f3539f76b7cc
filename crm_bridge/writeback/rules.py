"""The `[writeback]` part of a mapping file: for each kind of intent the site's own SQL, or where to call (pure).

Statements hold named parameters only, and values are bound, never pasted. A statement without `:key` is refused, for
then twice would not be harmless.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from crm_bridge.model import CrmError
from crm_bridge.writeback.intents import KINDS, PAYLOADS, TIMES, Kind

COMMON: Final = frozenset(
    ("key", "revision", "kind", "entity", "party_id", "company_entity", "company_id", "after_id", "created_at")
)
"Parameters of every statement."
_NAME: Final = re.compile(r"(?<![:\\\w]):([A-Za-z_]\w*)(?!:)")
_QUOTED: Final = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|--[^\n]*|/\*.*?\*/", re.DOTALL)
_HEADER: Final = re.compile(r"[A-Za-z0-9-]{1,60}")


class RulesError(CrmError):
    """The write-back part of a mapping is wrong; the text tells all that is."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__(
            "；".join(zh for zh, _ in problems), text_en="; ".join(en for _, en in problems), permanent=True
        )


class SqlRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Statements that write one kind of intent, in one transaction."""

    exists: str
    "Finds what was written under :key; its first column is the id there. Asked before and after."
    sql: list[str] | str
    "What writes it."
    update: list[str] | str = ""
    "What brings it up to date when a later revision comes. Without it a later revision is refused, visibly."
    known_only: bool = False
    "Calls: only those of customers that the CRM has."

    @property
    def statements(self) -> tuple[str, ...]:
        """The writing statements, in order."""
        return _listed(self.sql)

    @property
    def updates(self) -> tuple[str, ...]:
        """The updating statements, in order."""
        return _listed(self.update)


def _listed(statements: list[str] | str) -> tuple[str, ...]:
    found = [statements] if isinstance(statements, str) else statements
    return tuple(one for one in found if one.strip())


class HttpRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where one kind of intent is posted to."""

    url: str
    "https, or http to this machine; holds nothing of a customer."
    secret: str = ""
    "Signs each call; see `http_target`."
    timeout: float = 10.0
    "Seconds for the whole call."
    headers: dict[str, str] = {}
    id: str = "id"
    "Name in the JSON answer that holds the CRM's id; dots lead inwards."
    known: tuple[int, ...] = ()
    "Statuses that mean 'I have this key already', such as 409."
    allow_plain_http: bool = False
    known_only: bool = False
    "Calls: only those of customers that the CRM has."


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How each kind is written back; kinds without a rule are not."""

    database: str = ""
    "URL of the database for SQL rules, with an account that may write there."
    timezone: str = "Asia/Shanghai"
    "Of the `..._local` parameters."
    by_sql: dict[Kind, SqlRule] = {}
    by_http: dict[Kind, HttpRule] = {}

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds that are written back."""
        return frozenset((*self.by_sql, *self.by_http))

    def revisable(self, kind: Kind) -> bool:
        """Whether what was written can be brought up to date."""
        rule = self.by_sql.get(kind)
        return rule is None or bool(rule.updates)

    def known_only(self, kind: Kind) -> bool:
        """Whether this kind is written back for known customers only."""
        rule = self.by_sql.get(kind) or self.by_http.get(kind)
        return rule is not None and rule.known_only

    @staticmethod
    def parse(table: Mapping[str, Any]) -> Rules:
        """Rules of a `[writeback]` table; raises RulesError with everything that is wrong."""
        return _parse(table)


def names_in(statement: str) -> frozenset[str]:
    """Names of the parameters of a statement; what stands in quotes and comments is none."""
    return frozenset(_NAME.findall(_QUOTED.sub("''", statement)))


def _parse(table: Mapping[str, Any]) -> Rules:
    problems: list[tuple[str, str]] = []
    by_sql: dict[Kind, SqlRule] = {}
    by_http: dict[Kind, HttpRule] = {}
    for name in table:
        if name not in (*KINDS, "database", "timezone"):
            problems.append((f"writeback.{name} 不认识", f"writeback.{name} is not known"))
    for kind in KINDS:
        given = table.get(kind)
        if given is None:
            continue
        if not isinstance(given, Mapping) or ("url" in given) == ("sql" in given):
            problems.append((f"writeback.{kind} 应有 sql 或 url 之一", f"writeback.{kind} needs either sql or url"))
            continue
        try:
            if "url" in given:
                by_http[kind] = msgspec.convert(dict(given), HttpRule)
                problems += _http_problems(kind, by_http[kind])
            else:
                by_sql[kind] = msgspec.convert(dict(given), SqlRule)
                problems += _sql_problems(kind, by_sql[kind])
        except msgspec.ValidationError as error:
            problems.append((f"writeback.{kind} 有误：{error}", f"writeback.{kind}: {error}"))
    database, timezone = table.get("database", ""), table.get("timezone", "Asia/Shanghai")
    if not isinstance(database, str) or not isinstance(timezone, str):
        problems.append(("writeback.database 和 timezone 应是文字", "writeback.database and timezone must be text"))
    elif by_sql and not database:
        problems.append(("有 SQL 语句时要写 writeback.database", "writeback.database is needed for SQL"))
    if problems:
        raise RulesError(problems)
    return Rules(database=database, timezone=timezone, by_sql=by_sql, by_http=by_http)


def parameters(kind: str) -> frozenset[str] | None:
    """Names that a statement of this kind may use; None where any may be, for the site's fields are its own."""
    own = PAYLOADS[kind]
    if own is None:
        return None
    times = frozenset(name + end for name in (own | COMMON) & TIMES for end in ("_utc", "_local"))
    return own | COMMON | times


def _sql_problems(kind: str, rule: SqlRule) -> list[tuple[str, str]]:
    problems: list[tuple[str, str]] = []
    here = f"writeback.{kind}"
    allowed = parameters(kind)
    if "key" not in names_in(rule.exists):
        problems.append((f"{here}.exists 要用 :key", f"{here}.exists must use :key"))
    if not rule.statements or not any("key" in names_in(one) for one in rule.statements):
        problems.append((f"{here}.sql 要写入 :key，否则重发会重复", f"{here}.sql must write :key, or twice is twice"))
    for one in (rule.exists, *rule.statements, *rule.updates):
        unknown = sorted(names_in(one) - allowed) if allowed is not None else []
        if unknown:
            names = "、".join(unknown)
            problems.append((f"{here} 没有参数 {names}", f"{here}: there is no parameter {', '.join(unknown)}"))
        if set(_NAME.findall(one)) != names_in(one):
            problems.append((f"{here} 引号里的冒号要写成 \\:", f"{here}: a colon in quotes is written \\:"))
        if "%(" in one or "{" in _QUOTED.sub("", one):
            problems.append((f"{here} 只能用 :名字 作参数", f"{here}: parameters are written :name only"))
    return problems


def _http_problems(kind: str, rule: HttpRule) -> list[tuple[str, str]]:
    problems: list[tuple[str, str]] = []
    here = f"writeback.{kind}"
    try:
        parts = urlsplit(rule.url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return [(f"{here}.url 不是网址", f"{here}.url is not an address")]
    if parts.scheme not in ("http", "https") or not host:
        problems.append((f"{here}.url 不是网址", f"{here}.url is not an address"))
    elif parts.username or parts.password:
        problems.append((f"{here}.url 里不要写密码，用 headers", f"{here}.url must hold no password; use headers"))
    elif parts.scheme == "http" and not rule.allow_plain_http and not _is_here(host):
        problems.append((f"{here}.url 应是 https（或设 allow_plain_http）", f"{here}.url must be https"))
    named = {name.lower() for name in rule.headers}
    if len(rule.secret) < 16 and "authorization" not in named:
        problems.append((f"{here}.secret 至少 16 个字符", f"{here}.secret needs 16 characters or more"))
    if not 0 < rule.timeout <= 120:
        problems.append((f"{here}.timeout 应在 0 到 120 秒之间", f"{here}.timeout must be within 120 seconds"))
    if any(not _HEADER.fullmatch(k) or not v.isprintable() for k, v in rule.headers.items()):
        problems.append((f"{here}.headers 不合法", f"{here}.headers are not valid"))
    if any(not 300 <= status <= 499 for status in rule.known):
        problems.append((f"{here}.known 应是 3xx 或 4xx", f"{here}.known must be 3xx or 4xx"))
    return problems


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
