"""The hub's patience with slow pages, with pipes and a clock that the test moves."""

from __future__ import annotations

import json
from collections.abc import Iterable

from cti import wire
from cti.popup.hub import BEAT_TURNS, BEHIND_S, HOPELESS, MAX_BUFFER, MAX_FRAMES, TOO_SLOW, Hub, Page
from tests.popup.pages import identity


class Pipe:
    """A connection whose reader takes what the test says."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.unread = 0
        self.stalled = False
        self.closed: int | None = None

    def write(self, *frames: bytes) -> None:
        """Frames go out; they stay unread while stalled."""
        self.frames += frames
        if self.stalled:
            self.unread += sum(map(len, frames))

    def pending(self) -> int:
        """Bytes not read."""
        return self.unread

    def close(self, code: int, reason: str) -> None:
        """Closed with this code."""
        self.closed = code

    def told(self) -> list[tuple[str, int]]:
        """[(type, seq)] of all frames."""
        return [(f["type"], f["seq"]) for f in map(json.loads, self.frames)]


class Room:
    """A hub with a clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.hub = Hub(self.snapshot, pbx_now=lambda: 100.0, steady=lambda: self.now)

    def snapshot(self, page: Page) -> Iterable[tuple[str, bytes]]:
        """A small snapshot."""
        yield "snapshot", wire.EMPTY

    def enter(self, login: str = "lin") -> Pipe:
        """A page opens."""
        pipe = Pipe()
        self.hub.open(pipe, identity(login), "desk")
        return pipe

    def send(self, size: int = 10) -> None:
        """One frame for lin."""
        self.hub.send(("lin",), "pop", wire.body(x="x" * size))


def test_many_small_frames_unread_are_too_many() -> None:
    """The bound is on frames, too: heartbeats do not pile up for hours."""
    room = Room()
    pipe = room.enter()
    pipe.stalled = True
    for _ in range(2 * MAX_FRAMES):
        room.send()
    assert MAX_FRAMES <= len(pipe.frames) <= MAX_FRAMES + 2


def test_page_that_reads_is_never_skipped_however_much_it_gets() -> None:
    """What was read does not count."""
    room = Room()
    pipe = room.enter()
    for _ in range(4 * MAX_FRAMES):
        room.send(2000)
    assert len(pipe.frames) == 1 + 4 * MAX_FRAMES
    pipe.stalled = True
    room.send()
    pipe.unread, pipe.stalled = 0, False
    for _ in range(2 * MAX_FRAMES):
        room.send()
    assert room.hub.figures.skipped == 0


def test_page_behind_is_waited_for_and_then_closed() -> None:
    """A minute of patience, not less, not more: its browser may have put it to sleep."""
    room = Room()
    pipe = room.enter()
    pipe.stalled = True
    for _ in range(40):
        room.send(MAX_BUFFER // 20)
    room.now = BEHIND_S
    room.hub.look_after()
    assert pipe.closed is None
    room.now = BEHIND_S + 0.1
    room.hub.look_after()
    assert pipe.closed == TOO_SLOW
    assert len(room.hub) == 0


def test_page_with_two_megabytes_unread_is_closed_at_once() -> None:
    """No snapshot makes that good; and a first snapshot however large is no reason as long as nothing piles up."""
    room = Room()
    pipe = room.enter()
    pipe.stalled = True
    room.send(HOPELESS + 1)
    room.hub.look_after()
    assert pipe.closed is None
    room.send()
    room.hub.look_after()
    assert pipe.closed == TOO_SLOW


def test_heartbeat_reaches_every_page_once_a_round_and_never_all_at_once() -> None:
    """A round of turns is one heartbeat for each page; no turn is much more than its share."""
    room = Room()
    pipes = [room.enter(f"user{n}") for n in range(10 * BEAT_TURNS)]
    for turn in range(3 * BEAT_TURNS):
        before = sum(len(pipe.frames) for pipe in pipes)
        room.hub.beat()
        assert sum(len(pipe.frames) for pipe in pipes) - before == 10, turn
    assert {tuple(pipe.told()) for pipe in pipes} == {(("snapshot", 1), ("beat", 2), ("beat", 3), ("beat", 4))}


def test_page_that_has_read_on_goes_on_with_a_snapshot() -> None:
    """After the gap comes a snapshot with the next number, then deltas again."""
    room = Room()
    pipe = room.enter()
    pipe.stalled = True
    for _ in range(40):
        room.send(MAX_BUFFER // 20)
    sent = len(pipe.frames)
    pipe.unread = 1
    room.hub.look_after()
    assert len(pipe.frames) == sent
    pipe.unread, pipe.stalled = 0, False
    room.hub.look_after()
    room.send()
    assert pipe.told()[sent:] == [("snapshot", sent + 1), ("pop", sent + 2)]


def test_leaving_twice_is_leaving_once() -> None:
    """A page that went away by itself and was sent away is gone, and its neighbour is not."""
    room = Room()
    first, second = room.enter(), room.enter()
    page = room.hub.pages()[0]
    room.hub.close(page, 1001, "")
    room.hub.leave(page)
    room.send()
    assert first.told() == [("snapshot", 1)]
    assert second.told() == [("snapshot", 1), ("pop", 2)]
    assert room.hub.users() == ["lin"]
