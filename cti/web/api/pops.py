"""Pops and calls: putting away, choosing, reading again; notes, drafts and the history."""

from __future__ import annotations

import math
from typing import Any

import msgspec
from aiohttp import web

from cti import wire
from cti.web.ports import Refusal, not_found
from cti.web.routes import Request, Route, answer, nothing

MAX_NOTE = 4000
"Characters of a note."
MAX_DRAFT = 16 * 1024
"Bytes of a draft."
PAGE = 50
"Calls in one answer of the history."


class Choose(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /pops/{pop}/choose."""

    party: str | None
    "Null: nobody of these."


class NoteBody(msgspec.Struct, forbid_unknown_fields=True):
    """Body of PUT /calls/{call}/note."""

    text: str
    version: int = 0
    "The version this text was made from; 0 for the first."


class NoteAnswer(msgspec.Struct, kw_only=True):
    """Answer of PUT /calls/{call}/note."""

    version: int
    saved_at: float


class CallsAnswer(msgspec.Struct, kw_only=True):
    """Answer of GET /calls."""

    calls: tuple[wire.CallItem, ...]
    next: float | None
    "Pass as `before` for the next page; null at the end."


async def dismiss(request: Request) -> web.StreamResponse:
    """Put a pop away for good."""
    await request.desk.dismiss(request.who, request.path("pop"))
    return nothing()


async def choose(request: Request) -> web.StreamResponse:
    """Say who the caller is."""
    await request.desk.choose(request.who, request.path("pop"), (await request.body(Choose)).party)
    return nothing()


async def refresh(request: Request) -> web.StreamResponse:
    """Read one section again; it follows by push."""
    section = request.path("section")
    if section not in wire.SECTIONS:
        raise not_found()
    request.desk.refresh(request.who, request.path("pop"), section)
    return web.Response(status=202)


async def note(request: Request) -> web.StreamResponse:
    """Save the call's note."""
    body = await request.body(NoteBody)
    if len(body.text) > MAX_NOTE:
        raise Refusal(413, "too_long", f"备注最多 {MAX_NOTE} 字", f"A note holds {MAX_NOTE} characters")
    saved = await request.desk.save_note(request.who, request.path("call"), body.text, body.version)
    return answer(NoteAnswer(version=saved.version, saved_at=saved.saved_at))


async def draft(request: Request) -> web.StreamResponse:
    """Keep what was typed and not saved; an empty object drops it. `leaving=1`: the page that held it goes away."""
    if (request.raw.content_length or 0) > MAX_DRAFT or len(await request.raw.read()) > MAX_DRAFT:
        raise Refusal(413, "too_long", "草稿过大", "The draft is too large")
    kept = await request.body(dict[str, Any])
    await request.desk.save_draft(request.who, request.path("call"), kept, leaving=request.query("leaving") == "1")
    return nothing()


async def calls(request: Request) -> web.StreamResponse:
    """Calls, newest first: one's own, or everybody's by right."""
    before = request.query("before")
    try:
        since = float(before) if before is not None else None
    except ValueError:
        since = math.nan
    if since is not None and not math.isfinite(since):
        raise Refusal(400, "bad_query", "before 应为秒数", "`before` is a number of seconds")
    mine = request.query("mine") != "0"
    found, further = await request.desk.history(request.who, mine, since, PAGE)
    return answer(CallsAnswer(calls=tuple(found), next=further))


ROUTES = (
    Route(
        method="POST",
        path="/pops/{pop}/dismiss",
        right="desk",
        handler=dismiss,
        summary="Put a pop away",
        status=204,
    ),
    Route(
        method="POST",
        path="/pops/{pop}/choose",
        right="desk",
        handler=choose,
        summary="Say who the caller is",
        body=Choose,
        status=204,
    ),
    Route(
        method="POST",
        path="/pops/{pop}/sections/{section}",
        right="desk",
        handler=refresh,
        summary="Read one section again",
        status=202,
    ),
    Route(
        method="PUT",
        path="/calls/{call}/note",
        right="edit",
        handler=note,
        summary="Save the call's note",
        body=NoteBody,
        answer=NoteAnswer,
    ),
    Route(
        method="PUT",
        path="/calls/{call}/draft",
        right="desk",
        handler=draft,
        summary="Keep what was typed and not saved",
        body=dict[str, Any],
        status=204,
        query=("leaving",),
    ),
    Route(
        method="GET",
        path="/calls",
        right="desk",
        handler=calls,
        summary="Calls, newest first",
        answer=CallsAnswer,
        query=("mine", "before"),
    ),
)
