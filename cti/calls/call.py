"""A call: what the caller experienced, gathered from legs, visits and bridges."""

from __future__ import annotations

from collections.abc import Callable

from cti.calls import record
from cti.calls.legs import Leg
from cti.calls.visits import VisitState
from cti.events import Direction

# A phone that leaves a bridge and is back within this many seconds was moved by the PBX (Local optimisation,
# bridge merge), not hung up: one stretch of talk.
SWAP_S = 0.1


class TalkState:
    """One stretch in which a phone was bridged with the caller."""

    __slots__ = ("agent", "from_", "interface", "leg", "to", "told_end")

    def __init__(self, leg: Leg, agent: str | None, from_: float) -> None:
        """A stretch that begins."""
        self.leg = leg
        self.interface = leg.interface
        self.agent = agent
        self.from_ = from_
        self.to: float | None = None
        self.told_end = False


class CallState:
    """One call, mutable."""

    __slots__ = (
        "caller",
        "caller_name",
        "choice",
        "clock",
        "consult_of",
        "dialed",
        "ended_at",
        "gap",
        "id",
        "legs",
        "merged",
        "offered",
        "originated",
        "partial",
        "primary",
        "reached_outside",
        "refused",
        "rings_outside_queue",
        "started_at",
        "talks",
        "transfer_keys",
        "transfers",
        "visits",
    )

    def __init__(self, call_id: str) -> None:
        """A call of which nothing is known but its id."""
        self.id = call_id
        self.primary: Leg | None = None
        self.legs: dict[str, Leg] = {}
        self.started_at: float | None = None
        self.ended_at: float | None = None
        self.caller: str | None = None
        self.caller_name: str | None = None
        self.dialed: str | None = None
        self.choice: str | None = None
        self.originated = False
        self.reached_outside = False
        self.partial = True
        self.gap = False
        self.offered = False
        self.clock: float | None = None
        "start of the 13 seconds: first entry of the present chain of unanswered visits"
        self.visits: list[VisitState] = []
        self.refused: list[record.Refused] = []
        self.talks: list[TalkState] = []
        self.transfers: list[record.Transfer] = []
        self.transfer_keys: set[tuple[str, ...]] = set()
        self.rings_outside_queue: dict[str, str] = {}
        "leg uid -> ring key, for phones rung outside a queue"
        self.consult_of: str | None = None
        self.merged: CallState | None = None

    def final(self) -> CallState:
        """The call this one has become part of, itself if none."""
        call = self
        for _ in range(8):
            if call.merged is None:
                break
            call = call.merged
        return call

    def let_go(self) -> None:
        """Undo the circles in which the parts of a call that is over hold each other, so that it is free at once.

        Left to the collector they fill the memory between its rounds, and make a round as long as the hour was busy.
        A channel that lives on in another call keeps what it has. Of no use to anybody afterwards.
        """
        rings = [ring for visit in self.visits for ring in visit.rings.values()]
        legs: list[Leg | None] = [self.primary, *(visit.leg for visit in self.visits), *(t.leg for t in self.talks)]
        legs += [leg for ring in rings for leg in (ring.dest, *ring.phones)]
        while legs:
            leg = legs.pop()
            if leg is not None and leg.gone and leg.call is self:
                legs += [*leg.children, leg.pair, leg.dialer]
                leg.let_go()
        for visit in self.visits:
            visit.rings.clear()
        self.primary = None
        self.visits.clear()
        self.talks.clear()

    def open_visit(self, leg: Leg, queue: str | None = None) -> VisitState | None:
        """The visit of that leg that is not closed yet (in that queue)."""
        for visit in reversed(self.visits):
            if visit.leg is leg and not visit.closed and (queue is None or visit.queue == queue):
                return visit
        return None

    def last_visit(self, leg: Leg, queue: str | None = None) -> VisitState | None:
        """The latest visit of that leg, open or not."""
        for visit in reversed(self.visits):
            if visit.leg is leg and (queue is None or visit.queue == queue):
                return visit
        return None

    def new_visit(self, leg: Leg, queue: str, joined_at: float | None, at: float) -> VisitState:
        """A visit begins: the 13-second clock starts, or goes on from an unanswered visit."""
        if self.clock is None:
            self.clock = at if joined_at is None else joined_at
        visit = VisitState(f"{self.id}#{len(self.visits) + 1}", leg, queue, joined_at, self.clock)
        self.visits.append(visit)
        return visit

    def open_talk(self, leg: Leg) -> TalkState | None:
        """The running talk of that phone."""
        for talk in self.talks:
            if talk.leg is leg and talk.to is None:
                return talk
        return None

    def to_record(self, direction: Direction | None, agent_of: Callable[[str], str | None]) -> record.Call:
        """The call as the calls document has it; `agent_of` names the member of a phone."""
        talks = []
        for talk in sorted(self.talks, key=lambda t: t.from_):
            agent = talk.agent
            if agent is None:
                agent = agent_of(talk.interface)
            talks.append(record.Talk(interface=talk.interface, agent=agent, from_=talk.from_, to=talk.to))
        return record.Call(
            id=self.id,
            direction=direction,
            caller=self.caller,
            dialed=self.dialed,
            started_at=self.started_at,
            ended_at=self.ended_at,
            refused=tuple(self.refused),
            visits=tuple(visit.to_record() for visit in self.visits),
            talks=tuple(talks),
            transfers=tuple(self.transfers),
            partial=self.partial,
            gap=self.gap,
        )
