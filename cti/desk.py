"""What people at the pages ask for: implements `cti.web.ports.Desk` with the session, the CRM and the store.

Every method checks first that the thing is theirs; "not there" and "not yours" are the same answer.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from crm_bridge import model
from cti import privacy, wire
from cti.ami.actions import AmiError
from cti.asking import ask
from cti.auth import Auth, Identity
from cti.calls.record import Call
from cti.control.pause import Pbx, pause, reason_for
from cti.floor import Floor
from cti.nodes.sharing import Chosen, Dismissed, DraftKept, NoteSaved, PartySaved, Reread, Seated, Sharing
from cti.popup.lanes import Lane
from cti.popup.phones import PhoneTaken
from cti.popup.whose import Whose
from cti.privacy import Sight
from cti.store import CallRow, NoteConflict, Store
from cti.store.rows import summary
from cti.web.ports import Refusal, not_found
from cti.web.refusing import refusal_of

T = TypeVar("T")
log = logging.getLogger(__name__)


class Desks:
    """All that agents and supervisors do at their pages."""

    def __init__(
        self,
        floor: Floor,
        store: Store,
        lane: Lane,
        auth: Auth,
        exchanges: Pbx,
        sharing: Sharing,
        *,
        clock: Callable[[], float],
        sight: Callable[[Identity], Sight] = lambda identity: privacy.ALL,
        noted: Callable[[str], None] = lambda call: None,
        numbers_changed: Callable[[str], None] = lambda party: None,
    ) -> None:
        """`clock` is the PBX's; `sight` tells what somebody sees.

        `noted` hears of each call that somebody wrote about or gave to a customer, `numbers_changed` of each customer
        whose numbers may be others.
        """
        self._floor = floor
        self._session = floor.session
        self._store = store
        self._lane = lane
        self._auth = auth
        self._exchanges = exchanges
        self._sharing = sharing
        self._clock = clock
        self._sight = sight
        self._noted = noted
        self._numbers_changed = numbers_changed
        self._whose = Whose(floor.records.ask)
        self._tasks: set[asyncio.Task[None]] = set()

    # --- oneself -----------------------------------------------------------------------------------------------

    def me(self, identity: Identity) -> wire.Me:
        """The user as the page shows him."""
        self._floor.arrived(identity)
        return self._floor.me(identity)

    async def logged_out(self, identity: Identity) -> None:
        """The session ended: its phone is free, its pages go."""
        self._floor.hub.close_session(identity.session)
        if not self._floor.hub.has(identity.login):
            self._sharing.share(Seated(user=identity.login, interface=None))

    async def take_phone(self, identity: Identity, interface: str) -> None:
        """The user sits at this phone."""
        self._floor.arrived(identity)
        try:
            changed = self._session.phones.take(identity.login, interface)
        except PhoneTaken:
            raise Refusal(409, "taken", "这部话机已有人使用", "Somebody else has this phone") from None
        except KeyError:
            raise Refusal(404, "no_phone", "没有这部话机", "There is no such phone to take") from None
        self._floor.carry(self._session.phones_changed(changed))
        self._floor.hub.renew((identity.login,))
        self._sharing.tell(Seated(user=identity.login, interface=interface))

    async def set_language(self, identity: Identity, language: str) -> None:
        """The user's language."""
        await self._stored(lambda: self._store.set_language(identity.login, language))
        self._auth.forget_cached()

    async def pause(self, identity: Identity, paused: bool, reason: str) -> None:
        """Ask the PBX; the answer is only that it was asked. What is shown follows the PBX's event."""
        members = [m for phone in self._session.phones.of(identity.login) for m in self._exchanges.members(phone)]
        state = self._session.heads.agent_of(identity.login)
        if not members and state is not None and state.queues:
            text = "本机不连接您的交换机，请在另一台主机的页面上操作"
            raise Refusal(409, "not_here", text, "This node does not follow your PBX; use a page of another node")
        if not members:
            raise Refusal(409, "no_queue", "您的话机不在任何队列中", "Your phone is in no queue")
        try:
            await pause(self._exchanges, members, paused, reason_for(reason))
        except ValueError:
            raise Refusal(422, "bad_reason", "原因含有不能使用的字符", "Forbidden characters in the reason") from None
        except AmiError as error:
            log.warning("pause refused by the PBX: permanent=%s", error.permanent)
            raise Refusal(
                502 if error.permanent else 503, "pbx", "交换机没有接受，请重试", "The PBX did not accept; try again"
            ) from None
        self._audit(identity, "pause" if paused else "unpause", identity.login)

    # --- calls and pops ----------------------------------------------------------------------------------------

    async def history(
        self, identity: Identity, mine: bool, before: float | None, limit: int
    ) -> tuple[Sequence[wire.CallItem], float | None]:
        """Calls, newest first, and where to go on."""
        if mine:
            phones = self._session.phones.of(identity.login)
            rows = await self._stored(lambda: self._store.calls_of_agent(phones, 0.0, limit, before))
            items = [self.item(row) for row in rows]
        else:
            if "all_calls" not in identity.rights:
                raise Refusal(403, "no_right", "没有这项权限", "You have no right to that")
            since = (before if before is not None else self._clock()) - 86_400.0
            calls = await self._stored(lambda: self._store.calls_since(since))
            calls = [c for c in calls if before is None or (c.started_at or 0.0) < before]
            items = [self._summed(c) for c in sorted(calls, key=lambda c: -(c.started_at or 0.0))[:limit]]
        who = await self._whose.parties(item.number for item in items)
        queue = self._session.heads.labels.queue
        named = [
            msgspec.structs.replace(
                item,
                party=who.get(item.number or ""),
                target_s=queue(item.queue).target_s if item.queue else None,
            )
            for item in items
        ]
        return named, items[-1].at if len(items) == limit else None

    def item(self, row: CallRow) -> wire.CallItem:
        """A stored call as the page shows it."""
        return wire.CallItem(
            id=row.id,
            at=row.at,
            direction=row.direction or "inbound",
            outcome=row.outcome,
            queue=row.queue,
            queue_label=self._session.heads.labels.queue(row.queue).label if row.queue else "",
            wait_s=row.wait_s,
            talk_s=row.talk_s,
            agent=row.agent,
            number=row.dialed if row.direction == "outbound" else row.caller,
            note=row.note or "",
        )

    def _summed(self, call: Call) -> wire.CallItem:
        told = summary(call)
        return wire.CallItem(
            id=call.id,
            at=call.started_at or call.ended_at or 0.0,
            direction=call.direction or "inbound",
            outcome=told.outcome,
            queue=told.queue,
            queue_label=self._session.heads.labels.queue(told.queue).label if told.queue else "",
            wait_s=told.wait_s,
            talk_s=told.talk_s,
            agent=told.agent,
            number=call.dialed if call.direction == "outbound" else call.caller,
            note="",
            gap=call.gap,
        )

    def _pop(self, identity: Identity, pop: str) -> wire.Pop:
        found = self._session.find(identity.login, pop)
        if found is None:
            raise not_found()
        return found

    async def dismiss(self, identity: Identity, pop: str) -> None:
        """Put a pop away for good."""
        self._pop(identity, pop)
        self._sharing.share(Dismissed(user=identity.login, pop=pop))
        await self._stored(lambda: self._store.dismiss(identity.login, pop, self._clock()))

    async def choose(self, identity: Identity, pop: str, party: str | None) -> None:
        """Say who the caller is; the CRM remembers it for this number."""
        shown = self._pop(identity, pop)
        chosen: model.Party | None = None
        if party is not None:
            chosen = await self._crm(lambda crm: crm.party(party))
            if chosen is None:
                raise not_found()
        self._sharing.share(Chosen(call=shown.call, party=chosen))
        if chosen is None:
            return
        await self._stored(lambda: self._store.choose_party(shown.call, chosen.id, identity.login, self._clock()))
        self._noted(shown.call)
        number = shown.caller.number
        if number is not None and shown.match.level != "exact":
            await self._crm(lambda crm: crm.learn(number, chosen.id, identity.login))
        self._audit(identity, "choose", chosen.id, shown.call)

    def refresh(self, identity: Identity, pop: str, section: str) -> None:
        """Read one section again."""
        shown = self._pop(identity, pop)
        for name in wire.SECTIONS:
            if name == section:
                self._floor.records.refresh(shown.call, name)

    async def _own_call(self, identity: Identity, call: str) -> None:
        """Refuses a call that never was at one of the user's phones."""
        if len(call) > 200:
            raise not_found()
        if self._session.may_see_call(identity.login, call):
            return
        phones = self._session.phones.of(identity.login)
        stored = await self._stored(lambda: self._store.call(call))
        if stored is not None and any(talk.interface in phones for talk in stored.talks):
            return
        raise not_found()

    async def save_note(self, identity: Identity, call: str, text: str, version: int) -> wire.Note:
        """The user's note about a call; 409 with the current one where another page of his was first."""
        await self._own_call(identity, call)
        at = self._clock()
        try:
            saved = await self._stored(lambda: self._store.save_call_note(call, identity.login, text, at, version))
        except NoteConflict as conflict:
            current = conflict.note
            raise Refusal(
                409,
                "conflict",
                conflict.text,
                conflict.text_en,
                note=None
                if current is None
                else wire.Note(text=current.text, saved_at=current.saved_at, version=current.version, by=current.user),
            ) from None
        self._noted(call)
        note = wire.Note(text=saved.text, saved_at=saved.saved_at, version=saved.version, by=saved.user)
        self._sharing.share(NoteSaved(call=call, note=note))
        return note

    async def save_draft(self, identity: Identity, call: str, draft: Any, *, leaving: bool = False) -> None:
        """What was typed and not saved. A page loaded anew may be there before the old one's last words."""
        await self._own_call(identity, call)
        self._sharing.share(DraftKept(user=identity.login, call=call, draft=draft))
        if leaving and draft:
            self._sharing.push((identity.login,), "draft", wire.body(call=call, draft=draft))
        payload = json.dumps(draft, ensure_ascii=True) if draft else ""
        await self._stored(lambda: self._store.put_draft(identity.login, call, payload, self._clock()))

    # --- customers ---------------------------------------------------------------------------------------------

    async def save_fields(
        self, identity: Identity, party: str, fields: Mapping[str, str], version: int
    ) -> model.Profile:
        """Change a party's fields; 409 with the current profile where somebody else was first."""
        sight = self._sight(identity)
        profile = await self._crm(lambda crm: crm.save_fields(party, fields, version, identity.login), sight)
        self._sharing.share(PartySaved(party=profile.party))
        self._audit(identity, "party.save", party, ",".join(sorted(fields)))
        self._numbers_changed(party)
        return privacy.profile(profile, sight)

    async def create_party(
        self, identity: Identity, fields: Mapping[str, str], number: str | None, call: str | None
    ) -> model.Profile:
        """A new customer; chosen at once for the call he is on."""
        if call is not None:
            await self._own_call(identity, call)
        profile = await self._crm(lambda crm: crm.create_party(fields, number, identity.login))
        if call is not None:
            self._sharing.share(Chosen(call=call, party=profile.party))
            await self._stored(lambda: self._store.choose_party(call, profile.party.id, identity.login, self._clock()))
            self._noted(call)
        self._audit(identity, "party.create", profile.party.id)
        self._numbers_changed(profile.party.id)
        return privacy.profile(profile, self._sight(identity))

    async def add_business(self, identity: Identity, party: str, fields: Mapping[str, str]) -> model.BusinessRecord:
        """A business record."""
        record = await self._crm(lambda crm: crm.add_business(party, fields, identity.login))
        self._sharing.share(Reread(parties=(party,), sections=("business",)))
        self._audit(identity, "business.add", party, record.id)
        return privacy.business(record, self._sight(identity))

    async def add_note(self, identity: Identity, party: str, text: str, call: str | None) -> model.Note:
        """A remark about a party."""
        if call is not None:
            await self._own_call(identity, call)
        note = await self._crm(lambda crm: crm.add_note(party, text, identity.login, call, self._clock()))
        self._sharing.share(Reread(parties=(party,), sections=("profile",)))
        self._audit(identity, "note.add", party, note.id)
        return note

    async def search(self, identity: Identity, text: str) -> Sequence[model.Party]:
        """Parties by name, company, number or tag."""
        return await self._crm(lambda crm: crm.search(text, 20))

    async def form(self, identity: Identity, category: str) -> tuple[Sequence[model.Field], Sequence[model.Category]]:
        """The empty form of a category, and all categories."""
        return await self._crm(lambda crm: (crm.form(category), crm.categories()))

    # --- inside ------------------------------------------------------------------------------------------------

    async def _crm(self, call: Callable[[model.Crm], T], sight: Sight = privacy.ALL) -> T:
        try:
            result: T = await self._floor.records.ask(call)
        except model.CrmError as error:
            raise refusal_of(error, sight) from None
        return result

    async def _stored(self, call: Callable[[], T]) -> T:
        return await ask(self._lane, call)

    def _audit(self, identity: Identity, action: str, subject: str, detail: str = "") -> None:
        """Write down who did what, behind the answer's back."""
        at = self._clock()
        self._later(self._stored(lambda: self._store.add_audit(at, identity.login, action, subject, detail)), action)

    def _later(self, work: Awaitable[None], what: str) -> None:
        async def run() -> None:
            try:
                await work
            except Refusal as refusal:
                log.error("not written down: %s (%s)", what, refusal.code)

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for what is still to be written down."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
