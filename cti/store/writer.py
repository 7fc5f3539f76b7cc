"""The writer: calls go to the store behind the calls' back, in batches, in a worker thread.

Nothing on the way of a call ever waits for a disk. Of one call only the newest document waits, so the queue is bounded
by the number of calls; when the store stays away and the bound is reached, new calls are refused and counted, and
what is waiting is kept. The state is told at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from cti.calls import record
from cti.store.base import StoreError

_log = logging.getLogger(__name__)

LIMIT: Final = 20_000
"Calls that may wait."
BATCH: Final = 500
"Calls of one transaction."


class CallStore(Protocol):
    """What the writer needs of the store."""

    def save_calls(self, calls: list[record.Call], pbx: str) -> None:
        """Write documents, all or none; raises StoreError."""


class Writer:
    """Use from one event loop: `put` from anywhere in it, `run` as a task, `close` at the end."""

    def __init__(
        self,
        store: CallStore,
        *,
        limit: int = LIMIT,
        retry_s: float = 1.0,
        slow_s: float = 3.0,
        on_state: Callable[[bool], None] | None = None,
    ) -> None:
        """`retry_s` is the pause after a failure, `slow_s` how long one write may take before the store is not ok."""
        self.store_ok = True
        self.refused = 0
        "Calls that could not even wait."
        self.written = 0
        "Documents written, the same call again counted again."
        self._store = store
        self._limit = limit
        self._retry_s = retry_s
        self._slow_s = slow_s
        self._on_state = on_state
        self._waiting: dict[tuple[str, str], record.Call] = {}
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False
        self._singly = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-writer")

    @property
    def backlog(self) -> int:
        """Calls waiting."""
        return len(self._waiting)

    def put(self, call: record.Call, pbx: str) -> bool:
        """Have a call written soon, as it stands; replaces what waits of it. False: full, and refused."""
        key = (pbx, call.id)
        if key not in self._waiting and len(self._waiting) >= self._limit:
            self.refused += 1
            return False
        self._waiting.pop(key, None)  # to the end: the oldest change goes first
        self._waiting[key] = call
        self._idle.clear()
        self._wake.set()
        return True

    async def run(self) -> None:
        """Write until closed. Cancel, or call `close`, to stop."""
        try:
            while not (self._closing and not self._waiting):
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    if not await self._write_some():
                        if self._closing:
                            return
                        await asyncio.sleep(self._retry_s)
                self._idle.set()
        finally:
            self._idle.set()  # nobody need wait any longer: what is left stays unwritten

    async def flush(self, within_s: float) -> bool:
        """Wait until nothing waits, at most `within_s` seconds; whether that was reached."""
        try:
            async with asyncio.timeout(within_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return not self._waiting

    async def close(self, within_s: float = 5.0) -> bool:
        """Write what waits, for at most `within_s` seconds, then stop; whether everything was written."""
        self._closing = True
        self._wake.set()
        done = await self.flush(within_s)
        self._thread.shutdown(wait=False)
        return done

    async def _write_some(self) -> bool:
        """One transaction of one PBX's calls; whether it succeeded."""
        pbx = next(iter(self._waiting))[0]
        batch = {key: call for key, call in self._waiting.items() if key[0] == pbx}
        batch = dict(list(batch.items())[: 1 if self._singly else BATCH])
        loop = asyncio.get_running_loop()
        writing = loop.run_in_executor(self._thread, self._store.save_calls, list(batch.values()), pbx)
        slow = loop.call_later(self._slow_s, self._tell, False)
        try:
            await writing
        except StoreError as error:
            self._tell(False)
            _log.warning("the store did not take %d calls: %s", len(batch), error.text_en)
            if error.permanent and len(batch) > 1:
                self._singly = len(batch)  # to find the one that cannot be written
                return True
            if error.permanent:
                # Asking again cannot help: kept, it would hold up all others for ever.
                self._forget(batch)
                self.refused += 1
            return error.permanent
        finally:
            slow.cancel()
        self._singly = max(0, self._singly - 1)
        self._forget(batch)
        self.written += len(batch)
        self._tell(True)
        return True

    def _forget(self, batch: dict[tuple[str, str], record.Call]) -> None:
        for key, call in batch.items():
            if self._waiting.get(key) is call:  # not what came for it meanwhile
                del self._waiting[key]

    def _tell(self, ok: bool) -> None:
        if ok != self.store_ok:
            self.store_ok = ok
            if self._on_state is not None:
                self._on_state(ok)
