"""What a frame costs to encode, against the standard library's json on the same content."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec

from benchmarks import stream
from benchmarks.table import Figure, in_turns
from cti import wire
from cti.ami.framing import Framer
from cti.board import Board
from cti.calls.pbx import ONLY, WANTED, Pbx

TIMES = 300


def encode() -> list[Figure]:
    """The board as a snapshot of a busy moment, and the changes that one call makes to it."""
    board = busy_board()
    snapshot = board.snapshot()
    board.changes()
    deltas = []
    framer, pbx = Framer(WANTED, only=ONLY, tape=True), Pbx()
    for _, packet in stream.generate(5, agents=100, first=5000)[0]:
        for one in framer.feed(packet):
            for event in pbx.feed(one, stream.EPOCH):
                board.apply(event)
        changes = board.changes()
        if changes is not None:
            deltas.append(changes)
    plain_snapshot, plain_deltas = msgspec.to_builtins(snapshot), [msgspec.to_builtins(delta) for delta in deltas]
    rivals: dict[str, Callable[[], object]] = {
        "snapshot": lambda: [wire.body(board=snapshot) for _ in range(TIMES)],
        "json snapshot": lambda: [json.dumps(plain_snapshot).encode() for _ in range(TIMES)],
        "deltas": lambda: [wire.body(changes=delta) for delta in deltas for _ in range(TIMES)],
        "json deltas": lambda: [json.dumps(delta).encode() for delta in plain_deltas for _ in range(TIMES)],
    }
    cpu = in_turns(rivals)
    return [
        Figure("snapshot of 100 agents: json / ours", cpu["json snapshot"] / cpu["snapshot"], "x", 5, "more"),
        Figure("snapshot of 100 agents: ours", cpu["snapshot"] / TIMES * 1e6, "µs"),
        Figure("snapshot of 100 agents: size", len(wire.body(board=snapshot)) / 1000, "kB"),
        Figure("a change of the board: json / ours", cpu["json deltas"] / cpu["deltas"], "x", 5, "more"),
        Figure("a change of the board: ours", cpu["deltas"] / TIMES / len(deltas) * 1e6, "µs"),
    ]


def busy_board() -> Board:
    """100 agents and what 400 calls left, 40 of them under way."""
    board, framer, pbx = Board({}), Framer(WANTED, only=ONLY, tape=True), Pbx()
    sent, _ = stream.generate(400, agents=100)
    for _, packet in sent[: len(sent) * 9 // 10]:
        for one in framer.feed(packet):
            for event in pbx.feed(one, stream.EPOCH):
                board.apply(event)
    return board
