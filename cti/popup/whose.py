"""Whose the numbers of a list are: a name where nothing speaks for another customer, as in the pop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice
from typing import Any, Final

from crm_bridge import model
from cti import wire
from cti.popup.rules import decide, party_view

LOT: Final = 20
"Numbers of one question: between two of them whoever rings is asked for."
PATIENCE_S: Final = 1.0
"A list waits no longer for names than this, and then shows numbers."


class Whose:
    """Asks the CRM, which may be slow or away: what it does not tell in time has no name."""

    def __init__(self, ask: Callable[[Callable[[model.Crm], Any]], Awaitable[Any]]) -> None:
        """`ask` does something with the CRM in a lane of its own and raises CrmError."""
        self._ask = ask

    async def parties(self, numbers: Iterable[str | None]) -> dict[str, wire.Party]:
        """{number: whose it is}, without those that nobody or several have."""
        wanted = iter(dict.fromkeys(number for number in numbers if number))
        found: dict[str, wire.Party] = {}
        try:
            async with asyncio.timeout(PATIENCE_S):
                while lot := tuple(islice(wanted, LOT)):
                    found.update(await self._ask(lambda crm, lot=lot: _known(crm, lot)))  # type: ignore[misc]
        except (model.CrmError, TimeoutError):
            pass  # its state is shown elsewhere
        return found


def _known(crm: model.Crm, numbers: Iterable[str]) -> dict[str, wire.Party]:
    found: dict[str, wire.Party] = {}
    for number in numbers:
        party = decide(crm.lookup(number)).chosen
        if party is not None:
            found[number] = party_view(party)
    return found
