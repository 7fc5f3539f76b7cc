"""What the tests of watching share: a store, a receiver of webhooks, identities."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from cti.auth import Account, Identity
from cti.store import Store

GUARD_S = 20.0
NOW = 1_700_000_000.0


async def run(work: Callable[[], Any]) -> Any:
    """Slow work in a thread, as the service does it."""
    return await asyncio.to_thread(work)


def store_in(folder: Path) -> Store:
    """A store with three users: Wu leads, Chen and Sun are agents, Root keeps users."""
    store = Store.open(f"sqlite:///{folder}/cti.db")
    for login, role, team, phones in (
        ("wu", "supervisor", "一组", ()),
        ("chen", "agent", "一组", ("PJSIP/8001",)),
        ("sun", "agent", "二组", ("PJSIP/8002",)),
        ("root", "admin", "", ()),
    ):
        store.add_user(Account(login=login, name=login.title(), role=role, password_hash="x", interfaces=phones), team)
    return store


def who(login: str, role: str, session: str = "s1") -> Identity:
    """Somebody logged in."""
    return Identity(
        login=login, name=login, role=role, language="zh", interfaces=(), session=session, expires_at=NOW + 1e6
    )


class Receiver:
    """A real HTTP server that is told of alerts, and answers as a test wants."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        "Statuses of the next answers; then 204."
        self.came = asyncio.Condition()
        self.url = ""
        self.elsewhere = 0

    async def _take(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        async with self.came:
            self.came.notify_all()
        status = self.answers.pop(0) if self.answers else 204
        headers = {"Location": self.url.replace("/hook", "/elsewhere")} if status in (302, 307) else {}
        return web.Response(status=status, headers=headers)

    async def _elsewhere(self, request: web.Request) -> web.Response:
        self.elsewhere += 1
        return web.Response(status=204)

    async def until(self, count: int) -> None:
        """Wait for so many deliveries."""
        async with asyncio.timeout(GUARD_S), self.came:
            await self.came.wait_for(lambda: len(self.got) >= count)


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    made = Receiver()
    app = web.Application()
    app.router.add_post("/hook", made._take)
    app.router.add_route("*", "/elsewhere", made._elsewhere)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield made
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running(*work: Awaitable[None]) -> AsyncIterator[None]:
    """These as tasks while the block runs."""
    tasks = [asyncio.ensure_future(one) for one in work]  # noqa: TID251 - kept here
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
