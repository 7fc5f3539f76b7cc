"""How long it takes until every agent is back and sees a live link when the service is replaced.

Counted from SIGTERM to the old process until the last page's snapshot from the new one, in another process; the pages
spread their coming over two seconds, as browsers do.
"""

from __future__ import annotations

import asyncio
import sys

from tests.faults.figures import Figure, timed
from tests.faults.upgraded import agents, held

AGENTS = 500


async def agents_back(tries: int, count: int = AGENTS) -> list[float]:
    """Seconds, one for each try. Raises AssertionError where anybody was refused, logged out or closed otherwise."""
    found = []
    async with held(count) as (service, tokens), agents(service, tokens) as pages:
        await pages.until(True)
        for _ in range(tries):
            told = await service.replace()
            await pages.until(False)
            found.append(await pages.until(True) - told)
        said = await pages.told()
    assert said["refused"] == [], said["refused"][:3]
    assert said["closed"] == {"1012": tries * count}, said["closed"]
    return found


async def figures(tries: int) -> list[Figure]:
    """The headline figure."""
    return [timed(f"restart: {AGENTS} agents back and live", await agents_back(tries), 5.0)]


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for seconds in asyncio.run(agents_back(number)):
        print(f"{seconds:.2f} s")
