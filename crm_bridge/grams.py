"""Texts as runs of neighbouring characters: an index of them needs no dictionary, so it works for Chinese (pure)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_TERMS: Final = 8
MAX_TERM: Final = 40
_BREAK: Final = re.compile(r"[\W_]+")


def plain(text: str) -> str:
    """Text as it is compared: width and case do not count, all that is no letter or digit is one space.

    >>> plain("４０ＨＱ，Ocean-Freight!")
    '40hq ocean freight'
    """
    return _BREAK.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def grams(text: str) -> set[str]:
    """Every character of a plain text, and every two neighbours within a run.

    >>> sorted(grams("报价单 1"))
    ['1', '价', '价单', '单', '报', '报价']
    """
    found: set[str] = set()
    for run in text.split():
        found.update(run)
        found.update(run[at : at + 2] for at in range(len(run) - 1))
    return found


def terms(text: str) -> list[str]:
    """What is searched for: the runs of a text, all of which must be found."""
    return list(dict.fromkeys(run[:MAX_TERM] for run in plain(text[:400]).split()))[:MAX_TERMS]


def wanted(words: list[str]) -> list[str]:
    """The fewest grams that a text with all these words has: pairs, a lone character by itself."""
    found: dict[str, None] = {}
    for word in words:
        if len(word) == 1:
            found[word] = None
        found.update(dict.fromkeys(word[at : at + 2] for at in range(len(word) - 1)))
    return list(found)


def marks(text: str, words: list[str], limit: int = 20) -> tuple[tuple[int, int], ...]:
    """(start, end) of the words in a text as it stands, for whoever shows it; width and case do not count."""
    spots: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        for one in unicodedata.normalize("NFKC", char).casefold():
            spots.append(one)
            places.append(place)
    whole = "".join(spots)
    found: list[tuple[int, int]] = []
    for word in words:
        at = whole.find(word)
        while at >= 0 and len(found) < limit:
            found.append((places[at], places[at + len(word) - 1] + 1))
            at = whole.find(word, at + len(word))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
