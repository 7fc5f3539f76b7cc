"""Ports as people write them: code, Chinese or English name, initials of the pinyin, or an old name (pure).

The table is `ports.txt`: some 450 sea ports, river ports and rail terminals of a Chinese forwarder's trade. Codes are
UN/LOCODE where the trade uses it; where the trade prefers another (CNSHA is an airport to the UN), the trade's stands,
and the other is an alias. A place that is not in the table is free text, never an error.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from importlib import resources
from typing import Final

import msgspec

MAX_KEY: Final = 40


class Region(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the world that freight is sold by."""

    key: str
    name: str
    name_en: str


class Port(msgspec.Struct, frozen=True, kw_only=True):
    """A sea port, river port, inland point or rail terminal."""

    code: str
    name: str
    name_en: str
    initials: str
    "First letters of the Chinese name's pinyin: sh for 上海."
    region: Region
    aliases: tuple[str, ...] = ()


class _Table(msgspec.Struct, frozen=True):
    ports: tuple[Port, ...]
    by_name: dict[str, Port]
    "Folded code, names and aliases."
    heads: tuple[str, ...]
    "What may stand before a port's name: countries, provinces."


_NOISE = re.compile(r"[\s'’`´.·\-_]+")
_PARTS = re.compile(r"[/,，、;；()（）\[\]【】|]|\s-\s")
_TAILS: Final = ("国际港", "港口", "港", "口岸", "市", "port", "seaport")


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return _NOISE.sub("", "".join(char for char in plain if not unicodedata.combining(char)))


@lru_cache(maxsize=1)
def _table() -> _Table:
    text = resources.files(__package__ or "").joinpath("ports.txt").read_text("utf-8")
    ports: list[Port] = []
    by_name: dict[str, Port] = {}
    region = Region(key="", name="", name_en="")
    heads: tuple[str, ...] = ()
    for line in text.splitlines():
        if line.startswith("< "):
            heads = tuple(line[2:].split(","))
            continue
        if line.startswith("# "):
            key, name, name_en = line[2:].split("|")
            region = Region(key=key, name=name, name_en=name_en)
            continue
        code, name, name_en, initials, aliases = line.split("|")
        port = Port(
            code=code,
            name=name,
            name_en=name_en,
            initials=initials,
            region=region,
            aliases=tuple(alias for alias in aliases.split(",") if alias),
        )
        ports.append(port)
        for written in (code, name, name_en, *port.aliases):
            by_name.setdefault(_fold(written), port)
    return _Table(tuple(ports), by_name, heads)


def ports() -> tuple[Port, ...]:
    """All of them, by region, the busy ones of a region first."""
    return _table().ports


def find(text: str) -> Port | None:
    """The port that a text names as a whole, in any spelling; None for none, and for a text that names two.

    >>> find("宁波港").code, find("NINGBO, CHINA").code, find("Hamburg (DEHAM)").code, find("宁波到汉堡")
    ('CNNGB', 'CNNGB', 'DEHAM', None)
    """
    return _find(text[:120])


@lru_cache(maxsize=4096)
def _find(text: str) -> Port | None:
    if found := _one(text):
        return found
    # "NINGBO, CHINA", "汉堡/Hamburg", "上海（洋山）": what is known must agree.
    known = {port.code: port for part in _PARTS.split(text) if (port := _one(part)) is not None}
    if len(known) == 1:
        return next(iter(known.values()))
    if not known:
        known = {port.code: port for part in text.split() if (port := _one(part)) is not None and _telling(part)}
    return next(iter(known.values())) if len(known) == 1 else None


def _telling(word: str) -> bool:
    """Two letters of a sentence are no port."""
    return len(word) > 2 or (len(word) == 2 and not word.isascii())


def _one(text: str) -> Port | None:
    folded = _fold(text)
    names = _table().by_name
    if not folded:
        return None
    if found := names.get(folded):
        return found
    for head in _table().heads:
        if folded.startswith(head) and (found := names.get(folded.removeprefix(head))):
            return found
    for tail in _TAILS:
        if folded.endswith(tail) and (found := names.get(folded.removesuffix(tail))):
            return found
    return None


def lane_key(text: str) -> str:
    """By what a place is compared: a known port's code, else the text folded and cut; '' for nothing.

    >>> lane_key("Ningbo"), lane_key("北仑"), lane_key(" 某某 码头 ")
    ('CNNGB', 'CNNGB', '某某码头')
    """
    port = find(text)
    return port.code if port is not None else _fold(text)[:MAX_KEY]


def search(text: str, limit: int = 10) -> list[Port]:
    """Ports for what somebody is typing: code, Chinese, English, initials of the pinyin or an alias; best first.

    >>> [port.code for port in search("nb", 2)], [port.code for port in search("汉")]
    (['CNNGB', 'JPNAH'], ['DEHAM'])
    """
    typed = _fold(text[:40])
    if not typed or limit < 1:
        return []
    ranked: list[tuple[int, int, Port]] = []
    for place, port in enumerate(_table().ports):
        rank = _rank(port, typed)
        if rank is not None:
            ranked.append((rank, place, port))
    ranked.sort(key=lambda row: row[:2])
    return [port for *_, port in ranked[:limit]]


@lru_cache(maxsize=1)
def _folded() -> dict[str, tuple[str, str, str, tuple[str, ...]]]:
    return {
        port.code: (
            port.code.casefold(),
            _fold(port.name),
            _fold(port.name_en),
            tuple(_fold(alias) for alias in port.aliases),
        )
        for port in _table().ports
    }


def _rank(port: Port, typed: str) -> int | None:
    """How well a port answers, 0 best; None for not at all."""
    code, name, name_en, aliases = _folded()[port.code]
    words = [_fold(word) for word in port.name_en.split()]
    tests = (
        typed in (code, name, name_en),
        typed == port.initials,
        typed in aliases,
        name.startswith(typed) or name_en.startswith(typed),
        port.initials.startswith(typed),
        code.startswith(typed) or (len(typed) == 3 and code[2:] == typed),
        any(alias.startswith(typed) for alias in aliases) or any(word.startswith(typed) for word in words),
        len(typed) > 1 and (typed in name or any(typed in alias for alias in aliases)),
    )
    return next((rank for rank, hit in enumerate(tests) if hit), None)
