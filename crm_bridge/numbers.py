"""What a caller id is: its class, its key for look-ups, its extension (pure).

Rules before libphonenumber, because it is wrong or silent about much that reaches a Chinese 400 line: it takes
95195 with a tail for a landline of Yinchuan, a masked number for a possible one, Hong Kong without 00 for China,
swallows extensions after a dash, and stumbles over IP-dial prefixes. Every table of prefixes is the site's to change.

Nothing here raises on any text.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from functools import lru_cache
from typing import Final, Literal

import msgspec
import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from crm_bridge import regions

NumberClass = Literal[
    "mobile",
    "landline",
    "shared_cost",
    "toll_free",
    "short",
    "service",
    "internal",
    "international",
    "masked",
    "anonymous",
    "raw",
]
Confidence = Literal["certain", "derived", "none"]

CLASS_LABELS: Final[dict[str, tuple[str, str]]] = {
    "mobile": ("手机", "mobile"),
    "landline": ("固话", "landline"),
    "shared_cost": ("400 号码", "400 number"),
    "toll_free": ("800 号码", "800 number"),
    "short": ("短号", "short number"),
    "service": ("服务号", "service number"),
    "internal": ("内线", "extension"),
    "international": ("境外", "international"),
    "masked": ("已隐去中间几位", "masked"),
    "anonymous": ("未显示号码", "withheld"),
    "raw": ("号码不规范", "not a known format"),
}
"{class: (Chinese, English)} as people read it."


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """What depends on where the phones stand. Regular expressions match whole numbers, digits only."""

    area_code: str = ""
    "Area code, with or without the 0: makes a local number whole. '' leaves local numbers raw."
    ip_prefixes: tuple[str, ...] = (
        "125831",
        "125832",
        "125833",
        "12593",
        "12520",
        "17951",
        "17950",
        "17911",
        "17910",
        "17909",
        "17908",
        "17901",
        "10193",
    )
    "IP-dial prefixes that some lines present before the number, longest first."
    short: str = r"11[024679]|12[0-2]|999|100\d\d|12[1-9]\d\d|95\d{3,4}|96\d{3,4}"
    "Emergency and hot lines that are whole as they stand."
    service: str = r"95\d{3}\d{2,8}|100\d\d\d{1,6}|1010\d{4}"
    "Hot lines with a tail; without it 95195 + 51234 would be a landline of 0951."
    ports: str = r"106\d{5,6}|106\d{8,17}|14[14]\d{10}|10648\d{8}"
    "SMS ports and cards of machines: never a person's number. (Ten digits beginning 106 are Beijing without the 0.)"
    internal_min: int = 2
    internal_max: int = 5
    "Digits of the site's own extensions, from - to."


CHINA: Final = Site()
"A site that has said nothing about itself."


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """A caller id understood."""

    raw: str
    "As presented, cut at 256 characters."
    cls: NumberClass
    key: str | None
    "E.164 with + where there is one, digits for the rest, None for masked and withheld. What an index holds."
    ext: str | None = None
    confidence: Confidence = "certain"
    "derived: an area or country code, or a plus, was guessed."

    @property
    def region(self) -> str | None:
        """归属地 in Chinese, such as 浙江宁波; the first call loads the tables (half a second)."""
        return regions.region(self.key, "zh") if self.cls in _PLACED else None

    @property
    def region_en(self) -> str | None:
        """The same in English, such as Ningbo, Zhejiang."""
        return regions.region(self.key, "en") if self.cls in _PLACED else None


_PLACED = frozenset({"mobile", "landline", "international", "service"})
_MAX_TEXT = 256
_MAX_DIGITS = 40

_WITHHELD = frozenset(
    (
        "",
        "anonymous",
        "unknown",
        "restricted",
        "private",
        "withheld",
        "unavailable",
        "blocked",
        "hidden",
        "none",
        "null",
        "nobody",
        "asterisk",
        "s",
        "n/a",
        "na",
        "未知",
        "匿名",
        "保密",
        "隐藏",
        "无主叫",
        "未显示",
        "号码隐藏",
        "不显示号码",
        "私人号码",
    )
)
_MASK = re.compile(r"[0-9][ \-.]*(?:[*xX•●∗✱○]{2,}|[*•●∗✱○](?:[ \-.]*[*•●∗✱○])+)")
_DASH = re.compile(r"[‐‑‒–—―−－﹣]")
_EXT = re.compile(
    r"(?:转接|转|分机号?|内线|extension|ext|x|#|\*|,|;ext=|;)[ .:：=]*([0-9]{1,6})[ ]*(?:分机|#)?$", re.IGNORECASE
)
_EXT_PAREN = re.compile(r"\(([0-9]{1,6})\)$")
_EXT_DASH = re.compile(r"^(.*[0-9])[ ]*-[ ]*([0-9]{1,6})$")
_SEVERAL = re.compile(r"[/\\、|;；\n\r\t,，]|或|和")
_NOT_DIGIT = re.compile(r"[^0-9]")


def canonical(raw: str | None, site: Site = CHINA) -> Number:
    """The number behind a text as a trunk, a CRM cell or a person writes it. Of several, the first that is whole.

    >>> canonical("0574-8765 4321转208").key
    '+8657487654321'
    """
    return _canonical((raw or "")[:_MAX_TEXT], site)


@lru_cache(maxsize=16384)
def _canonical(raw: str, site: Site) -> Number:
    text = _strip(_plain(raw))
    if not text or text.casefold() in _WITHHELD or not any(c in "0123456789" for c in text):
        return Number(raw=raw, cls="anonymous", key=None)
    if _MASK.search(text):
        return Number(raw=raw, cls="masked", key=None)
    number = _one(raw, text, site)
    if number.cls != "raw":
        return number
    parts = [part for part in _SEVERAL.split(text) if any(c in "0123456789" for c in part)]
    if len(parts) > 1:
        for part in parts:
            found = _one(raw, part.strip(), site)
            if found.cls not in ("raw", "internal", "short"):
                return found
    return number


def canonical_all(raw: str | None, site: Site = CHINA) -> list[Number]:
    """Every number in a cell that may hold several (`13812345678/025-84512345转8012`), in order, each once.

    Masked and withheld ones are left out: they must never be indexed.
    """
    text = _plain((raw or "")[: _MAX_TEXT * 4])
    whole = canonical(text, site)
    if whole.cls != "raw" and len(_SEVERAL.split(_strip(text))) == 1:
        return [whole] if whole.key else []
    found: dict[tuple[str, str | None], Number] = {}
    pending = ""
    for part in _SEVERAL.split(text):
        tail = _NOT_DIGIT.sub("", part)
        # "025-84512345,8012": a short tail belongs to the number before it
        if pending and 1 <= len(tail) <= 6 and tail == part.strip():
            number = canonical(f"{pending}#{tail}", site)
            found.pop((canonical(pending, site).key or "", None), None)
        else:
            number = canonical(part, site)
        pending = part if number.ext is None else ""
        if number.key:
            found.setdefault((number.key, number.ext), number)
    return list(found.values())


_IN_TEXT = re.compile(
    r"(?<![0-9A-Za-z*])\+?(?:\(?[0-9]{2,5}\)?[ \-]?)?[0-9]{3,5}[ \-]?[0-9]{3,5}[ \-]?[0-9]{0,5}"
    r"(?:[ ]*(?:转|分机|-)[ ]*[0-9]{1,6})?(?![0-9A-Za-z*])"
)
_NOT_PHONE = re.compile(r"(?:QQ|微信|提单|箱号|合同|订单|单号|税号|帐号|账号|卡号)[^0-9]{0,4}$", re.IGNORECASE)


def numbers_in(text: str, site: Site = CHINA) -> list[Number]:
    """Phone numbers found in free text (a note, a chat), certain ones only: a hint, never a match by itself."""
    plain = _plain(text[:20000])
    found: dict[str, Number] = {}
    for hit in _IN_TEXT.finditer(plain):
        if _NOT_PHONE.search(plain[max(0, hit.start() - 12) : hit.start()]):
            continue
        number = canonical(hit.group(), site)
        if number.key and number.cls in ("mobile", "landline", "international") and number.confidence == "certain":
            found.setdefault(number.key, number)
    return list(found.values())


def number_json(text: str, site: Site = CHINA) -> dict[str, str | None]:
    """What `cti number` prints for one argument: raw, class, key, ext, region."""
    number = canonical(text, site)
    return {"raw": text, "class": number.cls, "key": number.key, "ext": number.ext, "region": number.region}


def display(number: Number) -> str:
    """The number as people read it: 138 0013 8000, 0574-8765 4321 转 208; '' for a withheld one."""
    if number.cls == "masked":
        return number.raw
    key = number.key
    if key is None:
        return ""
    shown = key
    if key.startswith("+86"):
        rest = key[3:]
        if number.cls == "mobile":
            shown = f"{rest[:3]} {rest[3:7]} {rest[7:]}"
        elif number.cls in ("shared_cost", "toll_free"):
            shown = f"{rest[:3]}-{rest[3:6]}-{rest[6:]}"
        else:
            area = area_code(key)
            local = rest[len(area) :]
            shown = f"0{area}-{local[:-4]} {local[-4:]}"
    elif key.startswith("+"):
        with suppress(NumberParseException):
            shown = phonenumbers.format_number(phonenumbers.parse(key), PhoneNumberFormat.INTERNATIONAL)
    return f"{shown} 转 {number.ext}" if number.ext else shown


def area_code(key: str) -> str:
    """Area code without the 0 of a mainland landline's key, '' for anything else."""
    if not key.startswith("+86") or len(key) < 6:
        return ""
    rest = key[3:]
    return rest[:2] if rest[0] in "12" else rest[:3]


def _plain(text: str) -> str:
    """NFKC, every decimal digit of any script as ASCII, one kind of dash, no control or formatting characters."""
    out: list[str] = []
    for char in unicodedata.normalize("NFKC", text):
        if char.isascii():
            out.append(char if char.isprintable() else " ")
        elif (digit := unicodedata.decimal(char, None)) is not None:
            out.append(str(digit))
        elif unicodedata.category(char)[0] != "C":
            out.append(char)
    return _DASH.sub("-", "".join(out))


def _strip(text: str) -> str:
    """The bare number of a name-addr or URI: display name, scheme, host and parameters off."""
    text = text.strip()
    if text.endswith(">") and (start := text.rfind("<")) >= 0:
        text = text[start + 1 : -1].strip()
    for scheme in ("sips:", "sip:", "tel:", "callto:"):
        if text[: len(scheme)].lower() == scheme:
            text = text[len(scheme) :]
            break
    text = text.partition("@")[0]
    head, *parameters = text.split(";")
    extension = next((p for p in parameters if p.lower().startswith("ext=")), None)
    if parameters and all("=" in p or p.isalpha() for p in parameters):
        text = f"{head};{extension}" if extension else head
    return text.strip(" \t\"'“”<>[]#")


def _one(raw: str, text: str, site: Site) -> Number:
    """The number in a text that holds one, extension apart."""
    for pattern in (_EXT, _EXT_PAREN):
        if (hit := pattern.search(text)) and (found := _with_extension(raw, text[: hit.start()], hit.group(1), site)):
            return found
    if (dash := _EXT_DASH.match(text)) and (found := _with_extension(raw, dash.group(1), dash.group(2), site)):
        return found
    return _number(raw, _digits(text), site)


_TAKES_EXTENSION = frozenset({"mobile", "landline", "shared_cost", "toll_free"})


def _with_extension(raw: str, head: str, extension: str, site: Site) -> Number | None:
    number = _number(raw, _digits(head), site)
    key = number.key or ""
    # Abroad a dash is part of the number (Germany dials its extensions through), except where lengths are fixed.
    whole = number.cls in _TAKES_EXTENSION or (number.cls == "international" and key[:4] in ("+852", "+853", "+886"))
    if not whole or (number.cls == "landline" and len(key) < len("+86107654321")):
        return None
    return msgspec.structs.replace(number, ext=extension)


def _digits(text: str) -> str:
    """Digits with a leading + where one was written, or an international 00."""
    digits = _NOT_DIGIT.sub("", text)[:_MAX_DIGITS]
    return f"+{digits}" if text.lstrip(" (").startswith("+") else digits


def _number(raw: str, digits: str, site: Site) -> Number:
    cls, key, confidence = _classify(digits, site)
    return Number(raw=raw, cls=cls, key=key or None, confidence=confidence)


_Found = tuple[NumberClass, str, Confidence]


def _classify(digits: str, site: Site) -> _Found:
    bare = digits.removeprefix("+")
    if digits.startswith("+") or (bare.startswith("00") and len(bare) > 9):
        abroad = bare if digits.startswith("+") else bare[2:]
        if found := _international(abroad, site):
            return found
        if digits.startswith("+"):
            # Some gateways put a plus before whatever they got.
            cls, key, _ = _classify(bare, site)
            return cls, key, "none" if cls == "raw" else "derived"
        return "raw", bare, "none"
    if found := _by_rule(bare, site):
        return found
    for prefix in site.ip_prefixes:
        if bare.startswith((prefix, "0" + prefix)):
            rest = bare.removeprefix("0").removeprefix(prefix)
            if (found := _national(rest.removeprefix("0"))) and found[0] in ("mobile", "landline"):
                return found
    national = bare[1:] if bare.startswith("0") else bare
    if found := _national(national):
        return found
    if bare.startswith("86") and len(bare) >= 12 and (found := _national(bare[2:].removeprefix("0"))):
        return found
    if found := _neighbour(national):
        return found
    if site.area_code and len(bare) in (7, 8) and bare[0] not in "01":
        found = _national(site.area_code.removeprefix("0") + bare)
        if found:
            return found[0], found[1], "derived"
    return "raw", bare, "none"


def _by_rule(digits: str, site: Site) -> _Found | None:
    if re.fullmatch(site.short, digits):
        return "short", digits, "certain"
    if re.fullmatch(site.service, digits):
        return "service", digits, "certain"
    if re.fullmatch(site.ports, digits):
        return "raw", digits, "none"
    if site.internal_min <= len(digits) <= site.internal_max and not digits.startswith("0"):
        return "internal", digits, "certain"
    return None


def _international(digits: str, site: Site) -> _Found | None:
    """A number that was written with its country code."""
    if digits.startswith("86"):
        rest = digits[2:].removeprefix("0")
        if found := _national(rest):
            return found
        if re.fullmatch(site.short, rest) or re.fullmatch(site.service, rest):
            return _by_rule(rest, site)
        return None
    try:
        number = phonenumbers.parse("+" + digits)
    except NumberParseException:
        return None
    # libphonenumber's pattern for Macau refuses lines that exist.
    known = phonenumbers.is_valid_number(number) or (
        number.country_code == 853 and phonenumbers.is_possible_number(number)
    )
    if not known:
        return None
    return "international", phonenumbers.format_number(number, PhoneNumberFormat.E164), "certain"


_NEIGHBOUR = re.compile(r"85[23]\d{8}|886\d{8,9}")


def _neighbour(digits: str) -> _Found | None:
    """Hong Kong, Macau and Taiwan presented without 00 (886 with seven digits is Nujiang, and was found before)."""
    if not _NEIGHBOUR.fullmatch(digits):
        return None
    try:
        number = phonenumbers.parse("+" + digits)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return "international", phonenumbers.format_number(number, PhoneNumberFormat.E164), "derived"


_TYPES: Final[dict[int, NumberClass]] = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "landline",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "landline",
    PhoneNumberType.TOLL_FREE: "toll_free",
}


def _national(digits: str) -> _Found | None:
    """A mainland number without 0 and without 86, if it is a valid one."""
    if not 9 <= len(digits) <= 12:
        return None
    number = phonenumbers.PhoneNumber(country_code=86, national_number=int(digits))
    if digits.startswith("0") or not phonenumbers.is_valid_number(number):
        return None
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.SHARED_COST:
        cls: NumberClass = "shared_cost" if digits.startswith("400") else "service"
    else:
        found = _TYPES.get(kind)
        if found is None:
            return None
        cls = found
    return cls, "+86" + digits, "certain"
