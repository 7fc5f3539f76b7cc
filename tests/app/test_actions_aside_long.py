"""What was done to the PBX while the database was locked is written down, though the service ended meanwhile (I19)."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from cti.demo.sample import Sample
from cti.store import Store
from tests.app.service import service


@pytest.mark.long
async def test_action_during_an_outage_outlives_the_service(folder: Path, made: Sample) -> None:
    """Nobody can write while a supervisor pauses an agent; the next start has the action, and what came of it."""
    lock = sqlite3.connect(folder / "cti.db", isolation_level=None, check_same_thread=False)
    async with service(folder, made) as running:
        accounts = running.app.store.accounts()
        boss = next(account.login for account in accounts if account.role == "supervisor")
        phone = next(account.interfaces[0] for account in accounts if account.role == "agent" and account.interfaces)
        async with running.browser(boss) as browser:
            lock.execute("BEGIN IMMEDIATE")
            wish = {"kind": "member_pause", "id": "p-1", "interface": phone, "queue": None, "reason": "培训"}
            assert (await browser.call("POST", "/control/actions", wish))[0] == 202
            journal = folder / "journal" / "actions"
            async with asyncio.timeout(40):
                while b'"confirmed"' not in journal.read_bytes():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
    lock.execute("ROLLBACK")
    lock.close()
    store = Store.open(f"sqlite:///{folder}/cti.db")
    before = store.action("p-1")
    store.close()
    async with service(folder, made) as running:
        found = running.app.store.action("p-1")
        assert found is not None
        assert (found.state, found.reason, found.by) == ("confirmed", "培训", boss)
        assert [row.action for row in running.app.store.audit() if row.action == "control.member_pause"]
        assert not journal.read_bytes().strip(b"\0")
    assert before is None
