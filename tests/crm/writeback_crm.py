"""Somebody else's CRM with an address to post to: it keeps keys, checks signatures, and misbehaves as it is told to."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import msgspec
from aiohttp import web

SECRET = "a secret of thirty-two characters"
Fault = Literal[
    "ok",
    "500",
    "500 after",
    "503 later",
    "429",
    "cut before",
    "cut after",
    "slow before",
    "slow after",
    "half an answer",
    "rubbish",
    "not json",
]
FAULTS: tuple[Fault, ...] = Fault.__args__  # type: ignore[attr-defined]


class FakeCrm:
    """Applies each key once, as a CRM that keeps keys does; `tell` says how the next request goes wrong."""

    def __init__(self, tell: Callable[[], str] = lambda: "ok", *, slow_s: float = 0.4) -> None:
        self.tell = tell
        self.slow_s = slow_s
        self.rows: dict[str, dict[str, Any]] = {}
        "{key: what was told under it last}."
        self.applied: Counter[tuple[str, int]] = Counter()
        "How often each revision of each key took effect."
        self.requests: Counter[str] = Counter()
        self.bodies: dict[tuple[str, int], set[bytes]] = {}
        self.forged = 0
        self.address = ""
        self.seen: asyncio.Event = asyncio.Event()
        self._runner: web.AppRunner | None = None

    def apply(self, key: str, body: bytes) -> str:
        """What a request does to the CRM; the id of the row."""
        told = json.loads(body)
        revision = int(told["revision"])
        self.bodies.setdefault((key, revision), set()).add(body)
        old = self.rows.get(key)
        if old is None or old["revision"] < revision:
            self.rows[key] = told
            self.applied[key, revision] += 1
        return f"crm-{list(self.rows).index(key)}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        body = await request.read()
        key = request.headers["Idempotency-Key"]
        told = f"{request.headers['X-Thirteen-Timestamp']}.".encode() + body
        mac = hmac.new(SECRET.encode(), told, hashlib.sha256).hexdigest()
        if request.headers.get("X-Thirteen-Signature") != f"sha256={mac}":
            self.forged += 1
            return web.Response(status=401)
        self.requests[key] += 1
        self.seen.set()
        fault = self.tell()
        if fault.startswith("refuse"):
            return web.Response(status=int(fault.split()[1]))
        if fault == "500":
            return web.Response(status=500, text="oops")
        if fault == "503 later":
            return web.Response(status=503, headers={"Retry-After": "0"})
        if fault == "429":
            return web.Response(status=429)
        if fault == "cut before":
            return self._cut(request)
        if fault == "slow before":
            await asyncio.sleep(self.slow_s)
            return web.Response(status=502)
        row = self.apply(key, body)
        if fault == "500 after":
            return web.Response(status=500)
        if fault == "cut after":
            return self._cut(request)
        if fault == "slow after":
            await asyncio.sleep(self.slow_s)
        if fault == "half an answer":
            answer = web.StreamResponse(headers={"Content-Length": "1000"})
            await answer.prepare(request)
            await answer.write(b'{"id": ')
            return self._cut(request)
        if fault == "rubbish":
            return self._cut(request, b"\x00\xff not HTTP at all\r\n\r\n")
        if fault == "not json":
            return web.Response(text="<html>fine</html>")
        return web.json_response({"id": row})

    def _cut(self, request: web.Request, last: bytes = b"") -> web.StreamResponse:
        assert request.transport is not None
        if last:
            request.transport.write(last)
        request.transport.close()
        return web.Response()


@asynccontextmanager
async def running(crm: FakeCrm) -> Any:
    """The CRM on a free port of this machine; its address is set."""
    app = web.Application()
    app.router.add_post("/in", crm.handle)
    runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    crm.address = f"http://127.0.0.1:{port}/in"
    try:
        yield crm
    finally:
        await runner.cleanup()


class Whose(msgspec.Struct, frozen=True, kw_only=True):
    """A customer over there."""

    entity: str = "contact"
    id: str = "77"
    company_entity: str | None = None
    company_id: str | None = None


def schedule(faults: Iterator[str]) -> Callable[[], str]:
    """Faults in order, then none."""
    return lambda: next(faults, "ok")
