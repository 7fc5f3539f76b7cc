"""From the link into the core and out to everybody: packets, rosters, the link's state, and the calls to be stored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from cti import events
from cti.ami.link import LinkState
from cti.ami.messages import Packet
from cti.ami.roster import Roster
from cti.bus import Bus
from cti.calls.pbx import Pbx
from cti.calls.record import Call
from cti.continuity import Carried, continued, knows_more
from cti.floor import Floor
from cti.nodes.links import Links
from cti.store import Writer
from cti.ticker import Ticker, steady_clock, wall_clock

log = logging.getLogger(__name__)

SAVE_S: Final = 0.5
"Changed calls are looked at after this, together."
STEP_S: Final = 5.0
"This machine's clock may be set: by more than this against the steady one, and it is not believed for now."


class Feed:
    """One PBX's way in."""

    def __init__(
        self,
        pbx: Pbx,
        name: str,
        bus: Bus,
        floor: Floor,
        writer: Writer,
        links: Links,
        *,
        alive: Callable[[], Iterable[str]],
    ) -> None:
        """`alive` gives the open calls of the whole site, this PBX's among them."""
        self._pbx = pbx
        self._name = name
        self._bus = bus
        self._floor = floor
        self._writer = writer
        self._links = links
        self._alive = alive
        self._listed = False
        "The PBX's lists have been read."
        self._heard = (wall_clock(), steady_clock())
        "When the PBX was heard last, by both clocks."
        self._pending: asyncio.TimerHandle | None = None
        self._pending_soon = False
        "It is for something that changed, not for a call that goes on."
        self._carried = Carried()
        self._unsure: set[str] = set()
        "Calls that only the journal has as open: whoever wrote meanwhile may have stored their end."
        self.ticker = Ticker(pbx, self.now, self.publish)
        self.on_recovered: Callable[[list[str]], None] = lambda calls: None
        "Told the open calls after each resync."
        self.on_changed: Callable[[Sequence[Call]], None] = lambda calls: None
        "Told calls as they stand now."
        bus.subscribe("store", self._changed)

    def now(self) -> float:
        """Epoch seconds on the PBX's clock.

        Where this machine's clock was set since the PBX was heard last, the steady one counts from there until the next
        event tells the time: else the deadlines of an hour would all be due, or none for an hour.
        """
        wall, steady = wall_clock(), steady_clock()
        likely = self._heard[0] + steady - self._heard[1]
        return self._pbx.pbx_time(wall if abs(wall - likely) < STEP_S else likely)

    def adopt(self, stored: Sequence[Call]) -> None:
        """This node writes from now on; `stored` are the calls that the store holds for open.

        What was written by whoever wrote before is carried on: at a start nothing else is known of it, and a node that
        stood by may have come after a call's beginning. So is what only an earlier run's journal has. Calls that are
        over are closed, at once or at the first resync.
        """
        held = self._writer.held(self._name)
        before: list[Call] = []
        known = {old.id for old in stored}
        for id, kept in held.items():
            if kept is not None and kept.ended_at is None and id not in known and not _whole(self._pbx.call(id)):
                before.append(kept)
                self._unsure.add(id)
        for old in stored:
            kept = held.get(old.id)
            if _whole(self._pbx.call(old.id)) or (old.id in held and kept is None):
                continue
            if kept is None or kept.ended_at is None:
                before.append(old if kept is None or knows_more(old, kept) else kept)
            elif not _whole(kept):
                self._writer.put(continued(old, kept), self._name)
        self._carried.remember(before)
        if self._listed:
            self._close_gone()
        for call in self._carried.changed(self._pbx.open_calls(), steady_clock()):
            self._writer.put(call, self._name)
        self.save(all_of_them=True)

    def _close_gone(self) -> None:
        alive = [call.id for call in self._pbx.open_calls()]
        for call in self._carried.lists_read(alive, lambda id: self._pbx.call(id) is not None, self.now()):
            self._writer.put(call, self._name, older=call.id in self._unsure)
        self._unsure.clear()

    def publish(self, told: list[events.Event]) -> None:
        """Tell everybody."""
        if told:
            self._bus.publish(told)

    def on_packet(self, packet: Packet, now: float) -> None:
        """One packet of the live stream."""
        told = self._pbx.feed(packet, now)
        self._heard = (now, steady_clock())
        if told:
            self._bus.publish(told)
        elif self._pbx.has_changed:  # something to be written down that nobody need hear of
            self._save_soon()
        self.ticker.arm()

    def on_roster(self, roster: Roster, buffered: list[tuple[Packet, float]], now: float) -> None:
        """The lists after a connection, and the events that came meanwhile."""
        self.publish(self._pbx.resync(roster, now))
        self._heard = (now, steady_clock())
        for packet, at in buffered:
            self.publish(self._pbx.feed(packet, at))
        self._listed = True
        self._floor.carry(self._floor.session.reconcile(self._alive(), self.now()))
        self._close_gone()
        self.on_recovered([call.id for call in self._pbx.open_calls()])
        self.ticker.arm()

    def on_state(self, state: LinkState, now: float) -> None:
        """The link's state changed."""
        at = self._pbx.pbx_time(now)
        before = self._links.state(self._name)
        if state.phase == "resyncing":
            self.publish([events.PbxConnected(at=at, pbx=self._name)])
        elif state.phase in ("lost", "refused") and before in ("live", "resyncing"):
            self.publish(self._pbx.link_lost(at))
        self._links.put(self._name, state.phase, state.text, state.text_en)
        if state.phase != before:
            log.info("%s %s: %s", self._name, state.phase, state.text_en)

    def _changed(self, event: events.Event) -> None:
        if event.pbx != self._name:
            return
        if isinstance(event, events.CallMerged):
            self._carried.merged(event.call)
            self._writer.drop(event.call, self._name)
        self._save_soon()

    def _save_soon(self) -> None:
        if not self._pending_soon:
            self._pending_soon = True
            self._save_after(SAVE_S)

    def _save_after(self, seconds: float) -> None:
        if self._pending is not None:
            self._pending.cancel()
        self._pending = asyncio.get_running_loop().call_later(seconds, self.save)

    def save(self, all_of_them: bool = False) -> None:
        """Hand the changed calls to the writer: those that ended, and of the others those whose time has come."""
        now = steady_clock()
        if self._pending is not None:
            self._pending.cancel()
        self._pending, self._pending_soon = None, False
        changed = self._carried.changed(self._pbx.take_changed(), now)
        for call in self._carried.due(now, everything=all_of_them):
            self._writer.put(call, self._name)
        due = self._carried.next_due()
        if due is not None:
            self._save_after(max(SAVE_S, due - now))
        self._floor.calls_changed(changed)
        self.on_changed(changed)

    def stop(self) -> None:
        """No more timers; what changed is handed over."""
        self.ticker.cancel()
        self.save(all_of_them=True)


def _whole(call: Call | None) -> bool:
    """True for a call that was seen from its beginning, without a gap."""
    return call is not None and not call.partial and not call.gap
