"""Database servers of the tests: unpacked programs run as an ordinary user, data in a folder of their own.

Both servers refuse to run as root, so under root they run as `nobody`. They listen on loopback only, live as long as
the tests that share them, and are ended by their process id.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.debian import Unavailable, Unpacked

HANG_S = 60.0
"A guard: starting takes one to three seconds."


@dataclass
class Place:
    """A folder and an account for a server."""

    folder: Path
    root: Path
    "Where its programs are, readable for the account."
    uid: int | None
    environment: Mapping[str, str]
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @classmethod
    def make(cls, files: Unpacked, name: str) -> Place:
        """A fresh folder. Raises `Unavailable` where root has no ordinary user to lend."""
        uid: int | None = None
        if os.geteuid() == 0:
            try:
                uid = pwd.getpwnam("nobody").pw_uid
            except KeyError:
                raise Unavailable(f"{name} does not run as root, and there is no user nobody") from None
        folder = Path(tempfile.mkdtemp(prefix=f"thirteen-{name}-"))
        libraries = files.libraries_for_host()
        place = cls(folder, files.root, uid, {"LD_LIBRARY_PATH": str(libraries), "LC_ALL": "C.UTF-8", "PATH": "/bin"})
        if uid is not None:
            os.chown(folder, uid, -1)
            if place.run(["/bin/ls", str(libraries)], check=False):
                # The project lies in a folder that only root may enter.
                copy = folder / "programs"
                shutil.copytree(files.root, copy, symlinks=True)
                place.root = copy
                place.environment = {**place.environment, "LD_LIBRARY_PATH": str(copy / libraries.name)}
        return place

    def run(self, words: Sequence[str], *, stdin: bytes = b"", check: bool = True) -> int:
        """Run a program of the server to its end; returns its code. Raises `Unavailable` where it failed."""
        done = subprocess.run(
            words,
            input=stdin,
            capture_output=True,
            user=self.uid,
            group=None if self.uid is None else pwd.getpwuid(self.uid).pw_gid,
            extra_groups=None if self.uid is None else [],
            env=dict(self.environment),
            cwd=self.folder,
            check=False,
            timeout=HANG_S,
        )
        if check and done.returncode:
            said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
            errors = [line for line in said if "ERROR" in line or "FATAL" in line] or said[-1:]
            raise Unavailable(f"{Path(words[0]).name} does not work here: {errors[0] if errors else done.returncode}")
        return done.returncode

    def start(self, words: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start the server; what it says goes to `log` in its folder."""
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.uid,
                group=None if self.uid is None else pwd.getpwuid(self.uid).pw_gid,
                extra_groups=None if self.uid is None else [],
                env=dict(self.environment),
                cwd=self.folder,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def give(self, file: Path) -> None:
        """Let the server's account own a file."""
        if self.uid is not None:
            os.chown(file, self.uid, -1)

    def said(self) -> str:
        """The last line of the server's log."""
        lines = (self.folder / "log").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def end(self) -> None:
        """Stop what was started here, by its id, and take the folder away."""
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)  # a test may have stopped it
                process.terminate()
        for process in self.started:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def wait_until_ready(
    place: Place, process: subprocess.Popen[bytes], early: type[Exception], ask: Callable[[], object]
) -> None:
    """Ask until the server answers; until then `ask` raises `early`. Raises `Unavailable` in the server's own words."""
    limit = time.monotonic() + HANG_S
    while True:
        try:
            ask()
            return
        except early:
            if process.poll() is not None or time.monotonic() > limit:
                raise Unavailable(f"the server did not start: {place.said()}") from None
            time.sleep(0.05)  # there is no event to wait for: the server tells nobody
