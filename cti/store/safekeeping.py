"""What waits to be written is kept safe in a journal while the store is away, and forgotten there once it is stored.

Of each call its newest document is journalled, behind everybody's back, in a thread of its own: the one that writes
to the store may hang in it. The journal is emptied when of every call in it a document at least as new is stored.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

import msgspec

from cti.calls import record
from cti.store.base import StoreError
from cti.store.journal import MAX_AGE_S, Entry, Journal

_log = logging.getLogger(__name__)

Key = tuple[str, str]
"(PBX, call)."
Waiting = Mapping[Key, record.Call | None]
"What waits, in the order of its last changes; None: the call is to be dropped."

_BATCH: Final = 500
_FULL: Final = 30
"A journal that is full is asked again after so many times the usual pause: each try writes all anew."
_T = TypeVar("_T")


class _Fact(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call of one PBX as it is to be written; without a document it is to be dropped."""

    pbx: str
    id: str
    call: record.Call | None = None


_fact: Final = msgspec.json.Decoder(_Fact)


class Figures(msgspec.Struct, frozen=True):
    """How the journal of calls stands."""

    bytes: int = 0
    oldest_s: float = 0.0
    "Age of its first entry."
    ok: bool = True
    "False while it does not take what it should keep."
    journalled: int = 0
    replayed: int = 0
    spoilt: int = 0
    lost: int = 0
    "Entries too old to be replayed."
    failures: int = 0
    missing: int = 0
    "Calls that should be in it and are not yet."


class Safekeeping:
    """Use from one event loop: `run` as a task."""

    def __init__(
        self, journal: Journal | None, waiting: Waiting, *, clock: Callable[[], float], retry_s: float
    ) -> None:
        """`waiting` is looked at, never changed; `clock` is the wall's; without a journal nothing is kept."""
        self._journal = journal
        self._waiting = waiting
        self._clock = clock
        self._retry_s = retry_s
        self._needed = False
        self._open = False
        self._ok = True
        self._full = False
        self._unsafe: dict[Key, None] = {}
        "What waits and is not in the journal as it stands."
        self._kept: set[Key] = set()
        "What the journal has and the store perhaps not."
        self._counted = {"journalled": 0, "replayed": 0, "lost": 0, "failures": 0}
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")

    @property
    def figures(self) -> Figures:
        """How it stands now."""
        journal = self._journal
        if journal is None:
            return Figures()
        age = 0.0 if journal.oldest is None else max(0.0, self._clock() - journal.oldest)
        return Figures(
            bytes=journal.used,
            oldest_s=age,
            ok=self._ok,
            spoilt=journal.spoilt,
            missing=len(self._unsafe),
            **self._counted,
        )

    async def left_over(self) -> dict[Key, record.Call | None]:
        """What an earlier run left, in its order; call first. Raises StoreError where another process has the journal.

        One that cannot be used is no reason not to start: it is said, and shows in the figures.
        """
        journal = self._journal
        if journal is None:
            return {}
        try:
            entries = await self._in_thread(journal.open)
        except BlockingIOError as error:
            raise StoreError(
                "另一个进程正在用这个暂存目录：每个节点要有自己的 store.journal",
                "Another process has this journal: each node needs a folder of its own (store.journal)",
                permanent=True,
            ) from error
        except OSError as error:
            self._counted["failures"] += 1
            self._say(False, error.strerror or type(error).__name__)
            return {}
        self._open = True
        found: dict[Key, record.Call | None] = {}
        for entry in entries:
            if self._clock() - entry.at > MAX_AGE_S:
                self._counted["lost"] += 1
                continue
            try:
                fact = _fact.decode(entry.body)
            except msgspec.DecodeError:  # another program's
                await self._in_thread(lambda body=entry.body: journal.put_aside(body))  # type: ignore[misc]
                continue
            found.pop((fact.pbx, fact.id), None)
            found[fact.pbx, fact.id] = fact.call
        self._counted["replayed"] += len(found)
        self._kept.update(found)
        if journal.spoilt or self._counted["lost"]:
            _log.error("the journal: %d entries spoilt, %d too old", journal.spoilt, self._counted["lost"])
        if entries:
            _log.warning("the journal holds %d calls that were not stored", len(found))
        if not found:
            self.settled()
        return found

    def begin(self) -> None:
        """The store does not take what waits: keep it safe until it does."""
        if not self._needed and self._open:
            self._needed = True
            _log.warning("the store is away or slow: what waits goes to the journal")
            self._unsafe.update(dict.fromkeys(self._waiting))
            self._wake.set()

    def calm(self) -> None:
        """The store answers."""
        self._needed = False
        self._unsafe.clear()

    def changed(self, key: Key) -> None:
        """This waits, as it stands now."""
        if self._needed:
            self._unsafe[key] = None
            self._wake.set()

    def written(self, key: Key) -> None:
        """Of this nothing waits any longer: the newest document is stored."""
        self._unsafe.pop(key, None)
        self._kept.discard(key)

    def give_up(self, key: Key, call: record.Call | None) -> None:
        """The store will never take this: it is put aside, for people to look at."""
        if self._journal is not None and self._open:
            self._thread.submit(self._journal.put_aside, msgspec.json.encode(_Fact(*key, call)))

    def settled(self) -> None:
        """Something was stored: where everything is that the journal has, it is emptied."""
        journal = self._journal
        if journal is not None and self._open and journal.used and not self._kept:
            self._thread.submit(self._clear, journal)

    async def run(self) -> None:
        """Keep safe what is not, for ever; cancel to stop."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._needed and self._unsafe:
                if not await self.keep():
                    await asyncio.sleep(self._retry_s * (_FULL if self._full else 1))

    async def keep(self, everything: bool = False) -> bool:
        """Journal some of what is not safe yet, or all that waits; whether that is in the journal now."""
        journal = self._journal
        if journal is None or not self._open:
            return False
        if everything:
            self._unsafe.update(dict.fromkeys(key for key in self._waiting if key not in self._kept))
        keys = list(self._unsafe) if everything else list(self._unsafe)[:_BATCH]
        some = {key: self._waiting[key] for key in keys if key in self._waiting}
        self._kept.update(some)  # before the store can have them: or the journal would never be empty again
        now = self._clock()
        try:
            done = await self._in_thread(lambda: journal.append(_entries(some, now)))
            if not done:
                # Full of documents that newer ones have overtaken: the newest of each may have room.
                everything_now = dict(self._waiting)
                done = await self._in_thread(lambda: journal.rewrite(_entries(everything_now, now)))
                some = everything_now if done else {}
                self._kept.update(some)
        except OSError as error:
            self._counted["failures"] += 1
            self._say(False, error.strerror or type(error).__name__)
            return False
        self._full = not done
        if not done:
            self._say(False, "it is full")
            return False
        self._counted["journalled"] += len(some)
        self._say(True, "")
        for key, call in some.items():
            if key not in self._waiting or self._waiting[key] is call:
                self._unsafe.pop(key, None)
        self._kept.intersection_update(self._waiting)
        self.settled()
        return True

    def close(self) -> Future[None]:
        """Let the journal go, after what was asked of it."""
        gone: Future[None] = Future()
        if self._journal is not None and self._open:
            self._open = False
            gone = self._thread.submit(self._journal.close)
        else:
            gone.set_result(None)
        self._thread.shutdown(wait=False)
        return gone

    def _clear(self, journal: Journal) -> None:
        try:
            journal.clear()
            _log.info("everything that was in the journal is stored")
        except OSError as error:
            _log.warning("the journal could not be emptied: %s", error.strerror)

    def _say(self, ok: bool, why: str) -> None:
        if ok != self._ok:
            self._ok = ok
            if ok:
                _log.warning("the journal takes what waits again")
            else:
                _log.error("the journal does not take what waits, which stands in memory alone: %s", why)

    def _in_thread(self, work: Callable[[], _T]) -> asyncio.Future[_T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work)


def _entries(facts: Mapping[Key, record.Call | None], now: float) -> Sequence[Entry]:
    return [Entry(now, msgspec.json.encode(_Fact(pbx, id, call))) for (pbx, id), call in facts.items()]
