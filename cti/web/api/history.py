"""The past: reports, why calls were late, the calls behind a number, files, definitions."""

from __future__ import annotations

from aiohttp import web

from cti.history.answers import CallList, Choices, Definitions
from cti.history.query import FILTERS, BadQuestion, Params
from cti.history.report import CauseReport, Report
from cti.history.story import Story
from cti.web.ports import Refusal, not_found
from cti.web.routes import Request, Route, answer

LISTS = (*FILTERS, "which", "skip")
EXPORTS = (*FILTERS, "which", "format")


def _params(request: Request, known: tuple[str, ...]) -> Params:
    """Values by name; a name that nothing reads is a mistake, as a misspelt key is."""
    query = request.raw.query
    unknown = [name for name in query if name not in known]
    if unknown:
        raise Refusal(400, "bad_query", "有不认识的参数", f"Unknown parameter; there are {', '.join(known)}")
    return {name: query.getall(name) for name in query}


def _bad(question: BadQuestion) -> Refusal:
    return Refusal(400, "bad_query", question.text, question.text_en)


async def report(request: Request) -> web.StreamResponse:
    """Figures."""
    try:
        return answer(await request.services.history.report(request.who, _params(request, FILTERS)))
    except BadQuestion as question:
        raise _bad(question) from None


async def causes(request: Request) -> web.StreamResponse:
    """Why calls were late."""
    try:
        return answer(await request.services.history.causes(request.who, _params(request, FILTERS)))
    except BadQuestion as question:
        raise _bad(question) from None


async def calls(request: Request) -> web.StreamResponse:
    """The calls behind a number."""
    try:
        return answer(await request.services.history.calls(request.who, _params(request, LISTS)))
    except BadQuestion as question:
        raise _bad(question) from None


async def story(request: Request) -> web.StreamResponse:
    """One call step by step."""
    told = await request.services.history.story(request.who, request.path("call"))
    if told is None:
        raise not_found()
    return answer(told)


async def choices(request: Request) -> web.StreamResponse:
    """What there is to filter by."""
    try:
        return answer(await request.services.history.choices(request.who, _params(request, FILTERS)))
    except BadQuestion as question:
        raise _bad(question) from None


async def export(request: Request) -> web.StreamResponse:
    """A report or a list as a file."""
    try:
        file = await request.services.history.export(request.who, _params(request, EXPORTS))
    except BadQuestion as question:
        raise _bad(question) from None
    headers = {"Content-Type": file.kind, "Content-Disposition": f'attachment; filename="{file.name}"'}
    return web.Response(body=file.content, headers=headers)


async def definitions(request: Request) -> web.StreamResponse:
    """What every number means."""
    return answer(request.services.history.definitions())


ROUTES = (
    Route(
        method="GET",
        path="/history/report",
        right="history",
        handler=report,
        summary="Figures by agent, team, queue, line, interval or hour of the week; agents: their own",
        answer=Report,
        query=FILTERS,
    ),
    Route(
        method="GET",
        path="/history/causes",
        right="history",
        handler=causes,
        summary="Why calls were answered late or lost",
        answer=CauseReport,
        query=FILTERS,
    ),
    Route(
        method="GET",
        path="/history/calls",
        right="history",
        handler=calls,
        summary="The calls behind a number",
        answer=CallList,
        query=LISTS,
    ),
    Route(
        method="GET",
        path="/history/calls/{call}",
        right="history",
        handler=story,
        summary="One call step by step: causes of the wait, who rang how long; agents: calls of their own phones",
        answer=Story,
    ),
    Route(
        method="GET",
        path="/history/choices",
        right="history",
        handler=choices,
        summary="Queues, lines, agents and teams of a period",
        answer=Choices,
        query=FILTERS,
    ),
    Route(
        method="GET",
        path="/history/export",
        right="history",
        handler=export,
        summary="A report, or with `which` a list, as CSV or XLSX",
        query=EXPORTS,
    ),
    Route(
        method="GET",
        path="/history/definitions",
        right="history",
        handler=definitions,
        summary="What every number means",
        answer=Definitions,
    ),
)
