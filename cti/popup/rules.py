"""Who it may be and how it is said: the rules of the pop that need no memory (pure).

The rule of the choice: a party is chosen by itself only where nothing speaks for another one. Several are listed
with their reasons, and the agent chooses; a mere mention in a text is a trace and links nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from crm_bridge import model, numbers
from crm_bridge.numbers import CLASS_LABELS, Number
from cti import wire

WITHHELD: Final = ("anonymous", "masked")
"Classes that nobody can be looked up by."


PUBLIC: Final = ("mobile", "landline", "international", "shared_cost", "toll_free")
"Classes that only callers from outside have."


class QueueLabel(msgspec.Struct, frozen=True, kw_only=True):
    """How a queue is called and how long its callers may wait."""

    label: str
    target_s: float


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """The site's words for what the PBX names by keys."""

    lines: Mapping[str, str] = msgspec.field(default_factory=dict)
    "{dialled number: label}"
    choices: Mapping[str, Mapping[str, str]] = msgspec.field(default_factory=dict)
    "{dialled number: {menu key: label}}"
    queues: Mapping[str, QueueLabel] = msgspec.field(default_factory=dict)
    default_target_s: float = 13.0

    def queue(self, name: str) -> wire.QueueName:
        """The queue as the page shows it; a queue nobody configured is called by its name."""
        known = self.queues.get(name)
        if known is None:
            return wire.QueueName(id=name, label=wire.clean_text(name), target_s=self.default_target_s)
        return wire.QueueName(id=name, label=known.label, target_s=known.target_s)

    def line(self, dialed: str | None) -> wire.Line | None:
        """The dialled number as the page shows it."""
        if not dialed:
            return None
        return wire.Line(number=wire.clean_text(dialed, 40), label=self.lines.get(dialed, ""))

    def choice(self, dialed: str | None, key: str | None) -> wire.Choice | None:
        """The menu choice as the page shows it."""
        if not key:
            return None
        shown = wire.clean_text(key, 40)
        return wire.Choice(key=shown, label=self.choices.get(dialed or "", {}).get(key, ""))


def caller_view(number: Number, name: str | None) -> wire.Caller:
    """The caller as the page shows him: number, class, region and cleaned name."""
    label, label_en = CLASS_LABELS[number.cls]
    shown = None if number.cls == "anonymous" else wire.clean_text(number.raw, 40) or None
    display = label if shown is None else wire.clean_text(numbers.display(number), 60) or shown
    cleaned = wire.clean_text(name, 40)
    return wire.Caller(
        number=shown,
        display=display,
        cls=number.cls,
        class_label=label,
        class_label_en=label_en,
        region=number.region or "",
        region_en=number.region_en or "",
        name=cleaned if cleaned and cleaned not in (shown, "<unknown>", "Anonymous", "anonymous") else None,
    )


def party_view(party: model.Party, owner_phase: str | None = None) -> wire.Party:
    """A party as the page shows it, with the phase of its owner's phone."""
    return wire.Party(
        id=party.id,
        kind=party.kind,
        name=party.name,
        company=party.company,
        role=party.role,
        category=party.category,
        category_label=party.category_label,
        tier=party.tier,
        owner=party.owner,
        owner_name=party.owner_name,
        owner_phase=owner_phase,
        tags=party.tags,
        version=party.version,
    )


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a look-up comes to."""

    level: wire.MatchState
    chosen: model.Party | None = None
    candidates: tuple[model.Match, ...] = ()
    by_hand: bool = False
    "Somebody said so: it stands."


MAX_CANDIDATES: Final = 20


def decide(matches: Sequence[model.Match]) -> Decision:
    """Choose only where nothing speaks for another party; list everything else.

    A person and the company he belongs to are one answer, the person. An agent's earlier choice for this number
    ranks first and settles nothing: the other one may call this time. Mentions in texts are traces: listed, never
    chosen, and no reason to doubt a registered number.
    """
    best: dict[str, model.Match] = {}
    for match in sorted(matches, key=lambda m: (m.level == "text", -m.score)):
        best.setdefault(match.party.id, match)
    listed = tuple(best.values())[:MAX_CANDIDATES]
    strong = [m for m in listed if m.level != "text"]
    if not strong:
        return Decision(level="unknown", candidates=listed)
    companies = {m.party.company_id for m in strong if m.party.kind == "person"}
    people = [m for m in strong if m.party.kind == "person" or m.party.id not in companies]
    if len({m.party.id for m in people}) == 1:
        chosen = people[0]
        rest = tuple(m for m in listed if m.party.id != chosen.party.id)
        return Decision(level="exact", chosen=chosen.party, candidates=(chosen, *rest))
    return Decision(level="several", candidates=listed)
