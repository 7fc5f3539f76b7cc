"""From the link into the core and out to everybody: packets, rosters, the link's state, and the calls to be stored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final

from cti import events
from cti.ami.link import LinkState
from cti.ami.messages import Packet
from cti.ami.roster import Roster
from cti.bus import Bus
from cti.calls.pbx import Pbx
from cti.calls.record import Call
from cti.continuity import Carried
from cti.floor import Floor
from cti.store import Writer
from cti.ticker import Ticker, steady_clock, wall_clock

log = logging.getLogger(__name__)

SAVE_S: Final = 0.5
"Changed calls are looked at after this, together."


class Feed:
    """One PBX's way in."""

    def __init__(self, pbx: Pbx, name: str, bus: Bus, floor: Floor, writer: Writer) -> None:
        self._pbx = pbx
        self._name = name
        self._bus = bus
        self._floor = floor
        self._writer = writer
        self._pending: asyncio.TimerHandle | None = None
        self._carried = Carried()
        self.ticker = Ticker(pbx, self.now, self.publish)
        self.on_recovered: Callable[[list[str]], None] = lambda calls: None
        "Told the open calls after each resync."
        bus.subscribe("store", self._changed)

    def now(self) -> float:
        """Epoch seconds on the PBX's clock."""
        return self._pbx.pbx_time(wall_clock())

    def remember(self, calls: Iterable[Call]) -> None:
        """Calls that were open when the service last stopped: they are carried on, or closed at the first resync."""
        self._carried.remember(calls)

    def publish(self, told: list[events.Event]) -> None:
        """Tell everybody."""
        if told:
            self._bus.publish(told)

    def on_packet(self, packet: Packet, now: float) -> None:
        """One packet of the live stream."""
        told = self._pbx.feed(packet, now)
        if told:
            self._bus.publish(told)
        elif self._pbx.has_changed:  # something to be written down that nobody need hear of
            self._save_soon()
        self.ticker.arm()

    def on_roster(self, roster: Roster, buffered: list[tuple[Packet, float]], now: float) -> None:
        """The lists after a connection, and the events that came meanwhile."""
        self.publish(self._pbx.resync(roster, now))
        for packet, at in buffered:
            self.publish(self._pbx.feed(packet, at))
        alive = [call.id for call in self._pbx.open_calls()]
        self._floor.carry(self._floor.session.reconcile(alive, self.now()))
        for call in self._carried.lists_read(alive, lambda id: self._pbx.call(id) is not None, self.now()):
            self._writer.put(call, self._name)
        self.on_recovered(alive)
        self.ticker.arm()

    def on_state(self, state: LinkState, now: float) -> None:
        """The link's state changed."""
        at = self._pbx.pbx_time(now)
        before = self._floor.link.state
        if state.phase == "resyncing":
            self.publish([events.PbxConnected(at=at, pbx=self._name)])
        elif state.phase in ("lost", "refused") and before in ("live", "resyncing"):
            self.publish(self._pbx.link_lost(at))
        self._floor.set_link(state=state.phase, text=state.text, text_en=state.text_en)
        if state.phase != before:
            log.info("pbx %s: %s", state.phase, state.text_en)

    def _changed(self, event: events.Event) -> None:
        if isinstance(event, events.CallMerged):
            self._carried.merged(event.call)
        self._save_soon()

    def _save_soon(self) -> None:
        if self._pending is None:
            self._pending = asyncio.get_running_loop().call_later(SAVE_S, self.save)

    def save(self, all_of_them: bool = False) -> None:
        """Hand the changed calls to the writer: those that ended, and of the others those whose time has come."""
        now = steady_clock()
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None
        changed = self._carried.changed(self._pbx.take_changed(), now)
        for call in self._carried.due(now, everything=all_of_them):
            self._writer.put(call, self._name)
        if self._carried:
            self._save_soon()
        self._floor.calls_changed(changed)

    def stop(self) -> None:
        """No more timers; what changed is handed over."""
        self.ticker.cancel()
        self.save(all_of_them=True)
