"""Logging in and out, and the user's own settings and state."""

from __future__ import annotations

from typing import Literal

import msgspec
from aiohttp import web

from cti import wire
from cti.auth import LoginRefused
from cti.web.ports import Refusal
from cti.web.routes import ANY, PUBLIC, Request, Route, answer, nothing

LOOPBACK = ("127.0.0.1", "::1")


class Login(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /login."""

    user: str = msgspec.field()
    password: str
    interface: str | None = None
    "A phone to sit at, for a user without one of his own."


class Phone(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /me/phone."""

    interface: str


class Language(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /me/language."""

    language: Literal["zh", "en"]


class Pause(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /me/pause."""

    paused: bool
    reason: str = ""


class MeAnswer(msgspec.Struct, kw_only=True):
    """Answer of GET /me."""

    me: wire.Me
    push_url: str
    version: str
    warn_plain_http: bool


class LoginAnswer(msgspec.Struct, kw_only=True):
    """Answer of POST /login."""

    me: wire.Me


async def login(request: Request) -> web.StreamResponse:
    """Open a session; the token goes into the cookie and nowhere else."""
    body = await request.body(Login)
    auth = request.services.auth
    # Behind a proxy on this machine every browser has the same address: it says nothing then.
    address = request.raw.remote or ""
    if len(body.user) > 128 or len(body.password) > 1024:
        raise Refusal(401, "wrong", "用户名或密码不对", "Wrong user or password")
    try:
        token, identity = await auth.login(body.user, body.password, "" if address in LOOPBACK else address)
    except LoginRefused as refusal:
        if refusal.retry_after > 0:
            seconds = int(refusal.retry_after + 0.999)
            raise Refusal(
                429,
                "wait",
                f"尝试次数过多，请 {seconds} 秒后再试",
                f"Too many attempts; try again in {seconds} s",
                retry_after=refusal.retry_after,
            ) from None
        raise Refusal(401, "wrong", "用户名或密码不对", "Wrong user or password") from None
    old = await auth.identify({"Cookie": request.raw.headers.get("Cookie", "")})
    if old is not None:
        await request.desk.logged_out(old)
        await auth.logout(old)
    if body.interface:
        try:
            await request.desk.take_phone(identity, body.interface)
        except Refusal:
            await auth.logout(identity)
            raise
    response = answer(LoginAnswer(me=request.desk.me(identity)))
    response.headers["Set-Cookie"] = auth.cookie_header(token)
    return response


async def logout(request: Request) -> web.StreamResponse:
    """End the session and close its pages."""
    await request.desk.logged_out(request.who)
    await request.services.auth.logout(request.who)
    response = nothing()
    response.headers["Set-Cookie"] = request.services.auth.cookie_header(None)
    response.headers["Clear-Site-Data"] = '"storage"'
    return response


async def me(request: Request) -> web.StreamResponse:
    """Who I am, and where to connect to."""
    site = request.services.site
    return answer(
        MeAnswer(
            me=request.desk.me(request.who),
            push_url=site.push_url(request.raw.headers.get("Origin"), request.raw.host),
            version=request.services.version,
            warn_plain_http=site.plain,
        )
    )


async def phone(request: Request) -> web.StreamResponse:
    """Sit at a phone."""
    await request.desk.take_phone(request.who, (await request.body(Phone)).interface)
    return nothing()


async def language(request: Request) -> web.StreamResponse:
    """Choose the language."""
    await request.desk.set_language(request.who, (await request.body(Language)).language)
    return nothing()


async def pause(request: Request) -> web.StreamResponse:
    """Ask for a pause; what is shown changes when the PBX says so."""
    body = await request.body(Pause)
    await request.desk.pause(request.who, body.paused, body.reason)
    return web.Response(status=202)


ROUTES = (
    Route(
        method="POST",
        path="/login",
        right=PUBLIC,
        handler=login,
        summary="Open a session",
        body=Login,
        answer=LoginAnswer,
    ),
    Route(method="POST", path="/logout", right=ANY, handler=logout, summary="End the session", status=204),
    Route(method="GET", path="/me", right=ANY, handler=me, summary="Who I am", answer=MeAnswer),
    Route(method="POST", path="/me/phone", right="desk", handler=phone, summary="Take a phone", body=Phone, status=204),
    Route(
        method="POST",
        path="/me/language",
        right=ANY,
        handler=language,
        summary="Choose the language",
        body=Language,
        status=204,
    ),
    Route(
        method="POST",
        path="/me/pause",
        right="control",
        handler=pause,
        summary="Ask for a pause or its end",
        body=Pause,
        status=202,
    ),
)
