"""The database goes away, is locked, or its disk is full, under the real program (F15, F16, F17)."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from websockets.asyncio.client import ClientConnection, connect

from crm_bridge.embedded import EmbeddedCrm
from cti.auth import Account, StoredSession, token_hash
from cti.demo import site
from cti.demo.pbx import SECRET, USERNAME, ReplayedPbx
from cti.demo.playback import TRUNK
from cti.store import Store
from cti.ticker import wall_clock
from tests.asterisk.ports import free_port
from tests.faults.broken import VARIABLE
from tests.faults.process import GUARD, CtiProcess
from tests.servers.postgresql import Postgresql
from tests.sms.payloads import aliyun_up

pytestmark = pytest.mark.long

TAPES = {"answered": "answered", "abandoned": "abandoned", "agent_hangs_up": "answered", "timeout": "timeout"}
"What becomes of the caller of each tape."
PATIENCE = 8.0 if VARIABLE in os.environ else GUARD
"Seconds; of a program that is spoilt on purpose nobody waits long for what will not come."
HOOK = "0123456789abcdef0123456789abcdef"


class House:
    """The program, its PBX, and what should be in its store."""

    def __init__(self, folder: Path, pbx: ReplayedPbx, url: str) -> None:
        self.hooks = free_port()
        self.cti = CtiProcess(
            folder,
            f"""
[pbx]
name = "main"
host = "127.0.0.1"
port = {pbx.port}
username = "{USERNAME}"
secret = "{SECRET}"
trunks = ["{TRUNK}*"]
[queues.europe]
label = "欧洲航线"
[store]
url = "{url}"
journal = "{folder}/journal"
[crm]
url = "sqlite:///{folder}/crm.db"
[sms.hooks]
port = {self.hooks}
public_url = "https://cti.example.com"
[sms.platforms.aliyun]
kind = "aliyun"
key_id = "id"
key_secret = "secret"
hook_secret = "{HOOK}"
""",
        )
        self.pbx = pbx
        self.engine = sa.create_engine(url, poolclass=sa.NullPool)
        self.played: dict[str, str] = {}
        "{caller: outcome}."

    async def play(self, tapes: Sequence[str]) -> None:
        """Calls, from beginning to end, one after the other where phones are few."""
        for tape in tapes:
            caller = f"139{len(self.played):08d}"
            self.played[caller] = TAPES[tape]
            await asyncio.wait_for(self.pbx.place_call(tape, caller, "europe", "4000001313"), GUARD)

    def stored(self) -> list[tuple[str, str, bool]]:
        """(caller, outcome, whether it ended) of every call in the store."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                sa.text('SELECT caller, outcome, ended_at, gap FROM "call" ORDER BY caller')
            ).all()
        assert not any(row.gap for row in rows), "what was seen whole is marked"
        return [(row.caller, row.outcome, row.ended_at is not None) for row in rows]

    def expected(self) -> list[tuple[str, str, bool]]:
        """What it should say."""
        return [(caller, outcome, True) for caller, outcome in sorted(self.played.items())]

    def journalled(self) -> set[str]:
        """Callers whose end is in the journal, as its bytes say."""
        content = (self.cti.folder / "journal" / "main.calls").read_bytes().rstrip(b"\0")
        facts = [json.loads(line.split(b" ", 2)[2]) for line in content.split(b"\n")[:-1]]
        return {fact["call"]["caller"] for fact in facts if fact["call"]["ended_at"] is not None}

    async def until(self, true: Callable[[], object], why: str) -> None:
        """Wait for what nobody is told of."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not true():  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{why}\n{self.cti.said()}") from None

    async def all_there(self) -> None:
        """Every call stands in the store once, as it was, and the journal is empty."""
        await self.until(lambda: len(self.stored()) >= len(self.played), "calls are missing")
        await self.until(lambda: all(ended for _, _, ended in self.stored()), "calls are still open")
        assert self.stored() == self.expected()
        await self.until(lambda: not self._bytes(), "the journal was not emptied")

    def _bytes(self) -> bool:
        return bool((self.cti.folder / "journal" / "main.calls").read_bytes().strip(b"\0"))

    async def not_ready(self) -> None:
        """Wait until it says that it is not."""
        async with asyncio.timeout(GUARD):
            while await self.cti.is_ready():  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def texted(self, number: int) -> int:
        """The platform tells of a customer's text; what it is answered."""
        body = json.dumps([aliyun_up(sequence_id=str(number))]).encode()
        asked = urllib.request.Request(f"http://127.0.0.1:{self.hooks}/hooks/sms/aliyun/{HOOK}", data=body)

        def post() -> int:
            try:
                with urllib.request.urlopen(asked, timeout=GUARD) as answer:
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                return error.code

        return await asyncio.to_thread(post)


class Pulse:
    """Asks a service again and again whether it lives, in a thread of its own, and times it."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._ended = threading.Event()
        self._asking = asyncio.create_task(asyncio.to_thread(self._ask))

    def _ask(self) -> float:
        slowest = 0.0
        while not self._ended.wait(0.02):
            began = time.monotonic()
            with urllib.request.urlopen(f"{self._base}/healthz", timeout=GUARD) as answer:
                answer.read()
            slowest = max(slowest, time.monotonic() - began)
        return slowest

    async def stop(self) -> float:
        """The longest that an answer took, in seconds."""
        self._ended.set()
        return await self._asking


AGENTS = [(interface, site.LOGINS[interface]) for interface, _, queues, _ in site.AGENTS if "europe" in queues]


def _token(login: str) -> str:
    return f"token-of-{login}-".ljust(44, "x")


@asynccontextmanager
async def pages(cti: CtiProcess) -> AsyncIterator[Callable[[], Coroutine[Any, Any, str]]]:
    """The desks of the queue's agents, open; gives what waits for the first pop at any of them."""
    async with AsyncExitStack() as stack:
        opened = []
        for _, login in AGENTS:
            headers = {"Cookie": f"cti={_token(login)}", "Origin": cti.base}
            ws = await stack.enter_async_context(
                connect(f"ws://127.0.0.1:{cti.push}/push", additional_headers=headers, max_size=None)
            )
            await ws.send('{"type":"hello","v":1,"page":"desk"}')
            assert json.loads(await ws.recv())["type"] == "snapshot"
            opened.append(ws)

        async def heard(ws: ClientConnection) -> str:
            while (frame := json.loads(await ws.recv()))["type"] != "pop":
                pass
            return str(frame["pop"]["state"])

        async def popped() -> str:
            hearing = [asyncio.create_task(heard(ws)) for ws in opened]
            done, rest = await asyncio.wait(hearing, timeout=GUARD, return_when=asyncio.FIRST_COMPLETED)
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
            assert done, "no page was told of the call"
            return next(iter(done)).result()

        yield popped


@asynccontextmanager
async def house(folder: Path, url: str) -> AsyncIterator[House]:
    """It runs and is ready."""
    store = Store.open(url)
    store.migrate()
    now = wall_clock()
    for interface, login in AGENTS:
        store.add_user(Account(login=login, name=login, role="agent", password_hash="none", interfaces=(interface,)))
        session = StoredSession(token_hash=token_hash(_token(login)), login=login, created_at=now, seen_at=now)
        store.create_session(session)
    store.close()
    EmbeddedCrm(f"sqlite:///{folder}/crm.db").close()
    async with ReplayedPbx(speed=30.0, playing=False, talk=(3.0, 6.0)) as pbx:
        made = House(folder, pbx, url)
        async with made.cti:
            yield made


@pytest.fixture
def server() -> Iterator[Postgresql]:
    """A PostgreSQL of this test's own, for it is stopped."""
    made = Postgresql.start()
    yield made
    made.end()


async def test_database_away_and_the_service_killed_meanwhile_lose_and_double_nothing(
    tmp_path: Path, server: Postgresql
) -> None:
    """Calls of before, in and after an outage stand in the store once, though `kill -9` fell into it (F15, I1, I2)."""
    async with house(tmp_path, server.create("away")) as one:
        await one.play(["answered", "abandoned"])
        await one.all_there()
        await asyncio.to_thread(server.halt)
        await one.not_ready()
        before = len(one.played)
        await one.play(["answered", "abandoned", "timeout", "agent_hangs_up"])
        during = set(list(one.played)[before:])
        await one.until(lambda: during <= one.journalled(), "the journal misses calls")
        await one.cti.kill()
        await asyncio.to_thread(server.again)
        await one.cti.start()
        await one.all_there()
        await one.play(["answered"])
        await one.all_there()


async def test_database_away_and_back_loses_and_doubles_nothing(tmp_path: Path, server: Postgresql) -> None:
    """The service lives through an outage: not ready while it lasts, pages come back and pop, and then everything is
    written (F15, I20)."""
    async with house(tmp_path, server.create("back")) as one:
        async with pages(one.cti):
            await one.play(["answered"])
        await asyncio.to_thread(server.halt)
        await one.not_ready()
        await asyncio.sleep(1.5)  # longer than a session is believed without asking: nobody tells when that is over
        async with pages(one.cti) as popped:
            first = asyncio.create_task(popped())
            await one.play(["answered", "abandoned"])
            assert await first in ("ringing", "talking")
        await asyncio.to_thread(server.again)
        await one.cti.ready()
        await one.play(["timeout"])
        await one.all_there()


async def test_locked_file_holds_up_nobody(tmp_path: Path) -> None:
    """While another program locks the database the loop goes on, calls are journalled, and all are written (F16)."""
    async with house(tmp_path, f"sqlite:///{tmp_path}/cti.db") as one:
        await one.play(["answered"])
        lock = sqlite3.connect(tmp_path / "cti.db", isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        pulse = Pulse(one.cti.base)
        await one.play(["abandoned", "answered", "agent_hangs_up"])
        during = set(list(one.played)[1:])
        await one.until(lambda: during <= one.journalled(), "the journal misses calls")
        await one.not_ready()
        slowest = await pulse.stop()
        assert slowest < 3.0, f"it stood still for {slowest:.1f} s: somebody waits for the lock in the loop"
        lock.execute("ROLLBACK")
        lock.close()
        await one.cti.ready()
        await one.all_there()


def _processes(pid: int) -> list[int]:
    """A process and those it started."""
    with open(f"/proc/{pid}/task/{pid}/children") as listed:
        children = [int(word) for word in listed.read().split()]
    return [pid, *(other for child in children for other in _processes(child))]


FULL = 64 << 10
"Where every file ends while the disk is full: behind what the journal has reserved for some calls."


def _fill(pid: int, full: bool) -> None:
    limit = FULL if full else resource.RLIM_INFINITY
    for one in _processes(pid):
        resource.prlimit(one, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


async def test_full_disk_costs_no_call_and_no_text_that_was_acknowledged(tmp_path: Path) -> None:
    """No byte more can be written: not ready, no text acknowledged; with room again, and after `kill -9`, all is there
    (F17, I1, I15)."""
    async with house(tmp_path, f"sqlite:///{tmp_path}/cti.db") as one:
        await one.play(["answered"])
        await one.all_there()
        acknowledged = [number for number in range(2) if await one.texted(number) == 200]
        assert acknowledged == [0, 1]
        assert (tmp_path / "cti.db-wal").stat().st_size > FULL, "the full disk would not be felt"
        for number, killed in enumerate((False, True), start=2):
            _fill(one.cti.pid, full=True)
            before = len(one.played)
            await one.play(["abandoned", "answered"])
            await one.not_ready()
            if await one.texted(number) == 200:
                acknowledged.append(number)
            during = set(list(one.played)[before:])
            await one.until(lambda during=during: during <= one.journalled(), "the journal misses calls")  # type: ignore[misc]
            if killed:
                await one.cti.kill()
                await one.cti.start()
            else:
                _fill(one.cti.pid, full=False)
                await one.cti.ready()
            await one.all_there()
        assert _texts(one.engine) == len(acknowledged), "a text was acknowledged and is not there"
        assert acknowledged == [0, 1]
        assert await one.texted(9) == 200
        assert _texts(one.engine) == 3


def _texts(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        count: Any = connection.execute(sa.text("SELECT count(*) FROM sms_event")).scalar_one()
    return int(count)
