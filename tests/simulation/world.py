"""The service in virtual time before a simulated PBX: core, audit, store, follower - and what can happen to them.

The parts are the real ones (`Pbx`, `Carried`, `LogBook`, `fill`); only the disk and the wire are made up.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from cti import events
from cti.ami.messages import Packet
from cti.calls.pbx import Pbx, PbxConfig
from cti.calls.record import Call
from cti.continuity import Carried
from cti.feed import SAVE_S
from cti.history.books import Filled, fill
from cti.history.follower import GRACE_S, NEAR_S
from cti.history.queue_log import LogBook, LogVisit, Rules
from tests.simulation.story import Lists, Step, Story

AUDIT_S = 5.0
QUIET_S = 75.0
"Virtual seconds after the last step: everything has come to rest."
AHEAD_S = 0.004
"Lists run ahead of the events by up to this (FAULTS, fact 7)."

Kind = str
KINDS: tuple[Kind, ...] = ("cut", "crash", "drop", "double", "replay", "delay", "torn")


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong; `until` for those that last, `which` for those that concern one packet."""

    kind: Kind
    at: float
    until: float = 0.0
    which: int = 0


@dataclass
class Disk:
    """What outlives a crash."""

    calls: dict[str, Call] = field(default_factory=dict)
    filled: set[str] = field(default_factory=set)
    visits: dict[str, LogVisit] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    place: int = 0
    last: int = 0

    def save(self, call: Call) -> None:
        """A document, in one transaction."""
        self.calls[call.id] = call
        if call.id in self.filled:  # told anew: it is compared anew
            self.settled -= {key for key, visit in self.visits.items() if visit.callid == call.id}


class World:
    """One run of a story with faults."""

    def __init__(self, story: Story, packets: list[list[Packet]], faults: list[Fault], rng: random.Random) -> None:
        """`packets` are the steps' events."""
        self.story = story
        self.packets = packets
        self.faults = faults
        self.rng = rng
        self.disk = Disk()
        self.lists = Lists(story.members)
        self.log: list[bytes] = []
        self.holes: list[tuple[float, float]] = []
        self.corrections = 0
        self.told: list[events.Event] = []
        self.refused = 0
        self.up = False
        self.linked = False
        self._late: list[tuple[Packet, float]] = []
        self._recent: list[Packet] = []
        self._save_at: float | None = None

    # -- the daemon -------------------------------------------------------------------------------

    def start(self, at: float) -> None:
        """A process begins and reads the lists."""
        self.pbx = Pbx(PbxConfig(name="sim", trunks=("PJSIP/line*",)))
        self.carried = Carried()
        self.carried.remember(call for call in self.disk.calls.values() if call.ended_at is None)
        self._save_at = None
        self.up = True
        self.book = LogBook(Rules(), self._open_visits(), self.disk.last)
        self.resync(at)

    def _open_visits(self) -> list[LogVisit]:
        return [
            visit
            for visit in self.disk.visits.values()
            if (visit.outcome == "unknown" and visit.left is None)
            or (visit.outcome == "answered" and visit.ended is None)
        ]

    def resync(self, at: float) -> None:
        """The lists are read; what was said a moment before they were made comes after them."""
        late, self._late = self._late, []
        self._recent.clear()  # of another connection or process nothing is repeated
        self.heard(self.pbx.resync(self.lists.roster(at), at), at)
        for packet, said_at in late:
            self.heard(self.pbx.feed(packet, said_at), at)
        self.linked = True
        for call in self.carried.lists_read(
            [call.id for call in self.pbx.open_calls()], lambda id: self.pbx.call(id) is not None, at
        ):
            self.disk.save(call)

    def heard(self, told: list[events.Event], at: float) -> None:
        """What the core told."""
        if told:
            self.told += told
            for event in told:
                if isinstance(event, events.CallMerged):
                    self.carried.merged(event.call)
                    self.disk.calls.pop(event.call, None)
        if self._save_at is None and self.pbx.has_changed:
            self._save_at = at + SAVE_S

    def feed(self, packet: Packet, at: float) -> None:
        """One packet from the wire."""
        self.heard(self.pbx.feed(packet, at), at)

    def save(self, at: float, *, torn: bool = False) -> None:
        """What is due is written; torn: the process dies in the middle, and only whole documents are there."""
        self._save_at = None
        self.carried.changed(self.pbx.take_changed(), at)
        due = self.carried.due(at)
        if torn:
            due = due[: self.rng.randrange(len(due) + 1)]
        for call in due:
            self.disk.save(call)
        if self.carried:
            self._save_at = at + SAVE_S

    def pass_time(self, to: float) -> None:
        """Deadlines and savings up to a moment."""
        while self.up:
            timer = self.pbx.get_timer()
            moments = [t for t in (timer, self._save_at) if t is not None and t <= to]
            if not moments:
                return
            at = min(moments)
            if at == self._save_at:
                self.save(at)
            if timer is not None and timer <= at:
                self.heard(self.pbx.handle_timer(at), at)

    def follow(self, at: float) -> None:
        """The follower reads on, saves, and compares what is old enough."""
        disk = self.disk
        for raw in self.log[disk.place :]:
            self.refused += self.book.read(raw, at) is not None
        for visit in self.book.take():
            disk.visits[visit.key] = visit
            disk.settled.discard(visit.key)
        disk.place, disk.last = len(self.log), self.book.last
        for visit in sorted(disk.visits.values(), key=lambda one: one.entered):
            if visit.left is None or (visit.outcome == "answered" and visit.ended is None):
                continue
            if visit.key in disk.settled or (visit.ended or visit.left) >= at - GRACE_S:
                continue
            near = [one for one in disk.visits.values() if abs(one.entered - visit.entered) <= NEAR_S]
            phones = {name: interface for _, interface, name in self.story.members}
            told = fill(visit, list(disk.calls.values()), phones, near)
            if told == "later":
                continue
            if isinstance(told, Filled):
                disk.filled.add(told.call.id)
                disk.save(told.call)
            disk.settled.add(visit.key)

    def look(self, at: float) -> None:
        """A round of the audit: channels and every queue."""
        audit = self.pbx.audit
        certain = audit.answer({}, self.lists.show_channels())
        for queue in dict.fromkeys(queue for queue, _, _ in self.story.members):
            certain += audit.answer({"Queue": queue}, self.lists.queue_status(at, queue))
        if certain:
            self.corrections += certain
            self.resync(at)

    # -- everything -------------------------------------------------------------------------------

    def run(self) -> None:
        """From the first step to rest."""
        story = self.story
        single = {
            fault.which: fault.kind for fault in self.faults if fault.kind in ("drop", "double", "delay", "replay")
        }
        lasting = [fault for fault in self.faults if fault.kind in ("cut", "crash", "torn")]
        moments: list[tuple[float, int, str, Fault | None]] = []
        for fault in lasting:
            moments += [(fault.at, 1, "fault", fault), (fault.until, 2, "back", fault)]
        begin, end = story.steps[0].at, story.steps[-1].at
        moments += [(begin + (end - begin) * self.rng.random(), 3, "follow", None) for _ in range(2)]
        moments += [(end + wait, 3, "follow", None) for wait in (QUIET_S - 30.0, QUIET_S - 15.0, QUIET_S - 1.0)]
        lost = [fault.at for fault in self.faults if fault.kind == "drop"]
        if lost:
            moments += [(max(end, at) + n * AUDIT_S, 4, "look", None) for at in lost[:1] for n in range(1, 4)]
            moments += [(at + n * AUDIT_S, 4, "look", None) for at in lost for n in (1, 2) if at + n * AUDIT_S < end]
        moments += [(end + QUIET_S, 9, "end", None)]
        moments.sort(key=lambda moment: moment[:2])
        at_moment = iter(moments)
        upcoming = next(at_moment)
        self.start(begin - 5.0)
        count = 0
        for index, step in enumerate(story.steps):
            while upcoming[0] <= step.at:
                self.moment(upcoming)
                upcoming = next(at_moment)
            self.pass_time(step.at)
            for packet in self.packets[index]:
                self.arrives(packet, step, single.get(count, ""))
                count += 1
            self.lists.apply(step)
            self.log += step.log
        self.deliver_late()
        self.moment(upcoming)
        for upcoming in at_moment:
            self.moment(upcoming)

    def arrives(self, packet: Packet, step: Step, fault: str) -> None:
        """A packet is on the wire."""
        if not (self.up and self.linked):
            near = [hole for hole in self.faults if hole.until and 0 <= hole.until - step.at <= AHEAD_S]
            if near:
                self._late.append((packet, step.at))
            return
        if fault == "drop":
            return
        self.deliver_late()
        if fault == "delay":
            self._late.append((packet, step.at))
            return
        self.feed(packet, step.at)
        self._recent.append(packet)
        if fault == "double":
            self.feed(packet, step.at)
        elif fault == "replay":
            for again in self._recent[-40:]:
                self.feed(again, step.at)

    def deliver_late(self) -> None:
        """What was held back for a moment comes now."""
        if self._late and self.up and self.linked:
            late, self._late = self._late, []
            for packet, at in late:
                self.feed(packet, at)
                self._recent.append(packet)

    def moment(self, what: tuple[float, int, str, Fault | None]) -> None:
        """Something other than a step of the PBX."""
        at, _, kind, fault = what
        self.pass_time(at)
        if kind == "fault" and fault is not None:
            if not (self.up and self.linked):
                return
            self.deliver_late()
            self.holes.append((at, fault.until))
            self.linked = False
            if fault.kind == "cut":
                self.heard(self.pbx.link_lost(at), at)
            else:
                if fault.kind == "torn":
                    self.save(at + 10.0, torn=True)
                self.up = False
        elif kind == "back" and fault is not None:
            if fault.kind == "cut" and self.up and not self.linked:
                self.resync(at)
            elif fault.kind != "cut" and not self.up:
                self.start(at)
        elif kind == "follow" and self.up:
            self.follow(at)
        elif kind == "look" and self.up and self.linked:
            self.look(at)


def _time_of(story: Story, packets: list[list[Packet]], which: int) -> float:
    """When a packet is said."""
    for step, said in zip(story.steps, packets, strict=True):
        which -= len(said)
        if which < 0:
            return step.at
    return story.steps[-1].at


def faults_of(rng: random.Random, story: Story, packets: list[list[Packet]]) -> list[Fault]:
    """One to three faults, somewhere in the story."""
    many = sum(map(len, packets))
    begin, end = story.steps[0].at, story.steps[-1].at
    found: list[Fault] = []
    busy = begin
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        kind = rng.choice(KINDS)
        if kind in ("cut", "crash", "torn"):
            at = rng.uniform(busy, end)
            until = at + rng.choice((0.2, 1.0, 3.0, 8.0, 20.0)) * rng.uniform(0.5, 1.5)
            found.append(Fault(kind, at, until))
            busy = until + 0.5
        else:
            which = rng.randrange(many)
            found.append(Fault(kind, _time_of(story, packets, which), which=which))
    return found
