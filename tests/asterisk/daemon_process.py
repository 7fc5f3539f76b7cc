"""`cti run` in front of a test's PBX, on a database file of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tests.asterisk.pbx import RealAsterisk
from tests.faults.broken import program
from tests.faults.process import CtiProcess


class DaemonProcess(CtiProcess):
    """The daemon on a store of its own in the PBX's folder; `ami_port` is where it looks for the PBX."""

    def __init__(
        self, pbx: RealAsterisk, ami_port: int, *, more: str = "", environment: Mapping[str, str] | None = None
    ) -> None:
        """Writes the configuration, `more` at its end; nothing runs yet."""
        folder = pbx.folder / "thirteen"
        folder.mkdir()
        self.database = folder / "cti.db"
        site = pbx.site
        super().__init__(
            folder,
            f'[pbx]\nname = "main"\nhost = "127.0.0.1"\nport = {ami_port}\nusername = "thirteen"\n'
            f'secret = "{site.secret}"\ntrunks = ["PJSIP/{site.names.trunk}"]\nqueue_log = "{pbx.queue_log}"\n'
            + (f'systemname = "{site.systemname}"\n' if site.systemname else "")
            + f'[store]\nurl = "sqlite:///{self.database}"\n[crm]\nurl = "sqlite:///{folder}/crm.db"\n{more}',
            environment=environment,
        )

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
