"""`cti run` as a process of its own, which a test may kill at any moment and start again."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.asterisk.pbx import RealAsterisk
from tests.asterisk.ports import free_port
from tests.faults.broken import program

GUARD = 30.0


class DaemonProcess:
    """The daemon on a store of its own in the PBX's folder; `ami_port` is where it looks for the PBX."""

    def __init__(
        self, pbx: RealAsterisk, ami_port: int, *, more: str = "", environment: Mapping[str, str] | None = None
    ) -> None:
        """Writes the configuration, `more` at its end; nothing runs yet."""
        self.folder: Path = pbx.folder / "thirteen"
        self.folder.mkdir()
        self.config = self.folder / "cti.toml"
        self.database = self.folder / "cti.db"
        self.web, self.push = free_port(), free_port()
        self._environment = {**os.environ, **(environment or {})}
        self._process: asyncio.subprocess.Process | None = None
        site = pbx.site
        self.config.write_text(
            f'[pbx]\nname = "main"\nhost = "127.0.0.1"\nport = {ami_port}\nusername = "thirteen"\n'
            f'secret = "{site.secret}"\ntrunks = ["PJSIP/{site.names.trunk}"]\nqueue_log = "{pbx.queue_log}"\n'
            + (f'systemname = "{site.systemname}"\n' if site.systemname else "")
            + f"[web]\nport = {self.web}\n[push]\nport = {self.push}\n"
            f'[store]\nurl = "sqlite:///{self.database}"\n[crm]\nurl = "sqlite:///{self.folder}/crm.db"\n{more}',
            encoding="utf-8",
        )

    async def __aenter__(self) -> DaemonProcess:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop it in order; what it does not heed is killed."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGCONT)  # a test may have stopped it
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), GUARD)
            except TimeoutError:
                self._process.kill()
                raise

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    async def start(self, *, ready: bool = True) -> None:
        """Start and, unless told otherwise, wait until it is ready."""
        with (self.folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(*program(), "run", "--config", str(self.config)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
            )
        if ready:
            await self.ready()

    async def kill(self) -> None:
        """SIGKILL: nothing is written any more."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def ended(self) -> int:
        """Wait until it has ended by itself; its code."""
        assert self._process is not None
        return await self._process.wait()

    def freeze(self) -> None:
        """SIGSTOP: it holds everything and does nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    async def ready(self) -> None:
        """Wait until it says that it is: the link is live and the store works."""
        try:
            async with asyncio.timeout(GUARD):
                while not await self.is_ready():
                    assert self._process is not None
                    assert self._process.returncode is None, self.said()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise TimeoutError(f"the daemon did not become ready: {self.said()}") from None

    async def is_ready(self) -> bool:
        """What /readyz says; False where it says nothing."""
        return await asyncio.to_thread(self._answers)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web}/readyz", timeout=2) as answer:
                return int(answer.status) == 200
        except OSError:
            return False

    async def counted(self, group: str, kind: str) -> int:
        """A counter of /metrics, 0 where it never counted."""

        def read() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web}/metrics", timeout=5) as answer:
                return str(answer.read().decode())

        name = f'_{group}_total{{kind="{kind}"}} '
        return sum(int(line.rpartition(" ")[2]) for line in (await asyncio.to_thread(read)).split("\n") if name in line)

    def said(self) -> str:
        """The end of its log."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-4000:]

    async def reconcile(self, *more: str) -> tuple[int, str]:
        """`cti reconcile` over yesterday, today and tomorrow: its exit code and what it printed."""
        days = [str(datetime.now(UTC).date() + timedelta(days=n)) for n in (-1, 1)]
        process = await asyncio.create_subprocess_exec(
            *(*program(), "reconcile", "--config", str(self.config)),
            *("--from", days[0], "--to", days[1], *more),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        return int(process.returncode or 0), out.decode(errors="replace")

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """Rows of its database, read beside it."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        try:
            return list(connection.execute(query))
        finally:
            connection.close()
