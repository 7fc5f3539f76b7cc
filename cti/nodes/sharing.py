"""What people do at one node and the pages of all nodes must show: applied here, then told to the other nodes.

A fact is one struct. `share` applies it here and tells it, `hear` applies what another node told. Each changes only
what is shown: what is of record stands in the store before it is shared, and a node that missed a fact reads it there
when its user comes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec

from crm_bridge import model
from cti import wire
from cti.floor import Floor
from cti.popup.phones import PhoneTaken
from cti.wire.supervision import ActionView
from cti.wire.watching import Silence

log = logging.getLogger(__name__)


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all."""


class NoteSaved(Fact, frozen=True, kw_only=True):
    """Somebody's note about a call."""

    call: str
    note: wire.Note


class Chosen(Fact, frozen=True, kw_only=True):
    """Somebody said who the caller is; None for nobody of those offered."""

    call: str
    party: model.Party | None


class PartySaved(Fact, frozen=True, kw_only=True):
    """A customer's fields were changed."""

    party: model.Party


class Reread(Fact, frozen=True, kw_only=True):
    """Something of these customers was saved."""

    parties: tuple[str, ...]
    sections: tuple[wire.SectionName, ...]


class TextsChanged(Fact, frozen=True, kw_only=True):
    """A text message of this number key came or changed."""

    key: str


class Dismissed(Fact, frozen=True, kw_only=True):
    """A user put a pop away."""

    user: str
    pop: str


class DraftKept(Fact, frozen=True, kw_only=True):
    """What a user typed for a call and did not save."""

    user: str
    call: str
    draft: Any


class Seated(Fact, frozen=True, kw_only=True):
    """A user sits at this phone for today; None: at none."""

    user: str
    interface: str | None


class Told(Fact, frozen=True, kw_only=True):
    """A frame for pages of these users."""

    users: tuple[str, ...]
    kind: str
    body: msgspec.Raw


class ActionTold(Fact, frozen=True, kw_only=True):
    """How an action of a supervisor stands."""

    view: ActionView


class RulesChanged(Fact, frozen=True, kw_only=True):
    """Overflow rules, or how they stand: the store has them."""


class Quiet(Fact, frozen=True, kw_only=True):
    """Somebody wants quiet."""

    silence: Silence


class Loud(Fact, frozen=True, kw_only=True):
    """It may be loud again."""

    silence: str


class Regrouped(Fact, frozen=True, kw_only=True):
    """Who is in which team: {phone: team}."""

    teams: Mapping[str, str]


FACTS: Final[Mapping[str, msgspec.json.Decoder[Fact]]] = {
    fact.__name__: msgspec.json.Decoder[Fact](fact)
    for fact in (
        NoteSaved,
        Chosen,
        PartySaved,
        Reread,
        TextsChanged,
        Dismissed,
        DraftKept,
        Seated,
        Told,
        ActionTold,
        RulesChanged,
        Quiet,
        Loud,
        Regrouped,
    )
}
F = TypeVar("F", bound=Fact)


class Sharing:
    """The facts of one node. `tell` is set where there are others to be told."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self.tell: Callable[[Fact], None] = lambda fact: None
        self._takes: dict[type[Fact], Callable[[Any], None]] = {
            NoteSaved: self._note,
            Chosen: self._chosen,
            PartySaved: self._party,
            Reread: lambda fact: floor.reread(fact.parties, fact.sections),
            TextsChanged: lambda fact: floor.records.messages_changed(fact.key),
            Dismissed: lambda fact: floor.carry(floor.session.dismiss(fact.user, fact.pop)),
            DraftKept: lambda fact: floor.session.shelf.keep_draft(fact.user, fact.call, fact.draft),
            Seated: self._seated,
            Told: self._told,
        }

    def takes(self, kind: type[F], take: Callable[[F], None]) -> None:
        """Whoever else has something to do for a kind of fact."""
        self._takes[kind] = take

    def share(self, fact: Fact) -> None:
        """It happened here: apply it and tell the others."""
        self._apply(fact)
        self.tell(fact)

    def hear(self, kind: str, body: bytes) -> bool:
        """Another node told this; False where it is no fact, or none that can be read."""
        known = FACTS.get(kind)
        if known is None:
            return False
        try:
            fact = known.decode(body)
        except (msgspec.DecodeError, RecursionError):
            return False
        self._apply(fact)
        return True

    def push(self, users: tuple[str, ...], kind: str, body: bytes) -> None:
        """One frame to all pages of these users, wherever they are open."""
        self.share(Told(users=users, kind=kind, body=msgspec.Raw(body)))

    def _apply(self, fact: Fact) -> None:
        take = self._takes.get(type(fact))
        if take is not None:
            take(fact)

    def _note(self, fact: NoteSaved) -> None:
        self._floor.carry(self._floor.session.note_saved(fact.call, fact.note))

    def _chosen(self, fact: Chosen) -> None:
        self._floor.carry(self._floor.session.choose(fact.call, fact.party))
        self._floor.enrich(fact.call)

    def _party(self, fact: PartySaved) -> None:
        self._floor.carry(self._floor.session.party_changed(fact.party))
        self._floor.reread((fact.party.id,), ("profile",))

    def _seated(self, fact: Seated) -> None:
        floor, phones = self._floor, self._floor.session.phones
        if fact.interface is not None and phones.taken().get(fact.interface) == fact.user:
            return
        changed = phones.release(fact.user)
        if fact.interface is not None:
            try:
                changed |= phones.take(fact.user, fact.interface)
            except (PhoneTaken, KeyError):
                log.info("a phone that was taken elsewhere cannot be taken here")
        floor.carry(floor.session.phones_changed(changed))
        floor.hub.renew((fact.user,))

    def _told(self, fact: Told) -> None:
        self._floor.hub.send([user for user in fact.users if self._floor.hub.has(user)], fact.kind, bytes(fact.body))
