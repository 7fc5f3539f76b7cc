"""The table of all routes, and what every request passes on its way to one of them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web

from cti import wire
from cti.auth import AccountsAway, Auth, Identity, origin_allowed
from cti.web.ports import Condition, Desk, History, Refusal, Site
from cti.web.ports.customers import Customers
from cti.web.ports.messages import Messaging
from cti.web.ports.supervision import Control, OverflowRules
from cti.web.ports.watching import Watching

log = logging.getLogger(__name__)

MAX_BODY: Final = 64 * 1024
"Largest request body in bytes."
PUBLIC: Final = "public"
"Right of a route that is open without a session."
ANY: Final = "any"
"Right of a route that is open to every session."
MACHINE: Final = "machine"
"Right of a route that other programs call: no session and no page; its handler asks for a secret of their own."
SAFE: Final = ("GET", "HEAD", "OPTIONS")

S = TypeVar("S")


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """What the handlers work with."""

    auth: Auth
    desk: Desk
    history: History
    customers: Customers
    control: Control
    overflow: OverflowRules
    watching: Watching
    messages: Messaging
    condition: Condition
    site: Site
    version: str
    clock: Callable[[], float]


SERVICES: Final = web.AppKey("services", Services)


class Request:
    """A request on its way to a handler: who sent it, and its body as the route's struct."""

    __slots__ = ("identity", "raw", "services")

    def __init__(self, raw: web.Request, services: Services, identity: Identity | None) -> None:
        self.raw = raw
        self.services = services
        self.identity = identity

    @property
    def who(self) -> Identity:
        """The sender; the route's right guarantees that there is one."""
        if self.identity is None:
            raise Refusal(401, "log_in", "请先登录", "Log in first")
        return self.identity

    @property
    def desk(self) -> Desk:
        """What he may ask for."""
        return self.services.desk

    @property
    def messages(self) -> Messaging:
        """Text messages."""
        return self.services.messages

    def path(self, name: str) -> str:
        """A variable part of the path."""
        return self.raw.match_info[name]

    def query(self, name: str) -> str | None:
        """One query parameter."""
        return self.raw.query.get(name)

    async def body(self, shape: type[S]) -> S:
        """The JSON body as `shape`. Raises Refusal for anything else."""
        if self.raw.content_type != "application/json":
            raise Refusal(415, "not_json", "请求必须是 JSON", "Send application/json")
        raw = await self.raw.read()
        try:
            return msgspec.json.decode(raw, type=shape)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            # msgspec's words name a key and a type, never a value.
            text = str(error) if isinstance(error, msgspec.ValidationError) else "not JSON"
            raise Refusal(400, "bad_body", f"请求内容不对：{text}", f"Bad body: {text}") from error


Handler = Callable[[Request], Awaitable[web.StreamResponse]]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One route: what it needs and what it is for."""

    method: str
    path: str
    right: str
    "PUBLIC, ANY, MACHINE, or one of cti.auth.RIGHTS."
    handler: Handler
    summary: str
    body: Any = None
    "Struct of the request's body, for the OpenAPI document."
    answer: Any = None
    "Struct or type of the answer."
    status: int = 200
    query: tuple[str, ...] = ()


def answer(value: Any, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(body=wire.encode(value), status=status, content_type="application/json", charset="utf-8")


def nothing() -> web.Response:
    """Done, and nothing to say."""
    return web.Response(status=204)


def refused(refusal: Refusal) -> web.Response:
    """A refusal as JSON: `{"error":{"code","text","text_en"}, ...}`."""
    body = {"error": {"code": refusal.code, "text": refusal.text, "text_en": refusal.text_en}, **refusal.more}
    response = answer(body, refusal.status)
    retry_after = refusal.more.get("retry_after")
    if retry_after is not None:
        response.headers["Retry-After"] = str(max(1, int(retry_after + 0.999)))
    return response


def headers_of(site: Site, secure: bool) -> dict[str, str]:
    """The security headers of every answer (FAULTS 4.5)."""
    connect = " ".join(("'self'", *site.push_origins))
    csp = (
        f"default-src 'self'; connect-src {connect}; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'self'"
    )
    headers = {
        "Server": "thirteen",
        "Content-Security-Policy": csp,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }
    if secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


def _check_change(request: web.Request, site: Site) -> None:
    """A change must come from one of our own pages (ASVS 3.5.1-3.5.3): exact origin and the custom header."""
    origins = request.headers.getall("Origin", [])
    cross = request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none")
    listed = len(origins) == 1 and origin_allowed(origins[0], site.origins)
    if cross or (origins and not listed) or request.headers.get("X-Requested-With") != "thirteen":
        raise Refusal(403, "foreign", "只接受本站页面的请求", "Only pages of this site may do that")


def entrance(route: Route, services: Services) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The route's handler behind everything a request must pass: origin, session, right."""

    async def enter(raw: web.Request) -> web.StreamResponse:
        try:
            if route.method not in SAFE and route.right != MACHINE:
                _check_change(raw, services.site)
            identity: Identity | None = None
            if route.right not in (PUBLIC, MACHINE):
                identity = await services.auth.identify({"Cookie": "; ".join(raw.headers.getall("Cookie", []))})
                if identity is None:
                    raise Refusal(401, "log_in", "请先登录", "Log in first")
                if route.right != ANY and route.right not in identity.rights:
                    raise Refusal(403, "no_right", "没有这项权限", "You have no right to that")
                await services.auth.touch(identity)
            return await route.handler(Request(raw, services, identity))
        except Refusal as refusal:
            return refused(refusal)
        except web.HTTPException:
            raise
        except AccountsAway:
            return refused(Refusal(503, "store", "数据库暂不可用，请重试", "The store is away; try again"))
        except Exception as error:
            # Neither the body nor the path's variable parts: they may hold a number or a name.
            log.exception("%s %s failed: %s", route.method, route.path, type(error).__name__, exc_info=False)
            log.debug("traceback", exc_info=True)
            return refused(Refusal(500, "failed", "服务内部出错，请重试", "Something failed inside; try again"))

    return enter
