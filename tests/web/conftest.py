"""Fixtures of the HTTP port's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.web.place import Site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A running web server."""
    made = Site()
    port = await made.server.start("127.0.0.1", 0)
    made.base = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as made.http:
        yield made
    await made.server.stop()
    made.auth.close()
