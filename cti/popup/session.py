"""The life of the pops: from events, and from who has which phone, to what each user's browsers show (pure).

A pop belongs to one phone and one call. It opens when the phone begins to ring, goes away when the call is answered
elsewhere or the caller gives up, stays through the call when it is answered, and stays after it until the agent puts
it away, for he may still be typing. Pops of phones at which nobody sits are kept as long as they live, so that
whoever logs in or reloads sees them. Methods answer with effects; the edges carry them out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from crm_bridge import model
from crm_bridge.numbers import Number
from cti import events, wire
from cti.popup.phones import Phones
from cti.popup.reading import Reading
from cti.popup.rules import PUBLIC, WITHHELD, Decision, Labels, caller_view, decide, party_view
from cti.popup.shelf import LIVE
from cti.popup.state import CallState, Close, Effect, Gather, Head, Later, LookUp, PopState, Show, ShowAgent

RING_CLOSES: Final[Mapping[str, wire.CloseReason]] = {
    "answered_elsewhere": "answered_elsewhere",
    "missed": "missed",
    "caller_gone": "caller_gone",
    "cancelled": "cancelled",
}


class PopSession(Reading):
    """All pops of one site."""

    def __init__(self, phones: Phones, labels: Labels, canonical: Callable[[str | None], Number]) -> None:
        """`canonical` classifies a presented number (crm_bridge.numbers)."""
        super().__init__(phones, labels)
        self._canonical = canonical
        self._rings: dict[str, PopState] = {}
        self._early: dict[str, list[events.TalkStarted]] = {}
        self._owned: dict[str, set[str]] = {}
        "{owner of a party: calls that show it}, for the state of the owner's phone."
        self._handlers: Mapping[type[events.Event], Callable[[Any], list[Effect]]] = {
            events.CallOffered: self._offered,
            events.CallRouted: self._routed,
            events.CallQueued: self._queued,
            events.AgentRinging: self._ringing,
            events.RingEnded: self._ring_ended,
            events.CallAnswered: self._answered,
            events.TalkStarted: self._talk_started,
            events.TalkEnded: self._talk_ended,
            events.CallHeld: lambda e: self._turn(e, "held"),
            events.CallResumed: lambda e: self._turn(e, "talking"),
            events.CallTransferred: self._transferred,
            events.CallAbandoned: self._left,
            events.CallLeftQueue: self._left,
            events.CallEnded: self._ended,
            events.CallMerged: self._merged,
            events.AgentChanged: self._agent_changed,
            events.AgentGone: self._agent_gone,
        }

    def apply(self, event: events.Event) -> list[Effect]:
        """What one event changes. Repeated events change nothing."""
        handler = self._handlers.get(type(event))
        return handler(event) if handler is not None else []

    # --- what the PBX says -------------------------------------------------------------------------------------

    def _open(
        self, id: str, direction: events.Direction, outside: str | None, name: str | None
    ) -> tuple[CallState, list[Effect]]:
        """A new call; its number is looked up at once, before any phone rings."""
        number = self._canonical(outside)
        if direction == "internal" and number.cls in PUBLIC:
            direction = "inbound"  # a trunk that nobody configured: colleagues have no such numbers
        searchable = outside if direction != "internal" and number.cls not in WITHHELD and outside else None
        call = CallState(id, direction, caller_view(number, name), searchable)
        if direction == "internal":
            call.decision = Decision(level="unknown")
        effects = self.shelf.add_call(call)
        if searchable is not None:
            effects.append(LookUp(id, searchable))
        return call, effects

    def _offered(self, e: events.CallOffered) -> list[Effect]:
        if e.call in self.shelf.calls:
            return []
        outbound = e.direction == "outbound"
        call, effects = self._open(
            e.call, e.direction, e.dialed if outbound else e.caller, None if outbound else e.caller_name
        )
        call.dialed = None if outbound else e.dialed
        return effects + [effect for talk in self._early.pop(e.call, ()) for effect in self._talk_started(talk)]

    def _ensure(self, e: events.AgentRinging | events.CallQueued) -> tuple[CallState, list[Effect]]:
        """The event's call, opened now where its offer was not seen; what was not known yet is filled in."""
        call = self.shelf.calls.get(e.call)
        effects: list[Effect] = []
        if call is None:
            call, effects = self._open(e.call, "inbound", e.caller, e.caller_name)
        elif call.number is None and e.caller and call.direction == "inbound":
            number = self._canonical(e.caller)
            if number.cls not in WITHHELD:
                call.caller, call.number = caller_view(number, e.caller_name), e.caller
                call.decision = Decision(level="pending")
                effects = [LookUp(e.call, e.caller)]
        if call.direction == "inbound":
            call.dialed = call.dialed or e.dialed
        call.choice = e.choice or call.choice
        return call, effects

    def _routed(self, e: events.CallRouted) -> list[Effect]:
        call = self.shelf.calls.get(e.call)
        if call is None or call.choice == e.choice:
            return []
        call.choice = e.choice
        return self._show_all(call)

    def _queued(self, e: events.CallQueued) -> list[Effect]:
        call, effects = self._ensure(e)
        call.visit, call.queue, call.waiting_since = e.visit, e.queue, e.waiting_since
        return effects + self._want(call)

    def _ringing(self, e: events.AgentRinging) -> list[Effect]:
        if e.ring in self._rings or self._answered_already(e):
            return []
        call, effects = self._ensure(e)
        if e.queue is not None:
            call.queue, call.visit = e.queue, e.visit
        if e.waiting_since is not None:
            call.waiting_since = e.waiting_since
        pop = self.shelf.new_pop(e.pbx, (e.ring,), call, e.interface, e.agent)
        pop.ring, pop.visit, pop.ringing_since = e.ring, e.visit, e.at
        if e.consult:
            talking = (p for p in call.pops.values() if p.state in ("talking", "held") and p is not pop)
            pop.came_by = next((p.interface for p in talking), pop.came_by)
        self._rings[e.ring] = pop
        shown: list[Effect] = self._show(pop, fresh=True)
        return shown + effects + self._want(call) + self._others(pop)

    def _answered_already(self, e: events.AgentRinging) -> bool:
        """True for a ring that is told after its answer: what another node told was missed, and is told again."""
        pop = self.shelf.at(e.call, e.interface)
        return pop is not None and pop.state in ("talking", "held") and e.visit is not None and pop.visit == e.visit

    def _ring_ended(self, e: events.RingEnded) -> list[Effect]:
        pop = self._rings.pop(e.ring, None)
        if pop is None:
            return []
        if e.reason == "answered":
            return self._talking(pop, e.at)
        if pop.state != "ringing":
            return []
        return self._others(pop) + self.shelf.close(pop, RING_CLOSES.get(e.reason, "cancelled"), e.by)

    def _answered(self, e: events.CallAnswered) -> list[Effect]:
        call = self.shelf.calls.get(e.call)
        if call is None:
            return []
        call.queue, call.waiting_since = e.queue, e.waiting_since
        if call.visit == e.visit:
            call.visit = None
        pop = self.shelf.at(e.call, e.interface)
        if pop is None:
            pop = self.shelf.new_pop(e.pbx, (e.call, e.interface, e.visit), call, e.interface, e.agent)
        elif pop.wait_s == e.wait_s and pop.visit == e.visit and pop.state != "ringing":
            return []
        pop.wait_s, pop.visit = e.wait_s, e.visit
        return self._talking(pop, e.at, changed=True) + self._want(call)

    def _talk_started(self, e: events.TalkStarted) -> list[Effect]:
        pop = self.shelf.at(e.call, e.interface)
        if pop is None:
            call = self.shelf.calls.get(e.call)
            if call is None and len(self._early) < 1000:  # a resync may tell the talk before the call
                self._early.setdefault(e.call, []).append(e)
            if call is None or call.direction == "internal":
                return []
            pop = self.shelf.new_pop(e.pbx, (e.call, e.interface), call, e.interface, e.agent)
        elif pop.state == "held":
            return []
        return self._talking(pop, e.at) + self._want(pop.call)

    def _talking(self, pop: PopState, at: float, changed: bool = False) -> list[Effect]:
        """The pop's phone talks: it stays through the call, and the user's older ended pops may go."""
        if pop.state == "talking" and not changed:
            return []
        fresh = pop.answered_at is None and pop.ringing_since is None
        self.shelf.revive(pop)
        pop.state = "talking"
        pop.answered_at = pop.answered_at or at
        effects = self._show(pop, fresh)
        for user in pop.users:
            for old in tuple(self.shelf.kept.get(user, ())):
                # Where something was typed and not saved, the form waits for its writer.
                if old.call is not pop.call and (user, old.call.id) not in self.shelf.drafts:
                    effects += self.shelf.put_away(user, old, "replaced")
        return effects + self._others(pop)

    def _turn(self, e: events.CallHeld | events.CallResumed, state: wire.PopState) -> list[Effect]:
        pop = self.shelf.at(e.call, e.interface)
        if pop is None or pop.state not in ("talking", "held") or pop.state == state:
            return []
        pop.state = state
        return self._show(pop) + self._others(pop)

    def _talk_ended(self, e: events.TalkEnded) -> list[Effect]:
        pop = self.shelf.at(e.call, e.interface)
        if pop is None or pop.state not in ("talking", "held"):
            return []
        return self._end(pop, e.at) + self._others(pop)

    def _end(self, pop: PopState, at: float) -> list[Effect]:
        effects = self.shelf.end(pop, at)
        return self._show(pop) + effects

    def _transferred(self, e: events.CallTransferred) -> list[Effect]:
        call = self.shelf.calls.get(e.call)
        if call is None or e.by is None:
            return []
        call.handed_by = e.by
        effects: list[Effect] = []
        for pop in call.pops.values():
            if pop.interface != e.by and pop.state != "ended" and pop.came_by != e.by:
                pop.came_by = e.by
                effects += self._show(pop)
        return effects

    def _left(self, e: events.CallAbandoned | events.CallLeftQueue) -> list[Effect]:
        call = self.shelf.calls.get(e.call)
        if call is None:
            return []
        if call.visit == e.visit:
            call.visit = None
        reason: wire.CloseReason = "caller_gone" if isinstance(e, events.CallAbandoned) else "cancelled"
        ringing = [p for p in call.pops.values() if p.state == "ringing" and p.visit == e.visit]
        return [effect for pop in ringing for effect in self.shelf.close(pop, reason)]

    def _ended(self, e: events.CallEnded) -> list[Effect]:
        self._early.pop(e.call, None)
        call = self.shelf.calls.get(e.call)
        if call is None:
            return []
        effects: list[Effect] = []
        for pop in tuple(call.pops.values()):
            if pop.state == "ringing":
                effects += self.shelf.close(pop, "caller_gone")
            elif pop.state in LIVE:
                effects += self._end(pop, e.at)
        call.over = True
        self._rings = {r: p for r, p in self._rings.items() if p.call is not call} if self._rings else {}
        return effects + self.shelf.drop_if_done(call)

    def _merged(self, e: events.CallMerged) -> list[Effect]:
        call, into = self.shelf.calls.get(e.call), self.shelf.calls.get(e.into)
        if call is None or call is into:
            return []
        effects: list[Effect] = []
        if into is None:
            effects += self.shelf.drop(call)
            call.id = e.into
            call.gathered = None
            return effects + self.shelf.add_call(call) + self._show_all(call) + self._want(call, again=True)
        for pop in tuple(call.pops.values()):
            del call.pops[pop.id]
            into.pops[pop.id] = pop
            pop.call = into
            effects += self._show(pop, fresh=True)
        effects += self.shelf.drop(call)
        return effects + (self._want(into) if into.pops else [])

    def _agent_changed(self, e: events.AgentChanged) -> list[Effect]:
        state = e.agent
        before = self.heads.agents.get(state.interface)
        self.heads.agents[state.interface] = state
        users = self.phones.users(state.interface)
        effects: list[Effect] = [ShowAgent(users)] if users else []
        if before is None or before.phase != state.phase:
            pops = tuple(
                pop.id
                for user in users
                for id in self._owned.get(user, ())
                if (call := self.shelf.calls.get(id)) is not None
                for pop in call.pops.values()
                if pop.audience
            )
            if pops:
                effects.append(Later(pops))
        return effects

    def _agent_gone(self, e: events.AgentGone) -> list[Effect]:
        self.heads.agents.pop(e.interface, None)
        users = self.phones.users(e.interface)
        return [ShowAgent(users)] if users else []

    def reconcile(self, open_calls: Iterable[str], at: float) -> list[Effect]:
        """After a resync: pops of calls that the PBX no longer has are closed, whatever was missed."""
        alive = set(open_calls)
        self._early.clear()
        gone = [id for id, call in self.shelf.calls.items() if id not in alive and not call.over]
        return [effect for id in gone for effect in self._ended(events.CallEnded(call=id, at=at))]

    # --- what the CRM and the people say -----------------------------------------------------------------------

    def matched(self, call_id: str, matches: Sequence[model.Match]) -> list[Effect]:
        """The look-up's answer. A choice that somebody made meanwhile stands; whom nobody knew may be known now."""
        call = self.shelf.calls.get(call_id)
        if call is None or call.decision.by_hand:
            return []
        if call.decision.level not in ("pending", "down") and not (call.decision.level == "unknown" and matches):
            return []
        call.decision = decide(matches)
        call.candidates = tuple(
            wire.Candidate(
                party=party_view(m.party, self.heads.owner_phase(m.party.owner)),
                level=m.level,
                reason=m.reason,
                reason_en=m.reason_en,
                last_contact=m.last_contact,
            )
            for m in call.decision.candidates
        )
        self._set_party(call, call.decision.chosen)
        return self._show_all(call) + (self._want(call) if call.wanted else [])

    def look_up_failed(self, call_id: str) -> list[Effect]:
        """The CRM did not answer: the pop says so and stays usable."""
        call = self.shelf.calls.get(call_id)
        if call is None or call.decision.level != "pending":
            return []
        call.decision = Decision(level="down")
        return self._show_all(call) + (self._want(call) if call.wanted else [])

    def choose(self, call_id: str, party: model.Party | None) -> list[Effect]:
        """An agent says who it is; None for nobody of these."""
        call = self.shelf.calls.get(call_id)
        if call is None:
            return []
        level: wire.MatchState = "unknown" if party is None else "exact"
        call.decision = Decision(level=level, chosen=party, candidates=call.decision.candidates, by_hand=True)
        call.intents, call.flags = (), ()
        self._set_party(call, party)
        return self._show_all(call) + self._want(call)

    def party_changed(self, party: model.Party) -> list[Effect]:
        """The party was saved: heads that show it carry its new version."""
        effects: list[Effect] = []
        for call in self.shelf.calls.values():
            if call.party is not None and call.party.id == party.id and call.pops:
                self._set_party(call, party)
                effects += self._show_all(call)
        return effects

    def set_head(self, call_id: str, head: Head) -> list[Effect]:
        """Why he may be calling and what to mind, as far as the sections say."""
        call = self.shelf.calls.get(call_id)
        if call is None:
            return []
        newer = head.party is not None and call.party is not None and call.party.id == head.party.id
        party = head.party if newer else call.party
        if (call.intents, call.flags, call.party) == (head.intents, head.flags, party):
            return []
        call.intents, call.flags = head.intents, head.flags
        if newer:
            self._set_party(call, party)
        return self._show_all(call)

    def note_saved(self, call_id: str, note: wire.Note) -> list[Effect]:
        """A user's note was saved: his pages know its version, whom he hands the caller to sees its text."""
        call = self.shelf.calls.get(call_id)
        if call is None:
            return []
        call.notes[note.by] = note
        return self._show_all(call)

    def dismiss(self, user: str, id: str) -> list[Effect]:
        """The user puts a pop away; it stays away over reloads and restarts."""
        self.shelf.remember_dismissed(user, id)
        pop = self.shelf.pops.get(id)
        return self.shelf.put_away(user, pop, "dismissed") if pop is not None and user in pop.users else []

    def phones_changed(self, interfaces: Iterable[str]) -> list[Effect]:
        """Somebody took or left these phones: their live pops go to whoever sits there now."""
        effects: list[Effect] = []
        for interface in interfaces:
            users = self.phones.users(interface)
            for pop in tuple(self.shelf.at_phone.get(interface, {}).values()):
                gone = tuple(u for u in pop.audience if u not in users)
                come = tuple(u for u in users if u not in pop.users)
                pop.users = users
                self.shelf.apply_dismissed(pop)
                if gone:
                    effects.append(Close(gone, pop.id, "cancelled"))
                seen = tuple(u for u in come if u not in pop.dismissed)
                if seen:
                    effects.append(Show(seen, self.heads.pop(pop), fresh=True))
            if users:
                effects.append(ShowAgent(users))
        return effects

    # --- inside ------------------------------------------------------------------------------------------------

    def _show(self, pop: PopState, fresh: bool = False) -> list[Effect]:
        users = pop.audience
        return [Show(users, self.heads.pop(pop), fresh)] if users else []

    def _show_all(self, call: CallState) -> list[Effect]:
        return [effect for pop in call.pops.values() for effect in self._show(pop)]

    def _others(self, pop: PopState) -> list[Effect]:
        """The other pops of the call show who else rings or talks: that can wait a moment."""
        if len(pop.call.pops) < 2:
            return []
        others = tuple(p.id for p in pop.call.pops.values() if p is not pop and p.state in LIVE and p.audience)
        return [Later(others)] if others else []

    def _want(self, call: CallState, again: bool = False) -> list[Effect]:
        """The record will be seen soon: ask for its sections, once for each party that is chosen."""
        call.wanted = True
        if call.direction == "internal" or call.decision.level == "pending":
            return []
        key = call.party.id if call.party is not None else ""
        if call.gathered == key and not again:
            return []
        call.gathered = key
        return [Gather(call.id, key or None, call.number)]

    def _set_party(self, call: CallState, party: model.Party | None) -> None:
        if call.party is not None and call.party.owner is not None:
            self._owned.get(call.party.owner, set()).discard(call.id)
        call.party = party
        if party is not None and party.owner is not None:
            owned = self._owned.setdefault(party.owner, set())
            if len(owned) > 64:
                owned.intersection_update(self.shelf.calls)
            owned.add(call.id)
