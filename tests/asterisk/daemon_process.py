"""`cti run` as a process of its own, which a test may kill at any moment and start again."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.asterisk.pbx import RealAsterisk
from tests.asterisk.ports import free_port

GUARD = 30.0


class DaemonProcess:
    """The daemon on a store of its own in the PBX's folder; `ami_port` is where it looks for the PBX."""

    def __init__(self, pbx: RealAsterisk, ami_port: int) -> None:
        """Writes the configuration; nothing runs yet."""
        self.folder: Path = pbx.folder / "thirteen"
        self.folder.mkdir()
        self.config = self.folder / "cti.toml"
        self.database = self.folder / "cti.db"
        self._web = free_port()
        self._process: asyncio.subprocess.Process | None = None
        site = pbx.site
        self.config.write_text(
            f'[pbx]\nname = "main"\nhost = "127.0.0.1"\nport = {ami_port}\nusername = "thirteen"\n'
            f'secret = "{site.secret}"\ntrunks = ["PJSIP/{site.names.trunk}"]\nqueue_log = "{pbx.queue_log}"\n'
            + (f'systemname = "{site.systemname}"\n' if site.systemname else "")
            + f"[web]\nport = {self._web}\n[push]\nport = {free_port()}\n"
            f'[store]\nurl = "sqlite:///{self.database}"\n[crm]\nurl = "sqlite:///{self.folder}/crm.db"\n',
            encoding="utf-8",
        )

    async def __aenter__(self) -> DaemonProcess:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop it in order; what it does not heed is killed."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), GUARD)
            except TimeoutError:
                self._process.kill()
                raise

    async def start(self) -> None:
        """Start and wait until it is ready."""
        with (self.folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-X", "faulthandler", "-m", "cti", "run", "--config", str(self.config)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        await self.ready()

    async def kill(self) -> None:
        """SIGKILL: nothing is written any more."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def ready(self) -> None:
        """Wait until it says that it is: the link is live and the store works."""
        try:
            async with asyncio.timeout(GUARD):
                while not await asyncio.to_thread(self._answers):
                    assert self._process is not None
                    assert self._process.returncode is None, self.said()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise TimeoutError(f"the daemon did not become ready: {self.said()}") from None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._web}/readyz", timeout=2) as answer:
                return int(answer.status) == 200
        except OSError:
            return False

    async def counted(self, group: str, kind: str) -> int:
        """A counter of /metrics, 0 where it never counted."""

        def read() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._web}/metrics", timeout=5) as answer:
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
            *(sys.executable, "-m", "cti", "reconcile", "--config", str(self.config)),
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
