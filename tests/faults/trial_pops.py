"""Trials of the pop: from the ring at the PBX to the agent's page, while CRM, Redis or database are in trouble."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.faults.figures import Figure, none_of, timed
from tests.faults.house import GUARD_S, House, Seat, house, seated
from tests.faults.proxy import Proxy

POP_S = 0.3
CALLS_PER_S = 6.0

Trouble = Callable[[House], Awaitable[None]]


def _slow(which: str) -> Trouble:
    async def slow(made: House) -> None:
        proxy: Proxy = getattr(made, which)
        proxy.to_client.latency_s, proxy.to_client.jitter_s = 1.0, 1.0

    return slow


def _silent(which: str) -> Trouble:
    async def silent(made: House) -> None:
        getattr(made, which).silence()

    return silent


def _gone(which: str) -> Trouble:
    async def gone(made: House) -> None:
        proxy: Proxy = getattr(made, which)
        proxy.closed = True
        proxy.reset()

    return gone


async def _nothing(made: House) -> None:
    """No trouble: the measure of the others."""


TROUBLES: Mapping[str, Trouble] = {
    "nothing": _nothing,
    "CRM 1-2 s slow": _slow("crm"),
    "CRM silent": _silent("crm"),
    "CRM gone": _gone("crm"),
    "Redis 1-2 s slow": _slow("redis"),
    "Redis silent": _silent("redis"),
    "Redis gone": _gone("redis"),
    "database 1-2 s slow": _slow("store"),
    "database silent": _silent("store"),
    "database gone": _gone("store"),
}


async def pops(each: int) -> list[Figure]:
    """So many pops under each trouble."""
    figures: list[Figure] = []
    wrong: list[str] = []
    async with house() as made:
        node = made.node("a")
        await node.start()
        seats = [Seat(login, lambda: [node]) for login, _ in made.agents]
        times: list[float] = []
        for seat, (_, phone) in zip(seats, made.agents, strict=True):
            seat.on_pop = _timing(made, phone, times)
        async with seated(seats):
            for seat in seats:
                await seat.until(lambda s: s.snapshots > 0)
            for name, trouble in TROUBLES.items():
                await trouble(made)
                times.clear()
                made.pbx.rang.clear()
                playing = made.play(CALLS_PER_S)
                limit = time.monotonic() + GUARD_S
                while len(times) < each and time.monotonic() < limit:  # noqa: ASYNC110  pops come as they come
                    await asyncio.sleep(0.05)
                playing.cancel()
                figures.append(timed(f"ring to pop, {name}", times[:each], POP_S, unit="ms"))
                if len(times) < each:
                    wrong.append(f"{name}: {len(times)} pops of {each}")
                for proxy in (made.crm, made.redis, made.store):
                    proxy.closed = False
                    proxy.heal()
                    proxy.reset()
                if made.pbx.player.playing:
                    await asyncio.wait(set(made.pbx.player.playing))
                await node.ready()
        wrong += await made.judged(seats)
    figures.append(none_of("calls lost, doubled or open after all of these", len(TROUBLES), wrong))
    return figures


def _timing(made: House, phone: str, times: list[float]) -> Callable[[dict[str, Any], float], None]:
    def popped(pop: dict[str, Any], at: float) -> None:
        rang = made.pbx.rang.pop(phone, None) if pop["state"] == "ringing" else None
        if rang is not None:
            times.append(at - rang)

    return popped
