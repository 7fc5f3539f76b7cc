"""The steward: shows the engine the scene, carries out what it decides, writes down and shows how the rules stand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

from cti.calls.reach import Membership
from cti.control import members
from cti.control.desk import ControlDesk
from cti.control.overflow import Add, Doing, Effect, Engine, Note, Remove, Rule, Scene
from cti.control.plan import Core, Declined
from cti.control.standing import Standing
from cti.wire.supervision import ActionView, RuleNote, RuleView

log = logging.getLogger(__name__)

SOON_S: Final = 0.05
"Events are looked at together after this."
ABSENT: Final = frozenset(("unavailable", "unknown", "paused"))
"Phases of agents whom no rule puts anywhere."


class Book(Protocol):
    """Where rules are kept. Both raise Declined where the store does not take it."""

    async def put_rule(self, rule: Rule, doing: Doing) -> None:
        """A rule and how it stands."""

    async def forget_rule(self, rule: str) -> None:
        """A rule that is gone."""

    async def add_notes(self, rule: str, notes: Sequence[RuleNote]) -> None:
        """What it did."""


class Steward:
    """Runs the rules of one site."""

    def __init__(
        self,
        engine: Engine,
        desk: ControlDesk,
        core: Core,
        standing: Standing,
        book: Book,
        *,
        clock: Callable[[], float],
        live: Callable[[], bool],
        on_view: Callable[[str, RuleView | None], None],
        behind: Callable[[Awaitable[None]], None],
    ) -> None:
        """`on_view` is told each rule as it stands, None for one that is gone; `behind` runs what may take a while."""
        self.engine = engine
        self.teams: Mapping[str, str] = {}
        "{phone: team}; set from time to time by whoever reads the store."
        self._desk = desk
        self._core = core
        self._standing = standing
        self._book = book
        self._clock = clock
        self._live = live
        self._on_view = on_view
        self._behind = behind
        self._timer: asyncio.TimerHandle | None = None
        self._saving = asyncio.Lock()

    def soon(self) -> None:
        """Something happened: look within a moment."""
        if self.engine.rules:
            self._arm(SOON_S)

    def look(self) -> None:
        """Look now."""
        if not self.engine.rules and not self.engine.changed:
            return
        scene = self.scene()
        self.carry(self.engine.look(scene))
        due = self.engine.due(scene)
        if due is not None:
            self._arm(max(0.0, due - self._clock()))

    def _arm(self, delay: float) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            if self._timer.when() <= loop.time() + delay:
                return
            self._timer.cancel()
        self._timer = loop.call_later(delay, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self.look()

    def scene(self) -> Scene:
        """All that rules look at, as it is now."""
        queues = {rule.body.queue for rule in self.engine.rules.values()}
        queues |= {rule.body.then.from_queue for rule in self.engine.rules.values()}
        queues |= {doing.queue for doing in self.engine.doing.values()}
        rows: dict[str, dict[str, tuple[str, Membership]]] = {queue: {} for queue in queues}
        phones: dict[str, tuple[str, str]] = {}
        for phone, state in self._standing.agents().items():
            for row in self._core.memberships(phone):
                if row.queue in rows:
                    rows[row.queue][row.interface] = (phone, row)
            if state.phase not in ABSENT:
                phones[phone] = (state.agent, self.teams.get(phone, ""))
        return Scene(
            now=self._clock(),
            live=self._live(),
            waiting={queue: [one.since for one in self._standing.waiting(queue)] for queue in queues},
            free={queue: self._standing.free(queue) for queue in queues},
            rows=rows,
            phones=phones,
        )

    def carry(self, effects: Sequence[Effect]) -> None:
        """Do what the engine says, then save and show what changed."""
        notes: dict[str, list[RuleNote]] = {}
        for effect in effects:
            match effect:
                case Add():
                    self._add(effect)
                case Remove():
                    self._behind(self._remove(effect))
                case Note():
                    notes.setdefault(effect.rule, []).append(effect.note)
        changed, self.engine.changed = self.engine.changed, set()
        for rule in changed:
            self._on_view(rule, self.engine.view(rule))
            self._behind(self._save_quietly(rule))
        for rule, said in notes.items():
            self._behind(self._note(rule, said))

    def _add(self, effect: Add) -> None:
        rule = self.engine.rules[effect.rule]
        state = self._standing.agent(effect.phone)
        name = state.agent if state is not None else effect.phone
        row = members.new_row(effect.queue, effect.phone, effect.penalty, self._core.memberships(effect.phone), name)
        self.engine.asked(effect.rule, effect.phone, row.interface, name, effect.penalty, self._clock())
        self._behind(self._send_add(effect, rule, row, name))

    async def _send_add(self, effect: Add, rule: Rule, row: Membership, name: str) -> None:
        def settled(view: ActionView) -> None:
            if view.state == "refused":
                self.carry(
                    self.engine.refused(effect.rule, row.interface, self._clock(), view.text, view.text_en),
                )
            self.soon()

        label = rule.body.queue
        said = (f"规则“{rule.body.name}”把 {name} 加入{label}", f"Rule “{rule.body.name}” adds {name} to {label}")
        try:
            await self._save(effect.rule)  # written before it is sent: a crash in between leaves nobody behind
            want = {(row.queue, row.interface): row}
            reason = self.engine.doing[effect.rule].why
            self._desk.by_rule(effect.rule, "member_add", effect.phone, want, said, reason, settled)
        except Declined as no:
            self.carry(self.engine.refused(effect.rule, row.interface, self._clock(), no.text, no.text_en))

    async def _remove(self, effect: Remove) -> None:
        rule = self.engine.rules.get(effect.rule)
        name = rule.body.name if rule is not None else effect.rule
        state = self._standing.agent(effect.phone)
        who = state.agent if state is not None else effect.phone
        said = (f"规则“{name}”把 {who} 移出{effect.queue}", f"Rule “{name}” removes {who} from {effect.queue}")
        want = {(effect.queue, effect.interface): None}
        try:
            self._desk.by_rule(effect.rule, "member_remove", effect.phone, want, said, "", lambda view: self.soon())
        except Declined as no:
            log.info("a rule's member was not removed: %s", no.code)
        self.soon()

    async def _save(self, rule: str) -> None:
        async with self._saving:  # one after another, each with what stands when its turn comes
            one = self.engine.rules.get(rule)
            if one is None:
                await self._book.forget_rule(rule)
            else:
                await self._book.put_rule(one, self.engine.doing[rule])

    async def _save_quietly(self, rule: str) -> None:
        try:
            await self._save(rule)
        except Declined as no:
            log.error("a rule was not written down: %s", no.code)

    async def _note(self, rule: str, notes: Sequence[RuleNote]) -> None:
        try:
            await self._book.add_notes(rule, notes)
        except Declined as no:
            log.error("a rule's notes were not written down: %s", no.code)

    def stop(self) -> None:
        """No more looks."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
