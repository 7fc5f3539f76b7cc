"""Text messages that grant everything and remember what they were asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cti.auth import Identity
from cti.wire import messages as shapes

MESSAGE = shapes.Message(id="m1", at=1.0, direction="out", text="x", status="queued", by="")
SIZE = shapes.Size(text="x", encoding="ucs2", characters=1, segments=1, left=69)
TALLY = shapes.Tally(key="", label="", messages=0, segments=0, delivered=0, failed=0, open=0)


class Messages:
    """Implements `cti.web.ports.messages.Messaging`."""

    def __init__(self, ask: Callable[..., None]) -> None:
        self._ask = ask

    async def conversation(self, identity: Identity, pop: str, before: float | None) -> shapes.Conversation:
        """Empty."""
        self._ask("conversation", pop, before)
        counting = shapes.Counting(signature="", domestic=True, longest=500, free_text=True)
        return shapes.Conversation(messages=(), next=None, to=(), drafts=(), counting=counting, can_send=True)

    async def preview(
        self, identity: Identity, pop: str, to: str, template: str | None, text: str, values: Mapping[str, str]
    ) -> shapes.Size:
        """One character."""
        self._ask("preview", pop, to, template, text)
        return SIZE

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
        """Noted."""
        self._ask("send", pop, key, to, template, text)
        return MESSAGE

    async def retry(self, identity: Identity, id: str) -> shapes.Message:
        """Noted."""
        self._ask("retry", id)
        return MESSAGE

    async def incoming(
        self, identity: Identity, everybody: bool, unread: bool, before: float | None
    ) -> tuple[Sequence[shapes.Incoming], float | None, int]:
        """None."""
        self._ask("incoming", everybody, unread, before)
        return (), None, 0

    async def sent(
        self, identity: Identity, before: float | None, status: str, platform: str
    ) -> tuple[Sequence[shapes.Message], float | None]:
        """None."""
        self._ask("sent", before, status, platform)
        return (), None

    async def read(self, identity: Identity, id: str) -> None:
        """Noted."""
        self._ask("read", id)

    async def reply(
        self, identity: Identity, id: str, key: str, template: str | None, text: str, values: Mapping[str, str]
    ) -> shapes.Message:
        """Noted."""
        self._ask("reply", id, key, template, text)
        return MESSAGE

    async def callbacks(self, identity: Identity, state: str) -> Sequence[shapes.Callback]:
        """None."""
        self._ask("callbacks", state)
        return ()

    async def callback_done(self, identity: Identity, id: str) -> None:
        """Noted."""
        self._ask("callback_done", id)

    async def templates(self, identity: Identity) -> Sequence[shapes.Template]:
        """None."""
        self._ask("templates")
        return ()

    def platforms(self) -> Sequence[tuple[str, bool]]:
        """One."""
        return [("aliyun", True)]

    async def save_template(self, identity: Identity, template: shapes.Template) -> shapes.Template:
        """Noted."""
        self._ask("save_template", template.id)
        return template

    async def drop_template(self, identity: Identity, id: str) -> None:
        """Noted."""
        self._ask("drop_template", id)

    async def preview_template(self, text: str, purpose: shapes.Purpose, values: Mapping[str, str]) -> shapes.Size:
        """One character."""
        self._ask("preview_template", text)
        return SIZE

    async def rules(self, identity: Identity) -> Sequence[shapes.Rule]:
        """None."""
        self._ask("rules")
        return ()

    async def save_rule(self, identity: Identity, rule: shapes.Rule) -> shapes.Rule:
        """Noted."""
        self._ask("save_rule", rule.trigger)
        return rule

    async def opt_outs(
        self, identity: Identity, text: str, before: float | None
    ) -> tuple[Sequence[shapes.OptOut], float | None]:
        """None."""
        self._ask("opt_outs", text, before)
        return (), None

    async def opt_out(self, identity: Identity, number: str, scope: shapes.Scope, note: str) -> shapes.OptOut:
        """Noted."""
        self._ask("opt_out", number, scope)
        return shapes.OptOut(id="o1", display="", scope=scope, at=1.0, source="person", by=identity.login)

    async def lift_opt_out(self, identity: Identity, id: str, note: str) -> None:
        """Noted."""
        self._ask("lift_opt_out", id)

    async def statistics(self, identity: Identity, since: float, until: float) -> shapes.Statistics:
        """Nothing."""
        self._ask("statistics", since, until)
        return shapes.Statistics(since=since, until=until, total=TALLY, platforms=(), templates=(), days=(), errors=())

    async def status(self, identity: Identity) -> shapes.Status:
        """Nothing."""
        self._ask("status")
        return shapes.Status(platforms=(), orphans=0, unread=0, hooks_ok=True, currency="CNY")

    async def send_by_program(
        self, token: str, key: str, number: str, template: str, values: Mapping[str, str], trigger: str | None
    ) -> shapes.Message:
        """Noted."""
        self._ask("send_by_program", key, number, template, trigger)
        return MESSAGE
