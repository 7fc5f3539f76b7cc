"""Wallboards: tokens for screens that nobody logs in at."""

from __future__ import annotations

import msgspec
from aiohttp import web

from cti.web.ports import Refusal
from cti.web.routes import PUBLIC, Request, Route, answer, nothing
from cti.wire.watching import WallToken


class Enter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST /wallboard/enter."""

    token: str


class Here(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of GET /wallboard/here."""

    push_url: str
    version: str
    label: str
    site: str


class NewWall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST /wallboard/tokens."""

    label: str
    days: int | None = None


class WallAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of POST /wallboard/tokens: the token is shown this once."""

    token: str
    path: str
    wallboard: WallToken


class WallsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of GET /wallboard/tokens."""

    tokens: tuple[WallToken, ...]


async def enter(request: Request) -> web.StreamResponse:
    """A screen shows its token and gets its cookie."""
    body = await request.body(Enter)
    response = nothing()
    response.headers["Set-Cookie"] = await request.services.watching.walls.enter(body.token)
    return response


async def here(request: Request) -> web.StreamResponse:
    """Where a screen connects to; for a wall's cookie, or the session of somebody who may see the board."""
    services = request.services
    headers = {"Cookie": "; ".join(request.raw.headers.getall("Cookie", []))}
    identity = await services.auth.identify(headers) or await services.watching.walls.identify(headers)
    if identity is None:
        raise Refusal(401, "log_in", "请用管理员给的地址打开大屏", "Open the wallboard by your administrator's address")
    if "wallboard" not in identity.rights:
        raise Refusal(403, "no_right", "没有这项权限", "You have no right to that")
    return answer(
        Here(
            push_url=services.site.push_url(request.raw.headers.get("Origin"), request.raw.host),
            version=services.version,
            label=identity.name,
            site=services.watching.walls.site,
        )
    )


async def tokens(request: Request) -> web.StreamResponse:
    """Which screens may look."""
    return answer(WallsAnswer(tokens=tuple(await request.services.watching.walls.tokens())))


async def create(request: Request) -> web.StreamResponse:
    """A token for a screen."""
    body = await request.body(NewWall)
    token, wall = await request.services.watching.walls.create(request.who, body.label, body.days)
    return answer(WallAnswer(token=token, path=f"/wallboard#{token}", wallboard=wall), 201)


async def revoke(request: Request) -> web.StreamResponse:
    """A screen may look no more."""
    await request.services.watching.walls.revoke(request.who, request.path("wall"))
    return nothing()


ROUTES = (
    Route(
        method="POST",
        path="/wallboard/enter",
        right=PUBLIC,
        handler=enter,
        summary="A screen shows its token and gets a cookie",
        body=Enter,
        status=204,
    ),
    Route(
        method="GET",
        path="/wallboard/here",
        right=PUBLIC,
        handler=here,
        summary="Where a screen connects to",
        answer=Here,
    ),
    Route(
        method="GET",
        path="/wallboard/tokens",
        right="wallboards",
        handler=tokens,
        summary="Which screens may look",
        answer=WallsAnswer,
    ),
    Route(
        method="POST",
        path="/wallboard/tokens",
        right="wallboards",
        handler=create,
        summary="A token for a screen, shown once",
        body=NewWall,
        answer=WallAnswer,
        status=201,
    ),
    Route(
        method="DELETE",
        path="/wallboard/tokens/{wall}",
        right="wallboards",
        handler=revoke,
        summary="A screen may look no more",
        status=204,
    ),
)
