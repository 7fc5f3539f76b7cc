"""Teams: who is in which since when, and a history that stays right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from cti.history.report import team_at
from cti.watch.desks import TeamBook
from cti.web.ports import Refusal
from tests.watching.kit import NOW, run, store_in, who

DAY = 86_400.0


class Here:
    """A team book over a store; what the board was told."""

    def __init__(self, folder: Path) -> None:
        self.store = store_in(folder)
        self.now = NOW
        self.told: list[Mapping[str, str]] = []
        self.book = TeamBook(self.store, run=run, clock=lambda: self.now, regrouped=self.told.append)

    def team(self, phone: str, at: float) -> str:
        """As reports see it."""
        return team_at(self.store.team_steps().get(phone, ()), round(at * 1000))


async def test_who_moves_now_was_where_he_was_before(tmp_path: Path) -> None:
    """From now on: reports of yesterday have the old team though nothing was noted then; the board follows at once."""
    here = Here(tmp_path)
    member = await here.book.move(who("wu", "supervisor"), "chen", "二组", None)
    assert (member.team, member.since) == ("二组", NOW)
    assert (here.team("PJSIP/8001", NOW - DAY), here.team("PJSIP/8001", NOW + 1)) == ("一组", "二组")
    assert here.told == [{"PJSIP/8001": "二组", "PJSIP/8002": "二组"}]
    here.store.note_teams(here.store.teams(), NOW + 60)  # the keeper's round changes nothing
    assert (here.team("PJSIP/8001", NOW - DAY), here.team("PJSIP/8001", NOW + 99)) == ("一组", "二组")
    row = here.store.audit()[0]
    assert (row.user, row.action, row.subject) == ("wu", "team", "chen")


async def test_a_change_told_late_corrects_the_past_from_then_on(tmp_path: Path) -> None:
    """He moved ten days ago: what was noted since gives way, what was before stays."""
    here = Here(tmp_path)
    await here.book.move(who("wu", "supervisor"), "chen", "三组", NOW - 20 * DAY)
    here.store.note_teams({"PJSIP/8001": "四组"}, NOW - 5 * DAY)
    await here.book.move(who("wu", "supervisor"), "chen", "二组", NOW - 10 * DAY)
    teams = [here.team("PJSIP/8001", NOW - days * DAY) for days in (30, 15, 7, 1)]
    assert teams == ["一组", "三组", "二组", "二组"]
    history = await here.book.history("chen")
    assert [(step.team, step.until) for step in history.steps] == [
        ("二组", None),
        ("三组", NOW - 10 * DAY),
        ("一组", NOW - 20 * DAY),
    ]


async def test_everybody_stands_under_his_team(tmp_path: Path) -> None:
    """Those without one come last."""
    here = Here(tmp_path)
    teams = await here.book.teams()
    assert [(team.name, [m.login for m in team.members]) for team in teams.teams] == [
        ("一组", ["chen", "wu"]),
        ("二组", ["sun"]),
        ("", ["root"]),
    ]


@pytest.mark.parametrize(
    ("login", "team", "since", "status"),
    [
        ("nobody", "x", None, 404),
        ("chen", "x" * 81, None, 422),
        ("chen", "a\nb", None, 422),
        ("chen", "x", NOW + 60, 422),
    ],
)
async def test_what_makes_no_sense_changes_nothing(
    tmp_path: Path, login: str, team: str, since: float | None, status: int
) -> None:
    """An unknown user, a team that is no name, a day to come."""
    here = Here(tmp_path)
    with pytest.raises(Refusal) as refused:
        await here.book.move(who("wu", "supervisor"), login, team, since)
    assert refused.value.status == status
    assert here.store.team_steps() == {}
    assert here.told == []
