"""A CRM of a test's own, with a clock that stands: in SQLite, and in the long tier in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.numbers import Site
from tests.servers.databases import Copies
from tests.servers.postgresql import Postgresql

NOW = 1_780_000_000.0
"A Thursday in May 2026, 04:26 in Shanghai."


@pytest.fixture(scope="session")
def crm_copies(postgresql: Postgresql) -> Copies:
    """A PostgreSQL in which a migrated CRM can be copied."""
    return Copies(postgresql, _migrate)


def _migrate(url: str) -> None:
    crm = EmbeddedCrm(url)
    crm.migrate()
    crm.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def crm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmbeddedCrm]:
    """An empty CRM."""
    server = request.param == "postgresql"
    url, drop = request.getfixturevalue("crm_copies").new() if server else (f"sqlite:///{tmp_path}/crm.db", None)
    made = EmbeddedCrm(url, site=Site(area_code="574"), clock=lambda: NOW)
    yield made
    made.close()
    if drop is not None:
        drop()
