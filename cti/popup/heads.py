"""How the pops and the agents look at this moment: the shapes the pages get (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from cti import events, wire
from cti.popup.phones import Phones
from cti.popup.rules import Labels, party_view
from cti.popup.state import PopState

BUSIEST_FIRST: Final = ("busy", "held", "ringing", "wrapup", "paused", "idle", "unavailable", "unknown")


class Heads:
    """Draws heads of pops and agents' own states from what the session keeps."""

    def __init__(self, phones: Phones, labels: Labels) -> None:
        self.phones = phones
        self.labels = labels
        self.agents: dict[str, events.AgentState] = {}
        "{interface: state}, as the PBX last said."

    def agent_of(self, user: str) -> wire.AgentView | None:
        """The user's own state: of the phone that is busiest, where he has several. None where nobody knows."""
        states = [self.agents[i] for i in self.phones.of(user) if i in self.agents]
        if not states:
            return None
        state = min(states, key=lambda s: BUSIEST_FIRST.index(s.phase))
        return wire.AgentView(
            agent=state.agent,
            interface=state.interface,
            phase=state.phase,
            since=state.since,
            call=state.call,
            queue=state.queue,
            pause_reason=wire.clean_text(state.pause_reason),
            missed=state.missed,
            queues=tuple(
                wire.AgentQueue(
                    queue=q.queue,
                    label=self.labels.queue(q.queue).label,
                    paused=q.paused,
                    reason=wire.clean_text(q.reason),
                    penalty=q.penalty,
                    wrapup_until=q.wrapup_until,
                )
                for q in state.queues
            ),
        )

    def owner_phase(self, owner: str | None) -> str | None:
        """Phase of a colleague's phone; None where nobody knows."""
        if owner is None:
            return None
        states = [self.agents[i].phase for i in self.phones.of(owner) if i in self.agents]
        return min(states, key=BUSIEST_FIRST.index) if states else None

    def agent_name(self, interface: str | None) -> str | None:
        """Name of the agent at a phone, else the phone itself."""
        if interface is None:
            return None
        known = self.agents.get(interface)
        return known.agent if known is not None else interface

    def pop(self, pop: PopState, draft: Any = None) -> wire.Pop:
        """The head of a pop."""
        call = pop.call
        chosen = call.decision.chosen
        party = call.party
        return wire.Pop(
            id=pop.id,
            call=call.id,
            visit=pop.visit,
            state=pop.state,
            direction=call.direction,
            caller=call.caller,
            match=wire.MatchView(
                level=call.decision.level,
                chosen=chosen.id if chosen is not None else None,
                candidates=call.candidates,
            ),
            party=party_view(party, self.owner_phase(party.owner)) if party is not None else None,
            line=self.labels.line(call.dialed),
            choice=self.labels.choice(call.dialed, call.choice),
            queue=self.labels.queue(call.queue) if call.queue is not None else None,
            waiting_since=call.waiting_since,
            ringing_since=pop.ringing_since,
            answered_at=pop.answered_at,
            ended_at=pop.ended_at,
            wait_s=pop.wait_s,
            agent=pop.agent,
            interface=pop.interface,
            with_=self._with(pop) if len(call.pops) > 1 else (),
            came_from=self._came_from(pop),
            note=_latest(call.notes[u] for u in pop.users if u in call.notes) if call.notes else None,
            draft=draft,
            intents=call.intents,
            flags=call.flags,
        )

    def _with(self, pop: PopState) -> tuple[wire.With, ...]:
        return tuple(
            wire.With(agent=other.agent, interface=other.interface, state=other.state)
            for other in pop.call.pops.values()
            if other is not pop and other.state != "ended"
        )

    def _came_from(self, pop: PopState) -> wire.CameFrom | None:
        if pop.came_by is None or pop.came_by == pop.interface:
            return None
        name = next((p.agent for p in pop.call.pops.values() if p.interface == pop.came_by and p.agent), None)
        mine = pop.users
        note = _latest(n for user, n in pop.call.notes.items() if user not in mine)
        return wire.CameFrom(agent=name or self.agent_name(pop.came_by), note=note.text if note is not None else "")


def _latest(notes: Iterable[wire.Note]) -> wire.Note | None:
    return max(notes, key=lambda n: n.saved_at, default=None)
