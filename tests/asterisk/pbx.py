"""A real Asterisk of the tests' own: configured into a scratch folder, started, restarted, killed, stopped by pid."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.asterisk import programs
from tests.asterisk.ports import free_port
from tests.asterisk.site import Site

_FOLDERS = (
    "etc",
    "lib",
    "run",
    "cache",
    "log/cel-custom",
    "spool/voicemail",
    "spool/monitor",
    "data/sounds/en",
    "data/moh",
)


class RealAsterisk:
    """One Asterisk on loopback.

    async with RealAsterisk(Site()) as pbx: ...
    """

    def __init__(self, site: Site | None = None) -> None:
        """Take ports; nothing runs yet. Raises `programs.Unavailable` where no Asterisk can be had."""
        site = site or Site()
        self.files = programs.asterisk_files(site.version)
        self.folder = Path(tempfile.mkdtemp(prefix="thirteen-asterisk-"))
        udp = socket.SOCK_DGRAM
        self.site = replace(
            site,
            ami_port=site.ami_port or free_port(),
            sip_port=site.sip_port or free_port(kind=udp),
            trunk_port=site.trunk_port or free_port(site.trunk_host, udp),
            flood_port=site.flood_port or free_port(kind=udp),
        )
        self.queue_log = self.folder / "log" / "queue_log"
        self.cel = self.folder / "log" / "cel-custom" / "events.csv"
        self._process: asyncio.subprocess.Process | None = None
        self._configure()
        self._program = programs.asterisk(self.files, self.folder / "run" / "asterisk-again")

    @property
    def ami_port(self) -> int:
        """Where the manager interface listens."""
        return self.site.ami_port

    @property
    def sip(self) -> tuple[str, int]:
        """Where phones find the PBX."""
        return "127.0.0.1", self.site.sip_port

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> RealAsterisk:
        """Start."""
        try:
            await self.start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop and clear away."""
        try:
            await self.stop()
        finally:
            if self._process is not None and self._process.returncode is None:
                self._process.kill()
            shutil.rmtree(self.folder, ignore_errors=True)

    async def start(self, guard: float = 60) -> None:
        """Start and wait until fully booted."""
        # Should the tests be killed, their Asterisk goes with them.
        tied = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        words = [*tied, *self._program.words, "-C", str(self.folder / "etc" / "asterisk.conf"), "-f", "-g"]
        with (self.folder / "log" / "console").open("ab") as console:
            self._process = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                cwd=self.folder,
                env={**os.environ, **self._program.environment, "LC_ALL": "C.UTF-8"},
                start_new_session=True,
            )
        try:
            await asyncio.wait_for(self._booted(), guard)
        except TimeoutError:
            said = (self.folder / "log" / "console").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"Asterisk {self.site.version} did not start: {said}") from None

    async def _booted(self) -> None:
        assert self._process is not None
        while "fully booted" not in await self.cli("core waitfullybooted"):
            if self._process.returncode is not None:
                raise TimeoutError
            await asyncio.sleep(0.1)

    async def stop(self, guard: float = 20) -> None:
        """Stop in order; kill what does not go."""
        if self._process is None:
            return
        if self._process.returncode is None:
            await self.cli("core stop now")
            try:
                await asyncio.wait_for(self._process.wait(), guard)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        self._process = None

    async def restart(self) -> None:
        """`core restart now`: the same process starts over; wait until it has booted."""
        before = await self._started_at()
        await self.cli("core restart now")
        while await self._started_at() in {before, ""}:  # noqa: ASYNC110  another process: nobody sets an Event
            await asyncio.sleep(0.1)
        await asyncio.wait_for(self._booted(), 60)

    async def _started_at(self) -> str:
        """When the PBX that answers on the console was started; '' while none answers."""
        started = re.search(r"Startup time:\s*(.+)", await self.cli("core show settings"))
        return started[1].strip() if started else ""

    async def kill(self) -> None:
        """SIGKILL: no word of farewell to anyone."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()
        self._process = None

    async def cli(self, *commands: str) -> str:
        """What the console answers; '' while nobody is there."""
        said = ""
        for command in commands:
            words: Sequence[str] = [
                *self._program.words,
                "-C",
                str(self.folder / "etc" / "asterisk.conf"),
                "-rx",
                command,
            ]
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={**os.environ, **self._program.environment, "LC_ALL": "C.UTF-8"},
            )
            out, _ = await process.communicate()
            said += re.sub(r"\x1b\[[0-9;]*m", "", out.decode(errors="replace"))
        return said

    def bookmark(self) -> tuple[int, int]:
        """How far queue_log and the channel event log are written."""
        queue_log, cel = (path.stat().st_size if path.exists() else 0 for path in (self.queue_log, self.cel))
        return queue_log, cel

    def books(self, since: tuple[int, int] = (0, 0)) -> tuple[str, str]:
        """What both books have had written into them since a bookmark."""
        queue_log, cel = (
            path.read_bytes()[offset:].decode(errors="replace") if path.exists() else ""
            for path, offset in zip((self.queue_log, self.cel), since, strict=True)
        )
        return queue_log, cel

    def _configure(self) -> None:
        root, folder = self.files.root, self.folder
        for below in _FOLDERS:
            (folder / below).mkdir(parents=True)
        share = root / "usr" / "share" / "asterisk"
        for name in ("documentation", "rest-api"):
            if (share / name).is_dir():
                (folder / "data" / name).symlink_to(share / name)
        (allison,) = (share / "sounds").glob("en_US_f_Allison")
        for sound in allison.iterdir():
            (folder / "data" / "sounds" / "en" / sound.name).symlink_to(sound)
        for music in (share / "moh").iterdir():
            (folder / "data" / "moh" / music.name).symlink_to(music)
        custom = folder / "data" / "sounds" / "en" / "custom"
        custom.mkdir()
        for name, seconds in (("menu-booking", 1.0), ("menu-service", 0.5), ("whisper", 1.0)):
            (custom / f"{name}.ulaw").write_bytes(b"\xff" * int(8000 * seconds))
        modules = next(root.glob("usr/lib/*/asterisk/modules"), root / "usr/lib/asterisk/modules")
        self.site.write(folder / "etc", folder, modules, folder / "data", root / "usr" / "sbin")
