"""Asks the store once a second whether it works, in a thread of its own (I20).

Nobody else waits in that thread, so an answer that does not come within LATE_S is the store's fault, whatever hangs: a
lock, the network, a pool with nothing left.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

EVERY_S: Final = 1.0
"Between two questions."
LATE_S: Final = 1.5
"An answer later than this is none."


class Probe:
    """`run` as a task; `ok` is how it stands. A question that hangs is waited for: there is never a second one."""

    def __init__(self, ask: Callable[[], object]) -> None:
        """`ask` raises where the store does not work; it is called in a thread."""
        self._ask = ask
        self.ok = True
        self.why = ""
        "The kind of error."

    async def run(self) -> None:
        """Ask for ever; cancel to stop."""
        while True:
            answer = self._asked()
            try:
                await asyncio.wait((answer,), timeout=LATE_S)
                if not answer.done():
                    self._put("no answer")
                    await asyncio.wait((answer,))
                error = answer.exception()
                self._put("" if error is None else type(error).__name__)
            finally:
                # What it holds of the store goes back before that is closed; one that hangs is not waited for longer.
                await asyncio.wait((answer,), timeout=LATE_S)
            await asyncio.sleep(EVERY_S)

    def _asked(self) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[None] = loop.create_future()
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # also where nobody waits any more

        def settle(error: Exception | None) -> None:
            if answer.done():
                return
            if error is None:
                answer.set_result(None)
            else:
                answer.set_exception(error)

        def work() -> None:
            failed: Exception | None = None
            try:
                self._ask()
            except Exception as error:
                failed = error
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any longer
                loop.call_soon_threadsafe(settle, failed)

        threading.Thread(target=work, name="store-probe", daemon=True).start()
        return answer

    def _put(self, why: str) -> None:
        if why and self.ok:
            log.error("the store does not answer: %s", why)
        elif not why and not self.ok:
            log.info("the store answers again")
        self.ok, self.why = not why, why
