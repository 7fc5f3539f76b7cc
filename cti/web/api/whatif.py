"""What would be with other staff, and the staff of a day to come."""

from __future__ import annotations

from aiohttp import web

from cti.web.ports import Refusal
from cti.web.routes import Request, Route, answer
from cti.wire.watching import Staffing, WhatIf

STAFFING = ("queue", "day", "goal", "target", "weeks")


def _queue(request: Request) -> str:
    queue = request.query("queue")
    if not queue:
        raise Refusal(400, "bad_query", "请指定队列 queue", "Name a queue: `queue`")
    return queue


async def what_if(request: Request) -> web.StreamResponse:
    """One agent more or less."""
    return answer(await request.services.watching.forecasts.what_if(_queue(request), request.query("until")))


async def staffing(request: Request) -> web.StreamResponse:
    """A day's staff by interval."""
    params = {name: value for name, value in request.raw.query.items() if name in STAFFING}
    return answer(await request.services.watching.forecasts.staffing(_queue(request), params))


ROUTES = (
    Route(
        method="GET",
        path="/whatif",
        right="board",
        handler=what_if,
        summary="What one agent more or less would do to the service level now",
        answer=WhatIf,
        query=("queue", "until"),
    ),
    Route(
        method="GET",
        path="/staffing",
        right="board",
        handler=staffing,
        summary="How many agents a day needs, by half-hour",
        answer=Staffing,
        query=STAFFING,
    ),
)
