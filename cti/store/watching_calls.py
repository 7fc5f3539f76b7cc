"""What is said about calls that were listened to: who may listen, marks, score sheets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from crm_bridge import sql
from cti.store import history_tables as history
from cti.store import tables as people
from cti.store import watching_tables as tables
from cti.store.base import Base
from cti.wire.watching import Form, Mark, Score

_form: Final = msgspec.json.Decoder(Form)


class Listening(Base):
    """The part of the store that keeps listeners' rights, marks and score sheets."""

    def listen_rights(self) -> dict[str, tuple[str, ...]]:
        """{login: teams whose recordings he may hear} of those for whom it was said."""
        with self._read() as connection:
            return {
                row.login: tuple(json.loads(row.teams)) for row in connection.execute(sa.select(tables.listen_right))
            }

    def set_listen_right(self, login: str, teams: Sequence[str]) -> None:
        """The teams whose recordings a user may hear from now on; '*' for all, none for none."""
        with self._write() as connection:
            row = {"login": login, "teams": json.dumps(list(teams), ensure_ascii=False)}
            sql.upsert(connection, tables.listen_right, [row])

    def team_of(self, login: str) -> str:
        """A user's own team now; '' for none."""
        with self._read() as connection:
            found = connection.execute(sa.select(people.user.c.team).where(people.user.c.login == login)).scalar()
            return str(found or "")

    def teams_of_people(self) -> dict[str, str]:
        """{login: team} of every user as it is now."""
        with self._read() as connection:
            return {
                row.login: row.team for row in connection.execute(sa.select(people.user.c.login, people.user.c.team))
            }

    def move(self, login: str, team: str, since: float) -> bool:
        """A user's team from a moment on, for him and for his phones' history; False where there is no such user.

        What was before that moment stays; of a phone of which nothing was noted, that it had the old team.
        """
        user, interface, step = people.user, people.interface, history.team
        since_ms = round(since * 1000)
        with self._write() as connection:
            before = connection.execute(sa.select(user.c.team).where(user.c.login == login)).scalar()
            if before is None:
                return False
            connection.execute(sa.update(user).where(user.c.login == login).values(team=team))
            phones = connection.execute(sa.select(interface.c.interface).where(interface.c.login == login)).scalars()
            for phone in list(phones):
                mine = step.c.interface == phone
                connection.execute(sa.delete(step).where(mine, step.c.since_ms >= since_ms))
                last = connection.execute(sa.select(step.c.team).where(mine).order_by(step.c.since_ms.desc())).first()
                rows = [] if last is not None else [{"interface": phone, "since_ms": 0, "team": before}]
                if (before if last is None else last.team) != team:
                    rows.append({"interface": phone, "since_ms": since_ms, "team": team})
                sql.upsert(connection, step, rows)
        return True

    # --- marks ---------------------------------------------------------------------------------------------------

    def add_mark(self, mark: Mark) -> None:
        """A remark at a moment of a call."""
        row = msgspec.structs.asdict(mark)
        row["call_id"] = row.pop("call")
        row["text"] = sql.clean(row["text"], 500)
        with self._write() as connection:
            connection.execute(sa.insert(tables.mark), row)

    def marks(self, call: str) -> list[Mark]:
        """A call's marks in the order of its moments."""
        table = tables.mark
        query = sa.select(table).where(table.c.call_id == call).order_by(table.c.at_s, table.c.id).limit(500)
        with self._read() as connection:
            return [_mark(row) for row in connection.execute(query)]

    def mark(self, mark: str) -> Mark | None:
        """One mark."""
        with self._read() as connection:
            row = connection.execute(sa.select(tables.mark).where(tables.mark.c.id == mark)).first()
        return None if row is None else _mark(row)

    def drop_mark(self, mark: str) -> None:
        """Take a mark away."""
        with self._write() as connection:
            connection.execute(sa.delete(tables.mark).where(tables.mark.c.id == mark))

    # --- score sheets --------------------------------------------------------------------------------------------

    def score_form(self, version: int | None = None) -> Form | None:
        """The form of that version, or the newest; None where none was ever kept."""
        table = tables.form
        query = sa.select(table.c.form).order_by(table.c.version.desc()).limit(1)
        if version is not None:
            query = query.where(table.c.version == version)
        with self._read() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else _form.decode(found)

    def add_score_form(self, form: Form, by: str, at: float) -> None:
        """A new version of the form. Raises StoreError where it exists already."""
        row = {"version": form.version, "form": msgspec.json.encode(form).decode(), "by": by, "at": at}
        with self._write() as connection:
            connection.execute(sa.insert(tables.form), row)

    def save_score(self, score: Score) -> None:
        """One sheet of a scorer about a call; the same scorer's earlier one is replaced."""
        row = msgspec.structs.asdict(score)
        row["call_id"] = row.pop("call")
        row["points"] = json.dumps(row["points"])
        row["remark"] = sql.clean(row["remark"], 2000)
        with self._write() as connection:
            sql.upsert(connection, tables.score, [row])

    def call_scores(self, call: str) -> list[Score]:
        """A call's sheets, the newest first."""
        table = tables.score
        return self._scores(sa.select(table).where(table.c.call_id == call).order_by(table.c.at.desc()).limit(50))

    def scores(self, since: float, until: float, limit: int = 20_000) -> list[Score]:
        """Sheets about calls of [since, until), the newest call first."""
        table = tables.score
        query = (
            sa.select(table)
            .where(table.c.called_at >= since, table.c.called_at < until)
            .order_by(table.c.called_at.desc(), table.c.by)
            .limit(limit)
        )
        return self._scores(query)

    def _scores(self, query: sa.Select[Any]) -> list[Score]:
        with self._read() as connection:
            return [
                Score(
                    call=row.call_id,
                    called_at=row.called_at,
                    agent=row.agent,
                    interface=row.interface,
                    form=row.form,
                    points=json.loads(row.points),
                    share=row.share,
                    remark=row.remark,
                    by=row.by,
                    at=row.at,
                )
                for row in connection.execute(query)
            ]


def _mark(row: Any) -> Mark:
    return Mark(id=row.id, call=row.call_id, at_s=row.at_s, kind=row.kind, text=row.text, by=row.by, at=row.at)
