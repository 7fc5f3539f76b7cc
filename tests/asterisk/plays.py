"""The list of plays: calls as people make them, each a short story on a `Stage`; the docstring says what happens.

The same plays are recorded as tapes (`python -m tests.asterisk.record`) and played live in front of the service.
Figures are in seconds and kept small: what is compared is exact, so a long talk proves no more than a short one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tests.asterisk.stage import Stage

Play = Callable[[Stage], Awaitable[None]]
P = TypeVar("P", bound=Play)

PLAYS: dict[str, Play] = {}
"All plays, by name."

DISRUPTIVE: set[str] = set()
"Plays after which the PBX is a new one, or that cut the manager session."

EUROPE, SEASIA, EXPORT, REMOTE = (0, 1, 2, 7), (3, 4, 5), (0, 1, 3, 5, 6, 7), (4, 5)
"Which phones are in which queue, by their place in Names.phones."

OFFICE = 8
"A phone that belongs to no queue."


def play(story: P) -> P:
    """Put a play on the list."""
    PLAYS[story.__name__] = story
    return story


def disruptive(story: P) -> P:
    """Put a play on the list that ends the manager session or the PBX."""
    DISRUPTIVE.add(story.__name__)
    return play(story)
