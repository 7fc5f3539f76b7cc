"""The agents on the board: who is in which queue and who could take a call."""

from __future__ import annotations

from collections.abc import Collection, KeysView
from typing import TypedDict

from cti.board.view import Taker, WrapupNext
from cti.events import AgentPhase, AgentState, QueueMembership

MOST_NAMED = 3

Member = tuple[AgentState, QueueMembership]
"An agent as one queue has him."


class Heads(TypedDict):
    """How many people in which phase."""

    logged_in: int
    idle: int
    ringing: int
    busy: int
    wrapup: int
    paused: int
    unavailable: int


class People:
    """Agents by interface, found by queue and by call as well."""

    def __init__(self) -> None:
        """Nobody yet."""
        self._agents: dict[str, AgentState] = {}
        self._by_queue: dict[str, dict[str, Member]] = {}
        self._by_call: dict[str, set[str]] = {}
        self._paused: dict[str, float] = {}
        "interface -> since when there is a pause in any queue"

    def put(self, state: AgentState, at: float) -> set[str]:
        """Sets an agent's state as of `at`; returns the queues that the agent was in before."""
        known = self._paused.get(state.interface)
        before = self.remove(state.interface)
        self._agents[state.interface] = state
        if any(membership.paused for membership in state.queues):
            self._paused[state.interface] = (state.since if state.phase == "paused" else at) if known is None else known
        for membership in state.queues:
            self._by_queue.setdefault(membership.queue, {})[state.interface] = (state, membership)
        if state.call is not None:
            self._by_call.setdefault(state.call, set()).add(state.interface)
        return before

    def remove(self, interface: str) -> set[str]:
        """Takes an agent away; returns the queues that the agent was in."""
        state = self._agents.pop(interface, None)
        self._paused.pop(interface, None)
        if state is None:
            return set()
        queues = {membership.queue for membership in state.queues}
        for queue in queues:
            members = self._by_queue[queue]
            members.pop(interface, None)
            if not members:
                del self._by_queue[queue]
        if state.call is not None:
            others = self._by_call[state.call]
            others.discard(interface)
            if not others:
                del self._by_call[state.call]
        return queues

    def get(self, interface: str) -> AgentState | None:
        """An agent's state."""
        return self._agents.get(interface)

    def paused_since(self, interface: str) -> float | None:
        """Since when an agent is paused in any queue."""
        return self._paused.get(interface)

    def interfaces(self) -> KeysView[str]:
        """Everybody."""
        return self._agents.keys()

    def queues(self) -> KeysView[str]:
        """Queues with a member."""
        return self._by_queue.keys()

    def members(self, queue: str) -> Collection[Member]:
        """A queue's members."""
        return self._by_queue.get(queue, {}).values()

    def of_call(self, call: str) -> set[str]:
        """Interfaces of the agents who have the call or are rung for it."""
        return self._by_call.get(call, set())

    def count(self, queue: str | None = None) -> Heads:
        """Heads by phase, of everybody or as seen from one queue. On hold is busy; an unknown phase is nowhere."""
        if queue is None:
            phases = [state.phase for state in self._agents.values()]
        else:
            phases = [phase_in(member) for member in self.members(queue)]
        busy = phases.count("busy") + phases.count("held")
        present = {phase: phases.count(phase) for phase in ("idle", "ringing", "wrapup", "paused")}
        return Heads(
            logged_in=busy + sum(present.values()),
            idle=present["idle"],
            ringing=present["ringing"],
            busy=busy,
            wrapup=present["wrapup"],
            paused=present["paused"],
            unavailable=phases.count("unavailable"),
        )


def phase_in(member: Member) -> AgentPhase:
    """An agent's phase as one queue sees it: somebody may be paused in one queue and free in another."""
    state, membership = member
    if state.phase in ("idle", "paused"):
        return "paused" if membership.paused else "idle"
    return state.phase


def best_idle(members: Collection[Member]) -> tuple[str, ...]:
    """Names of those of a queue who could take its call now: lowest penalty first, then longest idle."""
    idle = [
        (membership.penalty, state.since, state.agent)
        for state, membership in members
        if state.phase in ("idle", "paused") and not membership.paused
    ]
    return tuple(agent for _, _, agent in sorted(idle)[:MOST_NAMED])


def helpers(members: Collection[Member]) -> tuple[Taker, ...]:
    """Who of a queue could take its call: idle ones as `best_idle` orders them, then those who end their wrap-up."""
    idle = [
        (membership.penalty, state.since, state.agent, state.interface)
        for state, membership in members
        if state.phase in ("idle", "paused") and not membership.paused
    ]
    soon = [
        (membership.wrapup_until is None, membership.wrapup_until or 0.0, state.since, state.agent, state.interface)
        for state, membership in members
        if state.phase == "wrapup" and not membership.paused
    ]
    return (
        *(
            Taker(agent=agent, interface=interface, phase="idle", since=since, until=None)
            for _, since, agent, interface in sorted(idle)[:MOST_NAMED]
        ),
        *(
            Taker(agent=agent, interface=interface, phase="wrapup", since=since, until=None if unknown else until)
            for unknown, until, since, agent, interface in sorted(soon)[:MOST_NAMED]
        ),
    )


def next_free(members: Collection[Member]) -> WrapupNext | None:
    """Who of a queue will be the first to end the wrap-up time."""
    soonest = min(
        (
            (membership.wrapup_until, state.agent)
            for state, membership in members
            if state.phase == "wrapup" and membership.wrapup_until is not None and not membership.paused
        ),
        default=None,
    )
    return None if soonest is None else WrapupNext(until=soonest[0], agent=soonest[1])
