"""What pages ask of recordings: implements `cti.web.ports.watching.Recordings`.

Who may hear a call is told by teams: those in which the phones of its agents were when it took place. A user hears the
teams that he was given, or without that his own; '*' is all, and all is needed where no agent talked. Each listening is
in the audit before a byte is read; with the store away there is none.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

import msgspec

from cti.auth import Account, Identity
from cti.calls.record import Call, Talk
from cti.history.report import team_at
from cti.recordings import sheets
from cti.recordings.files import CALL, Files, Found, Opened
from cti.settings.watching import RecordingSettings
from cti.web.ports import Refusal, not_found
from cti.web.ports.watching import FormWish, MarkWish, ScoreWish
from cti.wire.watching import CallRecordings, Form, ListenRight, Mark, Recording, Score, Scores

TICKET_S: Final = 2 * 3600.0
MOST_TICKETS: Final = 2_000
PIECE: Final = 128 * 1024
MOST_MARKS: Final = 200
ALL: Final = "*"


class Book(Protocol):
    """The store, as far as recordings need it. Synchronous."""

    def call(self, call_id: str) -> Call | None: ...  # noqa: D102
    def team_steps(self) -> Mapping[str, tuple[tuple[int, str], ...]]: ...  # noqa: D102
    def listen_rights(self) -> Mapping[str, tuple[str, ...]]: ...  # noqa: D102
    def set_listen_right(self, login: str, teams: Sequence[str]) -> None: ...  # noqa: D102
    def team_of(self, login: str) -> str: ...  # noqa: D102
    def accounts(self) -> Sequence[Account]: ...  # noqa: D102
    def add_audit(self, at: float, user: str, action: str, subject: str, detail: str = "") -> None: ...  # noqa: D102
    def marks(self, call: str) -> Sequence[Mark]: ...  # noqa: D102
    def mark(self, mark: str) -> Mark | None: ...  # noqa: D102
    def add_mark(self, mark: Mark) -> None: ...  # noqa: D102
    def drop_mark(self, mark: str) -> None: ...  # noqa: D102
    def score_form(self, version: int | None = None) -> Form | None: ...  # noqa: D102
    def add_score_form(self, form: Form, by: str, at: float) -> None: ...  # noqa: D102
    def save_score(self, score: Score) -> None: ...  # noqa: D102
    def call_scores(self, call: str) -> Sequence[Score]: ...  # noqa: D102
    def scores(self, since: float, until: float) -> Sequence[Score]: ...  # noqa: D102


class _Ticket(msgspec.Struct, frozen=True):
    call: str
    found: Found
    session: str
    until: float


class Sound:
    """An opened recording; it is read in worker threads."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self.type = opened.type
        self.size = opened.size

    async def read(self, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes [start, end) in pieces; ends early where the file got shorter."""
        while start < end:
            piece = await asyncio.to_thread(os.pread, self._opened.fd, min(PIECE, end - start), start)
            if not piece:
                return
            start += len(piece)
            yield piece

    def close(self) -> None:
        """No more is read."""
        os.close(self._opened.fd)


class RecordingDesk:
    """Recordings for pages. `run` runs slow work elsewhere and raises Refusal where the store is away."""

    def __init__(
        self,
        settings: RecordingSettings,
        book: Book,
        *,
        run: Callable[[Callable[[], Any]], Awaitable[Any]],
        zone: ZoneInfo,
        phones: Callable[[str], Sequence[str]],
        clock: Callable[[], float],
    ) -> None:
        """`phones` gives a user's phones; `clock` is this machine's."""
        self._settings = settings
        self._book = book
        self._run = run
        self._zone = zone
        self._phones = phones
        self._clock = clock
        self._files = Files(settings.folder, settings.patterns, zone)
        self._tickets: OrderedDict[str, _Ticket] = OrderedDict()

    # --- listening -------------------------------------------------------------------------------------------------

    async def of_call(self, identity: Identity, call: str) -> CallRecordings:
        """What there is of a call; without the right neither files nor remarks are told."""

        def read() -> CallRecordings:
            document = self._document(call)
            missing = self._missing(identity, document)
            form = self._book.score_form() or sheets.DEFAULT
            told = CallRecordings(
                recordings=(),
                notice=self._settings.notice,
                notice_text=self._settings.notice_text,
                may_listen=missing is None,
                form=form,
            )
            if missing is not None:
                return msgspec.structs.replace(told, why=missing[0], why_en=missing[1])
            return msgspec.structs.replace(
                told,
                recordings=tuple(_shown(one) for one in self._found(document)),
                marks=tuple(self._book.marks(call)),
                scores=tuple(self._book.call_scores(call)),
            )

        told: CallRecordings = await self._run(read)
        return told

    async def listen(self, identity: Identity, call: str, recording: str) -> tuple[str, float]:
        """A ticket for one listening, after it is written down."""
        now = self._clock()

        def allow() -> Found:
            document = self._allowed(identity, call)
            found = next((one for one in self._found(document) if one.id == recording), None)
            if found is None:
                raise not_found()
            self._book.add_audit(now, identity.login, "listen", call, found.name)
            return found

        found: Found = await self._run(allow)
        ticket, until = secrets.token_urlsafe(24), now + TICKET_S
        self._tickets[ticket] = _Ticket(call, found, identity.session, until)
        while len(self._tickets) > MOST_TICKETS:
            self._tickets.popitem(last=False)
        return ticket, until

    async def open(self, identity: Identity, ticket: str) -> Sound:
        """The sound, for the session that asked for it, as long as its user may hear the call."""
        known = self._tickets.get(ticket)
        if known is None or known.session != identity.session or known.until < self._clock():
            raise not_found()
        await self._run(lambda: self._allowed(identity, known.call))
        try:
            return Sound(await asyncio.to_thread(self._files.open, known.found))
        except OSError:
            raise Refusal(404, "gone", "录音文件已不在", "The recording is gone") from None

    # --- marks -----------------------------------------------------------------------------------------------------

    async def mark(self, identity: Identity, call: str, wish: MarkWish) -> Mark:
        """A remark at a moment."""
        text = wish.text.strip()
        if not 0 < len(text) <= 500 or not 0 <= wish.at_s <= 86_400:
            raise Refusal(422, "invalid", "标注 1 到 500 字，时刻不小于 0", "1 to 500 characters, a moment from 0 on")
        mark = Mark(
            id=secrets.token_hex(12),
            call=call,
            at_s=wish.at_s,
            kind=wish.kind,
            text=text,
            by=identity.login,
            at=self._clock(),
        )

        def write() -> None:
            self._allowed(identity, call)
            if len(self._book.marks(call)) >= MOST_MARKS:
                raise Refusal(409, "full", "这通电话的标注已满", "This call has enough marks")
            self._book.add_mark(mark)

        await self._run(write)
        return mark

    async def unmark(self, identity: Identity, mark: str) -> None:
        """Take one's own remark back."""

        def drop() -> None:
            known = self._book.mark(mark)
            if known is None or known.by != identity.login:
                raise not_found()
            self._book.drop_mark(mark)

        await self._run(drop)

    # --- score sheets ----------------------------------------------------------------------------------------------

    async def form(self) -> Form:
        """The form in force."""
        form: Form = await self._run(lambda: self._book.score_form() or sheets.DEFAULT)
        return form

    async def set_form(self, identity: Identity, wish: FormWish) -> Form:
        """A new version of it."""
        wrong = sheets.fault(wish.title, wish.criteria)
        if wrong is not None:
            raise Refusal(422, "invalid", *wrong)
        now = self._clock()

        def write() -> Form:
            last = self._book.score_form() or sheets.DEFAULT
            form = Form(
                version=last.version + 1, title=wish.title.strip(), title_en=wish.title_en[:80], criteria=wish.criteria
            )
            self._book.add_score_form(form, identity.login, now)
            self._book.add_audit(now, identity.login, "score_form", f"version {form.version}")
            return form

        form: Form = await self._run(write)
        return form

    async def score(self, identity: Identity, call: str, wish: ScoreWish) -> Score:
        """One's sheet about a call, in place of an earlier one."""
        now = self._clock()

        def write() -> Score:
            document = self._allowed(identity, call)
            form = self._book.score_form() or sheets.DEFAULT
            if wish.form != form.version:
                raise Refusal(409, "old_form", "评分表已更新，请刷新", "The form was changed; reload", form=form)
            share = sheets.share(form, wish.points)
            if share is None or len(wish.remark) > 2000:
                raise Refusal(422, "invalid", "每一项都要打分，且在范围内", "Every line needs points within its range")
            talk = _first_talk(document)
            if talk is None:
                raise Refusal(409, "no_agent", "这通电话没有坐席接听", "No agent talked in this call")
            score = Score(
                call=call,
                called_at=document.started_at or talk.from_,
                agent=talk.agent or talk.interface,
                interface=talk.interface,
                form=form.version,
                points=wish.points,
                share=share,
                remark=wish.remark,
                by=identity.login,
                at=now,
            )
            self._book.save_score(score)
            self._book.add_audit(now, identity.login, "score", call, f"{share:.2f}")
            return score

        score: Score = await self._run(write)
        return score

    async def scores(self, identity: Identity, params: Mapping[str, str]) -> Scores:
        """By agent, of the calls of these days; agents get their own, others those they may listen to."""
        since, until = self._days(params)
        team, agent = params.get("team"), params.get("agent")

        def read() -> Scores:
            found = list(self._book.scores(since, until))
            steps = self._book.team_steps()
            if "scores" in identity.rights:
                teams = self._teams(identity)
                if ALL not in teams:
                    found = [s for s in found if self._team(steps, s.interface, s.called_at) in teams]
            else:
                own = set(self._phones(identity.login))
                # Who judged is for those who judge.
                found = [msgspec.structs.replace(s, by="") for s in found if s.interface in own]
            if team is not None:
                found = [s for s in found if self._team(steps, s.interface, s.called_at) == team]
            if agent is not None:
                found = [s for s in found if s.agent == agent]
            versions = {s.form for s in found}
            forms = {version: self._book.score_form(version) or sheets.DEFAULT for version in versions}
            return Scores(agents=tuple(sheets.by_agent(found, forms)), scores=tuple(found[:200]))

        scores: Scores = await self._run(read)
        return scores

    def _days(self, params: Mapping[str, str]) -> tuple[float, float]:
        today = datetime.fromtimestamp(self._clock(), self._zone).date()
        try:
            last = date.fromisoformat(params["to"]) if params.get("to") else today
            first = date.fromisoformat(params["from"]) if params.get("from") else last - timedelta(days=29)
            if not 0 <= (last - first).days <= 1100:
                raise ValueError
            begin, end = (datetime.combine(day, time(), self._zone) for day in (first, last + timedelta(days=1)))
            return begin.timestamp(), end.timestamp()
        except (ValueError, OverflowError):
            raise Refusal(
                400, "bad_query", "日期应为 YYYY-MM-DD", "Days are YYYY-MM-DD, at most 1100 of them"
            ) from None

    # --- rights ----------------------------------------------------------------------------------------------------

    async def rights(self) -> Sequence[ListenRight]:
        """Of everybody who may listen at all, as said or by his own team."""

        def read() -> list[ListenRight]:
            said = self._book.listen_rights()
            return [
                ListenRight(login=a.login, name=a.name, teams=said.get(a.login) or _own(self._book.team_of(a.login)))
                for a in self._book.accounts()
                if a.role == "supervisor" and not a.disabled
            ]

        rights: list[ListenRight] = await self._run(read)
        return rights

    async def set_right(self, identity: Identity, login: str, teams: Sequence[str]) -> None:
        """From now on; in the audit."""
        now = self._clock()

        def write() -> None:
            if all(account.login != login for account in self._book.accounts()):
                raise not_found()
            self._book.add_audit(now, identity.login, "listen_right", login, ", ".join(teams))
            self._book.set_listen_right(login, teams)

        await self._run(write)

    def _document(self, call: str) -> Call:
        document = self._book.call(call) if CALL.match(call) else None
        if document is None:
            raise not_found()
        return document

    def _allowed(self, identity: Identity, call: str) -> Call:
        document = self._document(call)
        missing = self._missing(identity, document)
        if missing is not None:
            raise Refusal(403, "no_right", *missing)
        return document

    def _missing(self, identity: Identity, document: Call) -> tuple[str, str] | None:
        """Why the call may not be heard; None where it may."""
        mine = self._teams(identity)
        if ALL in mine:
            return None
        steps = self._book.team_steps()
        talked = [talk for talk in document.talks if talk.agent is not None or talk.interface in steps]
        teams = {self._team(steps, talk.interface, talk.from_) for talk in talked}
        if teams and teams & mine - {""}:
            return None
        named = "、".join(sorted(teams - {""}))
        if not named:
            return "这通电话没有班组的坐席接听，需要全部录音的权限", "No team's agent talked: it takes the right to all"
        return f"没有班组 {named} 的录音权限", f"You have no right to recordings of {named}"

    def _teams(self, identity: Identity) -> set[str]:
        said = self._book.listen_rights().get(identity.login)
        return set(said if said is not None else _own(self._book.team_of(identity.login)))

    def _team(self, steps: Mapping[str, tuple[tuple[int, str], ...]], interface: str, at: float) -> str:
        return team_at(steps.get(interface, ()), round(at * 1000))

    def _found(self, document: Call) -> list[Found]:
        try:
            return self._files.find(document.id, document.started_at)
        except OSError:
            raise Refusal(503, "folder", "录音目录暂不可读", "The folder of recordings cannot be read") from None


def _own(team: str) -> tuple[str, ...]:
    return (team,) if team else ()


def _first_talk(document: Call) -> Talk | None:
    """The agent who answered first."""
    talks = [talk for talk in document.talks if talk.agent is not None] or list(document.talks)
    return min(talks, key=lambda talk: talk.from_, default=None)


def _shown(one: Found) -> Recording:
    return Recording(id=one.id, name=one.name, at=one.at, bytes=one.size, seconds=one.seconds, type=one.type)
