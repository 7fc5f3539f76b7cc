"""The PBXs that must pass the contract: the replayed one, and a real Asterisk on the project's own configuration."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol

import pytest
import pytest_asyncio

from cti.demo import site as demo_site
from cti.demo.pbx import SECRET, USERNAME, ReplayedPbx
from tests.asterisk.console import Console
from tests.asterisk.pbx import RealAsterisk
from tests.asterisk.plays_all import PLAYS
from tests.asterisk.stage import Stage

Story = Literal["answered", "abandoned"]


class PbxUnderTest(Protocol):
    """A PBX with the account of config/asterisk/manager.conf."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def username(self) -> str: ...
    @property
    def secret(self) -> str: ...
    @property
    def member(self) -> str:
        """Interface of some queue member."""
        ...

    async def place_call(self, story: Story) -> None:
        """Have one call from outside made, from beginning to end."""
        ...


@dataclass
class Replayed:
    """The demonstration's PBX, five times as fast as life."""

    pbx: ReplayedPbx
    host: str = "127.0.0.1"
    username: str = USERNAME
    secret: str = SECRET
    member: str = demo_site.AGENTS[0][0]

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.pbx.port

    async def place_call(self, story: Story) -> None:
        """Play the tape of that name."""
        await self.pbx.place_call(tape=story)


@dataclass
class Real:
    """Asterisk, with phones that behave."""

    stage: Stage
    host: str = "127.0.0.1"
    username: str = "thirteen"

    @property
    def port(self) -> int:
        """Where its manager listens."""
        return self.stage.pbx.ami_port

    @property
    def secret(self) -> str:
        """The account's."""
        return self.stage.pbx.site.secret

    @property
    def member(self) -> str:
        """The first phone."""
        return self.stage.interface(0)

    async def place_call(self, story: Story) -> None:
        """Act the play of that name."""
        await PLAYS[story](self.stage)
        await self.stage.clear()


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=["replayed", pytest.param("asterisk", marks=pytest.mark.asterisk)],
)
async def pbx(request: pytest.FixtureRequest) -> AsyncIterator[PbxUnderTest]:
    """Each of them in turn, one for all tests of the module."""
    if request.param == "replayed":
        async with ReplayedPbx(speed=5.0, playing=False, talk=(0.0, 1.0)) as replayed:
            yield Replayed(replayed)
        return
    asterisk = RealAsterisk()
    async with asterisk:
        console = await Console(asterisk.ami_port, asterisk.site.secret).open_booted()
        stage = await Stage(asterisk, console).open()
        yield Real(stage)
        await stage.close()
        await console.close()
