"""What people ask for about text messages in their pops: implements the conversation's part of `ports.Messaging`.

Every method checks first that the thing is theirs; "not there" and "not yours" are the same answer.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import tzinfo
from functools import partial
from typing import Any, Final

import msgspec

from crm_bridge import model
from crm_bridge.numbers import Number, display
from cti import wire
from cti.auth import Identity
from cti.floor import Floor
from cti.settings.sms import SmsSettings
from cti.sms.compose import Channel, Composed, Wording, channels_for, compose, takes_messages
from cti.sms.fill import values_of
from cti.sms.model import SmsMessage
from cti.sms.policy import WORDS, Facts, judge
from cti.sms.record import views
from cti.sms.text import LONGEST, signed
from cti.sms.wishes import Origin, Wish
from cti.store import Store
from cti.store.messages_rules import TemplateRow
from cti.web.ports import Refusal, not_found
from cti.wire import messages as shapes

PAGE: Final = 50
MAX_KEY: Final = 80

Audit = Callable[[Identity, str, str, str], None]
"Writes down who did what: action, subject, detail."


class Correspondence:
    """What both halves of the desk, and the rules, work with."""

    def __init__(
        self,
        settings: SmsSettings,
        store: Store,
        *,
        site: str,
        zone: tzinfo,
        clock: Callable[[], float],
        canonical: Callable[[str | None], Number],
        stored: Callable[[Callable[[], Any]], Awaitable[Any]],
        wake: Callable[[], None],
        changed: Callable[[str], None],
    ) -> None:
        """`stored` runs a call of the store off the loop; `wake` tells the worker, `changed` the pops of a number."""
        self.settings = settings
        self.store = store
        self.site = site
        self.zone = zone
        self.clock = clock
        self.canonical = canonical
        self.stored = stored
        self.wake = wake
        self.changed = changed
        known = {
            p.name: Channel(
                name=p.name,
                needs_code=p.kind in ("aliyun", "tencent", "huawei") or bool(p.rules and p.rules.needs_code),
                price=p.price,
            )
            for p in settings.platforms
        }
        self.home = tuple(known[name] for name in settings.order if name in known)
        self.abroad = tuple(known[name] for name in settings.abroad if name in known)

    def require(self) -> None:
        """Refuses where there is nothing to send with."""
        if not self.settings.enabled:
            raise Refusal(409, "no_sms", "没有配置短信平台", "No SMS platform is configured")

    async def wording(self, template: str | None, text: str) -> Wording:
        """The template of that id, or a text of one's own."""
        if template is None:
            return Wording(text=text)
        row: TemplateRow | None = await self.stored(lambda: self.store.sms_template(template))
        if row is None:
            raise refused_words(("no_template",))
        return wording_of(row)

    def compose(self, number: Number, wording: Wording, values: Mapping[str, str]) -> Composed:
        """Put a message together for this number."""
        return compose(number, wording, values, signature=self.settings.signature, home=self.home, abroad=self.abroad)

    def wish(
        self,
        composed: Composed,
        wording: Wording,
        *,
        intent: str,
        origin: Origin,
        delay_s: float = 0.0,
        by: str = "",
        login: str = "",
        call: str | None = None,
        party: str | None = None,
    ) -> Wish:
        """The wish of a message, now or in `delay_s` seconds."""
        now = self.clock()
        return composed.wish(
            id=secrets.token_hex(12),
            intent=intent[:200],
            wording=wording,
            signature=self.settings.signature,
            origin=origin,
            now=now,
            due_at=now + delay_s,
            expires_s=self.settings.expires_s,
            by=by,
            login=login,
            call=call,
            party=party,
        )

    def judging(self, composed: Composed, wording: Wording, *, patient: bool, once_an_hour: bool = False) -> Any:
        """The question `put_wish` asks."""
        policy = self.settings.policy
        if once_an_hour:
            policy = msgspec.structs.replace(policy, template_hour=1)
        return partial(
            judge,
            policy,
            purpose=wording.purpose,
            measured=composed.measured,
            domestic=composed.domestic,
            now=self.clock(),
            zone=self.zone,
            patient=patient,
        )

    async def put(self, composed: Composed, wording: Wording, wish: Wish, *, patient: bool) -> SmsMessage:
        """Into the outbox; raises Refusal with the problems."""
        if composed.problems:
            raise refused_words(composed.problems, composed.missing)
        message, verdict = await self.stored(
            lambda: self.store.put_wish(wish, self.judging(composed, wording, patient=patient))
        )
        if message is None:
            raise refused_words(verdict.problems)
        self.wake()
        self.changed(wish.key)
        found: SmsMessage = message
        return found

    async def shown(self, messages: Sequence[SmsMessage]) -> list[shapes.Message]:
        """Messages as pages show them."""
        found: list[shapes.Message] = await self.stored(lambda: views(self.store, messages))
        return found

    def size(self, composed: Composed, facts: Sequence[str] = ()) -> shapes.Size:
        """How long a message is, and what speaks against it."""
        measured = composed.measured
        return shapes.Size(
            text=measured.text,
            encoding=measured.encoding,
            characters=measured.characters,
            segments=measured.segments,
            left=measured.left,
            problems=problems_of((*composed.problems, *facts), composed.missing),
            cost=composed.cost,
        )


class Conversations:
    """The pop's conversation."""

    def __init__(
        self,
        ground: Correspondence,
        floor: Floor,
        audit: Audit,
    ) -> None:
        self._ground = ground
        self._floor = floor
        self._audit = audit

    def _pop(self, identity: Identity, pop: str) -> wire.Pop:
        found = self._floor.session.find(identity.login, pop)
        if found is None:
            raise not_found()
        return found

    def _numbers(self, pop: wire.Pop) -> dict[str, tuple[str, Number]]:
        """{id: (label, number)} of everything the customer may be written to at, the call's own number first."""
        found: dict[str, tuple[str, Number]] = {}
        own = self._ground.canonical(pop.caller.number)
        if pop.caller.number and own.key is not None:
            found[recipient_id(own.key)] = ("", own)
        profile = self._section(pop, "profile")
        if profile:
            for point in profile[0].contact_points:
                number = self._ground.canonical(point.value) if point.kind == "phone" else None
                if number is not None and number.key is not None and "*" not in point.value:
                    found.setdefault(recipient_id(number.key), (point.label, number))
        return dict(list(found.items())[:20])

    def _section(self, pop: wire.Pop, name: str) -> tuple[Any, ...]:
        for section in self._floor.records.sections(pop.call):
            if section.name == name and section.state in ("ready", "late"):
                return section.items
        return ()

    def _values(self, identity: Identity, pop: wire.Pop, given: Mapping[str, str]) -> dict[str, str]:
        profile = self._section(pop, "profile")
        party: model.Party | None = profile[0].party if profile else None
        known = values_of(
            zone=self._ground.zone,
            site=self._ground.site,
            agent=identity.name,
            line=pop.line.label if pop.line is not None else "",
            queue=pop.queue.label if pop.queue is not None else "",
            party=party,
            quotes=[one for one in self._section(pop, "quotes") if isinstance(one, model.Quote)],
            business=[one for one in self._section(pop, "business") if isinstance(one, model.BusinessRecord)],
        )
        return {**known, **{key[:40]: value[:400] for key, value in list(given.items())[:40]}}

    async def conversation(self, identity: Identity, pop: str, before: float | None) -> shapes.Conversation:
        """See `ports.Messaging`."""
        ground = self._ground
        head = self._pop(identity, pop)
        numbers = self._numbers(head)
        keys = [number.key for _, number in numbers.values() if number.key is not None]
        messages: list[SmsMessage] = (
            await ground.stored(lambda: ground.store.sms_of_number(keys, PAGE, before)) if keys else []
        )
        refusing: dict[str, shapes.Scope] = await ground.stored(lambda: ground.store.opt_outs(keys)) if keys else {}
        rows: list[TemplateRow] = await ground.stored(ground.store.sms_templates)
        own = next((number for _, number in numbers.values()), None)
        values = self._values(identity, head, {})
        drafts = []
        for row in rows:
            if row.enabled and own is not None and ground.settings.enabled:
                made = ground.compose(own, wording_of(row), values)
                if made.platforms:
                    drafts.append(
                        shapes.Draft(
                            template=row.id,
                            name=row.name,
                            purpose=row.purpose,
                            text=made.text,
                            values=made.values,
                            missing=made.missing,
                        )
                    )
        free = any(not one.needs_code for one in (channels_for(own, ground.home, ground.abroad) if own else ()))
        domestic = own is None or (own.key or "").startswith("+86")
        to = tuple(self._recipient(id, label, number, refusing) for id, (label, number) in numbers.items())
        why = ("", "")
        if not ground.settings.enabled:
            why = ("没有配置短信平台", "No SMS platform is configured")
        elif not any(one.problem is None for one in to):
            why = WORDS["not_mobile"] if not any(one.mobile for one in to) else WORDS["opted_out"]
        elif not drafts and not free:
            why = ("还没有可用的模板", "There is no template to use yet")
        return shapes.Conversation(
            messages=tuple(await ground.shown(messages)),
            next=messages[-1].at if len(messages) == PAGE else None,
            to=to,
            drafts=tuple(drafts),
            counting=shapes.Counting(
                signature=signed("", ground.settings.signature, domestic),
                domestic=domestic,
                longest=LONGEST if domestic else 1000,
                free_text=free,
            ),
            can_send=not why[0] and "edit" in identity.rights,
            why=why[0],
            why_en=why[1],
        )

    def _recipient(self, id: str, label: str, number: Number, refusing: Mapping[str, shapes.Scope]) -> shapes.Recipient:
        mobile = takes_messages(number)
        scope = refusing.get(number.key or "")
        codes = (["not_mobile"] if not mobile else []) + (["opted_out"] if scope == "all" else [])
        problems = problems_of(codes)
        return shapes.Recipient(
            id=id,
            label=label,
            display=display(number),
            mobile=mobile,
            opted_out=scope,
            problem=problems[0] if problems else None,
        )

    def _to(self, pop: wire.Pop, to: str) -> Number:
        found = self._numbers(pop).get(to)
        if found is None:
            raise not_found()
        return found[1]

    async def preview(
        self, identity: Identity, pop: str, to: str, template: str | None, text: str, values: Mapping[str, str]
    ) -> shapes.Size:
        """See `ports.Messaging`."""
        ground = self._ground
        ground.require()
        head = self._pop(identity, pop)
        wording = await ground.wording(template, text)
        composed = ground.compose(self._to(head, to), wording, self._values(identity, head, values))
        wish = ground.wish(composed, wording, intent="preview", origin="pop")
        facts: Facts = await ground.stored(lambda: ground.store.facts_of(wish))
        return ground.size(composed, ground.judging(composed, wording, patient=False)(facts).problems)

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
        """See `ports.Messaging`."""
        ground = self._ground
        ground.require()
        head = self._pop(identity, pop)
        number = self._to(head, to)
        wording = await ground.wording(template, text)
        composed = ground.compose(number, wording, self._values(identity, head, values))
        wish = ground.wish(
            composed,
            wording,
            intent=intent_of("pop", identity.login, key),
            origin="pop",
            by=identity.name or identity.login,
            login=identity.login,
            call=head.call,
            party=head.party.id if head.party is not None else None,
        )
        message = await ground.put(composed, wording, wish, patient=False)
        if message.id == wish.id:
            self._audit(identity, "sms.send", message.id, head.call)
        return (await ground.shown([message]))[0]


def wording_of(row: TemplateRow) -> Wording:
    """A template as composing takes it."""
    return Wording(id=row.id, text=row.text, purpose=row.purpose, codes=row.codes, enabled=row.enabled)


def intent_of(*parts: str) -> str:
    """What names an intent; the page's key is checked, for it is kept."""
    key = parts[-1]
    if not 8 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise Refusal(400, "bad_body", "key 应是 8 到 80 个字符", "`key` has 8 to 80 printable characters")
    return ":".join(parts)


def recipient_id(key: str) -> str:
    """Names a number in addresses and bodies without being it."""
    return hashlib.blake2s(key.encode(), digest_size=8).hexdigest()


def problems_of(codes: Sequence[str], missing: Sequence[str] = ()) -> tuple[shapes.Problem, ...]:
    """Problems in words, each once."""
    found = []
    for code in dict.fromkeys(codes):
        text, text_en = WORDS[code]
        if code == "missing" and missing:
            text, text_en = f"{text}：{'、'.join(missing)}", f"{text_en}: {', '.join(missing)}"
        found.append(shapes.Problem(code=code, text=text, text_en=text_en))
    return tuple(found)


def refused_words(codes: Sequence[str], missing: Sequence[str] = ()) -> Refusal:
    """422 with every problem."""
    problems = problems_of(codes, missing)
    return Refusal(
        422,
        "invalid",
        "；".join(p.text for p in problems),
        "; ".join(p.text_en for p in problems),
        problems=problems,
    )
