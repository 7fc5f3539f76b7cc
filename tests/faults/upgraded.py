"""A service whose sockets somebody else holds, as systemd does, so that it is replaced while everybody is at work."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from crm_bridge.embedded import EmbeddedCrm
from cti.auth import Account, StoredSession, token_hash
from cti.demo import site
from cti.demo.pbx import SECRET, USERNAME, ReplayedPbx
from cti.demo.playback import TRUNK
from cti.listening import BACKLOG
from cti.store import Store
from tests.faults.broken import program
from tests.faults.process import CtiProcess

GUARD_S = 60.0
ROOT = Path(__file__).resolve().parents[2]


def token_of(login: str) -> str:
    """The token of the session that stands in the store for a login: nobody has to log in."""
    return f"token-of-{login}-{'x' * 40}"[:60]


def fill(url: str, crm: str, agents: int) -> list[str]:
    """Tables and agents with sessions; their tokens. None of them has a password that could be right."""
    customers, store = EmbeddedCrm(crm), Store.open(url)
    customers.migrate()
    store.migrate()
    customers.close()
    at = time.time()  # noqa: TID251  sessions begin now
    logins = [f"agent{number:03}" for number in range(agents)]
    try:
        for login in logins:
            store.add_user(Account(login=login, name=login, role="agent", password_hash="none"))
            store.create_session(
                StoredSession(token_hash=token_hash(token_of(login)), login=login, created_at=at, seen_at=at)
            )
    finally:
        store.close()
    return [token_of(login) for login in logins]


class HeldProcess(CtiProcess):
    """The service on sockets that stay open here while one process follows another."""

    def __init__(self, folder: Path, config: str, beside: HeldProcess | None = None) -> None:
        """`beside`: the one whose sockets it shares."""
        super().__init__(folder, config)
        if beside is None:
            ports = (self.web, self.push)
            self.sockets = [socket.create_server(("127.0.0.1", port), backlog=BACKLOG) for port in ports]
        else:
            text = self.config.read_text(encoding="utf-8")
            for port, other in ((self.web, beside.web), (self.push, beside.push)):
                text = text.replace(f"port = {port}\n", f"port = {other}\n")
            self.config.write_text(text, encoding="utf-8")
            self.web, self.push, self.sockets = beside.web, beside.push, beside.sockets

    async def start(self, *, ready: bool = True) -> None:
        """Start it with the sockets handed over."""
        descriptors = [one.fileno() for one in self.sockets]
        with (self.folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.faults.activated", ",".join(map(str, descriptors))),
                *(*program(), "run", "--config", str(self.config)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                pass_fds=descriptors,
            )
        if ready:
            await self.ready()

    async def replace(self) -> float:
        """SIGTERM, wait, start anew, as `systemctl restart` does; when it was told to go, by the steady clock."""
        told = time.monotonic()
        await self.stop()
        await self.start(ready=False)
        return told


class Agents:
    """The process of the agents."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def until(self, live: bool) -> float:
        """When (by the steady clock) all pages were live, or the first no longer was."""
        assert self._process.stdout is not None
        async with asyncio.timeout(GUARD_S):
            while True:
                line = await self._process.stdout.readline()
                assert line, "the agents' process ended"
                said = json.loads(line)
                assert "denied" not in said, said
                if said["live"] is live:
                    return float(said["at"])

    async def told(self) -> dict[str, Any]:
        """End them; what they went through."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        async with asyncio.timeout(GUARD_S):
            lines = [json.loads(line) async for line in self._process.stdout]
            await self._process.wait()
        found: dict[str, Any] = lines[-1]
        assert "closed" in found, found
        return found


@asynccontextmanager
async def agents(service: CtiProcess, tokens: list[str], *, askers: int = 0) -> AsyncIterator[Agents]:
    """Their pages are open, and `askers` of them ask the API all the time."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.agents"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "THIRTEEN_BROKEN"},
    )
    try:
        assert process.stdin is not None
        push = f"ws://127.0.0.1:{service.push}/push"
        orders = {"push": push, "base": service.base, "tokens": tokens, "askers": askers}
        process.stdin.write(json.dumps(orders).encode() + b"\n")
        yield Agents(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def node_beside(first: HeldProcess, name: str) -> HeldProcess:
    """Another node of the same site on the same sockets; not started."""
    folder = first.folder / name
    folder.mkdir()
    text = first.config.read_text(encoding="utf-8").partition("\n[web]\n")[0]
    text = text.replace(f"{first.folder}/journal", f"{folder}/journal")
    return HeldProcess(folder, f'{text}\n[node]\nname = "{name}"\n', beside=first)


@asynccontextmanager
async def held(count: int, server: str = "") -> AsyncIterator[tuple[HeldProcess, list[str]]]:
    """A live service on SQLite, or in the database `server`, its sockets held here; tokens of its agents."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="thirteen-held-")))
        store, crm = server or f"sqlite:///{folder}/cti.db", server or f"sqlite:///{folder}/crm.db"
        tokens = await asyncio.to_thread(fill, store, crm, count)
        queues = "".join(f'[queues.{name}]\nlabel = "{label}"\n' for name, (label, _) in site.QUEUES.items())
        async with ReplayedPbx(speed=3.0, gap=2.0) as pbx:
            config = (
                f'[pbx]\nname = "main"\nhost = "127.0.0.1"\nport = {pbx.port}\nusername = "{USERNAME}"\n'
                f'secret = "{SECRET}"\ntrunks = ["{TRUNK}"]\n{queues}[crm]\nurl = "{crm}"\n'
                f'[store]\nurl = "{store}"\njournal = "{folder}/journal"\n'
            )
            service = HeldProcess(folder, config)
            for one in service.sockets:
                stack.callback(one.close)
            async with service:
                yield service, tokens
