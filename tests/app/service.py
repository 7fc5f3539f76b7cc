"""The whole service on free ports: sample customers, a replayed PBX that plays what a test asks for, real clients."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp
import msgspec
from argon2 import PasswordHasher
from websockets.asyncio.client import ClientConnection, connect

from crm_bridge.embedded import EmbeddedCrm
from cti.app import App
from cti.commands import demo
from cti.demo import sample
from cti.demo.pbx import ReplayedPbx
from cti.popup.state import PopState
from cti.settings import Settings
from cti.store import Store
from cti.ticker import wall_clock

GUARD_S = 20.0
FAST = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"Hashes in a millisecond: the tests log in often."
KNOWN = "13505741300"
"A caller of the sample: 周敏 of 屿衡."
PASSWORD = "sample-password-13"
DAYS_S = 1e6
"Longer than any test."


async def eventually(true: Callable[[], object]) -> None:
    """Wait until it is so, for what nobody can be told of."""
    async with asyncio.timeout(GUARD_S):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def make_sample(folder: Path) -> sample.Sample:
    """Fill databases once; tests get copies."""
    settings = demo.settings_for(folder, 0, port=0, push_port=0)
    store, crm = Store.open(settings.store.url), EmbeddedCrm(settings.crm.url)
    try:
        return sample.fill(crm, store, wall_clock(), FAST.hash, password=PASSWORD)
    finally:
        crm.close()
        store.close()


class Screen:
    """One open page: what it was told, and what stands on it now."""

    def __init__(self, ws: ClientConnection) -> None:
        self.ws = ws
        self.frames: list[dict[str, Any]] = []
        self.pops: dict[str, dict[str, Any]] = {}
        self.sections: dict[str, dict[str, dict[str, Any]]] = {}
        self.closed: list[dict[str, Any]] = []
        self.board: dict[str, Any] | None = None
        self.state: dict[str, Any] = {}

    async def next(self) -> dict[str, Any]:
        """Take one frame."""
        frame: dict[str, Any] = json.loads(await asyncio.wait_for(self.ws.recv(), GUARD_S))
        assert frame["seq"] == len(self.frames) + 1
        self.frames.append(frame)
        match frame["type"]:
            case "snapshot":
                self.state = frame
                self.pops = {p["id"]: p for p in frame["pops"]}
                self.board = frame["board"]
            case "pop":
                self.pops[frame["pop"]["id"]] = frame["pop"]
            case "section":
                self.sections.setdefault(frame["pop"], {})[frame["section"]["name"]] = frame["section"]
            case "pop_closed":
                self.closed.append(frame)
                self.pops.pop(frame["pop"], None)
            case "board" if self.board is not None:
                for part in ("queues", "callers", "agents"):
                    for key, value in frame["changes"].get(part, {}).items():
                        if value is None:
                            self.board[part].pop(key, None)
                        else:
                            self.board[part][key] = value
                self.board["totals"] = frame["changes"].get("totals") or self.board["totals"]
            case "agent" | "today" | "link":
                self.state[frame["type"]] = frame[frame["type"]]
            case _:
                pass
        return frame

    async def until(self, true: Callable[[Screen], Any]) -> Any:
        """Take frames until it is so; what it was."""
        async with asyncio.timeout(GUARD_S):
            while not (found := true(self)):
                await self.next()
            return found

    async def pop(self, state: str = "ringing", **wanted: Any) -> dict[str, Any]:
        """The first pop in this state with these values."""

        def found(screen: Screen) -> dict[str, Any] | None:
            for pop in screen.pops.values():
                if pop["state"] == state and all(pop[k] == v for k, v in wanted.items()):
                    return pop
            return None

        result: dict[str, Any] = await self.until(found)
        return result

    async def record(self, pop: str) -> dict[str, dict[str, Any]]:
        """All six sections of a pop, none of them loading."""

        def found(screen: Screen) -> dict[str, dict[str, Any]] | None:
            have = screen.sections.get(pop, {})
            return have if len(have) == 6 and all(s["state"] != "loading" for s in have.values()) else None

        result: dict[str, dict[str, Any]] = await self.until(found)
        return result


class Browser:
    """A logged-in user's browser."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()
        await self.http.close()

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """One API call as a page makes it: (status, JSON)."""
        sent = {"Origin": self.base, "X-Requested-With": "thirteen", **headers}
        async with self.http.request(method, f"{self.base}/api/v1{path}", json=body, headers=sent) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    async def login(self, user: str, password: str = PASSWORD, **more: Any) -> dict[str, Any]:
        """Log in; who I am."""
        status, body = await self.call("POST", "/login", {"user": user, "password": password, **more})
        assert status == 200, body
        me: dict[str, Any] = body["me"]
        return me

    def cookie(self) -> str:
        """The session's cookie as a header."""
        return "; ".join(f"{c.key}={c.value}" for c in self.http.cookie_jar)

    async def screen(self, page: str = "desk") -> Screen:
        """Open a page; its snapshot has come."""
        _, me = await self.call("GET", "/me")
        ws = await self._stack.enter_async_context(
            connect(
                me["push_url"],
                additional_headers={"Cookie": self.cookie(), "Origin": self.base},
                max_size=None,
                close_timeout=0.2,  # a screen that nobody reads any more does not see the server's goodbye
            )
        )
        await ws.send(json.dumps({"type": "hello", "v": 1, "page": page}))
        screen = Screen(ws)
        await screen.next()
        return screen


class Service:
    """A running service and its PBX."""

    def __init__(self, app: App, pbx: ReplayedPbx, made: sample.Sample, folder: Path) -> None:
        self.app = app
        self.pbx = pbx
        self.sample = made
        self.folder = folder
        self.base = f"http://127.0.0.1:{app.web_port}"
        self._tasks: set[asyncio.Task[None]] = set()

    def call(
        self, tape: str, caller: str = KNOWN, did: str = "4000001313", *, stays: bool = False
    ) -> asyncio.Task[None]:
        """Let the PBX play a call for the queue europe. `stays`: once answered it lasts as long as the service."""
        if stays:
            tape = self._staying(tape)
        task = asyncio.get_running_loop().create_task(self.pbx.place_call(tape, caller, "europe", did))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _staying(self, tape: str) -> str:
        """A tape that comes to no end in the talk."""
        tapes, name = self.pbx.player.tapes, f"{tape}, stays"
        known = tapes[tape]
        lines = [(at + (DAYS_S if index > known.talk else 0.0), line) for index, (at, line) in enumerate(known.lines)]
        tapes[name] = msgspec.structs.replace(known, lines=lines)
        return name

    @contextmanager
    def nobody_free(self) -> Iterator[None]:
        """Meanwhile no phone takes a call: who comes waits (the PBX lets him wait for a minute of its own time)."""
        taken = self.pbx.player.casting.taken
        busy = {interface for interface in self.pbx.exchange.phones if interface not in taken}
        taken |= busy
        try:
            yield
        finally:
            taken -= busy

    @contextmanager
    def calls_stand_still(self) -> Iterator[None]:
        """Meanwhile no call goes on, however long the test takes: what rings rings, who talks talks."""
        self.pbx.player.going.clear()
        try:
            yield
        finally:
            self.pbx.player.going.set()

    @contextmanager
    def pbx_away(self) -> Iterator[None]:
        """The link is cut and finds nobody meanwhile: after a mere cut it may be back before anybody looks."""
        self.pbx.away = True
        self.pbx.cut()
        try:
            yield
        finally:
            self.pbx.away = False

    async def live(self) -> None:
        """Wait until the PBX is live."""
        await eventually(lambda: self.app.floor.link.state == "live")

    @asynccontextmanager
    async def browser(self, user: str | None = None) -> AsyncIterator[Browser]:
        """A browser, logged in where `user` is given."""
        async with Browser(self.base) as browser:
            if user is not None:
                await browser.login(user)
            yield browser

    @asynccontextmanager
    async def agents(self) -> AsyncIterator[dict[str, tuple[Browser, Screen]]]:
        """Every agent at his desk, in a browser of his own: {login: (browser, screen)}."""
        async with AsyncExitStack() as stack:
            desks = {}
            for user in self.sample.users:
                if user.role == "agent":
                    browser = await stack.enter_async_context(self.browser(user.login))
                    desks[user.login] = (browser, await browser.screen())
            yield desks

    async def pop(self, state: str) -> PopState:
        """The first pop of the service in this state, whoever sees it.

        It may be past that by then: one that rang may be answered before anybody looks, an answered call over.
        """
        pops = self.app.session.shelf.pops

        def reached(pop: PopState) -> bool:
            return pop.state == state or state == "ringing" or (state == "talking" and bool(pop.answered_at))

        def found() -> PopState | None:
            return next(filter(reached, pops.values()), None)

        await eventually(found)
        pop = found()
        assert pop is not None
        return pop

    async def end_calls(self) -> None:
        """Stop playing."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def copy_of(template: Path, folder: Path) -> Path:
    """A test's own databases."""
    for name in ("cti.db", "crm.db"):
        shutil.copy(template / name, folder / name)
    return folder


@asynccontextmanager
async def service(
    folder: Path,
    made: sample.Sample,
    *,
    speed: float = 10.0,
    change: Callable[[Settings], Settings] = lambda settings: settings,
    live: bool = True,
) -> AsyncIterator[Service]:
    """The service over the databases in `folder`."""
    async with ReplayedPbx(callers=made.callers, speed=speed, playing=False, talk=(3.0, 6.0)) as pbx:
        settings = change(demo.settings_for(folder, pbx.port, port=0, push_port=0))
        async with App(settings, hasher=FAST) as app:
            running = Service(app, pbx, made, folder)
            try:
                if live:
                    await running.live()
                yield running
            finally:
                await running.end_calls()


def with_pbx(settings: Settings, **changes: Any) -> Settings:
    """Settings with another [pbx]."""
    return msgspec.structs.replace(settings, pbx=msgspec.structs.replace(settings.pbx, **changes))
