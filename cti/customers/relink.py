"""Past calls of a number that a customer got later: linked to him, where the number tells whose they were."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from crm_bridge.live import SiteCrm, own_part
from crm_bridge.model import CrmError
from crm_bridge.numbers import canonical
from cti.popup.lanes import Away, Late
from cti.popup.rules import decide
from cti.store import StoreError

log = logging.getLogger(__name__)

LOTS: Final = 500
"Keys looked at in one go."
MOST: Final = 2_000_000
"Keys that may wait: a first reading of a large CRM brings all of them."
PAUSE_S: Final = 1.0
AGAIN_S: Final = 10.0
BY: Final = "number"
"Who said whose the call was, where nobody did."


class Past(Protocol):
    """What the store knows. Synchronous: called in a worker thread."""

    def unlinked_calls(self, keys: list[str]) -> list[tuple[str, str]]:
        """[(call, number key)] of ended calls with these keys that no party was chosen for."""

    def choose_party(self, call_id: str, party_id: str, by: str, at: float) -> None:
        """Whose call it was."""


class Relink:
    """Links past calls; `numbers` may be called from any thread."""

    def __init__(
        self,
        past: Past,
        crm: Callable[[], SiteCrm],
        *,
        run: Callable[[Callable[[], Any]], Awaitable[Any]],
        clock: Callable[[], float],
        on_link: Callable[[str], None] = lambda call: None,
        on_keys: Callable[[frozenset[str]], None] = lambda keys: None,
    ) -> None:
        """`on_link` is told each call that was linked, `on_keys` what was looked at; both in the event loop."""
        self._past = past
        self._crm = crm
        self._run = run
        self._clock = clock
        self._on_link = on_link
        self._on_keys = on_keys
        self._keys: dict[str, None] = {}
        self._parties: dict[str, None] = {}
        self._lock = threading.Lock()
        self.linked = 0
        "Calls linked since the start."

    def numbers(self, found: Mapping[str, tuple[str, ...]]) -> None:
        """These parties got these number keys."""
        with self._lock:
            for keys in found.values():
                if len(self._keys) < MOST:
                    self._keys.update(dict.fromkeys(keys))

    def party(self, party: str) -> None:
        """Numbers of this party changed."""
        with self._lock:
            self._parties[party] = None

    async def run(self) -> None:
        """For ever."""
        while True:
            pause = PAUSE_S
            try:
                while found := await self._run(self._some):
                    keys, linked = found
                    self.linked += len(linked)
                    for call in linked:
                        self._on_link(call)
                    self._on_keys(keys)
            except (CrmError, StoreError, Away, Late) as error:
                log.debug("past calls wait for their customers: %s", type(error).__name__)
                pause = AGAIN_S
            await asyncio.sleep(pause)

    def _some(self) -> tuple[frozenset[str], list[str]] | None:
        """Look at some keys; (they, calls that were linked), None where nothing waits."""
        with self._lock:
            keys = list(self._keys)[:LOTS]
            parties = list(self._parties)[:LOTS]
        if not keys and not parties:
            return None
        crm = self._crm()
        own = own_part(crm)
        for party in parties:
            try:
                points = crm.profile(party).contact_points
            except CrmError as error:
                if not error.permanent:
                    raise
                continue
            keys += [key for p in points if p.kind == "phone" and (key := canonical(p.value, own.site).key)]
        linked: list[str] = []
        try:
            for call, key in self._past.unlinked_calls(keys) if keys else ():
                chosen = decide(own.lookup(key)).chosen
                if chosen is not None:
                    self._past.choose_party(call, chosen.id, BY, self._clock())
                    linked.append(call)
        except (CrmError, StoreError):
            raise
        except Exception as error:  # these keys, and not all that come after them
            log.error("past calls are not linked: %s", type(error).__name__)
        with self._lock:
            for one in keys:
                self._keys.pop(one, None)
            for one in parties:
                self._parties.pop(one, None)
        return frozenset(keys), linked
