"""What pages ask of alerts, teams and the journal: implements those parts of `cti.web.ports.watching`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from cti.auth import Account, Identity
from cti.board.alerts import Alarms
from cti.watch.bell import Bell, new_id
from cti.watch.hooks import Webhooks
from cti.web.ports import Refusal, not_found
from cti.web.ports.watching import SilenceWish
from cti.wire.watching import Alert, AlertLog, Limits, LimitsView, Member, Silence, Team, TeamHistory, Teams, TeamStep

PAGE: Final = 100
LONGEST_SILENCE_MIN: Final = 1440
MOST_SILENCES: Final = 500
TEAM_MAX: Final = 80
Steps = Mapping[str, tuple[tuple[int, str], ...]]
Run = Callable[[Callable[[], Any]], Awaitable[Any]]


class Book(Protocol):
    """The store, as far as these need it. Synchronous."""

    def alert_log(
        self, before: float | None = None, kind: str | None = None, queue: str | None = None, limit: int = PAGE
    ) -> Sequence[Alert]:
        """Alerts, the last raised first."""

    def add_silence(self, silence: Silence) -> None: ...  # noqa: D102
    def end_silence(self, silence: str) -> None: ...  # noqa: D102
    def add_audit(self, at: float, user: str, action: str, subject: str, detail: str = "") -> None: ...  # noqa: D102
    def accounts(self) -> Sequence[Account]: ...  # noqa: D102
    def teams_of_people(self) -> Mapping[str, str]: ...  # noqa: D102
    def teams(self) -> Mapping[str, str]: ...  # noqa: D102
    def team_steps(self) -> Steps: ...  # noqa: D102
    def move(self, login: str, team: str, since: float) -> bool: ...  # noqa: D102


class AlertDesk:
    """Alerts and silences."""

    def __init__(
        self,
        bell: Bell,
        alarms: Alarms,
        hooks: Webhooks,
        book: Book,
        queues: Sequence[str],
        default: Limits,
        *,
        run: Run,
        clock: Callable[[], float],
        quiet: Callable[[Silence], None],
        loud: Callable[[str], None],
    ) -> None:
        """`clock` is the PBX's; `quiet` and `loud` have all nodes hear of a silence that began or ended."""
        self._bell = bell
        self._quiet = quiet
        self._loud = loud
        self._alarms = alarms
        self._hooks = hooks
        self._book = book
        self._queues = queues
        self._default = default
        self._run = run
        self._clock = clock

    async def listed(self, identity: Identity, before: float | None, kind: str | None, queue: str | None) -> AlertLog:
        """What is open and what was."""
        await self._bell.write()  # what was told a moment ago is in the log, too
        log: Sequence[Alert] = await self._run(lambda: self._book.alert_log(before, kind, queue))
        return AlertLog(
            open=self._bell.open(),
            log=tuple(log),
            next=log[-1].at if len(log) == PAGE else None,
            silences=self._bell.silences_of(identity.login),
        )

    async def silence(self, identity: Identity, wish: SilenceWish) -> Silence:
        """Quiet for a while; one for all is in the audit."""
        parts = (wish.alert, wish.kind, wish.queue, wish.interface)
        if all(part is None for part in parts) or not 1 <= wish.minutes <= LONGEST_SILENCE_MIN:
            raise Refusal(
                422, "invalid", "请说明静音什么，1 到 1440 分钟", "Say what shall be quiet, for 1 to 1440 minutes"
            )
        if any(part is not None and not 0 < len(part) <= 250 for part in parts):
            raise Refusal(422, "invalid", "内容过长", "Too long")
        now = self._clock()
        if len(self._bell.silences_of(identity.login)) >= MOST_SILENCES:
            raise Refusal(409, "full", "静音已够多", "There are enough silences")
        silence = Silence(
            id=new_id(),
            by=identity.login,
            for_all=wish.for_all,
            alert=wish.alert,
            kind=wish.kind,
            queue=wish.queue,
            interface=wish.interface,
            at=now,
            until=now + wish.minutes * 60.0,
        )

        def write() -> None:
            self._book.add_silence(silence)
            if silence.for_all:
                said = " ".join(part for part in parts if part is not None)
                self._book.add_audit(now, identity.login, "silence", said, f"{wish.minutes} min")

        await self._run(write)
        self._quiet(silence)
        return silence

    async def unsilence(self, identity: Identity, silence: str) -> None:
        """One's own, or one for all."""
        known = self._bell.find_silence(silence)
        if known is None or not (known.for_all or known.by == identity.login):
            raise not_found()

        def write() -> None:
            self._book.end_silence(silence)
            if known.for_all:
                self._book.add_audit(self._clock(), identity.login, "unsilence", silence)

        await self._run(write)
        self._loud(silence)

    async def limits(self) -> LimitsView:
        """What is watched, and who is told."""
        return LimitsView(
            default=self._default,
            queues={queue: self._alarms.limits(queue) for queue in self._queues},
            hooks=await self._hooks.views(),
        )


class TeamBook:
    """Who is in which team since when."""

    def __init__(
        self, book: Book, *, run: Run, clock: Callable[[], float], regrouped: Callable[[Mapping[str, str]], None]
    ) -> None:
        """`clock` is the PBX's; `regrouped` is told {phone: team} after a change."""
        self._book = book
        self._run = run
        self._clock = clock
        self._regrouped = regrouped

    async def teams(self) -> Teams:
        """Every user under his team, those without one last."""

        def read() -> Teams:
            members = self._members()
            names = sorted({member.team for member in members}, key=lambda name: (name == "", name))
            return Teams(
                teams=tuple(Team(name=name, members=tuple(m for m in members if m.team == name)) for name in names)
            )

        teams: Teams = await self._run(read)
        return teams

    async def history(self, login: str) -> TeamHistory:
        """A user's teams by phone, newest first."""

        def read() -> TeamHistory:
            account = next((a for a in self._book.accounts() if a.login == login), None)
            if account is None:
                raise not_found()
            steps = self._book.team_steps()
            found = [
                TeamStep(interface=phone, since=since / 1000, until=until, team=team)
                for phone in account.interfaces
                for (since, team), until in _with_ends(steps.get(phone, ()))
            ]
            return TeamHistory(login=login, steps=tuple(sorted(found, key=lambda step: -step.since)))

        history: TeamHistory = await self._run(read)
        return history

    async def move(self, identity: Identity, login: str, team: str, since: float | None) -> Member:
        """From now, or from an earlier moment on; what was before that moment stays. In the audit."""
        team, now = team.strip(), self._clock()
        since = now if since is None else since
        if len(team) > TEAM_MAX or not team.isprintable() or not 0 < since <= now + 1.0:
            raise Refusal(
                422, "invalid", "班组名不超过 80 字，时间不能在将来", "At most 80 characters; not in the future"
            )

        def write() -> Member:
            if all(a.login != login for a in self._book.accounts()):
                raise not_found()
            self._book.add_audit(now, identity.login, "team", login, f"{team or '-'} since {since:.0f}")
            if not self._book.move(login, team, since):
                raise not_found()
            return next(member for member in self._members() if member.login == login)

        member: Member = await self._run(write)
        self._regrouped(await self._run(self._book.teams))
        return member

    def _members(self) -> list[Member]:
        steps, teams = self._book.team_steps(), self._book.teams_of_people()
        found = []
        for account in self._book.accounts():
            if account.disabled:
                continue
            team = teams.get(account.login, "")
            known = [steps[phone][-1] for phone in account.interfaces if phone in steps]
            found.append(
                Member(
                    login=account.login,
                    name=account.name,
                    role=account.role,
                    interfaces=account.interfaces,
                    team=team,
                    since=max((at / 1000 for at, name in known if name == team and at > 0), default=None),
                )
            )
        return found


def _with_ends(steps: Sequence[tuple[int, str]]) -> list[tuple[tuple[int, str], float | None]]:
    ends = [since / 1000 for since, _ in steps[1:]]
    return list(zip(steps, [*ends, None], strict=False))
