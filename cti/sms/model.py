"""A text message and the order of its states (pure).

Platforms report twice, late, in any order and in parallel. So a status has a rank, and only a higher rank replaces a
lower one: whatever order reports come in, the end is the same. The two ends, delivered and failed, exclude each
other; the first to come stays, for a part that failed is not mended by another part's success.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Direction = Literal["in", "out"]
Status = Literal["queued", "sent", "delivered", "failed", "received"]

RANK: Final[dict[Status, int]] = {"queued": 0, "sent": 1, "delivered": 2, "failed": 2, "received": 2}
"A status replaces another only where its rank is higher."


class SmsMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message between a customer and us."""

    id: str
    "Ours; a message that a platform tells twice has the same id both times."
    at: float
    "Epoch seconds when it was sent or received."
    direction: Direction
    number: str
    "The customer's number as the platform gave it."
    key: str
    "The same as `crm_bridge.numbers` canonicalises it: what look-ups go by."
    text: str
    status: Status
    by: str = ""
    "Who wrote it: a colleague's name, or the customer's where known; '' for the system."


def follows(old: Status, new: Status) -> bool:
    """Whether `new` replaces `old`.

    >>> follows("queued", "delivered"), follows("delivered", "sent"), follows("delivered", "failed")
    (True, False, False)
    """
    return RANK[new] > RANK[old]


def merged(old: Status, new: Status) -> Status:
    """The status after both were heard, in whichever order lower ranks come."""
    return new if follows(old, new) else old
