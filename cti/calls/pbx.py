"""One PBX: AMI packets in, events out. `feed`, `resync` and `handle_timer` are the only ways to change it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from cti import events
from cti.ami.messages import Packet
from cti.ami.roster import Roster, boot_of
from cti.calls import on_channels, on_dialplan, on_members, on_queues, on_transfers, record, restart, rings
from cti.calls import reach as reach_
from cti.calls import resync as resync_
from cti.calls.audit import Audit
from cti.calls.call import CallState
from cti.calls.reach import Membership, Reach
from cti.calls.state import PbxConfig, State
from cti.events import AgentState, Event

__all__ = ["ONLY", "WANTED", "Pbx", "PbxConfig"]

_Handler = Callable[[State, Packet, float], None]


def _shutdown(state: State, packet: Packet, at: float) -> None:
    """Shutdown: whatever the PBX closes itself it has closed by now."""
    restart.restarted(state, at)
    state.boot = ""


_HANDLERS: dict[str, _Handler] = {
    **on_channels.HANDLERS,
    **on_queues.HANDLERS,
    **rings.HANDLERS,
    **on_dialplan.HANDLERS,
    **on_transfers.HANDLERS,
    **on_members.HANDLERS,
    "Shutdown": _shutdown,
}

WANTED: frozenset[bytes] = frozenset(name.encode() for name in _HANDLERS) | {b"FullyBooted"}
"Event types the core reads. All others may be dropped by name before a packet is made of them."

ONLY: dict[bytes, bytes] = {b"VarSet": b"\r\nVariable: QUEUESTATUS\r\n"}
"Of these types, only packets that contain these bytes say anything to the core."

# Of these, most are of no use and are told apart without reading them.
_SIEVE: dict[str, bytes] = {
    "VarSet": ONLY[b"VarSet"],
    "Newexten": b"\r\nApplication: Queue\r\n",
}

# A stamp further than this from the receiving clock and from the last stamp is not believed, seconds.
_CREDIBLE_S = 86_400.0


class Pbx:
    """The whole state of one PBX and what it tells.

    After `feed`, `resync`, `handle_timer` or `link_lost`: publish the events they return, then arm one timer for
    `get_timer()`. All times are epoch seconds on the PBX's clock, except `now` of `feed`, which is the receiving
    clock and stands in where a packet has no Timestamp.
    """

    def __init__(self, config: PbxConfig | None = None) -> None:
        """A PBX of which nothing is known yet."""
        self._state = State(config or PbxConfig())
        self._offset = 0.0
        self._stamped = False
        "The PBX's events tell their times: its clock counts, not ours."
        self.audit = Audit(self._state)
        "Compares what is believed with the PBX's lists."

    @property
    def counters(self) -> dict[str, int]:
        """What was odd, by kind."""
        return self._state.counters

    # -- in -----------------------------------------------------------------------------------------

    def feed(self, packet: Packet, now: float) -> list[Event]:
        """Take one packet, in the order the PBX sent it. Never raises on what it says.

        `now`: epoch seconds at which the packet was received.
        """
        event = packet.event
        handler = _HANDLERS.get(event)
        if handler is None:
            return [] if event else self._response(packet, now)
        state = self._state
        needle = _SIEVE.get(event)
        if needle is not None:
            state.dialplan_seen = True
            if needle not in packet.raw and (event != "Newexten" or packet.get("Uniqueid") not in state.undecided):
                return []
        at = self._time(packet.raw, now)
        if state.due <= at:
            state.heard(at)
        handler(state, packet, at)
        if at > state.last_at:
            state.last_at = at
        if state.dirty:
            return self._flush(at)
        out = state.out
        if out:
            state.out = []
            return out
        return []

    def _time(self, raw: bytes, now: float) -> float:
        start = raw.find(b"\r\nTimestamp: ")
        if start < 0:
            return now
        start += 13
        try:
            at = float(raw[start : raw.find(b"\r\n", start)])
        except ValueError:
            return now
        if not 0.0 < at < 1e11:  # nan and infinity, too
            return now
        last = self._state.last_at
        if last and abs(at - last) > _CREDIBLE_S and abs(at - now) > _CREDIBLE_S:
            self._state.count("timestamps_refused")
            return now
        self._offset, self._stamped = now - at, True
        return at

    def _response(self, packet: Packet, now: float) -> list[Event]:
        boot = boot_of(packet)
        if not boot:
            return []
        state = self._state
        at = now - self._offset
        if state.boot and boot != state.boot:
            restart.restarted(state, at)
        state.boot = boot
        return self._flush(at)

    def booted(self, boot: str, now: float) -> list[Event]:
        """The PBX said which boot this is (CoreStatus); a changed one ends the old boot's calls."""
        state = self._state
        if state.boot and boot and boot != state.boot:
            restart.restarted(state, now)
        state.boot = boot or state.boot
        return self._flush(now)

    def restarted(self, at: float) -> list[Event]:
        """It is known that the PBX booted anew at `at` or before."""
        restart.restarted(self._state, at)
        return self._flush(at)

    def resync(self, roster: Roster, now: float) -> list[Event]:
        """Reconcile with the PBX's lists; then feed the events buffered since they were asked for."""
        if roster.at is not None and self._stamped:
            # The last event may have lain about for long before it was read: whoever stood still learns his clock anew.
            self._offset = now - roster.at
        at = self.pbx_time(now)
        self._state.heard(at)
        resync_.resync(self._state, roster, at)
        return self._flush(at)

    def link_lost(self, at: float) -> list[Event]:
        """The link broke: open calls are marked, none is ended; what is shown is as old as `at`."""
        for call in self._state.calls.values():
            call.gap = True
            self._state.changed_calls.add(call.id)
        self._state.last_at = max(self._state.last_at, at)
        self._state.emit(events.PbxLost, at)
        return self._flush(at)

    # -- time ---------------------------------------------------------------------------------------

    def pbx_time(self, now: float) -> float:
        """The PBX's clock when the receiving clock shows `now`."""
        return now - self._offset

    def get_timer(self) -> float | None:
        """When `handle_timer` wants to be called next, PBX time; None: not at all."""
        return self._state.next_timer()

    def handle_timer(self, now: float) -> list[Event]:
        """PBX time has reached `now`."""
        self._state.passed(now)
        return self._flush(now)

    def _flush(self, at: float) -> list[Event]:
        state = self._state
        if state.dirty:
            roll = state.roll
            for phone in state.dirty:
                if roll.has(phone):
                    changed = roll.changed(phone, at)
                    if changed is not None:
                        state.emit(events.AgentChanged, at, agent=changed)
                elif roll.gone(phone):
                    state.emit(events.AgentGone, at, interface=phone)
            state.dirty.clear()
        out = state.out
        if out:
            state.out = []
        return out

    # -- reading ------------------------------------------------------------------------------------

    def _record(self, call: CallState) -> record.Call:
        return call.to_record(self._state.direction(call), self._state.roll.name)

    def call(self, call_id: str) -> record.Call | None:
        """An open call, or one that ended less than `linger` seconds ago."""
        call = self._state.calls.get(call_id) or self._state.ended.get(call_id)
        return None if call is None else self._record(call)

    def open_calls(self) -> list[record.Call]:
        """All calls that have not ended."""
        return [self._record(call) for call in self._state.calls.values()]

    def calls(self) -> list[record.Call]:
        """All calls still remembered, in the order they began."""
        every = [*self._state.ended.values(), *self._state.calls.values()]
        known = [self._record(call) for call in every if call.legs or call.primary or call.visits or call.talks]
        return sorted(known, key=_began)

    @property
    def has_changed(self) -> bool:
        """True where `take_changed` would give something."""
        return bool(self._state.changed_calls)

    def take_changed(self) -> list[record.Call]:
        """Calls whose record changed since this was last asked."""
        changed = [call for call_id in self._state.changed_calls if (call := self.call(call_id)) is not None]
        self._state.changed_calls.clear()
        return changed

    def sizes(self) -> dict[str, int]:
        """How much is held now: legs, open calls, bridges."""
        state = self._state
        return {"legs": len(state.legs), "calls": len(state.calls), "bridges": len(state.bridges)}

    def agents(self) -> list[AgentState]:
        """All agents, as last told."""
        return self._state.roll.states()

    def members(self, phone: str) -> list[str]:
        """The queue members' interfaces that reach this phone: what an action on its memberships must name."""
        return self._state.roll.members(phone)

    def memberships(self, phone: str) -> tuple[Membership, ...]:
        """The phone's rows in all queues."""
        return self._state.roll.memberships(phone)

    def waiting(self, visit: str) -> Reach | None:
        """The channel of a caller who waits at this moment."""
        return reach_.waiting(self._state, visit)

    def talking(self, phone: str) -> Reach | None:
        """The channel on which a phone talks at this moment."""
        return reach_.talking(self._state, phone)

    def first_leg(self, call: str) -> Reach | None:
        """The channel that leads a call."""
        return reach_.first_leg(self._state, call)

    def concerns(self, names: Iterable[str]) -> bool:
        """True where one of these names something of this PBX: what an action names tells where it is to be sent."""
        return reach_.concerns(self._state, names)


def _began(call: record.Call) -> float:
    moments = [call.started_at, *(v.joined_at for v in call.visits), *(t.from_ for t in call.talks), call.ended_at]
    return min((at for at in moments if at is not None), default=math.inf)
