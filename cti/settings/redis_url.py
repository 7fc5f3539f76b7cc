"""What an address of Redis says: one server or a group behind Sentinel, with or without TLS. Touches nothing.

    redis://[[user]:password@]host[:port][/db]
    rediss://...                                     the same over TLS
    redis+sentinel://[[user]:password@]host[:port],host[:port]/service[/db]
    rediss+sentinel://...                            the same over TLS, to the sentinels, too

Over TLS `?ca=FILE` names the authority's certificate, `&cert=FILE&key=FILE` one's own. Sentinels that want a password
of their own get it by `?sentinel_user=...&sentinel_password=...`. Signs such as @ : / ? # & % within a user, a
password or a name are written %40 %3A %2F %3F %23 %26 %25.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, unquote_to_bytes

import msgspec

PORT: Final = 6379
SENTINEL_PORT: Final = 26379
MOST: Final = 2000
"Characters of an address."
MOST_HOSTS: Final = 16
MOST_DB: Final = 65535

_SCHEMES: Final = {
    "redis": (False, False),
    "rediss": (True, False),
    "redis+sentinel": (False, True),
    "rediss+sentinel": (True, True),
}
"{scheme: (TLS, behind Sentinel)}."
_FILES: Final = ("ca", "cert", "key")
_SENTINEL: Final = ("sentinel_user", "sentinel_password")
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9_][A-Za-z0-9_.-]{0,252}))(?::([0-9]{1,5}))?\Z")
_SERVICE = re.compile(r"[A-Za-z0-9_.-]{1,100}\Z")
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


class RedisUrlError(ValueError):
    """The address cannot be used: `text` and `text_en` say why, without the address and without its password."""

    def __init__(self, text: str, text_en: str) -> None:
        super().__init__(text_en)
        self.text = text
        self.text_en = text_en


class RedisUrl(msgspec.Struct, frozen=True, kw_only=True):
    """Where Redis answers."""

    hosts: tuple[tuple[str, int], ...]
    "One server, or the sentinels: (host, port)."
    service: str = ""
    "What the sentinels call the group; '' for a single server."
    db: int = 0
    tls: bool = False
    user: str = ""
    password: str = ""
    sentinel_user: str = ""
    sentinel_password: str = ""
    ca: str = ""
    "File of the authority that signed the server's certificate; '': the machine's own authorities."
    cert: str = ""
    "File of our own certificate, where the server asks for one."
    key: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """The files it names, to be looked for before anything starts."""
        return tuple(name for name in (self.ca, self.cert, self.key) if name)

    @property
    def shown(self) -> str:
        """The address without its passwords and files: may stand in logs and pages."""
        scheme = f"redis{'s' if self.tls else ''}{'+sentinel' if self.service else ''}"
        who = f"{quote(self.user, safe='')}{':***' if self.password else ''}@" if self.user or self.password else ""
        hosts = ",".join(f"{f'[{host}]' if ':' in host else host}:{port}" for host, port in self.hosts)
        return f"{scheme}://{who}{hosts}{f'/{self.service}' if self.service else ''}/{self.db}"

    def __repr__(self) -> str:
        """Without the passwords."""
        return f"RedisUrl({self.shown!r})"


def parse(url: str) -> RedisUrl:
    """Read an address. Raises RedisUrlError for whatever is none."""
    if len(url) > MOST or _CONTROL.search(url):
        raise RedisUrlError(
            "Redis 地址过长，或含有空格、换行", "The address of Redis is too long or holds a blank or line break"
        )
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _SCHEMES:
        raise RedisUrlError(
            "Redis 地址应以 redis://、rediss://、redis+sentinel:// 或 rediss+sentinel:// 开头",
            "The address of Redis begins with redis://, rediss://, redis+sentinel:// or rediss+sentinel://",
        )
    tls, sentinel = _SCHEMES[scheme]
    if "#" in rest or _PERCENT.search(rest):
        raise _unwritten()
    rest, _, query = rest.partition("?")
    authority, _, path = rest.partition("/")
    who, _, hosts = authority.rpartition("@")
    if "@" in who or "@" in path:
        raise _unwritten()
    user, _, password = who.partition(":")
    service, db = _path(path, sentinel)
    more = _query(query, tls, sentinel)
    return RedisUrl(
        hosts=_hosts(hosts, sentinel),
        service=service,
        db=db,
        tls=tls,
        user=_plain(user),
        password=_plain(password),
        **more,
    )


def shown(url: str) -> str:
    """An address as it may stand in logs and messages, also one that is none: then only how it begins.

    >>> shown("rediss://:open-sesame@10.0.0.5/1")
    'rediss://:***@10.0.0.5:6379/1'
    """
    try:
        return parse(url).shown
    except RedisUrlError:
        scheme, separator, _ = url.partition("://")
        return f"{scheme}://***" if separator and scheme in _SCHEMES else "***"


def _unwritten() -> RedisUrlError:
    return RedisUrlError(
        "Redis 地址的密码里有特殊字符，应写成 %40（@）、%3A（:）、%2F（/）、%3F（?）、%23（#）、%25（%）",
        "The password in the address of Redis holds a special sign: write %40 (@), %3A (:), %2F (/), %3F (?), %23 (#), "
        "%25 (%)",
    )


def _plain(text: str) -> str:
    try:
        plain = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise _unwritten() from None
    if any(ord(char) < 32 or ord(char) == 127 for char in plain):
        raise RedisUrlError("Redis 地址含有控制字符", "The address of Redis holds a control character")
    return plain


def _hosts(text: str, sentinel: bool) -> tuple[tuple[str, int], ...]:
    found: list[tuple[str, int]] = []
    for one in text.split(","):
        match = _HOST.match(one)
        port = int(match[3] or (SENTINEL_PORT if sentinel else PORT)) if match else 0
        if match is None or not 1 <= port <= 65535:
            raise RedisUrlError(
                "Redis 地址里的主机或端口不对，应如 10.0.0.5:6379",
                "A host or port in the address of Redis is not usable; it looks like 10.0.0.5:6379",
            )
        found.append((match[1] or match[2], port))
    if len(found) > (MOST_HOSTS if sentinel else 1):
        raise RedisUrlError(
            "多台主机只用于 redis+sentinel://（最多 16 台）",
            "Several hosts (at most 16) go with redis+sentinel://",
        )
    return tuple(dict.fromkeys(found))


def _path(path: str, sentinel: bool) -> tuple[str, int]:
    parts = path.split("/") if path else []
    service = ""
    if sentinel:
        service = _plain(parts.pop(0)) if parts else ""
        if not _SERVICE.match(service):
            raise RedisUrlError(
                "哨兵地址应写明服务名：redis+sentinel://主机:26379/服务名/0",
                "An address of sentinels names the service: redis+sentinel://host:26379/service/0",
            )
    db = parts.pop(0) if parts else ""
    if parts or not re.fullmatch(r"[0-9]{0,5}", db) or int(db or 0) > MOST_DB:
        raise RedisUrlError("Redis 库号应是数字，例如 /0", "The database of Redis is a number such as /0")
    return service, int(db or 0)


def _query(query: str, tls: bool, sentinel: bool) -> dict[str, str]:
    known = (*(_FILES if tls else ()), *(_SENTINEL if sentinel else ()))
    found: dict[str, str] = {}
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        if name in _FILES and not tls:
            raise RedisUrlError(
                f"{name} 只用于 rediss:// 或 rediss+sentinel://", f"{name} is for rediss:// or rediss+sentinel:// only"
            )
        if name not in known or name in found or not value:
            words = "、".join(known) or "无"
            raise RedisUrlError(
                f"Redis 地址里 ? 之后的设置不对；可用的有：{words}",
                f"After ? in the address of Redis stands what is not known; known are: {', '.join(known) or 'none'}",
            )
        found[name] = _plain(value)
    if ("cert" in found) != ("key" in found):
        raise RedisUrlError("cert 与 key 应同时给出", "cert and key go together")
    return found
