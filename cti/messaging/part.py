"""Builds the text messages' parts for the service: the outbox's worker, callbacks, rules, and what people ask for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

import msgspec

from crm_bridge import model
from crm_bridge.numbers import Number
from cti import wire
from cti.asking import ask
from cti.auth import Identity
from cti.bus import Bus
from cti.floor import Floor
from cti.messaging.conversations import Conversations, Correspondence
from cti.messaging.hooking import LOOK_S, HookProcess, Orders, apply_for_ever, server, understanding
from cti.messaging.pages import Pages
from cti.messaging.rulebook import RuleBook
from cti.messaging.triggers import Triggers
from cti.nodes.sharing import Sharing, TextsChanged
from cti.popup.lanes import Away, Lane, Late
from cti.settings import Settings
from cti.settings.sms import SmsPlatform
from cti.sms.build import http_sender
from cti.sms.door import Sender
from cti.sms.keeping import Keeping
from cti.sms.model import SmsMessage
from cti.sms.outbox import OutboxWorker
from cti.sms.platform import Item, Taking
from cti.sms.smpp import SmppSender
from cti.sms.wishes import Task
from cti.store import Store, StoreError, is_outage
from cti.ticker import steady_clock
from cti.wire import messages as shapes

log = logging.getLogger(__name__)

CLEAN_S: Final = 3600.0
OWN_S: Final = 48 * 3600.0
"A colleague who wrote within this time gets the reply."
ORPHANS_S: Final = 72 * 3600.0


class Messaging(Conversations, Pages, RuleBook):
    """The text messages of one service: `run` as a task, `close` behind it. Implements `cti.web.ports.Messaging`."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        bus: Bus,
        floor: Floor,
        sharing: Sharing,
        *,
        clock: Callable[[], float],
        canonical: Callable[[str | None], Number],
        zone: tzinfo,
        sees: Callable[[str], bool],
        sock: socket.socket | None,
        sends: bool = True,
        may_send: Callable[[], bool] = lambda: True,
    ) -> None:
        """`sees` tells whether a role sees whole numbers out of calls; `sock` is the port for callbacks, open.

        `sends` is False for a node that only shows messages; `may_send` is asked right before each sending: a node
        that hung must not send what another one may have taken over.
        """
        self._sends = sends
        self.settings = settings.sms
        self._site = settings
        self._store = store
        self._floor = floor
        self._sharing = sharing
        self._clock = clock
        self._canonical = canonical
        self._zone = zone
        self._lane = Lane("messages", 2, deadline_s=20.0, clock=steady_clock, counts=is_outage)
        self._news = asyncio.Event()
        self._unapplied = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._hook_counts: Mapping[str, int] = {}
        self._last_callback: float | None = None
        senders = {sender.name: sender for one in self.settings.platforms if (sender := self._sender(one)) is not None}
        self._senders: Mapping[str, Sender] = senders
        hooks = self.settings.hooks
        self.worker = OutboxWorker(
            store,
            senders,
            clock=clock,
            run=self._lane.run,
            on_change=self._went,
            report_urls={
                one.name: f"{hooks.public_url}/hooks/sms/{one.name}/{one.hook_secrets[0]}"
                for one in self.settings.platforms
                if one.hook_secrets and hooks.public_url
            },
            name=f"outbox@{socket.gethostname()}:{settings.web.port}"[:80],
            is_away=(StoreError, Away, Late),
            may_send=may_send,
        )
        ground = Correspondence(
            self.settings,
            store,
            site=settings.site.name,
            zone=zone,
            clock=clock,
            canonical=canonical,
            stored=self._stored,
            wake=self.worker.wake,
            changed=self._changed,
        )
        Conversations.__init__(self, ground, floor, self._write_down)
        Pages.__init__(self, ground, self._write_down, read=self._was_read, sees=sees)
        RuleBook.__init__(self, ground, self._write_down)
        sharing.takes(TextsChanged, self._texts_changed)
        self._socket = sock
        self._process: HookProcess | None = None
        self._keeping: Keeping | None = None
        self._triggers = Triggers(
            ground,
            floor,
            run=self._lane.run,
            party_of=self._party_of,
            later=self._later,
        )
        if self.settings.enabled:
            bus.subscribe("messages", self._triggers.on_event)

    # --- running -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send, take callbacks, apply them, clean up, for ever."""
        if not self.settings.enabled or not self._sends:
            return
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.worker.run())
            tasks.create_task(self._find_owners())
            tasks.create_task(self._clean())
            if self._socket is None or self._alone:
                tasks.create_task(self._apply())
            if self._socket is not None:
                tasks.create_task(self._take_callbacks(self._socket))

    async def close(self) -> None:
        """Let go of the platforms and of the store."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for sender in self._senders.values():
            await sender.close()
        if self._keeping is not None:
            self._keeping.close()
        self._lane.close()

    def _sender(self, one: SmsPlatform) -> Sender | None:
        if one.kind != "smpp":
            return http_sender(one, self._clock)
        options = one.options
        port = options.get("port", "2775")
        return SmppSender(
            one.name,
            host=options["host"],
            port=int(port) if port.isdecimal() else 2775,
            user=options["user"],
            password=options["password"],
            sender=options.get("sender", ""),
            system_type=options.get("system_type", ""),
            timeout_s=one.timeout,
            keep=lambda item: self._keep(one.name, item),
        )

    async def _keep(self, platform: str, item: Item) -> None:
        """One receipt or reply that came by a link of ours."""
        body = msgspec.json.encode(item)
        taking = Taking(platform=platform, body=body, items=(item,), at=self._clock())
        await self._lane.run(lambda: self._store.take_in([taking]))
        self._heard()

    async def _take_callbacks(self, sock: socket.socket) -> None:
        if self._alone:
            self._keeping = Keeping(self._store.take_in, on_news=self._heard)
            hooks = server(self.settings.hooks, self.settings.platforms, self._keeping)
            await hooks.start(sock)
            try:
                await self._keeping.run()
            finally:
                await hooks.stop()
        self._process = HookProcess(
            Orders(
                store=self._store.database.engine.url.render_as_string(hide_password=False),
                area_code=self._site.site.area_code,
                hooks=self.settings.hooks,
                platforms=self.settings.platforms,
                words=self.settings.words,
                words_all=self.settings.words_all,
                descriptor=sock.fileno(),
            ),
            sock,
            on_changed=self._fared,
            on_counts=self._counted,
        )
        await self._process.run()

    @property
    def _alone(self) -> bool:
        """A store in memory has no second process."""
        return self._store.database.engine.url.database in (None, "", ":memory:")

    def _counted(self, counts: Mapping[str, int]) -> None:
        self._hook_counts = counts

    async def _apply(self) -> None:
        """Without a process for callbacks what came by links of ours, or before, is applied here."""
        understand = understanding(self.settings.words, self.settings.words_all)
        await apply_for_ever(self._store, understand, self._unapplied, self._fared, self._lane.run)

    def _fared(self, keys: Collection[str]) -> None:
        """Messages of these numbers came or changed."""
        for key in keys:
            self._changed(key)
        self._last_callback = self._clock()
        self._news.set()

    def _heard(self) -> None:
        """Something waits to be applied."""
        self._unapplied.set()
        if self._process is not None:
            self._process.wake()

    async def _find_owners(self) -> None:
        """Whose customers' messages are, and who is to hear of them."""
        broken = False
        while True:
            self._news.clear()
            try:
                await self._route()
                broken = False
            except (StoreError, Away, Late) as error:
                if not broken:
                    log.warning("customers' messages are nobody's yet: %s", type(error).__name__)
                broken = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._news.wait()

    async def _clean(self) -> None:
        while True:
            with contextlib.suppress(StoreError, Away, Late):
                await self._lane.run(self._forget)
            await asyncio.sleep(CLEAN_S)

    def _forget(self) -> None:
        now = self._clock()
        self._store.forget_callbacks(now - self.settings.keep_raw_days * 86_400.0, now - ORPHANS_S)

    # --- whose a customer's message is -------------------------------------------------------------------------

    async def _route(self) -> None:
        now = self._clock()
        for message in await self._lane.run(lambda: self._store.sms_unrouted(now - OWN_S)):
            party = await self._party_of(message.number)
            owner = await self._lane.run(lambda m=message, p=party: self._owner(m, p))  # type: ignore[misc]
            name = party.name if party is not None else ""
            routed = msgspec.structs.replace(
                message, owner=owner, party=party.id if party is not None else None, by=name
            )
            await self._lane.run(
                lambda r=routed: self._store.route_sms(r.id, owner=r.owner or "", party=r.party, by=r.by)  # type: ignore[misc]
            )
            self._notify(routed, party, await self._listeners(owner))
            self._changed(message.key)

    async def _party_of(self, number: str) -> model.Party | None:
        """Whose the number is, where nothing speaks for another; a CRM that is away holds nobody up."""
        try:
            matches: list[model.Match] = await self._floor.records.ask(lambda crm: crm.lookup(number))
        except Exception as error:
            log.info("whose message it is was not found out: %s", type(error).__name__)
            return None
        exact = [match for match in matches if match.level == "exact"]
        return exact[0].party if len({match.party.id for match in exact}) == 1 else None

    def _owner(self, message: SmsMessage, party: model.Party | None) -> str:
        """The customer's owner, else who last wrote to him, else who last talked with him; '' for nobody."""
        accounts = {account.login: account for account in self._store.accounts() if not account.disabled}
        if party is not None and party.owner in accounts:
            return party.owner or ""
        wrote = self._store.last_correspondent(message.key, message.at, message.at - OWN_S)
        if wrote in accounts:
            return wrote
        names = {account.name: account.login for account in accounts.values()}
        phones = {phone: account.login for account in accounts.values() for phone in account.interfaces}
        for call in self._store.calls_of_number([message.key], 5):
            login = names.get(call.agent or "") or phones.get(call.agent or "")
            if login is not None:
                return login
        return ""

    async def _listeners(self, owner: str) -> Sequence[str]:
        if owner:
            return (owner,)
        accounts = await self._lane.run(self._store.accounts)
        return [account.login for account in accounts if account.role == "supervisor"]

    def _notify(self, message: SmsMessage, party: model.Party | None, users: Sequence[str]) -> None:
        incoming = self.coming(message, whole=False)
        if party is not None and party.company:
            incoming = msgspec.structs.replace(incoming, company=party.company)
        self._sharing.push(tuple(users), "sms", wire.body(incoming=incoming))

    def _was_read(self, login: str, id: str) -> None:
        self._sharing.push((login,), "sms_read", wire.body(id=id))

    def _changed(self, key: str) -> None:
        """Open pops of this number read its messages again."""
        self._sharing.share(TextsChanged(key=key))

    def _texts_changed(self, fact: TextsChanged) -> None:
        """Here or at another node: what was put in there may be sent here."""
        self._floor.records.messages_changed(fact.key)
        if self._sends:
            self.worker.wake()

    def _went(self, task: Task) -> None:
        """The worker did something about a message: receipts that came too early may fit now."""
        self._changed(task.wish.key)
        self._heard()

    # --- inside ------------------------------------------------------------------------------------------------

    async def status(self, identity: Identity) -> shapes.Status:
        """See `cti.web.ports.messages.Messaging`."""
        open_wishes: dict[tuple[str, str], int] = await self._stored(self._store.wishes_open)
        counted: dict[tuple[str, str], int] = await self._stored(self._store.count_events)
        unread: int = await self._stored(lambda: self._store.sms_unread(None))
        states = []
        for one in self.settings.platforms:
            error = self.worker.errors.get(one.name)
            states.append(
                shapes.PlatformState(
                    name=one.name,
                    kind=one.kind,
                    ok=error is None,
                    text="" if error is None else error.text,
                    text_en="" if error is None else error.text_en,
                    waiting=open_wishes.get((one.name, "waiting"), 0) + open_wishes.get((one.name, "trying"), 0),
                    unsure=open_wishes.get((one.name, "unsure"), 0),
                    callbacks=sum(count for (name, _), count in counted.items() if name == one.name),
                    last_callback=self._last_callback,
                )
            )
        return shapes.Status(
            platforms=tuple(states),
            orphans=sum(count for (_, state), count in counted.items() if state == "orphan"),
            unread=unread,
            hooks_ok=self.hooks_ok,
            currency=self.settings.currency,
        )

    @property
    def hooks_ok(self) -> bool:
        """Whether callbacks are taken, or are not wanted."""
        return self._socket is None or self._keeping is not None or (self._process is not None and self._process.ok)

    def counters(self) -> Mapping[str, int]:
        """What became of callbacks, by the platform's configured name."""
        return self._hook_counts

    async def _stored(self, call: Callable[[], Any]) -> Any:
        return await ask(self._lane, call)

    def _write_down(self, identity: Identity, action: str, subject: str, detail: str) -> None:
        at = self._clock()
        self._later(
            self._lane.run(lambda: self._store.add_audit(at, identity.login, action, subject[:200], detail[:2000]))
        )

    def _later(self, work: Awaitable[Any]) -> None:
        async def run() -> None:
            try:
                await work
            except (StoreError, Away, Late) as error:
                log.error("something about messages was not written down: %s", type(error).__name__)
            except Exception as error:
                log.error("something about messages failed: %s", type(error).__name__)

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
