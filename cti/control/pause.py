"""Pausing one's own place in the queues."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

MAX_REASON: Final = 80
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class Pbx(Protocol):
    """The PBXs, as far as a pause needs them."""

    def members(self, phone: str) -> Sequence[str]:
        """The queue members' interfaces that reach this phone."""

    async def action(self, name: str, fields: Mapping[str, str]) -> Sequence[object]:
        """Send one action; raises the link's error where it was refused or never answered."""


def reason_for(text: str) -> str:
    """A reason that may be sent: one line, cut; raises ValueError for control characters."""
    if _CONTROL.search(text):
        raise ValueError("control characters in the reason")
    return text.strip()[:MAX_REASON]


async def pause(pbx: Pbx, members: Sequence[str], paused: bool, reason: str) -> None:
    """Pause or unpause these queue members in all their queues. The first refusal ends it."""
    fields = {"Paused": "true" if paused else "false"}
    if paused and reason:
        fields["Reason"] = reason_for(reason)
    for interface in members:
        await pbx.action("QueuePause", {"Interface": interface, **fields})
