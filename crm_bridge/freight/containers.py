"""Container types as people write them: `20GP*1+40HQ*2`, `2x40' HC`, `1*20GP`, 小柜, 40尺高柜 (pure)."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

import msgspec


class ContainerType(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of container, under the name the trade uses."""

    code: str
    iso: str
    "ISO 6346 size and type."
    name: str
    name_en: str
    teu: float
    "For counting boxes on a ship; prices are never averaged over it."
    aliases: tuple[str, ...] = ()


def _type(code: str, iso: str, name: str, name_en: str, teu: float, aliases: str) -> ContainerType:
    return ContainerType(code=code, iso=iso, name=name, name_en=name_en, teu=teu, aliases=tuple(aliases.split()))


TYPES: Final = (
    _type(
        "20GP",
        "22G1",
        "20 尺普柜",
        "20' general",
        1,
        "20 20DC 20DV 20ST 20SD 22G0 22GP 小柜 20柜 20小柜 20普柜 20平柜 小平柜",
    ),
    _type(
        "40GP",
        "42G1",
        "40 尺普柜",
        "40' general",
        2,
        "40 40DC 40DV 40ST 40SD 42G0 42GP 大柜 40柜 平柜 40平柜 40大柜 40普柜",
    ),
    _type(
        "40HQ",
        "45G1",
        "40 尺高柜",
        "40' high cube",
        2,
        "40HC 40H 40HW 45G0 45GP 高柜 40高柜 40高 大高柜 超高柜 40超高柜",
    ),
    _type("45HQ", "L5G1", "45 尺高柜", "45' high cube", 2.25, "45 45HC 45H L5G0 L5GP 45高柜 45高 45柜"),
    _type("20HQ", "25G1", "20 尺高柜", "20' high cube", 1, "20HC 25G0 20高柜 小高柜 20高"),
    _type("20RF", "22R1", "20 尺冻柜", "20' reefer", 1, "20RE 20RH 20R 22R0 小冻柜 20冻柜 20冷柜 小冻 20冷藏柜"),
    _type(
        "40RH",
        "45R1",
        "40 尺高冻柜",
        "40' high cube reefer",
        2,
        "40RF 40RQ 40HR 40RE 40R 45R0 冻柜 冷柜 大冻柜 40冻柜 40高冻柜 高冻柜 40冷柜 冷藏柜",
    ),
    _type("40NOR", "45R1", "40 尺冻代干", "40' non-operating reefer", 2, "NOR 40RD 冻代干 40冻代干 冷代干"),
    _type("20OT", "22U1", "20 尺开顶柜", "20' open top", 1, "22U0 20开顶柜 20开顶 小开顶"),
    _type("40OT", "42U1", "40 尺开顶柜", "40' open top", 2, "42U0 40开顶柜 40开顶 开顶柜 大开顶"),
    _type("40HOT", "45U1", "40 尺高开顶柜", "40' high cube open top", 2, "40OH 45U0 40高开顶柜 高开顶"),
    _type("20FR", "22P1", "20 尺框架柜", "20' flat rack", 1, "22P3 20框架柜 20框架 小框架 20平板柜"),
    _type("40FR", "42P1", "40 尺框架柜", "40' flat rack", 2, "42P3 40框架柜 40框架 框架柜 大框架 40平板柜 40FQ"),
    _type("20TK", "22T1", "20 尺罐柜", "20' tank", 1, "22T0 20TN 罐柜 罐箱 20罐柜 20罐箱 ISOTANK"),
    _type("40TK", "42T1", "40 尺罐柜", "40' tank", 2, "42T0 40TN 40罐柜 40罐箱"),
    _type("20HT", "22V1", "20 尺挂衣柜", "20' garment", 1, "20HG 20挂衣柜 小挂衣柜"),
    _type("40HT", "45V1", "40 尺挂衣柜", "40' garment", 2, "40HG 40挂衣柜 挂衣柜"),
    _type("20PF", "29P0", "20 尺平台柜", "20' platform", 1, "20PL 20平台柜"),
    _type("40PF", "49P0", "40 尺平台柜", "40' platform", 2, "40PL 40平台柜"),
    _type("20BK", "22B1", "20 尺干散货柜", "20' bulk", 1, "20BU 22B0 20散货柜"),
    _type("53HQ", "P5G1", "53 尺高柜", "53' high cube", 2.65, "53HC 53H 53 53高柜"),
)
"Every type known, the usual ones first."

BY_CODE: Final = {kind.code: kind for kind in TYPES}
_KNOWN: Final = {
    name: kind.code
    for kind in reversed(TYPES)
    for name in (*kind.aliases, *((kind.iso,) if kind.code != "40NOR" else ()), kind.code)
}


_TYPE: Final = "|".join(
    re.escape(name) + ("(?![0-9A-Z])" if name[-1].isascii() else "") for name in sorted(_KNOWN, key=len, reverse=True)
)
_COUNT: Final = r"[0-9]{1,3}|[一二两三四五六七八九十]"
_UNIT: Final = "[个条只台]"
_ONE: Final = re.compile(
    rf" ?(?:(?P<before>{_COUNT}) ?(?:\*|{_UNIT}| ) ?(?P<type>{_TYPE})"
    rf"|(?P<alone>{_TYPE})(?: ?[*:(] ?(?P<after>{_COUNT}) ?{_UNIT}?\)?"
    rf"|(?: |(?<=柜))(?P<last>{_COUNT}){_UNIT}?)?(?![0-9A-Z])) ?"
)
"A piece of text with its count before or behind, spaces single."
_SHORT: Final = {"高": "40HQ", "大": "40GP", "平": "40GP", "小": "20GP"}
_NAMES: Final = "|".join(name for name in sorted(_KNOWN, key=len, reverse=True) if not name[0].isdigit())
_FUSED: Final = re.compile(rf" ?(?P<before>{_COUNT})(?P<type>{_NAMES}|[{''.join(_SHORT)}](?!柜)) ?")
"""2小柜1高柜, 2高1小."""
_WORDS: Final = (
    (re.compile(r"HIGH ?CUBE|HI-?CUBE"), "HC"),
    (re.compile(r"OPEN ?TOP"), "OT"),
    (re.compile(r"FLAT ?RACK"), "FR"),
    (re.compile(r"REEFER"), "RF"),
    (re.compile(r"(?<=\d) ?(?:DRY|STANDARD|NORMAL)"), "GP"),
)
_FEET: Final = re.compile(r" ?['’′`´\"“”″] ?|(?<=[0-9四二十]) ?(?:英?[尺呎]|FEET|FOOT|FT)(?![A-Z]) ?| ?柜型[:：]? ?")
_BETWEEN: Final = re.compile(r"[+,，、;；/&和\n]|\bAND\b")
_CHINESE: Final = {char: n for n, char in enumerate("一二三四五六七八九十", 1)} | {"两": 2}


@lru_cache(maxsize=2048)
def canonical(name: str) -> str:
    """One container type under its usual name; one that is not known as it stands, in capitals.

    >>> canonical("40'hc"), canonical("高柜"), canonical("20OT"), canonical("40 尺高柜")
    ('40HQ', '40HQ', '20OT', '40HQ')
    """
    plain = _plain(name[:80]).replace(" ", "")
    return _KNOWN.get(plain) or _KNOWN.get(plain.removesuffix("柜")) or plain


def parse(text: str) -> list[tuple[str, int]]:
    """(type, count) of every kind of container in a text, each type once, in order; [] where none is understood.

    A piece that is not understood is left out; a count of nothing too.

    >>> parse("20GP*1+40HQ×2"), parse("2x40' HC"), parse("1*20'GP"), parse("两个高柜，1小柜")
    ([('20GP', 1), ('40HQ', 2)], [('40HQ', 2)], [('20GP', 1)], [('40HQ', 2), ('20GP', 1)])
    """
    return list(_parsed(text[:200]))


@lru_cache(maxsize=4096)
def _parsed(text: str) -> tuple[tuple[str, int], ...]:
    found: dict[str, int] = {}
    for piece in _BETWEEN.split(_upper(text)):
        for kind, count in _piece(_plain(piece)):
            found[kind] = found.get(kind, 0) + count
    return tuple((kind, count) for kind, count in found.items() if count)


def teu(boxes: list[tuple[str, int]]) -> float:
    """Twenty-foot equivalents of what `parse` found; types that are not known count nothing."""
    return sum(BY_CODE[kind].teu * count for kind, count in boxes if kind in BY_CODE)


def written(boxes: list[tuple[str, int]]) -> str:
    """As this program writes it: 20GP×1+40HQ×2."""
    return "+".join(f"{kind}×{count}" for kind, count in boxes)


def _piece(plain: str) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    start = 0
    while start < len(plain):
        hit = _ONE.match(plain, start) or _FUSED.match(plain, start)
        if hit is None:
            return []
        found.append(_read(hit.groupdict()))
        start = hit.end()
    return found


def _read(groups: dict[str, str | None]) -> tuple[str, int]:
    name = groups.get("type") or groups.get("alone") or ""
    count = groups.get("before") or groups.get("after") or groups.get("last")
    return _KNOWN.get(name) or _SHORT[name], 1 if count is None else _CHINESE.get(count) or int(count)


def _upper(text: str) -> str:
    return unicodedata.normalize("NFKC", text).upper()


def _plain(text: str) -> str:
    plain = re.sub(r"[×✕✖╳]", "*", _upper(text))
    for words, short in _WORDS:
        plain = words.sub(short, plain)
    plain = _FEET.sub("", plain)
    # The X of "2X40HC" and of "40HC X 2", not one inside a word.
    plain = re.sub(r"(?<=[0-9A-Z柜箱])\s*X\s*(?=[0-9大小高平冻])", "*", plain)
    # 40 HQ, 40 高柜: the space is no count's.
    plain = re.sub(r"(?<=[0-9])\s+(?=[A-Z大小高平冻开框罐挂])", "", plain)
    return re.sub(r"\s+", " ", plain.replace(".", "")).strip()
