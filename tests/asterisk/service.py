"""The service itself in front of a test's PBX: the whole application on its own store, reached through a cable."""

from __future__ import annotations

import asyncio
from pathlib import Path

from argon2 import PasswordHasher

from cti.app import App
from cti.calls import record
from cti.events import Event
from cti.settings import CrmSettings, PbxSettings, PushSettings, Settings, StoreSettings, WebSettings
from tests.asterisk.cable import Cable
from tests.asterisk.pbx import RealAsterisk

GUARD = 20.0


def settings_for(pbx: RealAsterisk, folder: Path, ami_port: int | None = None) -> Settings:
    """Settings with a database of its own in `folder` and free ports."""
    site = pbx.site
    return Settings(
        pbx=PbxSettings(
            name="main",
            host="127.0.0.1",
            port=ami_port or pbx.ami_port,
            username="thirteen",
            secret=site.secret,
            trunks=(f"PJSIP/{site.names.trunk}",),
            systemname=site.systemname,
        ),
        web=WebSettings(port=0),
        push=PushSettings(port=0),
        store=StoreSettings(url=f"sqlite:///{folder / 'thirteen.db'}"),
        crm=CrmSettings(url=f"sqlite:///{folder / 'crm.db'}"),
    )


class Service:
    """A running Thirteen; `cable` is what connects it with the PBX."""

    def __init__(self, pbx: RealAsterisk) -> None:
        """Nothing runs yet."""
        self.cable = Cable(pbx.ami_port)
        self._pbx = pbx

    async def __aenter__(self) -> Service:
        """Start and wait until the link is live."""
        await self.cable.__aenter__()
        cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        self.app = App(settings_for(self._pbx, self._pbx.folder, self.cable.port), hasher=cheap)
        self._told = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        await self.app.__aenter__()
        self._leave = self.app.bus.subscribe("test", self._heard)
        await self.live()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        self._leave()
        await self.app.__aexit__(None, None, None)
        await self.cable.__aexit__()
        await asyncio.gather(*self._tasks)

    def _heard(self, event: Event) -> None:
        """Wake whoever waits for the service to be somewhere."""
        task = asyncio.get_running_loop().create_task(self._wake())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _wake(self) -> None:
        async with self._told:
            self._told.notify_all()

    async def live(self) -> None:
        """Wait until the link is live and its lists are read."""
        async with asyncio.timeout(GUARD):
            while self.app.link.state.phase != "live":  # noqa: ASYNC110  the link's state is no event of the bus
                await asyncio.sleep(0.02)

    async def calls(self) -> list[record.Call]:
        """Wait until no call is open any more, then read the call log from the store.

        Raises TimeoutError where the service believes in a call that the PBX no longer has.
        """
        try:
            async with asyncio.timeout(GUARD), self._told:
                await self._told.wait_for(lambda: not self.app.pbx.open_calls())
        except TimeoutError:
            ghosts = [f"{call.caller} -> {call.dialed}" for call in self.app.pbx.open_calls()]
            raise TimeoutError(f"ghosts: {', '.join(ghosts)}") from None
        return await self.log()

    async def log(self) -> list[record.Call]:
        """The call log as it is now, open calls too."""
        self.app.exchange.feed.save()
        if not await self.app.writer.flush(GUARD):
            raise TimeoutError("the store did not take the calls")
        return await asyncio.to_thread(self.app.store.calls_since, 0.0)


__all__ = ["Service", "settings_for"]
