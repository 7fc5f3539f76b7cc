"""The state of one PBX: legs, calls, bridges, agents, deadlines - and the few operations all handlers share."""

from __future__ import annotations

import heapq
import itertools
import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from cti import events
from cti.ami.messages import Packet
from cti.calls.agents import Roll
from cti.calls.bridges import Bridges
from cti.calls.call import SWAP_S, CallState, TalkState
from cti.calls.legs import Leg, device_of, number
from cti.events import Direction, Event

# Channels of Asterisk's own machinery: they speak for nobody.
_MACHINERY = ("CBAnn/", "CBRec/", "Announcer/", "Recorder/", "Surrogate/", "Message/", "Snoop/", "MulticastRTP/")
_LEG_LIMIT = 200_000
PATIENCE_S = 1.0
"So long a silence means that nothing came, and not that it comes late."
_Timer = tuple[float, int, Callable[[float], None]]
UNTAKEN = 5_000
"Ended calls that are kept for whoever takes them down, beyond their time."
# The headers of a channel snapshot, by the prefix under which an event carries it.
_KEYS = {
    prefix: tuple(
        prefix + key
        for key in ("Uniqueid", "Linkedid", "Channel", "CallerIDNum", "CallerIDName", "Context", "ChannelState")
    )
    for prefix in ("", "Dest", "LocalOne", "LocalTwo", "Transferer", "Transferee", "OrigTransferer", "SecondTransferer")
}
_NOT_DIALLED = frozenset(("", "s", "h", "i", "t", "T", "<unknown>"))


class PbxConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What the core must be told about a site; all of it may be left out."""

    name: str = ""
    trunks: tuple[str, ...] = ()
    "Patterns (fnmatch) of end-points that lead outside, such as PJSIP/carrier*."
    targets: Mapping[str, float] = {}
    "Seconds by queue."
    default_target: float = 13.0
    wrapup: Mapping[str, float] = {}
    "Wrap-up seconds by queue (no event tells them)."
    linger: float = 60.0
    "Seconds for which an ended call and a hung-up channel are remembered."


class State:
    """Everything known about one PBX. Handlers change it; `out` collects what they have to tell."""

    def __init__(self, config: PbxConfig) -> None:
        """An empty PBX."""
        self.config = config
        self.legs: dict[str, Leg] = {}
        self.by_name: dict[str, Leg] = {}
        self.by_phone: dict[str, dict[str, Leg]] = {}
        self.tombs: OrderedDict[str, float] = OrderedDict()
        self.calls: dict[str, CallState] = {}
        self.ended: OrderedDict[str, CallState] = OrderedDict()
        self.bridges = Bridges()
        self.roll = Roll(config.wrapup, self.doing)
        self.out: list[Event] = []
        self.dirty: set[str] = set()
        self.changed_calls: set[str] = set()
        self.counters: dict[str, int] = {}
        self.dialplan_seen = False
        "Events of class dialplan arrive, so QUEUESTATUS would have been seen."
        self.dialled_phones: set[str] = set()
        self.phone_contexts: set[str] = set()
        self.trunks_seen: set[str] = set()
        self.undecided: set[str] = set()
        "legs that left a queue a moment ago, and it is not known why"
        self.boot = ""
        self.last_at = 0.0
        self.due = math.inf
        "The earliest deadline, whoever's."
        self._timers: list[_Timer] = []
        self._doubts: list[_Timer] = []
        self._count = itertools.count()

    # -- telling ------------------------------------------------------------------------------------

    def emit(self, event: type[Event], at: float, /, **fields: Any) -> None:
        """Tell an event."""
        self.out.append(event(at=at, pbx=self.config.name, **fields))
        call = fields.get("call")
        if call is not None:
            self.changed_calls.add(call)

    def count(self, what: str) -> None:
        """Count something odd."""
        self.counters[what] = self.counters.get(what, 0) + 1

    # -- deadlines ----------------------------------------------------------------------------------

    def at_time(self, at: float, action: Callable[[float], None]) -> None:
        """Run `action(now)` when PBX time reaches `at`."""
        heapq.heappush(self._timers, (at, next(self._count), action))
        self.due = min(self.due, at)

    def unless_told(self, at: float, action: Callable[[float], None]) -> None:
        """Run `action(now)` when the PBX has told nothing that changes it up to `at`.

        That is known when it tells something later. The clock alone proves nothing: events may lie in the network for a
        while, and a TCP segment lost twice is half a second; only a silence of PATIENCE_S more does.
        """
        heapq.heappush(self._doubts, (at, next(self._count), action))
        self.due = min(self.due, at)

    def next_timer(self) -> float | None:
        """When the clock has to be looked at next."""
        heaps = ((self._timers, 0.0), (self._doubts, PATIENCE_S))
        return min((heap[0][0] + patience for heap, patience in heaps if heap), default=None)

    def heard(self, now: float) -> None:
        """The PBX tells of `now`: run all that is due, in order, each at its own time."""
        self._run(now, now)

    def passed(self, now: float) -> None:
        """The clock shows `now`, and the PBX said nothing."""
        self._run(now, now - PATIENCE_S)

    def _run(self, now: float, told: float) -> None:
        timers, doubts = self._timers, self._doubts
        while True:
            due = timers if timers and timers[0][0] <= now else None
            if doubts and doubts[0][0] <= told and (due is None or doubts[0] < due[0]):
                due = doubts
            if due is None:
                break
            at, _, action = heapq.heappop(due)
            action(at)
        self.due = min((heap[0][0] for heap in (timers, doubts) if heap), default=math.inf)

    # -- who ----------------------------------------------------------------------------------------

    def outside(self, leg: Leg) -> bool:
        """True if the leg leads out of the house.

        With `trunks` configured: by them. Without: an end-point that is no queue member's, was dialled as no phone,
        is not Local, does not stand in the phones' dialplan context and does not present its own name as number.
        """
        if leg.is_local:
            return False
        if self.config.trunks:
            return any(fnmatchcase(leg.interface, pattern) for pattern in self.config.trunks)
        if leg.trunk:
            return True
        interface = leg.interface
        return not (
            interface in self.dialled_phones
            or self.roll.is_member(interface)
            or (leg.caller is not None and leg.caller == device_of(interface))
            or (leg.context in self.phone_contexts and interface not in self.trunks_seen)
        )

    def direction(self, call: CallState) -> Direction | None:
        """Which way the call goes, None while its beginning is unknown."""
        first = call.primary
        if first is None:
            return None
        if not call.originated and self.outside(first):
            return "inbound"
        return "outbound" if call.reached_outside else "internal"

    def doing(self, phone: str) -> tuple[str | None, str]:
        """What a phone's own legs are at: (call id, 'busy' | 'held' | 'ringing' | '')."""
        best: tuple[int, str | None, str] = (0, None, "")
        for leg in self.by_phone.get(phone, {}).values():
            call = leg.call.final()
            if call.consult_of is not None and call.consult_of in self.calls:
                call = self.calls[call.consult_of]
            if leg.bridge is not None:
                grade = (3, call.id, "held" if leg.held else "busy")
            elif leg.answered or (leg.dialer is None and leg.ring is None):
                grade = (2, call.id, "held" if leg.held else "busy")
            else:
                grade = (1, call.id, "ringing")
            if grade[0] > best[0]:
                best = grade
        return best[1], best[2]

    # -- legs and calls -----------------------------------------------------------------------------

    def leg_of(self, packet: Packet, at: float, prefix: str = "", *, create: bool = True) -> Leg | None:
        """The leg a channel snapshot in a packet speaks of; unknown ones are made (a tape may start anywhere).

        Follows a silent change of Linkedid: Asterisk announces it in no event.
        """
        keys = _KEYS[prefix]
        uid = packet.get(keys[0])
        leg = self.legs.get(uid)
        if leg is not None:
            linkedid = packet.get(keys[1])
            if linkedid != leg.linkedid and linkedid:
                self.relink(leg, linkedid, at)
            return leg
        if not create or not uid or uid in self.tombs:
            return None
        leg = self.new_leg(uid, packet.get(keys[2]), packet.get(keys[1]) or uid, packet, prefix)
        if leg is not None:
            leg.answered = packet.get(keys[6]) == "6"
        return leg

    @staticmethod
    def speaks(name: str) -> bool:
        """False for channels of Asterisk's own machinery."""
        return bool(name) and not name.startswith(_MACHINERY)

    def new_leg(self, uid: str, name: str, linkedid: str, packet: Packet, prefix: str = "") -> Leg | None:
        """A leg is born (or first seen): into the call of its Linkedid, which is made if need be."""
        if not self.speaks(name):
            return None
        if len(self.legs) >= _LEG_LIMIT or len(uid) > 150 or len(name) > 200:
            self.count("legs_refused")
            return None
        call = self.calls.get(linkedid) or self._again(linkedid)
        if call is None:
            call = CallState(linkedid)
            self.calls[linkedid] = call
        call = call if uid == linkedid else call.final()
        leg = Leg(uid, name, linkedid, call)
        keys = _KEYS[prefix]
        leg.caller = number(packet.get(keys[3]))
        leg.caller_name = number(packet.get(keys[4]))
        leg.context = packet.get(keys[5])
        call.legs[uid] = leg
        if uid == call.id:
            call.primary = leg
            if call.caller is None:
                call.caller, call.caller_name = leg.caller, leg.caller_name
        self.legs[uid] = leg
        self.by_name[name] = leg
        if leg.is_local:
            half = name[-2:]
            pair = self.by_name.get(name[:-1] + ("2" if half == ";1" else "1")) if half in (";1", ";2") else None
            if pair is not None and not pair.gone:
                leg.pair, pair.pair = pair, leg
        else:
            self.by_phone.setdefault(leg.interface, {})[uid] = leg
            self.dirty.add(leg.interface)
        self.changed_calls.add(call.id)
        return leg

    def _again(self, linkedid: str) -> CallState | None:
        """A call that was closed too early, from lists or for a lost event: it goes on, and is what it was."""
        call = self.ended.get(linkedid)
        if call is None or call.merged is not None:
            return None
        del self.ended[linkedid]
        call.ended_at, call.gap = None, True
        self.calls[linkedid] = call
        return call

    def relink(self, leg: Leg, linkedid: str, at: float) -> None:
        """A leg's Linkedid changed: it now belongs with another call."""
        leg.linkedid = linkedid
        target = self.calls.get(linkedid)
        if target is None:
            return
        target = target.final()
        call = leg.call
        if target is call or call.final() is target:
            return
        if call.primary is not leg:
            self.move(leg, target, at)
        elif self.rank(target) >= self.rank(call):
            self.merge(call, target, at)
        else:
            self.merge(target, call, at)

    def rank(self, call: CallState) -> int:
        """Which of two calls is the customer's: one that stood in a queue, then one from outside."""
        first = call.primary
        inbound = first is not None and not call.originated and self.outside(first)
        return 2 * bool(call.visits) + inbound

    def merge(self, call: CallState, into: CallState, at: float) -> None:
        """`call` becomes part of `into`; its caller is a phone of that call from now on."""
        if call.visits and into.visits:
            return  # two customers in one conference stay two calls
        call.merged = into
        for talk in call.talks:
            self.end_talk(call, talk, at)
        for leg in list(call.legs.values()):
            if leg is not call.primary:
                self.move(leg, into, at)
        self.emit(events.CallMerged, at, call=call.id, into=into.id)

    def move(self, leg: Leg, call: CallState, at: float) -> None:
        """Take a leg over into another call."""
        old = leg.call
        if old is call:
            return
        old.legs.pop(leg.uid, None)
        leg.call = call
        call.legs[leg.uid] = leg
        self.changed_calls.update((old.id, call.id))
        self.end_if_empty(old, at)

    def end_if_empty(self, call: CallState, at: float) -> None:
        """The last leg is gone: the call is over."""
        if call.legs or call.ended_at is not None:
            return
        call.ended_at = at
        for talk in call.talks:
            self.end_talk(call, talk, at, tell=True)
        self.calls.pop(call.id, None)
        self.ended[call.id] = call
        self.emit(events.CallEnded, at, call=call.id)
        self.forget(at)

    def forget(self, now: float) -> None:
        """Drop what ended more than `linger` seconds ago and was taken down since it changed last."""
        linger = self.config.linger
        while self.ended:
            oldest = next(iter(self.ended.values()))
            if oldest.ended_at is None or abs(now - oldest.ended_at) <= linger:  # an end in the future: a false stamp
                break
            if oldest.id in self.changed_calls and len(self.ended) <= UNTAKEN:
                break  # minutes may be read at once, before anybody could take it down
            self.ended.popitem(last=False)
            oldest.let_go()
            self.changed_calls.discard(oldest.id)
        while self.tombs:
            uid, at = next(iter(self.tombs.items()))
            if abs(now - at) <= linger:
                break
            del self.tombs[uid]

    def offer(self, call: CallState, at: float) -> None:
        """Tell that a call began, once its first leg is known."""
        if call.offered or call.primary is None:
            return
        call.offered = True
        self.emit(
            events.CallOffered,
            at,
            call=call.id,
            direction=self.direction(call) or "internal",
            caller=call.caller,
            caller_name=call.caller_name,
            dialed=call.dialed,
        )

    def dialed(self, call: CallState, leg: Leg, exten: str) -> None:
        """Take the first number that the call's first leg dialled."""
        if call.dialed is None and call.primary is leg and exten not in _NOT_DIALLED and not call.partial:
            call.dialed = exten

    # -- talk ---------------------------------------------------------------------------------------

    def retalk(self, seeds: Iterable[Leg], at: float) -> None:
        """Connections of these legs changed: begin and end stretches of talk."""
        done: set[str] = set()
        for seed in seeds:
            if seed.uid in done:
                continue
            together = self.bridges.component(seed)
            for leg in together:
                done.add(leg.uid)
                if not leg.is_local:
                    self.dirty.add(leg.interface)
                call = leg.call
                if call.primary is leg and not leg.gone and call.merged is None:
                    self._set_talks(call, together, at)

    def _set_talks(self, call: CallState, together: list[Leg], at: float) -> None:
        phones = {
            leg.uid: leg
            for leg in together
            if leg is not call.primary
            and not leg.is_local
            and (leg.call is call or leg.call.primary is not leg or leg.call.final() is call or not self.outside(leg))
        }
        for talk in call.talks:
            if talk.to is None:
                if talk.leg.uid in phones:
                    del phones[talk.leg.uid]
                else:
                    self.end_talk(call, talk, at)
        for leg in phones.values():
            self._begin_talk(call, leg, at)

    def _begin_talk(self, call: CallState, leg: Leg, at: float) -> None:
        self.changed_calls.add(call.id)
        leg.answered = True
        if call.visits and not any(visit.waiting for visit in call.visits):
            call.clock = None  # somebody talks with him, in a queue's name or not: his next visit is a new wait
        for talk in reversed(call.talks):
            if talk.leg is leg and talk.to is not None and at - talk.to <= SWAP_S and not talk.told_end:
                talk.to = None
                return
        agent = self.roll.name(leg.interface)
        for visit in call.visits:
            if visit.interface == leg.interface and visit.outcome == "answered":
                agent = visit.agent
        call.talks.append(TalkState(leg, agent, at))
        self.emit(events.TalkStarted, at, call=call.id, interface=leg.interface, agent=agent)

    def end_talk(self, call: CallState, talk: TalkState, at: float, *, tell: bool = False) -> None:
        """A phone left the caller; told at once, or after a moment in which it may come back by a swap."""
        if talk.to is None:
            talk.to = max(at, talk.from_)
            self.changed_calls.add(call.id)
        if talk.told_end:
            return

        def told(now: float) -> None:
            if talk.to is not None and not talk.told_end and (tell or now >= talk.to + SWAP_S):
                talk.told_end = True
                self.emit(
                    events.TalkEnded,
                    talk.to,
                    call=call.id,
                    interface=talk.interface,
                    agent=talk.agent,
                    talk_s=round(max(0.0, talk.to - talk.from_), 6),
                )

        if tell:
            told(at)
        else:
            self.at_time(at + SWAP_S, told)
