"""The outbox of text messages: wishes as rows, taken by one worker at a time, crash or no crash.

Before a platform is called the row says so; whoever finds it so after a crash knows that the message may have gone
out, and asks before he sends. Nothing here sends anything twice: what may have gone out is never `waiting` again
unless the platform has said that it has no such message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from crm_bridge import sql
from cti.sms.model import RANK, SmsMessage, Status
from cti.sms.platform import Sent, SmsError
from cti.sms.policy import DAY_S, Facts, Verdict
from cti.sms.wishes import Task, Wish, ask_at
from cti.store import messages_tables as tables
from cti.store.base import Base
from cti.store.messages_rows import message_of, raise_status
from cti.store.tables import sms

_wish: Final = msgspec.json.Decoder(Wish)

_OPEN = ("waiting", "trying", "unsure")


class Outbox(Base):
    """The part of the store that keeps what is to be sent."""

    def put_wish(self, wish: Wish, judge: Callable[[Facts], Verdict]) -> tuple[SmsMessage | None, Verdict]:
        """Keep a wish; when this returns it is on the disk. A known intent is its old message, whatever else it says.

        `judge` is asked inside the transaction, so that two wishes at once cannot both pass a limit; None where it
        has problems.
        """
        with self._write() as connection:
            known = connection.execute(
                sa.select(sms)
                .join(tables.outbox, tables.outbox.c.id == sms.c.id)
                .where(tables.outbox.c.intent == wish.intent)
            ).first()
            if known is not None:
                return message_of(known), Verdict()
            verdict = judge(self._facts(connection, wish))
            if verdict.problems:
                return None, verdict
            connection.execute(
                sa.insert(sms).values(
                    id=wish.id,
                    at=wish.created_at,
                    direction="out",
                    number=sql.clean(wish.number, 120),
                    key=wish.key,
                    text=sql.clean(wish.text),
                    status="queued",
                    rank=RANK["queued"],
                    by=sql.clean(wish.by, 120),
                    login=wish.login,
                    origin=wish.origin,
                    template=wish.template,
                    purpose=wish.purpose,
                    segments=wish.segments,
                    cost=wish.cost,
                    call=wish.call,
                    party=wish.party,
                )
            )
            connection.execute(
                sa.insert(tables.outbox).values(
                    id=wish.id,
                    intent=wish.intent,
                    state="waiting",
                    due_at=max(wish.due_at, verdict.not_before),
                    created_at=wish.created_at,
                    expires_at=wish.expires_at + max(0.0, verdict.not_before - wish.due_at),
                    attempts=0,
                    platforms=_json(wish.platforms),
                    payload=_json(wish),
                    claimed_by="",
                    claimed_until=0.0,
                    call=wish.call,
                )
            )
            row = connection.execute(sa.select(sms).where(sms.c.id == wish.id)).one()
            return message_of(row), verdict

    def wish_of(self, intent: str) -> SmsMessage | None:
        """The message of an intent that was put in before."""
        query = sa.select(sms).join(tables.outbox, tables.outbox.c.id == sms.c.id)
        with self._read() as connection:
            row = connection.execute(query.where(tables.outbox.c.intent == intent)).first()
            return None if row is None else message_of(row)

    def facts_of(self, wish: Wish) -> Facts:
        """What speaks for and against a wish, without putting it in."""
        with self._read() as connection:
            return self._facts(connection, wish)

    def _facts(self, connection: sa.Connection, wish: Wish) -> Facts:
        since = wish.created_at - DAY_S
        scope = connection.execute(
            sa.select(tables.optout.c.scope).where(tables.optout.c.key == wish.key)
        ).scalar_one_or_none()
        query = sa.select(sms.c.at, sms.c.template, sms.c.text, sms.c.purpose).where(
            sms.c.key == wish.key, sms.c.direction == "out", sms.c.at > since, sms.c.status != "failed"
        )
        rows = connection.execute(query.limit(500)).all()
        return Facts(
            opted_out=scope,
            sent=[row.at for row in rows],
            by_template=[row.at for row in rows if wish.template and row.template == wish.template],
            same_text=[row.at for row in rows if row.text == wish.text],
            marketing=[row.at for row in rows if row.purpose == "marketing"],
        )

    # Taking out

    def claim_wishes(self, worker: str, now: float, *, limit: int, lease_s: float) -> list[Task]:
        """Wishes that are due, now this worker's; one that a crash left in the middle comes as unsure."""
        box = tables.outbox
        free = (box.c.state.in_(_OPEN)) & (box.c.due_at <= now) & (box.c.claimed_until <= now)
        taken: list[str] = []
        with self._write() as connection:
            ids = connection.execute(sa.select(box.c.id).where(free).order_by(box.c.due_at, box.c.id).limit(limit))
            for id in ids.scalars().all():
                claimed = connection.execute(
                    sa.update(box)
                    .where(box.c.id == id, free)
                    .values(
                        claimed_by=worker,
                        claimed_until=now + lease_s,
                        state=sa.case((box.c.state == "trying", "unsure"), else_=box.c.state),
                    )
                )
                if claimed.rowcount:
                    taken.append(id)
            rows = connection.execute(sa.select(box).where(box.c.id.in_(taken)).order_by(box.c.due_at, box.c.id)).all()
        return [_task(row) for row in rows]

    def begin_try(self, task: Task, worker: str, now: float) -> bool:
        """Say that the platform is about to be called. False: it must not be, for a receipt came or he opted out."""
        box = tables.outbox
        with self._write() as connection:
            scope = connection.execute(
                sa.select(tables.optout.c.scope).where(tables.optout.c.key == task.wish.key)
            ).scalar_one_or_none()
            if scope == "all" or (scope is not None and task.wish.purpose == "marketing"):
                _end(connection, task.wish.id, "failed", error="opted_out")
                return False
            begun = connection.execute(
                sa.update(box)
                .where(box.c.id == task.wish.id, box.c.state == "waiting", box.c.claimed_by == worker)
                .values(state="trying", tried_at=now, attempts=task.attempts + 1, platforms=_json(task.platforms))
            )
            if begun.rowcount:
                connection.execute(sa.update(sms).where(sms.c.id == task.wish.id).values(platform=task.platform))
            return begun.rowcount > 0

    # How it went

    def wish_taken(self, task: Task, sent: Sent, now: float, *, found: bool = False) -> bool:
        """The platform has it. Receipts that came before this are looked at again.

        `found`: it was found there without our id. False where that is another message, known by its id.
        """
        id = task.wish.id
        with self._write() as connection:
            if found and sent.provider_id:
                other = sa.select(sms.c.id).where(
                    sms.c.provider_id == sent.provider_id, sms.c.platform == task.platform, sms.c.id != id
                )
                if connection.execute(other.limit(1)).first() is not None:
                    return False
            _end(connection, id, "taken")
            values: dict[str, Any] = {"sent_at": sa.func.coalesce(sms.c.sent_at, task.tried_at or now)}
            if sent.provider_id:
                values["provider_id"] = sent.provider_id
            if sent.segments:
                values["segments"] = sent.segments
            if sent.cost is not None:
                values["cost"] = sent.cost
            connection.execute(sa.update(sms).where(sms.c.id == id).values(**values, platform=task.platform))
            raise_status(connection, id, "sent", now)
            if sent.provider_id:
                event = tables.event
                connection.execute(
                    sa.update(event)
                    .where(
                        event.c.state == "orphan",
                        event.c.platform == task.platform,
                        event.c.provider_id == sent.provider_id,
                    )
                    .values(state="new")
                )
        return True

    def wish_later(
        self, task: Task, platforms: Sequence[str], attempts: int, due_at: float, error: SmsError | None
    ) -> None:
        """It surely has not gone out: try again then, at the first of these platforms."""
        with self._write() as connection:
            if self._set(connection, task, "waiting", due_at, platforms, attempts):
                _note(connection, task.wish.id, error)

    def wish_unsure(self, task: Task, due_at: float, error: SmsError | None) -> None:
        """It may have gone out: ask then."""
        with self._write() as connection:
            if self._set(connection, task, "unsure", due_at, task.platforms):
                _note(connection, task.wish.id, error)
                raise_status(connection, task.wish.id, "unsure", due_at)

    def wish_lost(self, task: Task) -> None:
        """Nobody can tell whether it went out; it is not tried again by itself."""
        with self._write() as connection:
            _end(connection, task.wish.id, "lost")

    def wish_failed(self, task: Task, error: SmsError) -> None:
        """It has not gone out, and will not."""
        with self._write() as connection:
            _end(connection, task.wish.id, "failed", error=error.code, text=error.text)

    def _set(
        self,
        connection: sa.Connection,
        task: Task,
        state: str,
        due_at: float,
        platforms: Sequence[str],
        attempts: int | None = None,
    ) -> bool:
        """Not where a receipt has meanwhile told that it went out."""
        box = tables.outbox
        values: dict[str, Any] = {
            "state": state,
            "due_at": due_at,
            "platforms": _json(platforms),
            "claimed_by": "",
            "claimed_until": 0.0,
        }
        if attempts is not None:
            values["attempts"] = attempts
        done = connection.execute(
            sa.update(box).where(box.c.id == task.wish.id, box.c.state.in_(_OPEN)).values(**values)
        )
        return done.rowcount > 0

    def release_wishes(self, worker: str) -> None:
        """Give back what this worker had claimed when it last ended; what it was trying is unsure now."""
        box = tables.outbox
        with self._write() as connection:
            for id, tried_at in connection.execute(
                sa.select(box.c.id, box.c.tried_at).where(box.c.claimed_by == worker, box.c.state == "trying")
            ).all():
                at = ask_at(tried_at or 0.0, tried_at or 0.0)
                connection.execute(sa.update(box).where(box.c.id == id).values(state="unsure", due_at=at))
                raise_status(connection, id, "unsure", at)
            connection.execute(
                sa.update(box)
                .where(box.c.claimed_by == worker, box.c.state.in_(_OPEN))
                .values(claimed_by="", claimed_until=0.0)
            )

    def next_wish_at(self) -> float | None:
        """When something is due next."""
        box = tables.outbox
        at = sa.case((box.c.claimed_until > box.c.due_at, box.c.claimed_until), else_=box.c.due_at)
        with self._read() as connection:
            found: float | None = connection.execute(sa.select(sa.func.min(at)).where(box.c.state.in_(_OPEN))).scalar()
            return found

    def wishes_open(self) -> dict[tuple[str, str], int]:
        """{(platform, state): how many}."""
        box = tables.outbox
        with self._read() as connection:
            rows = connection.execute(sa.select(box.c.platforms, box.c.state).where(box.c.state.in_(_OPEN))).all()
        counts: dict[tuple[str, str], int] = {}
        for platforms, state in rows:
            first = next(iter(msgspec.json.decode(platforms, type=list[str])), "")
            counts[first, state] = counts.get((first, state), 0) + 1
        return counts

    def cancel_wishes(self, key: str, origin: str) -> list[str]:
        """Take back what has not been tried yet, of this origin for this number; the ids of the messages."""
        box = tables.outbox
        with self._write() as connection:
            ids = list(
                connection.execute(
                    sa.select(box.c.id)
                    .join(sms, sms.c.id == box.c.id)
                    .where(sms.c.key == key, sms.c.origin == origin, box.c.state == "waiting", box.c.attempts == 0)
                ).scalars()
            )
            for id in ids:
                connection.execute(sa.delete(box).where(box.c.id == id))
                connection.execute(sa.delete(sms).where(sms.c.id == id))
        return ids

    def wish_to_retry(self, id: str) -> Wish | None:
        """A message that failed, or whose fate nobody knows: what it was made of. None where it is not so."""
        box = tables.outbox
        query = sa.select(box.c.payload).where(box.c.id == id, box.c.state.in_(("failed", "lost")))
        with self._read() as connection:
            payload = connection.execute(query).scalar_one_or_none()
            return None if payload is None else _wish.decode(payload)

    def wish_retried(self, id: str) -> None:
        """A new message took its place."""
        box = tables.outbox
        with self._write() as connection:
            connection.execute(sa.update(box).where(box.c.id == id).values(state="retried"))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _task(row: Any) -> Task:
    return Task(
        wish=_wish.decode(row.payload),
        state=row.state,
        attempts=row.attempts,
        tried_at=row.tried_at,
        platforms=tuple(msgspec.json.decode(row.platforms, type=list[str])),
    )


def _end(connection: sa.Connection, id: str, state: str, error: str = "", text: str = "") -> None:
    box = tables.outbox
    ended = connection.execute(
        sa.update(box).where(box.c.id == id, box.c.state.in_(_OPEN)).values(state=state, claimed_by="", claimed_until=0)
    )
    if state == "failed" and ended.rowcount:
        status: Status = "failed"
        changed = raise_status(connection, id, status, 0.0)
        if changed:
            connection.execute(
                sa.update(sms).where(sms.c.id == id).values(error=error[:60], error_text=sql.clean(text, 300))
            )


def _note(connection: sa.Connection, id: str, error: SmsError | None) -> None:
    if error is not None:
        connection.execute(
            sa.update(sms)
            .where(sms.c.id == id, sms.c.rank < RANK["sent"])
            .values(error=error.code[:60], error_text=sql.clean(error.text, 300))
        )
