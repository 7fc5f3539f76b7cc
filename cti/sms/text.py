"""Texts: how long they are when they go out, templates, signatures, and words that mean "no more" (pure)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Final, Literal

import msgspec

LONGEST: Final = 500
"Characters of a whole domestic text."
LONGEST_VALUE: Final = 60
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("|^€{}[]~\\\f")
_VARIABLE: Final = re.compile(r"\{([a-z][a-z0-9_]{0,30})\}")
_EDGES: Final = re.compile(r"^[\s\W_]+|[\s\W_]+$")

MARKETING_WORDS: Final = ("T", "TD", "R", "N", "退订", "退定", "拒收", "取消订阅", "不要再发", "UNSUBSCRIBE")
ALL_WORDS: Final = ("STOP", "STOPALL", "全部退订", "全部拒收")


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A text as it goes out."""

    text: str
    encoding: Literal["gsm7", "ucs2"]
    characters: int
    "What counts: UTF-16 units, or GSM-7 septets."
    segments: int
    left: int
    "Units that still fit into the last segment."
    parts: tuple[int, ...]
    "Units of each segment."


def signed(text: str, signature: str, domestic: bool) -> str:
    """The text as the customer reads it: at home 【signature】 first, abroad [signature] and a blank."""
    if not signature:
        return text
    return f"【{signature}】{text}" if domestic else f"[{signature}] {text}"


def measure(text: str, signature: str, *, domestic: bool) -> Measured:
    """Segments of a text with its signature. At home every UTF-16 unit counts one, 70 or 67 a segment; abroad GSM-7
    counts 160 or 153 where every character is in its alphabet, else as at home.

    A pair (an emoji's two units, an escaped GSM character) is never cut in two.

    >>> measure("a" * 160, "", domestic=True).parts, measure("a" * 160, "", domestic=False).parts
    ((67, 67, 26), (160,))
    """
    whole = signed(text, signature, domestic)
    if not domestic and all(char in _BASIC or char in _EXTENDED for char in whole):
        widths = [2 if char in _EXTENDED else 1 for char in whole]
        encoding: Literal["gsm7", "ucs2"] = "gsm7"
        one, many = 160, 153
    else:
        widths = [2 if ord(char) > 0xFFFF else 1 for char in whole]
        encoding, one, many = "ucs2", 70, 67
    units = sum(widths)
    if units <= one:
        parts = [units]
        room = one
    else:
        room, parts = many, [0]
        for width in widths:
            if parts[-1] + width > many:
                parts.append(0)
            parts[-1] += width
    return Measured(
        text=whole,
        encoding=encoding,
        characters=units,
        segments=len(parts),
        left=room - parts[-1],
        parts=tuple(parts),
    )


def variables(text: str) -> tuple[str, ...]:
    """Names of a template's {variables}, in the order of the text, each once."""
    return tuple(dict.fromkeys(_VARIABLE.findall(text)))


def render(text: str, values: Mapping[str, str]) -> tuple[str, dict[str, str], tuple[str, ...]]:
    """The template with its values; the values as they went in, in the order of the text; the names that have none."""
    used: dict[str, str] = {}
    missing: list[str] = []
    for name in variables(text):
        value = plain(values.get(name, ""))
        if value:
            used[name] = value
        else:
            missing.append(name)
    return _VARIABLE.sub(lambda found: used.get(found[1], found[0]), text), used, tuple(missing)


def plain(value: str) -> str:
    """A value fit for a text: one line, bounded, no control characters, and no brackets that could pass for ours.

    >>> plain(" 周敏\\n【银行】 ")
    '周敏 (银行)'
    """
    kept = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in value[: LONGEST_VALUE * 4])
    return " ".join(kept.replace("【", "(").replace("】", ")").split())[:LONGEST_VALUE]


def faults(text: str, *, domestic: bool) -> tuple[str, ...]:
    """What is wrong with a text: `empty`, `signature` (a second one), `control`."""
    found = []
    if not text.strip():
        found.append("empty")
    if domestic and ("【" in text or "】" in text):
        found.append("signature")
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\r" for c in text):
        found.append("control")
    return tuple(found)


def has_way_out(text: str) -> bool:
    """Whether an advertisement says how to have no more of it."""
    folded = fold(text)
    return any(hint in folded for hint in ("退订", "拒收", "回t", "回复t", "回复r", "回n", "回复n", "stop"))


def fold(text: str) -> str:
    """For comparing what people type: compatibility forms as plain ones, case aside."""
    return unicodedata.normalize("NFKC", text).casefold()


def refusal(
    text: str, marketing: Collection[str] = MARKETING_WORDS, everything: Collection[str] = ALL_WORDS
) -> Literal["marketing", "all"] | None:
    """What a customer's text refuses, where it is one of the words and nothing else but signs around it.

    >>> refusal(" ｔｄ。"), refusal("退订"), refusal("stop"), refusal("R u there?"), refusal("退订单怎么办")
    ('marketing', 'marketing', 'all', None, None)
    """
    said = _EDGES.sub("", fold(text[:60])).strip()
    if said in {fold(word) for word in everything}:
        return "all"
    short = said.removeprefix("回复").removeprefix("回").strip()
    return "marketing" if {said, short} & {fold(word) for word in marketing} else None
