"""A text message and the order of its states (pure).

Platforms report twice, late, in any order and in parallel. So a status has a rank, and only a higher rank replaces a
lower one: whatever order reports come in, the end is the same. The two ends, delivered and failed, exclude each
other; the first to come stays, for a part that failed is not mended by another part's success.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

Direction = Literal["in", "out"]
Status = Literal["queued", "unsure", "sent", "delivered", "failed", "received"]

RANK: Final[dict[Status, int]] = {"queued": 0, "unsure": 1, "sent": 2, "delivered": 3, "failed": 3, "received": 3}
"A status replaces another only where its rank is higher. Unsure: tried, and not known whether it went out."


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
    login: str = ""
    "The colleague's login."
    origin: str = ""
    "pop, reply, rule or api; '' for a customer's."
    template: str = ""
    platform: str = ""
    provider_id: str = ""
    segments: int = 0
    error: str = ""
    error_text: str = ""
    cost: float | None = None
    sent_at: float | None = None
    delivered_at: float | None = None
    call: str | None = None
    opted_out: str | None = None
    "Of a customer's message: the refusal it was understood as."
    owner: str | None = None
    "Of a customer's message: whose it is; '' everybody's, None not decided yet."
    party: str | None = None
    callback: str | None = None
    "The call-back task it answered."
    read_at: float | None = None


def follows(old: Status, new: Status) -> bool:
    """Whether `new` replaces `old`.

    >>> follows("queued", "delivered"), follows("delivered", "sent"), follows("delivered", "failed")
    (True, False, False)
    """
    return RANK[new] > RANK[old]


def merged(old: Status, new: Status) -> Status:
    """The status after both were heard, in whichever order lower ranks come."""
    return new if follows(old, new) else old


def overall(parts: Mapping[int, Status], total: int) -> Status:
    """The status of a message of `total` segments from those of the segments told: one that failed fails it, and only
    all of them deliver it.

    >>> overall({1: "delivered"}, 2), overall({1: "delivered", 2: "failed"}, 2), overall({1: "delivered"}, 1)
    ('sent', 'failed', 'delivered')
    """
    told = parts.values()
    if "failed" in told:
        return "failed"
    delivered = sum(status == "delivered" for status in told)
    if delivered >= max(1, total):
        return "delivered"
    return "sent" if delivered or "sent" in told else "queued"
