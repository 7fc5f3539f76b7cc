"""The bell: what was due is told as of its moment, nothing is lost while the store is away, quiet is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from cti import events
from cti.board import Board, QueuePlan
from cti.board.alerts import Alarms
from cti.settings.watching import HookSettings
from cti.store import Store, StoreError
from cti.watch.bell import Bell
from cti.watch.desks import AlertDesk
from cti.watch.hooks import Webhooks
from cti.web.ports import Refusal
from cti.web.ports.watching import SilenceWish
from cti.wire.watching import Limits
from tests.watching.kit import NOW, run, store_in, who

LIMITS = Limits(warn_s=8.0, late_s=13.0, goal=None, calls=10, missed=2, paused_s=900.0, no_agents_s=None)


class Pages:
    """The frames that boards got."""

    def __init__(self) -> None:
        self.frames: list[tuple[str, Any]] = []
        self.own: list[tuple[str, Any]] = []

    def send_boards(self, kind: str, body_for: Callable[[bool], bytes]) -> None:
        """To every board; the same for everybody."""
        assert body_for(True) is body_for(False)
        self.frames.append((kind, json.loads(body_for(True))))

    def send(self, users: Iterable[str], kind: str, body: bytes) -> None:
        """To somebody's pages."""
        self.own += [(user, json.loads(body)["silences"]) for user in users]

    def board_users(self) -> set[str]:
        """Two."""
        return {"wu", "li"}


class Here:
    """A bell over a board and a store, with a clock that a test moves."""

    def __init__(self, folder: Path) -> None:
        self.store: Store = store_in(folder)
        self.now = NOW
        self.away = False
        self.board = Board({"north": QueuePlan(label="北线")}, day=lambda at: int(at // 86400))
        self.pages = Pages()
        self.alarms = Alarms({}, LIMITS)
        hook = HookSettings(name="ops", url="http://127.0.0.1:9/x", secret="x" * 16)
        self.hooks = Webhooks(
            [hook], self.store, run=run, clock=lambda: self.now, site="", who=lambda call: (None, None)
        )
        self.bell = Bell(
            self.board, self.alarms, self.pages, self.store, self.hooks, run=self._run, clock=lambda: self.now
        )
        self.desk = AlertDesk(
            self.bell,
            self.alarms,
            self.hooks,
            self.store,
            ("north",),
            LIMITS,
            run=run,
            clock=lambda: self.now,
            quiet=self.bell.silenced,
            loud=self.bell.unsilenced,
        )

    async def _run(self, work: Callable[[], Any]) -> Any:
        if self.away:
            raise StoreError("不在", "away", permanent=False)
        return await run(work)

    def on(self, event: events.Event) -> None:
        """As the bus tells it: the bell before the board."""
        self.bell.on_event(event)
        self.board.apply(event)

    def call(self, n: int, at: float) -> None:
        """A caller comes."""
        self.on(
            events.CallQueued(
                at=at,
                call=f"c{n}",
                visit=f"c{n}#1",
                queue="north",
                position=None,
                waiting_since=at,
                caller="13505741300",
                caller_name=None,
                dialed="1",
                choice=None,
            )
        )

    def raised(self) -> list[tuple[str, float]]:
        """(id, seconds after NOW) of what the boards were told."""
        return [
            (alert["id"], round(alert["at"] - NOW, 3))
            for kind, frame in self.pages.frames
            if kind == "alerts"
            for alert in frame["raised"]
        ]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Here]:
    """One that is live."""
    made = Here(tmp_path)
    made.on(events.PbxResynced(at=NOW))
    yield made
    made.bell.stop()
    made.store.close()


async def test_an_answer_that_is_heard_late_does_not_hide_the_alerts_before_it(here: Here) -> None:
    """The loop stood still for 20 s: both alerts are told as of second 8 and beyond 13, then cleared."""
    here.call(1, NOW)
    here.bell.look(NOW)
    here.now = NOW + 20
    answered = events.CallAnswered(
        at=NOW + 14, call="c1", visit="c1#1", queue="north", agent="甲", interface="P/1", wait_s=14.0, waiting_since=NOW
    )
    here.on(answered)
    here.bell.look(here.now)
    assert here.raised() == [("warn:c1#1", 8.0), ("late:c1#1", 13.001)]
    assert here.bell.open() == ()


async def test_time_alone_rings(here: Here) -> None:
    """Without any event, when the moment has come."""
    here.call(1, NOW)
    here.now = NOW + 7.98
    here.bell.look(here.now)
    assert here.raised() == []
    here.now = NOW + 8.0
    async with asyncio.timeout(10):
        while not here.raised():  # noqa: ASYNC110
            await asyncio.sleep(0.005)  # the loop's own timer


async def test_a_store_that_is_away_loses_no_alert(here: Here) -> None:
    """Boards hear at once; when it is back, the log has the alerts with both moments, and the webhook's deliveries."""
    here.away = True
    here.call(1, NOW)
    here.bell.look(NOW)
    here.bell.look(NOW + 8)
    assert not await here.bell.write()
    here.call(2, NOW + 9)
    here.on(events.CallAbandoned(at=NOW + 10, call="c1", visit="c1#1", queue="north", wait_s=10.0, waiting_since=NOW))
    here.bell.look(NOW + 10)
    assert not await here.bell.write()
    assert here.raised() == [("warn:c1#1", 8.0)]
    here.away = False
    assert await here.bell.write()
    assert [(alert.id, alert.cleared_at) for alert in here.store.alert_log()] == [("warn:c1#1", NOW + 10)]
    due = here.store.due_deliveries(NOW + 99, ["ops"])
    assert [delivery.id for delivery in due] == ["ops warn:c1#1 raised", "ops warn:c1#1 cleared"]


async def test_quiet_for_all_keeps_webhooks_quiet_and_quiet_for_one_does_not(here: Here) -> None:
    """Boards and log hear of everything; a silence ends by its time or by hand, another's cannot be ended."""
    wu, li = who("wu", "supervisor"), who("li", "supervisor")
    own = await here.desk.silence(wu, SilenceWish(kind="warn", minutes=1))
    assert [silences for user, silences in here.pages.own if user == "li"] == [[]]
    here.call(1, NOW)
    here.bell.look(NOW + 8)
    everybody = await here.desk.silence(wu, SilenceWish(queue="north", minutes=10, for_all=True))
    assert [s.id for s in here.bell.silences_of("li")] == [everybody.id]
    assert [s.id for s in here.bell.silences_of("wu")] == [own.id, everybody.id]
    here.bell.look(NOW + 13.1)
    await here.bell.write()
    assert [d.id for d in here.store.due_deliveries(NOW + 99, ["ops"])] == ["ops warn:c1#1 raised"]
    assert [alert.id for alert in here.store.alert_log()] == ["late:c1#1", "warn:c1#1"]
    with pytest.raises(Refusal):
        await here.desk.unsilence(li, own.id)
    await here.desk.unsilence(li, everybody.id)
    assert here.store.silences(NOW) == [own]
    here.now = NOW + 61
    assert here.bell.silences_of("wu") == ()
    assert [(row.user, row.action) for row in here.store.audit()] == [("li", "unsilence"), ("wu", "silence")]
    for bad in (
        SilenceWish(minutes=5),
        SilenceWish(kind="late", minutes=0),
        SilenceWish(kind="late", minutes=1441),
        SilenceWish(queue="", minutes=5),
        SilenceWish(alert="x" * 251, minutes=5),
    ):
        with pytest.raises(Refusal) as refused:
            await here.desk.silence(wu, bad)
        assert refused.value.status == 422


async def test_the_log_has_what_was_told_a_moment_ago(here: Here) -> None:
    """Even while another writing is under way."""
    here.call(1, NOW)
    here.bell.look(NOW + 8)
    writing = asyncio.create_task(here.bell.write())
    await asyncio.sleep(0)
    log = await here.desk.listed(who("wu", "supervisor"), None, None, None)
    assert [alert.id for alert in log.log] == ["warn:c1#1"]
    assert await writing
