"""Alerts: what is open, what was, and who wants quiet."""

from __future__ import annotations

import math

import msgspec
from aiohttp import web

from cti.web.ports import Refusal
from cti.web.ports.watching import SilenceWish
from cti.web.routes import Request, Route, answer, nothing
from cti.wire.watching import AlertLog, LimitsView, Silence


class SilenceAnswer(msgspec.Struct, kw_only=True):
    """Answer of POST /alerts/silences."""

    silence: Silence


def seconds_of(request: Request, name: str) -> float | None:
    """A query parameter that is a moment. Raises Refusal for nonsense."""
    raw = request.query(name)
    if raw is None or raw == "":
        return None
    try:
        value = float(raw)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or not 0 <= value < 1e11:
        raise Refusal(400, "bad_query", f"{name} 应是秒数", f"`{name}` is a number of seconds")
    return value


async def listed(request: Request) -> web.StreamResponse:
    """Open alerts and the log."""
    before = seconds_of(request, "before")
    kind, queue = request.query("kind") or None, request.query("queue") or None
    return answer(await request.services.watching.alerts.listed(request.who, before, kind, queue))


async def silence(request: Request) -> web.StreamResponse:
    """Quiet for a while."""
    wish = await request.body(SilenceWish)
    return answer(SilenceAnswer(silence=await request.services.watching.alerts.silence(request.who, wish)), 201)


async def unsilence(request: Request) -> web.StreamResponse:
    """Loud again."""
    await request.services.watching.alerts.unsilence(request.who, request.path("silence"))
    return nothing()


async def limits(request: Request) -> web.StreamResponse:
    """From where on something is told."""
    return answer(await request.services.watching.alerts.limits())


ROUTES = (
    Route(
        method="GET",
        path="/alerts",
        right="board",
        handler=listed,
        summary="Open alerts, the log, and who wants quiet",
        answer=AlertLog,
        query=("before", "kind", "queue"),
    ),
    Route(
        method="POST",
        path="/alerts/silences",
        right="board",
        handler=silence,
        summary="Silence alerts for a while, for oneself or for all",
        body=SilenceWish,
        answer=SilenceAnswer,
        status=201,
    ),
    Route(
        method="DELETE",
        path="/alerts/silences/{silence}",
        right="board",
        handler=unsilence,
        summary="End a silence: one's own, or one for all",
        status=204,
    ),
    Route(
        method="GET",
        path="/alerts/limits",
        right="board",
        handler=limits,
        summary="From where on something is told, and how the webhooks stand",
        answer=LimitsView,
    ),
)
