"""What is to be written back, and what came of it (pure)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol, get_args

import msgspec

from crm_bridge.model import BusinessRecord

Kind = Literal["call", "note", "party", "fields", "business"]
"party: a new prospect; fields: changed values of a known customer."
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
State = Literal["waiting", "done", "refused"]
"refused: the CRM said no for good; it waits for somebody to look and to send it again."

PAYLOADS: Final[dict[str, frozenset[str] | None]] = {
    "call": frozenset(
        (
            "call_id",
            "number",
            "direction",
            "did",
            "queue",
            "agent",
            "agent_name",
            "outcome",
            "started_at",
            "answered_at",
            "ended_at",
            "wait_s",
            "talk_s",
            "disposition",
            "note",
            "recording",
        )
    ),
    "note": frozenset(("text", "by", "call_id", "at")),
    "party": None,
    "fields": None,
    "business": frozenset(BusinessRecord.__struct_fields__),
}
"{kind: names a payload may hold}; None where the site's own fields decide."
TIMES: Final = frozenset(
    ("at", "started_at", "answered_at", "ended_at", "price_date", "etd", "eta", "eta_planned", "created_at")
)
"Names that hold epoch seconds."


class PartyRef(Protocol):
    """A customer as the other CRM names it."""

    @property
    def entity(self) -> str:
        """Its kind there, such as contact."""

    @property
    def id(self) -> str:
        """Its key there."""

    @property
    def company_entity(self) -> str | None:
        """Kind of a person's company there."""

    @property
    def company_id(self) -> str | None:
        """Its key."""


class Whose(msgspec.Struct, frozen=True, kw_only=True):
    """A `PartyRef` as it is kept."""

    entity: str
    id: str
    company_entity: str | None = None
    company_id: str | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One intent on its way. The same key and revision may come more than once and must take effect once."""

    key: str
    "kind:key; what the CRM must remember."
    revision: int
    "1, and one more each time what is told under this key changed."
    kind: Kind
    party: Whose | None
    payload: dict[str, Any]
    attempts: int
    "Before this one."
    created_at: float
    after_id: str | None = None
    "The id that the CRM gave to the intent this one waited for."


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """It took effect there, now or at an earlier try."""

    external_id: str | None = None
    "What the CRM calls it."


class Target(Protocol):
    """Where intents take effect."""

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Raises CrmError; permanent means that trying again cannot help."""

    async def close(self) -> None:
        """Give connections back."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An intent as people see it in a list: no payload, so no number and no customer's words."""

    key: str
    kind: str
    state: State
    attempts: int
    created_at: float
    due_at: float
    "When it is tried next."
    done_at: float | None
    external_id: str | None
    error: str
    "Why it failed last, a sentence; '' where it never did."
    error_en: str
    error_at: float | None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """The outbox in figures, counted from its rows."""

    waiting: int
    retrying: int
    "Of those waiting, tried before."
    refused: int
    done: int
    oldest: float | None
    "When the oldest waiting one was put in."


def key_of(kind: str, key: str) -> str:
    """The key the CRM sees: printable ASCII, at most 200 characters, different for different keys.

    >>> key_of("note", "9f2c"), len(key_of("note", "注" * 300))
    ('note:9f2c', 69)
    """
    whole = f"{kind}:{key}"
    if len(whole) <= 200 and all("!" <= char <= "~" for char in whole):
        return whole
    return f"{kind}:{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()}"


def digest(party: Whose | None, payload: Mapping[str, Any]) -> str:
    """Tells whether two intents say the same."""
    return hashlib.sha256(msgspec.json.encode([party, payload], order="sorted")).hexdigest()


def delay(attempts: int, key: str, *, base_s: float, cap_s: float) -> float:
    """Seconds until the next try: doubled each time up to a cap, spread by key so that not all come at once.

    >>> delay(1, "a", base_s=2, cap_s=900) < 3, delay(40, "a", base_s=2, cap_s=900) <= 1125
    (True, True)
    """
    spread = hashlib.sha256(f"{key} {attempts}".encode()).digest()[0] / 255
    return float(min(cap_s, base_s * 2.0 ** min(max(attempts, 1) - 1, 60)) * (0.75 + 0.5 * spread))
