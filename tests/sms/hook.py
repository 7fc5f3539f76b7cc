"""A hook server over a real store, with an entrance for every platform, and a client."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from cti.listening import listening
from cti.sms.forms import encode_form
from cti.sms.keeping import Keeping
from cti.sms.platform import HttpPlatform
from cti.sms.twilio import signature
from cti.store import Store
from cti.store import messages_tables as tables
from cti.ticker import steady_clock
from cti.web.api.hooks import Door, HookServer
from tests.sms import payloads as p

SECRET = "0123456789abcdef0123456789abcdef"
OLD = "fedcba9876543210fedcba9876543210"
PUBLIC = "https://cti.example.com"


class Hooks:
    """Start it, post to it, look into its store."""

    def __init__(self, folder: Path, *, networks: tuple[str, ...] = (), proxies: tuple[str, ...] = ()) -> None:
        self.store = Store.open(f"sqlite:///{folder}/cti.db")
        self.news = 0
        self.keeping = Keeping(self.store.take_in, on_news=self._heard)
        allowed = tuple(ipaddress.ip_network(n) for n in networks)
        self.platforms: dict[str, HttpPlatform] = p.platforms()
        self.server = HookServer(
            {name: Door(one, (SECRET, OLD), allowed, PUBLIC) for name, one in self.platforms.items()},
            self.keeping.keep,
            clock=lambda: p.NOW,
            steady=steady_clock,
            proxies=tuple(ipaddress.ip_network(n) for n in proxies),
        )
        self.base = ""

    def _heard(self) -> None:
        self.news += 1

    async def start(self) -> None:
        """Listen on a free port."""
        self.socket = listening("127.0.0.1", 0)
        self.port = await self.server.start(self.socket)
        self.base = f"http://127.0.0.1:{self.port}"
        self.task = asyncio.get_running_loop().create_task(self.keeping.run())
        self.http = aiohttp.ClientSession(auto_decompress=False)

    async def stop(self) -> None:
        """Stop everything."""
        await self.http.close()
        await self.server.stop()
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.keeping.close()
        self.store.close()

    async def post(
        self, platform: str, body: Any, *, secret: str = SECRET, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """One callback: (status, body). Bytes go as they are, a mapping of texts as a form, all else as JSON."""
        push = p.pushed(body, kind="form" if isinstance(body, dict) and platform != "tencent" else "")
        sent = {"Content-Type": push.content_type, **(headers or {})}
        url = f"{self.base}/hooks/sms/{platform}/{secret}"
        async with self.http.post(url, data=push.body, headers=sent) as answer:
            return answer.status, await answer.read()

    async def post_twilio(self, fields: Mapping[str, str], query: str = "?id=abc123") -> tuple[int, bytes]:
        """One callback as Twilio signs it for the public address, arriving here as the proxy passes it on."""
        path = f"/hooks/sms/twilio/{SECRET}{query}"
        url = PUBLIC + path
        signed = {"X-Twilio-Signature": signature(p.TWILIO_TOKEN, url, fields)}
        form = {"Content-Type": "application/x-www-form-urlencoded", **signed}
        async with self.http.post(self.base + path, data=encode_form(fields.items()), headers=form) as answer:
            return answer.status, await answer.read()

    def rows(self) -> int:
        """How many receipts and replies are kept."""
        return sum(self.store.count_events().values())

    def raw(self) -> int:
        """How many callbacks are kept as they came."""
        with self.store.database.read() as connection:
            return len(connection.execute(tables.raw.select()).all())
