"""A PostgreSQL server from Debian's packages."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass

import sqlalchemy as sa

from tests import debian
from tests.asterisk.ports import free_port
from tests.servers.daemon import Place, wait_until_ready

OWNER = "postgres"
READER = "thirteen"
"The account of a bridge: it may read."


def files() -> debian.Unpacked:
    """Unpacked packages. Raises `Unavailable`."""
    return debian.fetch("bookworm", ["postgresql-15"], name="postgresql")


@dataclass
class Postgresql:
    """A running server; `url(database)` is for the owner, `reader_url` for an account that may only read."""

    place: Place
    port: int
    process: subprocess.Popen[bytes]
    words: tuple[str, ...] = ()
    "What started it."

    @classmethod
    def start(cls) -> Postgresql:
        """A new server, empty. Raises `Unavailable`."""
        place = Place.make(files(), "postgresql")
        try:
            return cls._start(place)
        except BaseException:
            place.end()
            raise

    @classmethod
    def _start(cls, place: Place) -> Postgresql:
        programs = place.root / "usr/lib/postgresql/15/bin"
        data = place.folder / "data"
        place.run(
            [
                str(programs / "initdb"),
                "-D",
                str(data),
                "-U",
                OWNER,
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "-N",
            ]
        )
        port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "shared_buffers": "128MB",
            "dynamic_shared_memory_type": "mmap",
            "jit": "off",
            "max_connections": 60,
        }
        words = [str(programs / "postgres"), "-D", str(data)]
        for key, value in settings.items():
            words += ["-c", f"{key}={value}"]
        process = place.start(words)
        server = cls(place, port, process, tuple(words))
        engine = server._answers()
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"CREATE ROLE {READER} LOGIN")
        return server

    def _answers(self) -> sa.Engine:
        """Wait until it does."""
        engine = sa.create_engine(self.url("postgres"), poolclass=sa.NullPool)
        wait_until_ready(self.place, self.process, sa.exc.OperationalError, lambda: engine.connect().close())
        return engine

    def halt(self) -> None:
        """Stop the server, cutting its clients; what it has stays."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)

    def again(self) -> None:
        """Start it again, on the same port."""
        self.process = self.place.start(self.words)
        self._answers()

    def url(self, database: str, user: str = OWNER) -> str:
        """SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/{database}"

    def reader_url(self, database: str) -> str:
        """The same for the account that may only read."""
        return self.url(database, READER)

    def create(self, database: str, *, encoding: str = "UTF8") -> str:
        """A new, empty database in which the reader may read whatever will be made; returns the owner's URL."""
        engine = sa.create_engine(self.url("postgres"), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
            connection.exec_driver_sql(
                f"CREATE DATABASE \"{database}\" ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
            )
        engine = sa.create_engine(self.url(database), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {READER}")
        return self.url(database)

    def freeze(self) -> None:
        """Let the server hang: connections stay, nothing answers."""
        os.killpg(self.process.pid, signal.SIGSTOP)
        self._tell_children(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._tell_children(signal.SIGCONT)
        os.killpg(self.process.pid, signal.SIGCONT)

    def _tell_children(self, number: signal.Signals) -> None:
        """Signal each of the server's processes; one whose client has just left may be gone before its turn."""
        for child in self._children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)

    def _children(self) -> list[int]:
        """The server's own processes; each leads a group of its own."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path) as listed:
            return [int(word) for word in listed.read().split()]

    def end(self) -> None:
        """Stop it and take its folder away."""
        try:
            if self.process.poll() is None:
                self.thaw()
                self.process.send_signal(signal.SIGINT)  # fast: does not wait for clients
        finally:
            self.place.end()
