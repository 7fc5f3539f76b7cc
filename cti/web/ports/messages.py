"""What the text messages' API needs from the rest of the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from cti.auth import Identity
from cti.wire import messages as shapes


class Messaging(Protocol):
    """Text messages. Every method checks that the thing is theirs to see or do, and raises Refusal."""

    async def conversation(self, identity: Identity, pop: str, before: float | None) -> shapes.Conversation:
        """The messages of a pop's customer, and what may be sent."""

    async def preview(
        self, identity: Identity, pop: str, to: str, template: str | None, text: str, values: Mapping[str, str]
    ) -> shapes.Size:
        """How long it would be, and what speaks against it."""

    async def send(
        self,
        identity: Identity,
        pop: str,
        key: str,
        to: str,
        template: str | None,
        text: str,
        values: Mapping[str, str],
    ) -> shapes.Message:
        """Send from a pop; the same key again is the same message."""

    async def retry(self, identity: Identity, id: str) -> shapes.Message:
        """A failed message once more, as a new one."""

    async def incoming(
        self, identity: Identity, everybody: bool, unread: bool, before: float | None
    ) -> tuple[Sequence[shapes.Incoming], float | None, int]:
        """Customers' messages, where to go on, and how many are unread."""

    async def sent(
        self, identity: Identity, before: float | None, status: str, platform: str
    ) -> tuple[Sequence[shapes.Message], float | None]:
        """Our messages, newest first."""

    async def read(self, identity: Identity, id: str) -> None:
        """A customer's message was seen."""

    async def reply(
        self, identity: Identity, id: str, key: str, template: str | None, text: str, values: Mapping[str, str]
    ) -> shapes.Message:
        """Answer a customer's message."""

    async def callbacks(self, identity: Identity, state: str) -> Sequence[shapes.Callback]:
        """Promised calls."""

    async def callback_done(self, identity: Identity, id: str) -> None:
        """A promised call was returned."""

    async def templates(self, identity: Identity) -> Sequence[shapes.Template]:
        """All templates."""

    def platforms(self) -> Sequence[tuple[str, bool]]:
        """[(name, whether it sends by approved templates only)]."""

    async def save_template(self, identity: Identity, template: shapes.Template) -> shapes.Template:
        """Write a template."""

    async def drop_template(self, identity: Identity, id: str) -> None:
        """Take a template away."""

    async def preview_template(self, text: str, purpose: shapes.Purpose, values: Mapping[str, str]) -> shapes.Size:
        """How long a template's text is with these values or examples."""

    async def rules(self, identity: Identity) -> Sequence[shapes.Rule]:
        """The three rules."""

    async def save_rule(self, identity: Identity, rule: shapes.Rule) -> shapes.Rule:
        """Write a rule."""

    async def opt_outs(
        self, identity: Identity, text: str, before: float | None
    ) -> tuple[Sequence[shapes.OptOut], float | None]:
        """Refusals, newest first."""

    async def opt_out(self, identity: Identity, number: str, scope: shapes.Scope, note: str) -> shapes.OptOut:
        """A customer said that he wants no more."""

    async def lift_opt_out(self, identity: Identity, id: str, note: str) -> None:
        """He agrees again."""

    async def statistics(self, identity: Identity, since: float, until: float) -> shapes.Statistics:
        """How messages of a period fared."""

    async def status(self, identity: Identity) -> shapes.Status:
        """How the platforms are."""

    async def send_by_program(
        self, token: str, key: str, number: str, template: str, values: Mapping[str, str], trigger: str | None
    ) -> shapes.Message:
        """Send for a program; Refusal 401 for a wrong token."""
