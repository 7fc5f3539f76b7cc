"""A crowd calls a real Asterisk while faults befall the service: what it counted, beside the PBX's own books.

A fault is a coroutine function that breaks something of a `Stand`, mends it, and returns when the service says that it
is well again. How long each took is kept as a hole: calls that lived in one must be marked, and no others.
"""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.asterisk import programs
from tests.asterisk.agreement import Books, Stored, books_of, disagreements, stored
from tests.asterisk.console import Console
from tests.asterisk.crowd import Crowd, CrowdSite, press
from tests.asterisk.daemon_process import DaemonProcess
from tests.asterisk.pbx import RealAsterisk
from tests.faults.proxy import Proxy

AGREES_S = 40.0
"What is missing is filled in when our own events have had their time (10 s after the call's last line) and two rounds."
GUARD_S = 60.0


@dataclass
class Stand:
    """The PBX, the network and the service, each of which may be broken."""

    pbx: RealAsterisk
    proxy: Proxy
    daemon: DaemonProcess
    rng: random.Random
    holes: list[tuple[float, float]] = field(default_factory=list)
    noticed: list[tuple[str, float]] = field(default_factory=list)
    "(fault, seconds until /readyz said no)."

    async def suffer(self, fault: Fault) -> None:
        """Let it happen; the hole is as long as the fault."""
        began = now()
        await fault(self)
        self.holes.append((began, now()))

    async def not_ready(self) -> float:
        """Seconds until the service says that it is not well."""
        began = time.monotonic()
        async with asyncio.timeout(GUARD_S):
            while await self.daemon.is_ready():  # noqa: ASYNC110  another process: nobody tells
                await asyncio.sleep(0.02)
        return time.monotonic() - began

    async def back(self) -> None:
        """Wait until the service is well again."""
        await self.daemon.ready()


Fault = Callable[[Stand], Awaitable[None]]


@dataclass(frozen=True)
class Run:
    """What a run left."""

    books: Books
    ours: Stored
    holes: list[tuple[float, float]]
    judged: tuple[int, str]
    "Exit code and text of `cti reconcile`."
    corrections: int
    "What the audit put right, since the daemon's last start."
    noticed: list[tuple[str, float]]
    lossy: bool
    "Packets were lost, doubled or moved on a whole link: any call may be marked, and the audit may have corrected."

    def disagreements(self, ours: Stored | None = None) -> list[str]:
        """Where the service's books (or others in their place) are not the PBX's."""
        return disagreements(self.books, ours or self.ours, self.holes, lossy=self.lossy)


def now() -> float:
    """The wall clock, which is the PBX's."""
    return time.time()  # noqa: TID251  the tests' PBX runs on this machine


async def through(
    crowd: Crowd,
    agents: int,
    faults: Sequence[Fault],
    *,
    lossy: bool = False,
    small_buffers: bool = False,
    environment: Mapping[str, str] | None = None,
    pause_s: float | None = None,
) -> Run:
    """The crowd calls, the faults befall the service one after the other, and what it missed is waited for.

    `pause_s`: about so long between two faults; None: spread over the time of the crowd.
    """
    rng = random.Random(crowd.seed)
    during = crowd.calls / crowd.per_second
    async with (
        RealAsterisk(CrowdSite(flood_agents=agents)) as pbx,
        Proxy(("127.0.0.1", pbx.ami_port), small_buffers=small_buffers) as proxy,
        DaemonProcess(pbx, proxy.port, environment=environment) as daemon,
    ):
        stand = Stand(pbx, proxy, daemon, rng)
        crowding = asyncio.create_task(press(pbx, crowd, guard=during + 60 + 15 * len(faults)))
        try:
            for fault in faults:
                mean = max(0.2, during / (len(faults) + 1) - 1.0) if pause_s is None else pause_s
                await asyncio.sleep(rng.uniform(0.5, 1.5) * mean)
                await stand.suffer(fault)
            await crowding
        finally:
            crowding.cancel()
            with suppress(asyncio.CancelledError):
                await crowding
        holes = [] if lossy else stand.holes
        books = books_of(pbx)
        until = now() + AGREES_S
        ours = stored(daemon)
        while (wrong := disagreements(books, ours, holes, lossy=lossy)) and now() < until:
            await asyncio.sleep(0.5)  # another process: nobody tells
            ours = stored(daemon)
        corrections = await daemon.counted("link", "audit_corrections")
        judged = await daemon.reconcile()
        if not judged[0]:
            judged = await daemon.reconcile("--log", str(pbx.queue_log))
        if wrong:
            _keep(pbx.folder, crowd)
    return Run(books, ours, holes, judged, corrections, stand.noticed, lossy)


def _keep(folder: Path, crowd: Crowd) -> None:
    """What a failure is to be understood from."""
    kept = Path(".cache") / f"agreement-{crowd.seed}"
    shutil.rmtree(kept, ignore_errors=True)
    for part in ("thirteen", "log"):
        shutil.copytree(folder / part, kept / part)


def crowded(
    crowd: Crowd,
    agents: int,
    faults: Sequence[Fault] = (),
    *,
    lossy: bool = False,
    small_buffers: bool = False,
    pause_s: float | None = None,
) -> Run:
    """A run, or a skipped test where no Asterisk can be had."""
    programs.sipp()
    programs.asterisk_files("22")
    return asyncio.run(through(crowd, agents, faults, lossy=lossy, small_buffers=small_buffers, pause_s=pause_s))


def check(done: Run, calls: int) -> None:
    """Everything agrees, and there was enough of everything to prove something."""
    assert not (wrong := done.disagreements()), "\n".join(wrong)
    assert done.judged[0] == 0, done.judged[1]
    if not done.lossy:
        assert done.corrections == 0, "no event was lost on a whole link, and the audit found something to put right"
    outcomes: Counter[str] = Counter()
    for (_, _, outcome), count in done.books.tally.items():
        outcomes[outcome] += count
    assert sum(call.direction == "inbound" for call in done.books.calls) == calls
    assert outcomes["answered"] > calls / 4
    assert outcomes["abandoned"] > calls / 20
    if calls > 100:
        assert outcomes["timeout"] >= calls / 40
        assert sum(len(call.transfers) for call in done.books.calls) >= calls / 40


# --- what may happen to the link --------------------------------------------------------------------------------


async def cut(stand: Stand) -> None:
    """RST in the middle of whatever is said, and nobody reachable for some seconds (F1)."""
    stand.proxy.closed = True
    stand.proxy.reset()
    await asyncio.sleep(stand.rng.uniform(1.0, 4.0))
    stand.proxy.closed = False
    await stand.back()


async def finished(stand: Stand) -> None:
    """FIN, and reachable again at once (F1)."""
    made = stand.proxy.made
    stand.proxy.finish()
    await stand.proxy.until(lambda proxy: proxy.made > made)
    await stand.back()


async def kicked(stand: Stand) -> None:
    """The PBX's administrator ends our session (F1)."""
    made = stand.proxy.made
    found = re.search(r"^\s*thirteen\s+\S+\s+\S+\s+\S+\s+(\d+)\s", await stand.pbx.cli("manager show connected"), re.M)
    assert found is not None, "the service is not logged in"
    await stand.pbx.cli(f"manager kick session {found[1]}")
    await stand.proxy.until(lambda proxy: proxy.made > made)
    await stand.back()


async def half_open(stand: Stand) -> None:
    """Nothing from the PBX arrives any more, and nobody is told (F2)."""
    stand.proxy.to_client.silent = True
    stand.noticed.append(("half-open", await stand.not_ready()))
    stand.proxy.heal()
    await stand.back()


async def torn(stand: Stand) -> None:
    """The stream ends in the middle of a packet."""
    ended = stand.proxy.ended["proxy"]
    stand.proxy.to_client.end_after = stand.proxy.to_client.carried + 1999
    await stand.proxy.until(lambda proxy: proxy.ended["proxy"] > ended)
    stand.proxy.heal()
    await stand.back()


async def reader_stopped(stand: Stand) -> None:
    """The service stands still while much is said, until the PBX has cut it for not reading (F4)."""
    made = stand.proxy.made
    stand.daemon.freeze()
    try:
        async with asyncio.timeout(GUARD_S), _noise(stand.pbx) as noise:
            while "thirteen" in await stand.pbx.cli("manager show connected"):
                await noise(200)
    finally:
        stand.daemon.thaw()
    await stand.proxy.until(lambda proxy: proxy.made > made)
    await stand.back()


@asynccontextmanager
async def _noise(pbx: RealAsterisk) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Has the PBX say so many kilobytes of nothing to whoever listens; 12 MB at most, more than the kernel holds."""
    console = await Console(pbx.ami_port, pbx.site.secret, classes="off").open()
    left = 12_000

    async def say(kilobytes: int) -> None:
        nonlocal left
        left -= kilobytes
        if left < 0:
            await asyncio.sleep(0.25)  # now it is the PBX's patience that is waited for
            return
        for _ in range(kilobytes):
            await console.act("UserEvent", UserEvent="Noise", Text="." * 900)

    try:
        yield say
    finally:
        await console.close()


async def killed(stand: Stand) -> None:
    """kill -9 of the service (F9)."""
    await stand.daemon.kill()
    await asyncio.sleep(stand.rng.uniform(0.2, 2.0))
    await stand.daemon.start()
