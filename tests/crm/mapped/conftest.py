"""Real database servers, started once, and a mapped CRM of a test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.mapped import MappedCrm, mapping
from crm_bridge.numbers import Site
from tests.servers.mariadb import Mariadb
from tests.servers.postgresql import Postgresql

Open = Callable[..., MappedCrm]


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Mariadb]:
    """A running MariaDB."""
    server = Mariadb.start()
    yield server
    server.end()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """A running PostgreSQL."""
    server = Postgresql.start()
    yield server
    server.end()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """`opened(tree)` gives a MappedCrm of a mapping, with an index in a file of its own; closed at the end."""
    made: list[MappedCrm] = []

    def make(tree: dict[str, Any], **options: Any) -> MappedCrm:
        local = EmbeddedCrm(f"sqlite:///{tmp_path}/local{len(made)}.db", site=Site(area_code="0574"))
        crm = MappedCrm(mapping.parse(tree, tmp_path), local, **options)
        made.append(crm)
        return crm

    yield make
    for crm in made:
        crm.close()


def engine(url: str) -> sa.Engine:
    """An engine without a pool, for what a test does to a source."""
    return sa.create_engine(url, poolclass=sa.NullPool)
