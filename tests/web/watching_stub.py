"""Parts that watch which grant everything and remember what they were asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from cti.auth import WALL, Identity
from cti.recordings.sheets import DEFAULT
from cti.web.ports.watching import FormWish, MarkWish, ScoreWish, SilenceWish
from cti.wire.watching import (
    AlertLog,
    CallRecordings,
    Form,
    Limits,
    LimitsView,
    ListenRight,
    Mark,
    Measured,
    Member,
    Replay,
    ReplayRange,
    Score,
    Scores,
    Silence,
    Staffing,
    TeamHistory,
    Teams,
    WallToken,
    WhatIf,
)

SOUND = bytes(range(256)) * 4
WALL_COOKIE = "cti-wall=good"
_WALL = WallToken(id="w1", label="大厅", created_by="admin", created_at=1.0, used_at=None, expires_at=None)
_LIMITS = Limits(warn_s=8.0, late_s=13.0, goal=0.9, calls=10, missed=2, paused_s=900.0, no_agents_s=30.0)
_SCORE = Score(
    call="call", called_at=1.0, agent="甲", interface="PJSIP/1", form=1, points={}, share=1.0, remark="", by="w", at=1.0
)


class Opened:
    """A short sound."""

    type = "audio/wav"
    size = len(SOUND)

    def __init__(self, note: Callable[..., None]) -> None:
        self._note = note

    async def read(self, start: int, end: int) -> AsyncIterator[bytes]:
        """In two pieces."""
        middle = (start + end) // 2
        yield SOUND[start:middle]
        yield SOUND[middle:end]

    def close(self) -> None:
        """Noted."""
        self._note("closed")


class _Part:
    def __init__(self, ask: Callable[..., None]) -> None:
        self._ask = ask


class _Alerts(_Part):
    async def listed(self, identity: Identity, before: float | None, kind: str | None, queue: str | None) -> AlertLog:
        self._ask("alerts", before, kind, queue)
        return AlertLog(open=(), log=(), next=None, silences=())

    async def silence(self, identity: Identity, wish: SilenceWish) -> Silence:
        self._ask("silence", wish.minutes, wish.for_all)
        return Silence(
            id="s",
            by=identity.login,
            for_all=False,
            alert=None,
            kind=None,
            queue=None,
            interface=None,
            at=0.0,
            until=1.0,
        )

    async def unsilence(self, identity: Identity, silence: str) -> None:
        self._ask("unsilence", silence)

    async def limits(self) -> LimitsView:
        self._ask("limits")
        return LimitsView(default=_LIMITS, queues={}, hooks=())


class _Walls(_Part):
    site = "十三秒"

    async def enter(self, token: str) -> str:
        self._ask("enter", token)
        return "cti-wall=x; Path=/; HttpOnly"

    async def identify(self, headers: Mapping[str, str]) -> Identity | None:
        if WALL_COOKIE not in headers["Cookie"]:
            return None
        return Identity(
            login="wallboard:w1", name="大厅", role=WALL, language="zh", interfaces=(), session="h", expires_at=1e12
        )

    async def tokens(self) -> Sequence[WallToken]:
        self._ask("walls")
        return [_WALL]

    async def create(self, identity: Identity, label: str, days: int | None) -> tuple[str, WallToken]:
        self._ask("create_wall", label, days)
        return "cti_wall_secret", _WALL

    async def revoke(self, identity: Identity, wall: str) -> None:
        self._ask("revoke_wall", wall)


class _Teams(_Part):
    async def teams(self) -> Teams:
        self._ask("teams")
        return Teams(teams=())

    async def history(self, login: str) -> TeamHistory:
        self._ask("team_history", login)
        return TeamHistory(login=login, steps=())

    async def move(self, identity: Identity, login: str, team: str, since: float | None) -> Member:
        self._ask("move", login, team, since)
        return Member(login=login, name="", role="agent", interfaces=(), team=team, since=None)


class _Recordings(_Part):
    async def of_call(self, identity: Identity, call: str) -> CallRecordings:
        self._ask("recordings", call)
        return CallRecordings(recordings=(), notice=True, notice_text="", may_listen=True, form=DEFAULT)

    async def listen(self, identity: Identity, call: str, recording: str) -> tuple[str, float]:
        self._ask("listen", call, recording)
        return "t", 1.0

    async def open(self, identity: Identity, ticket: str) -> Opened:
        self._ask("open", ticket)
        return Opened(self._ask)

    async def mark(self, identity: Identity, call: str, wish: MarkWish) -> Mark:
        self._ask("mark", call, wish.text)
        return Mark(id="m", call=call, at_s=wish.at_s, kind=wish.kind, text=wish.text, by=identity.login, at=1.0)

    async def unmark(self, identity: Identity, mark: str) -> None:
        self._ask("unmark", mark)

    async def form(self) -> Form:
        self._ask("form")
        return DEFAULT

    async def set_form(self, identity: Identity, wish: FormWish) -> Form:
        self._ask("set_form", wish.title)
        return DEFAULT

    async def score(self, identity: Identity, call: str, wish: ScoreWish) -> Score:
        self._ask("score", call, wish.points)
        return _SCORE

    async def scores(self, identity: Identity, params: Mapping[str, str]) -> Scores:
        self._ask("scores", dict(params))
        return Scores(agents=(), scores=(_SCORE,))

    async def rights(self) -> Sequence[ListenRight]:
        self._ask("rights")
        return []

    async def set_right(self, identity: Identity, login: str, teams: Sequence[str]) -> None:
        self._ask("set_right", login, tuple(teams))


class _Forecasts(_Part):
    async def what_if(self, queue: str, until: str | None) -> WhatIf:
        self._ask("what_if", queue, until)
        measured = Measured(
            since=0.0,
            until=1.0,
            calls=1,
            per_hour=1.0,
            aht_s=1.0,
            aht_calls=1,
            aht_since=0.0,
            patience_s=None,
            abandoned=0,
            agents=1,
        )
        return WhatIf(
            queue=queue,
            model="",
            model_en="",
            assumptions=(),
            measured=measured,
            target_s=13.0,
            goal=0.9,
            since=0.0,
            until=1.0,
            options=(),
            text="",
            text_en="",
        )

    async def staffing(self, queue: str, params: Mapping[str, str]) -> Staffing:
        self._ask("staffing", queue, dict(params))
        return Staffing(
            queue=queue, day="", model="", model_en="", assumptions=(), target_s=13.0, goal=0.9, weeks=8, rows=()
        )


class _Replays(_Part):
    async def range(self) -> ReplayRange:
        self._ask("range")
        return ReplayRange(since=None, to=None, days=7.0, gaps=())

    async def replay(self, identity: Identity, at: float, seconds: float) -> Replay:
        self._ask("replay", at, seconds)
        return Replay(at=at, until=at, link="live", board={}, deltas=(), next=None, alerts=())


class Watching:
    """All of them."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        self.alerts, self.walls, self.teams = _Alerts(ask), _Walls(ask), _Teams(ask)
        self.recordings, self.forecasts, self.replays = _Recordings(ask), _Forecasts(ask), _Replays(ask)
