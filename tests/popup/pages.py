"""A push server on a free port with a real hub behind it, and a page that connects to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from cti import wire
from cti.auth import Identity
from cti.popup.hub import Hub, Page
from cti.popup.server import PushServer
from cti.ticker import steady_clock, wall_clock

ORIGIN = "http://127.0.0.1:8080"
GUARD_S = 10.0


async def eventually(true: Callable[[], object]) -> None:
    """Wait until it is so, for what nobody can be told of."""
    async with asyncio.timeout(GUARD_S):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def identity(login: str = "lin", role: str = "agent", session: str = "") -> Identity:
    """A user with a session."""
    return Identity(
        login=login,
        name=login,
        role=role,
        language="zh",
        interfaces=(),
        session=session or f"s-{login}",
        expires_at=wall_clock() + 3600,
    )


class Site:
    """A hub with a snapshot that counts, and users known by their cookie."""

    def __init__(self) -> None:
        self.users = {"lin": identity("lin"), "chen": identity("chen"), "han": identity("han", "supervisor")}
        self.snapshots = 0
        self.extra: list[tuple[str, bytes]] = []
        self.hub = Hub(self.snapshot, pbx_now=wall_clock, steady=steady_clock)
        self.push = PushServer(
            self.hub,
            identify=self.identify,
            still=self.still,
            touch=self.touch,
            origins=frozenset({ORIGIN}),
            steady=steady_clock,
        )
        self.url = ""

    def snapshot(self, page: Page) -> Iterable[tuple[str, bytes]]:
        """A small snapshot."""
        self.snapshots += 1
        yield "snapshot", wire.body(me=page.identity.login, n=self.snapshots)
        yield from self.extra

    async def identify(self, headers: Mapping[str, str]) -> Identity | None:
        """The user whose name stands in the cookie."""
        return self.users.get(headers.get("Cookie", "").removeprefix("cti="))

    async def still(self, sessions: Collection[str]) -> dict[str, Identity]:
        """The users of these sessions, as long as they are."""
        return {u.session: u for u in self.users.values() if u.session in sessions}

    async def touch(self, identity: Identity) -> None:
        """Nothing to keep."""


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    """A running site."""
    made = Site()
    port = await made.push.start("127.0.0.1", 0)
    made.url = f"ws://127.0.0.1:{port}/push"
    try:
        yield made
    finally:
        await made.push.stop()


def dial(
    url: str,
    login: str | None = "lin",
    origin: str | None = ORIGIN,
    more_headers: Iterable[tuple[str, str]] = (),
    max_size: int | None = 2**20,
) -> connect:
    """A connection as a browser makes it."""
    headers = [("Cookie", f"cti={login}")] if login else []
    if origin is not None:
        headers.append(("Origin", origin))
    return connect(url, additional_headers=[*headers, *more_headers], compression=None, max_size=max_size)


async def hello(ws: ClientConnection, page: str = "desk") -> dict[str, Any]:
    """Say hello; the snapshot."""
    await ws.send(json.dumps({"type": "hello", "v": 1, "page": page}))
    return await heard(ws)


async def heard(ws: ClientConnection) -> dict[str, Any]:
    """The next frame."""
    frame: dict[str, Any] = json.loads(await asyncio.wait_for(ws.recv(), GUARD_S))
    return frame


async def until(ws: ClientConnection, kind: str) -> dict[str, Any]:
    """The next frame of this type."""
    while True:
        frame = await heard(ws)
        if frame["type"] == kind:
            return frame


async def code_of(ws: ClientConnection) -> int | None:
    """With which code the connection ends."""
    await asyncio.wait_for(ws.wait_closed(), GUARD_S)
    return ws.close_code
