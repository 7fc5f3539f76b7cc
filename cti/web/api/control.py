"""Routing on the spot: actions on members and waiting callers, listening, undo; overflow rules."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from aiohttp import web

from cti.web.ports import Refusal
from cti.web.ports.supervision import Control, OverflowRules
from cti.web.routes import Request, Route, answer, nothing
from cti.wire.supervision import (
    ActionsAnswer,
    ActionView,
    AnyWish,
    ControlView,
    ListenBody,
    RuleBody,
    RuleEdit,
    RuleLogAnswer,
    RuleModeBody,
    RulesAnswer,
    RuleView,
)

PAGE: Final = 50
MOST: Final = 200


class UndoBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST /control/actions/{id}/undo."""

    reason: str = ""


def control(request: Request) -> Control:
    """The part behind the actions."""
    return request.services.control


def overflow(request: Request) -> OverflowRules:
    """The part behind the rules."""
    return request.services.overflow


async def view(request: Request) -> web.StreamResponse:
    """What may be done here."""
    return answer(await control(request).view(request.who))


async def act(request: Request) -> web.StreamResponse:
    """Do something to a member or a caller; what becomes of it follows by push."""
    wish: Any = await request.body(AnyWish)  # type: ignore[arg-type]  # a union decodes as well as a struct
    return answer(await control(request).act(request.who, wish), 202)


async def listen(request: Request) -> web.StreamResponse:
    """Listen, whisper or join."""
    return answer(await control(request).listen(request.who, await request.body(ListenBody)), 202)


async def undo(request: Request) -> web.StreamResponse:
    """Take an action back."""
    body = await request.body(UndoBody) if request.raw.can_read_body else UndoBody()
    return answer(await control(request).undo(request.who, request.path("id"), body.reason), 202)


async def end(request: Request) -> web.StreamResponse:
    """End a listening."""
    return answer(await control(request).end(request.who, request.path("id")), 202)


async def actions(request: Request) -> web.StreamResponse:
    """What was done."""
    before = _number(request, "before")
    limit = _number(request, "limit")
    most = PAGE if limit is None else max(1, min(MOST, int(limit)))
    return answer(await control(request).actions(request.who, before, most))


async def mine(request: Request) -> web.StreamResponse:
    """What was done to me."""
    return answer(await control(request).mine(request.who))


async def rules(request: Request) -> web.StreamResponse:
    """All overflow rules."""
    return answer(await overflow(request).rules(request.who))


async def add_rule(request: Request) -> web.StreamResponse:
    """A new rule, as a dry run."""
    return answer(await overflow(request).add_rule(request.who, await request.body(RuleBody)), 201)


async def change_rule(request: Request) -> web.StreamResponse:
    """Another text for a rule."""
    body = await request.body(RuleEdit)
    return answer(await overflow(request).change_rule(request.who, request.path("id"), body))


async def set_mode(request: Request) -> web.StreamResponse:
    """Off, dry run, live."""
    body = await request.body(RuleModeBody)
    return answer(await overflow(request).set_rule_mode(request.who, request.path("id"), body.mode, body.version))


async def withdraw(request: Request) -> web.StreamResponse:
    """Take back now what a rule did."""
    return answer(await overflow(request).withdraw_rule(request.who, request.path("id")), 202)


async def drop_rule(request: Request) -> web.StreamResponse:
    """Forget a rule."""
    await overflow(request).drop_rule(request.who, request.path("id"))
    return nothing()


async def rule_log(request: Request) -> web.StreamResponse:
    """What a rule did."""
    return answer(await overflow(request).rule_log(request.who, request.path("id")))


def _number(request: Request, name: str) -> float | None:
    raw = request.query(name)
    if raw is None:
        return None
    try:
        number = float(raw)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise Refusal(400, "bad_query", f"{name} 应是数字", f"{name} must be a number")
    return number


def _route(
    method: str,
    path: str,
    right: str,
    handler: Callable[[Request], Awaitable[web.StreamResponse]],
    summary: str,
    *,
    body: Any = None,
    gives: Any = None,
    status: int = 200,
    query: tuple[str, ...] = (),
) -> Route:
    return Route(
        method=method,
        path=path,
        right=right,
        handler=handler,
        summary=summary,
        body=body,
        answer=gives,
        status=status,
        query=query,
    )


_ACTION, _RULE = "/control/actions/{id}", "/control/rules/{id}"
ROUTES = (
    _route("GET", "/control", "route", view, "What may be done here", gives=ControlView),
    _route(
        "POST",
        "/control/actions",
        "route",
        act,
        "Act on a member or a caller",
        body=AnyWish,
        gives=ActionView,
        status=202,
    ),
    _route(
        "POST", "/control/listen", "listen", listen, "Listen to a call", body=ListenBody, gives=ActionView, status=202
    ),
    _route(
        "POST", f"{_ACTION}/undo", "route", undo, "Take an action back", body=UndoBody, gives=ActionView, status=202
    ),
    _route("POST", f"{_ACTION}/end", "listen", end, "End a listening", gives=ActionView, status=202),
    _route(
        "GET", "/control/actions", "route", actions, "What was done", gives=ActionsAnswer, query=("before", "limit")
    ),
    _route("GET", "/control/mine", "desk", mine, "What was done to me", gives=ActionsAnswer),
    _route("GET", "/control/rules", "rules", rules, "Overflow rules", gives=RulesAnswer),
    _route("POST", "/control/rules", "rules", add_rule, "A new rule", body=RuleBody, gives=RuleView, status=201),
    _route("PUT", _RULE, "rules", change_rule, "Change a rule", body=RuleEdit, gives=RuleView),
    _route("POST", f"{_RULE}/mode", "rules", set_mode, "Off, dry run, live", body=RuleModeBody, gives=RuleView),
    _route("POST", f"{_RULE}/withdraw", "rules", withdraw, "Take back what it did", gives=RuleView, status=202),
    _route("DELETE", _RULE, "rules", drop_rule, "Forget a rule", status=204),
    _route("GET", f"{_RULE}/log", "rules", rule_log, "What a rule did", gives=RuleLogAnswer),
)
