"""Many calls at once, made and answered by SIPp."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from tests.asterisk import programs
from tests.asterisk.pbx import RealAsterisk
from tests.asterisk.ports import free_port

SCENARIOS = Path(__file__).parent / "sipp"


@dataclass(frozen=True)
class Flood:
    """How many calls, how fast, and how patient the callers are."""

    calls: int = 200
    per_second: float = 10.0
    impatient_every: int = 5
    "One caller in so many hangs up after a second, wherever he is by then."


async def pour(pbx: RealAsterisk, flood: Flood, guard: float = 90) -> None:
    """Make the calls and wait until all are over; raise RuntimeError where SIPp is not content."""
    sipp, folder, site = programs.sipp(), pbx.folder / "sipp", pbx.site
    folder.mkdir(exist_ok=True)
    target = f"127.0.0.1:{site.sip_port}"

    async def start(*options: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *sipp.words,
            target,
            *options,
            *("-aa", "-nostdin", "-l", "2000"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, **sipp.environment, "TERM": "dumb"},
        )

    async def callers(name: str, first: int, calls: int, patience_ms: int) -> int:
        numbers = "".join(f"139{(first + n) * 7919 % 10**8:08d};\n" for n in range(calls))
        (folder / f"{name}.csv").write_text("SEQUENTIAL\n" + numbers)
        scenario = (SCENARIOS / "caller.xml").read_text().replace("@PATIENCE@", str(patience_ms))
        (folder / f"{name}.xml").write_text(scenario)
        port = free_port(site.trunk_host, socket.SOCK_DGRAM)
        process = await start(
            *("-sf", str(folder / f"{name}.xml"), "-inf", str(folder / f"{name}.csv")),
            *("-s", site.names.entries()[site.names.flood], "-i", site.trunk_host, "-p", str(port)),
            *("-r", str(flood.per_second * calls / flood.calls), "-m", str(calls), "-timeout", str(int(guard))),
        )
        try:
            return await asyncio.wait_for(process.wait(), guard + 10)
        finally:
            if process.returncode is None:
                process.kill()

    agents = await start("-sf", str(SCENARIOS / "agent.xml"), "-i", "127.0.0.1", "-p", str(site.flood_port))
    hasty = flood.calls // flood.impatient_every
    try:
        ends = await asyncio.gather(
            callers("patient", 0, flood.calls - hasty, 60_000), callers("hasty", flood.calls - hasty, hasty, 1_000)
        )
    finally:
        agents.kill()
        await agents.wait()
    if any(ends):
        raise RuntimeError(f"SIPp ended with {ends}: some call did not go as written")
