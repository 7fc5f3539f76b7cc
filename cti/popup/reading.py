"""What can be asked about the pops: the part of the session that changes nothing (pure)."""

from __future__ import annotations

from cti import wire
from cti.popup.heads import Heads
from cti.popup.phones import Phones
from cti.popup.rules import Labels
from cti.popup.shelf import Shelf
from cti.popup.state import PopState, Show


class Reading:
    """Calls and pops on their shelf, and how they look to whom."""

    def __init__(self, phones: Phones, labels: Labels) -> None:
        self.phones = phones
        self.heads = Heads(phones, labels)
        self.shelf = Shelf(phones)

    def pops_of(self, user: str) -> list[wire.Pop]:
        """The user's pops for a snapshot, oldest first, with his drafts."""
        seen: dict[str, PopState] = {}
        for interface in self.phones.of(user):
            seen.update(self.shelf.at_phone.get(interface, {}))
        seen.update((pop.id, pop) for pop in self.shelf.kept.get(user, ()))
        shown = [p for p in seen.values() if user in p.audience]
        shown.sort(key=lambda p: p.ringing_since or p.answered_at or 0.0)
        return [self.heads.pop(p, self.shelf.drafts.get((user, p.call.id))) for p in shown]

    def find(self, user: str, id: str) -> wire.Pop | None:
        """A pop of the user's; None for any other: absent and not his look the same."""
        pop = self.shelf.pops.get(id)
        return self.heads.pop(pop) if pop is not None and user in pop.users else None

    def may_see_call(self, user: str, call_id: str) -> bool:
        """True where the call is, or just was, at one of the user's phones."""
        call = self.shelf.calls.get(call_id)
        return call is not None and any(user in p.users for p in call.pops.values())

    def head(self, id: str) -> Show | None:
        """A pop as it stands now, for those who see it."""
        pop = self.shelf.pops.get(id)
        return Show(pop.audience, self.heads.pop(pop)) if pop is not None and pop.audience else None

    def audience_of_call(self, call_id: str) -> list[tuple[str, tuple[str, ...]]]:
        """[(pop, users)] that show this call."""
        call = self.shelf.calls.get(call_id)
        return [] if call is None else [(p.id, p.audience) for p in call.pops.values() if p.audience]
