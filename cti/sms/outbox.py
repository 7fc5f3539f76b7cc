"""The worker that empties the outbox: never twice, whatever happens between the platform's yes and ours.

A try is written down before it begins. Where its end is not known the platform is asked, with patience; only its sure
"no such message", later than any try can take, makes the message free to be sent again, there or at the next platform.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol

from cti.sms.door import Sender
from cti.sms.platform import Sent, SmsError
from cti.sms.policy import retry_s
from cti.sms.wishes import LOST_S, SETTLE_S, TRIES, Task, ask_at, outgoing

log = logging.getLogger(__name__)

IDLE_S: Final = 30.0
"The outbox is looked at at least this often."
LEASE_S: Final = 120.0
AT_ONCE: Final = 8
BATCH: Final = 40

_EXPIRED: Final = ("已过时效，不再发送", "Too late to be sent", "expired")
_NOWHERE: Final = ("没有可用的短信平台", "No platform can send this", "no_platform")


class OutboxStore(Protocol):
    """What the worker needs of the store. Synchronous: called in worker threads; raises what `is_away` knows."""

    def claim_wishes(self, worker: str, now: float, *, limit: int, lease_s: float) -> list[Task]:
        """Wishes that are due."""

    def begin_try(self, task: Task, worker: str, now: float) -> bool:
        """Written down that the platform is about to be called."""

    def wish_taken(self, task: Task, sent: Sent, now: float, *, found: bool = False) -> bool:
        """The platform has it. False where it was only `found`, and is another message."""

    def wish_later(
        self, task: Task, platforms: Sequence[str], attempts: int, due_at: float, error: SmsError | None
    ) -> None:
        """It surely has not gone out."""

    def wish_unsure(self, task: Task, due_at: float, error: SmsError | None) -> None:
        """It may have gone out."""

    def wish_lost(self, task: Task) -> None:
        """Nobody can tell."""

    def wish_failed(self, task: Task, error: SmsError) -> None:
        """It will not go out."""

    def release_wishes(self, worker: str) -> None:
        """Give back what this worker held."""

    def next_wish_at(self) -> float | None:
        """When something is due next."""


class OutboxWorker:
    """Empties an outbox through platforms. One of them at a time runs under a name."""

    def __init__(
        self,
        store: OutboxStore,
        senders: Mapping[str, Sender],
        *,
        clock: Callable[[], float],
        run: Callable[[Callable[[], Any]], Awaitable[Any]] = asyncio.to_thread,
        on_change: Callable[[Task], None] = lambda task: None,
        report_urls: Mapping[str, str] | None = None,
        name: str = "outbox",
        settle_s: float = SETTLE_S,
        is_away: tuple[type[Exception], ...] = (),
        may_send: Callable[[], bool] = lambda: True,
    ) -> None:
        """`run` calls the store, off the loop; `is_away` are the errors that mean it is not there for a while.

        `may_send` is asked right before a platform is called: False for a node that hung, or is cut off.
        """
        self._may_send = may_send
        self.name = name
        self._store = store
        self._senders = senders
        self._clock = clock
        self._run = run
        self._on_change = on_change
        self._report_urls = report_urls or {}
        self._settle_s = settle_s
        self._is_away = is_away
        self._news = asyncio.Event()
        self.errors: dict[str, SmsError | None] = dict.fromkeys(senders)
        "{platform: what it last said no with; None since it said yes}."

    def wake(self) -> None:
        """Something was put in; from the loop's thread."""
        self._news.set()

    async def run(self) -> None:
        """Send for ever; cancel to stop. What is under way then is asked about at the next start."""
        released = False
        while True:
            self._news.clear()
            try:
                if not released:
                    await self._run(lambda: self._store.release_wishes(self.name))
                    released = True
                if await self.turn():
                    continue
                due = await self._run(self._store.next_wish_at)
                pause = IDLE_S if due is None else min(IDLE_S, max(0.05, due - self._clock()))
            except self._is_away as error:
                log.warning("the outbox is away: %s", type(error).__name__)
                released, pause = False, 5.0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._news.wait()

    async def turn(self) -> int:
        """Do what is due now, once; returns how many messages were looked at."""
        now = self._clock()
        tasks: list[Task] = await self._run(
            lambda: self._store.claim_wishes(self.name, now, limit=BATCH, lease_s=LEASE_S)
        )
        for start in range(0, len(tasks), AT_ONCE):
            done = await asyncio.gather(
                *(self._step(task) for task in tasks[start : start + AT_ONCE]), return_exceptions=True
            )
            for result in done:
                if isinstance(result, BaseException):
                    raise result
        return len(tasks)

    async def _step(self, task: Task) -> None:
        if task.state == "unsure":
            await self._ask(task)
        elif self._clock() >= task.wish.expires_at:
            await self._fail(task, *_EXPIRED)
        else:
            await self._try(task)
        self._on_change(task)

    async def _fail(self, task: Task, text: str, text_en: str, code: str) -> None:
        error = SmsError(text, text_en, permanent=True, code=code)
        await self._run(lambda: self._store.wish_failed(task, error))

    async def _try(self, task: Task) -> None:
        sender = self._senders.get(task.platform)
        if sender is None:
            rest = task.platforms[1:]
            if not rest:
                await self._fail(task, *_NOWHERE)
            else:
                await self._run(lambda: self._store.wish_later(task, rest, 0, self._clock(), None))
            return
        begun_at = self._clock()
        if not await self._run(lambda: self._store.begin_try(task, self.name, begun_at)):
            return
        attempts = task.attempts + 1
        if not self._may_send():
            return  # as if it had died here: whoever claims it next asks the platform what became of it
        error = await self._send(task, sender)
        if error is None:
            return
        self.errors[task.platform] = error
        if error.unsure:
            at = ask_at(begun_at, begun_at)
            await self._run(lambda: self._store.wish_unsure(task, at, error))
            return
        await self._again(task, attempts, error)

    async def _send(self, task: Task, sender: Sender) -> SmsError | None:
        """None where the platform took it."""
        message = outgoing(task.wish, task.platform, self._report_urls.get(task.platform, ""))
        try:
            sent = await sender.send(message)
        except SmsError as error:
            return error
        except Exception as error:
            # The kind of the error only: its text may hold a number.
            log.error("sending through %s failed: %s", task.platform, type(error).__name__)
            return SmsError(
                "发送时出了意外的错误", f"Unexpected {type(error).__name__}", permanent=False, unsure=True, code="odd"
            )
        self.errors[task.platform] = None
        await self._run(lambda: self._store.wish_taken(task, sent, self._clock()))
        return None

    async def _again(self, task: Task, attempts: int, error: SmsError) -> None:
        """It surely has not gone out: once more here, or at the next platform, or nowhere."""
        rest = task.platforms[1:]
        if not error.permanent and attempts < TRIES:
            due = self._clock() + retry_s(attempts, error.wait_s)
            await self._run(lambda: self._store.wish_later(task, task.platforms, attempts, due, error))
        elif rest:
            await self._run(lambda: self._store.wish_later(task, rest, 0, self._clock(), error))
        else:
            await self._run(lambda: self._store.wish_failed(task, error))

    async def _ask(self, task: Task) -> None:
        """What became of a try? Sending waits until that is known."""
        tried_at, now = task.tried_at or 0.0, self._clock()
        sender = self._senders.get(task.platform)
        found = None
        if sender is not None:
            try:
                found = await sender.find(outgoing(task.wish, task.platform), tried_at)
            except SmsError as error:
                self.errors[task.platform] = error
            except Exception as error:
                log.error("asking %s failed: %s", task.platform, type(error).__name__)
        for one in found or ():
            sent = Sent(provider_id=one.provider_id)
            if await self._run(partial(self._store.wish_taken, task, sent, now, found=not one.ours)):
                return
        if found is not None and now - tried_at >= self._settle_s:
            missed = SmsError("短信平台没有收到", "The platform never got it", permanent=False, code="not_there")
            await self._again(task, task.attempts, missed)
        elif now - tried_at >= LOST_S:
            await self._run(lambda: self._store.wish_lost(task))
        else:
            await self._run(lambda: self._store.wish_unsure(task, ask_at(tried_at, now), None))
