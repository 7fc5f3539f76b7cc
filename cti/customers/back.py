"""The write-back of one service: the outbox's worker, the ended calls, and how it goes."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal

from crm_bridge.model import CrmError
from crm_bridge.writeback import Counts, WriteBack, targets
from cti import events
from cti.customers.ended import EndedCalls, Past
from cti.customers.opening import Opening

log = logging.getLogger(__name__)

COUNT_S: Final = 5.0
"Between two counts for the metrics."
State = Literal["off", "on", "away", "wrong"]


class Back:
    """`run` as a task; `opened` when the CRM is there."""

    def __init__(
        self,
        past: Past,
        opening: Opening,
        *,
        run: Callable[[Callable[[], Any]], Awaitable[Any]],
        clock: Callable[[], float],
    ) -> None:
        """`run` does something in a worker thread; `clock` is the PBX's."""
        self._past = past
        self._opening = opening
        self._run = run
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_open = asyncio.Event()
        self._counts: Counts | None = None
        self.worker: WriteBack | None = None
        self.calls: EndedCalls | None = None

    def opened(self) -> None:
        """The CRM is there; from another thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._is_open.set)

    def on_event(self, event: events.Event) -> None:
        """Hears the bus."""
        if self.calls is not None:
            self.calls.on_event(event)

    def noted(self, call: str) -> None:
        """Something was typed for a call."""
        if self.calls is not None:
            self.calls.noted(call)

    def relinked(self, call: str) -> None:
        """A past call has a customer now."""
        if self.calls is not None:
            self.calls.relinked(call)

    async def run(self) -> None:
        """For ever; nothing where nothing is written back."""
        self._loop = asyncio.get_running_loop()
        if self._opening.is_open:
            self._is_open.set()
        await self._is_open.wait()
        outbox = self._opening.outbox
        if outbox is None:
            return
        if {"call", "note"} & outbox.kinds:
            # What ended before this moment is found by its sweep.
            self.calls = EndedCalls(
                self._past, self._opening.crm, outbox, self._opening.rules, run=self._run, clock=self._clock
            )
        async with asyncio.TaskGroup() as tasks:
            if self._opening.rules is not None:
                tasks.create_task(self._deliver())
            if self.calls is not None:
                tasks.create_task(self.calls.run())
            tasks.create_task(self._count())

    async def _deliver(self) -> None:
        rules, outbox = self._opening.rules, self._opening.outbox
        if rules is None or outbox is None:
            return
        try:
            target = targets(rules)
        except CrmError as error:
            log.error("nothing is written back: %s", error.text_en)
            self._opening.rules_error = error
            return
        # A name of this node's own: what another one holds is not released at our start.
        self.worker = WriteBack(outbox, target, name=f"writeback {socket.gethostname()}"[:80])
        await self.worker.run()

    async def _count(self) -> None:
        while True:
            outbox = self._opening.outbox
            try:
                self._counts = None if outbox is None else await self._run(outbox.counts)
            except Exception as error:
                log.debug("the outbox cannot be counted: %s", type(error).__name__)
            await asyncio.sleep(COUNT_S)

    def state(self) -> tuple[State, str, str]:
        """How it goes, in words."""
        wrong = self._opening.rules_error
        if wrong is not None:
            return "wrong", wrong.text, wrong.text_en
        if self.worker is not None and self.worker.away:
            text, text_en = "客户系统没有答复，正在重试", "The CRM does not answer; it is tried again"
            return "away", text, text_en
        return "on", "", ""

    def gauges(self) -> Mapping[str, float]:
        """For the metrics."""
        if self._counts is None:
            return {}
        return {
            "writeback_waiting": float(self._counts.waiting),
            "writeback_retrying": float(self._counts.retrying),
            "writeback_refused": float(self._counts.refused),
            "writeback_calls_to_put": float(0 if self.calls is None else self.calls.waiting),
            "writeback_calls_given_up": float(0 if self.calls is None else self.calls.given_up),
            "writeback_ok": float(self.state()[0] == "on"),
        }
