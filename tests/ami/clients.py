"""The same small client twice: on stock panoramisk and on our link, so that one test can try both."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Protocol

from panoramisk.manager import Manager

from cti.ami.actions import AmiError
from cti.ami.link import Link, LinkState, Pace
from cti.ami.messages import Packet
from cti.ami.roster import Roster
from tests.ami.wire import GUARD, Fields, ScriptedPbx, Site

QUICK = Pace(
    ping_idle=0.2,
    dead_after=0.6,
    retry_first=0.02,
    retry_cap=0.1,
    refused_retry=GUARD * 10,
    boot_wait=0.05,
    answer=GUARD,
    audit_every=0.05,
)


class Client(Protocol):
    """What both can do."""

    repaired: bool
    patience: float
    "Seconds to wait for an answer that should come: of stock it is seen that it does not."
    events: list[Fields]
    breaks_on: str
    "Number of the event on which the callback raises."
    told: list[str]
    "Sentences about the state of the link that the application was given."

    async def start(self, pbx: ScriptedPbx, secret: str = "right") -> None: ...
    async def stop(self) -> None: ...
    async def until(self, true: Callable[[], bool]) -> None: ...
    async def ask(self, name: str, fields: Fields, seconds: float) -> str: ...
    @property
    def unanswered(self) -> int: ...


class _Seen:
    def __init__(self) -> None:
        self.events: list[Fields] = []
        self.breaks_on = ""
        self.told: list[str] = []
        self._changed = asyncio.Event()

    def see(self, headers: Fields) -> None:
        self.events.append(headers)
        self._changed.set()
        if self.breaks_on and headers.get("Number") == self.breaks_on:
            raise RuntimeError("the application is wrong")

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(GUARD):
            while not true():
                self._changed.clear()
                await self._changed.wait()


class Stock(_Seen):
    """panoramisk 1.4 as it comes, with its times as short as they go."""

    repaired = False
    patience = 0.5

    def __init__(self) -> None:
        super().__init__()
        self.manager: Any = None

    async def start(self, pbx: ScriptedPbx, secret: str = "right") -> None:
        self.manager = Manager(
            loop=asyncio.get_running_loop(),
            host="127.0.0.1",
            port=pbx.port,
            username="thirteen",
            secret=secret,
            ping_delay=0,
            ping_interval=1,
            reconnect_timeout=0,
            on_disconnect=lambda manager, exc: self._changed.set(),
        )
        self.manager.register_event("*", lambda manager, event: self.see(dict(event.items())))
        await self.manager.connect()
        await pbx.until(lambda: pbx.count("Login") >= 1)

    async def stop(self) -> None:
        self.manager.close()

    async def ask(self, name: str, fields: Fields, seconds: float) -> str:
        future = self.manager.send_action({"Action": name, **fields})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.shield(future)
                return "answered"
        return "for ever"

    @property
    def unanswered(self) -> int:
        return len(self.manager.protocol.responses)


class Ours(_Seen):
    """The link."""

    repaired = True
    patience = GUARD

    def __init__(self) -> None:
        super().__init__()
        self.link: Link
        self.states: list[LinkState] = []
        self.rosters: list[tuple[Roster, list[Packet]]] = []
        self._task: asyncio.Task[None] | None = None

    def make(self, pbx: ScriptedPbx, secret: str = "right", pace: Pace = QUICK, systemname: str | None = None) -> Link:
        """The link, not yet running."""
        return Link(
            Site(pbx.port, secret=secret, systemname=systemname),
            on_packet=lambda packet, now: self.see(dict(packet.headers())),
            on_roster=self._roster,
            on_state=self._state,
            clock=lambda: 1_000.0,
            pace=pace,
        )

    def run(self, link: Link) -> None:
        """Run it."""
        self.link = link
        self._task = asyncio.get_running_loop().create_task(link.run())

    async def start(self, pbx: ScriptedPbx, secret: str = "right") -> None:
        self.run(self.make(pbx, secret))
        await self.until(lambda: self.link.state.phase in ("live", "refused"))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def ask(self, name: str, fields: Fields, seconds: float) -> str:
        try:
            await self.link.action(name, fields, timeout=seconds)
        except AmiError as error:
            return "refused" if error.permanent else "given up"
        return "answered"

    @property
    def unanswered(self) -> int:
        return self.link.unanswered

    def _roster(self, roster: Roster, held: list[tuple[Packet, float]], now: float) -> None:
        self.rosters.append((roster, [packet for packet, _ in held]))
        self._changed.set()

    def _state(self, state: LinkState, now: float) -> None:
        self.states.append(state)
        if state.phase in ("lost", "refused"):
            self.told.append(state.text_en)
        self._changed.set()

    @property
    def phases(self) -> list[str]:
        """The phases the link went through."""
        return [state.phase for state in self.states]
