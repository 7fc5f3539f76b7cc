"""Reading the whole state of a PBX by its lists, in one go that is one boot (no panoramisk here)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from cti.ami.actions import AmiError
from cti.ami.messages import Packet
from cti.ami.roster import Roster, boot_of, clock_of

Ask = Callable[[str, Mapping[str, str]], Awaitable[list[Packet]]]

VARIABLES: Final = "QUEUENAME,MEMBERINTERFACE,DID,FROM_DID"
"Channel variables read with Status: the queue and member (`setqueuevar`, `setinterfacevar`), the line's own number."

AT_ONCE: Final = 50
"Bridges asked about at once: one after the other, a busy PBX's would take longer than all its lists."


class NotReadyError(Exception):
    """Asterisk is still starting, or started anew between two questions: ask again later."""


async def read_roster(ask: Ask) -> Roster:
    """Ask for every list (order: FAULTS 3.3), and for the boot before and after.

    Raises NotReadyError while Asterisk starts, AmiError where a list that is needed cannot be had (`permanent`: no
    right to it). Status and DeviceStateList are taken where they are allowed.
    """
    boot = boot_of((await _need(ask, "CoreStatus"))[0])
    queue_status = (await _need(ask, "QueueStatus"))[1:-1]
    channels = (await _need(ask, "CoreShowChannels"))[1:-1]
    bridges: list[tuple[str, list[Packet]]] = []
    listed = (await _need(ask, "BridgeList"))[1:-1]
    for start in range(0, len(listed), AT_ONCE):
        some = [(bridge.get("BridgeUniqueid"), bridge) for bridge in listed[start : start + AT_ONCE]]
        found = await asyncio.gather(*(_may(ask, "BridgeInfo", {"BridgeUniqueid": id}) for id, _ in some))
        # The bridge's own line tells a holding bridge from a talk.
        bridges += [(id, [bridge, *items]) for (id, bridge), items in zip(some, found, strict=True)]
    variables = await _may(ask, "Status", {"Variables": VARIABLES})
    devices = await _may(ask, "DeviceStateList", {})
    if boot_of((await _need(ask, "CoreStatus"))[0]) != boot:
        raise NotReadyError("Asterisk started anew while its lists were read")
    try:
        ping = (await ask("Ping", {}))[0]
    except AmiError as error:
        if not error.permanent:
            raise
        ping = None
    return Roster(
        boot=boot,
        queue_status=queue_status,
        channels=channels,
        bridges=bridges,
        variables=variables,
        devices=devices,
        at=None if ping is None else clock_of(ping),
    )


async def _need(ask: Ask, name: str) -> list[Packet]:
    try:
        return await ask(name, {})
    except AmiError as error:
        if "unknown command" in str(error):
            raise NotReadyError(f"{name}: not there yet") from None
        raise


async def _may(ask: Ask, name: str, fields: Mapping[str, str]) -> list[Packet]:
    """Items of a list that may be refused, or whose bridge may be gone by now."""
    try:
        return (await ask(name, fields))[1:-1]
    except AmiError as error:
        if not error.permanent:
            raise
        return []
    except ValueError:  # a bridge id that no action may carry
        return []
