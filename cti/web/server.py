"""The HTTP port: pages, API, and what those who watch the service ask for."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import Final
from weakref import WeakSet

from aiohttp import web

from cti.listening import BACKLOG, listening, take_no_more
from cti.web import openapi
from cti.web.api import (
    alerts,
    catalogue,
    control,
    conversations,
    history,
    intake,
    knowledge,
    lanes,
    parties,
    pops,
    quotes,
    recordings,
    replay,
    session,
    sms,
    teams,
    wallboard,
    whatif,
)
from cti.web.ports import Refusal, not_found
from cti.web.routes import (
    MAX_BODY,
    PUBLIC,
    SERVICES,
    Request,
    Route,
    Services,
    answer,
    entrance,
    headers_of,
    refused,
)

log = logging.getLogger(__name__)

PREFIX: Final = "/api/v1"
ASKED: Final = web.AppKey("asked", WeakSet)
"Connections that have asked something."
STATIC: Final = Path(str(files("cti.web"))) / "static"
TYPES: Final = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
}
"What is served from the static folder, and as what; other files are not."
_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,79}\Z")


async def healthz(request: Request) -> web.StreamResponse:
    """The process is up."""
    return web.Response(text="ok\n")


async def readyz(request: Request) -> web.StreamResponse:
    """Ready to show calls, and what is to be known besides; else 503 and why, one line each."""
    condition = request.services.condition
    reasons = condition.ready()
    lines = reasons or ["ready", *condition.notes()]
    return web.Response(text="".join(f"{line}\n" for line in lines), status=503 if reasons else 200)


async def metrics(request: Request) -> web.StreamResponse:
    """Counters in Prometheus' text format."""
    return web.Response(
        body=request.services.condition.metrics().encode(),
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
    )


async def describe(request: Request) -> web.StreamResponse:
    """The OpenAPI document."""
    return answer(openapi.document(API, PREFIX, request.services.version))


def _static(path: str) -> Path | None:
    """The file of a page's path; None for whatever is not one of ours."""
    parts = [p for p in path.split("/") if p]
    if len(parts) > 8 or not all(_SEGMENT.match(p) for p in parts):
        return None
    if not parts:
        return None
    if "." not in parts[-1]:
        parts[-1] += ".html"
    found = STATIC.joinpath(*parts)
    return found if found.suffix in TYPES and found.is_file() else None


async def home(request: Request) -> web.StreamResponse:
    """To the page that is this user's: the desk, the board, or the login."""
    headers = {"Cookie": "; ".join(request.raw.headers.getall("Cookie", []))}
    identity = await request.services.auth.identify(headers)
    where = "/login" if identity is None else "/desk" if identity.role == "agent" else "/board"
    return web.Response(status=302, headers={"Location": where})


async def page(request: Request) -> web.StreamResponse:
    """A file of the pages."""
    found = _static(request.path("path"))
    if found is None:
        raise not_found()
    kind = TYPES[found.suffix]
    text = kind.startswith("text/") or kind.endswith(("json", "xml"))
    response = web.FileResponse(found)
    response.headers["Content-Type"] = f"{kind}; charset=utf-8" if text else kind
    # Files bear no version in their name: browsers ask each time, and mostly hear that nothing changed.
    response.headers["Cache-Control"] = "no-cache"
    return response


API: Final = (
    *session.ROUTES,
    *pops.ROUTES,
    *parties.ROUTES,
    *history.ROUTES,
    *catalogue.ROUTES,
    *control.ROUTES,
    *conversations.ROUTES,
    *intake.ROUTES,
    *knowledge.ROUTES,
    *lanes.ROUTES,
    *quotes.ROUTES,
    *sms.ROUTES,
    *alerts.ROUTES,
    *recordings.ROUTES,
    *replay.ROUTES,
    *teams.ROUTES,
    *wallboard.ROUTES,
    *whatif.ROUTES,
    Route(method="GET", path="/openapi.json", right=PUBLIC, handler=describe, summary="This document", answer=dict),
)
OTHERS: Final = (
    Route(method="GET", path="/healthz", right=PUBLIC, handler=healthz, summary="The process is up"),
    Route(method="GET", path="/readyz", right=PUBLIC, handler=readyz, summary="Ready to show calls"),
    Route(method="GET", path="/metrics", right=PUBLIC, handler=metrics, summary="Counters"),
    Route(method="GET", path="/", right=PUBLIC, handler=home, summary="To one's own page", status=302),
    Route(method="GET", path="/{path:.*}", right=PUBLIC, handler=page, summary="The pages"),
)
ROUTES: Final = (
    *((PREFIX + route.path, route) for route in API),
    *((route.path, route) for route in OTHERS),
)
"[(path, route)] of everything that is served; the pages come last, for they take any path."
WATCHING: Final = tuple((route.path, route) for route in OTHERS[:3])
"What a node answers that serves no pages."


def _guard(services: Services, asked: WeakSet[object]) -> Callable[..., Awaitable[web.StreamResponse]]:
    common = headers_of(services.site, services.auth.cookie.startswith("__Host-"))

    @web.middleware
    async def guard(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if request.transport is not None:
            asked.add(request.transport)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            if error.status == 413:
                response = refused(Refusal(413, "too_long", "请求过大", "The request is too large"))
            else:
                response = refused(Refusal(error.status, "http", error.reason, error.reason))
                if "Allow" in error.headers:
                    response.headers["Allow"] = error.headers["Allow"]
        response.headers.update(common)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return guard


def application(services: Services, *, pages: bool = True) -> web.Application:
    """The aiohttp application of all routes; without `pages` of those only that watch the service."""
    asked: WeakSet[object] = WeakSet()
    app = web.Application(client_max_size=MAX_BODY, middlewares=[_guard(services, asked)])
    app[SERVICES] = services
    app[ASKED] = asked

    async def absent(request: web.Request) -> web.StreamResponse:
        return refused(not_found())

    for path, route in ROUTES if pages else WATCHING:
        if route is OTHERS[0]:  # what else is asked of the API does not exist, and is no page either
            app.router.add_route("*", PREFIX + "/{path:.*}", absent)
        app.router.add_route(route.method, path, entrance(route, services))
    return app


class WebServer:
    """Serves the application on one port."""

    def __init__(self, services: Services, *, pages: bool = True) -> None:
        """`pages`: False for a node that only tells how it is."""
        app = application(services, pages=pages)
        self._asked = app[ASKED]
        self._runner = web.AppRunner(
            app,
            access_log=None,  # paths hold calls' and parties' keys; /metrics counts instead
            handler_cancellation=False,
            shutdown_timeout=2.0,
            keepalive_timeout=75.0,
        )
        self._sock: socket.socket | None = None

    async def start(self, host: str, port: int, *, sock: socket.socket | None = None) -> int:
        """Listen; returns the port (useful where `port` is 0)."""
        await self._runner.setup()
        self._sock = sock or listening(host, port)
        await web.SockSite(self._runner, self._sock, backlog=BACKLOG).start()
        return int(self._sock.getsockname()[1])

    async def stop(self) -> None:
        """Answer what is under way, and stop; who connects from now on is the next one's to answer."""
        if self._sock is not None:
            # The library closes on whoever has not asked yet.
            await take_no_more(self._sock, self._somebody_has_not_asked)
        await self._runner.cleanup()

    def _somebody_has_not_asked(self) -> bool:
        server = self._runner.server
        return server is not None and not all(
            one.transport is None or one.transport in self._asked for one in server.connections
        )
