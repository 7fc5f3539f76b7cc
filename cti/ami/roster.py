"""Rosters: who is where, as the PBX lists it at a resync (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from cti.ami.messages import Packet


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """The answers of one resync, taken within one boot of the PBX."""

    boot: str
    "CoreStartupDate and CoreStartupTime of CoreStatus: changes with every boot. '' if not read."
    queue_status: Sequence[Packet]
    "QueueParams, QueueMember and QueueEntry items, in order"
    channels: Sequence[Packet]
    "CoreShowChannel items"
    bridges: Sequence[tuple[str, Sequence[Packet]]] = ()
    "(BridgeUniqueid, BridgeInfoChannel items); the BridgeListItem may lead the items"
    variables: Sequence[Packet] = ()
    "Status items; may be empty"
    devices: Sequence[Packet] = ()
    "DeviceStateChange items of DeviceStateList; may be empty"
    at: float | None = None
    "Epoch seconds on the PBX's clock when all of it had been read (the answer to Ping); None where it did not say."


def boot_of(core_status: Packet) -> str:
    """The boot that a CoreStatus response speaks of, '' if it says none."""
    date, time = core_status.get("CoreStartupDate"), core_status.get("CoreStartupTime")
    return f"{date} {time}" if date and time else ""


def clock_of(ping: Packet) -> float | None:
    """The PBX's clock by its answer to a Ping; None if it does not say, or says what is no time."""
    try:
        at = float(ping.get("Timestamp"))
    except ValueError:
        return None
    return at if 0.0 < at < 1e11 else None  # nan and infinity, too


def started_since(alive_at: float, now: float, core_status: Packet) -> bool:
    """True if the PBX started after `alive_at`, when it was last known to run; for tapes that never said its boot.

    CoreStartupTime is in the PBX's local time zone, which it does not say. Zones are whole quarters of an hour apart,
    so the time is read within a quarter. An unreadable one is no proof of a restart.
    """
    try:
        started = datetime.strptime(boot_of(core_status), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return False
    return (now - started) % 900.0 <= now - alive_at + 1.0
