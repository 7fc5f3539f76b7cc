"""Texts that go out by themselves: a missed caller gets an apology and a promise; both end when we talk with him."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from crm_bridge import model
from crm_bridge.numbers import Number
from cti import events
from cti.floor import Floor
from cti.messaging.conversations import Correspondence, wording_of
from cti.sms.compose import takes_messages
from cti.sms.fill import values_of
from cti.sms.missed import Missed, MissedCalls, Reached
from cti.store.messages_rules import CallbackRow, RuleRow, TemplateRow

log = logging.getLogger(__name__)

Run = Callable[[Callable[[], Any]], Awaitable[Any]]


class Triggers:
    """Hears the PBX's events."""

    def __init__(
        self,
        ground: Correspondence,
        floor: Floor,
        *,
        run: Run,
        party_of: Callable[[str], Awaitable[model.Party | None]],
        later: Callable[[Awaitable[Any]], None],
    ) -> None:
        """`run` calls the store off the loop; `party_of` says whose a number is; `later` starts what may wait."""
        self._ground = ground
        self._floor = floor
        self._run = run
        self._party_of = party_of
        self._later = later
        self._missed = MissedCalls()

    def on_event(self, event: events.Event) -> None:
        """One event of the PBX."""
        told = self._missed.apply(event)
        if isinstance(told, Missed):
            self._later(self._apologise(told))
        elif isinstance(told, Reached):
            self._later(self._reached(told))

    async def _apologise(self, missed: Missed) -> None:
        """A caller was missed: an apology, and a promise to call back, where the rule says so."""
        ground = self._ground
        store = ground.store
        rule: RuleRow | None = (await self._run(store.sms_rules)).get("missed")
        number = ground.canonical(missed.number)
        if rule is None or not rule.enabled or missed.wait_s < rule.min_wait_s or not takes_messages(number):
            return
        if rule.queues and missed.queue not in rule.queues:
            return
        row: TemplateRow | None = await self._run(lambda: store.sms_template(rule.template))
        if row is None or not row.enabled:
            return
        party = await self._party_of(missed.number)
        wording = wording_of(row)
        composed = ground.compose(number, wording, self._values(missed, rule, party))
        if composed.problems:
            log.warning("no apology could be made: %s", ", ".join(composed.problems))
            return
        wish = ground.wish(
            composed,
            wording,
            intent=f"missed:{missed.call}",
            origin="rule",
            delay_s=rule.delay_s,
            call=missed.call,
            party=party.id if party is not None else None,
        )
        judge = ground.judging(composed, wording, patient=True, once_an_hour=True)
        message, _ = await self._run(lambda: store.put_wish(wish, judge))
        if message is None:
            return
        if rule.promise_s:
            promise = self._promise(missed, rule, number, party)
            await self._run(lambda: store.promise_call(promise))
        ground.wake()
        ground.changed(wish.key)

    def _values(self, missed: Missed, rule: RuleRow, party: model.Party | None) -> dict[str, str]:
        labels = self._floor.session.heads.labels
        values = values_of(
            zone=self._ground.zone,
            site=self._ground.site,
            line=labels.lines.get(missed.line, ""),
            queue=labels.queue(missed.queue).label,
            party=party,
        )
        values.setdefault("customer", "客户")
        if rule.promise_s:
            values["minutes"] = str(max(1, round(rule.promise_s / 60)))
        return values

    def _promise(self, missed: Missed, rule: RuleRow, number: Number, party: model.Party | None) -> CallbackRow:
        now = self._ground.clock()
        return CallbackRow(
            id=f"cb-{missed.call}"[:200],
            key=number.key or "",
            number=missed.number,
            call=missed.call,
            queue=missed.queue,
            name=party.name if party is not None else "",
            promised_at=now,
            due_at=now + rule.promise_s,
            state="open",
            owner=(party.owner or "") if party is not None else "",
        )

    async def _reached(self, reached: Reached) -> None:
        """We talk with him: an apology that waits is not needed, and a promise is kept."""
        ground = self._ground
        key = ground.canonical(reached.number).key
        if key is None:
            return
        if await self._run(lambda: ground.store.cancel_wishes(key, "rule")):
            ground.changed(key)
        now = ground.clock()
        await self._run(lambda: ground.store.end_promises(at=now, by="", key=key))
