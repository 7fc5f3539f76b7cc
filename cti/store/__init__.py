"""What Thirteen itself remembers: calls, notes, drafts, users, sessions, messages, and who did what.

SQL stays in here. Customers are `crm_bridge`'s, not kept here. Writing the same twice is harmless everywhere.
"""

from cti.store.base import is_outage
from cti.store.claim import Claim
from cti.store.rows import AuditRow, CallNote, CallRow, Draft
from cti.store.store import NoteConflict, Store, StoreError
from cti.store.writer import Writer

__all__ = [
    "AuditRow",
    "CallNote",
    "CallRow",
    "Claim",
    "Draft",
    "NoteConflict",
    "Store",
    "StoreError",
    "Writer",
    "is_outage",
]
