"""The link on each PBX: with a secret system name nothing genuine is rejected, and what is forged is."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from cti.ami.link import Link
from cti.ami.messages import Packet
from cti.ami.roster import Roster
from cti.demo.pbx import ReplayedPbx
from cti.ticker import wall_clock
from tests.ami.wire import GUARD, Site
from tests.asterisk.console import Console
from tests.asterisk.pbx import RealAsterisk
from tests.asterisk.site import Site as AsteriskSite
from tests.asterisk.stage import Stage
from tests.contract.conftest import PbxUnderTest, Real, Replayed


@dataclass
class Named:
    """A PBX whose system name is a secret."""

    pbx: PbxUnderTest
    systemname: str
    packets: list[Packet] = field(default_factory=list)
    rosters: list[Roster] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def link(self, systemname: str) -> Link:
        """A link that expects this name."""
        settings = Site(self.pbx.port, username=self.pbx.username, secret=self.pbx.secret, systemname=systemname)
        return Link(
            settings,
            on_packet=lambda packet, now: self._heard(packet),
            on_roster=lambda roster, held, now: self.rosters.append(roster),
            on_state=lambda state, now: self.changed.set(),
            clock=wall_clock,
        )

    def _heard(self, packet: Packet) -> None:
        self.packets.append(packet)
        self.changed.set()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until what the link heard or is made it so."""
        async with asyncio.timeout(GUARD):
            while not true():
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture(params=["replayed", pytest.param("asterisk", marks=pytest.mark.asterisk)])
async def named(request: pytest.FixtureRequest) -> AsyncIterator[Named]:
    """Each PBX, with a name nobody can guess."""
    systemname = secrets.token_hex(8)
    if request.param == "replayed":
        async with ReplayedPbx(speed=5.0, playing=False, talk=(0.0, 1.0), systemname=systemname) as replayed:
            yield Named(Replayed(replayed), systemname)
        return
    asterisk = RealAsterisk(AsteriskSite(systemname=systemname))
    async with asterisk:
        console = await Console(asterisk.ami_port, asterisk.site.secret).open_booted()
        stage = await Stage(asterisk, console).open()
        yield Named(Real(stage), systemname)
        await stage.close()
        await console.close()


async def test_every_genuine_event_carries_the_canary(named: Named) -> None:
    """A whole call passes the gate, and every id in it bears the name."""
    link = named.link(named.systemname)
    running = asyncio.create_task(link.run())
    await named.until(lambda: link.state.phase == "live")
    await named.pbx.place_call("answered")
    wanted = {"Newchannel", "QueueCallerJoin", "AgentConnect", "BridgeEnter", "Hangup"}
    await named.until(lambda: wanted <= {packet.event for packet in named.packets})
    ids = {packet.get("Uniqueid") for packet in named.packets if packet.event == "Newchannel"}
    assert all(one.startswith(f"{named.systemname}-") for one in ids)
    assert not any(reason.startswith("rejected") for reason in link.counters())
    (roster,) = named.rosters
    assert roster.boot
    assert {item.event for item in roster.queue_status} >= {"QueueParams", "QueueMember"}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_with_another_name_nothing_is_believed(named: Named) -> None:
    """An event under a wrong name is as good as forged; the lists, which carry our own ids, are still read."""
    link = named.link("not-the-name")
    running = asyncio.create_task(link.run())
    await named.until(lambda: link.state.phase == "live")
    await named.pbx.place_call("abandoned")
    assert named.packets == []
    assert link.counters()["rejected_canary"] > 10
    assert len(named.rosters) == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
