"""Our own part of the unified record: calls and messages of a number, from the store. For worker threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cti import wire
from cti.sms.record import section
from cti.store import CallRow, Store


class OwnPart:
    """What the pop's record asks of us; raises StoreError where the store cannot answer."""

    def __init__(self, store: Store, item: Callable[[CallRow], wire.CallItem]) -> None:
        """`item` is a stored call as pages show it."""
        self._store = store
        self._item = item

    def calls(self, keys: Sequence[str], limit: int, but: str) -> tuple[Sequence[wire.CallItem], int]:
        """The latest calls of these number keys but one, and how many there are."""
        rows = [row for row in self._store.calls_of_number(keys, limit + 1) if row.id != but][:limit]
        total = len(rows) if len(rows) < limit else self._store.calls_total(keys)
        return [self._item(row) for row in rows], total

    def sms(self, keys: Sequence[str], limit: int) -> tuple[Sequence[wire.SmsItem], int]:
        """The latest messages of these number keys, and how many there are."""
        return section(self._store, keys, limit)
