"""The board for those who may not know who calls, and for walls (pure)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeVar

import msgspec

from cti.board.view import AgentView, BoardView, CallerView, Changes, QueueView, Totals
from cti.wire.watching import WallAgent, WallCaller

B = TypeVar("B", BoardView, Changes)
V = TypeVar("V")
W = TypeVar("W")
Names = Literal["none", "surname", "name"]

_DOUBLE: Final = frozenset(
    (
        "欧阳",
        "司马",
        "上官",
        "诸葛",
        "夏侯",
        "皇甫",
        "尉迟",
        "公孙",
        "慕容",
        "长孙",
        "宇文",
        "司徒",
        "令狐",
        "东方",
        "南宫",
        "端木",
        "独孤",
    )
)
"Family names of two characters."


def without_customers(board: B, *, tiers: bool = False) -> B:
    """The same board without who calls; with `tiers`, how important and whether new stays."""
    callers = {
        visit: None
        if caller is None
        else msgspec.structs.replace(
            caller,
            number=None,
            display="",
            region="",
            name=None,
            company=None,
            tier=caller.tier if tiers else None,
            party=None,
        )
        for visit, caller in board.callers.items()
    }
    agents = {
        interface: None
        if agent is None
        else msgspec.structs.replace(agent, caller=None, caller_name=None, company=None)
        for interface, agent in board.agents.items()
    }
    return msgspec.structs.replace(board, callers=callers, agents=agents)


class WallBoard(msgspec.Struct, frozen=True, kw_only=True):
    """The whole board as a wall shows it."""

    variant: str
    target_s: float
    site: str
    totals: Totals
    queues: Mapping[str, QueueView]
    callers: Mapping[str, WallCaller]
    agents: Mapping[str, WallAgent]


class WallChanges(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Parts of it that are different now; None for a part that is gone."""

    totals: Totals | None = None
    queues: Mapping[str, QueueView | None] = {}
    callers: Mapping[str, WallCaller | None] = {}
    agents: Mapping[str, WallAgent | None] = {}


class WallView:
    """Makes the board fit for a room with strangers in it: no number ever, names as the site wants."""

    def __init__(self, *, site: str, callers: Names = "none", agents: bool = False) -> None:
        """`callers` is what of a caller's name is shown; `agents` shows who sits where."""
        self._site = site
        self._callers = callers
        self._agents = agents

    def whole(self, board: BoardView) -> WallBoard:
        """The whole."""
        return WallBoard(
            variant=board.variant,
            target_s=board.target_s,
            site=self._site,
            totals=board.totals,
            queues=board.queues,
            callers={_key(visit): self._caller(caller) for visit, caller in board.callers.items()},
            agents={_key(phone): _agent(agent) for phone, agent in board.agents.items()} if self._agents else {},
        )

    def changes(self, changes: Changes) -> WallChanges | None:
        """What a wall has to hear of these; None for nothing."""
        told = WallChanges(
            totals=changes.totals,
            queues=changes.queues,
            callers=_each(changes.callers, self._caller),
            agents=_each(changes.agents, _agent) if self._agents else {},
        )
        return told if told.totals or told.queues or told.callers or told.agents else None

    def _caller(self, caller: CallerView) -> WallCaller:
        return WallCaller(
            queue=caller.queue,
            position=caller.position,
            waiting_since=caller.waiting_since,
            target_s=caller.target_s,
            name=self._name(caller),
            tier=caller.tier,
            new=caller.new,
        )

    def _name(self, caller: CallerView) -> str | None:
        """A name that the CRM knows; what a stranger calls himself is nothing for a wall."""
        if caller.party is None or not caller.name or self._callers == "none":
            return None
        return surname(caller.name) if self._callers == "surname" else caller.name[:40]


def surname(name: str) -> str:
    """The family name: one Chinese character or two; of other names the last word's first letter.

    >>> surname("欧阳晓"), surname("周敏"), surname("Maria Lund")
    ('欧阳', '周', 'L.')
    """
    text = name.strip()
    if not text:
        return ""
    if "\u4e00" <= text[0] <= "\u9fff":
        return text[:2] if text[:2] in _DOUBLE else text[0]
    return f"{text.split()[-1][0]}."


def _agent(agent: AgentView) -> WallAgent:
    return WallAgent(agent=agent.agent, phase=agent.phase, since=agent.since, group=agent.group)


def _each(parts: Mapping[str, V | None], make: Callable[[V], W]) -> dict[str, W | None]:
    return {_key(key): None if part is None else make(part) for key, part in parts.items()}


def _key(key: str) -> str:
    """A name for a part that says nothing of calls and phones."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:12]
