"""The board of any past minute."""

from __future__ import annotations

from aiohttp import web

from cti.web.api.alerts import seconds_of
from cti.web.ports import Refusal
from cti.web.routes import Request, Route, answer
from cti.wire.watching import Replay, ReplayRange

LONGEST_S = 600.0


async def span(request: Request) -> web.StreamResponse:
    """What can be replayed."""
    return answer(await request.services.watching.replays.range())


async def replay(request: Request) -> web.StreamResponse:
    """The board at a moment and what changed after it."""
    at, seconds = seconds_of(request, "at"), seconds_of(request, "seconds")
    if at is None:
        raise Refusal(400, "bad_query", "请指定时刻 at（秒）", "Name a moment: `at` in seconds")
    seconds = min(LONGEST_S, max(1.0, seconds or LONGEST_S))
    return answer(await request.services.watching.replays.replay(request.who, at, seconds))


ROUTES = (
    Route(
        method="GET",
        path="/replay/range",
        right="board",
        handler=span,
        summary="From when to when the board can be replayed",
        answer=ReplayRange,
    ),
    Route(
        method="GET",
        path="/replay",
        right="board",
        handler=replay,
        summary="The board at a moment and what changed in the seconds after it",
        answer=Replay,
        query=("at", "seconds"),
    ),
)
