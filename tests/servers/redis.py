"""A Redis server from Debian's packages."""

from __future__ import annotations

import signal
import socket
import subprocess
from dataclasses import dataclass

from tests import debian
from tests.asterisk.ports import free_port
from tests.servers.daemon import Place, wait_until_ready


def files() -> debian.Unpacked:
    """Unpacked packages. Raises `Unavailable`."""
    return debian.fetch("bookworm", ["redis-server"], name="redis")


@dataclass
class Redis:
    """A running server that keeps nothing on disk; `again` starts it anew, empty, on the same port."""

    place: Place
    port: int
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls) -> Redis:
        """A new server, empty. Raises `Unavailable`."""
        place = Place.make(files(), "redis")
        try:
            port = free_port()
            return cls(place, port, _run(place, port))
        except BaseException:
            place.end()
            raise

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"redis://127.0.0.1:{self.port}/0"

    def kill(self) -> None:
        """End it at once, as kill -9 does."""
        self.process.kill()
        self.process.wait()

    def again(self) -> None:
        """Start it after `kill`; what it held is gone."""
        self.process = _run(self.place, self.port)

    def freeze(self) -> None:
        """Let it hang: connections stay, nothing answers."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Stop it and take its folder away."""
        self.place.end()


def _run(place: Place, port: int) -> subprocess.Popen[bytes]:
    words = [
        str(place.root / "usr/bin/redis-server"),
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
    ]
    process = place.start([*words, "--dir", str(place.folder), "--daemonize", "no"])
    wait_until_ready(place, process, OSError, lambda: socket.create_connection(("127.0.0.1", port), 1).close())
    return process
