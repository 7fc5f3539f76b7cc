"""Walls: a token opens the figures and nothing else, until it is revoked or over."""

from __future__ import annotations

from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from cti.auth import WALL, token_hash
from cti.board.veil import WallView, surname, without_customers
from cti.board.view import AgentView, BoardView, CallerView, Changes, Totals
from cti.popup.server import _may
from cti.watch.walls import WRONG, Walls
from cti.web.ports import Refusal
from cti.wire import Hello, encode
from tests.watching.kit import NOW, run, store_in, who


def _walls(folder: Path, clock: list[float], *, secure: bool = True) -> Walls:
    return Walls(store_in(folder), run=run, clock=lambda: clock[0], secure=secure, site="十三秒", cache_s=0.0)


async def test_a_token_is_shown_once_and_the_store_has_only_its_hash(tmp_path: Path) -> None:
    """No file of the store holds it; making and revoking are in the audit."""
    clock = [NOW]
    walls = _walls(tmp_path, clock)
    token, wall = await walls.create(who("root", "admin"), "大厅", 30)
    cookie = await walls.enter(token)
    assert cookie.startswith(f"__Host-cti-wall={token}; Path=/;")
    assert "HttpOnly; SameSite=Strict; Secure" in cookie
    identity = await walls.identify({"Cookie": f"a=b; __Host-cti-wall={token}"})
    assert identity is not None
    assert (identity.role, identity.rights, identity.login) == (WALL, frozenset({"wallboard"}), f"wallboard:{wall.id}")
    assert identity.at_wall() is identity
    for file in tmp_path.iterdir():  # noqa: ASYNC240
        assert token.encode() not in file.read_bytes()
    assert list((await walls.still([token_hash(token), "other"])).keys()) == [token_hash(token)]
    assert [(row.user, row.action) for row in walls._book.audit()] == [("root", "wallboard")]  # type: ignore[attr-defined]


async def test_a_wall_ends_when_it_is_revoked_or_over(tmp_path: Path) -> None:
    """Its cookie opens nothing then, and its open pages are not among those that live on."""
    clock = [NOW]
    walls = _walls(tmp_path, clock)
    first, _ = await walls.create(who("root", "admin"), "a", 1)
    second, wall = await walls.create(who("root", "admin"), "b", None)
    clock[0] += 86_401
    assert await walls.identify({"Cookie": f"__Host-cti-wall={first}"}) is None
    assert await walls.identify({"Cookie": f"__Host-cti-wall={second}"}) is not None
    await walls.revoke(who("root", "admin"), wall.id)
    assert await walls.identify({"Cookie": f"__Host-cti-wall={second}"}) is None
    assert await walls.still([token_hash(first), token_hash(second)]) == {}
    with pytest.raises(Refusal) as refused:
        await walls.enter(second)
    assert refused.value.status == 401
    with pytest.raises(Refusal):
        await walls.revoke(who("root", "admin"), wall.id)


async def test_a_revoked_wall_is_not_remembered(tmp_path: Path) -> None:
    """Who it is may be known from a moment ago; revoking ends that, too."""
    store = store_in(tmp_path)
    walls = Walls(store, run=run, clock=lambda: NOW, secure=True, site="", cache_s=3600.0)
    token, wall = await walls.create(who("root", "admin"), "a", None)
    cookie = {"Cookie": f"__Host-cti-wall={token}"}
    assert await walls.identify(cookie) is not None
    await walls.revoke(who("root", "admin"), wall.id)
    assert await walls.identify(cookie) is None
    store.close()


@pytest.mark.parametrize(
    ("role", "pages"),
    [
        ("agent", {"desk", "plain"}),
        ("supervisor", {"desk", "board", "wallboard", "plain"}),
        ("admin", {"board", "wallboard", "plain"}),
        (WALL, {"wallboard"}),
    ],
)
def test_each_role_opens_its_pages_and_no_others(role: str, pages: set[str]) -> None:
    """Every kind of page of the push channel beside every role; a wall's token opens the wall alone."""
    kinds = get_args(get_type_hints(Hello)["page"])
    assert {kind for kind in kinds if _may(who("x", role), kind)} == pages


async def test_wrong_tokens_cost_the_store_nothing_after_a_while(tmp_path: Path) -> None:
    """Thirty wrong ones within a minute: 429 until the minute is over, for right ones, too."""
    clock = [NOW]
    walls = _walls(tmp_path, clock)
    token, _ = await walls.create(who("root", "admin"), "a", None)
    for n in range(WRONG):
        with pytest.raises(Refusal) as refused:
            await walls.enter(f"cti_wall_{n}")
        assert refused.value.status == 401
    with pytest.raises(Refusal) as refused:
        await walls.enter(token)
    assert refused.value.status == 429
    clock[0] += 61
    assert await walls.enter(token)
    for hostile in ("", "x", "cti_wall_" + "x" * 200, "cti_wall_é", "cti_wall_\x00"):
        with pytest.raises(Refusal):
            await walls.enter(hostile)


def _board() -> BoardView:
    totals = Totals(
        offered=1,
        answered=0,
        in_target=0,
        abandoned=0,
        outflow=0,
        aside=0,
        service_level=None,
        asa_s=None,
        waiting=1,
        over=0,
        live_now=1.0,
        live_event=None,
        longest_since=NOW,
        logged_in=1,
        idle=0,
        ringing=0,
        busy=1,
        wrapup=0,
        paused=0,
        unavailable=0,
    )
    caller = CallerView(
        visit="pbx-1700000000.12#1",
        call="pbx-1700000000.12",
        queue="europe",
        position=1,
        waiting_since=NOW,
        target_s=13.0,
        number="13505741300",
        display="135 0574 1300",
        region="浙江宁波",
        name="周敏",
        company="屿衡",
        tier="A",
        party="p1",
        new=False,
        ringing=(),
        idle_agents=("陈晓雯",),
        wrapup_next=None,
        can_take=(),
    )
    agent = AgentView(
        agent="陈晓雯",
        interface="PJSIP/8001",
        phase="busy",
        since=NOW,
        queue="europe",
        call="pbx-1700000000.13",
        caller="13905741301",
        caller_name="孟",
        company="港昀",
        pause_reason="",
        missed=0,
        last_missed=None,
        paused_since=None,
        paused_in=(),
        group="一组",
        queues=("europe",),
    )
    return BoardView(
        variant="V2",
        target_s=13.0,
        totals=totals,
        queues={},
        callers={caller.visit: caller},
        agents={"PJSIP/8001": agent},
    )


@pytest.mark.parametrize(("names", "shown"), [("none", None), ("surname", "周"), ("name", "周敏")])
def test_a_wall_never_shows_numbers_and_names_only_as_configured(names: str, shown: str | None) -> None:
    """Neither whole nor in changes: no number, company, region, phone, or key of a call; agents only where wanted."""
    board = _board()
    changes = Changes(totals=board.totals, callers=dict(board.callers), agents=dict(board.agents))
    for agents in (False, True):
        view = WallView(site="十三秒", callers=names, agents=agents)  # type: ignore[arg-type]
        whole, told = view.whole(board), view.changes(changes)
        assert told is not None
        assert [caller.name for caller in whole.callers.values()] == [shown]
        assert whole.callers == told.callers
        for text in (encode(whole).decode(), encode(told).decode()):
            for secret in ("1350574", "1390574", "屿衡", "港昀", "宁波", "孟", "pbx-17", "PJSIP"):
                assert secret not in text
            assert ("陈晓雯" in text) is agents
    assert WallView(site="", callers="none").changes(Changes(agents=dict(board.agents))) is None


def test_a_name_that_nobody_knows_is_no_name_for_a_wall() -> None:
    """What a stranger's phone presents is not shown to a room."""
    import msgspec

    board = _board()
    stranger = msgspec.structs.replace(next(iter(board.callers.values())), party=None, name="<b>x</b>", new=True)
    view = WallView(site="", callers="name")
    whole = view.whole(msgspec.structs.replace(board, callers={"v": stranger}))
    assert [(caller.name, caller.new) for caller in whole.callers.values()] == [(None, True)]


def test_surnames() -> None:
    """One character, two for double names, an initial for others."""
    assert [surname(name) for name in ("周敏", "欧阳晓", "Maria Lund", " ", "李")] == ["周", "欧阳", "L.", "", "李"]


def test_without_customers_keeps_tiers_only_where_asked() -> None:
    """The journal keeps how important a caller is, an admin's board does not."""
    board = _board()
    assert next(iter(without_customers(board).callers.values())).tier is None
    kept = next(iter(without_customers(board, tiers=True).callers.values()))
    assert kept is not None
    assert (kept.tier, kept.number, kept.name, kept.company, kept.party) == ("A", None, None, None, None)
