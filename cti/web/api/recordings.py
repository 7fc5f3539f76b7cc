"""Recordings: listening, marks, score sheets, and who may."""

from __future__ import annotations

import msgspec
from aiohttp import web

from cti.recordings.ranges import Unsatisfiable, range_of
from cti.web.ports import Refusal
from cti.web.ports.watching import FormWish, MarkWish, ScoreWish
from cti.web.routes import Request, Route, answer, headers_of, nothing
from cti.wire.watching import CallRecordings, Form, ListenRight, Mark, Score, Scores

SCORES = ("from", "to", "team", "agent")


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of POST .../listen: where the sound is, for this session, until then."""

    url: str
    expires_at: float


class MarkAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of POST /calls/{call}/marks."""

    mark: Mark


class FormAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of GET and PUT /scoring/form."""

    form: Form


class ScoreAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of PUT /calls/{call}/score."""

    score: Score


class RightsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of GET /recordings/rights."""

    rights: tuple[ListenRight, ...]


class Right(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of PUT /recordings/rights/{login}."""

    teams: tuple[str, ...]


async def of_call(request: Request) -> web.StreamResponse:
    """What there is of a call."""
    return answer(await request.services.watching.recordings.of_call(request.who, request.path("call")))


async def listen(request: Request) -> web.StreamResponse:
    """Begin to listen: written down first."""
    recordings = request.services.watching.recordings
    ticket, until = await recordings.listen(request.who, request.path("call"), request.path("recording"))
    return answer(Ticket(url=f"/api/v1/recordings/{ticket}", expires_at=until), 201)


async def sound(request: Request) -> web.StreamResponse:
    """The sound, or the part of it that is asked for."""
    opened = await request.services.watching.recordings.open(request.who, request.path("ticket"))
    try:
        # The server's guard puts these on an answer that is not sent yet: this one goes out here, in pieces.
        services = request.services
        headers = headers_of(services.site, services.auth.cookie.startswith("__Host-"))
        headers |= {"Cache-Control": "no-store", "Accept-Ranges": "bytes", "Content-Type": opened.type}
        try:
            part = range_of(request.raw.headers.get("Range"), opened.size)
        except Unsatisfiable:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{opened.size}"})
        start, end = part or (0, opened.size)
        if part is not None:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{opened.size}"
        response = web.StreamResponse(status=200 if part is None else 206, headers=headers)
        response.content_length = end - start
        await response.prepare(request.raw)
        async for piece in opened.read(start, end):
            await response.write(piece)
        await response.write_eof()
        return response
    finally:
        opened.close()


async def mark(request: Request) -> web.StreamResponse:
    """A remark at a moment."""
    wish = await request.body(MarkWish)
    made = await request.services.watching.recordings.mark(request.who, request.path("call"), wish)
    return answer(MarkAnswer(mark=made), 201)


async def unmark(request: Request) -> web.StreamResponse:
    """Take it back."""
    await request.services.watching.recordings.unmark(request.who, request.path("mark"))
    return nothing()


async def form(request: Request) -> web.StreamResponse:
    """The score sheet's lines."""
    return answer(FormAnswer(form=await request.services.watching.recordings.form()))


async def set_form(request: Request) -> web.StreamResponse:
    """New lines."""
    wish = await request.body(FormWish)
    return answer(FormAnswer(form=await request.services.watching.recordings.set_form(request.who, wish)))


async def score(request: Request) -> web.StreamResponse:
    """A filled sheet."""
    wish = await request.body(ScoreWish)
    made = await request.services.watching.recordings.score(request.who, request.path("call"), wish)
    return answer(ScoreAnswer(score=made))


async def scores(request: Request) -> web.StreamResponse:
    """Scores by agent."""
    params = {name: value for name, value in request.raw.query.items() if name in SCORES}
    return answer(await request.services.watching.recordings.scores(request.who, params))


async def rights(request: Request) -> web.StreamResponse:
    """Who may hear what."""
    return answer(RightsAnswer(rights=tuple(await request.services.watching.recordings.rights())))


async def set_right(request: Request) -> web.StreamResponse:
    """Who may hear what from now on."""
    body = await request.body(Right)
    if len(body.teams) > 200 or any(not 0 < len(team) <= 80 for team in body.teams):
        raise Refusal(422, "invalid", "队组名 1 到 80 字，最多 200 个", "Teams of 1 to 80 characters, at most 200")
    await request.services.watching.recordings.set_right(request.who, request.path("login"), body.teams)
    return nothing()


ROUTES = (
    Route(
        method="GET",
        path="/calls/{call}/recordings",
        right="recordings",
        handler=of_call,
        summary="A call's recordings, marks and score sheets",
        answer=CallRecordings,
    ),
    Route(
        method="POST",
        path="/calls/{call}/recordings/{recording}/listen",
        right="recordings",
        handler=listen,
        summary="Begin to listen: it is written down, then the sound's address is told",
        answer=Ticket,
        status=201,
    ),
    Route(
        method="GET",
        path="/recordings/rights",
        right="users",
        handler=rights,
        summary="Whose recordings users may hear",
        answer=RightsAnswer,
    ),
    Route(
        method="PUT",
        path="/recordings/rights/{login}",
        right="users",
        handler=set_right,
        summary="Whose recordings a user may hear from now on",
        body=Right,
        status=204,
    ),
    Route(
        method="GET",
        path="/recordings/{ticket}",
        right="recordings",
        handler=sound,
        summary="A recording's sound, whole or in parts (Range), for the session that asked for it",
    ),
    Route(
        method="POST",
        path="/calls/{call}/marks",
        right="recordings",
        handler=mark,
        summary="A remark at a moment of a call",
        body=MarkWish,
        answer=MarkAnswer,
        status=201,
    ),
    Route(
        method="DELETE",
        path="/marks/{mark}",
        right="recordings",
        handler=unmark,
        summary="Take one's remark back",
        status=204,
    ),
    Route(
        method="GET",
        path="/scoring/form",
        right="recordings",
        handler=form,
        summary="The score sheet's lines",
        answer=FormAnswer,
    ),
    Route(
        method="PUT",
        path="/scoring/form",
        right="scores",
        handler=set_form,
        summary="A new version of the score sheet",
        body=FormWish,
        answer=FormAnswer,
    ),
    Route(
        method="PUT",
        path="/calls/{call}/score",
        right="scores",
        handler=score,
        summary="Fill a score sheet about a call",
        body=ScoreWish,
        answer=ScoreAnswer,
    ),
    Route(
        method="GET",
        path="/scores",
        right="history",
        handler=scores,
        summary="Scores by agent; agents: their own",
        answer=Scores,
        query=SCORES,
    ),
)
