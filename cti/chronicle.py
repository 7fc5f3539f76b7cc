"""Builds the history's parts for the service: what notes, what writes, what answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from cti.asking import ask
from cti.bus import Bus
from cti.history.answers import Names
from cti.history.ask import DEFAULT_SHORT_S
from cti.history.calendar import Calendar
from cti.history.desk import HistoryDesk
from cti.history.follower import Follower
from cti.history.keeper import Keeper
from cti.history.queue_log import Rules
from cti.history.recorder import Recorder
from cti.popup.lanes import Away, Lane, Late
from cti.settings import Settings
from cti.store import Store, StoreError, is_outage
from cti.ticker import steady_clock

log = logging.getLogger(__name__)

FOLLOW_S: Final = 2.0
"Between two looks at queue_log."


class Chronicle:
    """The history of one service: `run` as a task, `close` behind it."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        settings: Settings,
        *,
        phones: Callable[[str], Sequence[str]],
        clock: Callable[[], float],
    ) -> None:
        """`phones` gives a user's phones; `clock` is the PBX's."""
        # Reports may take their time, and never that of notes, drafts or logins.
        self._asking = Lane("history", 2, deadline_s=60.0, clock=steady_clock, counts=is_outage)
        self._writing = Lane("history-notes", 1, deadline_s=60.0, clock=steady_clock, counts=is_outage)
        self.recorder = Recorder()
        bus.subscribe("history", self.recorder.on_event)
        targets = {name: (queue.target, queue.short) for name, queue in settings.queues.items()}
        self.keeper = Keeper(
            self.recorder,
            store,
            run=self._writing.run,
            clock=clock,
            targets={"": (settings.pbx.default_target, DEFAULT_SHORT_S), **targets},
        )
        path = settings.pbx.queue_log
        self.follower: Follower | None = None
        if path:
            self.follower = Follower(
                Path(path),
                store,
                pbx=settings.pbx.name,
                rules=lambda: Rules(systemname=settings.pbx.systemname),
                clock=clock,
            )
        self.desk = HistoryDesk(
            store,
            Calendar(ZoneInfo(settings.site.timezone)),
            run=self._asked,
            phones=phones,
            clock=clock,
            names=Names(
                queues={name: queue.label for name, queue in settings.queues.items()},
                lines=dict(settings.lines),
                goals={name: queue.goal for name, queue in settings.queues.items()},
            ),
        )

    async def run(self) -> None:
        """Write down what was noted, and follow queue_log, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.keeper.run())
            if self.follower is not None:
                tasks.create_task(self._follow(self.follower))

    async def _follow(self, follower: Follower) -> None:
        broken = False
        while True:
            try:
                while await self._writing.run(follower.step):
                    pass
                await self._writing.run(follower.settle)
                broken = False
            except (OSError, StoreError, Away, Late) as error:
                if not broken:  # once, not every two seconds
                    log.warning("queue_log is not followed: %s", type(error).__name__)
                broken = True
            await asyncio.sleep(FOLLOW_S)

    async def close(self) -> None:
        """Write what is left."""
        await self.keeper.write()
        self._asking.close()
        self._writing.close()

    async def _asked(self, work: Callable[[], Any]) -> Any:
        return await ask(self._asking, work)
