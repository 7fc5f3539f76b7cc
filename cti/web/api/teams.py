"""Teams: who is in which since when."""

from __future__ import annotations

import msgspec
from aiohttp import web

from cti.web.routes import Request, Route, answer
from cti.wire.watching import Member, TeamHistory, Teams


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of PUT /teams/{login}."""

    team: str
    since: float | None = None


class MoveAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of PUT /teams/{login}."""

    member: Member


async def teams(request: Request) -> web.StreamResponse:
    """As it is now."""
    return answer(await request.services.watching.teams.teams())


async def history(request: Request) -> web.StreamResponse:
    """As it was."""
    return answer(await request.services.watching.teams.history(request.path("login")))


async def move(request: Request) -> web.StreamResponse:
    """Another team."""
    body = await request.body(Move)
    member = await request.services.watching.teams.move(request.who, request.path("login"), body.team, body.since)
    return answer(MoveAnswer(member=member))


ROUTES = (
    Route(method="GET", path="/teams", right="teams", handler=teams, summary="Teams and their members", answer=Teams),
    Route(
        method="GET",
        path="/teams/{login}/history",
        right="teams",
        handler=history,
        summary="A user's teams through time",
        answer=TeamHistory,
    ),
    Route(
        method="PUT",
        path="/teams/{login}",
        right="teams",
        handler=move,
        summary="Put a user into a team, from now or from an earlier moment on",
        body=Move,
        answer=MoveAnswer,
    ),
)
