"""How messages fared, counted from their rows: nothing here is ever incremented."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from cti.store.base import Base
from cti.store.tables import sms

By = Literal["platform", "template"]


class TallyRow(msgspec.Struct, frozen=True, kw_only=True):
    """Messages of one kind in a period. `waits` are seconds from sending to delivery."""

    key: str
    messages: int
    segments: int
    delivered: int
    failed: int
    cost: float


class MessageFigures(Base):
    """The part of the store that counts messages."""

    def sms_figures(self, since: float, until: float, by: By | None) -> list[TallyRow]:
        """Sums of our messages of a period, by platform or template, or all in one."""
        column = sa.literal("") if by is None else sms.c[by]
        query = (
            sa.select(
                column.label("key"),
                sa.func.count().label("messages"),
                sa.func.coalesce(sa.func.sum(sms.c.segments), 0).label("segments"),
                sa.func.coalesce(sa.func.sum(_one("delivered")), 0).label("delivered"),
                sa.func.coalesce(sa.func.sum(_one("failed")), 0).label("failed"),
                sa.func.coalesce(sa.func.sum(sms.c.cost), 0.0).label("cost"),
            )
            .where(_ours(since, until))
            .group_by(column)
        )
        if by is None:
            query = query.group_by(None)
        with self._read() as connection:
            rows = connection.execute(query).all()
        return [_tally(row) for row in rows]

    def sms_days(self, days: list[tuple[str, float, float]]) -> list[TallyRow]:
        """The same for each of these days: [(key, since, until)]."""
        found: list[TallyRow] = []
        for key, since, until in days:
            for row in self.sms_figures(since, until, None):
                if row.messages:
                    found.append(msgspec.structs.replace(row, key=key))
        return found

    def sms_waits(self, since: float, until: float, limit: int = 20_000) -> list[tuple[str, str, float]]:
        """[(platform, template, seconds from sending to delivery)] of a period's newest messages."""
        query = (
            sa.select(sms.c.platform, sms.c.template, sms.c.delivered_at - sms.c.sent_at)
            .where(_ours(since, until), sms.c.delivered_at.is_not(None), sms.c.sent_at.is_not(None))
            .order_by(sms.c.at.desc())
            .limit(limit)
        )
        with self._read() as connection:
            return [(platform, template, max(0.0, wait)) for platform, template, wait in connection.execute(query)]

    def sms_errors(self, since: float, until: float, limit: int = 50) -> list[tuple[str, str, str, int]]:
        """[(platform, code, words, messages)] of messages that failed, the most frequent first."""
        count = sa.func.count()
        query = (
            sa.select(sms.c.platform, sms.c.error, sa.func.max(sms.c.error_text), count)
            .where(_ours(since, until), sms.c.status == "failed")
            .group_by(sms.c.platform, sms.c.error)
            .order_by(count.desc(), sms.c.platform, sms.c.error)
            .limit(limit)
        )
        with self._read() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def sms_replies(self, since: float, until: float) -> int:
        """Customers' messages of a period."""
        query = sa.select(sa.func.count()).where(sms.c.direction == "in", sms.c.at >= since, sms.c.at < until)
        with self._read() as connection:
            return int(connection.execute(query).scalar_one())


def _one(status: str) -> sa.Case[int]:
    return sa.case((sms.c.status == status, 1), else_=0)


def _ours(since: float, until: float) -> sa.ColumnElement[bool]:
    return sa.and_(sms.c.direction == "out", sms.c.at >= since, sms.c.at < until)


def _tally(row: Any) -> TallyRow:
    return TallyRow(
        key=row.key or "",
        messages=int(row.messages),
        segments=int(row.segments),
        delivered=int(row.delivered),
        failed=int(row.failed),
        cost=float(row.cost or 0.0),
    )
