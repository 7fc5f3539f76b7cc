"""Queue visits and the rings within them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cti.calls import record
from cti.events import Outcome

if TYPE_CHECKING:
    from cti.calls.legs import Leg

# What the dialplan says after Queue() (QUEUESTATUS), in our words.
LEFT_BY_STATUS: dict[str, Outcome] = {
    "TIMEOUT": "timeout",
    "LEAVEEMPTY": "empty",
    "LEAVEUNAVAIL": "empty",
    "WITHDRAW": "withdrawn",
    "REDIRECTED": "redirected",  # said by the contexts that the shipped dialplan has for supervisors' moves
}
REFUSED_BY_STATUS = {"FULL": "full", "JOINEMPTY": "empty", "JOINUNAVAIL": "empty"}


class Ring:
    """One try to reach one queue member for one visit."""

    __slots__ = ("agent", "answered", "at", "dest", "ended", "key", "member", "phones", "told", "visit")

    def __init__(self, key: str, visit: VisitState, dest: Leg, agent: str | None, member: str, at: float) -> None:
        """`dest` is the channel the queue rings, `member` the member's interface."""
        self.key = key
        self.visit = visit
        self.dest = dest
        self.agent = agent
        self.member = member
        self.at = at
        self.phones: list[Leg] = []
        self.told: dict[str, str] = {}
        "interface -> ring key of the AgentRinging that was sent"
        self.answered = False
        self.ended = False

    def interface(self) -> str:
        """The phone that rings: the last one found, else the member's own interface."""
        for leg in reversed(self.phones):
            return leg.interface
        return self.member


class VisitState:
    """One stay in one queue, while it lasts and shortly after."""

    __slots__ = (
        "abandon_at",
        "agent",
        "answered_at",
        "breached",
        "closed",
        "completed",
        "estimated",
        "interface",
        "joined_at",
        "key",
        "leave_at",
        "left_at",
        "leg",
        "missed",
        "missed_keys",
        "outcome",
        "place",
        "position",
        "queue",
        "rings",
        "settled",
        "wait_s",
        "waiting_since",
    )

    def __init__(self, key: str, leg: Leg, queue: str, joined_at: float | None, waiting_since: float) -> None:
        """`leg` stands in the queue; `joined_at` None if the entry was not seen."""
        self.key = key
        self.leg = leg
        self.queue = queue
        self.joined_at = joined_at
        self.waiting_since = waiting_since
        self.place = ("", "")
        "dialplan context and extension at the entry"
        self.position: int | None = None
        self.estimated = False
        "joined_at comes from a roster's whole seconds"
        self.rings: dict[str, Ring] = {}
        self.missed: list[record.Missed] = []
        self.missed_keys: set[str] = set()
        self.abandon_at: float | None = None
        "QueueCallerAbandon was seen: what it means is told by what follows"
        self.leave_at: float | None = None
        self.left_at: float | None = None
        self.answered_at: float | None = None
        self.wait_s: float | None = None
        self.agent: str | None = None
        self.interface: str | None = None
        self.outcome: Outcome = "unknown"
        self.closed = False
        "no longer in the queue"
        self.completed = False
        "AgentComplete of this visit was seen"
        self.settled = False
        "the outcome is known for good"
        self.breached = False

    @property
    def waiting(self) -> bool:
        """True while the caller stands in the queue."""
        return not self.closed and self.abandon_at is None and self.leave_at is None

    def was_at(self, leg: Leg, queue: str, at: float) -> bool:
        """True if this is the stay of that leg in that queue that `at` lies in, and it is over."""
        if not self.closed or self.leg is not leg or self.queue != queue:
            return False
        ends = [end for end in (self.left_at, self.leave_at, self.abandon_at) if end is not None]
        return bool(ends) and self.joined_at is not None and self.joined_at <= at <= max(ends)

    def close(self, outcome: Outcome, left_at: float | None) -> None:
        """The caller is out of the queue."""
        self.closed = True
        self.outcome = outcome
        self.settled = outcome != "unknown"
        self.left_at = left_at
        if outcome == "answered":
            self.answered_at = left_at
        if left_at is not None and self.joined_at is not None:
            self.wait_s = max(0.0, left_at - self.joined_at)

    def to_record(self) -> record.Visit:
        """The visit as the calls document has it."""
        return record.Visit(
            queue=self.queue,
            joined_at=self.joined_at,
            left_at=self.left_at,
            outcome=self.outcome,
            answered_at=self.answered_at,
            wait_s=None if self.wait_s is None else round(self.wait_s, 6),
            agent=self.agent,
            interface=self.interface,
            missed=tuple(self.missed),
        )
