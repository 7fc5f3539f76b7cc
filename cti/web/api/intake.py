"""Where online-service platforms push their messages: a token for each platform, bodies bounded, nothing valid lost."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from crm_bridge.chat.webhook import MAX_BODY
from cti.web.api.reading import bounded
from cti.web.ports import Refusal
from cti.web.routes import MACHINE, Request, Route, answer
from cti.wire import customers as shapes

KINDS: Final = ("application/json", "application/x-www-form-urlencoded")


async def push(request: Request) -> web.StreamResponse:
    """Messages of a platform; the same again changes nothing. 503: push again later."""
    raw = request.raw
    given = raw.headers.get("Authorization", "")
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer" or not token or len(token) > 500:
        raise Refusal(401, "no_token", "需要令牌", "A bearer token is needed")
    request.services.customers.admit(request.path("platform"), token.strip())
    if raw.content_type not in KINDS:
        raise Refusal(415, "bad_type", "应为 JSON 或表单", "Send JSON or a form")
    body = await bounded(raw, MAX_BODY)
    if not body.strip():
        raise Refusal(400, "bad_body", "内容是空的", "The body is empty")
    receipt = await request.services.customers.push(request.path("platform"), body, raw.content_type)
    return answer(shapes.IntakeAnswer(taken=receipt.taken, new=receipt.new, enquiries=receipt.enquiries))


ROUTES = (
    Route(
        method="POST",
        path="/intake/chat/{platform}",
        right=MACHINE,
        handler=push,
        summary="Messages of an online-service platform",
        answer=shapes.IntakeAnswer,
    ),
)
