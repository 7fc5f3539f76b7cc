"""Names without end, a loop that stands still, and open files that run out, under the real program (F31, F35, F36)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from cti.demo.pbx import SECRET, USERNAME, ReplayedPbx
from cti.demo.playback import TRUNK
from tests.faults import process
from tests.faults.broken import VARIABLE
from tests.faults.process import GUARD, CtiProcess

pytestmark = pytest.mark.long

PATIENCE = 8.0 if VARIABLE in os.environ else GUARD
"Seconds; of a program that is spoilt on purpose nobody waits long for what will not come."
MEMORY = 64e6
"Bytes that any single fault may cost (I12)."
FILES = 256
PROGRAMS_OWN = ("thirteen_link_total", "thirteen_core_odd_total")
"Counters of which a kind appears with the first time that it is counted; the kinds are words of the program."


@asynccontextmanager
async def running(folder: Path, **environment: str) -> AsyncIterator[tuple[CtiProcess, ReplayedPbx]]:
    """The program on a SQLite store of its own, live on a replayed PBX."""
    async with ReplayedPbx(speed=10.0, playing=False, talk=(1.0, 2.0)) as pbx:
        cti = CtiProcess(
            folder,
            f'[pbx]\nname = "main"\nhost = "127.0.0.1"\nport = {pbx.port}\nusername = "{USERNAME}"\n'
            f'secret = "{SECRET}"\ntrunks = ["{TRUNK}*"]\n[queues.europe]\nlabel = "欧洲航线"\n'
            f'[store]\nurl = "sqlite:///{folder}/cti.db"\n[crm]\nurl = "sqlite:///{folder}/crm.db"\n',
            environment=environment,
        )
        async with cti:
            yield cti, pbx


async def until(true: Callable[[], object], why: str) -> None:
    """Wait until it is so, for what nobody can be told of."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not true():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(why) from None


def stored(cti: CtiProcess) -> int:
    """Calls that are written and over."""
    with contextlib.closing(sqlite3.connect(f"file:{cti.folder}/cti.db?mode=ro", uri=True, timeout=10)) as store:
        return int(store.execute("SELECT count(*) FROM call WHERE ended_at IS NOT NULL").fetchone()[0])


def memory(cti: CtiProcess) -> float:
    """Bytes that the process holds."""
    return int(Path(f"/proc/{cti.pid}/statm").read_text().split()[1]) * float(os.sysconf("SC_PAGE_SIZE"))


# --- F31 -----------------------------------------------------------------------------------------------------------


class Strangers:
    """Callers, queues, agents and user events of which each has a name of its own."""

    def __init__(self, pbx: ReplayedPbx) -> None:
        self._pbx = pbx
        self._count = 0

    def come(self, calls: int) -> None:
        """So many calls from beginning to end, at once."""
        for _ in range(calls):
            self._count += 1
            n, now = self._count, self._pbx.clock()
            leg = {
                "Channel": f"PJSIP/{TRUNK.removeprefix('PJSIP/').strip('*')}-{n:08x}",
                "Uniqueid": f"{1780000000 + n}.{n}",
                "Linkedid": f"{1780000000 + n}.{n}",
                "CallerIDNum": f"139{n:08d}",
                "CallerIDName": f"stranger {n}",
            }
            member = {"Queue": f"q{n}", "MemberName": f"agent {n}", "Interface": f"PJSIP/x{n}", "Status": "1"}
            member |= {"StateInterface": f"PJSIP/x{n}", "Membership": "dynamic", "Penalty": "0", "Paused": "0"}
            self._say("Newchannel", "call,all", now, ChannelState="4", Exten="4000001313", Context="in", **leg)
            self._say("UserEvent", "user,all", now, UserEvent=f"Made{n}", Text=f"up {n}", **leg)
            self._say("QueueMemberAdded", "agent,all", now, **member)
            self._say("QueueCallerJoin", "agent,all", now, Queue=f"q{n}", Position="1", Count="1", **leg)
            self._say("QueueCallerAbandon", "agent,all", now, Queue=f"q{n}", Position="1", HoldTime="0", **leg)
            self._say("QueueCallerLeave", "agent,all", now, Queue=f"q{n}", Position="1", Count="0", **leg)
            self._say("QueueMemberRemoved", "agent,all", now, **member)
            self._say("Hangup", "call,all", now, Cause="16", **leg)

    def _say(self, event: str, privilege: str, now: float, **headers: str) -> None:
        self._pbx._emit([("Event", event), ("Privilege", privilege), *headers.items()], now)


def series(text: str) -> set[str]:
    """The series of /metrics without their values."""
    return {line.rpartition(" ")[0] for line in text.split("\n") if line and not line.startswith("#")}


async def test_names_without_end_make_neither_series_nor_memory(tmp_path: Path) -> None:
    """Thousands of callers, queues, agents and events, each with a name of its own: the same series, and I12 holds."""
    async with running(tmp_path) as (cti, pbx):
        strangers = Strangers(pbx)

        async def come(calls: int) -> None:
            for _ in range(calls // 250):
                before = stored(cti)
                strangers.come(250)
                await until(lambda before=before: stored(cti) >= before + 250, "calls were not written down")  # type: ignore[misc]

        await come(1000)
        before, base = series(await cti.metrics()), memory(cti)
        await come(5000)
        after = series(await cti.metrics())
        assert after - before <= {one for one in after if one.startswith(PROGRAMS_OWN)}, "series of strangers"
        assert len(after) < 300
        assert not any("q5" in one or "stranger" in one or "139" in one for one in after), "series of strangers"
        grown = memory(cti) - base
        assert grown < MEMORY, f"memory grew by {grown / 1e6:.0f} MB"
        assert await cti.is_ready()


# --- F35 -----------------------------------------------------------------------------------------------------------


async def test_stalled_loop_is_logged_with_its_place_and_costs_no_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that sleeps in the loop for two seconds: its place stands in the log, it is counted, no link is lost."""
    monkeypatch.setattr(process, "program", lambda: [sys.executable, "-m", "tests.faults.stalling"])
    async with running(tmp_path) as (cti, pbx):
        await pbx.place_call("answered", "13505741300", "europe", "4000001313")
        await until(lambda: "sleeps_in_the_loop" in cti.log(), "the log does not name the place")
        await until(lambda: stored(cti) == 1, "the call was not written down")
        text = await cti.metrics()
        assert "thirteen_loop_stalls_total 0\n" not in text, "the stall was not counted"
        assert 'thirteen_pbx_reconnects_total{pbx="main"} 0\n' in text, "the link was given up for our own stall"
        assert await cti.is_ready()


async def test_systemd_hears_of_the_start_of_a_loop_that_runs_and_of_the_end(tmp_path: Path) -> None:
    """What `Type=notify` and `WatchdogSec` need: READY=1 once it is up, WATCHDOG=1 in time, STOPPING=1 at the end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)
        told: list[str] = []

        async def hears(word: str) -> None:
            async with asyncio.timeout(GUARD):
                while word not in told:
                    told.append((await asyncio.get_running_loop().sock_recv(systemd, 100)).decode())

        async with running(tmp_path, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="400000") as (cti, _):
            await hears("READY=1")
            await hears("WATCHDOG=1")
            assert cti.runs
        await hears("STOPPING=1")


# --- F36 -----------------------------------------------------------------------------------------------------------


async def held(port: int) -> asyncio.StreamWriter | None:
    """A connection that is held, by this side."""
    try:
        return (await asyncio.open_connection("127.0.0.1", port))[1]
    except OSError:
        return None


def shed(text: str) -> int:
    """How many connections were closed at once, as /metrics says."""
    return sum(int(line.split()[-1]) for line in text.split("\n") if "connections_shed_total{" in line)


async def test_open_files_that_run_out_cost_the_newest_page_and_nothing_else(tmp_path: Path) -> None:
    """With 256 files and 400 connections: the newest are closed, the PBX comes back, calls are written, it runs on."""
    async with running(tmp_path) as (cti, pbx):
        resource.prlimit(cti.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
        pid, base = cti.pid, memory(cti)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as inside:

            async def come(true: Callable[[str], bool], why: str) -> None:
                """Ask, over a connection from before, until /metrics says so."""
                try:
                    async with asyncio.timeout(PATIENCE):
                        while True:
                            async with inside.get(f"{cti.base}/metrics") as answer:
                                if true(await answer.text()):
                                    return
                            await asyncio.sleep(0.05)
                except (TimeoutError, aiohttp.ClientError):
                    raise AssertionError(why) from None

            await come(lambda text: "thirteen_ready 1\n" in text, "it is not ready")
            crowd = await asyncio.gather(*(held(cti.web) for _ in range(400)))
            await come(lambda text: shed(text) >= 400 - FILES, "the newest were not closed")
            for turn in range(3):
                pbx.cut()
                again = f'thirteen_pbx_reconnects_total{{pbx="main"}} {turn + 1}\n'
                await come(lambda text, again=again: again in text, "the cut was not noticed")  # type: ignore[misc]
                await come(lambda text: "thirteen_ready 1\n" in text, "the link to the PBX did not come back")
                await pbx.place_call("answered", f"1350574130{turn}", "europe", "4000001313")
            await until(lambda: stored(cti) >= 3, "calls were not written down")
            assert memory(cti) - base < MEMORY
        for writer in crowd:
            if writer is not None:
                writer.transport.abort()

        def opened() -> bool:
            return len(os.listdir(f"/proc/{pid}/fd")) < FILES // 2

        await until(opened, "files were not given back")
        assert await cti.is_ready(), "nobody new is let in although there is room"
        assert cti.pid == pid
        assert cti.runs
