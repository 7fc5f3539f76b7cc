"""What a page holds in memory, as Chromium counts it."""

from __future__ import annotations

import msgspec
from playwright.async_api import CDPSession, Page

_DRAWN = """() => {
  const walk = document.createTreeWalker(document, NodeFilter.SHOW_ALL);
  let drawn = 1;
  while (walk.nextNode()) drawn++;
  return drawn;
}"""


class Held(msgspec.Struct, frozen=True):
    """One reading, after a collection."""

    heap_mb: float
    listeners: int
    kept: int
    "Nodes that are in no document any more and cannot be collected."


class Gauge:
    """A gauge on one page."""

    def __init__(self, page: Page, session: CDPSession) -> None:
        self._page = page
        self._session = session

    @classmethod
    async def of(cls, page: Page) -> Gauge:
        """A gauge on this page."""
        session = await page.context.new_cdp_session(page)
        await session.send("Performance.enable")
        return cls(page, session)

    async def read(self) -> Held:
        """What it holds now. A page that draws between two counts looks fuller than it is: the least of three."""
        return min([await self._once() for _ in range(3)], key=lambda held: held.kept)

    async def _once(self) -> Held:
        await self._session.send("HeapProfiler.collectGarbage")
        told = await self._session.send("Performance.getMetrics")
        values = {m["name"]: m["value"] for m in told["metrics"]}
        return Held(
            heap_mb=values["JSHeapUsedSize"] / 2**20,
            listeners=int(values["JSEventListeners"]),
            kept=int(values["Nodes"]) - int(await self._page.evaluate(_DRAWN)),
        )
