"""Callbacks to the disk, many in one write: each waits for its own to be there before it is answered.

A flood thus costs one synchronous write for a few hundred callbacks and not one for each. What cannot even wait is
refused at once, and the platform comes again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from cti.sms.platform import Taking

LIMIT: Final = 2000
"Callbacks that may wait."
BATCH: Final = 250


class Full(Exception):
    """Too many wait already."""


class Keeping:
    """Use from one event loop: `keep` from anywhere in it, `run` as a task."""

    def __init__(
        self,
        take_in: Callable[[Sequence[Taking]], int],
        *,
        on_news: Callable[[], None] = lambda: None,
        limit: int = LIMIT,
    ) -> None:
        """`take_in` writes, all or none, in a thread of its own; `on_news` hears of every write with something new."""
        self._take_in = take_in
        self._on_news = on_news
        self._limit = limit
        self._waiting: list[tuple[Taking, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sms-callbacks")

    async def keep(self, taking: Taking) -> None:
        """Returns when it is on the disk. Raises Full, or what the store raised."""
        if len(self._waiting) >= self._limit:
            raise Full
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((taking, kept))
        self._wake.set()
        await kept

    async def run(self) -> None:
        """Write for ever; cancel to stop. What waits then is not answered."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                try:
                    new = await loop.run_in_executor(self._thread, self._take_in, [taking for taking, _ in batch])
                except Exception as error:
                    for _, kept in batch:
                        if not kept.done():
                            kept.set_exception(error)
                    continue
                for _, kept in batch:
                    if not kept.done():
                        kept.set_result(None)
                if new:
                    self._on_news()

    def close(self) -> None:
        """Let the thread go."""
        self._thread.shutdown(wait=False)
