"""The service is replaced while everybody is at work: nobody is refused, nobody logged out, and everybody is back."""

from __future__ import annotations

import asyncio

from tests.faults.upgraded import agents, held

AGENTS, ASKERS = 50, 4


async def test_replaced_under_load_it_refuses_nobody_and_logs_nobody_out() -> None:
    """Every page hears 1012 and comes back live with its own session; every question to the API is answered."""
    async with held(AGENTS) as (service, tokens), agents(service, tokens, askers=ASKERS) as pages:
        await pages.until(True)
        await service.replace()
        await pages.until(False)
        await pages.until(True)
        await asyncio.wait_for(service.ready(), 60)
        told = await pages.told()
    assert told["refused"] == []
    assert told["closed"] == {"1012": AGENTS}
    assert told["jumps"] == 0
    assert set(told["answers"]) == {"200"}, told["answers"]
