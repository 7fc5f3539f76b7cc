"""Where calls and pops are kept: opening, closing, ending, putting away, and the bounds on all of it (pure)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final

from cti import wire
from cti.popup.phones import Phones
from cti.popup.state import CallState, Close, Effect, Forget, PopState, pop_id

MAX_CALLS: Final = 20_000
"Calls remembered at once; beyond it the oldest without a pop goes."
MAX_ENDED: Final = 5
"Ended pops a user keeps; beyond it the oldest is replaced."
MAX_REMEMBERED: Final = 20_000
"Dismissals and drafts kept at once."

LIVE: Final = ("ringing", "talking", "held")


class Shelf:
    """All calls and pops, each found by every key it is asked for."""

    def __init__(self, phones: Phones) -> None:
        self._phones = phones
        self.calls: OrderedDict[str, CallState] = OrderedDict()
        self.pops: dict[str, PopState] = {}
        self.at_phone: dict[str, dict[str, PopState]] = {}
        "{interface: {pop: state}} of the live pops."
        self.kept: dict[str, list[PopState]] = {}
        "{user: ended pops}, oldest first."
        self.drafts: OrderedDict[tuple[str, str], Any] = OrderedDict()
        "{(user, call): what was typed and not saved}."
        self._dismissed: OrderedDict[tuple[str, str], None] = OrderedDict()

    def add_call(self, call: CallState) -> list[Effect]:
        """Keep a call; the oldest without a pop goes where there are too many."""
        self.calls[call.id] = call
        effects: list[Effect] = []
        while len(self.calls) > MAX_CALLS:
            stale = next((c for c in self.calls.values() if not c.pops), None)
            if stale is None:
                break
            effects += self.drop(stale)
        return effects

    def new_pop(self, pbx: str, keys: Iterable[str], call: CallState, interface: str, agent: str | None) -> PopState:
        """A pop of this call at this phone, for those who sit there. The keys name it for good."""
        pop = PopState(pop_id(pbx, *keys), call, interface, agent)
        self.pops[pop.id] = pop
        call.pops[pop.id] = pop
        self.at_phone.setdefault(interface, {})[pop.id] = pop
        pop.users = self._phones.users(interface)
        self.apply_dismissed(pop)
        return pop

    def apply_dismissed(self, pop: PopState) -> None:
        """A pop that a user put away stays away."""
        for user in pop.users:
            if (user, pop.id) in self._dismissed:
                pop.dismissed.add(user)

    def remember_dismissed(self, user: str, id: str) -> None:
        """The user put this pop away."""
        self._dismissed[(user, id)] = None
        while len(self._dismissed) > MAX_REMEMBERED:
            self._dismissed.popitem(last=False)

    def keep_draft(self, user: str, call_id: str, draft: Any) -> None:
        """What the user typed and has not saved; an empty one drops it."""
        self.drafts.pop((user, call_id), None)
        if draft:
            self.drafts[(user, call_id)] = draft
        while len(self.drafts) > MAX_REMEMBERED:
            self.drafts.popitem(last=False)

    def at(self, call_id: str, interface: str) -> PopState | None:
        """The pop of this call at this phone: a live one before an ended one, the newest of several."""
        call = self.calls.get(call_id)
        if call is None:
            return None
        found = [p for p in call.pops.values() if p.interface == interface]
        live = [p for p in found if p.state in LIVE] or found
        return live[-1] if live else None

    def revive(self, pop: PopState) -> None:
        """An ended pop's phone talks again, as after a transfer that came back."""
        if pop.state != "ended":
            return
        pop.ended_at = None
        for user in pop.users:
            if pop in self.kept.get(user, ()):
                self._take_out(user, pop)
        self.at_phone.setdefault(pop.interface, {})[pop.id] = pop

    def close(self, pop: PopState, reason: wire.CloseReason, by: str | None = None) -> list[Effect]:
        """The pop goes away everywhere."""
        effects: list[Effect] = [Close(pop.audience, pop.id, reason, by)] if pop.audience else []
        self._remove(pop)
        return effects + self.drop_if_done(pop.call)

    def end(self, pop: PopState, at: float) -> list[Effect]:
        """The call left the pop's phone: the pop stays with its users until they put it away."""
        pop.state = "ended"
        pop.ended_at = at
        self._off_phone(pop)
        effects: list[Effect] = []
        if not pop.audience:
            self._remove(pop)
        for user in pop.audience:
            kept = self.kept.setdefault(user, [])
            kept.append(pop)
            while len(kept) > MAX_ENDED:
                effects += self.put_away(user, kept[0], "replaced")
        return effects

    def put_away(self, user: str, pop: PopState, reason: wire.CloseReason) -> list[Effect]:
        """One user has done with a pop; an ended one that nobody has goes for good."""
        effects: list[Effect] = [Close((user,), pop.id, reason)] if user in pop.audience else []
        pop.dismissed.add(user)
        self._take_out(user, pop)
        if pop.state == "ended" and not pop.audience:
            self._remove(pop)
            effects += self.drop_if_done(pop.call)
        return effects

    def drop_if_done(self, call: CallState) -> list[Effect]:
        """Forget a call that is over and that nobody looks at."""
        return self.drop(call) if call.over and not call.pops else []

    def drop(self, call: CallState) -> list[Effect]:
        """Forget a call."""
        if self.calls.pop(call.id, None) is None:
            return []
        return [Forget(call.id)] if call.gathered is not None else []

    def _remove(self, pop: PopState) -> None:
        self._off_phone(pop)
        self.pops.pop(pop.id, None)
        pop.call.pops.pop(pop.id, None)
        for user in pop.users:
            self._take_out(user, pop)

    def _off_phone(self, pop: PopState) -> None:
        there = self.at_phone.get(pop.interface)
        if there is not None:
            there.pop(pop.id, None)
            if not there:
                del self.at_phone[pop.interface]

    def _take_out(self, user: str, pop: PopState) -> None:
        kept = self.kept.get(user)
        if kept is not None and pop in kept:
            kept.remove(pop)
            if not kept:
                del self.kept[user]
