"""Puts the audit's questions to the PBX while the link is live (no panoramisk here)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from cti.ami.actions import AmiError
from cti.ami.messages import Packet
from cti.ami.resync import Ask


class Auditor(Protocol):
    """Who knows what to ask and what to make of the answer: `cti.calls.audit`."""

    def question(self) -> tuple[str, Mapping[str, str]]:
        """The next action and its fields."""

    def answer(self, fields: Mapping[str, str], items: Sequence[Packet]) -> int:
        """How many differences are certain now."""


async def audit(ask: Ask, auditor: Auditor, every: float, found: Callable[[int], None]) -> None:
    """Ask every so many seconds, for ever; `found` is told how many differences are certain. Cancel to stop."""
    while True:
        await asyncio.sleep(every)
        name, fields = auditor.question()
        try:
            items = (await ask(name, fields))[1:-1]
        except (AmiError, ValueError):  # refused, too late, the link broke, or a queue's name that no action may carry
            continue
        certain = auditor.answer(fields, items)
        if certain:
            found(certain)
