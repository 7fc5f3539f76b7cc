"""Container types as people write them: `20GP*1+40HQ*2`, `2x40HC`, `40'HQ`, 高柜 (pure)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_ALIASES: Final[dict[str, str]] = {
    "20": "20GP",
    "20DC": "20GP",
    "20DV": "20GP",
    "20ST": "20GP",
    "22G1": "20GP",
    "小柜": "20GP",
    "平柜": "40GP",
    "大柜": "40GP",
    "40": "40GP",
    "40DC": "40GP",
    "40DV": "40GP",
    "42G1": "40GP",
    "高柜": "40HQ",
    "40HC": "40HQ",
    "40H": "40HQ",
    "45G1": "40HQ",
    "45": "45HQ",
    "45HC": "45HQ",
    "L5G1": "45HQ",
    "冻柜": "40RH",
    "20RH": "20RF",
    "22R1": "20RF",
    "40RF": "40RH",
    "45R1": "40RH",
}
_TYPE = r"(?:[24][0-9]|45|L5)(?:[A-Z]{1,3}[0-9]?)?|小柜|大柜|高柜|平柜|冻柜"
_PART = re.compile(rf"(?:(?P<before>\d{{1,3}})[*])?(?P<type>{_TYPE})(?:[*](?P<after>\d{{1,3}}))?")


def canonical(name: str) -> str:
    """One container type under its usual name; one that is not known as it stands, in capitals.

    >>> canonical("40'hc"), canonical("高柜"), canonical("20OT")
    ('40HQ', '40HQ', '20OT')
    """
    plain = unicodedata.normalize("NFKC", name).upper()
    plain = re.sub(r"[\s'’′\"“”尺英]", "", plain)
    return _ALIASES.get(plain, plain)


def parse(text: str) -> list[tuple[str, int]]:
    """(type, count) of every kind of container in a text, in order; [] where none is understood.

    >>> parse("20GP*1+40HQ×2"), parse("2x40HC"), parse("1*20'GP")
    ([('20GP', 1), ('40HQ', 2)], [('40HQ', 2)], [('20GP', 1)])
    """
    plain = unicodedata.normalize("NFKC", text[:200]).upper()
    plain = re.sub("[X×✕]", "*", plain)
    plain = re.sub(r"[\s'’′\"“”尺英个]", "", plain)
    found: list[tuple[str, int]] = []
    for part in re.split(r"[+,，、;；/&和]", plain):
        if hit := _PART.fullmatch(part):
            count = int(hit["before"] or hit["after"] or 1)
            if count:
                found.append((canonical(hit["type"]), count))
    return found
