"""Query values and bodies as the handlers take them: checked, bounded, refused in words."""

from __future__ import annotations

from typing import TypeVar

from aiohttp import web

from cti.web.ports import Refusal
from cti.web.routes import Request

T = TypeVar("T", bound=str)


def one_of(request: Request, name: str, known: tuple[T, ...]) -> T | None:
    """A query value that is one of a few words; None where it is not given."""
    given = request.query(name)
    if not given:
        return None
    for word in known:
        if given == word:
            return word
    raise Refusal(400, "bad_query", f"{name} 不认识", f"`{name}` is none of the known words")


def number_of(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A whole number of the query, cut to its bounds."""
    given = request.query(name)
    if not given:
        return default
    try:
        return max(least, min(most, int(given[:12])))
    except ValueError:
        raise Refusal(400, "bad_query", f"{name} 应为整数", f"`{name}` is a whole number") from None


def moment_of(request: Request, name: str) -> float | None:
    """Epoch seconds of the query; None where none are given."""
    given = request.query(name)
    if not given:
        return None
    try:
        found = float(given[:40])
    except ValueError:
        found = -1.0
    if not 0 <= found < 1e11:
        raise Refusal(400, "bad_query", f"{name} 应为秒数", f"`{name}` is a number of seconds")
    return found


async def bounded(raw: web.Request, limit: int) -> bytes:
    """A body of at most `limit` bytes; not one byte more is kept of a longer one."""
    if (raw.content_length or 0) > limit:
        raise Refusal(413, "too_long", "请求过大", "The request is too large")
    found = bytearray()
    async for chunk in raw.content.iter_chunked(64 * 1024):
        found += chunk
        if len(found) > limit:
            raise Refusal(413, "too_long", "请求过大", "The request is too large")
    return bytes(found)
