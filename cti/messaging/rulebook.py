"""Templates, rules and refusals as people set them: a third part of `ports.Messaging`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from crm_bridge.numbers import display
from cti.auth import Identity
from cti.messaging.conversations import PAGE, Audit, Correspondence, refused_words, wording_of
from cti.privacy import masked
from cti.sms.compose import Wording
from cti.sms.fill import VARIABLES
from cti.sms.text import variables
from cti.store.messages_rules import Changed, OptOutRow, RuleRow, TemplateRow
from cti.web.ports import Refusal, not_found
from cti.wire import messages as shapes

TRIGGERS: Final[tuple[shapes.Trigger, ...]] = ("missed", "quote", "arrival")
EXAMPLE: Final = "+8618857400013"
"Whose length templates are tried with."
_ID: Final = re.compile(r"[a-z0-9_-]{1,40}\Z")
_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}\Z")


class RuleBook:
    """What is said by itself, to whom not, and in which words."""

    def __init__(self, ground: Correspondence, audit: Audit) -> None:
        self._ground = ground
        self._audit = audit

    # --- templates and rules -----------------------------------------------------------------------------------

    async def templates(self, identity: Identity) -> Sequence[shapes.Template]:
        """See `ports.Messaging`."""
        rows: list[TemplateRow] = await self._ground.stored(self._ground.store.sms_templates)
        return [_template(row) for row in rows]

    def platforms(self) -> Sequence[tuple[str, bool]]:
        """See `ports.Messaging`."""
        ground = self._ground
        return [(one.name, one.needs_code) for one in dict.fromkeys((*ground.home, *ground.abroad))]

    async def save_template(self, identity: Identity, template: shapes.Template) -> shapes.Template:
        """See `ports.Messaging`."""
        ground = self._ground
        if not _ID.match(template.id) or not template.name.strip() or len(template.name) > 80:
            raise Refusal(422, "invalid", "编号或名称不对", "The id or the name is not valid", problems=())
        if len(template.text) > 1000 or not all(_CODE.match(c) for c in template.codes.values()):
            raise refused_words(("too_long",) if len(template.text) > 1000 else ("no_template",))
        row = TemplateRow(
            id=template.id,
            name=template.name.strip(),
            purpose=template.purpose,
            text=template.text.strip(),
            codes={key: code for key, code in template.codes.items() if key in dict(self.platforms())},
            enabled=template.enabled,
            version=template.version,
        )
        examples = {name: VARIABLES.get(name, ("", "", name))[2] for name in variables(row.text)}
        made = ground.compose(ground.canonical(EXAMPLE), wording_of(row), examples)
        wrong = [p for p in made.problems if p in ("empty", "signature", "control", "no_way_out", "too_long")]
        if wrong:
            raise refused_words(wrong)
        try:
            saved: TemplateRow = await ground.stored(
                lambda: ground.store.save_sms_template(row, identity.login, ground.clock())
            )
        except Changed as changed:
            current = None if changed.current is None else _template(changed.current)
            raise Refusal(409, "conflict", "模板刚被别人改过", "Somebody else saved first", template=current) from None
        self._audit(identity, "sms.template", row.id, f"version {saved.version}")
        return _template(saved)

    async def drop_template(self, identity: Identity, id: str) -> None:
        """See `ports.Messaging`."""
        ground = self._ground
        rules: dict[str, RuleRow] = await ground.stored(ground.store.sms_rules)
        if any(rule.template == id and rule.enabled for rule in rules.values()):
            raise Refusal(409, "used", "有规则在用这个模板", "A rule uses this template")
        if not await ground.stored(lambda: ground.store.drop_sms_template(id)):
            raise not_found()
        self._audit(identity, "sms.template.drop", id, "")

    async def preview_template(self, text: str, purpose: shapes.Purpose, values: Mapping[str, str]) -> shapes.Size:
        """See `ports.Messaging`."""
        ground = self._ground
        wording = Wording(id="preview", text=text, purpose=purpose, codes={one.name: "x" for one in ground.home})
        examples = {name: VARIABLES.get(name, ("", "", name))[2] for name in variables(text[:1000])}
        composed = ground.compose(ground.canonical(EXAMPLE), wording, {**examples, **values})
        return ground.size(composed)

    async def rules(self, identity: Identity) -> Sequence[shapes.Rule]:
        """See `ports.Messaging`."""
        rows: dict[str, RuleRow] = await self._ground.stored(self._ground.store.sms_rules)
        return [_rule(trigger, rows.get(trigger) or RuleRow(trigger=trigger)) for trigger in TRIGGERS]

    async def save_rule(self, identity: Identity, rule: shapes.Rule) -> shapes.Rule:
        """See `ports.Messaging`."""
        ground = self._ground
        spans = (rule.min_wait_s, rule.delay_s, rule.promise_s)
        if not all(math.isfinite(s) and 0 <= s <= 86_400 for s in spans) or len(rule.queues) > 100:
            raise Refusal(422, "invalid", "时间应在 0 到 86400 秒之间", "Times are 0 to 86400 seconds", problems=())
        if rule.enabled:
            known: TemplateRow | None = await ground.stored(lambda: ground.store.sms_template(rule.template))
            if known is None or not known.enabled:
                raise refused_words(("no_template",))
        row = RuleRow(
            trigger=rule.trigger,
            enabled=rule.enabled,
            template=rule.template[:40],
            queues=tuple(q[:120] for q in rule.queues),
            min_wait_s=rule.min_wait_s,
            delay_s=rule.delay_s,
            promise_s=rule.promise_s,
            version=rule.version,
        )
        try:
            saved: RuleRow = await ground.stored(
                lambda: ground.store.save_sms_rule(row, identity.login, ground.clock())
            )
        except Changed as changed:
            current = None if changed.current is None else _rule(rule.trigger, changed.current)
            raise Refusal(409, "conflict", "规则刚被别人改过", "Somebody else saved first", rule=current) from None
        self._audit(identity, "sms.rule", rule.trigger, f"enabled={rule.enabled} version {saved.version}")
        return _rule(rule.trigger, saved)

    # --- refusals ----------------------------------------------------------------------------------------------

    def _opt_out(self, row: OptOutRow, whole: bool) -> shapes.OptOut:
        shown = display(self._ground.canonical(row.key))
        return shapes.OptOut(
            id=row.id,
            display=shown if whole else masked(shown, "phone"),
            scope=row.scope,
            at=row.at,
            source=row.source,
            by=row.by,
            word=row.word,
        )

    async def opt_outs(
        self, identity: Identity, text: str, before: float | None
    ) -> tuple[Sequence[shapes.OptOut], float | None]:
        """See `ports.Messaging`."""
        ground, whole = self._ground, "customers" in identity.rights
        key = re.sub(r"\D", "", text)[:20]
        if text.strip() and (len(key) < 4 or not whole):
            return (), None
        rows: list[OptOutRow] = await ground.stored(
            lambda: ground.store.list_opt_outs(key=key, before=before, limit=PAGE)
        )
        return [self._opt_out(row, whole) for row in rows], rows[-1].at if len(rows) == PAGE else None

    async def opt_out(self, identity: Identity, number: str, scope: shapes.Scope, note: str) -> shapes.OptOut:
        """See `ports.Messaging`."""
        ground = self._ground
        key = ground.canonical(number[:60]).key
        if key is None:
            raise refused_words(("not_mobile",))
        row: OptOutRow = await ground.stored(
            lambda: ground.store.add_opt_out(key, scope, ground.clock(), by=identity.login, word=note[:200])
        )
        self._audit(identity, "sms.optout", row.id, scope)
        ground.changed(key)
        return self._opt_out(row, "customers" in identity.rights)

    async def lift_opt_out(self, identity: Identity, id: str, note: str) -> None:
        """See `ports.Messaging`."""
        ground = self._ground
        if len(note.strip()) < 2:
            raise Refusal(422, "invalid", "请写明客户如何同意", "Say how the customer agreed", problems=())
        key = await ground.stored(lambda: ground.store.lift_opt_out(id))
        if key is None:
            raise not_found()
        self._audit(identity, "sms.optout.lift", id, note[:200])
        ground.changed(key)


def _template(row: TemplateRow) -> shapes.Template:
    return shapes.Template(
        id=row.id,
        name=row.name,
        purpose=row.purpose,
        text=row.text,
        variables=variables(row.text),
        codes=row.codes,
        enabled=row.enabled,
        version=row.version,
    )


def _rule(trigger: shapes.Trigger, row: RuleRow) -> shapes.Rule:
    fields = msgspec.structs.asdict(row)
    return shapes.Rule(**{**fields, "trigger": trigger})
