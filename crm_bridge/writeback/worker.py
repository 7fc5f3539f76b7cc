"""The worker that empties the outbox: takes what is due, delivers, and waits longer each time it fails."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec

from crm_bridge.model import CrmError
from crm_bridge.writeback.http_target import TryLater
from crm_bridge.writeback.intents import Delivery, Target, delay
from crm_bridge.writeback.outbox import Outbox

log = logging.getLogger(__name__)

_IDLE_S: Final = 60.0
"The outbox is looked at at least this often: another node may have put something in."


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast, how patient. All in seconds."""

    at_once: int = 4
    "Calls at the same time."
    batch: int = 40
    deliver_s: float = 30.0
    "For one delivery, whatever the target's own limits."
    lease_s: float = 600.0
    "How long a claimed intent is left to a worker that gives no sign of life; longer than any batch takes."
    base_s: float = 2.0
    "Before the second try."
    cap_s: float = 900.0
    "Between tries at most."


def _now() -> float:
    return datetime.now(UTC).timestamp()


class WriteBack:
    """Empties an outbox into a target. One of them at a time runs under a name.

    While the CRM does not answer, one intent at a time is tried until one gets through; an intent that alone keeps
    failing waits its own time and holds nobody up.
    """

    def __init__(
        self,
        outbox: Outbox,
        target: Target,
        *,
        name: str = "writeback",
        pace: Pace = Pace(),  # noqa: B008 - frozen
        clock: Callable[[], float] = _now,
    ) -> None:
        self.outbox = outbox
        self.name = name
        self.pace = pace
        self.away = False
        "The CRM did not answer last time."
        self._target = target
        self._clock = clock
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stumbles = 0

    def wake(self) -> None:
        """Something was put in; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._news.set)

    async def run(self) -> None:
        """Deliver for ever; cancel to stop. What is under way then is tried again at the next start."""
        self._loop = asyncio.get_running_loop()
        self.outbox.on_put = self.wake
        released = False
        try:
            while True:
                self._news.clear()
                try:
                    if not released:
                        await asyncio.to_thread(self.outbox.release, self.name)
                        released = True
                    tried = await self.turn()
                    pause = 0.0 if tried and not self.away else await self._pause()
                except CrmError as error:
                    # The outbox's own database is away; nothing can be taken from it or noted in it.
                    log.warning("outbox: %s", error.text_en)
                    released = False
                    pause = delay(self._stumbled(), self.name, base_s=self.pace.base_s, cap_s=30.0)
                if pause > 0:
                    await self._wait(pause)
        finally:
            self.outbox.on_put = None
            await self._target.close()

    async def turn(self) -> int:
        """Deliver what is due now, once; returns how many were tried. Raises CrmError when the outbox is away."""
        limit = 1 if self.away else self.pace.batch
        taken = await asyncio.to_thread(self.outbox.claim, self.name, limit, self.pace.lease_s)
        for start in range(0, len(taken), self.pace.at_once):
            some = taken[start : start + self.pace.at_once]
            through = await asyncio.gather(*(self._deliver(one) for one in some), return_exceptions=True)
            for result in through:
                if isinstance(result, BaseException):
                    raise result
            self.away = not any(through)
            if self.away:
                rest = taken[start + self.pace.at_once :]
                if rest:
                    await asyncio.to_thread(self.outbox.give_back, rest)
                self._stumbled()
                return start + len(some)
        if taken:
            self._stumbles = 0
        return len(taken)

    async def _deliver(self, delivery: Delivery) -> bool:
        """Try one; False where the CRM did not answer. A refusal is an answer."""
        try:
            async with asyncio.timeout(self.pace.deliver_s):
                outcome = await self._target.deliver(delivery)
        except CrmError as error:
            await self._failed(delivery, error)
            return error.permanent
        except TimeoutError:
            late = CrmError("客户系统没有及时答复", text_en="The CRM did not answer in time", permanent=False)
            await self._failed(delivery, late)
            return False
        except Exception as error:
            # The kind of the error only: its text may hold a customer's words.
            log.warning("write-back failed: %s", type(error).__name__)
            odd = CrmError("回写时出了意外的错误", text_en=f"Unexpected {type(error).__name__}", permanent=False)
            await self._failed(delivery, odd)
            return False
        await asyncio.to_thread(self.outbox.done, delivery, outcome.external_id)
        return True

    async def _failed(self, delivery: Delivery, error: CrmError) -> None:
        wait = delay(delivery.attempts + 1, delivery.key, base_s=self.pace.base_s, cap_s=self.pace.cap_s)
        if isinstance(error, TryLater):
            wait = max(wait, error.after_s)
        await asyncio.to_thread(self.outbox.failed, delivery, error, self._clock() + wait)

    async def _pause(self) -> float:
        """Seconds until something can be done."""
        due = await asyncio.to_thread(self.outbox.next_due)
        until = _IDLE_S if due is None else min(_IDLE_S, max(due - self._clock(), 0.001))
        if not self.away:
            return until
        # Others are due at once, but the CRM is not there: ask it ever less often.
        return max(until, delay(self._stumbles, self.name, base_s=self.pace.base_s, cap_s=min(60.0, self.pace.cap_s)))

    def _stumbled(self) -> int:
        self._stumbles = min(self._stumbles + 1, 60)
        return self._stumbles

    async def _wait(self, seconds: float) -> None:
        if self.away:
            # News are no reason to run into a CRM that is away.
            await asyncio.sleep(seconds)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
