"""Builds what supervisors do to the PBX: actions with their office, overflow rules, and the frames of both."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from cti import events, wire
from cti.ami.actions import AmiError
from cti.ami.messages import Packet
from cti.asking import ask
from cti.auth import AccountsAway, Identity
from cti.control import listening
from cti.control.able import Ability
from cti.control.desk import ControlDesk
from cti.control.granting import Granting
from cti.control.listeners import Listeners
from cti.control.office import KEPT, Office, PbxRefused
from cti.control.plan import CONFIRMED, Declined, Plan
from cti.control.standing import Standing
from cti.events import Event
from cti.floor import Floor
from cti.nodes.exchanges import Exchanges
from cti.nodes.sharing import ActionTold, RulesChanged, Seated, Sharing
from cti.overflowing import OverflowRules, granted
from cti.popup.hub import Page
from cti.popup.lanes import Lane
from cti.settings import Settings
from cti.store import Store
from cti.store.aside import Aside
from cti.ticker import wall_clock
from cti.wire.supervision import (
    ActionsAnswer,
    ActionView,
    AnyWish,
    ControlView,
    ListenBody,
)

T = TypeVar("T")
log = logging.getLogger(__name__)

ROUND_S: Final = 2.0
"Between two readings of who is in which team and which sessions live on."
MINE_S: Final = 86_400.0
"How far back people see what was done to them."


class Supervision:
    """All of it for one service: `run` as a task, `close` behind it. Implements the port of the web."""

    def __init__(
        self,
        settings: Settings,
        exchanges: Exchanges,
        floor: Floor,
        store: Store,
        lane: Lane,
        sharing: Sharing,
        *,
        clock: Callable[[], float],
        still: Callable[[Collection[str]], Awaitable[Mapping[str, Identity]]],
        leads: Callable[[], bool],
    ) -> None:
        """`clock` is the PBX's; `still` gives the users of sessions that live on.

        `leads` tells that rules act at this node: of several one does that for the site.
        """
        pbx = exchanges
        self._settings = settings.control
        self._queues = frozenset(settings.queues)
        self._pbx = pbx
        self._sharing = sharing
        self._leads = leads
        self._floor = floor
        self._store = store
        self._lane = lane
        self._clock = clock
        self._still = still
        self._sessions: dict[str, str] = {}
        "{listening: session of whoever listens}"
        self._waiting_to_keep: dict[str, ActionView] = {}
        self._kept_once: set[str] = set()
        self._keeping = asyncio.Lock()
        folder = settings.store.journal_folder
        self._aside = None if folder is None else Aside(folder / "actions", ActionView)
        self._before: list[ActionView] = []
        self.standing = Standing()
        self.office = Office(
            pbx,
            self._send,
            clock=clock,
            confirm_s=self._settings.confirm,
            undo_s=self._settings.undo,
            on_change=self._show,
            keep=self._keep,
        )
        self.ability = Ability(self._send)
        grant = Granting(pbx, self.office, self, clock=clock)
        self.listeners = Listeners(
            grant, self.ability, modes=self._settings.listen, reason_needed=self._settings.listen_reason
        )
        self.desk = ControlDesk(grant, self.listeners, self.standing, self.ability, place=self._place)
        self.rules = OverflowRules(
            self.desk, self.ability, pbx, self.standing, floor, store, clock=clock, office=self.office, site=self
        )
        self.steward = self.rules.steward
        sharing.takes(ActionTold, self._told)
        sharing.takes(RulesChanged, lambda fact: self.missed_something())

    # --- life --------------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """What was under way when the service stopped: rules go on, actions without an answer stay without one.

        What was done stands on the boards as before, but is not undone over a restart. Raises StoreError.
        """
        await self.rules.load(self._settings.rules)
        await self._write_left_over()
        for stored in reversed(await asyncio.to_thread(lambda: self._store.actions(limit=100))):
            view = msgspec.structs.replace(stored, undo=None)
            if view.state == "asked":
                text, text_en = "服务重启，是否执行未知", "The service restarted; unknown whether done"
                view = msgspec.structs.replace(view, state="unconfirmed", text=text, text_en=text_en)
                await self._keep(view)
            self.office.remember(view)
            if view.kind == "listen" and view.state == "confirmed" and view.ended_at is None:
                self._before.append(view)

    async def _write_left_over(self) -> None:
        """What an earlier run did while the store was away is written before anything is read."""
        aside = self._aside
        if aside is None:
            return
        left = {view.id: view for view in await asyncio.to_thread(aside.left_over)}
        for view in left.values():
            if await asyncio.to_thread(self._store.action, view.id) is not None:
                self._kept_once.add(view.id)
            await self._keep(view)
        if not self._waiting_to_keep:
            await asyncio.to_thread(aside.stored)

    async def run(self) -> None:
        """Read the teams, write what could not be written, end listening without a right; for ever."""
        while True:
            try:
                self.steward.teams = await self.teams()
                for view in list(self._waiting_to_keep.values()):
                    await self._keep(view)
                await self._watch_listeners()
            except (Declined, AccountsAway) as error:
                log.warning("supervision: %s", error.code if isinstance(error, Declined) else "accounts")
            self.steward.soon()
            await asyncio.sleep(ROUND_S)

    def lead(self, leads: bool) -> None:
        """Rules act here from now on, or no longer: as they stand in the store, where whoever led left them."""
        if leads:
            self.missed_something()
        else:
            self.steward.soon()

    def missed_something(self) -> None:
        """Read the rules again: another node changed them, or had them act."""
        self.office.behind(self.rules.refresh())

    def rules_act(self) -> bool:
        """True while rules act at this node, on what is true."""
        return self._leads() and self.live()

    def rules_changed(self) -> None:
        """Tell the other nodes."""
        self._sharing.tell(RulesChanged())

    async def close(self) -> None:
        """Nothing more is asked or waited for."""
        self.steward.stop()
        await self.office.close()
        if self._aside is not None:
            await asyncio.to_thread(self._aside.close)

    def on_event(self, event: Event) -> None:
        """One event of the PBX, in order."""
        matters = self.standing.apply(event)
        self.office.on_event(event)
        if isinstance(event, events.PbxRestarted):
            self.steward.engine.restarted()
        elif isinstance(event, events.PbxConnected):
            self.ability.forget()
        elif isinstance(event, events.PbxResynced):
            self._adopt()
        elif isinstance(event, events.TalkEnded):
            self.listeners.talk_ended(event.call, event.interface)
        if matters or isinstance(event, events.PbxResynced | events.PbxLost | events.PbxRestarted):
            self.steward.soon()

    def _adopt(self) -> None:
        """Listening that goes on over a restart of ours is still somebody's; what is over is over."""
        before, self._before = self._before, []
        for view in before:
            if self._pbx.first_leg(listening.spy_call(view.id)) is not None:
                self.office.adopt(view, Plan(steps=(), judge=lambda event: CONFIRMED, phones=(view.interface or "",)))
            else:
                self.office.behind(self._keep(msgspec.structs.replace(view, ended_at=self._clock())))

    async def _watch_listeners(self) -> None:
        """Whoever loses the right, or leaves, listens no longer."""
        listening_now = {id: session for id, session in self._sessions.items() if self._listens(id)}
        self._sessions = listening_now
        if not listening_now:
            return
        alive = await self._still(list(set(listening_now.values())))
        for action, session in listening_now.items():
            who = alive.get(session)
            if who is None or "listen" not in who.rights:
                self.listeners.hang_up(action)

    def _listens(self, action: str) -> bool:
        view = self.office.get(action)
        return view is not None and view.state in ("asked", "confirmed", "unconfirmed") and view.ended_at is None

    # --- the PBX -----------------------------------------------------------------------------------------------

    async def _send(self, name: str, fields: Mapping[str, str]) -> Sequence[Packet]:
        try:
            return await self._pbx.action(name, fields)
        except AmiError as error:
            raise PbxRefused(str(error), permanent=error.permanent) from None

    async def _place(self, queue: str) -> None:
        """Ask for the order of a queue, which no event tells, and let the core hear it."""
        for packet in await self._send("QueueStatus", {"Queue": queue}):
            if packet.event == "QueueEntry":
                self._pbx.feed(packet, wall_clock())

    def live(self) -> bool:
        """True while what is known of the PBX is true."""
        return self._floor.link.state == "live"

    # --- people and queues (cti.control.granting.Site) -------------------------------------------------------------

    def agent_name(self, interface: str) -> str:
        """The agent at a phone, else the phone itself."""
        state = self.standing.agent(interface)
        return state.agent if state is not None else self._floor.session.phones.label(interface) or interface

    def queue_label(self, queue: str) -> str:
        """A queue's label."""
        return self._floor.session.heads.labels.queue(queue).label or queue

    def is_queue(self, queue: str) -> bool:
        """A configured queue, or one that has members."""
        return queue in self._queues or any(
            membership.queue == queue for state in self.standing.agents().values() for membership in state.queues
        )

    def is_phone(self, interface: str) -> bool:
        """A phone that is, or was, an agent's or a user's."""
        phones = self._floor.session.phones
        return self.standing.agent(interface) is not None or bool(phones.users(interface) or phones.label(interface))

    def phones_of(self, login: str) -> Sequence[str]:
        """A user's phones."""
        return self._floor.session.phones.of(login)

    def claim(self, queue: str, interface: str) -> bool:
        """A person wants there whom a rule had added."""
        return self.rules.claim(queue, interface)

    def free_phone(self, interface: str) -> None:
        """Whoever took this phone for the day gives it back."""
        phones = self._floor.session.phones
        user = phones.taken().get(interface)
        if user is not None:
            self._sharing.share(Seated(user=user, interface=None))

    async def team_of(self, login: str) -> str:
        """A user's team."""
        return await self.stored(lambda: self._store.team_of(login))

    async def teams(self) -> Mapping[str, str]:
        """{phone: team}: of its owner, or of whoever sits there today."""
        teams = dict(await self.stored(self._store.teams))
        taken = self._floor.session.phones.taken()
        if taken:
            people = await self.stored(self._store.teams_of_people)
            teams |= {phone: people.get(login, "") for phone, login in taken.items()}
        return teams

    # --- the book ----------------------------------------------------------------------------------------------

    async def stored(self, call: Callable[[], T]) -> T:
        """Ask the store. Raises Declined."""
        return await ask(self._lane, call, Declined)

    async def kept(self, action: str) -> ActionView | None:
        """An action as it was written down."""
        return await self.stored(lambda: self._store.action(action))

    async def first_kept(self, view: ActionView) -> None:
        """Listening is written down before it begins; where it cannot be, it does not begin."""
        await self.stored(lambda: self._store.put_action(view, new=True))
        self._kept_once.add(view.id)

    async def _keep(self, view: ActionView) -> None:
        """Write an action down as it stands, each step after the one before; what the store does not take waits."""
        waiting = self._waiting_to_keep
        async with self._keeping:
            new = view.id not in self._kept_once
            if view.state == "asked" and not new:
                return
            try:
                await self.stored(lambda: self._store.put_action(view, new=new))
            except Declined as declined:
                log.warning("an action waits to be written down: %s", declined.code)
                if self._aside is not None and waiting.get(view.id) is not view:
                    await asyncio.to_thread(self._aside.keep, view)
                waiting[view.id] = view
                while len(waiting) > 1000:
                    del waiting[next(iter(waiting))]
                return
            if waiting.pop(view.id, None) is not None and not waiting and self._aside is not None:
                await asyncio.to_thread(self._aside.stored)
            self._kept_once.add(view.id)
            while len(self._kept_once) > 2000:
                self._kept_once.pop()

    # --- frames ------------------------------------------------------------------------------------------------

    def frames(self, page: Page) -> Iterable[tuple[str, bytes]]:
        """What a page is shown of this behind its snapshot."""
        if page.kind == "board":
            actions = self.office.recent()
            if "customers" not in page.identity.rights:
                actions = [_without_caller(view) for view in actions]
            rules = self.rules.views() if "rules" in page.identity.rights else ()
            yield "control", wire.body(actions=actions, rules=rules)
        elif page.kind == "desk":
            phones = self.phones_of(page.identity.login)
            mine = [v for v in self.office.recent(300) if v.interface in phones and self._for_agent(v)]
            yield "control", wire.body(actions=mine[:50], rules=())

    def _for_agent(self, view: ActionView) -> bool:
        """Agents are told what took effect; of listening only where the site wants it."""
        return view.state == "confirmed" and (view.kind != "listen" or self._settings.listen_notice)

    def _show(self, view: ActionView) -> None:
        self._show_here(view)
        self._sharing.tell(ActionTold(view=view))

    def _told(self, fact: ActionTold) -> None:
        """Another node did something, or heard what became of it: it is shown, and undone there only."""
        view = msgspec.structs.replace(fact.view, undo=None)
        self.office.remember(view)
        self._show_here(view)

    def _show_here(self, view: ActionView) -> None:
        hub = self._floor.hub
        if hub.boards:
            hub.send_boards("action", lambda may: wire.body(action=view if may else _without_caller(view)))
        if view.interface is not None and self._for_agent(view):
            users = [user for user in self._floor.session.phones.users(view.interface) if user != view.by]
            hub.send(users, "action", wire.body(action=view))

    # --- the port of the web -----------------------------------------------------------------------------------

    async def view(self, identity: Identity) -> ControlView:
        """What may be done here."""
        able = await granted(self.ability.view())
        return ControlView(
            modes=self._settings.listen,
            notice=self._settings.listen_notice,
            reason_needed=self._settings.listen_reason,
            confirm_s=self._settings.confirm,
            undo_s=self._settings.undo,
            reasons=self._settings.pause_reasons,
            phones=tuple(self.phones_of(identity.login)),
            team=await granted(self.team_of(identity.login)),
            able=able,
        )

    async def act(self, identity: Identity, wish: AnyWish) -> ActionView:
        """Members and waiting callers."""
        return await granted(self.desk.act(identity, wish))

    async def listen(self, identity: Identity, body: ListenBody) -> ActionView:
        """Listen, whisper, join."""
        view = await granted(self.listeners.listen(identity, body))
        self._sessions[view.id] = identity.session
        return view

    async def undo(self, identity: Identity, action: str, reason: str) -> ActionView:
        """Take an action back."""
        return await granted(self.desk.undo(identity, action, reason))

    async def end(self, identity: Identity, action: str) -> ActionView:
        """End a listening."""
        return await granted(self.listeners.end(identity, action))

    async def actions(self, identity: Identity, before: float | None, limit: int) -> ActionsAnswer:
        """What was done, newest first."""
        found = await granted(self.stored(lambda: self._store.actions(before=before, limit=limit)))
        told = [view for view in self.office.recent(KEPT) if before is None or view.at < before]
        views = _as_told(found, told)[:limit]
        return ActionsAnswer(actions=tuple(views), next=views[-1].at if len(views) == limit else None)

    async def mine(self, identity: Identity) -> ActionsAnswer:
        """What was done to the user, last day."""
        phones = tuple(self.phones_of(identity.login))
        since = self._clock() - MINE_S
        found = await granted(self.stored(lambda: self._store.actions(phones=phones, since=since, limit=200)))
        told = [view for view in self.office.recent(KEPT) if view.interface in phones and view.at >= since]
        return ActionsAnswer(actions=tuple(view for view in _as_told(found, told) if self._for_agent(view)))


def _as_told(found: Sequence[ActionView], told: Sequence[ActionView]) -> list[ActionView]:
    """Newest first, each as far as it is known to be: what is still on its way into the store was told, and is true."""
    views = {view.id: view for view in told}
    for view in found:
        known = views.get(view.id)
        if known is None or _steps(view) > _steps(known):
            views[view.id] = view
    return sorted(views.values(), key=lambda view: -view.at)


def _steps(view: ActionView) -> tuple[float, float, bool]:
    """Orders what became of one action."""
    return (view.settled_at or 0.0, view.ended_at or 0.0, view.undone_by is not None)


def _without_caller(view: ActionView) -> ActionView:
    return msgspec.structs.replace(view, caller=None)
