"""What the API needs of the parts that watch. Every method raises Refusal where a wish is not granted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

import msgspec

from cti.auth import Identity
from cti.wire.watching import (
    AlertKind,
    AlertLog,
    CallRecordings,
    Criterion,
    Form,
    LimitsView,
    ListenRight,
    Mark,
    MarkKind,
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


class SilenceWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of POST /alerts/silences: what shall be quiet, for whom, for how long."""

    alert: str | None = None
    kind: AlertKind | None = None
    queue: str | None = None
    interface: str | None = None
    minutes: int
    for_all: bool = False


class MarkWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of POST /calls/{call}/marks."""

    at_s: float
    kind: MarkKind = "note"
    text: str


class FormWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of PUT /scoring/form."""

    title: str
    title_en: str = ""
    criteria: tuple[Criterion, ...]


class ScoreWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of PUT /calls/{call}/score."""

    form: int
    points: dict[str, int]
    remark: str = ""


class Sound(Protocol):
    """An opened recording."""

    @property
    def type(self) -> str:
        """Its media type."""

    @property
    def size(self) -> int:
        """Bytes."""

    def read(self, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes [start, end) in pieces."""

    def close(self) -> None:
        """No more is read."""


class Alerts(Protocol):
    """Alerts and their silences."""

    async def listed(self, identity: Identity, before: float | None, kind: str | None, queue: str | None) -> AlertLog:
        """What is open and what was."""

    async def silence(self, identity: Identity, wish: SilenceWish) -> Silence:
        """Quiet for a while."""

    async def unsilence(self, identity: Identity, silence: str) -> None:
        """Loud again."""

    async def limits(self) -> LimitsView:
        """From where on something is told, and who is told."""


class Walls(Protocol):
    """Wallboards and their tokens."""

    site: str

    async def enter(self, token: str) -> str:
        """The Set-Cookie value for a wall with that token."""

    async def identify(self, headers: Mapping[str, str]) -> Identity | None:
        """The wall behind a cookie."""

    async def tokens(self) -> Sequence[WallToken]:
        """All that may look."""

    async def create(self, identity: Identity, label: str, days: int | None) -> tuple[str, WallToken]:
        """A new token, which nobody can read again."""

    async def revoke(self, identity: Identity, wall: str) -> None:
        """It may look no more."""


class TeamDesk(Protocol):
    """Who is in which team since when."""

    async def teams(self) -> Teams:
        """As it is now."""

    async def history(self, login: str) -> TeamHistory:
        """As it was."""

    async def move(self, identity: Identity, login: str, team: str, since: float | None) -> Member:
        """Another team from now, or from an earlier moment, on."""


class Recordings(Protocol):
    """Recordings, and what is said about them."""

    async def of_call(self, identity: Identity, call: str) -> CallRecordings:
        """What there is of a call."""

    async def listen(self, identity: Identity, call: str, recording: str) -> tuple[str, float]:
        """(ticket, its end): one listening, written down first."""

    async def open(self, identity: Identity, ticket: str) -> Sound:
        """The sound behind a ticket of this session."""

    async def mark(self, identity: Identity, call: str, wish: MarkWish) -> Mark:
        """A remark at a moment."""

    async def unmark(self, identity: Identity, mark: str) -> None:
        """Take a remark back."""

    async def form(self) -> Form:
        """The score sheet's lines."""

    async def set_form(self, identity: Identity, wish: FormWish) -> Form:
        """New lines from now on."""

    async def score(self, identity: Identity, call: str, wish: ScoreWish) -> Score:
        """A filled sheet."""

    async def scores(self, identity: Identity, params: Mapping[str, str]) -> Scores:
        """By agent, and the sheets; agents their own."""

    async def rights(self) -> Sequence[ListenRight]:
        """Who may hear what."""

    async def set_right(self, identity: Identity, login: str, teams: Sequence[str]) -> None:
        """Who may hear what from now on."""


class Forecasts(Protocol):
    """What would be with other staff."""

    async def what_if(self, queue: str, until: str | None) -> WhatIf:
        """For the present interval."""

    async def staffing(self, queue: str, params: Mapping[str, str]) -> Staffing:
        """For a day to come."""


class Replays(Protocol):
    """The board of any past minute."""

    async def range(self) -> ReplayRange:
        """What can be replayed."""

    async def replay(self, identity: Identity, at: float, seconds: float) -> Replay:
        """The board at a moment and what changed after it."""


class Watching(Protocol):
    """All of it."""

    @property
    def alerts(self) -> Alerts: ...  # noqa: D102
    @property
    def walls(self) -> Walls: ...  # noqa: D102
    @property
    def teams(self) -> TeamDesk: ...  # noqa: D102
    @property
    def recordings(self) -> Recordings: ...  # noqa: D102
    @property
    def forecasts(self) -> Forecasts: ...  # noqa: D102
    @property
    def replays(self) -> Replays: ...  # noqa: D102
