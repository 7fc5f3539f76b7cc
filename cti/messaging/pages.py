"""What people ask for on the page of text messages, and programs: a second part of `ports.Messaging`."""

from __future__ import annotations

import hashlib
import hmac
import statistics as figures
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from crm_bridge.numbers import display
from cti.auth import Identity
from cti.messaging.conversations import PAGE, Audit, Correspondence, intent_of
from cti.privacy import masked
from cti.sms.codes import words_of
from cti.sms.compose import Wording
from cti.sms.model import SmsMessage
from cti.sms.record import view
from cti.store.messages_figures import TallyRow
from cti.store.messages_rules import CallbackRow, RuleRow
from cti.web.ports import Refusal, not_found
from cti.wire import messages as shapes

LONGEST_S: Final = 400 * 86_400.0


class Pages:
    """Lists and figures."""

    def __init__(
        self, ground: Correspondence, audit: Audit, *, read: Callable[[str, str], None], sees: Callable[[str], bool]
    ) -> None:
        """`read` tells a user's other pages that a message was read; `sees`: a role sees whole numbers out of calls."""
        self._ground = ground
        self._audit = audit
        self._read = read
        self._sees = sees

    # --- what customers wrote ----------------------------------------------------------------------------------

    def _may(self, identity: Identity, message: SmsMessage | None) -> SmsMessage:
        if message is None or message.direction != "in":
            raise not_found()
        if message.owner not in (identity.login, "", None) and "all_calls" not in identity.rights:
            raise not_found()
        return message

    async def incoming(
        self, identity: Identity, everybody: bool, unread: bool, before: float | None
    ) -> tuple[Sequence[shapes.Incoming], float | None, int]:
        """See `ports.Messaging`."""
        if everybody and "all_calls" not in identity.rights:
            raise Refusal(403, "no_right", "没有这项权限", "You have no right to that")
        ground, owners = self._ground, None if everybody else (identity.login, "")
        rows: list[SmsMessage] = await ground.stored(
            lambda: ground.store.sms_incoming(owners, unread=unread, before=before, limit=PAGE)
        )
        count: int = await ground.stored(lambda: ground.store.sms_unread(owners))
        shown = [self.coming(row, self._sees(identity.role)) for row in rows]
        return shown, rows[-1].at if len(rows) == PAGE else None, count

    def coming(self, row: SmsMessage, whole: bool) -> shapes.Incoming:
        """A customer's message in a list."""
        message = view(row)
        if not whole:
            message = msgspec.structs.replace(message, number=masked(message.number, "phone"))
        return shapes.Incoming(
            message=message,
            party=row.party,
            name=row.by,
            company="",
            owner=row.owner or "",
            callback=row.callback,
        )

    async def sent(
        self, identity: Identity, before: float | None, status: str, platform: str
    ) -> tuple[Sequence[shapes.Message], float | None]:
        """See `ports.Messaging`."""
        ground = self._ground
        rows: list[SmsMessage] = await ground.stored(
            lambda: ground.store.sms_sent(before=before, status=status[:16], platform=platform[:40], limit=PAGE)
        )
        shown = await ground.shown(rows)
        if not self._sees(identity.role):
            shown = [msgspec.structs.replace(m, number=masked(m.number, "phone")) for m in shown]
        return shown, rows[-1].at if len(rows) == PAGE else None

    async def read(self, identity: Identity, id: str) -> None:
        """See `ports.Messaging`."""
        ground = self._ground
        self._may(identity, await ground.stored(lambda: ground.store.sms_by_id(id)))
        if await ground.stored(lambda: ground.store.set_sms_read(id, ground.clock())):
            self._read(identity.login, id)

    async def reply(
        self, identity: Identity, id: str, key: str, template: str | None, text: str, values: Mapping[str, str]
    ) -> shapes.Message:
        """See `ports.Messaging`."""
        ground = self._ground
        ground.require()
        asked = self._may(identity, await ground.stored(lambda: ground.store.sms_by_id(id)))
        wording = await ground.wording(template, text)
        known = {"site": ground.site, "agent": identity.name, "customer": asked.by}
        composed = ground.compose(ground.canonical(asked.number), wording, {**known, **values})
        wish = ground.wish(
            composed,
            wording,
            intent=intent_of("reply", identity.login, key),
            origin="reply",
            by=identity.name or identity.login,
            login=identity.login,
            party=asked.party,
        )
        message = await ground.put(composed, wording, wish, patient=False)
        await self.read(identity, id)
        if message.id == wish.id:
            self._audit(identity, "sms.send", message.id, id)
        return (await ground.shown([message]))[0]

    async def retry(self, identity: Identity, id: str) -> shapes.Message:
        """See `ports.Messaging`. The same message as a new one: the old one keeps what became of it."""
        ground = self._ground
        ground.require()
        old: SmsMessage | None = await ground.stored(lambda: ground.store.sms_by_id(id))
        if old is None or old.direction != "out":
            raise not_found()
        if old.login != identity.login and "all_calls" not in identity.rights:
            raise not_found()
        made = await ground.stored(lambda: ground.store.wish_to_retry(id))
        intent = f"retry:{id}"
        if made is None:
            done: SmsMessage | None = await ground.stored(lambda: ground.store.wish_of(intent))
            if done is None:
                raise Refusal(409, "not_now", "这条短信现在不能重发", "This message cannot be sent again now")
            return (await ground.shown([done]))[0]
        wording = Wording(id=made.template, text=made.text, purpose=made.purpose, codes=made.codes)
        fixed = msgspec.structs.replace(wording, id="")
        composed = ground.compose(ground.canonical(made.number), fixed, {})
        composed = msgspec.structs.replace(
            composed,
            values=made.values,
            platforms=made.platforms,
            problems=tuple(p for p in composed.problems if p not in ("needs_template", "no_platform")),
        )
        wish = ground.wish(
            composed,
            wording,
            intent=intent,
            origin=made.origin,
            by=identity.name or identity.login,
            login=identity.login,
            call=made.call,
            party=made.party,
        )
        message = await ground.put(composed, wording, wish, patient=False)
        await ground.stored(lambda: ground.store.wish_retried(id))
        self._audit(identity, "sms.retry", id, message.id)
        return (await ground.shown([message]))[0]

    # --- promised calls ----------------------------------------------------------------------------------------

    async def callbacks(self, identity: Identity, state: str) -> Sequence[shapes.Callback]:
        """See `ports.Messaging`."""
        ground = self._ground
        rows: list[CallbackRow] = await ground.stored(lambda: ground.store.promises(state[:10]))
        replies = {row.reply: None for row in rows if row.reply}
        said: dict[str, SmsMessage | None] = {}
        for id in replies:
            said[id] = await ground.stored(lambda id=id: ground.store.sms_by_id(id))  # type: ignore[misc]
        whole = self._sees(identity.role)
        found = []
        for row in rows:
            reply = said.get(row.reply or "")
            shown = display(ground.canonical(row.number))
            found.append(
                shapes.Callback(
                    id=row.id,
                    call=row.call,
                    display=shown if whole else masked(shown, "phone"),
                    name=row.name,
                    queue=row.queue,
                    promised_at=row.promised_at,
                    due_at=row.due_at,
                    state=row.state,
                    owner=row.owner,
                    reply=reply.text if reply is not None else "",
                    reply_at=reply.at if reply is not None else None,
                )
            )
        return found

    async def callback_done(self, identity: Identity, id: str) -> None:
        """See `ports.Messaging`."""
        ground = self._ground
        if await ground.stored(lambda: ground.store.promise(id)) is None:
            raise not_found()
        await ground.stored(lambda: ground.store.end_promises(at=ground.clock(), by=identity.login, id=id))
        self._audit(identity, "callback.done", id, "")

    # --- figures -----------------------------------------------------------------------------------------------

    async def statistics(self, identity: Identity, since: float, until: float) -> shapes.Statistics:
        """See `ports.Messaging`."""
        ground = self._ground
        if not 0 < until - since <= LONGEST_S:
            raise Refusal(400, "bad_query", "时间段最长 400 天", "A period has at most 400 days")
        store = ground.store
        days = _days(since, until, ground)

        def read() -> shapes.Statistics:
            waits = store.sms_waits(since, until)
            names = {t.id: t.name for t in store.sms_templates()}
            total = next(iter(store.sms_figures(since, until, None)), _nothing())
            return shapes.Statistics(
                since=since,
                until=until,
                total=_tally(total, "", [w for _, _, w in waits], store.sms_replies(since, until)),
                platforms=tuple(
                    _tally(row, row.key, [w for p, _, w in waits if p == row.key])
                    for row in store.sms_figures(since, until, "platform")
                ),
                templates=tuple(
                    _tally(row, names.get(row.key, row.key), [w for _, t, w in waits if t == row.key])
                    for row in store.sms_figures(since, until, "template")
                ),
                days=tuple(_tally(row, row.key, []) for row in store.sms_days(days)),
                errors=tuple(
                    _error(platform, code, text, count)
                    for platform, code, text, count in store.sms_errors(since, until)
                ),
            )

        found: shapes.Statistics = await ground.stored(read)
        return found

    # --- programs ----------------------------------------------------------------------------------------------

    async def send_by_program(
        self, token: str, key: str, number: str, template: str, values: Mapping[str, str], trigger: str | None
    ) -> shapes.Message:
        """See `ports.Messaging`."""
        ground = self._ground
        given = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        program = None
        for one in ground.settings.tokens:  # all of them: it takes as long whichever it is
            if hmac.compare_digest(given, hashlib.sha256(one.secret.encode()).digest()):
                program = one
        if program is None:
            raise Refusal(401, "token", "令牌不对", "The token is not right")
        ground.require()
        if program.templates and template not in program.templates:
            raise Refusal(403, "no_right", "该令牌不能用这个模板", "This token may not use this template")
        delay = 0.0
        if trigger is not None:
            rules: dict[str, RuleRow] = await ground.stored(ground.store.sms_rules)
            rule = rules.get(trigger)
            if rule is None or not rule.enabled:
                raise Refusal(409, "switched_off", "这条规则没有启用", "This rule is switched off")
            template, delay = rule.template, rule.delay_s
        wording = await ground.wording(template, "")
        known = {"site": ground.site, **{k[:40]: v[:400] for k, v in list(values.items())[:40]}}
        composed = ground.compose(ground.canonical(number[:60]), wording, known)
        wish = ground.wish(
            composed,
            wording,
            intent=intent_of("api", program.name, key),
            origin="rule" if trigger is not None else "api",
            delay_s=delay,
            by=program.name,
        )
        message = await ground.put(composed, wording, wish, patient=True)
        return (await ground.shown([message]))[0]


def _nothing() -> TallyRow:
    return TallyRow(key="", messages=0, segments=0, delivered=0, failed=0, cost=0.0)


def _tally(row: TallyRow, label: str, waits: Sequence[float], replies: int = 0) -> shapes.Tally:
    return shapes.Tally(
        key=row.key,
        label=label,
        messages=row.messages,
        segments=row.segments,
        delivered=row.delivered,
        failed=row.failed,
        open=row.messages - row.delivered - row.failed,
        replies=replies,
        cost=round(row.cost, 4),
        median_s=round(figures.median(waits), 1) if waits else None,
    )


def _error(platform: str, code: str, said: str, count: int) -> shapes.ErrorTally:
    text, text_en = words_of(platform, code, said)
    return shapes.ErrorTally(platform=platform, code=code, text=text, text_en=text_en, messages=count)


def _days(since: float, until: float, ground: Correspondence) -> list[tuple[str, float, float]]:
    """The days of a period, the newest 92 at most."""
    day = datetime.fromtimestamp(until - 0.001, ground.zone).date()
    found: list[tuple[str, float, float]] = []
    while len(found) < 92:
        start = datetime(day.year, day.month, day.day, tzinfo=ground.zone)
        following = day + timedelta(days=1)
        end = datetime(following.year, following.month, following.day, tzinfo=ground.zone)
        found.append((day.isoformat(), max(since, start.timestamp()), min(until, end.timestamp())))
        if start.timestamp() <= since:
            break
        day -= timedelta(days=1)
    return found[::-1]
