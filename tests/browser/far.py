"""The modules of the pages in a blank page, and a far end that speaks on the push channel what a test tells it to."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Self

from aiohttp import WSMsgType, web
from playwright.async_api import Page

from cti.web import server

GUARD_S = 10.0


class Far:
    """The far end: serves the modules, and speaks on the push channel what a test tells it to."""

    def __init__(self) -> None:
        self.greetings: asyncio.Queue[tuple[str, web.WebSocketResponse, dict[str, Any]]] = asyncio.Queue()
        "(the channel, its socket, the first frame of it)"
        self.channel = 0
        app = web.Application()
        app.router.add_get("/", self._blank)
        app.router.add_get("/push", self._push)
        for folder in ("js", "vendor", "i18n"):
            app.router.add_static(f"/{folder}", server.STATIC / folder)
        self._runner = web.AppRunner(app)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._runner.cleanup()

    async def _blank(self, request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>blank</title>", content_type="text/html")

    async def _push(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        first = True
        async for message in socket:
            if first and message.type == WSMsgType.TEXT:
                self.greetings.put_nowait((request.query_string, socket, json.loads(message.data)))
                first = False
        return socket

    async def greeted(self) -> tuple[web.WebSocketResponse, dict[str, Any]]:
        """The next connection of the channel that was opened last, and its first frame."""
        async with asyncio.timeout(GUARD_S):
            while True:
                channel, socket, hello = await self.greetings.get()
                if channel == str(self.channel):
                    return socket, hello


async def ask(page: Page, module: str, code: str, arg: Any = None) -> Any:
    """Evaluate `code` with the module's exports as `m` and the argument as `x`."""
    return await page.evaluate(f"async (x) => {{ const m = await import('/js/{module}'); return ({code}); }}", arg)


HEAD = {"call": "c1", "state": "ringing", "match": {"level": "pending"}, "party": None, "ringing_since": 100.0}


def snapshot(*pops: dict[str, Any], seq: int = 1) -> dict[str, Any]:
    """A first frame."""
    me = {"user": "a", "name": "A", "role": "agent", "interfaces": [], "rights": []}
    board = {"totals": {"waiting": 0}, "queues": {"q": {"queue": "q"}}, "callers": {}, "agents": {}}
    rest = {"me": me, "link": {"state": "live"}, "agent": None, "today": None, "board": board, "phones": []}
    return {"v": 1, "type": "snapshot", "seq": seq, "now": 100.0, "pops": list(pops), **rest}


def frame(seq: int, kind: str, **more: Any) -> dict[str, Any]:
    """A later frame."""
    return {"v": 1, "type": kind, "seq": seq, "now": 100.0 + seq, **more}
