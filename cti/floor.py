"""The floor: where events become frames. Ties the pops, the board, the agents' days and the pages together.

Everything that an event causes at the pages happens before `on_event` returns; only what may wait (who else rings,
the board's changes, the writing down of calls) is gathered for a moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from crm_bridge import model
from cti import events, privacy, wire
from cti.auth import Identity
from cti.board import Board, BoardView, Changes
from cti.board.veil import without_customers
from cti.calls.record import Call
from cti.popup.day import Day
from cti.popup.hub import Hub, Page
from cti.popup.record import Records
from cti.popup.session import PopSession
from cti.popup.state import Close, Effect, Forget, Gather, Head, Later, LookUp, Show, ShowAgent
from cti.privacy import Sight

SOON_S: Final = 0.05
"Agents' own states, and heads that may wait, are pushed together after this."
BOARD_S: Final = 0.1
"The board's changes are pushed together after this."


class Floor:
    """Carries out what the pop session asks, and feeds the pages."""

    def __init__(
        self,
        session: PopSession,
        board: Board,
        day: Day,
        *,
        pbx_now: Callable[[], float],
        sight: Callable[[str], Sight] = lambda role: privacy.ALL,
    ) -> None:
        """`sight` tells what a role sees of customers."""
        self.session = session
        self.board = board
        self.day = day
        self._pbx_now = pbx_now
        self._sight = sight
        self._later: dict[str, None] = {}
        self._agents: dict[str, None] = {}
        self._came: list[tuple[str, wire.Section]] = []
        self._shown_agents: dict[str, wire.AgentView | None] = {}
        self._soon: asyncio.TimerHandle | None = None
        self._board_timer: asyncio.TimerHandle | None = None
        self.more: Callable[[Page], Mapping[str, Any]] = lambda page: {}
        "What else a page's snapshot holds, by the page's kind; of a wallboard all but the link."
        self.on_board: list[Callable[[Changes], None]] = []
        "Who else hears of the board's changes."
        self.link = wire.LinkView(
            state="connecting",
            since=pbx_now(),
            text="正在连接电话交换机",
            text_en="Connecting to the PBX",
            store_ok=True,
            crm_ok=True,
        )
        self.popped = 0
        "Pops shown to somebody since the start."
        self.delays: list[int] = [0] * (len(DELAYS_S) + 1)
        "Pops drawn within each of DELAYS_S of their ring, and later than all."

    def attach(self, hub: Hub, records: Records) -> None:
        """The edges to work with; before any event."""
        self.hub = hub
        self.records = records

    # --- events ------------------------------------------------------------------------------------------------

    def on_event(self, event: events.Event) -> None:
        """One event of the PBX."""
        effects = self.session.apply(event)
        if effects:
            self.carry(effects)
        if isinstance(event, events.AgentChanged):
            self.session.phones.offer(event.agent.interface, event.agent.agent)
        if self.board.apply(event):
            self.board_changed()

    def carry(self, effects: Iterable[Effect]) -> None:
        """Do what the session asks, in its order."""
        hub, records = self.hub, self.records
        for effect in effects:
            match effect:
                case Show():
                    if effect.fresh:
                        self.popped += 1
                    if any(hub.has(u) for u in effect.users):
                        hub.send(effect.users, "pop", wire.body(pop=effect.pop))
                        sections = records.sections(effect.pop.call) if effect.fresh else ()
                        for sight, users in self._by_sight(effect.users).items() if sections else ():
                            bodies = [_section_body(effect.pop.id, _encoded(s, sight)) for s in sections]
                            hub.send_many(users, "section", bodies)
                case Close():
                    body = wire.body(pop=effect.pop, reason=effect.reason, by=effect.by)
                    hub.send(effect.users, "pop_closed", body)
                case ShowAgent():
                    watched = [user for user in effect.users if hub.has(user)]
                    if watched:
                        self._agents.update(dict.fromkeys(watched))
                        self._push_soon()
                case LookUp():
                    records.look_up(effect.call, effect.number)
                case Gather():
                    records.gather(effect.call, effect.party, effect.number)
                case Forget():
                    records.forget(effect.call)
                case Later():
                    self._later.update(dict.fromkeys(effect.pops))
                    self._push_soon()

    def _push_soon(self) -> None:
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(SOON_S, self._show_later)

    def _show_later(self) -> None:
        self._soon = None
        waiting, self._later = self._later, {}
        for pop in waiting:
            head = self.session.head(pop)
            if head is not None:
                self.carry((head,))
        users, self._agents = self._agents, {}
        for user in users:
            # A PBX tells one change once for every queue the agent is in: the page hears what differs.
            agent = self.session.heads.agent_of(user)
            if agent != self._shown_agents.get(user) and self.hub.has(user):
                self._shown_agents[user] = agent
                self.hub.send((user,), "agent", wire.body(agent=agent))

    def board_changed(self) -> None:
        """Push the board's changes within a moment."""
        if self._board_timer is None:
            self._board_timer = asyncio.get_running_loop().call_later(BOARD_S, self._push_board)

    def _push_board(self) -> None:
        self._board_timer = None
        changes = self.board.changes()
        if changes is None:
            return
        for take in self.on_board:
            take(changes)
        if self.hub.boards:
            self.hub.send_boards(
                "board", lambda customers: wire.body(changes=changes if customers else without_customers(changes))
            )

    def calls_changed(self, calls: Iterable[Call]) -> None:
        """These calls stand so now: the agents' days follow."""
        changed: set[str] = set()
        for call in calls:
            changed |= self.day.put(call)
        self.days_changed(changed)

    def days_changed(self, interfaces: Iterable[str]) -> None:
        """Push the day's figures of the users at these phones."""
        for user in {user for interface in interfaces for user in self.session.phones.users(interface)}:
            if self.hub.has(user):
                self.hub.send((user,), "today", wire.body(today=self.today(user)))

    def roll(self) -> None:
        """A new day may have begun."""
        now = self._pbx_now()
        if self.day.roll(now):
            self.days_changed({i for user in self.hub.users() for i in self.session.phones.of(user)})
        if self.board.roll(now):
            self.board_changed()

    def set_link(self, **changes: object) -> None:
        """Push the state of the link where it changed; `changes` are fields of LinkView."""
        link = msgspec.structs.replace(self.link, **changes)
        if link.state != self.link.state:
            link = msgspec.structs.replace(link, since=self._pbx_now())
        if link != self.link:
            self.link = link
            self.hub.send_all("link", wire.body(link=link))

    def stop(self) -> None:
        """Nothing more is pushed."""
        for timer in (self._soon, self._board_timer):
            if timer is not None:
                timer.cancel()

    # --- the record --------------------------------------------------------------------------------------------

    def matched(self, call: str, matches: Sequence[model.Match]) -> None:
        """A look-up's answer."""
        self.carry(self.session.matched(call, matches))
        self.enrich(call)

    def enrich(self, call: str) -> None:
        """The board shows who the caller is as far as that is known."""
        known = self.session.shelf.calls.get(call)
        if known is None:
            return
        party: model.Party | None = known.party
        if self.board.enrich(
            call,
            name=party.name if party is not None else None,
            company=party.company if party is not None else None,
            tier=party.tier if party is not None else None,
            party=party.id if party is not None else None,
            new=known.decision.level == "unknown",
        ):
            self.board_changed()

    def no_answer(self, call: str) -> None:
        """The CRM did not answer a look-up."""
        self.carry(self.session.look_up_failed(call))

    def section(self, call: str, section: wire.Section) -> None:
        """A section came: encoded once for every pop that shows the call."""
        if not self._came:
            asyncio.get_running_loop().call_soon(self._push_sections)
        self._came.append((call, section))

    def _push_sections(self) -> None:
        """All sections that came in this turn of the loop, in one write for each page."""
        came, self._came = self._came, []
        bodies: dict[tuple[str, tuple[str, ...]], list[bytes]] = {}
        for call, section in came:
            encoded: dict[Sight, bytes] = {}
            for pop, users in self.session.audience_of_call(call):
                for sight, some in self._by_sight(users).items():
                    if sight not in encoded:
                        encoded[sight] = _encoded(section, sight)
                    bodies.setdefault((pop, some), []).append(_section_body(pop, encoded[sight]))
        for (_, users), frames in bodies.items():
            self.hub.send_many(users, "section", frames)

    def _by_sight(self, users: Iterable[str]) -> dict[Sight, tuple[str, ...]]:
        """Those of the users who have a page open, by what they see of customers."""
        found: dict[Sight, tuple[str, ...]] = {}
        for user in users:
            if self.hub.has(user):
                sight = self._sight(self.hub.role(user))
                found[sight] = (*found.get(sight, ()), user)
        return found

    def reread(self, parties: Collection[str], names: Iterable[wire.SectionName]) -> None:
        """Something of these parties was saved: open pops of theirs, and of their companies' people, read it again."""
        calls = [(id, call.party) for id, call in self.session.shelf.calls.items() if call.party is not None]
        companies = {party.company_id for _, party in calls if party.id in parties and party.company_id is not None}
        meant = companies.union(parties)
        wanted = tuple(names)
        for id, party in calls:
            if party.id in meant or party.company_id in meant:
                self.records.reread(id, wanted)

    def look_again(self, keys: Collection[str], key_of: Callable[[str], str | None]) -> None:
        """Somebody got these number keys: calls whose caller nobody knew are looked up once more."""
        for id, call in self.session.shelf.calls.items():
            if call.number is None or call.decision.level != "unknown" or call.decision.by_hand:
                continue
            if key_of(call.number) in keys:
                self.records.look_up(id, call.number)

    def head(self, call: str, head: Head) -> None:
        """Hints came, and what to mind."""
        self.carry(self.session.set_head(call, head))

    # --- pages -------------------------------------------------------------------------------------------------

    def me(self, identity: Identity) -> wire.Me:
        """The user as his page shows him."""
        return wire.Me(
            user=identity.login,
            name=identity.name,
            role=identity.role,
            language=identity.language,
            interfaces=self.session.phones.of(identity.login),
            rights=tuple(sorted(identity.rights)),
        )

    def today(self, user: str) -> wire.Today:
        """The user's own day."""
        return self.day.of(self.session.phones.of(user), self.session.heads.labels.default_target_s)

    def arrived(self, identity: Identity) -> None:
        """A user is here: his own phones are those of his account as it stands now."""
        changed = self.session.phones.set_own(identity.login, identity.interfaces)
        if changed:
            self.carry(self.session.phones_changed(changed))

    def snapshot(self, page: Page) -> Iterable[tuple[str, bytes]]:
        """All that a page is shown first: one snapshot, then the sections of its pops."""
        identity = page.identity
        if page.kind == "wallboard":
            yield "snapshot", wire.body(link=self.link, **self.more(page))
            return
        self.session.phones.set_own(identity.login, identity.interfaces)
        desk = page.kind == "desk"
        pops = self.session.pops_of(identity.login) if desk else []
        agent = self.session.heads.agent_of(identity.login) if desk else None
        self._shown_agents.pop(identity.login, None)
        yield (
            "snapshot",
            wire.body(
                me=self.me(identity),
                link=self.link,
                agent=agent,
                pops=pops,
                today=self.today(identity.login) if desk else None,
                board=self._board_for(identity) if page.kind == "board" else None,
                phones=self.session.phones.to_take(identity.login) if desk else (),
                **self.more(page),
            ),
        )
        sight = self._sight(identity.role)
        for pop in pops:
            for section in self.records.sections(pop.call):
                yield "section", _section_body(pop.id, _encoded(section, sight))

    def _board_for(self, identity: Identity) -> BoardView:
        board = self.board.snapshot()
        return board if "customers" in identity.rights else without_customers(board)

    def seen(self, identity: Identity, pop: str) -> None:
        """A page has drawn a pop: how long after the ring."""
        head = self.session.find(identity.login, pop)
        if head is None or head.ringing_since is None or head.state != "ringing":
            return
        delay = self._pbx_now() - head.ringing_since
        place = next((n for n, bound in enumerate(DELAYS_S) if delay <= bound), len(DELAYS_S))
        self.delays[place] += 1


DELAYS_S: Final = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
"Bounds of the histogram of ring to drawn pop, in seconds."


def _encoded(section: wire.Section, sight: Sight) -> bytes:
    return wire.encode(privacy.section(section, sight))


def _section_body(pop: str, section: bytes) -> bytes:
    return wire.body(pop=pop, section=msgspec.Raw(section))
