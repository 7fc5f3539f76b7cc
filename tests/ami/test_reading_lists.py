"""Reading the lists of a busy PBX: bridges are asked about many at once, and each keeps what is in it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from cti.ami.messages import Packet
from cti.ami.resync import AT_ONCE, read_roster

BRIDGES = [f"bridge-{n}" for n in range(2 * AT_ONCE + 7)]


class Answers:
    """A PBX with so many bridges whose answers come in the opposite order of the questions of one moment."""

    def __init__(self) -> None:
        self.open: list[tuple[asyncio.Future[None], str]] = []
        self.most = 0

    async def ask(self, name: str, fields: Mapping[str, str]) -> list[Packet]:
        """The response, and the items of a list."""
        if name == "BridgeList":
            items = [Packet.of({"Event": "BridgeListItem", "BridgeUniqueid": bridge}) for bridge in BRIDGES]
        elif name == "BridgeInfo":
            bridge = fields["BridgeUniqueid"]
            await self._turn(bridge)
            items = [Packet.of({"Event": "BridgeInfoChannel", "Uniqueid": f"in-{bridge}"})]
        else:
            items = []
        return [Packet.of({"Response": "Success"}), *items, Packet.of({"Event": "Complete"})]

    async def _turn(self, bridge: str) -> None:
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[None] = loop.create_future()
        if not self.open:
            loop.call_soon(self._answer)
        self.open.append((answered, bridge))
        self.most = max(self.most, len(self.open))
        await answered

    def _answer(self) -> None:
        asked, self.open = self.open, []
        for answered, _ in reversed(asked):
            answered.set_result(None)


async def test_bridges_are_asked_about_at_once_and_each_keeps_its_channels() -> None:
    """What is in a bridge stands with that bridge, whichever answer comes first, and never too many wait."""
    answers = Answers()
    roster = await read_roster(answers.ask)
    assert [bridge for bridge, _ in roster.bridges] == BRIDGES
    assert all(items[1].get("Uniqueid") == f"in-{bridge}" for bridge, items in roster.bridges)
    assert answers.most == AT_ONCE
