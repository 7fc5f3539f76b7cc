"""Bytes from outside to values: forms, JSON, texts in odd encodings, moments (pure). Bounded, and never raises but
`HookRefused`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

import msgspec

from cti.sms.platform import MAX_ITEMS, HookRefused

T = TypeVar("T")

_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_HEX: Final = {
    (a + b).encode(): bytes((int(a + b, 16),)) for a in "0123456789abcdefABCDEF" for b in "0123456789abcdefABCDEF"
}
_DATE: Final = re.compile(r"(\d{4})[-/]?(\d\d)[-/]?(\d\d)[T ]?(\d\d):?(\d\d):?(\d\d)")
_PHONE: Final = re.compile(r"\+?[0-9*() -]{3,24}", re.ASCII)
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC).timestamp()


def percent(text: str) -> str:
    """Percent-encoded by RFC 3986, as the vendors' signatures want it.

    >>> percent("a b*~中")
    'a%20b%2A~%E4%B8%AD'
    """
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in text.encode("utf-8", "replace"))


def encode_form(pairs: Iterable[tuple[str, str]]) -> bytes:
    """A form's body."""
    return "&".join(f"{percent(key)}={percent(value)}" for key, value in pairs).encode()


def unpercent(raw: bytes, *, plus: bool = True) -> bytes:
    """Percent-decoding; a % that begins no escape stays."""
    text = raw.replace(b"+", b" ") if plus else raw
    if b"%" not in text:
        return text
    first, *rest = text.split(b"%")
    found = [first]
    for part in rest:
        byte = _HEX.get(part[:2])
        found.append(b"%" + part if byte is None else byte + part[2:])
    return b"".join(found)


def decoded(raw: bytes) -> str:
    """Text in UTF-8, or in GB18030 as some platforms still send it. Raises HookRefused."""
    for charset in ("utf-8", "gb18030"):
        try:
            return raw.decode(charset)
        except UnicodeDecodeError:
            continue
    raise HookRefused(400)


def parse_form(body: bytes) -> dict[str, str]:
    """The fields of a form; of a repeated one the first counts. Raises HookRefused."""
    found: dict[str, str] = {}
    pairs = body.split(b"&", MAX_ITEMS + 1)
    if len(pairs) > MAX_ITEMS:
        raise HookRefused(413)
    for pair in pairs:
        if not pair:
            continue
        key, _, value = pair.partition(b"=")
        found.setdefault(decoded(unpercent(key)), decoded(unpercent(value)))
    return found


def unwrapped(value: str) -> str:
    """JSON in a form field that was percent-encoded once more than needed, or twice."""
    for _ in range(3):
        if not value.startswith("%"):
            break
        value = decoded(unpercent(value.encode()))
    return value


def parse_json(body: bytes | str, shape: type[T]) -> T:
    """JSON as `shape`. Raises HookRefused(400)."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError) as error:
        raise HookRefused(400) from error


def each(raws: list[msgspec.Raw], shape: type[T]) -> tuple[list[T], int]:
    """The entries that are of this shape, and how many are not: one bad entry takes no other with it."""
    if len(raws) > MAX_ITEMS:
        raise HookRefused(413)
    good: list[T] = []
    for raw in raws:
        try:
            good.append(msgspec.json.decode(raw, type=shape))
        except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
            continue
    return good, len(raws) - len(good)


def word(value: Any, limit: int = 120) -> str:
    """An id or a code, whether the platform writes it as text or as a number; '' for anything else."""
    if isinstance(value, str):
        return "".join(c for c in value[:limit] if c.isprintable()).strip()
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30:
        return str(value)
    return ""


def phone(value: Any) -> str:
    """A telephone number as a platform writes it, masked ones, too; '' for whatever is none.

    >>> phone("+86 138-0013-8000"), phone(13666660013), phone("138****8000"), phone("13[[[[")
    ('+86 138-0013-8000', '13666660013', '138****8000', '')
    """
    text = word(value, 40)
    return text if _PHONE.fullmatch(text) else ""


def mended(text: str) -> str:
    """Text that somebody read as Latin-1 though it was UTF-8 (known of one platform's replies).

    >>> mended("æ\\x94¶å\\x88°"), mended("café"), mended("收到")
    ('收到', 'café', '收到')
    """
    if text.isascii() or any(ord(char) > 0x2122 for char in text):
        return text
    for charset in ("latin-1", "cp1252"):
        try:
            return text.encode(charset).decode("utf-8")
        except UnicodeError:
            continue
    return text


def moment(value: Any, zone: tzinfo) -> float | None:
    """Epoch seconds of what platforms write as a time; None for nothing, nonsense, or another century.

    >>> moment("2026-11-21 10:00:00", UTC), moment("20261121100000", UTC), moment(1795255200, UTC)
    (1795255200.0, 1795255200.0, 1795255200.0)
    >>> moment(1795255200000, UTC), moment("Sat, 21 Nov 2026 18:00:00 +0800", UTC), moment("soon", UTC)
    (1795255200.0, 1795255200.0, None)
    """
    try:
        found = _moment(value, zone)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return found if found is not None and _EARLIEST <= found < _LATEST else None


def _moment(value: Any, zone: tzinfo) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return None if not math.isfinite(value) else float(value) / (1000.0 if value > 1e11 else 1.0)
    if not isinstance(value, str) or len(value) > 60:
        return None
    text = value.strip()
    whole = _DATE.match(text)
    if whole is not None:
        if text.isdecimal() and len(text) != 14:
            return _moment(int(text), zone)
        at = datetime.strptime("".join(whole.groups()), "%Y%m%d%H%M%S").replace(tzinfo=zone)
        rest = re.sub(r"^[.,]\d+", "", text[whole.end() :]).strip()
        if rest in ("Z", "z"):
            at = at.replace(tzinfo=UTC)
        elif re.fullmatch(r"[+-]\d\d:?\d\d", rest):
            at = datetime.strptime(f"{at:%Y%m%d%H%M%S}{rest.replace(':', '')}", "%Y%m%d%H%M%S%z")
        return at.timestamp()
    if text.isdecimal() and len(text) <= 16:
        return _moment(int(text), zone)
    at = parsedate_to_datetime(text)
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).timestamp()
