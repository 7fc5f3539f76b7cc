"""Plays performed live in front of the service, and what it made of them beside what the PBX's own books say."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cti.calls import record
from tests.asterisk.compare import differences
from tests.asterisk.console import Console
from tests.asterisk.pbx import RealAsterisk
from tests.asterisk.plays_all import PLAYS
from tests.asterisk.service import Service
from tests.asterisk.site import Site
from tests.asterisk.stage import Stage
from tests.asterisk.truth import TrueCall, read_books, truth_of

PLAY_GUARD = 90.0


@dataclass
class Performance:
    """One play, performed."""

    play: str
    truth: list[TrueCall] = field(default_factory=list)
    calls: list[record.Call] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    fault: str = ""
    "What kept the play from being performed; '' if nothing did."


class ServiceStage(Stage):
    """A stage with a service in front: a cut of the session is a cut of the service's cable."""

    service: Service
    gap: tuple[float, float] | None = None

    async def cut(self) -> None:
        """Pull the service's cable, once what the PBX has said so far is through it: what is in it is lost."""
        await self.service.app.link.action("Ping", {})
        self.service.cable.pull()
        self._cut_at = time.time()  # noqa: TID251  the wall clock is the PBX's
        self.gap = None

    async def mend(self) -> None:
        """Plug it in again and wait until the service has caught up."""
        self.service.cable.plug()
        await self.service.live()
        self.gap = (self._cut_at, time.time())  # noqa: TID251

    async def back(self) -> None:
        """Wait for the service."""
        await self.service.live()


async def perform(site: Site, plays: Sequence[str]) -> list[Performance]:
    """Perform plays one after another on one PBX of their own, with one service watching throughout."""
    done: list[Performance] = []
    try:
        async with RealAsterisk(site) as pbx, Service(pbx) as service:
            stage = ServiceStage(pbx, await Console(pbx.ami_port, pbx.site.secret).open_booted())
            stage.service = service
            await stage.open()
            try:
                for play in plays:
                    done.append(await _perform_one(stage, service, play))
            finally:
                await stage.close()
                await stage.console.close()
    except Exception:
        why = traceback.format_exc()
        done += [Performance(play, fault=f"the stage fell down: {why}") for play in plays[len(done) :]]
    return done


async def _perform_one(stage: ServiceStage, service: Service, play: str) -> Performance:
    pbx, performance = stage.pbx, Performance(play)
    since = pbx.bookmark()
    before = {call.id for call in await service.log()}
    began = time.time()  # noqa: TID251
    stage.gap = None
    stage.console.events.clear()  # a play waits for its own events, not for the last one's
    try:
        await asyncio.wait_for(PLAYS[play](stage), PLAY_GUARD)
        await stage.clear()
        await service.live()
        calls = await service.calls()
        await asyncio.sleep(0.2)  # the books are written a moment after the last event: nobody tells when
    except Exception as error:
        performance.fault = f"{type(error).__name__}: {error}"
        keep = Path(tempfile.mkdtemp(prefix="thirteen-failed-"))
        shutil.copytree(pbx.folder / "log", keep / "log")
        return performance
    if play in {"restarted", "killed"}:
        stage.gap = (began, time.time())  # noqa: TID251
    performance.truth = truth_of(*read_books(*pbx.books(since)), stage.names.trunk)
    performance.calls = [call for call in calls if call.id not in before]
    performance.differences = differences(performance.truth, performance.calls, gap=stage.gap)
    return performance


async def perform_all(programme: Sequence[tuple[Site, Sequence[str]]]) -> list[list[Performance]]:
    """Perform on several PBXs at once, a list of plays each."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(perform(site, plays)) for site, plays in programme]
    return [task.result() for task in tasks]
