"""The store: one synchronous object, safe from any thread. Its callers run it outside their event loop."""

from __future__ import annotations

from cti.store.base import StoreError
from cti.store.control import ControlBook
from cti.store.desk import Desk, NoteConflict
from cti.store.history import Reports
from cti.store.history_write import HistoryWriting
from cti.store.lease import Leases
from cti.store.linking import Linking
from cti.store.log import LogBooks
from cti.store.messages import Messages
from cti.store.people import People
from cti.store.watching import Watching

__all__ = ["NoteConflict", "Store", "StoreError"]


class Store(HistoryWriting, Reports, LogBooks, Desk, People, Linking, Messages, Watching, ControlBook, Leases):
    """Everything Thirteen remembers. Every method raises StoreError; times are epoch seconds from the caller."""
