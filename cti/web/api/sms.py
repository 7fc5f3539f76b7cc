"""Text messages: the pop's conversation, the page of messages, and sending by programs."""

from __future__ import annotations

import math

import msgspec
from aiohttp import web

from cti.sms.fill import VARIABLES
from cti.web.api.sms_shapes import (
    CallbacksAnswer,
    IncomingAnswer,
    MessageAnswer,
    NoteBody,
    OptOutAnswer,
    OptOutBody,
    OptOutsAnswer,
    PlatformName,
    PreviewBody,
    ProgramAnswer,
    ProgramBody,
    ReplyBody,
    RuleAnswer,
    RuleBody,
    RulesAnswer,
    SendBody,
    SentAnswer,
    TemplateAnswer,
    TemplateBody,
    TemplatesAnswer,
    TrialBody,
    Variable,
    Written,
)
from cti.web.ports import Refusal
from cti.web.routes import PUBLIC, Request, Route, answer, nothing
from cti.wire import messages as shapes

MAX_TEXT = 1000
DAYS_S = 30 * 86_400.0


def _moment(request: Request, name: str, default: float | None = None) -> float | None:
    text = request.query(name)
    if text is None:
        return default
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found) or not 0 <= found < 1e11:
        raise Refusal(400, "bad_query", f"{name} 应为秒数", f"`{name}` is a number of seconds")
    return found


def _bounded(body: Written) -> Written:
    if len(body.text) > MAX_TEXT or len(body.values) > 40 or any(len(v) > 400 for v in body.values.values()):
        raise Refusal(413, "too_long", f"内容最多 {MAX_TEXT} 字", f"A message holds {MAX_TEXT} characters")
    return body


async def conversation(request: Request) -> web.StreamResponse:
    """The messages of a pop's customer, and what may be sent."""
    found = await request.messages.conversation(request.who, request.path("pop"), _moment(request, "before"))
    return answer(found)


async def preview(request: Request) -> web.StreamResponse:
    """How long it would be, and what speaks against it."""
    body = await request.body(PreviewBody)
    _bounded(body)
    messages = request.messages
    size = await messages.preview(request.who, request.path("pop"), body.to, body.template, body.text, body.values)
    return answer(size)


async def send(request: Request) -> web.StreamResponse:
    """Send from a pop."""
    body = await request.body(SendBody)
    _bounded(body)
    message = await request.messages.send(
        request.who, request.path("pop"), body.key, body.to, body.template, body.text, body.values
    )
    return answer(MessageAnswer(message=message), 202)


async def retry(request: Request) -> web.StreamResponse:
    """A failed message once more."""
    return answer(MessageAnswer(message=await request.messages.retry(request.who, request.path("id"))), 202)


async def incoming(request: Request) -> web.StreamResponse:
    """Customers' messages, newest first."""
    found, further, unread = await request.messages.incoming(
        request.who, request.query("box") == "all", request.query("unread") == "1", _moment(request, "before")
    )
    return answer(IncomingAnswer(incoming=tuple(found), next=further, unread=unread))


async def sent(request: Request) -> web.StreamResponse:
    """Our messages, newest first."""
    found, further = await request.messages.sent(
        request.who, _moment(request, "before"), request.query("status") or "", request.query("platform") or ""
    )
    return answer(SentAnswer(messages=tuple(found), next=further))


async def read(request: Request) -> web.StreamResponse:
    """A customer's message was seen."""
    await request.messages.read(request.who, request.path("id"))
    return nothing()


async def reply(request: Request) -> web.StreamResponse:
    """Answer a customer's message."""
    body = await request.body(ReplyBody)
    _bounded(body)
    message = await request.messages.reply(
        request.who, request.path("id"), body.key, body.template, body.text, body.values
    )
    return answer(MessageAnswer(message=message), 202)


async def callbacks(request: Request) -> web.StreamResponse:
    """Promised calls."""
    found = await request.messages.callbacks(request.who, request.query("state") or "")
    return answer(CallbacksAnswer(callbacks=tuple(found)))


async def callback_done(request: Request) -> web.StreamResponse:
    """A promised call was returned."""
    await request.messages.callback_done(request.who, request.path("id"))
    return nothing()


async def templates(request: Request) -> web.StreamResponse:
    """All templates."""
    found = await request.messages.templates(request.who)
    return answer(
        TemplatesAnswer(
            templates=tuple(found),
            variables=tuple(
                Variable(name=name, label=zh, label_en=en, example=example)
                for name, (zh, en, example) in VARIABLES.items()
            ),
            platforms=tuple(PlatformName(name=n, needs_code=c) for n, c in request.messages.platforms()),
        )
    )


async def save_template(request: Request) -> web.StreamResponse:
    """Write a template."""
    body = await request.body(TemplateBody)
    template = shapes.Template(
        id=request.path("id"),
        name=body.name,
        purpose=body.purpose,
        text=body.text,
        variables=(),
        codes=body.codes,
        enabled=body.enabled,
        version=body.version,
    )
    return answer(TemplateAnswer(template=await request.messages.save_template(request.who, template)))


async def drop_template(request: Request) -> web.StreamResponse:
    """Take a template away."""
    await request.messages.drop_template(request.who, request.path("id"))
    return nothing()


async def try_template(request: Request) -> web.StreamResponse:
    """How long a template's text is."""
    body = await request.body(TrialBody)
    if len(body.text) > MAX_TEXT or len(body.values) > 40:
        raise Refusal(413, "too_long", f"内容最多 {MAX_TEXT} 字", f"A message holds {MAX_TEXT} characters")
    return answer(await request.messages.preview_template(body.text, body.purpose, body.values))


async def rules(request: Request) -> web.StreamResponse:
    """When messages go out by themselves."""
    return answer(RulesAnswer(rules=tuple(await request.messages.rules(request.who))))


async def save_rule(request: Request) -> web.StreamResponse:
    """Write a rule."""
    trigger = request.path("trigger")
    body = await request.body(RuleBody)
    try:
        known = msgspec.convert(trigger, shapes.Trigger)
    except msgspec.ValidationError:
        raise Refusal(404, "not_found", "没有找到", "Not found") from None
    rule = shapes.Rule(
        trigger=known,
        enabled=body.enabled,
        template=body.template,
        queues=body.queues,
        min_wait_s=body.min_wait_s,
        delay_s=body.delay_s,
        promise_s=body.promise_s,
        version=body.version,
    )
    return answer(RuleAnswer(rule=await request.messages.save_rule(request.who, rule)))


async def opt_outs(request: Request) -> web.StreamResponse:
    """Who wants no more."""
    found, further = await request.messages.opt_outs(request.who, request.query("q") or "", _moment(request, "before"))
    return answer(OptOutsAnswer(optouts=tuple(found), next=further))


async def opt_out(request: Request) -> web.StreamResponse:
    """A customer said that he wants no more."""
    body = await request.body(OptOutBody)
    made = await request.messages.opt_out(request.who, body.number, body.scope, body.note)
    return answer(OptOutAnswer(optout=made), 201)


async def lift_opt_out(request: Request) -> web.StreamResponse:
    """He agrees again."""
    body = await request.body(NoteBody)
    await request.messages.lift_opt_out(request.who, request.path("id"), body.note)
    return nothing()


async def statistics(request: Request) -> web.StreamResponse:
    """How messages fared."""
    until = _moment(request, "to", request.services.clock()) or 0.0
    since = _moment(request, "from", until - DAYS_S) or 0.0
    return answer(await request.messages.statistics(request.who, since, until))


async def status(request: Request) -> web.StreamResponse:
    """How the platforms are."""
    return answer(await request.messages.status(request.who))


async def program(request: Request) -> web.StreamResponse:
    """Send for a program."""
    scheme, _, token = request.raw.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refusal(401, "token", "令牌不对", "The token is not right")
    body = await request.body(ProgramBody)
    message = await request.messages.send_by_program(
        token.strip(), body.key, body.number, body.template, body.values, body.trigger
    )
    return answer(ProgramAnswer(id=message.id, status=message.status), 202)


def _route(method: str, path: str, right: str, handler: object, summary: str, **more: object) -> Route:
    return Route(method=method, path=path, right=right, handler=handler, summary=summary, **more)  # type: ignore[arg-type]


ROUTES = (
    _route(
        "GET",
        "/pops/{pop}/messages",
        "desk",
        conversation,
        "A customer's messages",
        answer=shapes.Conversation,
        query=("before",),
    ),
    _route(
        "POST",
        "/pops/{pop}/messages/preview",
        "desk",
        preview,
        "How long it would be",
        body=PreviewBody,
        answer=shapes.Size,
    ),
    _route(
        "POST", "/pops/{pop}/messages", "edit", send, "Send from a pop", body=SendBody, answer=MessageAnswer, status=202
    ),
    _route("POST", "/messages/{id}/retry", "edit", retry, "Send a failed one again", answer=MessageAnswer, status=202),
    _route(
        "GET",
        "/messages",
        "desk",
        incoming,
        "What customers wrote",
        answer=IncomingAnswer,
        query=("box", "unread", "before"),
    ),
    _route(
        "GET",
        "/messages/sent",
        "all_calls",
        sent,
        "What was sent",
        answer=SentAnswer,
        query=("before", "status", "platform"),
    ),
    _route("POST", "/messages/{id}/read", "desk", read, "A customer's message was seen", status=204),
    _route(
        "POST",
        "/messages/{id}/reply",
        "edit",
        reply,
        "Answer a customer",
        body=ReplyBody,
        answer=MessageAnswer,
        status=202,
    ),
    _route("GET", "/messages/callbacks", "desk", callbacks, "Promised calls", answer=CallbacksAnswer, query=("state",)),
    _route("POST", "/messages/callbacks/{id}/done", "edit", callback_done, "A promised call was returned", status=204),
    _route("GET", "/messages/templates", "desk", templates, "Templates", answer=TemplatesAnswer),
    _route(
        "POST",
        "/messages/templates/preview",
        "messages",
        try_template,
        "How long a template is",
        body=TrialBody,
        answer=shapes.Size,
    ),
    _route(
        "PUT",
        "/messages/templates/{id}",
        "messages",
        save_template,
        "Write a template",
        body=TemplateBody,
        answer=TemplateAnswer,
    ),
    _route("DELETE", "/messages/templates/{id}", "messages", drop_template, "Take a template away", status=204),
    _route("GET", "/messages/rules", "desk", rules, "When messages go out by themselves", answer=RulesAnswer),
    _route("PUT", "/messages/rules/{trigger}", "messages", save_rule, "Write a rule", body=RuleBody, answer=RuleAnswer),
    _route(
        "GET",
        "/messages/optouts",
        "messages",
        opt_outs,
        "Who wants no more",
        answer=OptOutsAnswer,
        query=("q", "before"),
    ),
    _route(
        "POST",
        "/messages/optouts",
        "edit",
        opt_out,
        "A customer wants no more",
        body=OptOutBody,
        answer=OptOutAnswer,
        status=201,
    ),
    _route(
        "POST",
        "/messages/optouts/{id}/lift",
        "messages",
        lift_opt_out,
        "A customer agrees again",
        body=NoteBody,
        status=204,
    ),
    _route(
        "GET",
        "/messages/statistics",
        "messages",
        statistics,
        "How messages fared",
        answer=shapes.Statistics,
        query=("from", "to"),
    ),
    _route("GET", "/messages/status", "messages", status, "How the platforms are", answer=shapes.Status),
    _route(
        "POST",
        "/messages/send",
        PUBLIC,
        program,
        "Send for a program, by its token",
        body=ProgramBody,
        answer=ProgramAnswer,
        status=202,
    ),
)
