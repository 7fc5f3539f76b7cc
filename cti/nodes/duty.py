"""A duty that one node of the site has at a time: kept by a lease, or always where there is one node only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from cti.leadership import Leadership
from cti.store import Store
from cti.store.lease import Lease
from cti.ticker import steady_clock


class Duty:
    """`run` as a task."""

    def __init__(
        self,
        store: Store,
        name: str,
        holder: str,
        *,
        run: Callable[[Callable[[], Any]], Awaitable[Any]],
        on_change: Callable[[bool], None] = lambda has: None,
        able: Callable[[], bool] = lambda: True,
    ) -> None:
        """`name` is the lease's; `on_change` is told when this node gets it and when it loses it."""
        self._leadership: Leadership | None = None
        if store.database.is_sqlite:
            return

        def changed(lease: Lease | None) -> None:
            on_change(lease is not None)

        self._leadership = Leadership(
            store, pbx=name, node=holder, run=run, steady=steady_clock, on_change=changed, able=able
        )

    @property
    def has(self) -> bool:
        """True while it is surely this node's."""
        return self._leadership is None or self._leadership.held is not None

    async def run(self) -> None:
        """Keep it, or wait for it, for ever."""
        if self._leadership is not None:
            await self._leadership.run()
