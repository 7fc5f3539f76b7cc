"""The writer: calls go to the store behind the calls' back, in batches, in a worker thread.

Nothing on the way of a call ever waits for a disk. Of one call only the newest document waits, so the queue is bounded
by the number of calls; when the store stays away and the bound is reached, new calls are refused and counted, and
what is waiting is kept. The state is told at once.

Of several nodes that follow one PBX one writes, through the view of the store that its lease gives it (`lead`). The
others keep what they saw until the store has it, for each of them may be the next to write. What waited while
somebody else may have written is written as `older`: it never takes the place of what the store knows better.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol, TypeVar

from cti.calls import record
from cti.store.base import StoreError
from cti.store.lease import StaleEpochError

_log = logging.getLogger(__name__)

LIMIT: Final = 20_000
"Calls that may wait."
BATCH: Final = 500
"Calls of one transaction."
LOOK_S: Final = 5.0
"Between two looks of a node that does not write at what the store has by now."

_T = TypeVar("_T")
_Key = tuple[str, str]
"(PBX, call)."


class CallStore(Protocol):
    """What the writer needs of the store."""

    def save_calls(self, calls: Sequence[record.Call], pbx: str, *, older: bool = False) -> None:
        """Write documents, all or none; raises StoreError. `older`: what is stored and knows more stays."""

    def drop_calls(self, ids: Sequence[str]) -> None:
        """Forget calls; raises StoreError."""

    def ended_calls(self, ids: Sequence[str]) -> Mapping[str, bool]:
        """{call: whether it has ended} of those that are stored; raises StoreError."""


class Writer:
    """Use from one event loop: `put` from anywhere in it, `run` as a task, `close` at the end."""

    def __init__(
        self,
        store: CallStore,
        *,
        limit: int = LIMIT,
        retry_s: float = 1.0,
        slow_s: float = 3.0,
        look_s: float = LOOK_S,
        on_state: Callable[[bool], None] | None = None,
    ) -> None:
        """`retry_s` is the pause after a failure, `slow_s` how long one write may take before the store is not ok.

        It writes to `store` from the start; where somebody else may lead, call `lead(None)` before anything is put.
        """
        self.store_ok = True
        self.refused = 0
        "Calls that could not even wait."
        self.written = 0
        "Documents written, the same call again counted again."
        self.on_stale: Callable[[], None] = lambda: None
        "Told when the store refused a write because somebody else leads by now: `lead(None)` has been done."
        self._store = store
        self._view: CallStore | None = store
        self._limit = limit
        self._retry_s = retry_s
        self._slow_s = slow_s
        self._look_s = look_s
        self._on_state = on_state
        self._waiting: dict[_Key, record.Call | None] = {}
        "None: it is no call of its own any longer, and to be dropped."
        self._older: set[_Key] = set()
        "Of those, what waited while somebody else may have written."
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

    @property
    def leads(self) -> bool:
        """True while it writes; else what is put is kept, as long as the store has not got it from another node."""
        return self._view is not None

    def lead(self, view: CallStore | None) -> None:
        """Write by this view of the store from now on, beginning with what waits; None: write nothing until told to."""
        self._view = view
        self._older |= self._waiting.keys()
        self._singly = 0
        self._wake.set()

    def put(self, call: record.Call, pbx: str) -> bool:
        """Have a call written soon, as it stands; replaces what waits of it. False: full, and refused."""
        return self._put((pbx, call.id), call)

    def drop(self, call: str, pbx: str) -> bool:
        """Have the store forget a call that turned out to be part of another. False: full, and refused."""
        return self._put((pbx, call), None)

    def _put(self, key: _Key, call: record.Call | None) -> bool:
        if key not in self._waiting and len(self._waiting) >= self._limit:
            self.refused += 1
            return False
        self._waiting.pop(key, None)  # to the end: the oldest change goes first
        self._waiting[key] = call
        self._older.discard(key)
        self._idle.clear()
        self._wake.set()
        return True

    async def run(self) -> None:
        """Write until closed. Cancel, or call `close`, to stop."""
        looking = asyncio.get_running_loop().create_task(self._look_on())
        try:
            while not (self._closing and (not self._waiting or self._view is None)):
                await self._wake.wait()
                self._wake.clear()
                while self._waiting and self._view is not None:
                    if not await self._write_some(self._view):
                        if self._closing:
                            return
                        await asyncio.sleep(self._retry_s)
                if not self._waiting:
                    self._idle.set()
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
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
        """Write what waits, for at most `within_s` seconds, then stop; whether nothing is left that it should write."""
        self._closing = True
        self._wake.set()
        done = await self.flush(within_s)
        self._thread.shutdown(wait=False)
        return done or not self.leads

    async def _write_some(self, view: CallStore) -> bool:
        """One transaction; whether the next may follow at once."""
        batch = self._batch()
        (pbx, _), first = next(iter(batch.items()))
        older = next(iter(batch)) in self._older
        if first is None:
            work = self._in_thread(lambda: view.drop_calls([id for _, id in batch]))
        else:
            calls = [call for call in batch.values() if call is not None]
            work = self._in_thread(lambda: view.save_calls(calls, pbx, older=older))
        slow = asyncio.get_running_loop().call_later(self._slow_s, self._tell, False)
        try:
            await work
        except StaleEpochError:
            if view is self._view:
                _log.warning("another node leads by now: nothing more is written")
                self.lead(None)
                self.on_stale()
            return True
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

    def _batch(self) -> dict[_Key, record.Call | None]:
        """The oldest of what waits, and what can be written with it: of one PBX and one kind."""
        most = 1 if self._singly else BATCH
        batch: dict[_Key, record.Call | None] = {}
        kind: tuple[str, bool, bool] | None = None
        for key, call in self._waiting.items():
            own = (key[0], call is None, key in self._older)
            kind = kind or own
            if own == kind:
                batch[key] = call
                if len(batch) == most:
                    break
        return batch

    async def _look_on(self) -> None:
        """While somebody else writes, forget what has arrived in the store; for ever."""
        while True:
            await asyncio.sleep(self._look_s)
            if self._waiting and self._view is None:
                try:
                    await self._look()
                except StoreError as error:
                    self._tell(False)
                    _log.warning("the store did not say what it has: %s", error.text_en)

    async def _look(self) -> None:
        over = {key: call for key, call in self._waiting.items() if call is None or call.ended_at is not None}
        ended = await self._in_thread(lambda: self._store.ended_calls([id for _, id in over]))
        self._tell(True)
        if self._view is None:
            there = {k: c for k, c in over.items() if (k[1] not in ended if c is None else ended.get(k[1], False))}
            self._forget(there)
            if not self._waiting:
                self._idle.set()

    def _in_thread(self, work: Callable[[], _T]) -> asyncio.Future[_T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _forget(self, batch: Mapping[_Key, record.Call | None]) -> None:
        for key, call in batch.items():
            if key in self._waiting and self._waiting[key] is call:  # not what came for it meanwhile
                del self._waiting[key]
                self._older.discard(key)

    def _tell(self, ok: bool) -> None:
        if ok != self.store_ok:
            self.store_ok = ok
            if self._on_state is not None:
                self._on_state(ok)
