"""A MariaDB server from Debian's packages."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import dataclass

import sqlalchemy as sa

from tests import debian
from tests.asterisk.ports import free_port
from tests.servers.daemon import Place, wait_until_ready

OWNER = "owner"
READER = "thirteen"
"The account of a bridge: it may read."


def files() -> debian.Unpacked:
    """Unpacked packages. Raises `Unavailable`."""
    return debian.fetch("bookworm", ["mariadb-server-core", "mariadb-client-core"], name="mariadb")


@dataclass
class Mariadb:
    """A running server; `url(database)` is for the owner, `reader_url` for an account that may only read."""

    place: Place
    port: int
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls) -> Mariadb:
        """A new server, empty. Raises `Unavailable`."""
        place = Place.make(files(), "mariadb")
        try:
            return cls._start(place)
        except BaseException:
            place.end()
            raise

    @classmethod
    def _start(cls, place: Place) -> Mariadb:
        share = place.root / "usr/share/mysql"
        data = place.folder / "data"
        place.run(["/bin/mkdir", str(data)])
        common = [
            str(place.root / "usr/sbin/mariadbd"),
            "--no-defaults",
            f"--datadir={data}",
            f"--lc-messages-dir={share}",
            f"--character-sets-dir={share}/charsets",
            "--innodb-buffer-pool-size=96M",
            "--innodb-log-file-size=16M",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-use-native-aio=0",
            "--max-allowed-packet=64M",
        ]
        system = "CREATE DATABASE mysql;\nUSE mysql;\n" + "\n".join(
            (share / name).read_text(errors="replace")
            for name in ("mysql_system_tables.sql", "mysql_system_tables_data.sql")
        )
        accounts = f"""
            FLUSH PRIVILEGES;
            CREATE USER '{OWNER}'@'127.0.0.1';
            GRANT ALL ON *.* TO '{OWNER}'@'127.0.0.1' WITH GRANT OPTION;
            CREATE USER '{READER}'@'127.0.0.1';
            GRANT SELECT ON *.* TO '{READER}'@'127.0.0.1';
        """
        accounts = "\n".join(line.strip() for line in accounts.splitlines())
        place.run([*common, "--bootstrap", "--skip-networking"], stdin=f"{system}\n{accounts}".encode())
        port = free_port()
        process = place.start(
            [
                *common,
                f"--port={port}",
                "--bind-address=127.0.0.1",
                f"--socket={place.folder}/socket",
                f"--pid-file={place.folder}/pid",
                "--skip-name-resolve",
            ]
        )
        server = cls(place, port, process)
        engine = sa.create_engine(server.url(""), poolclass=sa.NullPool)
        wait_until_ready(place, process, sa.exc.OperationalError, lambda: engine.connect().close())
        return server

    def url(self, database: str, user: str = OWNER, charset: str = "utf8mb4") -> str:
        """SQLAlchemy URL of a database."""
        return f"mysql+pymysql://{user}@127.0.0.1:{self.port}/{database}?charset={charset}"

    def reader_url(self, database: str, charset: str = "utf8mb4") -> str:
        """The same for the account that may only read."""
        return self.url(database, READER, charset)

    def create(self, database: str, *, charset: str = "utf8mb4") -> str:
        """A new, empty database; returns the owner's URL."""
        engine = sa.create_engine(self.url(""), poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS `{database}`")
            connection.exec_driver_sql(f"CREATE DATABASE `{database}` CHARACTER SET {charset}")
        return self.url(database)

    def freeze(self) -> None:
        """Let the server hang: connections stay, nothing answers."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Stop it and take its folder away."""
        self.place.end()
