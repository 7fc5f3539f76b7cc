"""Overflow rules: when a queue's callers wait too long, others help out; afterwards exactly these leave again (pure).

The engine looks at a scene and says what is to be done; it never sends anything and keeps no clock. A rule is idle, on
or cooling. What it put into a queue it knows by the row's login time, which the PBX gives a row once: a row with
another one, or with a penalty that is not the rule's, belongs to whoever made it so, and is left alone for ever.
While the link is not live nothing is decided and no span of time runs on: a stale board moves nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from cti.calls.reach import Membership
from cti.control import rule_words as words
from cti.wire.supervision import RuleBody, RuleMember, RuleMode, RuleNote, RuleState, RuleView

AGAIN_S: Final = 10.0
"A row that should leave and still stands is asked for again after this."
GRACE_S: Final = 10.0
"A row that was asked for and does not come within this never came."


_TINY_S: Final = 1e-6
"Times are sums of floats: what is due at a moment holds at that moment."


def _over(now: float, since: float | None, span: float) -> bool:
    return since is not None and now - since + _TINY_S >= span


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as it is kept."""

    id: str
    body: RuleBody
    mode: RuleMode = "dry"
    version: int = 1
    source: Literal["file", "page"] = "page"
    by: str = ""
    changed_at: float = 0.0
    gone: bool = False
    "It is to be forgotten once it has taken back what it did."


class Mine(msgspec.Struct, kw_only=True):
    """A row that a rule asked for."""

    phone: str
    interface: str
    agent: str
    penalty: int
    asked_at: float
    login_time: int = 0
    joined: bool = False
    leaving_at: float | None = None
    "When its removal was last asked for."


class Doing(msgspec.Struct, kw_only=True):
    """How a rule stands; survives a restart."""

    state: RuleState = "idle"
    since: float | None = None
    mine: dict[str, Mine] = {}
    "By the member's interface; the queue is the rule's, or the one it had when they were added."
    queue: str = ""
    dry: bool = False
    "What it did it only would have done."
    why: str = ""
    why_en: str = ""
    last: RuleNote | None = None
    held_since: float | None = None
    quiet_since: float | None = None
    told: bool = False
    "That there is nobody to add was said once."
    leaving: bool = False
    rest_s: float = 0.0
    "How long it cools down."


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine sees."""

    now: float
    live: bool
    waiting: Mapping[str, Sequence[float]]
    "{queue: since when each of its callers waits}"
    free: Mapping[str, int]
    rows: Mapping[str, Mapping[str, tuple[str, Membership]]]
    "{queue: {member's interface: (phone, row)}}"
    phones: Mapping[str, tuple[str, str]]
    "{phone of somebody who is there: (agent's name, team)}"


class Add(msgspec.Struct, frozen=True, kw_only=True):
    """An agent should join."""

    rule: str
    queue: str
    phone: str
    penalty: int


class Remove(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the rule's should leave."""

    rule: str
    queue: str
    phone: str
    interface: str


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be written down and shown."""

    rule: str
    note: RuleNote


Effect = Add | Remove | Note


class Engine:
    """All rules of a site. After each call: carry out the effects, save and show the rules in `changed`."""

    def __init__(self, rules: Iterable[Rule] = (), doing: Mapping[str, Doing] | None = None) -> None:
        self.rules: dict[str, Rule] = {rule.id: rule for rule in rules}
        self.doing: dict[str, Doing] = {id: (doing or {}).get(id) or Doing() for id in self.rules}
        self.changed: set[str] = set()
        self._out: list[Effect] = []
        self._stale = True
        self._rebooted = False

    # -- rules come, change and go ------------------------------------------------------------------------------

    def put(self, rule: Rule, now: float) -> list[Effect]:
        """A new rule, or another text or mode for one: it takes back first what it did under the old one."""
        old = self.rules.get(rule.id)
        doing = self.doing.setdefault(rule.id, Doing())
        self.rules[rule.id] = rule
        if old is not None and doing.state == "on":
            self._back(rule, doing, now, *words.CHANGED, cool=False)
        elif old is not None:
            doing.state, doing.since = "idle", None
        doing.held_since = doing.quiet_since = None
        doing.why, doing.why_en, doing.told = "", "", False
        if not doing.mine:
            doing.leaving = False
        self._say(rule, doing, now, "changed", *words.mode(rule.mode))
        return self._take()

    def drop(self, rule: str, now: float) -> list[Effect]:
        """Forget a rule, after what it did is taken back."""
        one, doing = self.rules[rule], self.doing[rule]
        self.rules[rule] = one = msgspec.structs.replace(one, gone=True)
        if doing.state == "on":
            self._back(one, doing, now, *words.CHANGED, cool=False)
        self.changed.add(rule)
        self._forget_gone()
        return self._take()

    def withdraw(self, rule: str, now: float) -> list[Effect]:
        """Somebody takes back what a rule did; then it cools down."""
        one, doing = self.rules[rule], self.doing[rule]
        if doing.state == "on":
            self._back(one, doing, now, *words.WITHDRAWN)
        return self._take()

    def restarted(self) -> None:
        """The PBX booted anew: rows that it kept have new login times."""
        self._rebooted = True

    # -- looking ------------------------------------------------------------------------------------------------

    def look(self, scene: Scene) -> list[Effect]:
        """Decide what is to be done now."""
        if not scene.live:
            self._stale = True
            for doing in self.doing.values():
                doing.held_since = doing.quiet_since = None
            return []
        for id, rule in list(self.rules.items()):
            doing = self.doing[id]
            self._own(rule, doing, scene)
            if doing.state == "cooling" and _over(scene.now, doing.since, doing.rest_s):
                self._state(rule, doing, "idle", None)
            if rule.gone or rule.mode == "off":
                continue
            if doing.state == "idle" and not doing.leaving:
                self._idle(rule, doing, scene)
            elif doing.state == "on":
                self._on(rule, doing, scene)
                if doing.leaving:
                    self._own(rule, doing, scene)
        # A boot is told while the old link still stands: the new rows come with the lists after it.
        self._rebooted = self._rebooted and not self._stale
        self._stale = False
        self._forget_gone()
        return self._take()

    def due(self, scene: Scene) -> float | None:
        """When to look again though nothing happens; None: not before something does."""
        if not scene.live:
            return None
        dues: list[float] = []
        for id, rule in self.rules.items():
            doing, when = self.doing[id], rule.body.when
            if doing.state == "cooling" and doing.since is not None:
                dues.append(doing.since + doing.rest_s)
            if doing.state == "on" and doing.quiet_since is not None:
                dues.append(doing.quiet_since + rule.body.back.quiet_s)
            if doing.state == "idle" and rule.mode != "off":
                if doing.held_since is not None:
                    dues.append(doing.held_since + when.hold_s)
                dues += [since + when.wait_s for since in scene.waiting.get(rule.body.queue, ())]
            for mine in doing.mine.values():
                if mine.leaving_at is not None:
                    dues.append(mine.leaving_at + AGAIN_S)
                elif not mine.joined:
                    dues.append(mine.asked_at + GRACE_S)
        later = [at for at in dues if at > scene.now]
        return min(later, default=None)

    def _holds(self, rule: Rule, scene: Scene) -> bool:
        when, queue = rule.body.when, rule.body.queue
        waits = scene.waiting.get(queue, ())
        longest = max((scene.now - since for since in waits), default=-1.0)
        return longest + _TINY_S >= when.wait_s and len(waits) >= when.waiting and scene.free.get(queue, 0) <= when.idle

    def _idle(self, rule: Rule, doing: Doing, scene: Scene) -> None:
        if not self._holds(rule, scene):
            doing.held_since, doing.told = None, False
            return
        if doing.held_since is None:
            doing.held_since = scene.now
        if not _over(scene.now, doing.held_since, rule.body.when.hold_s):
            return
        who = self._helpers(rule, scene)
        waits = scene.waiting.get(rule.body.queue, ())
        why = words.why(len(waits), max(scene.now - since for since in waits), scene.free.get(rule.body.queue, 0))
        if not who:
            if not doing.told:
                doing.told = True
                self._say(rule, doing, scene.now, "failed", *words.nobody(why))
            return
        doing.dry, doing.queue, doing.told = rule.mode == "dry", rule.body.queue, False
        doing.mine = {}
        doing.why, doing.why_en = why
        names = [scene.phones[phone][0] for phone in who]
        self._state(rule, doing, "on", scene.now)
        self._say(rule, doing, scene.now, "on", *words.added(names, rule.body.then.penalty, why, dry=doing.dry))
        if doing.dry:
            return
        for phone in who:
            self._out.append(Add(rule=rule.id, queue=doing.queue, phone=phone, penalty=rule.body.then.penalty))

    def _on(self, rule: Rule, doing: Doing, scene: Scene) -> None:
        if scene.waiting.get(doing.queue):
            doing.quiet_since = None
            return
        if doing.quiet_since is None:
            doing.quiet_since = scene.now
        if _over(scene.now, doing.quiet_since, rule.body.back.quiet_s):
            self._back(rule, doing, scene.now, *words.quiet(rule.body.back.quiet_s))

    def _helpers(self, rule: Rule, scene: Scene) -> list[str]:
        """Phones of those who could join and are not in the queue yet."""
        then, queue = rule.body.then, rule.body.queue
        there = {phone for phone, _ in scene.rows.get(queue, {}).values()}
        there |= {mine.phone for other in self.doing.values() if other.queue == queue for mine in other.mine.values()}
        if then.interfaces:
            wanted = [phone for phone in then.interfaces if phone in scene.phones]
        elif then.team:
            wanted = sorted(phone for phone, (_, team) in scene.phones.items() if team == then.team)
        else:
            rows = scene.rows.get(then.from_queue, {}).values()
            wanted = sorted({phone for phone, _ in rows if phone in scene.phones})
        found = [phone for phone in wanted if phone not in there]
        return found[: then.most] if then.most else found

    # -- whose row is it ----------------------------------------------------------------------------------------

    def asked(self, rule: str, phone: str, interface: str, agent: str, penalty: int, now: float) -> None:
        """An Add is about to be sent: remember it first, so that a crash in between leaves nobody behind."""
        self.doing[rule].mine[interface] = Mine(
            phone=phone, interface=interface, agent=agent, penalty=penalty, asked_at=now
        )
        self.changed.add(rule)

    def refused(self, rule: str, interface: str, now: float, text: str, text_en: str) -> list[Effect]:
        """The PBX would not have it: the row, if there is one, is somebody else's."""
        doing = self.doing.get(rule)
        mine = doing.mine.get(interface) if doing is not None else None
        if doing is None or mine is None or mine.leaving_at is not None:
            return []
        del doing.mine[interface]
        one = self.rules[rule]
        self._say(one, doing, now, "failed", *words.failed(mine.agent, text, text_en))
        if doing.state == "on" and not doing.mine:  # nobody came: nothing to take back, and soon another try
            doing.rest_s = min(AGAIN_S, one.body.cool_s)
            self._state(one, doing, "cooling", now)
        return self._take()

    def claim(self, queue: str, phone: str, now: float) -> tuple[bool, list[Effect]]:
        """Somebody wants an agent there whom a rule had added: the rule lets go of him."""
        found = False
        for id, doing in self.doing.items():
            for mine in [one for one in doing.mine.values() if doing.queue == queue and one.phone == phone]:
                self._lose(self.rules[id], doing, mine, now)
                found = True
        return found, self._take()

    def _own(self, rule: Rule, doing: Doing, scene: Scene) -> None:
        """Compare what the rule holds for its own with the rows as they stand."""
        rows = scene.rows.get(doing.queue, {})
        for interface, mine in list(doing.mine.items()):
            row = rows[interface][1] if interface in rows else None
            if row is None:
                self._absent(rule, doing, mine, scene.now)
            elif not mine.joined:
                # A row that was made after it was asked for is the rule's: the one it asked for cannot come twice.
                if row.penalty == mine.penalty and (not row.login_time or row.login_time >= int(mine.asked_at) - 1):
                    mine.joined, mine.login_time = True, row.login_time
                    self.changed.add(rule.id)
                else:
                    self._lose(rule, doing, mine, scene.now)
            elif self._rebooted and row.penalty == mine.penalty:
                mine.login_time = row.login_time
            elif row.penalty != mine.penalty or (mine.login_time and row.login_time != mine.login_time):
                self._lose(rule, doing, mine, scene.now)
            if doing.leaving and interface in doing.mine and row is not None and mine.joined:
                self._leave(rule, doing, mine, scene.now)
        if doing.leaving and not doing.mine:
            doing.leaving = False
            self.changed.add(rule.id)

    def _absent(self, rule: Rule, doing: Doing, mine: Mine, now: float) -> None:
        if mine.joined and mine.leaving_at is not None:
            self._say(rule, doing, now, "removed", *words.left(mine.agent))
        elif mine.joined:
            self._say(rule, doing, now, "kept", *words.taken_out(mine.agent))
        elif now - mine.asked_at < GRACE_S:
            return
        del doing.mine[mine.interface]
        self.changed.add(rule.id)

    def _lose(self, rule: Rule, doing: Doing, mine: Mine, now: float) -> None:
        del doing.mine[mine.interface]
        self._say(rule, doing, now, "kept", *words.kept(mine.agent))

    def _leave(self, rule: Rule, doing: Doing, mine: Mine, now: float) -> None:
        if mine.leaving_at is None or now - mine.leaving_at >= AGAIN_S:
            mine.leaving_at = now
            self.changed.add(rule.id)
            self._out.append(
                Remove(rule=rule.id, queue=doing.queue, phone=mine.phone, interface=mine.interface),
            )

    def _back(self, rule: Rule, doing: Doing, now: float, text: str, text_en: str, *, cool: bool = True) -> None:
        """Take back what was done; the rows leave at the next looks, as long as they are the rule's."""
        names = [mine.agent for mine in doing.mine.values()]
        self._say(rule, doing, now, "off", *words.back(names, (text, text_en), dry=doing.dry))
        doing.leaving = bool(doing.mine)
        doing.why, doing.why_en, doing.rest_s = "", "", rule.body.cool_s
        self._state(rule, doing, "cooling" if cool else "idle", now if cool else None)

    # -- telling ------------------------------------------------------------------------------------------------

    def _state(self, rule: Rule, doing: Doing, state: RuleState, since: float | None) -> None:
        doing.state, doing.since = state, since
        doing.held_since = doing.quiet_since = None
        self.changed.add(rule.id)

    def _say(self, rule: Rule, doing: Doing, now: float, kind: str, text: str, text_en: str) -> None:
        dry = doing.dry if doing.state == "on" else rule.mode == "dry"
        doing.last = RuleNote(at=now, dry=dry, kind=kind, text=text, text_en=text_en)
        self._out.append(Note(rule=rule.id, note=doing.last))
        self.changed.add(rule.id)

    def _forget_gone(self) -> None:
        for id, rule in list(self.rules.items()):
            if rule.gone and not self.doing[id].mine:
                del self.rules[id], self.doing[id]
                self.changed.add(id)

    def _take(self) -> list[Effect]:
        out, self._out = self._out, []
        return out

    def view(self, rule: str) -> RuleView | None:
        """A rule as the pages get it; None for one that is gone."""
        one = self.rules.get(rule)
        if one is None or one.gone:
            return None
        doing, body = self.doing[rule], one.body
        text, text_en = words.sentence(body)
        now = words.present(doing.state, (doing.why, doing.why_en), dry=doing.dry, leaving=doing.leaving)
        return RuleView(
            id=one.id,
            name=body.name,
            queue=body.queue,
            when=body.when,
            then=body.then,
            back=body.back,
            cool_s=body.cool_s,
            mode=one.mode,
            version=one.version,
            source=one.source,
            by=one.by,
            changed_at=one.changed_at,
            state=doing.state,
            since=doing.since,
            members=tuple(RuleMember(interface=m.phone, agent=m.agent) for m in doing.mine.values()),
            text=text,
            text_en=text_en,
            now=now[0],
            now_en=now[1],
            last=doing.last,
        )
