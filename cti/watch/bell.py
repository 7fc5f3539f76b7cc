"""The bell: alerts from the board to the pages, the log and the webhooks; who wants quiet."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, Protocol

import msgspec

from cti import events, wire
from cti.board import Board
from cti.board.alerts import Alarms, Told
from cti.wire.watching import Alert, AlertsView, Cleared, Delivery, Silence

log = logging.getLogger(__name__)

SOON_S: Final = 0.1
"What an event may have changed is looked at after this, together."
AGAIN_S: Final = 2.0
"After a store that did not take them, alerts are written again."
BEHIND_S: Final = 10.0
"Of alerts about waits a node that stands by keeps those that were told within this: whoever led may not have written."
MOST_WAITING: Final = 20_000
"Alerts that may wait for the store."


class Hooks(Protocol):
    """The webhooks."""

    def deliveries(
        self, raised: Iterable[Alert], cleared: Iterable[Alert], now: float, quiet: Callable[[Alert], bool]
    ) -> list[Delivery]:
        """What is to be sent of these alerts."""

    def wake(self) -> None:
        """Something is to be sent."""


class Book(Protocol):
    """The store, as far as alerts need it. Synchronous."""

    def save_alerts(self, raised: Sequence[Alert], cleared: Sequence[Cleared], deliveries: Sequence[Delivery]) -> None:
        """Write what was told."""

    def open_alerts(self) -> list[Alert]:
        """Those that were open."""

    def told_waits(self, since: float) -> list[str]:
        """Ids of alerts about waits."""

    def silences(self, now: float) -> list[Silence]:
        """Those in force."""


class Pages(Protocol):
    """The hub, as far as alerts need it."""

    def send_boards(self, kind: str, body_for: Callable[[bool], bytes]) -> None:
        """One frame to every board."""

    def send(self, users: Iterable[str], kind: str, body: bytes) -> None:
        """One frame to a user's pages."""

    def board_users(self) -> set[str]:
        """Who looks at a board."""


class _Waiting(msgspec.Struct):
    """What the store has not taken yet."""

    raised: list[Alert] = []
    cleared: list[Cleared] = []
    deliveries: list[Delivery] = []


class Bell:
    """Subscribe `on_event` before whoever changes the board; `run` as a task."""

    def __init__(
        self,
        board: Board,
        alarms: Alarms,
        pages: Pages,
        book: Book,
        hooks: Hooks,
        *,
        run: Callable[[Callable[[], Any]], Awaitable[Any]],
        clock: Callable[[], float],
    ) -> None:
        """`run` runs slow work elsewhere; `clock` is the PBX's."""
        self._board = board
        self._alarms = alarms
        self._pages = pages
        self._book = book
        self._hooks = hooks
        self._run = run
        self._clock = clock
        self._silences: list[Silence] = []
        self._names: dict[str, Alert] = {}
        "Open alerts by id: what is cleared is sent whole."
        self._waiting = _Waiting()
        self._wake = asyncio.Event()
        self._pen = asyncio.Lock()
        self._soon: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._leads = True
        self._lost: set[str] = set()
        "PBXs out of sight: the board is true when there is none."
        self.raised = 0
        self.given_up = 0
        "Alerts that could not wait for the store."

    def restore(self, open_alerts: Sequence[Alert], told: Sequence[str], silences: Sequence[Silence]) -> None:
        """What the store remembers; before any event."""
        self._alarms.restore(open_alerts, told)
        self._names = {alert.id: alert for alert in open_alerts}
        self._silences = list(silences)

    def lead(self, open_alerts: Sequence[Alert], told: Sequence[str], silences: Sequence[Silence]) -> None:
        """This node writes and sends from now on; what the store has goes before what was reckoned here."""
        now = self._clock()
        self._leads = True
        self.restore(open_alerts, told, silences)
        mine = self._alarms.open()
        stored = {alert.id for alert in open_alerts}
        self._names = {alert.id: alert for alert in mine}
        self._keep([alert for alert in mine if alert.id not in stored], (), (), now)
        self._wake.set()
        self.look(now)

    def stand_by(self) -> None:
        """Another node writes and sends from now on."""
        self._leads = False

    # --- events ----------------------------------------------------------------------------------------------------

    def on_event(self, event: events.Event) -> None:
        """What was due before this event is told as of its own moment; what the event changes, in a moment."""
        due = self._alarms.due()
        if due is not None and due <= event.at:
            self.look(event.at)
        if isinstance(event, events.PbxLost | events.PbxRestarted):
            self._lost.add(event.pbx)
            self._alarms.blind()
        elif isinstance(event, events.PbxResynced):
            self._lost.discard(event.pbx)
            if not self._lost:
                self._alarms.see()
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(SOON_S, self._look)

    def _look(self) -> None:
        self._soon = None
        self.look(self._clock())

    def look(self, now: float) -> None:
        """Tell what is new at `now`, and be there when something is due."""
        told = self._alarms.look(self._board, now)
        if told:
            self._tell(told, now)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._alarms.due()
        if due is not None:
            delay = max(0.001, due - self._clock())
            self._timer = asyncio.get_running_loop().call_later(delay, self._due)

    def _due(self) -> None:
        self._timer = None
        due = self._alarms.due()
        if due is not None:
            # The loop may wake a little early, and the PBX clock is an estimate: a moment so near is here.
            now = self._clock()
            self.look(due if now < due <= now + 0.005 else now)

    def _tell(self, told: Told, now: float) -> None:
        self.raised += len(told.raised)
        gone = [
            msgspec.structs.replace(self._names.pop(one.id), cleared_at=one.cleared_at)
            for one in told.cleared
            if one.id in self._names
        ]
        self._names.update({alert.id: alert for alert in told.raised})
        body = wire.body(raised=told.raised, cleared=told.cleared)
        self._pages.send_boards("alerts", lambda customers: body)
        self._keep(told.raised, told.cleared, gone, now)
        self._wake.set()

    def _keep(self, raised: Sequence[Alert], cleared: Sequence[Cleared], gone: Sequence[Alert], now: float) -> None:
        """What the store is to have; while another node writes, what it may not have written yet."""
        waiting = self._waiting
        waiting.raised += raised
        waiting.cleared += cleared
        waiting.deliveries += self._hooks.deliveries(raised, gone, now, self._is_quiet)
        if not self._leads:
            # Only these have the same id at every node.
            waiting.raised = [a for a in waiting.raised if a.visit is not None and a.at > now - BEHIND_S]
            ids = {alert.id for alert in waiting.raised}
            waiting.cleared = [one for one in waiting.cleared if one.id in ids]
            waiting.deliveries = [one for one in waiting.deliveries if one.at > now - BEHIND_S]
        for kept in (waiting.raised, waiting.cleared, waiting.deliveries):
            if len(kept) > MOST_WAITING:
                self.given_up += len(kept) - MOST_WAITING
                del kept[: len(kept) - MOST_WAITING]

    def _is_quiet(self, alert: Alert) -> bool:
        now = self._clock()
        return any(silence.for_all and silence.covers(alert, now) for silence in self._silences)

    # --- writing ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write down what was told, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not await self.write():
                await asyncio.sleep(AGAIN_S)
                self._wake.set()

    async def write(self) -> bool:
        """Write what waits; whether all that was told before is written."""
        async with self._pen:
            return await self._write() if self._leads else True

    async def _write(self) -> bool:
        waiting, self._waiting = self._waiting, _Waiting()
        if not (waiting.raised or waiting.cleared or waiting.deliveries):
            return True
        try:
            await self._run(lambda: self._book.save_alerts(waiting.raised, waiting.cleared, waiting.deliveries))
        except Exception as error:  # whatever the store has: alerts go on, and are written when it is back
            log.warning("alerts were not written: %s", type(error).__name__)
            newer, self._waiting = self._waiting, waiting
            self._waiting.raised += newer.raised
            self._waiting.cleared += newer.cleared
            self._waiting.deliveries += newer.deliveries
            return False
        if waiting.deliveries:
            self._hooks.wake()
        return True

    def stop(self) -> None:
        """No more timers."""
        for timer in (self._soon, self._timer):
            if timer is not None:
                timer.cancel()

    # --- pages -----------------------------------------------------------------------------------------------------

    def view(self, login: str) -> AlertsView:
        """What a user's board is shown first."""
        return AlertsView(open=self._alarms.open(), silences=self.silences_of(login))

    def open(self) -> tuple[Alert, ...]:
        """Open alerts, oldest first."""
        return self._alarms.open()

    def silences_of(self, login: str) -> tuple[Silence, ...]:
        """Those in force for a user: his own, and those for all."""
        now = self._clock()
        return tuple(s for s in self._silences if s.until > now and (s.for_all or s.by == login))

    def silenced(self, silence: Silence) -> None:
        """Somebody wants quiet; it is written already."""
        self._silences = [s for s in self._silences if s.until > self._clock()] + [silence]
        self._show_silences()

    def unsilenced(self, silence: str) -> None:
        """It may be loud again."""
        self._silences = [s for s in self._silences if s.id != silence]
        self._show_silences()

    def find_silence(self, silence: str) -> Silence | None:
        """One of those in force."""
        return next((s for s in self._silences if s.id == silence), None)

    def _show_silences(self) -> None:
        for user in self._pages.board_users():
            self._pages.send((user,), "silences", wire.body(silences=self.silences_of(user)))


def new_id() -> str:
    """A key that nobody guesses."""
    return secrets.token_hex(12)
