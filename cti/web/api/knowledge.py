"""The knowledge base: found while typing, written by staff, every version kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from aiohttp import web

from crm_bridge.knowledge import CATEGORIES, ArticleKind, Draft, KnowledgeBase
from crm_bridge.live import own_part
from cti.web.api.reading import number_of, one_of
from cti.web.ports import Refusal
from cti.web.routes import Request, Route, answer, nothing
from cti.wire import customers as shapes

T = TypeVar("T")

MAX_QUERY = 100
PAGE = 100
_KINDS: tuple[ArticleKind, ...] = ("article", "phrase")


async def _ask(request: Request, call: Callable[[KnowledgeBase], T]) -> T:
    return await request.services.customers.ask(lambda crm: call(KnowledgeBase(own_part(crm))))


def _category(request: Request) -> str | None:
    return one_of(request, "category", tuple(category.key for category in CATEGORIES))


async def search(request: Request) -> web.StreamResponse:
    """What holds the words so far; without a word, what changed last."""
    text = request.query("q") or ""
    if len(text) > MAX_QUERY:
        raise Refusal(413, "too_long", "搜索词过长", "The search text is too long")
    category, kind = _category(request), one_of(request, "kind", _KINDS)
    limit = number_of(request, "limit", 10, 1, 50)
    hits = await _ask(request, lambda base: base.search(text, category, kind, limit))
    return answer(shapes.HitsAnswer(hits=tuple(hits), categories=CATEGORIES))


async def articles(request: Request) -> web.StreamResponse:
    """Articles of a category, the last changed first."""
    category, kind = _category(request), one_of(request, "kind", _KINDS)
    retired, offset = request.query("retired") == "1", number_of(request, "offset", 0, 0, 1_000_000)
    found = await _ask(
        request, lambda base: base.articles(category, kind, retired=retired, limit=PAGE + 1, offset=offset)
    )
    further = offset + PAGE if len(found) > PAGE else None
    return answer(shapes.ArticlesAnswer(articles=tuple(found[:PAGE]), categories=CATEGORIES, next=further))


async def article(request: Request) -> web.StreamResponse:
    """An article and every state it had."""
    key = request.path("id")
    found = await _ask(request, lambda base: (base.article(key), base.versions(key)))
    return answer(shapes.ArticleHistoryAnswer(article=found[0], versions=tuple(found[1])))


def _draft(body: shapes.ArticleBody) -> Draft:
    return Draft(category=body.category, title=body.title, body=body.body, kind=body.kind, tags=body.tags)


async def add(request: Request) -> web.StreamResponse:
    """A new article or phrase."""
    body, by = await request.body(shapes.ArticleBody), request.who.login
    made = await _ask(request, lambda base: base.add(_draft(body), by))
    request.services.customers.audit(request.who, "knowledge.add", made.id)
    return answer(shapes.ArticleAnswer(article=made), 201)


async def save(request: Request) -> web.StreamResponse:
    """Change an article; 409 with the current one where somebody else was first."""
    body, by, key = await request.body(shapes.ArticleBody), request.who.login, request.path("id")
    saved = await _ask(request, lambda base: base.save(key, _draft(body), body.version, by))
    request.services.customers.audit(request.who, "knowledge.save", key, str(saved.version))
    return answer(shapes.ArticleAnswer(article=saved))


async def restore(request: Request) -> web.StreamResponse:
    """Make an old state the newest."""
    body, by, key = await request.body(shapes.RestoreBody), request.who.login, request.path("id")
    saved = await _ask(request, lambda base: base.restore(key, body.old, body.version, by))
    request.services.customers.audit(request.who, "knowledge.restore", key, str(body.old))
    return answer(shapes.ArticleAnswer(article=saved))


async def retire(request: Request) -> web.StreamResponse:
    """Take an article out of what is found."""
    body, by, key = await request.body(shapes.VersionBody), request.who.login, request.path("id")
    saved = await _ask(request, lambda base: base.retire(key, body.version, by))
    request.services.customers.audit(request.who, "knowledge.retire", key)
    return answer(shapes.ArticleAnswer(article=saved))


async def used(request: Request) -> web.StreamResponse:
    """It was copied or sent: what is used most is found first."""
    key = request.path("id")
    await _ask(request, lambda base: base.used(key))
    return nothing()


def _route(method: str, path: str, right: str, handler: Any, summary: str, **more: Any) -> Route:
    return Route(method=method, path="/knowledge" + path, right=right, handler=handler, summary=summary, **more)


ROUTES = (
    _route(
        "GET",
        "",
        "desk",
        search,
        "Search articles and phrases while typing",
        answer=shapes.HitsAnswer,
        query=("q", "category", "kind", "limit"),
    ),
    _route(
        "GET",
        "/articles",
        "desk",
        articles,
        "Articles, the last changed first",
        answer=shapes.ArticlesAnswer,
        query=("category", "kind", "retired", "offset"),
    ),
    _route("GET", "/articles/{id}", "desk", article, "An article and its versions", answer=shapes.ArticleHistoryAnswer),
    _route(
        "POST",
        "/articles",
        "edit",
        add,
        "A new article or phrase",
        body=shapes.ArticleBody,
        answer=shapes.ArticleAnswer,
        status=201,
    ),
    _route(
        "PUT",
        "/articles/{id}",
        "edit",
        save,
        "Change an article",
        body=shapes.ArticleBody,
        answer=shapes.ArticleAnswer,
    ),
    _route(
        "POST",
        "/articles/{id}/restore",
        "edit",
        restore,
        "Go back to an old version",
        body=shapes.RestoreBody,
        answer=shapes.ArticleAnswer,
    ),
    _route(
        "POST",
        "/articles/{id}/retire",
        "edit",
        retire,
        "Take an article out of what is found",
        body=shapes.VersionBody,
        answer=shapes.ArticleAnswer,
    ),
    _route("POST", "/articles/{id}/used", "desk", used, "It was copied or sent", status=204),
)
