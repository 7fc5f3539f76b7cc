"""The board itself: events go in, changed parts come out.

`apply` only notes what an event touched; `changes` then works out the touched parts, once for however many events came
since it was last asked. So the server decides how often the board moves, and a busy second costs one delta.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

import msgspec

from cti import events
from cti.board.days import Days
from cti.board.figures import Quarter
from cti.board.metrics import Counts, service_level
from cti.board.people import People, best_idle, helpers, next_free, phase_in
from cti.board.queues import Caller, Waiting
from cti.board.view import (
    AgentView,
    BoardView,
    CallerView,
    Changes,
    Interval,
    Missed,
    QueueView,
    Taker,
    Totals,
    WrapupNext,
)
from cti.calls.record import Call
from cti.events import AgentState, Event

RECENT_INTERVALS = 12

_Takers = tuple[tuple[str, ...], WrapupNext | None, tuple[Taker, ...]]
"Who of a queue could take a call now, and who will be free next."


class QueuePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a site says of one queue."""

    label: str
    target_s: float = 13.0
    goal: float = 0.9
    "The share within the target that the site wants, 0..1."


class Face(msgspec.Struct, kw_only=True):
    """Who is on the other side of a call, as far as it is known by now."""

    number: str | None
    name: str | None
    company: str | None = None
    tier: str | None = None
    party: str | None = None
    new: bool = False


class Board:
    """All queues, waiting callers and agents of a site, and the day's figures.

    `queues` are the configured ones, the rest appear under their own name when an event names them; `groups` gives an
    interface its team; `day` says which day a moment belongs to at the site (any key that compares equal within a
    day); `describe` turns a raw number into (display form, region).
    """

    def __init__(
        self,
        queues: Mapping[str, QueuePlan],
        groups: Mapping[str, str] | None = None,
        *,
        day: Callable[[float], Hashable] = lambda at: int((at + 8 * 3600) // 86400),
        describe: Callable[[str | None], tuple[str, str]] = lambda number: (number or "", ""),
        default: QueuePlan | None = None,
    ) -> None:
        """Without `day` the day is China's."""
        self._plans = dict(queues)
        self._default = default or QueuePlan(label="")
        self._groups = dict(groups or {})
        self._describe = describe
        self._days = Days(day)
        self._people = People()
        self._waiting = Waiting()
        self._faces: dict[str, Face] = {}
        self._missed: dict[str, Missed] = {}
        "interface -> its last ring in vain of today"
        self._sent = Changes()
        self._sent_queues: dict[str, QueueView] = {}
        self._sent_callers: dict[str, CallerView] = {}
        self._sent_agents: dict[str, AgentView] = {}
        self._dirty_queues: set[str] = set(self._plans)
        self._dirty_agents: set[str] = set()
        self._dirty_callers: set[str] = set()
        self._dirty = bool(self._plans)

    # in

    def apply(self, event: Event) -> bool:
        """Takes one event in, in the order in which the core told them. True when `changes` has something to do."""
        self.roll(event.at)
        match event:
            case events.CallOffered():
                number = event.dialed if event.direction == "outbound" else event.caller
                name = None if event.direction == "outbound" else event.caller_name
                self._faces.setdefault(event.call, Face(number=number, name=name))
                self._touch_call(event.call)
            case events.CallQueued():
                self._queued(event)
            case events.CallRefused():
                self._days.refused(event.call, event.queue, event.at, self._plan(event.queue).target_s)
                self._touch(event.queue)
            case events.CallerPlaced():
                self._touch(self._waiting.place(event.visit, event.position))
            case events.AgentRinging() if event.visit is not None:
                self._touch(self._waiting.rang(event.visit, event.ring, event.agent, event.interface, event.at))
            case events.RingEnded() if event.visit is not None:
                self._touch(self._waiting.silent(event.visit, event.ring))
            case events.CallAnswered():
                self._closed(event, event.visit, event.queue, "answered", event.wait_s, event.waiting_since)
            case events.CallAbandoned():
                self._closed(event, event.visit, event.queue, "abandoned", event.wait_s, event.waiting_since)
            case events.CallLeftQueue():
                self._closed(event, event.visit, event.queue, event.reason, event.wait_s, event.waiting_since)
            case events.SlaBreached():
                self._days.breached(event.visit)
                self._waiting.breached(event.visit)
                self._touch(event.queue)
            case events.AgentMissed():
                self._missed[event.interface] = Missed(at=event.at, queue=event.queue, ring_s=event.ring_s)
                self._dirty_agents.add(event.interface)
                self._dirty = True
            case events.CallEnded():
                self._faces.pop(event.call, None)
            case events.CallMerged():
                self._faces.pop(event.call, None)
                self._touch_call(event.into)
            case events.AgentChanged():
                before = self._people.put(event.agent, event.at)
                self._dirty_agents.add(event.agent.interface)
                self._touch(*before, *(m.queue for m in event.agent.queues))
            case events.AgentGone():
                self._dirty_agents.add(event.interface)
                self._touch(*self._people.remove(event.interface))
            case _:
                return self._dirty
        return self._dirty

    def enrich(
        self,
        call: str,
        *,
        name: str | None = None,
        company: str | None = None,
        tier: str | None = None,
        party: str | None = None,
        new: bool = False,
    ) -> bool:
        """What the look-up found out about a call's other side; `new` when the number is known to nobody."""
        face = self._faces.get(call)
        if face is None:
            return False
        face.name = name or face.name
        face.company, face.tier, face.party, face.new = company, tier, party, new
        self._touch_call(call)
        return True

    def restore(self, calls: Iterable[Call]) -> None:
        """Today's calls from the store. Rows that stand here already are replaced, so it may be done at any time.

        A wait that was still open when it was stored stands aside until an event tells how it went.
        """
        for call in calls:
            for queue in self._days.restore(call, lambda name: self._plan(name).target_s):
                self._touch(queue)

    def restore_missed(self, missed: Mapping[str, Missed]) -> None:
        """Each phone's last ring in vain of today, from the store; what was told since stays."""
        for interface, ring in missed.items():
            if self._missed.setdefault(interface, ring) is ring:
                self._dirty_agents.add(interface)
                self._dirty = True

    def group(self, groups: Mapping[str, str]) -> None:
        """Each phone's team from now on."""
        changed = {phone for phone in {*self._groups, *groups} if self._groups.get(phone) != groups.get(phone)}
        self._groups = dict(groups)
        self._dirty_agents.update(changed)
        self._dirty = self._dirty or bool(changed)

    def roll(self, now: float) -> bool:
        """To be asked now and then, so that a new day begins without a call. True when it did."""
        if not self._days.roll(now):
            return False
        self._dirty_agents.update(self._missed)
        self._missed.clear()
        self._touch_all()
        return True

    # out

    def changes(self) -> Changes | None:
        """The parts that are different from when this was last asked, None for nothing."""
        if not self._dirty:
            return None
        self._dirty = False
        callers: dict[str, CallerView | None] = {}
        queues: dict[str, QueueView | None] = {}
        agents: dict[str, AgentView | None] = {}
        for queue in self._dirty_queues:
            view = self._queue(queue)
            if self._sent_queues.get(queue) != view:
                queues[queue] = self._sent_queues[queue] = view
            self._dirty_callers.update(self._waiting.visits(queue))
        helping: dict[str, _Takers] = {}
        for visit in self._dirty_callers:
            caller = self._caller(visit, helping)
            if caller is None:
                if self._sent_callers.pop(visit, None) is not None:
                    callers[visit] = None
            elif self._sent_callers.get(visit) != caller:
                callers[visit] = self._sent_callers[visit] = caller
        for interface in self._dirty_agents:
            agent = self._agent(interface)
            if agent is None:
                if self._sent_agents.pop(interface, None) is not None:
                    agents[interface] = None
            elif self._sent_agents.get(interface) != agent:
                agents[interface] = self._sent_agents[interface] = agent
        self._dirty_queues.clear()
        self._dirty_callers.clear()
        self._dirty_agents.clear()
        totals = self._totals()
        same = totals == self._sent.totals
        if same and not (queues or callers or agents):
            return None
        self._sent = Changes(totals=totals)
        return Changes(totals=None if same else totals, queues=queues, callers=callers, agents=agents)

    def snapshot(self) -> BoardView:
        """The whole board as it is now."""
        visits = [visit for queue in self._waiting.queues() for visit in self._waiting.visits(queue)]
        helping: dict[str, _Takers] = {}
        callers = {visit: self._caller(visit, helping) for visit in visits}
        agents = {interface: self._agent(interface) for interface in self._people.interfaces()}
        return BoardView(
            variant="V2",
            target_s=self._default.target_s,
            totals=self._totals(),
            queues={name: self._queue(name) for name in self.queue_names()},
            callers={visit: view for visit, view in callers.items() if view is not None},
            agents={interface: view for interface, view in agents.items() if view is not None},
        )

    # what stands here, for whoever judges it

    def each_waiting(self) -> Iterable[tuple[str, Caller]]:
        """Every waiting visit with its caller."""
        return self._waiting.all()

    def who(self, call: str) -> tuple[str | None, str | None]:
        """(number, name) of a call's other side, as far as it is known."""
        face = self._faces.get(call)
        return (None, None) if face is None else (face.number, face.name)

    def each_agent(self) -> Iterator[AgentState]:
        """Every agent's state."""
        for interface in self._people.interfaces():
            state = self._people.get(interface)
            if state is not None:
                yield state

    def queue_names(self) -> Iterable[str]:
        """Configured queues, and those that were named or have members."""
        return dict.fromkeys([*self._plans, *self._days.queues(), *self._people.queues(), *self._waiting.queues()])

    def is_planned(self, queue: str) -> bool:
        """True for a configured queue."""
        return queue in self._plans

    def presence(self, queue: str) -> tuple[int, int]:
        """(members who are there and not paused, callers who wait)."""
        phases = [phase_in(member) for member in self._people.members(queue)]
        there = sum(phase in ("idle", "ringing", "busy", "held", "wrapup") for phase in phases)
        return there, len(self._waiting.visits(queue))

    def counts_since(self, queue: str, start: float) -> Counts:
        """A queue's waits of today's intervals that begin at or after `start`."""
        return self._days.since(queue, start)

    def last_missed(self, interface: str) -> Missed | None:
        """An agent's last ring in vain of today."""
        return self._missed.get(interface)

    def paused_since(self, interface: str) -> float | None:
        """Since when an agent is paused in any queue."""
        return self._people.paused_since(interface)

    # inside

    def _plan(self, queue: str) -> QueuePlan:
        return self._plans.get(queue) or msgspec.structs.replace(self._default, label=queue)

    def _touch(self, *queues: str | None) -> None:
        self._dirty = True
        self._dirty_queues.update(queue for queue in queues if queue is not None)

    def _touch_all(self) -> None:
        self._touch(*self._plans, *self._days.queues(), *self._sent_queues)

    def _touch_call(self, call: str) -> None:
        self._dirty = True
        self._dirty_callers.update(self._waiting.of_call(call))
        self._dirty_agents.update(self._people.of_call(call))

    def _queued(self, event: events.CallQueued) -> None:
        face = self._faces.setdefault(event.call, Face(number=event.caller, name=event.caller_name))
        face.number = face.number or event.caller
        target_s = self._plan(event.queue).target_s
        if self._days.opened(event.call, event.visit, event.queue, event.at, event.waiting_since, target_s):
            self._waiting.join(event.visit, event.call, event.queue, event.position, event.waiting_since, target_s)
        self._touch(event.queue)

    def _closed(
        self, event: Event, visit: str, queue: str, outcome: str, wait_s: float | None, waiting_since: float
    ) -> None:
        assert isinstance(event, events.CallAnswered | events.CallAbandoned | events.CallLeftQueue)  # noqa: S101
        self._waiting.leave(visit)
        joined_at = event.at - (wait_s or 0.0)
        target_s = self._plan(queue).target_s
        self._days.closed(event.call, visit, queue, joined_at, waiting_since, target_s, outcome, wait_s)
        self._dirty_callers.add(visit)
        self._touch(queue)

    def _totals(self) -> Totals:
        longest = self._waiting.longest()
        return Totals(**self._days.totals(longest["over"]), **longest, **self._people.count())

    def _queue(self, queue: str) -> QueueView:
        plan, longest = self._plan(queue), self._waiting.longest(queue)
        return QueueView(
            queue=queue,
            label=plan.label,
            target_s=plan.target_s,
            goal=plan.goal,
            recent=tuple(_interval(at, quarter) for at, quarter in self._days.recent(queue, RECENT_INTERVALS)),
            **self._days.figures(queue, longest["over"]),
            **longest,
            **self._people.count(queue),
        )

    def _caller(self, visit: str, helping: dict[str, _Takers]) -> CallerView | None:
        """A waiting caller; `helping` keeps who could help in which queue, for the other callers of this round."""
        caller = self._waiting.get(visit)
        if caller is None:
            return None
        face = self._faces.get(caller.call) or Face(number=None, name=None)
        display, region = self._describe(face.number)
        if caller.queue not in helping:
            members = self._people.members(caller.queue)
            helping[caller.queue] = (best_idle(members), next_free(members), helpers(members))
        idle, soon_free, can_take = helping[caller.queue]
        return CallerView(
            visit=visit,
            call=caller.call,
            queue=caller.queue,
            position=self._waiting.position(visit),
            waiting_since=caller.waiting_since,
            target_s=caller.target_s,
            number=face.number,
            display=display,
            region=region,
            name=face.name,
            company=face.company,
            tier=face.tier,
            party=face.party,
            new=face.new,
            ringing=tuple(caller.rings.values()),
            idle_agents=idle,
            wrapup_next=soon_free,
            can_take=can_take,
        )

    def _agent(self, interface: str) -> AgentView | None:
        state = self._people.get(interface)
        if state is None:
            return None
        face = self._faces.get(state.call) if state.call is not None else None
        return AgentView(
            agent=state.agent,
            interface=interface,
            phase=state.phase,
            since=state.since,
            queue=state.queue,
            call=state.call,
            caller=face.number if face else None,
            caller_name=face.name if face else None,
            company=face.company if face else None,
            pause_reason=state.pause_reason,
            missed=state.missed,
            last_missed=self._missed.get(interface),
            paused_since=self._people.paused_since(interface),
            paused_in=tuple(membership.queue for membership in state.queues if membership.paused),
            group=self._groups.get(interface, ""),
            queues=tuple(membership.queue for membership in state.queues),
        )


def _interval(at: int, quarter: Quarter) -> Interval:
    counts = quarter.counts
    return Interval(
        at=at,
        offered=quarter.offered,
        late=quarter.late,
        answered=counts.answered,
        in_target=counts.answered_in_target,
        abandoned=counts.abandoned,
        service_level=service_level(counts),
    )
