"""The stage on which a scenario plays: one PBX, its phones, the trunk's far end and a manager session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.asterisk.console import Console, Headers
from tests.asterisk.pbx import RealAsterisk
from tests.asterisk.phone import CallFailed, Leg, Manners, Phone
from tests.asterisk.site import Names, Site

pause = asyncio.sleep
"""People take their time: seconds that are part of the story (a ring, a talk, a hold), not a wait for the program."""


@dataclass
class Stage:
    """What a scenario may use. `phone[0]` to `phone[8]` are the site's phones in the order of Names.phones."""

    pbx: RealAsterisk
    console: Console
    phone: list[Phone] = field(default_factory=list)
    trunk: Phone | None = None
    notes: list[str] = field(default_factory=list)
    _caller: int = 0

    @property
    def names(self) -> Names:
        """What things are called at this site."""
        return self.pbx.site.names

    async def open(self) -> Stage:
        """Register all phones."""
        site = self.pbx.site
        self.phone = [await Phone(user, self.pbx.sip).open() for user in self.names.phones]
        await asyncio.gather(*(phone.register() for phone in self.phone))
        self.trunk = await Phone(self.names.trunk, self.pbx.sip, site.trunk_host, site.trunk_port).open()
        return self

    async def close(self) -> None:
        """Hang up everywhere."""
        for phone in [*self.phone, *([self.trunk] if self.trunk else [])]:
            await phone.close()

    async def clear(self) -> None:
        """Hang up what a scenario left, callers first; wait until the PBX has no channel left; forget the rings."""
        for phone in [*([self.trunk] if self.trunk else []), *self.phone]:
            phone.manners = Manners()
            for leg in list(phone.legs.values()):
                await leg.hang_up()
        async with asyncio.timeout(30):
            while True:
                shown = await self.console.act("CoreShowChannels", until="CoreShowChannelsComplete")
                if shown[-1].get("ListItems") == "0":
                    break
                await pause(0.1)
        for phone in self.phone:
            while not phone.rings.empty():
                phone.rings.get_nowait()

    def manners(self, manners: Manners, *phones: int) -> None:
        """How phones behave by themselves from now on; all of them if none is named."""
        for at in phones or range(len(self.phone)):
            self.phone[at].manners = manners

    def interface(self, at: int) -> str:
        """The interface of a phone."""
        return f"PJSIP/{self.names.phones[at]}"

    def extension(self, at: int) -> str:
        """The extension of a phone."""
        return self.names.phones[at]

    async def call(self, lead: str = "", *, keys: str = "", number: str | None = None, name: str | None = None) -> Leg:
        """A customer calls: a queue straight away (`lead`), or with keys the first 400 line and its menu."""
        assert self.trunk is not None
        self._caller += 1
        dialled = self.names.entries()[lead] if lead else self.names.lines[0]
        leg = self.trunk.call(dialled, number=number or f"138{self._caller:08d}", name=name)
        await leg.up()
        if keys:
            await pause(0.3)
            await leg.press(keys)
        return leg

    async def ring(self, *phones: int, guard: float = 30) -> Leg:
        """The next leg that rings at one of the phones (any, if none is named)."""
        among = [self.phone[at] for at in (phones or range(len(self.phone)))]
        waits = {asyncio.create_task(phone.rings.get()): phone for phone in among}
        done, pending = await asyncio.wait(waits, timeout=guard, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        if not done:
            raise TimeoutError("no phone rang")
        first, *others = [task.result() for task in done]
        for leg in others:
            leg.phone.rings.put_nowait(leg)
        return first

    async def taken(self, *phones: int, after: float = 0.0) -> Leg:
        """As `ring`, and answered after some seconds."""
        leg = await self.ring(*phones)
        await pause(after)
        leg.answer()
        return leg

    async def joined(self, queue: str) -> Headers:
        """Wait for the newest caller of a queue: his QueueCallerJoin."""
        await self.console.until("QueueCallerJoin", Queue=queue)
        return next(
            e for e in reversed(self.console.events) if e.get("Event") == "QueueCallerJoin" and e.get("Queue") == queue
        )

    async def act(self, action: str, until: str = "", **fields: str) -> list[Headers]:
        """A manager action that must succeed."""
        answer = await self.console.act(action, until, **fields)
        if answer[0].get("Response") != "Success":
            raise CallFailed(f"{action}: {answer[0].get('Message')}")
        return answer

    async def redirect(self, channel: str, extension: str) -> None:
        """Move a channel to an extension that the phones may dial."""
        context = self.names.context("from-phones")
        await self.act("Redirect", Channel=channel, Context=context, Exten=extension, Priority="1")

    async def cut(self) -> None:
        """Cut the manager session that is being watched: the console's own, unless a stage has another."""
        self.note("the session is cut")
        await self.console.close(keep_tape=True)

    async def mend(self) -> None:
        """Bring that session back and read the lists, as a client does that returns to a running PBX."""
        await self.console.open_booted()
        await self.console.resync()

    async def back(self) -> None:
        """After the PBX was away: wait until whoever else watches it is back too, before a new call is dialled."""

    def note(self, text: str) -> None:
        """Something worth remembering, also on the tape."""
        self.notes.append(text)
        if self.console.tape:
            self.console.tape.line(mark="note", text=text)


@asynccontextmanager
async def open_stage(site: Site | None = None) -> AsyncIterator[Stage]:
    """A PBX of its own with registered phones, up in a second. Skips the test where no Asterisk can be had."""
    pbx = RealAsterisk(site)
    async with pbx:
        stage = Stage(pbx, await Console(pbx.ami_port, pbx.site.secret).open_booted())
        try:
            yield await stage.open()
        finally:
            await stage.close()
            await stage.console.close()
