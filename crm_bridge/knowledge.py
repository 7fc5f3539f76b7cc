"""What staff know and say: articles and standard phrases in six categories, with their versions, found while typing.

The index holds single characters and pairs of neighbours (see `grams`), so one code finds Chinese words of any length
on SQLite and PostgreSQL alike; what it finds is checked against the text before it is shown.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import ceil
from typing import Any, Final, Literal

import msgspec
import sqlalchemy as sa

from crm_bridge import grams, sql
from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.embedded.crm import errors
from crm_bridge.embedded.knowledge_tables import article, article_gram, article_version
from crm_bridge.model import Category, CrmError, Invalid, InvalidField

CATEGORIES: Final = (
    Category(key="company", label="企业形象", label_en="Our company"),
    Category(key="enquiry", label="客户询盘", label_en="Customers' enquiries"),
    Category(key="carrier", label="船公司询价", label_en="Asking carriers"),
    Category(key="quote", label="客户报价", label_en="Quoting"),
    Category(key="care", label="客户维持", label_en="Keeping customers"),
    Category(key="internal", label="内部使用", label_en="Internal"),
)
MAX_TITLE: Final = 200
MAX_BODY: Final = 20_000
MAX_TAGS: Final = 20
_SNIPPET: Final = 80
_CANDIDATES: Final = 80
_ENOUGH: Final = 0.6
"Share of the pairs that a text must have to be shown where none has all."

ArticleKind = Literal["article", "phrase"]
ArticleStatus = Literal["live", "retired"]


class Article(msgspec.Struct, frozen=True, kw_only=True):
    """An article, or a phrase to be said or sent."""

    id: str
    category: str
    kind: ArticleKind
    title: str
    body: str
    tags: tuple[str, ...]
    version: int
    status: ArticleStatus
    used: int
    "How often it was copied or sent."
    updated_at: float
    updated_by: str
    sendable: bool
    "False for what is internal: it is never offered where a text goes to a customer."


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A state that an article had."""

    version: int
    category: str
    kind: ArticleKind
    title: str
    body: str
    tags: tuple[str, ...]
    status: ArticleStatus
    at: float
    by: str


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """An article that was found."""

    article: Article
    snippet: str
    "The part of the body where the words stand; the whole of a short one."
    marks: tuple[tuple[int, int], ...]
    "(start, end) of the words in the snippet, in characters."
    title_marks: tuple[tuple[int, int], ...]
    exact: bool
    "False where only a part of what was asked for is there, because nothing had all."


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An article as somebody writes it."""

    category: str
    title: str
    body: str
    kind: ArticleKind = "article"
    tags: tuple[str, ...] = ()


class NoArticle(CrmError):
    """There is no such article."""

    def __init__(self) -> None:
        super().__init__("没有这篇内容", text_en="No such article", permanent=True)


class ArticleConflict(CrmError):
    """Somebody else saved first: `article` is how it stands now. Nothing was overwritten."""

    def __init__(self, now: Article) -> None:
        super().__init__("内容刚被别人改过", text_en="Somebody else just changed it", permanent=True)
        self.article = now


def _now() -> float:
    return datetime.now(UTC).timestamp()


class KnowledgeBase:
    """Keeps and finds articles; safe to use from several threads. Raises CrmError."""

    def __init__(self, crm: EmbeddedCrm, clock: Callable[[], float] = _now) -> None:
        self._database = crm.database
        self._clock = clock

    def categories(self) -> tuple[Category, ...]:
        """The six categories, in their order."""
        return CATEGORIES

    # Reading

    def article(self, article_id: str) -> Article:
        """An article as it stands; raises NoArticle."""
        with errors(), self._database.read() as connection:
            return _article(_row(connection, article_id))

    def articles(
        self,
        category: str | None = None,
        kind: ArticleKind | None = None,
        *,
        retired: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Article]:
        """Articles of a category or of all, the last changed first."""
        query = (
            sa.select(article)
            .where(*_where(category, kind, "retired" if retired else "live"))
            .order_by(article.c.updated_at.desc(), article.c.id)
            .limit(max(1, min(limit, 500)))
            .offset(max(0, offset))
        )
        with errors(), self._database.read() as connection:
            return [_article(row) for row in connection.execute(query)]

    def versions(self, article_id: str) -> list[Version]:
        """Every state an article had, the newest first; raises NoArticle."""
        with errors(), self._database.read() as connection:
            _row(connection, article_id)
            query = (
                sa.select(article_version)
                .where(article_version.c.article_id == article_id)
                .order_by(article_version.c.version.desc())
                .limit(200)
            )
            return [
                Version(
                    version=row.version,
                    category=row.category,
                    kind=row.kind,
                    title=row.title,
                    body=row.body,
                    tags=tuple(row.tags),
                    status=row.status,
                    at=row.at,
                    by=row.by,
                )
                for row in connection.execute(query)
            ]

    def search(
        self, text: str, category: str | None = None, kind: ArticleKind | None = None, limit: int = 10
    ) -> list[Hit]:
        """Articles that hold every word of a text, best first: in the title, in a tag, in the body; then what is used
        most. Where none holds all, those that hold the most of it. Without a text, the last changed ones; a text of
        signs alone finds nothing.
        """
        words = grams.terms(text)
        limit = max(1, min(limit, 50))
        if not words and text.strip():
            return []
        if not words:
            return [_hit(one, [], exact=True) for one in self.articles(category, kind, limit=limit)]
        wanted = grams.wanted(words)
        with errors(), self._database.read() as connection:
            rows = connection.execute(_candidates(wanted, len(wanted), category, kind)).all()
            found = [row for row in rows if _holds(row, words)]
            exact = bool(found)
            if not found and len(wanted) > 1:
                found = list(connection.execute(_candidates(wanted, ceil(len(wanted) * _ENOUGH), category, kind)))
        ranked = sorted(found, key=lambda row: _rank(row, words))
        return [_hit(_article(row), words, exact=exact) for row in ranked[:limit]]

    # Writing

    def add(self, draft: Draft, by: str) -> Article:
        """A new article; raises Invalid with all that is wrong."""
        (made,) = self.add_all([draft], by)
        return made

    def add_all(self, drafts: Sequence[Draft], by: str) -> list[Article]:
        """New articles, all or none; raises Invalid with what is wrong with the first that is refused."""
        clean = [_checked(draft) for draft in drafts]
        now = self._clock()
        with errors(), self._database.write() as connection:
            return [self._add(connection, draft, by, now) for draft in clean]

    def _add(self, connection: sa.Connection, clean: Draft, by: str, now: float) -> Article:
        article_id = uuid.uuid4().hex
        row = {
            "id": article_id,
            **_columns(clean),
            "version": 1,
            "status": "live",
            "used": 0,
            "created_at": now,
            "created_by": sql.clean(by, 80),
            "updated_at": now,
            "updated_by": sql.clean(by, 80),
        }
        connection.execute(sa.insert(article), row)
        _keep(connection, article_id, clean, 1, "live", by, now)
        return _article(_row(connection, article_id))

    def save(self, article_id: str, draft: Draft, version: int, by: str) -> Article:
        """Change an article; raises ArticleConflict when `version` is not the current one, Invalid, NoArticle."""
        return self._write(article_id, _checked(draft), version, by, "live")

    def retire(self, article_id: str, version: int, by: str) -> Article:
        """Take an article out of what is found; its versions stay."""
        now = self.article(article_id)
        return self._write(article_id, _draft(now), version, by, "retired")

    def restore(self, article_id: str, old: int, version: int, by: str) -> Article:
        """Make an old state the newest; raises NoArticle for a state that never was."""
        for state in self.versions(article_id):
            if state.version == old:
                return self._write(article_id, _draft(state), version, by, "live")
        raise NoArticle

    def used(self, article_id: str) -> None:
        """Somebody copied or sent it: what is used most is found first."""
        with errors(), self._database.write() as connection:
            _row(connection, article_id)
            connection.execute(sa.update(article).where(article.c.id == article_id).values(used=article.c.used + 1))

    def _write(self, article_id: str, draft: Draft, version: int, by: str, status: ArticleStatus) -> Article:
        now = self._clock()
        with errors(), self._database.write() as connection:
            current = _article(_row(connection, article_id))
            if current.version != version:
                raise ArticleConflict(current)
            if _draft(current) == draft and current.status == status:
                return current
            done = connection.execute(
                sa.update(article)
                .where(article.c.id == article_id, article.c.version == version)
                .values(
                    **_columns(draft),
                    version=version + 1,
                    status=status,
                    updated_at=now,
                    updated_by=sql.clean(by, 80),
                )
            )
            if not done.rowcount:
                # PostgreSQL lets two readers in before the first has written.
                raise ArticleConflict(_article(_row(connection, article_id)))
            _keep(connection, article_id, draft, version + 1, status, by, now)
            return _article(_row(connection, article_id))


def _keep(
    connection: sa.Connection, article_id: str, draft: Draft, version: int, status: ArticleStatus, by: str, now: float
) -> None:
    """Note the new state and index it; what is retired is not found."""
    state = {"article_id": article_id, "version": version, **_columns(draft), "status": status, "at": now}
    connection.execute(sa.insert(article_version), {**state, "by": sql.clean(by, 80)})
    connection.execute(sa.delete(article_gram).where(article_gram.c.article_id == article_id))
    if status == "retired":
        return
    weights: dict[str, int] = {}
    for weight, text in ((1, draft.body), (2, " ".join(draft.tags)), (3, draft.title)):
        weights.update(dict.fromkeys(grams.grams(grams.plain(text)), weight))
    rows = [{"gram": gram, "article_id": article_id, "weight": weight} for gram, weight in sorted(weights.items())]
    for start in range(0, len(rows), 500):
        connection.execute(sa.insert(article_gram), rows[start : start + 500])


def _candidates(wanted: Sequence[str], need: int, category: str | None, kind: ArticleKind | None) -> sa.Select[Any]:
    have = (
        sa.select(
            article_gram.c.article_id, sa.func.count().label("have"), sa.func.sum(article_gram.c.weight).label("w")
        )
        .where(article_gram.c.gram.in_(wanted))
        .group_by(article_gram.c.article_id)
        .having(sa.func.count() >= need)
        .subquery()
    )
    best = (
        sa.select(article.c.id, have.c.have, have.c.w)
        .select_from(have.join(article, article.c.id == have.c.article_id))
        .where(*_where(category, kind, "live"))
        .order_by(have.c.have.desc(), have.c.w.desc(), article.c.used.desc(), article.c.updated_at.desc())
        .limit(_CANDIDATES)
        .subquery()
    )
    # The texts are fetched for the few that are left, not carried through the sorting.
    return sa.select(article, best.c.have).select_from(best.join(article, article.c.id == best.c.id))


def _where(category: str | None, kind: ArticleKind | None, status: ArticleStatus) -> list[sa.ColumnElement[bool]]:
    found = [article.c.status == status]
    if category is not None:
        found.append(article.c.category == category)
    if kind is not None:
        found.append(article.c.kind == kind)
    return found


def _rank(row: Any, words: list[str]) -> tuple[Any, ...]:
    title, tags = grams.plain(row.title), grams.plain(" ".join(row.tags))
    whole = " ".join(words)
    return (
        -row.have,
        title != whole,
        not title.startswith(words[0]),
        -sum(word in title for word in words),
        -sum(word in tags for word in words),
        -row.used,
        -row.updated_at,
        row.id,
    )


def _holds(row: Any, words: list[str]) -> bool:
    """Pairs may stand apart: the words themselves must be there."""
    text = f"{grams.plain(row.title)} {grams.plain(' '.join(row.tags))} {grams.plain(row.body)}"
    return all(word in text for word in words)


def _hit(found: Article, words: list[str], *, exact: bool) -> Hit:
    places = grams.marks(found.body, words)
    start = max(0, places[0][0] - 20) if places and len(found.body) > _SNIPPET else 0
    snippet = found.body[start : start + _SNIPPET]
    return Hit(
        article=found,
        snippet=snippet,
        marks=grams.marks(snippet, words),
        title_marks=grams.marks(found.title, words),
        exact=exact,
    )


def _checked(draft: Draft) -> Draft:
    """A draft as it is kept; raises Invalid."""
    problems: list[InvalidField] = []
    title = sql.clean(" ".join(draft.title.split()), MAX_TITLE)
    body = sql.clean(draft.body.strip(), MAX_BODY)
    tags = tuple(dict.fromkeys(tag for tag in (sql.clean(" ".join(tag.split()), 40) for tag in draft.tags) if tag))
    if draft.category not in {category.key for category in CATEGORIES}:
        problems.append(InvalidField(key="category", text="没有这个分类", text_en="There is no such category"))
    if draft.kind not in ("article", "phrase"):
        problems.append(InvalidField(key="kind", text="应是文章或话术", text_en="Must be an article or a phrase"))
    if not title:
        problems.append(InvalidField(key="title", text="标题必须填写", text_en="A title must be given"))
    if not body:
        problems.append(InvalidField(key="body", text="内容是空的", text_en="The text is empty"))
    if len(draft.body.strip()) > MAX_BODY:
        problems.append(
            InvalidField(key="body", text=f"内容最多 {MAX_BODY} 字", text_en=f"At most {MAX_BODY} characters")
        )
    if len(tags) > MAX_TAGS:
        problems.append(InvalidField(key="tags", text=f"标签最多 {MAX_TAGS} 个", text_en=f"At most {MAX_TAGS} tags"))
    if problems:
        raise Invalid(tuple(problems))
    return Draft(category=draft.category, kind=draft.kind, title=title, body=body, tags=tags)


def _columns(draft: Draft) -> dict[str, Any]:
    return {
        "category": draft.category,
        "kind": draft.kind,
        "title": draft.title,
        "body": draft.body,
        "tags": list(draft.tags),
    }


def _draft(state: Article | Version) -> Draft:
    return Draft(category=state.category, kind=state.kind, title=state.title, body=state.body, tags=state.tags)


def _row(connection: sa.Connection, article_id: str) -> Any:
    row = connection.execute(sa.select(article).where(article.c.id == sql.clean(article_id, 64))).first()
    if row is None:
        raise NoArticle
    return row


def _article(row: Any) -> Article:
    return Article(
        id=row.id,
        category=row.category,
        kind=row.kind,
        title=row.title,
        body=row.body,
        tags=tuple(row.tags),
        version=row.version,
        status=row.status,
        used=row.used,
        updated_at=row.updated_at,
        updated_by=row.updated_by,
        sendable=row.category != "internal",
    )
