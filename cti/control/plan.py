"""What an action is made of: what is sent, what of the PBX's events confirms it, and how a wish is declined (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, Protocol

import msgspec

from cti.calls.reach import Membership, Reach
from cti.events import Event

Key = tuple[str, str]
"(queue, member's interface)"
Rows = Mapping[Key, Membership | None]
"Rows of queues; None for one that is not there."


class Declined(Exception):
    """A wish that is not even tried: HTTP status, a code for programs, a sentence for people."""

    def __init__(self, status: int, code: str, text: str, text_en: str, **more: Any) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.text = text
        self.text_en = text_en
        self.more = more


class Core(Protocol):
    """The PBX's state as the core has it, asked at the moment of use."""

    def memberships(self, phone: str) -> Sequence[Membership]:
        """A phone's rows in all queues."""

    def waiting(self, visit: str) -> Reach | None:
        """The channel of a caller who waits now."""

    def talking(self, phone: str) -> Reach | None:
        """The channel on which a phone talks now."""

    def first_leg(self, call: str) -> Reach | None:
        """The channel that leads a call."""


class Step(msgspec.Struct, frozen=True):
    """One action of the link's allow-list."""

    action: str
    fields: Mapping[str, str]


class Verdict(msgspec.Struct, frozen=True):
    """What the PBX's events say became of an action; `text` is a sentence, '' for the one it was asked with."""

    state: Literal["confirmed", "refused"]
    text: str = ""
    text_en: str = ""


Judge = Callable[[Event], Verdict | None]
"Looks at one event of the PBX; None: it does not decide."


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """An action ready to be sent."""

    steps: tuple[Step, ...]
    judge: Judge
    phones: tuple[str, ...] = ()
    "Phones of the agents concerned."
    before: Rows = {}
    "For members: the rows as they were, which is what undoing brings back."
    want: Rows = {}
    undo: tuple[str, str] | None = None
    "What undoing would do, in both languages; None where it cannot be undone."


CONFIRMED: Final = Verdict("confirmed")


def pbx_away() -> Declined:
    """No link to the PBX: nothing is sent into the dark."""
    return Declined(503, "pbx", "与交换机的连接不正常，暂不能操作", "The link to the PBX is not live; nothing was done")
