"""The board's changes to 200 supervisors, five times a second, against writing the same bytes to 200 sockets.

Ours is the board, the encoder, the hub and the real push server; the floor is `transport.write` and nothing else. Both
run in this process and take turns; those who read are another process. CPU of this thread is measured.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Iterator

from benchmarks import stream
from benchmarks.frames import busy_board
from benchmarks.table import Figure
from cti import wire
from cti.ami.framing import Framer
from cti.auth import Identity
from cti.board import Board, Changes
from cti.calls.pbx import ONLY, WANTED, Pbx
from cti.popup.hub import Hub
from cti.popup.server import PushServer

SUPERVISORS = 200
HERTZ = 5
SECONDS = 12


def push() -> list[Figure]:
    """200 open boards, a change every 200 ms."""
    return asyncio.run(_measure())


class _Encoded:
    """Counts how often a body is encoded."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, changes: Changes) -> bytes:
        self.times += 1
        return wire.body(changes=changes)


class _Floor(asyncio.Protocol):
    """A plain connection."""

    def __init__(self, open_ones: list[asyncio.Transport]) -> None:
        self._open = open_ones

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._open.append(transport)


def _identity() -> Identity:
    return Identity(
        login="watch", name="Watch", role="supervisor", language="zh", interfaces=(), session="s", expires_at=2e9
    )


async def _measure() -> list[Figure]:
    loop = asyncio.get_running_loop()
    board = busy_board()
    hub = Hub(
        lambda page: [("snapshot", wire.body(board=board.snapshot()))], pbx_now=lambda: 0.0, steady=time.monotonic
    )
    everyone = iter(range(SUPERVISORS))

    async def identify(headers: object) -> Identity:
        return _named(next(everyone))

    async def still(sessions: object) -> dict[str, Identity]:
        return {"s": _identity()}

    async def touch(identity: Identity) -> None:
        pass

    server = PushServer(
        hub, identify=identify, still=still, touch=touch, origins=frozenset({"http://127.0.0.1"}), steady=time.monotonic
    )
    port = await server.start("127.0.0.1", 0)
    bare: list[asyncio.Transport] = []
    floor = await loop.create_server(lambda: _Floor(bare), "127.0.0.1", 0)
    raw = int(floor.sockets[0].getsockname()[1])
    readers = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.readers", str(port), str(raw), str(SUPERVISORS)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert readers.stdout is not None
        async with asyncio.timeout(60):
            await readers.stdout.readline()
            while len(hub) < SUPERVISORS or len(bare) < SUPERVISORS:  # noqa: ASYNC110 - they tell nobody
                await asyncio.sleep(0.05)
        board.changes()
        ours, alone, sizes, encoded = await _in_turns(hub, board, bare)
    finally:
        readers.terminate()
        await readers.wait()
        floor.close()
        await server.stop()
    own, base = statistics.median(ours), statistics.median(alone)
    return [
        Figure(f"{SUPERVISORS} supervisors at {HERTZ} Hz: ours / bare write", own / base, "x", 1.6),
        Figure("one change to all: ours", own * 1e6, "µs"),
        Figure("one change to all: bare write", base * 1e6, "µs"),
        Figure("share of a core", own * HERTZ * 100, "%"),
        Figure("size of a change", statistics.mean(sizes) / 1000, "kB"),
        Figure("times encoded for a change", encoded / len(ours), "", 1),
        Figure("frames skipped", hub.figures.skipped, "", 0),
    ]


def _named(n: int) -> Identity:
    one = _identity()
    return Identity(
        login=f"watch{n}", name=one.name, role=one.role, language="zh", interfaces=(), session="s", expires_at=2e9
    )


async def _in_turns(
    hub: Hub, board: Board, bare: list[asyncio.Transport]
) -> tuple[list[float], list[float], list[int], int]:
    """CPU seconds of each change by us and by the floor, sizes of the changes, how often they were encoded."""
    ours: list[float] = []
    alone: list[float] = []
    sizes: list[int] = []
    encode = _Encoded()
    for _ in _busy(board):
        if len(ours) == HERTZ * SECONDS:
            break
        start = time.thread_time()
        changes = board.changes()
        if changes is None:
            continue
        made = changes
        hub.send_boards("board", lambda customers: encode(made))  # noqa: B023 - called before the next turn
        ours.append(time.thread_time() - start)
        same = wire.frame("board", len(ours) + 1, 0.0, wire.body(changes=changes))
        frame = bytes([0x81, 126]) + len(same).to_bytes(2, "big") + same
        sizes.append(len(frame))
        await asyncio.sleep(0.5 / HERTZ)
        start = time.thread_time()
        for transport in bare:
            transport.write(frame)
        alone.append(time.thread_time() - start)
        await asyncio.sleep(0.5 / HERTZ)
    return ours, alone, sizes, encode.times


def _busy(board: Board) -> Iterator[None]:
    """200 ms after 200 ms of a busy site: 5 calls a second begin, ring, are answered and end."""
    framer, pbx = Framer(WANTED, only=ONLY, tape=True), Pbx()
    packets, _ = stream.generate(HERTZ * SECONDS * 4, agents=100, first=9000, rate=5)
    until = stream.EPOCH
    touched = False
    for at, packet in packets:
        while at >= until:
            if touched:
                yield
            touched = False
            until += 1 / HERTZ
        for one in framer.feed(packet):
            for event in pbx.feed(one, at):
                touched = board.apply(event) or touched
