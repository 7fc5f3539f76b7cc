"""Who leads: keeps one PBX's lease for this node, or waits for it (FAULTS 3.8).

A node believes that it leads only while its own steady clock says that the lease cannot have run out: renewed by the
database at the earliest when it was asked to. So a node that hung or was cut off from the database stops by itself
before another may begin; and should it not notice, the epoch stops its writes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from cti.store.lease import Lease

log = logging.getLogger(__name__)

LEASE_S: Final = 1.5
"How long a lease runs."
RENEW_S: Final = 0.4
"Between two renewals."
TRY_S: Final = 0.2
"Between two tries to get the lease: with LEASE_S this bounds how long nobody leads."
MARGIN_S: Final = 0.2
"A node stops leading this long before its lease may run out."


class Leases(Protocol):
    """The store, as far as leading needs it."""

    def take_lease(self, pbx: str, node: str, *, for_s: float) -> Lease | None:
        """Get the lease, None while another node has it."""

    def keep_lease(self, held: Lease, *, for_s: float) -> bool:
        """Renew it; False where it is another's by now."""

    def drop_lease(self, held: Lease) -> None:
        """Give it up."""


class Leadership:
    """Use from one event loop: `run` as a task; `held` is this node's lease while it leads."""

    def __init__(
        self,
        store: Leases,
        *,
        pbx: str,
        node: str,
        run: Callable[[Callable[[], object]], Awaitable[object]],
        steady: Callable[[], float],
        on_change: Callable[[Lease | None], None],
        able: Callable[[], bool] = lambda: True,
    ) -> None:
        """`run` carries store calls out in a worker thread; `on_change` is told each lease and each end of one.

        While this node is not `able` (it does not see the PBX) it leaves the lease to others.
        """
        self._store = store
        self._pbx = pbx
        self._node = node
        self._work = run
        self._steady = steady
        self._on_change = on_change
        self._able = able
        self._held: Lease | None = None
        self._until = 0.0
        self._expiry: asyncio.TimerHandle | None = None
        self.away = False
        "The store did not answer when it was last asked."
        self.changes = 0
        "How often this node began to lead."

    @property
    def held(self) -> Lease | None:
        """The lease, while it surely runs."""
        return self._held if self._held is not None and self._steady() < self._until else None

    async def run(self) -> None:
        """Lead whenever nobody else does; cancel to give the lease up and stop."""
        try:
            while True:
                await self._turn()
                await asyncio.sleep(TRY_S if self._held is None else RENEW_S)
        finally:
            held, self._held = self._held, None
            if self._expiry is not None:
                self._expiry.cancel()
            if held is not None:
                self._on_change(None)
                await self._give_up(held)

    async def _turn(self) -> None:
        asked = self._steady()
        held = self._held
        try:
            if not self._able():
                if held is not None:
                    self._end("the PBX is out of sight here")
                    await self._give_up(held)
            elif held is None:
                taken = await self._work(lambda: self._store.take_lease(self._pbx, self._node, for_s=LEASE_S))
                if isinstance(taken, Lease):
                    self._begin(taken, asked)
            elif await self._work(lambda: self._store.keep_lease(held, for_s=LEASE_S)):
                if self._held is held:
                    self._arm(asked)
            else:
                self._end("another node leads")
            self.away = False
        except Exception as error:
            # The lease runs on, or out: `_arm` has seen to that.
            self.away = True
            log.warning("the lease of %s could not be asked for: %s", self._pbx, type(error).__name__)

    def _begin(self, taken: Lease, asked: float) -> None:
        if self._steady() >= asked + LEASE_S - MARGIN_S:
            return  # the answer took longer than the lease runs
        self._held = taken
        self._arm(asked)
        self.changes += 1
        log.info("this node leads %s, epoch %d", self._pbx, taken.epoch)
        self._on_change(taken)

    def _arm(self, asked: float) -> None:
        """Lead until shortly before the lease that was asked for at `asked` can end."""
        if self._expiry is not None:
            self._expiry.cancel()
        self._until = asked + LEASE_S - MARGIN_S
        left = self._until - self._steady()
        if left <= 0:
            self._end("the answer took longer than the lease runs")
            return
        self._expiry = asyncio.get_running_loop().call_later(left, self._end, "the lease could not be renewed in time")

    def _end(self, why: str) -> None:
        if self._held is None:
            return
        self._held = None
        if self._expiry is not None:
            self._expiry.cancel()
        log.warning("this node no longer leads %s: %s", self._pbx, why)
        self._on_change(None)

    async def _give_up(self, held: Lease) -> None:
        try:
            async with asyncio.timeout(LEASE_S):
                await self._work(lambda: self._store.drop_lease(held))
        except Exception as error:
            log.warning("the lease of %s was left to run out: %s", self._pbx, type(error).__name__)
