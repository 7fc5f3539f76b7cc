"""A store of a test's own, in SQLite and in PostgreSQL: what holds in one holds in the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cti.store import Store
from tests.servers.databases import Copies
from tests.servers.postgresql import Postgresql


@pytest.fixture(scope="session")
def copies(postgresql: Postgresql) -> Copies:
    """A PostgreSQL in which a migrated store can be copied."""
    return Copies(postgresql, _migrate)


def _migrate(url: str) -> None:
    store = Store.open(url)
    store.migrate()
    store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    if request.param == "sqlite":
        made = Store.open(f"sqlite:///{tmp_path}/cti.db")
        yield made
        made.close()
        return
    url, drop = request.getfixturevalue("copies").new()
    made = Store.open(url)
    yield made
    made.close()
    drop()
