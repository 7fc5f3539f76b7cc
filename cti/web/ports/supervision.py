"""What supervisors may ask for at the board. Every method checks that it is theirs to ask, and raises Refusal."""

from __future__ import annotations

from typing import Protocol

from cti.auth import Identity
from cti.wire.supervision import (
    ActionsAnswer,
    ActionView,
    AnyWish,
    ControlView,
    ListenBody,
    RuleBody,
    RuleEdit,
    RuleLogAnswer,
    RuleMode,
    RulesAnswer,
    RuleView,
)


class Control(Protocol):
    """Routing on the spot, and listening."""

    async def view(self, identity: Identity) -> ControlView:
        """What may be done here."""

    async def act(self, identity: Identity, wish: AnyWish) -> ActionView:
        """Members and waiting callers."""

    async def listen(self, identity: Identity, body: ListenBody) -> ActionView:
        """Listen, whisper, join."""

    async def undo(self, identity: Identity, action: str, reason: str) -> ActionView:
        """Take an action back."""

    async def end(self, identity: Identity, action: str) -> ActionView:
        """End a listening."""

    async def actions(self, identity: Identity, before: float | None, limit: int) -> ActionsAnswer:
        """What was done, newest first."""

    async def mine(self, identity: Identity) -> ActionsAnswer:
        """What was done to the user, last day."""


class OverflowRules(Protocol):
    """Rules that bring help when callers wait."""

    async def rules(self, identity: Identity) -> RulesAnswer:
        """All overflow rules."""

    async def add_rule(self, identity: Identity, body: RuleBody) -> RuleView:
        """A new rule; it begins as a dry run."""

    async def change_rule(self, identity: Identity, rule: str, body: RuleEdit) -> RuleView:
        """Another text; it takes back what it did and begins as a dry run again."""

    async def set_rule_mode(self, identity: Identity, rule: str, mode: RuleMode, version: int) -> RuleView:
        """Off, dry run, live."""

    async def withdraw_rule(self, identity: Identity, rule: str) -> RuleView:
        """Take back now what it did."""

    async def drop_rule(self, identity: Identity, rule: str) -> None:
        """Take back what it did, and forget it."""

    async def rule_log(self, identity: Identity, rule: str) -> RuleLogAnswer:
        """What it did, newest first."""
