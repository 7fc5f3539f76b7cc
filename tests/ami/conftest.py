"""The scripted PBX and the two clients."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.ami.clients import Client, Ours, Stock
from tests.ami.wire import ScriptedPbx


@pytest.fixture
async def pbx() -> AsyncIterator[ScriptedPbx]:
    """A PBX that answers everything the link asks, with empty lists."""
    async with ScriptedPbx() as scripted:
        yield scripted


@pytest.fixture(params=[Stock, Ours], ids=["stock_panoramisk", "thirteen"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """Each test that asks for this runs twice: the promise must hold for ours and be seen to fail for stock."""
    made: Client = request.param()
    yield made
    await made.stop()


@pytest.fixture
async def ours() -> AsyncIterator[Ours]:
    """Our link alone."""
    made = Ours()
    yield made
    await made.stop()
