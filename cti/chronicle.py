"""Builds the history's parts for the service: what notes, what writes, what answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from crm_bridge import model
from cti.asking import ask
from cti.events import Event
from cti.history.answers import Names
from cti.history.ask import DEFAULT_SHORT_S
from cti.history.calendar import Calendar
from cti.history.desk import HistoryDesk
from cti.history.follower import Follower
from cti.history.keeper import Keeper
from cti.history.queue_log import Rules
from cti.history.recorder import Recorder
from cti.popup.lanes import Away, Lane, Late
from cti.popup.whose import Whose
from cti.settings import PbxSettings, Settings
from cti.store import Store, StoreError, is_outage
from cti.store.journal import Journal, journal_path
from cti.store.notes_journal import LIMIT, RESERVE, NotesJournal
from cti.ticker import steady_clock, wall_clock

log = logging.getLogger(__name__)

FOLLOW_S: Final = 2.0
"Between two looks at queue_log."


class Scribe:
    """Writes the history of one PBX: what is noted from its events, and what its queue_log says.

    `run` as a task, `close` behind it. Only the node that leads writes; one that stands by notes all the same, and
    keeps what is younger than KEEP_S: so much whoever led may not have written.
    """

    def __init__(
        self,
        store: Store,
        pbx: PbxSettings,
        settings: Settings,
        *,
        clock: Callable[[], float],
        away: Callable[[], bool],
    ) -> None:
        """`clock` is the PBX's; `away` tells that nobody can write now."""
        folder = settings.store.journal_folder
        self._spare = None
        if folder is not None:
            journal = Journal(journal_path(folder, pbx.name, "notes"), limit=LIMIT, reserve=RESERVE)
            self._spare = NotesJournal(journal, clock=wall_clock)
        self._writing = Lane("history-notes", 1, deadline_s=60.0, clock=steady_clock, counts=is_outage)
        self._pbx = pbx
        self._clock = clock
        self.recorder = Recorder()
        targets = {name: (queue.target, queue.short) for name, queue in settings.queues.items()}
        self.keeper = Keeper(
            self.recorder,
            store,
            run=self._writing.run,
            clock=clock,
            targets={"": (pbx.default_target, DEFAULT_SHORT_S), **targets},
            away=away,
            spare=self._spare,
        )
        self.follower: Follower | None = None
        self._leads = asyncio.Event()
        self.lead(store)

    def lead(self, store: Store | None) -> None:
        """Write through this view of the store from now on; None: stand by."""
        self.follower = None
        if store is None:
            self._leads.clear()
            self.keeper.stand_by()
            return
        self.keeper.lead(store)
        if self._pbx.queue_log:
            self.follower = Follower(
                Path(self._pbx.queue_log),
                store,
                pbx=self._pbx.name,
                rules=lambda: Rules(systemname=self._pbx.systemname),
                clock=self._clock,
            )
        self._leads.set()

    def on_event(self, event: Event) -> None:
        """Hears the bus."""
        if event.pbx == self._pbx.name:
            self.recorder.on_event(event)

    async def run(self) -> None:
        """Write down what was noted, and follow queue_log, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.keeper.run())
            if self._pbx.queue_log:
                tasks.create_task(self._follow())

    async def _follow(self) -> None:
        broken = False
        while True:
            await self._leads.wait()
            try:
                while self.follower is not None and await self._writing.run(self.follower.step):
                    pass
                if self.follower is not None:
                    await self._writing.run(self.follower.settle)
                broken = False
            except (OSError, StoreError, Away, Late) as error:
                if not broken:  # once, not every two seconds
                    log.warning("queue_log is not followed: %s", type(error).__name__)
                broken = True
            await asyncio.sleep(FOLLOW_S)

    async def close(self) -> None:
        """Write what is left."""
        await self.keeper.write()
        self._writing.close()
        if self._spare is not None:
            self._spare.close()


class Chronicle:
    """What pages ask of the history."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        crm: Callable[[Callable[[model.Crm], Any]], Awaitable[Any]],
        *,
        phones: Callable[[str], Sequence[str]],
        clock: Callable[[], float],
    ) -> None:
        """`crm` asks the CRM whose numbers are, `phones` gives a user's phones; `clock` is the PBX's."""
        # Reports may take their time, and never that of notes, drafts or logins.
        self._asking = Lane("history", 2, deadline_s=60.0, clock=steady_clock, counts=is_outage)
        self.desk = HistoryDesk(
            store,
            Calendar(ZoneInfo(settings.site.timezone)),
            run=self._asked,
            phones=phones,
            clock=clock,
            whose=Whose(crm).parties,
            names=Names(
                queues={name: queue.label for name, queue in settings.queues.items()},
                lines=dict(settings.lines),
                goals={name: queue.goal for name, queue in settings.queues.items()},
            ),
        )

    def close(self) -> None:
        """Let the threads go."""
        self._asking.close()

    async def _asked(self, work: Callable[[], Any]) -> Any:
        return await ask(self._asking, work)
