"""The service is replaced while everybody is at work: nobody is refused, nobody logged out, and everybody is back."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.upgraded import agents, held, node_beside
from tests.servers.postgresql import Postgresql

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


@pytest.mark.long
async def test_on_postgresql_the_next_is_at_work_before_the_last_goes(postgresql: Postgresql) -> None:
    """Two processes share the sockets for a moment: every page is at the next one at once, and nobody is refused."""
    url = postgresql.create("overlap")
    async with held(AGENTS, url) as (first, tokens), agents(first, tokens, askers=ASKERS) as pages:
        await pages.until(True)
        async with node_beside(first, "second") as second:
            async with asyncio.timeout(60):
                while "main live" not in second.log():  # noqa: ASYNC110  /readyz is answered by either
                    await asyncio.sleep(0.05)
            await first.stop()
            await pages.until(False)
            await pages.until(True)
            told = await pages.told()
    assert told["refused"] == []
    assert told["closed"] == {"1012": AGENTS}
    assert told["jumps"] == 0
    assert set(told["answers"]) == {"200"}, told["answers"]
