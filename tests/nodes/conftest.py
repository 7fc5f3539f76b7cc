"""Fixtures of the tests with several nodes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.nodes.cluster import Site, fill_server, replayed
from tests.servers.databases import Copies
from tests.servers.postgresql import Postgresql
from tests.servers.redis import Redis

_streams = count()


@pytest.fixture(scope="session")
def filled_copies(postgresql: Postgresql) -> Copies:
    """Databases with customers and users."""
    return Copies(postgresql, fill_server)


@pytest.fixture(scope="session")
def relay_server() -> Iterator[Redis]:
    """One Redis; a test that kills it starts it again."""
    started = Redis.start()
    yield started
    started.end()


@pytest.fixture
async def site_of_two(filled_copies: Copies, relay_server: Redis, tmp_path: Path) -> AsyncIterator[Site]:
    """Two PBXs, a database, a Redis."""
    url, drop = filled_copies.new()
    async with replayed("north") as north, replayed("south") as south:
        yield Site(url, relay_server.url, {"north": north, "south": south}, f"site{next(_streams)}", tmp_path)
    drop()
