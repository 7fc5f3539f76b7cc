"""What the PBX lets this service do: asked of it, not assumed, and said with the line that cures it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Final, Literal

from cti.control.callers import FIRST, PHONE, QUEUE
from cti.control.listening import SPY
from cti.control.office import PbxRefused
from cti.control.plan import Declined
from cti.wire.supervision import Able

Need = Literal["members", "callers", "listen"]

ACTIONS: Final[Mapping[Need, tuple[str, ...]]] = {
    "members": ("QueueAdd", "QueueRemove", "QueuePause", "QueuePenalty"),
    "callers": ("Redirect",),
    "listen": ("Originate", "Hangup"),
}
"{what people do: the AMI actions that it takes}."
CLASS: Final[Mapping[str, str]] = {
    "QueueAdd": "agent",
    "QueueRemove": "agent",
    "QueuePause": "agent",
    "QueuePenalty": "agent",
    "Redirect": "call",
    "Hangup": "call",
    "Originate": "originate",
}
"{AMI action: the class of write= that permits it}."
CONTEXTS: Final[Mapping[Need, tuple[str, ...]]] = {
    "members": (),
    "callers": (QUEUE, FIRST, PHONE),
    "listen": (SPY,),
}
WRITE: Final = "write = reporting,agent,call,originate"
"The line of manager.conf that permits all of it."


def missing(commands: Collection[str]) -> dict[Need, list[str]]:
    """{what cannot be done: the AMI actions that are not permitted}, from the names that ListCommands gave."""
    allowed = {name.lower() for name in commands}
    found = {need: [a for a in actions if a.lower() not in allowed] for need, actions in ACTIONS.items()}
    return {need: actions for need, actions in found.items() if actions}


def said(actions: Sequence[str]) -> tuple[str, str]:
    """Which actions are missing and which line cures it."""
    names, classes = ", ".join(actions), ",".join(sorted({CLASS[a] for a in actions}))
    return (
        f"交换机账号不允许 {names}：manager.conf 的 write= 里要有 {classes}（{WRITE}）",
        f"The account may not {names}: write= in manager.conf needs {classes} ({WRITE})",
    )


def said_contexts(contexts: Sequence[str]) -> tuple[str, str]:
    """Which contexts the dialplan lacks."""
    names = ", ".join(f"[{context}]" for context in contexts)
    return (
        f"拨号方案没有 {names}：从 config/asterisk/extensions.conf 复制",
        f"The dialplan has no {names}: copy it from config/asterisk/extensions.conf",
    )


class Ability:
    """Asks the PBX once a connection what may be done; what is missing is asked again each time."""

    def __init__(self, send: Callable[[str, Mapping[str, str]], Awaitable[Sequence[Any]]]) -> None:
        """`send` is the link's; its answers have `headers()`."""
        self._send = send
        self._commands: set[str] | None = None
        self._contexts: set[str] = set()

    def forget(self) -> None:
        """A new connection: everything may be different."""
        self._commands = None
        self._contexts.clear()

    async def need(self, what: Need) -> None:
        """Raises Declined, with the cure, where the PBX does not let us."""
        actions = missing(await self._allowed()).get(what)
        if actions:
            self._commands = None  # perhaps somebody is just curing it
            raise Declined(503, "rights", *said(actions))
        contexts = [context for context in CONTEXTS[what] if not await self._there(context)]
        if contexts:
            raise Declined(503, "dialplan", *said_contexts(contexts))

    async def view(self) -> Able:
        """All of it, for the page."""
        able: dict[str, bool] = {}
        texts: list[tuple[str, str]] = []
        for what in ACTIONS:
            try:
                await self.need(what)
                able[what] = True
            except Declined as declined:
                able[what] = False
                texts.append((declined.text, declined.text_en))
        return Able(**able, text="；".join(t for t, _ in texts), text_en="; ".join(t for _, t in texts))

    async def _allowed(self) -> set[str]:
        if self._commands is None:
            try:
                answer = (await self._send("ListCommands", {}))[0]
            except PbxRefused as error:
                raise Declined(503, "pbx", "交换机没有应答", f"The PBX did not answer: {error}") from None
            self._commands = {name for name, _ in answer.headers()}
        return self._commands

    async def _there(self, context: str) -> bool:
        if context not in self._contexts:
            try:
                await self._send("ShowDialPlan", {"Context": context})
            except PbxRefused as error:
                if not error.permanent:
                    raise Declined(503, "pbx", "交换机没有应答", f"The PBX did not answer: {error}") from None
                return False
            self._contexts.add(context)
        return True
