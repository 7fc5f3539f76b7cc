"""The writer: calls go to the store behind the calls' back, in batches, in a worker thread.

Nothing on the way of a call ever waits for a disk. Of one call only the newest document waits, so the queue is bounded
by the number of calls; when the store stays away and the bound is reached, new calls are refused and counted, and
what is waiting is kept. The state is told at once. Meanwhile what waits goes to a journal as well
(`cti.store.safekeeping`), so that the end of this process loses none of it; what an earlier one left there is written
before anything newer.

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
from cti.store.journal import Journal
from cti.store.lease import StaleEpochError
from cti.store.safekeeping import Figures, Key, Safekeeping
from cti.ticker import wall_clock

_log = logging.getLogger(__name__)

LIMIT: Final = 20_000
"Calls that may wait."
BATCH: Final = 500
"Calls of one transaction."
SMALL: Final = 20
"So few at the least after the store took too long for more."
LOOK_S: Final = 5.0
"Between two looks of a node that does not write at what the store has by now."

JOURNAL_S: Final = 0.5
"A write that takes longer than this has what waits go to the journal."
_T = TypeVar("_T")


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
        journal: Journal | None = None,
        clock: Callable[[], float] = wall_clock,
        limit: int = LIMIT,
        retry_s: float = 1.0,
        slow_s: float = 2.0,
        journal_s: float = JOURNAL_S,
        look_s: float = LOOK_S,
        on_state: Callable[[bool], None] | None = None,
    ) -> None:
        """`retry_s` is the pause after a failure, `slow_s` how long one write may take before the store is not ok.

        With a `journal`, call `recover` before anything is put; `clock` (the wall's) dates what is in it.
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
        self._journal_s = journal_s
        self._on_state = on_state
        self._waiting: dict[Key, record.Call | None] = {}
        "None: it is no call of its own any longer, and to be dropped."
        self._older: set[Key] = set()
        "Of those, what waited while somebody else may have written."
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False
        self._singly = 0
        self._most = BATCH
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-writer")
        self._safe = Safekeeping(journal, self._waiting, clock=clock, retry_s=retry_s)

    @property
    def backlog(self) -> int:
        """Calls waiting."""
        return len(self._waiting)

    @property
    def journal(self) -> Figures:
        """How the journal stands."""
        return self._safe.figures

    @property
    def leads(self) -> bool:
        """True while it writes; else what is put is kept, as long as the store has not got it from another node."""
        return self._view is not None

    async def recover(self) -> None:
        """Take over what an earlier run left in the journal, and write it if this node leads and the store is there.

        Call it before anything is put, and read the store after it. Raises StoreError where another process has the
        journal.
        """
        found = await self._safe.left_over()
        self._waiting.update(found)
        self._older.update(found)
        if found:
            self._idle.clear()
            self._wake.set()
        while self._waiting and self._view is not None:
            if not await self._write_some(self._view):
                break
        if not self._waiting:
            self._idle.set()

    def lead(self, view: CallStore | None) -> None:
        """Write by this view of the store from now on, beginning with what waits; None: write nothing until told to."""
        self._view = view
        self._older |= self._waiting.keys()
        self._singly = 0
        self._wake.set()

    def held(self, pbx: str) -> dict[str, record.Call | None]:
        """{call: document} of what waits of a PBX; None: to be dropped."""
        return {key[1]: call for key, call in self._waiting.items() if key[0] == pbx}

    def put(self, call: record.Call, pbx: str, *, older: bool = False) -> bool:
        """Have a call written soon, as it stands; replaces what waits of it. False: full, and refused.

        `older`: somebody else may have stored one that knows more, which then stays.
        """
        done = self._put((pbx, call.id), call)
        if done and older:
            self._older.add((pbx, call.id))
        return done

    def drop(self, call: str, pbx: str) -> bool:
        """Have the store forget a call that turned out to be part of another. False: full, and refused."""
        return self._put((pbx, call), None)

    def _put(self, key: Key, call: record.Call | None) -> bool:
        if key not in self._waiting and len(self._waiting) >= self._limit:
            self.refused += 1
            return False
        self._waiting.pop(key, None)  # to the end: the oldest change goes first
        self._waiting[key] = call
        self._older.discard(key)
        self._safe.changed(key)
        self._idle.clear()
        self._wake.set()
        return True

    async def run(self) -> None:
        """Write until closed. Cancel, or call `close`, to stop."""
        loop = asyncio.get_running_loop()
        beside = loop.create_task(self._look_on()), loop.create_task(self._safe.run())
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
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
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
        """Write what waits, for at most `within_s` seconds, then stop; whether nothing of it is lost.

        What could not be written is in the journal then, if there is one.
        """
        self._closing = True
        self._wake.set()
        done = await self.flush(within_s) or await self._safe.keep(everything=True)
        await asyncio.wrap_future(self._safe.close())
        self._thread.shutdown(wait=False)
        return done or not self.leads

    def let_go(self) -> None:
        """Give the journal back as it is: for a start that failed, and harmless behind `close`."""
        self._safe.close().result()
        self._thread.shutdown(wait=False)

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
        loop = asyncio.get_running_loop()
        late = loop.call_later(self._journal_s, self._safe.begin)
        slow = loop.call_later(self._slow_s, self._tell, False)
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
            if not error.permanent:
                self._safe.begin()
                self._most = max(SMALL, self._most // 2)
            if error.permanent and len(batch) > 1:
                self._singly = len(batch)  # to find the one that cannot be written
                return True
            if error.permanent:
                # Asking again cannot help: kept, it would hold up all others for ever.
                self._safe.give_up(*next(iter(batch.items())))
                self._forget(batch)
                self.refused += 1
            return error.permanent
        finally:
            late.cancel()
            slow.cancel()
        self._singly = max(0, self._singly - 1)
        self._most = min(BATCH, 2 * self._most)
        self._safe.calm()
        self._forget(batch)
        self.written += len(batch)
        self._tell(True)
        return True

    def _batch(self) -> dict[Key, record.Call | None]:
        """The oldest of what waits, and what can be written with it: of one PBX and one kind."""
        most = 1 if self._singly else self._most
        batch: dict[Key, record.Call | None] = {}
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
                    self._safe.begin()
                    _log.warning("the store did not say what it has: %s", error.text_en)

    async def _look(self) -> None:
        kept = dict(self._waiting)
        late = asyncio.get_running_loop().call_later(self._journal_s, self._safe.begin)
        try:
            ended = await self._in_thread(lambda: self._store.ended_calls([id for _, id in kept]))
        finally:
            late.cancel()
        self._tell(True)
        self._safe.calm()
        if self._view is None:
            there = {k: c for k, c in kept.items() if (k[1] not in ended if c is None else ended.get(k[1], False))}
            self._forget(there)
            if not self._waiting:
                self._idle.set()

    def _in_thread(self, work: Callable[[], _T]) -> asyncio.Future[_T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _forget(self, batch: Mapping[Key, record.Call | None]) -> None:
        for key, call in batch.items():
            if key in self._waiting and self._waiting[key] is call:  # not what came for it meanwhile
                del self._waiting[key]
                self._older.discard(key)
                self._safe.written(key)
        self._safe.settled()

    def _tell(self, ok: bool) -> None:
        if ok != self.store_ok:
            self.store_ok = ok
            if self._on_state is not None:
                self._on_state(ok)
