"""A crowd: callers of every patience, agents of every kind (SIPp), and a site with a queue too small for them.

Callers enter a small queue that sends them on to a large one when they have waited for some seconds, or the large one
straight away. Agents decline, ring out, talk, hand callers on to a colleague or back into the large queue.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
from dataclasses import dataclass

from tests.asterisk import programs
from tests.asterisk.flood import SCENARIOS
from tests.asterisk.pbx import RealAsterisk
from tests.asterisk.ports import free_port
from tests.asterisk.site import Site

SMALL, LARGE = "brook", "river"
OVERFLOWING, STRAIGHT = "4000009931", "4000009932"
"Numbers dialled: into the small queue and over its brim into the large one; into the large one."
BACK = "7051"
"Extension that leads back into the large queue."


class CrowdSite(Site):
    """A site with the crowd's two queues, and dialplan around them."""

    def _queues(self) -> str:
        agents = self.flood_extensions()
        small = len(agents) // 4
        text = super()._queues()
        for queue, members, strategy, ring_s in (
            (SMALL, agents[:small], "rrmemory", 3),
            (LARGE, agents[small:], "leastrecent", 4),
        ):
            text += f"\n[{queue}](shared)\nstrategy = {strategy}\nwrapuptime = 0\ntimeout = {ring_s}\n"
            text += "".join(f"member => PJSIP/{a},0,Agent {a},PJSIP/{a}\n" for a in members)
        return text

    def _extensions(self) -> str:
        def after(queue: str) -> str:
            return f" same => n,UserEvent(Overflow,Queue: {queue},Status: ${{QUEUESTATUS}})\n"

        clean = f"1,Gosub({self.names.context('clean')},s,1)\n same => n,Set(__DID=${{EXTEN}})\n same => n,Answer()\n"
        return (
            super()._extensions()
            + f"[{self.names.context('from-trunk')}-extra](+)\n"
            + f"exten => {OVERFLOWING},{clean} same => n,Goto(crowd-{SMALL},s,1)\n"
            + f"exten => {STRAIGHT},{clean} same => n,Goto(crowd-{LARGE},s,1)\n"
            + f"[crowd-{SMALL}]\nexten => s,1,Queue({SMALL},tk,,,4)\n{after(SMALL)}"
            + f" same => n,Goto(crowd-{LARGE},s,1)\n"
            + f"[crowd-{LARGE}]\nexten => s,1,Queue({LARGE},tk,,,12)\n{after(LARGE)} same => n,Hangup()\n"
            + f"[{self.names.context('from-phones')}](+)\n"
            + f"exten => {BACK},1,Goto(crowd-{LARGE},s,1)\n"
            + "exten => _60XXX,1,Dial(PJSIP/${EXTEN},8,tk)\n same => n,Hangup()\n"
        )


@dataclass(frozen=True)
class Crowd:
    """How many calls, how fast, and the seed of their patience."""

    calls: int
    per_second: float
    seed: int
    kinds: int = 6
    "How many different patiences there are."
    longest_s: float = 14.0
    "After this whoever is still there hangs up, talking or not."


async def press(pbx: RealAsterisk, crowd: Crowd, guard: float) -> None:
    """Make the calls and wait until all callers have hung up. Raises RuntimeError where SIPp could not be run."""
    sipp, folder, site = programs.sipp(), pbx.folder / "sipp", pbx.site
    folder.mkdir(exist_ok=True)
    rng = random.Random(crowd.seed)
    colleague, scenario = site.flood_extensions()[-1], (SCENARIOS / "clerk.xml").read_text(encoding="utf-8")
    (folder / "clerk.xml").write_text(
        scenario.replace("@COLLEAGUE@", colleague).replace("@QUEUE@", BACK), encoding="utf-8"
    )

    async def start(*options: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *sipp.words,
            f"127.0.0.1:{site.sip_port}",
            *options,
            *("-aa", "-nostdin", "-l", "2000"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, **sipp.environment, "TERM": "dumb"},
        )

    async def callers(kind: int, calls: int, number: str, patience_ms: int) -> None:
        name = f"crowd{kind}"
        who = "".join(f"137{rng.randrange(10**8):08d};\n" for _ in range(calls))
        (folder / f"{name}.csv").write_text("SEQUENTIAL\n" + who)
        text = (SCENARIOS / "caller.xml").read_text(encoding="utf-8").replace("@PATIENCE@", str(patience_ms))
        # They do not come in step with one another.
        begin = '<send retrans="500">'
        text = text.replace(begin, f'<pause distribution="uniform" min="0" max="1500"/>{begin}', 1)
        (folder / f"{name}.xml").write_text(text, encoding="utf-8")
        process = await start(
            *("-sf", str(folder / f"{name}.xml"), "-inf", str(folder / f"{name}.csv"), "-s", number),
            *("-i", site.trunk_host, "-p", str(free_port(site.trunk_host, socket.SOCK_DGRAM))),
            *("-r", str(crowd.per_second * calls / crowd.calls), "-m", str(calls), "-timeout", str(int(guard))),
        )
        try:
            if await asyncio.wait_for(process.wait(), guard + 10) not in (0, 1):
                raise RuntimeError(f"SIPp ended with {process.returncode}")
        finally:
            if process.returncode is None:
                process.kill()

    shares = [crowd.calls // crowd.kinds + (n < crowd.calls % crowd.kinds) for n in range(crowd.kinds)]
    longest = round(crowd.longest_s * 1000)
    # From one who gives up at once to the longest; in between as it falls.
    patience = [700, *(rng.randrange(1500, longest) for _ in range(crowd.kinds - 2)), longest]
    clerks = await start("-sf", str(folder / "clerk.xml"), "-i", "127.0.0.1", "-p", str(site.flood_port))
    try:
        async with asyncio.TaskGroup() as group:
            for kind, (calls, wait_ms) in enumerate(zip(shares, patience, strict=True)):
                group.create_task(callers(kind, calls, (OVERFLOWING, STRAIGHT)[kind % 2], wait_ms))
        while "0 active channels" not in await pbx.cli("core show channels count"):  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0.2)
        if clerks.returncode is not None:
            raise RuntimeError(f"the agents' SIPp ended with {clerks.returncode}")
    finally:
        if clerks.returncode is None:
            clerks.kill()
            await clerks.wait()
