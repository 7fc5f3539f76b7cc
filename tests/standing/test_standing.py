"""Another node that is given what stands, and then what follows, stands where the first one stands."""

from __future__ import annotations

import random
from collections.abc import Iterable

import msgspec
import pytest

from crm_bridge.numbers import canonical
from cti import events, wire
from cti.board import Board, BoardView, QueuePlan
from cti.events import Event
from cti.popup.phones import Phones
from cti.popup.rules import Labels
from cti.popup.session import PopSession
from cti.replay import Replay
from cti.standing import MOST, Standing
from tests.calls import tapes

PHONES = [f"PJSIP/{number}" for number in (*range(1001, 1012), *range(8001, 8012))]


class Node:
    """What a node's pages show: pops by user (one a phone), and the board."""

    def __init__(self, phones: Iterable[str]) -> None:
        self.phones = Phones()
        for phone in phones:
            self.phones.set_own(phone, [phone])
        self.session = PopSession(self.phones, Labels(), canonical)
        self.board = Board({}, default=QueuePlan(label=""))

    def apply(self, told: Iterable[Event]) -> None:
        """Take events in."""
        for event in told:
            self.session.apply(event)
            self.board.apply(event)

    def shown(self) -> tuple[dict[str, list[wire.Pop]], BoardView]:
        """All that can be seen of it, but the day's figures, which come from the store."""
        pops = {user: sorted(self.session.pops_of(user), key=lambda pop: pop.id) for user in sorted(self.phones_all())}
        board = self.board.snapshot()
        return pops, msgspec.structs.replace(board, totals=None, queues={})

    def phones_all(self) -> set[str]:
        """All users."""
        return {user for phone in PHONES for user in self.phones.users(phone)}


def told(archive: str, scenario: str) -> list[Event]:
    """The events of a tape."""
    replay = Replay()
    replay.run(tapes.whole(archive, scenario))
    return replay.events


def through_wire(given: Iterable[Event]) -> list[Event]:
    """What another node gets: the events as they were encoded here."""
    return [wire.decode_event(wire.encode_event(event)) for event in given]  # type: ignore[arg-type]


@pytest.mark.parametrize(("archive", "scenario"), tapes.scenarios(), ids=lambda value: str(value))
def test_whoever_gets_what_stands_stands_there(archive: str, scenario: str) -> None:
    """At any moment of any tape: what stands, given to a new node, makes the same pops and board, then and later."""
    story = told(archive, scenario)
    chance = random.Random(f"{archive} {scenario}")
    for cut in sorted({chance.randint(0, len(story)) for _ in range(6)}):
        first, second, standing = Node(PHONES), Node(PHONES), Standing()
        first.apply(story[:cut])
        for event in story[:cut]:
            standing.apply(event)
        second.apply(through_wire(standing.events()))
        assert second.shown() == first.shown(), f"at {cut} of {len(story)}"
        first.apply(story[cut:])
        second.apply(story[cut:])
        assert second.shown() == first.shown(), f"at the end, from {cut} of {len(story)}"


def test_what_is_over_is_forgotten() -> None:
    """Neither many calls nor one that rings for ever makes it grow."""
    standing = Standing()
    for number in range(10_000):
        call = f"c{number}"
        standing.apply(
            events.CallOffered(
                at=float(number), call=call, direction="inbound", caller="1", caller_name=None, dialed="2"
            )
        )
        standing.apply(events.CallEnded(at=float(number), call=call))
    assert standing.sizes()["calls"] <= 62
    for number in range(10_000):
        ring = events.CallRouted(at=20_000.0 + number, call="long", choice=str(number))
        standing.apply(ring)
    assert standing.sizes()["events"] <= 62 * 2 + MOST + 2
