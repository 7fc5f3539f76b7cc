"""What is typed here goes back to the site's own CRM: calls, notes, new prospects, changed fields, business records.

Each is an intent under a key of its own, written to an outbox first and delivered from there at least once, by the
mapping's own SQL or by a signed HTTP call. Twice under one key is harmless; what fails is seen and tried again, and
nothing is lost.
"""

from crm_bridge.writeback.intents import Counts, Delivery, Entry, Outcome, Target
from crm_bridge.writeback.outbox import Outbox
from crm_bridge.writeback.rules import Rules
from crm_bridge.writeback.targets import rules_of, targets
from crm_bridge.writeback.worker import Pace, WriteBack

__all__ = [
    "Counts",
    "Delivery",
    "Entry",
    "Outbox",
    "Outcome",
    "Pace",
    "Rules",
    "Target",
    "WriteBack",
    "rules_of",
    "targets",
]
