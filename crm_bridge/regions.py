"""归属地: where a number comes from, in Chinese and English.

libphonenumber places landlines and the old mobile ranges; it leaves the newer ones (166, 170, 192, 199 and their like)
open. Those are in a table of our own, `mobile_ranges.gz`, seven digits to a place; `scripts/mobile_ranges.py` makes it.
A range in neither has at least its carrier. A mobile's region is a hint: numbers move with their owners.

libphonenumber's geocoder costs half a second and a hundred megabytes, so it is loaded by the first question that needs
it, not by the import; our own table costs some milliseconds and one megabyte.
"""

from __future__ import annotations

import gzip
import re
from functools import lru_cache
from importlib import resources
from typing import Final

import msgspec
import phonenumbers
from phonenumbers import NumberParseException

_NEIGHBOURS: Final[dict[int, tuple[str, str]]] = {
    852: ("中国香港", "Hong Kong"),
    853: ("中国澳门", "Macao"),
    886: ("中国台湾", "Taiwan"),
}
_SHORTER: Final = (
    ("壮族自治区", ""),
    ("回族自治区", ""),
    ("维吾尔自治区", ""),
    ("自治区", ""),
    ("省", ""),
)

_MOBILE: Final = re.compile(r"\+86(1[3-9]\d{9})")
_CARRIERS: Final = (
    ("1700 1701 1702 162", "中国电信（转售）", "China Telecom reseller"),
    ("1703 1705 1706 165", "中国移动（转售）", "China Mobile reseller"),
    ("1704 1707 1708 1709 167 171", "中国联通（转售）", "China Unicom reseller"),
    ("1740", "天通卫星", "Tiantong satellite"),
    ("192", "中国广电", "China Broadnet"),
    ("133 149 153 173 177 180 181 189 190 191 193 199", "中国电信", "China Telecom"),
    ("130 131 132 145 146 155 156 166 175 176 185 186 196", "中国联通", "China Unicom"),
    (
        "134 135 136 137 138 139 147 148 150 151 152 157 158 159 172 178 182 183 184 187 188 195 197 198",
        "中国移动",
        "China Mobile",
    ),
)
"(beginnings, Chinese, English) of carriers' ranges."
_CARRIERS_BY: Final = tuple((tuple(beginnings.split()), (zh, en)) for beginnings, zh, en in _CARRIERS)


class _Ranges(msgspec.Struct, frozen=True):
    """Places of the ranges that libphonenumber leaves open."""

    places: tuple[tuple[str, str], ...]
    "(Chinese, English); the n-th, counted from 1, is what `planes` calls n."
    heads: dict[str, int]
    "{first three digits: where its 10,000 low bytes begin in `planes`, its 10,000 high bytes behind them}."
    planes: bytes

    def place(self, national: str) -> tuple[str, str] | None:
        """Place of a mobile's eleven digits, None where the table has none."""
        start = self.heads.get(national[:3])
        if start is None:
            return None
        at = start + int(national[3:7])
        n = self.planes[at] | self.planes[at + 10_000] << 8
        return self.places[n - 1] if n else None


@lru_cache(maxsize=1)
def _ranges() -> _Ranges:
    packed = resources.files(__package__ or "").joinpath("mobile_ranges.gz").read_bytes()
    names, heads, planes = gzip.decompress(packed).split(b"\0", 2)
    places: list[tuple[str, str]] = []
    for line in names.decode().splitlines():
        zh, _, en = line.partition("|")
        places.append((zh, en))
    return _Ranges(tuple(places), {head: n * 20_000 for n, head in enumerate(heads.decode().split(","))}, planes)


def carrier(key: str) -> tuple[str, str] | None:
    """Whose range a mainland mobile is from, in Chinese and English; its owner may have taken it elsewhere since.

    >>> carrier("+8619212345678"), carrier("+8617012345678"), carrier("+862584512345")
    (('中国广电', 'China Broadnet'), ('中国电信（转售）', 'China Telecom reseller'), None)
    """
    mobile = _MOBILE.fullmatch(key)
    if mobile is None:
        return None
    return next((names for beginnings, names in _CARRIERS_BY if mobile[1].startswith(beginnings)), None)


@lru_cache(maxsize=8192)
def region(key: str | None, language: str) -> str | None:
    """Region of a key in E.164, `language` zh or en; None where the tables know nothing better than the country.

    Chinese is shortened as people say it: 浙江宁波, 北京; a foreign number gives its country. A mobile that no table
    places gives its carrier, called so: 中国广电号段.

    >>> region("+8619905740000", "zh"), region("+8619905740000", "en")
    ('浙江宁波', 'Ningbo, Zhejiang')
    """
    if not key or not key.startswith("+"):
        return None
    which = 0 if language == "zh" else 1
    mobile = _MOBILE.fullmatch(key)
    if mobile is not None and (place := _ranges().place(mobile[1])) is not None:
        return place[which]
    found = _by_libphonenumber(key, language)
    if found is None and mobile is not None and (names := carrier(key)) is not None:
        return f"{names[0]}号段" if which == 0 else f"{names[1]} range"
    return found


def _by_libphonenumber(key: str, language: str) -> str | None:
    from phonenumbers import geocoder  # here, because of what it costs (see the module)

    try:
        number = phonenumbers.parse(key)
    except NumberParseException:
        return None
    code = number.country_code or 0
    if code in _NEIGHBOURS:
        return _NEIGHBOURS[code][0 if language == "zh" else 1]
    if code != 86:
        country: str = geocoder.country_name_for_number(number, language)
        return country or None
    found: str = geocoder.description_for_valid_number(number, language)
    if not found or found in ("中国", "China"):
        return None
    return shorten(found) if language == "zh" else found


def shorten(found: str) -> str:
    """浙江省宁波市 as people say it: 浙江宁波.

    >>> shorten("内蒙古自治区包头市"), shorten("上海市"), shorten("湖北省恩施州")
    ('内蒙古包头', '上海', '湖北恩施州')
    """
    for ending, short in _SHORTER:
        head, cut, tail = found.partition(ending)
        if cut and len(head) >= 2 and tail:
            found = head + short + tail
            break
    return found.removesuffix("市") if len(found) > 2 else found
