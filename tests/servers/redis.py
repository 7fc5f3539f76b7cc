"""Redis servers and sentinels from Debian's packages, plain or over TLS."""

from __future__ import annotations

import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from tests import debian
from tests.asterisk.ports import free_port
from tests.servers.certificates import Certificates
from tests.servers.daemon import Place, wait_until_ready

GROUP = "thirteen"
"What the sentinels call their group."


def files() -> debian.Unpacked:
    """Unpacked packages. Raises `Unavailable`."""
    return debian.fetch("bookworm", ["redis-server", "openssl"], name="redis")


@dataclass
class Redis:
    """A running server that keeps nothing on disk; `again` starts it anew, empty, on the same port."""

    place: Place
    port: int
    process: subprocess.Popen[bytes]
    more: tuple[str, ...] = ()
    scheme: str = "redis"

    @classmethod
    def start(cls, *more: str, tls: Certificates | None = None) -> Redis:
        """A new server, empty, with more words of its command line. Raises `Unavailable`.

        With `tls` it answers over TLS alone and asks everybody for a certificate.
        """
        place = Place.make(files(), "redis")
        try:
            port = free_port()
            more = (*_listening(port, tls), *more)
            return cls(place, port, _run(place, port, more), more, "rediss" if tls else "redis")
        except BaseException:
            place.end()
            raise

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"{self.scheme}://127.0.0.1:{self.port}/0"

    def kill(self) -> None:
        """End it at once, as kill -9 does."""
        self.process.kill()
        self.process.wait()

    def again(self) -> None:
        """Start it after `kill`; what it held is gone."""
        self.process = _run(self.place, self.port, self.more)

    def freeze(self) -> None:
        """Let it hang: connections stay, nothing answers."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Stop it and take its folder away."""
        self.place.end()


@dataclass
class Group:
    """A primary, a replica, and three sentinels that put the replica in the primary's place."""

    primary: Redis
    replica: Redis
    sentinels: list[int] = field(default_factory=list)
    "Their ports."
    place: Place | None = None
    scheme: str = "redis"
    tls: Certificates | None = None

    @classmethod
    def start(cls, *, tls: Certificates | None = None, password: str = "") -> Group:
        """A group that is whole: the replica follows and every sentinel knows the others. Raises `Unavailable`."""
        secret = ("--requirepass", password, "--masterauth", password) if password else ()
        primary = Redis.start(*secret, tls=tls)
        started = [primary]
        try:
            follows = ("--replicaof", "127.0.0.1", str(primary.port), "--repl-diskless-sync-delay", "0")
            replica = Redis.start(*secret, *follows, tls=tls)
            started.append(replica)
            group = cls(primary, replica, scheme="rediss" if tls else "redis", tls=tls)
            group._watch(tls, password)
            return group
        except BaseException:
            for one in started:
                one.end()
            raise

    def kill_primary(self) -> None:
        """End the primary at once; only from now on the sentinels are quick to put another in its place.

        Before, one that a busy machine lets wait must not be taken for dead.
        """
        self.primary.kill()
        tls: dict[str, Any] = {}
        if self.tls is not None:
            ca, cert, key = (str(file) for file in (self.tls.ca, self.tls.cert, self.tls.key))
            tls = {"ssl": True, "ssl_ca_certs": ca, "ssl_certfile": cert, "ssl_keyfile": key}
        for port in self.sentinels:
            with redis.Redis("127.0.0.1", port, **tls) as sentinel:
                sentinel.execute_command("SENTINEL", "SET", GROUP, "down-after-milliseconds", "400")

    @property
    def hosts(self) -> str:
        """The sentinels as an address names them."""
        return ",".join(f"127.0.0.1:{port}" for port in self.sentinels)

    def _watch(self, tls: Certificates | None, password: str) -> None:
        self.place = Place.make(files(), "sentinel")
        try:
            started = [self._sentinel(number, tls, password) for number in range(3)]
            for number, (port, process) in enumerate(started):
                wait_until_ready(self.place, process, OSError, lambda port=port: _connect(port))  # type: ignore[misc]
                # Only a sentinel that knows the replica and both others can put it in the primary's place.
                known = self.place.folder / f"{number}.conf"
                wait_until_ready(self.place, process, AssertionError, lambda known=known: _whole(known))  # type: ignore[misc]
        except BaseException:
            self.place.end()
            raise

    def _sentinel(self, number: int, tls: Certificates | None, password: str) -> tuple[int, subprocess.Popen[bytes]]:
        place, port = self.place, free_port()
        assert place is not None
        words = _listening(port, tls)
        lines = [
            *(f"{words[at].removeprefix('--')} {words[at + 1]}" for at in range(0, len(words), 2)),
            "bind 127.0.0.1",
            f"dir {place.folder}",
            f"sentinel monitor {GROUP} 127.0.0.1 {self.primary.port} 2",
            f"sentinel down-after-milliseconds {GROUP} 60000",
            f"sentinel failover-timeout {GROUP} 2000",
            *([f"sentinel auth-pass {GROUP} {password}"] if password else []),
        ]
        file = place.folder / f"{number}.conf"
        file.write_text("\n".join([*lines, ""]))
        place.give(file)
        self.sentinels.append(port)
        return port, place.start([str(place.root / "usr/bin/redis-server"), str(file), "--sentinel"])

    def end(self) -> None:
        """Stop all of it."""
        for place in (self.place, self.primary.place, self.replica.place):
            if place is not None:
                place.end()


def _whole(known: Path) -> None:
    """A sentinel writes down whom it has found."""
    text = known.read_text()
    assert text.count("\nsentinel known-sentinel ") == 2
    assert text.count("\nsentinel known-replica ") == 1


def _listening(port: int, tls: Certificates | None) -> tuple[str, ...]:
    if tls is None:
        return ("--port", str(port))
    return (
        *("--port", "0", "--tls-port", str(port), "--tls-replication", "yes"),
        *("--tls-cert-file", str(tls.cert), "--tls-key-file", str(tls.key), "--tls-ca-cert-file", str(tls.ca)),
    )


def _connect(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), 1).close()


def _run(place: Place, port: int, more: tuple[str, ...]) -> subprocess.Popen[bytes]:
    words = [str(place.root / "usr/bin/redis-server"), *more, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = place.start([*words, "--dir", str(place.folder), "--daemonize", "no"])
    wait_until_ready(place, process, OSError, lambda: _connect(port))
    return process
