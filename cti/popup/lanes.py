"""A lane to a slow thing: a few threads of its own, a deadline, and a breaker when it keeps failing.

One CRM's trouble stays in its lane: its threads may all hang, and nobody else waits for them. The threads are
daemons, so that a database that never answers cannot keep the service from stopping.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")
log = logging.getLogger(__name__)

FAILS: Final = 5
"Failures in a row that open the breaker (FAULTS F19)."
OPEN_S: Final = 30.0
"How long it stays open before one call is let through to see."
MAX_WAITING: Final = 512
"Calls in a lane at once; beyond it a new one is refused at once."


class Away(Exception):
    """The thing behind the lane is not asked: it failed too often, or too many wait already."""


class Late(Exception):
    """No answer within the deadline. `answer` is still coming, perhaps: not where the call had not even begun.

    What waited in vain is dropped, so that a rush is followed by answers to new questions and not to old ones.
    """

    def __init__(self, answer: asyncio.Future[Any]) -> None:
        super().__init__("late")
        self.answer = answer


class _Job(Generic[T]):
    """A call on its way to a thread."""

    __slots__ = ("answer", "began", "call")

    def __init__(self, answer: asyncio.Future[T], call: Callable[[], T]) -> None:
        self.answer = answer
        self.call = call
        self.began = False


class Lane:
    """Runs synchronous calls in its own threads."""

    def __init__(
        self,
        name: str,
        workers: int,
        *,
        deadline_s: float,
        clock: Callable[[], float],
        counts: Callable[[BaseException], bool] = lambda error: True,
    ) -> None:
        """`clock` only grows; `counts` tells the failures that speak against the thing from those of the question."""
        self.name = name
        self.deadline_s = deadline_s
        self._clock = clock
        self._counts = counts
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._workers = workers
        self._threads: list[threading.Thread] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._fails = 0
        self._opened: float | None = None
        self._trial = False
        self.waiting = 0
        "Calls given to the lane and not answered yet."
        self.failures = 0
        "Failures and late answers since the start."

    @property
    def ok(self) -> bool:
        """False while the thing behind the lane is held for broken."""
        return self._opened is None

    async def run(self, call: Callable[[], T]) -> T:
        """The call's result. Raises Away at once, Late after the deadline, else what the call raised."""
        if self._opened is not None:
            if self._trial or self._clock() - self._opened < OPEN_S:
                raise Away
            self._trial = True
        if self.waiting >= MAX_WAITING:
            raise Away
        job = self._submit(call)
        answer = job.answer
        try:
            done, _ = await asyncio.wait((answer,), timeout=self.deadline_s)
        except asyncio.CancelledError:
            self._trial = False
            raise
        if not done:
            if job.began:
                self._failed()  # one that only waited speaks of the rush, not of the thing
            else:
                self._trial = False
                answer.cancel()
            raise Late(answer)
        error = answer.exception()
        if error is None:
            self._succeeded()
            return answer.result()
        if self._counts(error):
            self._failed()
        else:
            self._succeeded()
        raise error

    def _submit(self, call: Callable[[], T]) -> _Job[T]:
        self._loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = self._loop.create_future()
        job = _Job(answer, call)
        self.waiting += 1
        answer.add_done_callback(self._done)
        if len(self._threads) < self._workers and self.waiting > len(self._threads):
            name = f"{self.name}-{len(self._threads)}"
            thread = threading.Thread(target=self._work, args=(self._loop,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        self._jobs.put(job)
        return job

    def _done(self, answer: asyncio.Future[Any]) -> None:
        self.waiting -= 1
        if not answer.cancelled():
            answer.exception()  # a late failure that nobody waits for is no unhandled one

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                if job.answer.done():
                    continue
                job.began = True
                try:
                    result, error = job.call(), None
                except Exception as raised:
                    result, error = None, raised
                loop.call_soon_threadsafe(_settle, job.answer, result, error)
            except RuntimeError:  # the loop is closed: nobody waits any longer
                return
            finally:
                del job

    def _failed(self) -> None:
        self.failures += 1
        self._fails += 1
        if self._trial or self._fails >= FAILS:
            if self._opened is None:
                log.warning("%s does not answer: not asked for %d s", self.name, OPEN_S)
            self._opened, self._trial = self._clock(), False

    def _succeeded(self) -> None:
        if self._opened is not None:
            log.info("%s answers again", self.name)
        self._fails, self._opened, self._trial = 0, None, False

    def close(self) -> None:
        """Let the threads go as soon as they are done."""
        for _ in self._threads:
            self._jobs.put(None)


def _settle(answer: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(result)
