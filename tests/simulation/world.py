"""A site in virtual time: a simulated PBX, one node or two that follow it, a database - and what can happen to them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cti.ami.messages import Packet
from cti.history.books import Filled, fill
from cti.history.follower import GRACE_S, NEAR_S
from tests.checker.account import Span
from tests.simulation import virtual
from tests.simulation.core import Clean
from tests.simulation.database import AwayError, Database
from tests.simulation.disk import Disk, Killed
from tests.simulation.hearing import Listener, Shown, State, Stream
from tests.simulation.lists import Lists
from tests.simulation.node import Node
from tests.simulation.scheduler import Asked, Process, Scheduler, Stretch
from tests.simulation.story import Story

AUDIT_S = 5.0
QUIET_S, MENDED_S = 75.0, 35.0
"Virtual seconds after the last step, and after the last fault: everything has come to rest."
EARLY_S = 5.0
"The first nodes start this long before the first step."
TIMEOUT_S = 2.0
"A database that hangs says so after this."
DOOMED_S = 4.0
"Who is to die in the midst of a write and writes nothing for so long dies without one."
TOOK_S = 0.002
"A write or a question takes this long."
BEAT_S = 1.0
"""Who leads says so every second. Only those words are simulated from which something can come: after a fault, and at
the end."""
STIRRED_S, PEEK_S = 5.0, 1.2
"What is heard is true a moment after the last fault, and a moment after the last change."
INFINITE = float("inf")

LINK = ("drop", "double", "replay", "delay")
"Faults of single packets."
LASTING = ("cut", "crash", "torn", "pause", "stall", "away", "hung")
RELAY = ("redis", "flush", "lose", "twice")
"Of what lies between nodes: away, empty, an entry lost or there twice."
KINDS = (*LINK, *LASTING, *RELAY)


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong; `until` for those that last, `which` for those that concern one packet."""

    kind: str
    node: str
    "'' where it befalls none of them alone."
    at: float
    until: float = 0.0
    which: int = 0


@dataclass(slots=True)
class Plan:
    """A schedule: which nodes there are, and what befalls them."""

    nodes: tuple[str, ...]
    faults: list[Fault]
    straight: bool = False
    "What is to be written goes straight to the database."
    listens: bool = False
    "One more node has the calls by the relay only."


class World:
    """One run of a story by a plan."""

    def __init__(self, story: Story, plan: Plan, rng: random.Random, clean: Clean | None, record: Clean | None) -> None:
        """`clean`: what a core does in this story that nothing befalls; `record`: where to note it."""
        self.story = story
        self.plan = plan
        self.rng = rng
        self.clean = clean
        self.record = record
        self.begin, self.end = story.steps[0].at, story.steps[-1].at
        over = max((fault.until for fault in plan.faults), default=0.0) + DOOMED_S
        self.rest = max(self.end + QUIET_S, over + MENDED_S)
        self.scheduler = Scheduler(self.begin - EARLY_S)
        self.contested = len(plan.nodes) > 1
        self.lease_clock = Stretch(list(self._spans()) if self.contested else [])
        self.database = Database(lambda: self.scheduler.now, lambda: self.lease_clock.shows(self.scheduler.now))
        self.disks = {name: Disk() for name in plan.nodes}
        self.lists = Lists(story.members)
        self.log: list[bytes] = []
        self.now_on: dict[str, Node] = {}
        self.nodes: list[Node] = []
        "All starts of all nodes."
        self.holes: dict[str, list[list[float]]] = {name: [] for name in plan.nodes}
        self.stream = Stream(self)
        self.listener: Listener | None = None
        self.reigns: list[tuple[str, float]] = []
        "(who led, until when)"
        self.heard: list[tuple[State, State]] = []
        "(what a node shows that only hears, what stands where the leader is)"
        self.refused = 0
        self.hung = False
        self._cut_off: set[str] = set()
        self._doomed: dict[Process, Fault] = {}
        self._writing: dict[Process, list[Asked]] = {}
        self._singles: dict[str, dict[int, str]] = {name: {} for name in plan.nodes}
        self._step = 0
        self._count = 0

    # -- the whole of it ----------------------------------------------------------------------------------------

    def run(self) -> None:
        """From the first start to rest."""
        scheduler = self.scheduler
        for fault in self.plan.faults:
            if fault.kind in LINK:
                self._singles[fault.node][fault.which] = fault.kind
            else:
                scheduler.at(fault.at, self._befalls, fault)
        for at in self._follows():
            scheduler.at(at, self.follow)
        for name, at in self._looks():
            scheduler.at(at, self._look, name)
        if self.plan.listens:
            faults = [at for fault in self.plan.faults for at in (fault.at, fault.until)]
            # Two after each fault: the first may be in the very entry that is lost.
            for at in (*(at + n * BEAT_S for at in faults if at for n in (1, 2)), self.end + 5.0, self.end + 20.0):
                scheduler.at(at, self._beat)
            for _ in range(3):
                scheduler.at(self.rng.uniform(self.begin, self.end + 5.0), self._peek, None)
            scheduler.at(self.rest - 5.0, self._peek, None)
        scheduler.at(self.begin, self._steps)
        with virtual.time(scheduler):
            try:
                if self.plan.listens:
                    scheduler.stream = self.stream
                    self.listener = Listener(self)
                for name in self.plan.nodes:
                    self.starts(name)
                scheduler.run(self.rest)
                for node in self.now_on.values():
                    if node.leads:
                        self.stops_leading(node)
            finally:
                for node in self.nodes:
                    node.bury()
                if self.listener is not None:
                    self.listener.process.kill()
                    self.listener.process.bury()
                scheduler.leave()

    def dissolve(self) -> None:
        """Nobody looks at it any more: its parts let go of each other, which spares a collection of garbage."""
        if self.scheduler.now < self.rest:
            return  # it broke off
        for node in self.nodes:
            core = vars(node.core)
            if "_state" in core:
                state = core["_state"]
                for call in state.ended.values():
                    call.let_go()
                vars(state).clear()
            vars(node.pages).clear()
            for part in (node.core, node.feed, node.bus, node.writer, node.process, node.slow, node.leadership, node):
                if part is not None:
                    vars(part).clear()
        vars(self.scheduler).clear()
        vars(self).clear()

    def _follows(self) -> Iterator[float]:
        span = self.end - self.begin
        for _ in range(2):
            yield self.begin + span * self.rng.random()
        for early in (30.0, 1.0):
            yield self.rest - early

    def _looks(self) -> Iterator[tuple[str, float]]:
        for name in self.plan.nodes:
            lost = [fault.at for fault in self.plan.faults if fault.kind == "drop" and fault.node == name]
            for at in lost[:1]:
                yield from ((name, max(self.end, at) + n * AUDIT_S) for n in range(1, 4))
            for at in lost:
                yield from ((name, at + n * AUDIT_S) for n in (1, 2) if at + n * AUDIT_S < self.end)

    def _spans(self) -> Iterator[Span]:
        """When something can come of asking for the lease."""
        yield self.begin - EARLY_S, self.begin - EARLY_S + 1.0
        for fault in self.plan.faults:
            if fault.kind in LASTING:
                more = {"torn": DOOMED_S, "stall": DOOMED_S, "hung": TIMEOUT_S}.get(fault.kind, 0.0)
                yield fault.at - 0.1, fault.at + 2.0 + more
                yield fault.until - 0.1, fault.until + 0.7 + more

    # -- nodes --------------------------------------------------------------------------------------------------

    def starts(self, name: str) -> None:
        """The program begins on that machine."""
        starts = sum(node.name == name for node in self.nodes)
        clean = self.clean if not starts and self._spared(name) else None
        node = Node(self, name, starts, clean, contested=self.contested)
        if self.record is not None:
            node.records(self.record)
        self.now_on[name] = node
        self.nodes.append(node)
        node.start()

    def _spared(self, name: str) -> bool:
        """True where nothing befalls the core of its first start as long as that lives."""
        return not any(
            fault.node == name and fault.kind in (*LINK, "cut", "pause", "stall") for fault in self.plan.faults
        )

    def reachable(self, name: str) -> bool:
        """True where the PBX can be reached from that machine."""
        return name not in self._cut_off

    def said_since(self, at: float) -> list[tuple[Packet, float]]:
        """What the PBX said from that moment on."""
        found: list[tuple[Packet, float]] = []
        for index in range(self._step - 1, -1, -1):
            step = self.story.steps[index]
            if step.at < at:
                break
            found[:0] = [(packet, step.at) for packet in self.story.packets[index]]
        return found

    def hole_begins(self, name: str) -> None:
        """That node does not see the PBX from now on."""
        holes = self.holes[name]
        if not holes or holes[-1][1] != INFINITE:
            holes.append([self.scheduler.now, INFINITE])

    def hole_ends(self, name: str) -> None:
        """It does again."""
        holes = self.holes[name]
        if holes and holes[-1][1] == INFINITE:
            holes[-1][1] = self.scheduler.now

    def leader(self) -> Node | None:
        """Who writes."""
        return next((node for node in self.now_on.values() if node.up and node.leads), None)

    def stops_leading(self, node: Node) -> None:
        """It led until now."""
        self.reigns.append((node.name, self.scheduler.now))

    # -- time ---------------------------------------------------------------------------------------------------

    def _steps(self) -> None:
        """A moment of the PBX."""
        steps = self.story.steps
        step, packets = steps[self._step], self.story.packets[self._step]
        self._step += 1
        if packets:
            for node in self.now_on.values():
                if node.clean is None and node.linked and not node.process.life.gone:
                    node.process.does(node.hears, packets, self._singles[node.name], self._count)
            self._count += len(packets)
        self.lists.apply(step)
        self.log += step.log
        if self._step < len(steps):
            self.scheduler.at(steps[self._step].at, self._steps)

    def follow(self) -> None:
        """Whoever leads reads queue_log on, saves, and compares what is old enough."""
        node, database, at = self.leader(), self.database, self.scheduler.now
        if node is None or node.book is None or database.away:
            return
        if database.place == len(self.log) and len(database.settled) == len(database.visits):
            return
        book, epoch = node.book, node.epoch
        for raw in self.log[database.place :]:
            self.refused += book.read(raw, at) is not None
        for visit in book.take():
            database.visits[visit.key] = visit
            database.settled.discard(visit.key)
        database.place, database.last = len(self.log), book.last
        for visit in sorted(database.visits.values(), key=lambda one: one.entered):
            if visit.left is None or (visit.outcome == "answered" and visit.ended is None):
                continue
            if visit.key in database.settled or (visit.ended or visit.left) >= at - GRACE_S:
                continue
            near = [one for one in database.visits.values() if abs(one.entered - visit.entered) <= NEAR_S]
            told = fill(visit, list(database.calls.values()), self.story.phones, near)
            if told == "later":
                continue
            if isinstance(told, Filled):
                database.filled.add(told.call.id)
                database.put(told.call, epoch)
            database.settled.add(visit.key)

    def _peek(self, before: tuple[Node, State, int] | None) -> None:
        """Compare what is heard with what stands, where nothing has changed for a moment."""
        node, now = self.leader(), self.scheduler.now
        stirred = (at for fault in self.plan.faults for at in (fault.at, fault.until) if at)
        if (
            node is None
            or node.followed is None
            or self.stream.away
            or any(0 <= now - at < STIRRED_S for at in stirred)
        ):
            return
        stands = Shown(node.followed.standing.events() if node.followed.standing is not None else ()).state()
        now_on = (node, stands, self.stream.added)
        if before is None:
            self._later(PEEK_S, self._peek, now_on)
        elif before == now_on and self.listener is not None:
            self.heard.append((self.listener.shown.state(), stands))

    def _beat(self) -> None:
        for node in self.now_on.values():
            node.process.does(node.beats)

    def _look(self, name: str) -> None:
        node = self.now_on[name]
        if node.clean is None:
            node.process.does(node.look)

    # -- what goes wrong ----------------------------------------------------------------------------------------

    def _befalls(self, fault: Fault) -> None:
        lasts = fault.until - fault.at
        node = self.now_on.get(fault.node)
        match fault.kind:
            case "away" | "hung":
                self.database.away = True
                self.hung = fault.kind == "hung"
                self._later(lasts, self._database_back)
            case "redis":
                self.stream.away = True
                self._later(lasts, self._redis_back)
            case "flush":
                self.stream.flush()
            case "lose":
                self.stream.lose = True
            case "twice":
                self.stream.double = True
            case "cut" if node is not None:
                self._cut_off.add(node.name)
                if node.linked and not node.process.life.gone:
                    self.hole_begins(node.name)
                    node.process.does(node.cut)
                self._later(lasts, self._plugged, node.name)
            case "crash" if node is not None and not node.process.life.gone:
                self._dies(node, lasts)
            case "torn" | "stall" if node is not None and not node.process.life.gone:
                self._doomed[node.process] = fault
                self._later(DOOMED_S, self._meets_it_anyway, node, fault)
            case "pause" if node is not None and not node.process.life.gone:
                self._stops(node, lasts)
            case _:
                pass

    def _later(self, after: float, call: Callable[..., object], *args: object) -> None:
        self.scheduler.at(self.scheduler.now + after, call, *args)

    def _database_back(self) -> None:
        self.database.away = self.hung = False

    def _redis_back(self) -> None:
        self.stream.away = False
        self.stream.news()

    def _plugged(self, name: str) -> None:
        self._cut_off.discard(name)
        node = self.now_on[name]
        if not node.process.life.gone and not node.linked:
            node.process.does(node.connect)

    def _dies(self, node: Node, lasts: float) -> None:
        """kill -9; what was being written to the disk is there in part."""
        process = node.process
        if node.leads:
            self.stops_leading(node)
        process.kill()
        self._doomed.pop(process, None)
        if node.linked:
            self.hole_begins(node.name)
        for asked in self._writing.pop(process, ()):
            self._writes_in_part(self.disks[node.name], asked)
        self._later(lasts, self.starts, node.name)

    def _stops(self, node: Node, lasts: float) -> None:
        """SIGSTOP, and SIGCONT later."""
        node.process.life.stopped = True
        self._later(lasts, node.process.go_on)

    def _meets_it(self, node: Node, fault: Fault) -> None:
        """What was to befall it in the midst of a write does."""
        del self._doomed[node.process]
        (self._dies if fault.kind == "torn" else self._stops)(node, fault.until - fault.at)

    def _meets_it_anyway(self, node: Node, fault: Fault) -> None:
        if node.process in self._doomed:
            self._meets_it(node, fault)

    def _writes_in_part(self, disk: Disk, asked: Asked) -> None:
        disk.budget = self.rng.choice((0, 1, 40, 400, 700, 1500, 10_000))
        try:
            asked()
        except Killed:
            pass
        finally:
            disk.budget = None

    # -- threads ------------------------------------------------------------------------------------------------

    def work(self, process: Process, thread: str, asked: Asked) -> None:
        """Something was given to a worker thread: to the journal, or to the database."""
        scheduler = self.scheduler
        now = scheduler.now
        fault = self._doomed.get(process) if self._doomed and thread else None
        if thread == "journal":
            self._writing.setdefault(process, []).append(asked)
            scheduler.at(now + TOOK_S, self._written, process, asked, process=process)
        elif self.hung:
            scheduler.at(now + TIMEOUT_S, _refuse, asked, process=process)
        elif fault is not None and fault.kind == "stall":  # the thread stands before it has sent anything
            scheduler.at(now + TOOK_S, _answers, process, asked, process=process)
        else:
            scheduler.at(now + TOOK_S, _answers, process, asked)  # sent is sent, whatever becomes of the sender
        if fault is not None:
            node = next(one for one in self.now_on.values() if one.process is process)
            self._meets_it(node, fault)

    def _written(self, process: Process, asked: Asked) -> None:
        self._writing[process].remove(asked)
        asked()
        asked.answer()


def _answers(process: Process, asked: Asked) -> None:
    asked()
    process.does(asked.answer)


def _refuse(asked: Asked) -> None:
    asked.error = AwayError()
    asked.answer()
