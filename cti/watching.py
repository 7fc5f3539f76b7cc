"""Builds what watches: alerts and webhooks, walls, teams, recordings, what-if, the board's journal."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from cti import events
from cti.asking import ask
from cti.auth import Auth, Identity
from cti.board import Changes
from cti.board.alerts import Alarms
from cti.board.veil import WallView
from cti.bus import Bus
from cti.floor import Floor
from cti.history.calendar import Calendar
from cti.nodes.sharing import Loud, Quiet, Regrouped, Sharing
from cti.popup.hub import Hub, Page
from cti.popup.lanes import Lane
from cti.recordings.desk import RecordingDesk
from cti.settings import Settings
from cti.store import Store, is_outage
from cti.ticker import steady_clock, wall_clock
from cti.watch.bell import Bell
from cti.watch.desks import AlertDesk, TeamBook
from cti.watch.forecasts import Forecasts, Plan
from cti.watch.hooks import Webhooks
from cti.watch.replays import JournalKeeper, Replays
from cti.watch.walls import Walls
from cti.web.ports import Refusal
from cti.wire import body
from cti.wire.watching import Alert, Silence

log = logging.getLogger(__name__)

DAY_S: Final = 86_400.0


class Watching:
    """All that watches, for one service: `restore`, `listen` before the floor, `run` as a task, `close` behind it."""

    def __init__(
        self,
        store: Store,
        auth: Auth,
        floor: Floor,
        hub: Hub,
        settings: Settings,
        sharing: Sharing,
        *,
        phones: Callable[[str], Sequence[str]],
        describe: Callable[[str | None], tuple[str, str]],
        secure: bool,
        clock: Callable[[], float],
    ) -> None:
        """`phones` gives a user's phones, `describe` a number's (display form, region); `clock` is the PBX's."""
        watching, zone = settings.watching, ZoneInfo(settings.site.timezone)
        self._store = store
        self._auth = auth
        self._floor = floor
        self._hub = hub
        self._clock = clock
        self._zone = zone
        self._sharing = sharing
        self._leads = True
        self._taking: asyncio.Task[None] | None = None
        # Reading may take its time, and writing goes on meanwhile.
        self._asking = Lane("watching", 2, deadline_s=30.0, clock=steady_clock, counts=_counts)
        self._writing = Lane("watching-notes", 1, deadline_s=30.0, clock=steady_clock, counts=_counts)
        board = floor.board
        self.alarms = Alarms(watching.alerts.queues, watching.alerts.default)
        self.hooks = Webhooks(
            watching.hooks,
            store,
            run=self._writing.run,
            clock=wall_clock,
            site=settings.site.name,
            who=board.who,
        )
        self.hooks.may_send = lambda: self._leads
        self.bell = Bell(board, self.alarms, hub, store, self.hooks, run=self._writing.run, clock=clock)
        self.journal = JournalKeeper(
            board,
            store,
            watching.replay,
            alert_days=watching.alerts.days,
            run=self._writing.run,
            clock=clock,
        )
        self._wall_view = WallView(site=settings.site.name, callers=watching.wall.callers, agents=watching.wall.agents)
        plans = {n: Plan(label=q.label, target_s=q.target, goal=q.goal) for n, q in settings.queues.items()}
        self.alerts = AlertDesk(
            self.bell,
            self.alarms,
            self.hooks,
            store,
            tuple(settings.queues),
            watching.alerts.default,
            run=self._asked,
            clock=clock,
            quiet=lambda silence: sharing.share(Quiet(silence=silence)),
            loud=lambda silence: sharing.share(Loud(silence=silence)),
        )
        self.walls = Walls(store, run=self._asked, clock=wall_clock, secure=secure, site=settings.site.name)
        self.teams = TeamBook(store, run=self._asked, clock=clock, regrouped=self._regrouped)
        self.recordings = RecordingDesk(
            watching.recordings, store, run=self._asked, zone=zone, phones=phones, clock=wall_clock
        )
        self.forecasts = Forecasts(
            store,
            Calendar(zone),
            plans.get,
            lambda queue: board.presence(queue)[0],
            run=self._asked,
            clock=clock,
        )
        sharing.takes(Regrouped, self._group)
        sharing.takes(Quiet, lambda fact: self.bell.silenced(fact.silence))
        sharing.takes(Loud, lambda fact: self.bell.unsilenced(fact.silence))
        self.replays = Replays(self.journal, store, watching.replay, describe, run=self._asked, clock=clock)

    # --- starting and stopping ---------------------------------------------------------------------------------------

    async def restore(self, now: float) -> None:
        """What the store remembers at `now`, PBX time; before any event. Raises StoreError."""
        store = self._store
        midnight = datetime.fromtimestamp(now, self._zone).replace(hour=0, minute=0, second=0, microsecond=0)
        alerts, waits, silences, missed = await asyncio.to_thread(
            lambda: (
                store.open_alerts(),
                store.told_waits(now - DAY_S),
                store.silences(now),
                store.last_missed(midnight.timestamp()),
            )
        )
        self.bell.restore(alerts, waits, silences)
        self._floor.board.restore_missed(missed)

    def lead(self, leads: bool) -> None:
        """Alerts, webhooks and the journal are written at this node from now on, or no longer."""
        self._leads = self.journal.leads = False
        self.bell.stand_by()
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None
        if leads:
            self._taking = asyncio.get_running_loop().create_task(self._take())

    async def _take(self) -> None:
        store, now = self._store, self._clock()
        known: tuple[list[Alert], list[str], list[Silence]] | None = None
        while known is None:
            try:
                known = await self._writing.run(
                    lambda: (store.open_alerts(), store.told_waits(now - DAY_S), store.silences(now))
                )
            except Exception as error:  # whatever the store has: it is asked again
                log.warning("the alerts of before were not read: %s", type(error).__name__)
                await asyncio.sleep(1.0)
        self._leads = self.journal.leads = True
        self.bell.lead(*known)
        self.hooks.wake()
        self._hub.renew(self._hub.board_users())

    def listen(self, bus: Bus) -> None:
        """Hear events before the board does: what was due before one is told as of its own moment."""
        bus.subscribe("watching", self.on_event)
        self._floor.on_board.append(self._board_changed)
        self._floor.more = self.more

    def on_event(self, event: events.Event) -> None:
        """One event of the PBX."""
        self.bell.on_event(event)
        self.journal.on_event(event)

    def _board_changed(self, changes: Changes) -> None:
        self.journal.on_board(changes)
        if self._hub.walls:
            told = self._wall_view.changes(changes)
            if told is not None:
                self._hub.send_walls("wall", body(changes=told))

    def more(self, page: Page) -> Mapping[str, Any]:
        """What a page's snapshot holds beside what the floor puts there."""
        if page.kind == "board":
            return {"alerts": self.bell.view(page.identity.login)}
        if page.kind == "wallboard":
            return {"wall": self._wall_view.whole(self._floor.board.snapshot())}
        return {}

    async def run(self) -> None:
        """Write, send and keep the journal, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.bell.run())
            tasks.create_task(self.hooks.run())
            tasks.create_task(self.journal.run())

    async def close(self) -> None:
        """Write what is left."""
        if self._taking is not None:
            self._taking.cancel()
        self.bell.stop()
        await self.bell.write()
        await self.journal.close()
        self._asking.close()
        self._writing.close()

    # --- who comes ---------------------------------------------------------------------------------------------------

    async def identify(self, headers: Mapping[str, str]) -> Identity | None:
        """A user's session, else a wall."""
        identity = await self._auth.identify(headers)
        if identity is not None:
            return identity
        try:
            return await self.walls.identify(headers)
        except Refusal:  # the store is away: nobody knows who it is
            return None

    async def still(self, sessions: Collection[str]) -> Mapping[str, Identity]:
        """Which of these sessions and walls live on, and whose they are."""
        alive = dict(await self._auth.still(sessions))
        if self._hub.walls:
            alive.update(await self.walls.still([session for session in sessions if session not in alive]))
        return alive

    # --- inside ------------------------------------------------------------------------------------------------------

    def _regrouped(self, teams: Mapping[str, str]) -> None:
        self._sharing.share(Regrouped(teams=teams))

    def _group(self, fact: Regrouped) -> None:
        self._floor.board.group(fact.teams)
        self._floor.board_changed()

    async def _asked(self, work: Callable[[], Any]) -> Any:
        return await ask(self._asking, work)

    def counters(self) -> dict[str, dict[str, int]]:
        """For those who watch the service."""
        return {
            "alerts": {"raised": self.bell.raised, "given_up": self.bell.given_up},
            "journal": {"given_up": self.journal.given_up},
        }


def _counts(error: BaseException) -> bool:
    return not isinstance(error, Refusal) and is_outage(error)  # a refusal is an answer
