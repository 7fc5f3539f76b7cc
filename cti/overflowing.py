"""Builds the overflow rules: the file's and those of the page, kept over restarts, run by their steward."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar
from uuid import uuid4

import msgspec

from cti import wire
from cti.auth import Identity
from cti.control.able import Ability
from cti.control.desk import ControlDesk
from cti.control.office import Office
from cti.control.overflow import Doing, Engine, Rule
from cti.control.plan import Core, Declined
from cti.control.standing import Standing
from cti.control.steward import Steward
from cti.floor import Floor
from cti.store import Store
from cti.web.ports import Refusal, not_found
from cti.wire.supervision import (
    RuleBody,
    RuleEdit,
    RuleLogAnswer,
    RuleMode,
    RuleNote,
    RulesAnswer,
    RuleView,
    rule_fault,
)

T = TypeVar("T")
log = logging.getLogger(__name__)

MAX_RULES: Final = 200
TELL_S: Final = 0.3
"Other nodes are told this long after a change: they read it in the store."
_rule: Final = msgspec.json.Decoder(Rule)
_doing: Final = msgspec.json.Decoder(Doing)


async def granted(work: Awaitable[T]) -> T:
    """What was declined, as a refusal for the page."""
    try:
        return await work
    except Declined as no:
        raise Refusal(no.status, no.code, no.text, no.text_en, **no.more) from None


class Around(Protocol):
    """What the rules need of the part they belong to."""

    def rules_act(self) -> bool:
        """True while rules act at this node, on what is true of the PBX."""

    def rules_changed(self) -> None:
        """Tell the other nodes."""

    def is_queue(self, queue: str) -> bool:
        """True for a queue of the PBX's."""

    async def stored(self, call: Callable[[], T]) -> T:
        """Ask the store; raises Declined."""


class OverflowRules:
    """All rules of one service. Implements the port of the web, and the book of the steward."""

    def __init__(
        self,
        desk: ControlDesk,
        ability: Ability,
        pbx: Core,
        standing: Standing,
        floor: Floor,
        store: Store,
        *,
        clock: Callable[[], float],
        office: Office,
        site: Around,
    ) -> None:
        """`clock` is the PBX's."""
        self._ability = ability
        self._floor = floor
        self._store = store
        self._clock = clock
        self._site = site
        self._acted = False
        "Rules acted here when they were last read."
        self._telling: asyncio.TimerHandle | None = None
        self.steward = Steward(
            Engine(),
            desk,
            pbx,
            standing,
            self,
            clock=clock,
            live=site.rules_act,
            on_view=self._show_rule,
            behind=office.behind,
        )

    async def load(self, of_file: Mapping[str, RuleBody]) -> None:
        """The rules as they stood when the service stopped; a rule of the file that reads otherwise begins anew.

        Raises StoreError.
        """
        rules, doing = _decoded(await asyncio.to_thread(self._store.rules))
        engine = self.steward.engine = Engine(rules, doing)
        now = self._clock()
        for name, body in of_file.items():
            known = engine.rules.get(_file_id(name))
            if known is None or known.body != body:
                version = known.version + 1 if known is not None else 1
                made = Rule(id=_file_id(name), body=body, version=version, source="file", changed_at=now)
                self.steward.carry(engine.put(made, now))
        for old in [one for one in engine.rules.values() if one.source == "file" and one.body.name not in of_file]:
            self.steward.carry(engine.drop(old.id, now))

    def claim(self, queue: str, interface: str) -> bool:
        """A person wants there whom a rule had added: the rule lets go of him."""
        found, effects = self.steward.engine.claim(queue, interface, self._clock())
        self.steward.carry(effects)
        return found

    def views(self) -> tuple[RuleView, ...]:
        """All rules as the pages get them."""
        engine = self.steward.engine
        return tuple(view for id in sorted(engine.rules) if (view := engine.view(id)) is not None)

    async def refresh(self) -> None:
        """Read the rules as the store has them: another node changed them, or had them act until now."""
        engine = self.steward.engine
        try:
            read: list[tuple[str, str, str]] = await self._site.stored(self._store.rules)
        except Declined as no:
            log.warning("the rules were not read again: %s", no.code)
            return
        rules, doing = _decoded(read)
        if self._site.rules_act() and self._acted:
            # What they do is known here best; only what people changed elsewhere is new.
            now = self._clock()
            for rule in rules:
                known = engine.rules.get(rule.id)
                if known is None or known.version < rule.version:
                    self.steward.carry(engine.put(rule, now))
            for id in [id for id in engine.rules if id not in doing]:
                self.steward.carry(engine.drop(id, now))
        else:
            gone = [id for id in engine.rules if id not in doing]
            self.steward.engine = Engine(rules, doing)
            for id in gone:
                self._show_here(id, None)
            for id in doing:
                self._show_here(id, self.steward.engine.view(id))
        self._acted = self._site.rules_act()
        self.steward.soon()

    def _show_rule(self, rule: str, view: RuleView | None) -> None:
        self._show_here(rule, view)
        if self._telling is None:  # behind the writing down, for they will read it
            self._telling = asyncio.get_running_loop().call_later(TELL_S, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self._site.rules_changed()

    def _show_here(self, rule: str, view: RuleView | None) -> None:
        hub = self._floor.hub
        if hub.boards:
            kind, body = ("rule_gone", wire.body(rule=rule)) if view is None else ("rule", wire.body(rule=view))
            hub.send_boards(kind, lambda may: body)

    def _rules(self) -> tuple[RuleView, ...]:
        engine = self.steward.engine
        return tuple(view for id in sorted(engine.rules) if (view := engine.view(id)) is not None)

    # --- the steward's book -----------------------------------------------------------------------------------

    async def put_rule(self, rule: Rule, doing: Doing) -> None:
        """A rule and how it stands."""
        texts = wire.encode(rule).decode(), wire.encode(doing).decode()
        await self._site.stored(lambda: self._store.put_rule(rule.id, *texts, self._clock()))

    async def forget_rule(self, rule: str) -> None:
        """A rule that is gone."""
        await self._site.stored(lambda: self._store.drop_rule(rule))

    async def add_notes(self, rule: str, notes: Sequence[RuleNote]) -> None:
        """What a rule did."""
        await self._site.stored(lambda: self._store.add_rule_notes(rule, list(notes)))

    # --- the port of the web -----------------------------------------------------------------------------------

    async def rules(self, identity: Identity) -> RulesAnswer:
        """All overflow rules."""
        return RulesAnswer(rules=self.views())

    async def add_rule(self, identity: Identity, body: RuleBody) -> RuleView:
        """A new rule; it begins as a dry run."""
        self._check(body)
        if len(self.steward.engine.rules) >= MAX_RULES:
            raise Refusal(409, "too_many", "规则太多", "There are too many rules")
        rule = Rule(id=uuid4().hex, body=body, by=identity.login, changed_at=self._clock())
        return await self._put(identity, rule, "rule.add")

    async def change_rule(self, identity: Identity, rule: str, body: RuleEdit) -> RuleView:
        """Another text; it begins as a dry run again."""
        self._check(body)
        plain = RuleBody(
            name=body.name, queue=body.queue, when=body.when, then=body.then, back=body.back, cool_s=body.cool_s
        )
        known = self._known(rule, body.version)
        return await self._put(identity, self._next(known, identity, body=plain, mode="dry"), "rule.change")

    async def set_rule_mode(self, identity: Identity, rule: str, mode: RuleMode, version: int) -> RuleView:
        """Off, dry run, live."""
        known = self._known(rule, version)
        if known.mode == mode:
            return self._seen(rule)
        if mode == "live":
            await granted(self._ability.need("members"))
        return await self._put(identity, self._next(known, identity, mode=mode), f"rule.{mode}")

    async def withdraw_rule(self, identity: Identity, rule: str) -> RuleView:
        """Take back now what it did."""
        self._known(rule, None)
        await self._audited(identity, "rule.withdraw", rule)
        self.steward.carry(self.steward.engine.withdraw(rule, self._clock()))
        self.steward.look()
        return self._seen(rule)

    async def drop_rule(self, identity: Identity, rule: str) -> None:
        """Take back what it did, and forget it."""
        known = self._known(rule, None)
        if known.source == "file":
            raise Refusal(
                409, "file", "这条规则写在配置文件里，只能停用", "This rule stands in the settings; switch it off"
            )
        await self._audited(identity, "rule.drop", rule)
        self.steward.carry(self.steward.engine.drop(rule, self._clock()))
        self.steward.look()

    async def rule_log(self, identity: Identity, rule: str) -> RuleLogAnswer:
        """What it did, newest first."""
        found = await granted(self._site.stored(lambda: self._store.rule_notes(rule)))
        return RuleLogAnswer(entries=tuple(found))

    # --- inside ---------------------------------------------------------------------------------------------------

    def _check(self, body: RuleBody) -> None:
        fault = rule_fault(body)
        if fault is not None:
            problem = {"key": fault[0], "text": fault[1], "text_en": fault[2]}
            raise Refusal(422, "invalid", fault[1], fault[2], problems=[problem])
        for queue in (body.queue, body.then.from_queue):
            if queue and not self._site.is_queue(queue):
                raise Refusal(422, "queue", f"没有队列 {queue}", f"There is no queue {queue}")

    def _known(self, rule: str, version: int | None) -> Rule:
        known = self.steward.engine.rules.get(rule)
        if known is None or known.gone:
            raise not_found()
        if version is not None and known.version != version:
            now = self.steward.engine.view(rule)
            raise Refusal(409, "conflict", "规则刚被别人改过", "Somebody else has just changed the rule", rule=now)
        return known

    def _next(self, rule: Rule, identity: Identity, **changes: Any) -> Rule:
        return msgspec.structs.replace(
            rule, version=rule.version + 1, by=identity.login, changed_at=self._clock(), **changes
        )

    async def _put(self, identity: Identity, rule: Rule, what: str) -> RuleView:
        await self._audited(identity, what, rule.id, wire.encode(rule.body).decode())
        self.steward.carry(self.steward.engine.put(rule, self._clock()))
        self.steward.look()
        return self._seen(rule.id)

    def _seen(self, rule: str) -> RuleView:
        view = self.steward.engine.view(rule)
        if view is None:
            raise not_found()
        return view

    async def _audited(self, identity: Identity, what: str, subject: str, detail: str = "") -> None:
        """Written down before it takes effect."""
        at = self._clock()
        await granted(self._site.stored(lambda: self._store.add_audit(at, identity.login, what, subject, detail)))


def _decoded(read: Sequence[tuple[str, str, str]]) -> tuple[list[Rule], dict[str, Doing]]:
    rules, doing = [], {}
    for id, rule, standing in read:
        try:
            one, how = _rule.decode(rule), _doing.decode(standing)
        except msgspec.DecodeError:
            log.error("rule %s cannot be read", id)
        else:
            rules.append(one)
            doing[id] = how
    return rules, doing


def _file_id(name: str) -> str:
    """A rule of the file keeps its id as long as it keeps its name."""
    return f"file-{name}"[:40]
