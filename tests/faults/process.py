"""`cti run` as a process of its own, which a test may kill at any moment, stop, let go and start again."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.asterisk.ports import free_port
from tests.faults.broken import program

GUARD = 90.0


class CtiProcess:
    """One node of the service. `config` is its cti.toml without [web] and [push], which it gets here."""

    def __init__(self, folder: Path, config: str, *, environment: Mapping[str, str] | None = None) -> None:
        """Writes the configuration into the (existing) folder; nothing runs yet."""
        self.folder = folder
        self.config = folder / "cti.toml"
        self.web, self.push = free_port(), free_port()
        self._environment = {**os.environ, **(environment or {})}
        self._process: asyncio.subprocess.Process | None = None
        self.words = program()
        "What starts `cti`."
        self.config.write_text(f"{config}\n[web]\nport = {self.web}\n[push]\nport = {self.push}\n", encoding="utf-8")

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop it in order; what it does not heed is killed."""
        await self.stop()

    @property
    def base(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.web}"

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """True from the start to the end of the process."""
        return self._process is not None and self._process.returncode is None

    async def start(self, *, ready: bool = True) -> None:
        """Start and, unless told otherwise, wait until it is ready."""
        with (self.folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(*self.words, "run", "--config", str(self.config)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
            )
        if ready:
            await self.ready()

    async def stop(self) -> None:
        """SIGTERM, and wait."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGCONT)  # a test may have stopped it
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), GUARD)
            except TimeoutError:
                self._process.kill()
                raise

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
            with urllib.request.urlopen(f"{self.base}/readyz", timeout=2) as answer:
                return int(answer.status) == 200
        except OSError:
            return False

    async def metrics(self) -> str:
        """What /metrics says."""

        def read() -> str:
            with urllib.request.urlopen(f"{self.base}/metrics", timeout=5) as answer:
                return str(answer.read().decode())

        return await asyncio.to_thread(read)

    async def counted(self, group: str, kind: str) -> int:
        """A counter of /metrics over all PBXs, 0 where it never counted."""
        name = re.compile(rf'_{group}_total{{[^}}]*kind="{kind}"[^}}]*}} (\d+)')
        return sum(int(number) for number in name.findall(await self.metrics()))

    def said(self) -> str:
        """The end of its log."""
        return self.log()[-4000:]

    def log(self) -> str:
        """Its log, over all starts."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")
