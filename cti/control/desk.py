"""What supervisors ask for: may they, does it make sense now, and off it goes to the office."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol
from uuid import uuid4

import msgspec

from cti.auth import Identity
from cti.control import callers, listening, members, words
from cti.control.able import Ability
from cti.control.office import Office, undo_offer, view_listens
from cti.control.plan import Core, Declined, Plan, Rows, Step, pbx_away
from cti.control.standing import Standing, Waiter
from cti.wire.supervision import (
    ActionKind,
    ActionView,
    AgentLogout,
    AnyWish,
    CallerFirst,
    CallerMove,
    CallerTake,
    CallerToAgent,
    CallerWish,
    ListenBody,
    ListenMode,
    MemberAdd,
    MemberWish,
)

_ID_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-")
KINDS: Final[Mapping[type, ActionKind]] = {
    kind: kind.__struct_config__.tag for kind in (*MemberWish.__args__, *CallerWish.__args__)
}


class Site(Protocol):
    """What is known of people and queues beside the PBX."""

    def agent_name(self, interface: str) -> str:
        """The agent at a phone, else the phone itself."""

    def queue_label(self, queue: str) -> str:
        """A queue's label."""

    def is_queue(self, queue: str) -> bool:
        """True for a queue of the PBX's."""

    def is_phone(self, interface: str) -> bool:
        """True for a phone that is an agent's or a user's."""

    def phones_of(self, login: str) -> Sequence[str]:
        """A user's phones."""

    def claim(self, queue: str, interface: str) -> bool:
        """A person wants there whom a rule had added: the rule lets go of him. False where none has."""

    def free_phone(self, interface: str) -> None:
        """Nobody sits at this phone any longer."""

    async def team_of(self, login: str) -> str:
        """A user's team, '' for none."""

    async def teams(self) -> Mapping[str, str]:
        """{phone: team}."""

    def live(self) -> bool:
        """True while the link to the PBX is live: only then is anything sent."""

    async def kept(self, action: str) -> ActionView | None:
        """An action as it was written down. Raises Declined where the store is away."""

    async def first_kept(self, view: ActionView) -> None:
        """Write an action down before it takes effect. Raises Declined where that cannot be."""


class ControlDesk:
    """Grants or declines wishes. Every method raises Declined."""

    def __init__(
        self,
        core: Core,
        office: Office,
        standing: Standing,
        site: Site,
        ability: Ability,
        *,
        clock: Callable[[], float],
        modes: Sequence[ListenMode],
        reason_needed: bool,
        place: Callable[[str], Awaitable[None]],
    ) -> None:
        """`place` asks the PBX for the order of a queue and tells the core."""
        self._core = core
        self._office = office
        self._standing = standing
        self._site = site
        self._ability = ability
        self._clock = clock
        self._modes = tuple(modes)
        self._reason_needed = reason_needed
        self._place = place

    # -- members and callers ------------------------------------------------------------------------------------

    async def act(self, identity: Identity, wish: AnyWish) -> ActionView:
        """Do what is wished; the same id again gives the same action."""
        action = _id(wish.id)
        known = await self._known(identity, wish.id)
        if known is not None:
            return known
        if isinstance(wish, CallerWish):
            return await self._caller(identity, wish, action)
        return await self._member(identity, wish, action)

    async def _member(self, identity: Identity, wish: MemberWish, action: str) -> ActionView:
        self._must_be_live()
        await self._own_team(identity, wish.interface)
        queue = getattr(wish, "queue", None)
        if queue is not None and not self._site.is_queue(queue):
            raise Declined(404, "queue", "没有这个队列", "There is no such queue")
        if not self._site.is_phone(wish.interface):
            raise Declined(404, "no_phone", "没有这部话机", "There is no such phone")
        await self._ability.need("members")
        if isinstance(wish, MemberAdd) and self._site.claim(wish.queue, wish.interface):
            text, text_en = "由规则加入的该坐席改为保留", "A rule had added the agent; he stays now"
            raise Declined(409, "kept", text, text_en)
        name = self._site.agent_name(wish.interface)
        want = members.wanted(wish, self._core.memberships(wish.interface), name)
        said, back = words.member(wish, name, self._site.queue_label)
        plan = members.plan(self._core, [wish.interface], want, undo=back)
        view = self._view(
            identity,
            action,
            KINDS[type(wish)],
            said,
            wish.reason,
            plan,
            interface=wish.interface,
            queue=queue,
            penalty=getattr(wish, "penalty", None),
        )

        def settled(view: ActionView) -> None:
            if view.state == "confirmed":
                self._site.free_phone(wish.interface)

        return self._start(view, plan, on_settled=settled if isinstance(wish, AgentLogout) else None)

    async def _caller(self, identity: Identity, wish: CallerWish, action: str) -> ActionView:
        self._must_be_live()
        one = self._waiter(wish.visit)
        phone = await self._target(identity, wish)
        if not isinstance(wish, CallerFirst):  # asks for no right of the account's
            await self._ability.need("callers")
        one = self._waiter(wish.visit)  # he may have gone while that was asked
        undo: tuple[str, str] | None = None
        fallback = None
        match wish:
            case CallerFirst():
                plan = callers.first(self._core, wish.visit, one.queue)
                fallback = self._first_or_again(one)
            case CallerMove():
                if wish.queue == one.queue and not wish.first:
                    raise Declined(409, "already", "来电已在该队列中", "The caller is in that queue already")
                if not self._site.is_queue(wish.queue):
                    raise Declined(404, "queue", "没有这个队列", "There is no such queue")
                if not self._standing.staffed(wish.queue):
                    raise Declined(409, "empty", "该队列没有人在岗", "Nobody is logged in there")
                label = self._site.queue_label(one.queue)
                undo = (f"转回{label}最前", f"Back to the front of {label}")
                plan = callers.move(self._core, wish.visit, wish.queue, first=wish.first, undo=undo)
            case _:
                plan = callers.to_phone(self._core, wish.visit, phone)
        agent = self._site.agent_name(phone) if phone else ""
        who = words.masked(one.number)
        view = self._view(
            identity,
            action,
            KINDS[type(wish)],
            words.caller(wish, who, agent, self._site.queue_label),
            wish.reason,
            plan,
            interface=phone or None,
            queue=one.queue,
            visit=wish.visit,
            call=one.call,
            caller=who,
            to=wish.queue if isinstance(wish, CallerMove) else agent or None,
        )
        return self._start(view, plan, fallback=fallback)

    async def _target(self, identity: Identity, wish: CallerWish) -> str:
        """The phone he is sent to, '' where none."""
        if isinstance(wish, CallerTake):
            return self._own_phone(identity, wish.phone)
        if not isinstance(wish, CallerToAgent):
            return ""
        await self._own_team(identity, wish.interface)
        state = self._standing.agent(wish.interface)
        if state is None:
            raise Declined(404, "no_phone", "没有这部话机", "There is no such phone")
        if state.phase not in ("idle", "paused", "wrapup"):
            raise Declined(409, "busy", f"{state.agent} 现在不空闲", f"{state.agent} is not free now")
        return wish.interface

    def _waiter(self, visit: str) -> Waiter:
        one = self._standing.waiter(visit)
        if one is None:
            raise callers.gone()
        return one

    def _first_or_again(self, one: Waiter) -> Callable[[], Awaitable[Step | None]]:
        async def look() -> Step | None:
            await self._place(one.queue)  # the core is told the order; the judge hears it from there
            entry = self._office.get_judged(one.visit)
            if entry is None:
                return None
            now = self._standing.waiter(one.visit)
            if now is not None and now.ringing:
                raise Declined(409, "busy", "正有话机为他振铃，不打断", "A phone rings for him already; not disturbed")
            await self._ability.need("callers")
            return callers.again(self._core, one.visit, one.queue)

        return look

    # -- listening ----------------------------------------------------------------------------------------------

    async def listen(self, identity: Identity, body: ListenBody) -> ActionView:
        """Listen to the call that was clicked, or refuse because it is another one by now."""
        action = _id(body.id)
        known = await self._known(identity, body.id)
        if known is not None:
            return known
        if body.mode not in self._modes:
            raise Declined(403, "mode", "本站不允许这种方式", "This is not allowed here")
        reason = members.reason_of(body.reason)
        if self._reason_needed and not reason:
            raise Declined(422, "reason", "请填写原因", "Say why")
        self._must_be_live()
        await self._own_team(identity, body.interface)
        phone = self._own_phone(identity, body.phone)
        if phone == body.interface:
            raise Declined(409, "no_phone", "不能监听自己的话机", "That is your own phone")
        await self._ability.need("listen")
        plan = listening.plan(
            self._core, action=action, agent=body.interface, call=body.call, mode=body.mode, phone=phone
        )
        zh, en = words.MODES[body.mode]
        name = self._site.agent_name(body.interface)
        view = self._view(
            identity,
            action,
            "listen",
            (f"{zh} {name}", f"{en} {name}"),
            reason,
            plan,
            interface=body.interface,
            call=body.call,
            mode=body.mode,
        )
        await self._site.first_kept(view)
        # Writing it down took its time: the channel is looked up again, and the same call must still be there.
        plan = listening.plan(
            self._core, action=action, agent=body.interface, call=body.call, mode=body.mode, phone=phone
        )
        return self._start(view, plan, on_settled=self._listening_settled)

    def _listening_settled(self, view: ActionView) -> None:
        if view.state == "refused":
            self.hang_up(view.id)

    def talk_ended(self, call: str, interface: str) -> None:
        """An agent left a call: whoever listened to him there hears nothing of his next one, whatever its channel."""
        for view in self._office.recent():
            if view_listens(view) and view.ended_at is None and (view.call, view.interface) == (call, interface):
                self.hang_up(view.id)

    def hang_up(self, action: str) -> bool:
        """End a listening; False where nobody listens."""
        step = listening.ending(self._core, action)
        if step is not None:
            self._office.behind(self._office.send(step))
        return step is not None

    async def end(self, identity: Identity, action: str) -> ActionView:
        """End a listening: one's own, or as another supervisor."""
        view = self._office.get(action)
        if view is None or not view_listens(view):
            raise Declined(404, "not_found", "没有找到", "Not found")
        if view.interface is not None:
            await self._own_team(identity, view.interface)
        if view.ended_at is not None or not self.hang_up(action):
            raise Declined(409, "gone", "监听已经结束", "Nobody listens any longer")
        return view

    # -- undo ---------------------------------------------------------------------------------------------------

    async def undo(self, identity: Identity, action: str, reason: str) -> ActionView:
        """Do the inverse, where it is still what it was."""
        view = self._office.get(action)
        if view is None:
            raise Declined(404, "not_found", "没有找到", "Not found")
        if view_listens(view):
            return await self.end(identity, action)
        if view.state != "confirmed" or view.undo is None or view.undo.until < self._clock():
            raise Declined(409, "not_undoable", "这个操作不能撤回", "This cannot be undone")
        self._must_be_live()
        if view.interface is not None:
            await self._own_team(identity, view.interface)
        said = words.undone((view.text, view.text_en))
        plan, kind = self._inverse(view)
        new = self._view(
            identity,
            _id(""),
            kind,
            said,
            reason,
            plan,
            interface=view.interface,
            queue=view.queue,
            visit=view.visit,
            call=view.call,
            caller=view.caller,
            to=view.queue if kind == "caller_move" else None,
            undoes=action,
        )

        def settled(undoing: ActionView) -> None:
            if undoing.state == "confirmed":
                self._office.undone(action, undoing.id)

        return self._start(new, plan, on_settled=settled)

    def _inverse(self, view: ActionView) -> tuple[Plan, ActionKind]:
        if view.kind == "caller_move" and view.call is not None and view.queue is not None:
            for one in self._standing.waiting(view.to or ""):
                if one.call == view.call:
                    return callers.move(self._core, one.visit, view.queue, first=True), "caller_move"
            raise callers.gone()
        phones, before, after = self._office.rows(view.id)
        inverse: dict[str, ActionKind] = {
            "member_add": "member_remove",
            "member_remove": "member_add",
            "member_pause": "member_unpause",
            "member_unpause": "member_pause",
            "agent_logout": "member_add",
        }
        return members.restoring(self._core, phones, before, after), inverse.get(view.kind, "member_penalty")

    # -- for overflow rules --------------------------------------------------------------------------------------

    def by_rule(
        self,
        rule: str,
        kind: ActionKind,
        phone: str,
        want: Rows,
        said: tuple[str, str],
        reason: str,
        on_settled: Callable[[ActionView], None],
    ) -> ActionView:
        """An action of an overflow rule on one agent's row. Raises Declined."""
        self._must_be_live()
        plan = members.plan(self._core, [phone], want)
        ((queue, _),) = want
        view = self._view(None, _id(""), kind, said, reason, plan, interface=phone, queue=queue, rule=rule)
        return self._start(view, plan, on_settled=on_settled)

    # -- inside -------------------------------------------------------------------------------------------------

    async def _known(self, identity: Identity, wished: str) -> ActionView | None:
        """The action of this id, also one from before a restart: whoever asks again gets it, and nothing is sent."""
        if not wished:
            return None
        known = self._office.get(wished) or await self._site.kept(wished)
        if known is not None and known.by != identity.login:
            raise Declined(409, "id", "操作编号重复", "That id is taken")
        return known

    def _start(
        self,
        view: ActionView,
        plan: Plan,
        *,
        fallback: Callable[[], Awaitable[Step | None]] | None = None,
        on_settled: Callable[[ActionView], None] | None = None,
    ) -> ActionView:
        return self._office.start(view, plan, fallback=fallback, on_settled=on_settled)

    def _must_be_live(self) -> None:
        if not self._site.live():
            raise pbx_away()

    async def _own_team(self, identity: Identity, interface: str) -> None:
        """A supervisor with a team acts on its agents, one without on everybody."""
        team = await self._site.team_of(identity.login)
        if team and (await self._site.teams()).get(interface) != team:
            raise Declined(403, "other_team", "该坐席不在您的班组", "That agent is not in your team")

    def _own_phone(self, identity: Identity, phone: str | None) -> str:
        phones = self._site.phones_of(identity.login)
        if phone is not None and phone not in phones:
            raise Declined(403, "no_phone", "这不是您的话机", "That phone is not yours")
        if not phones:
            raise Declined(409, "no_phone", "您没有话机，请先签入一部", "You have no phone; take one first")
        return phone or phones[0]

    def _view(
        self,
        identity: Identity | None,
        action: str,
        kind: ActionKind,
        said: tuple[str, str],
        reason: str,
        plan: Plan,
        *,
        interface: str | None = None,
        queue: str | None = None,
        **more: object,
    ) -> ActionView:
        view = ActionView(
            id=action,
            kind=kind,
            by=identity.login if identity is not None else "",
            by_name=identity.name if identity is not None else "",
            at=self._clock(),
            reason=members.reason_of(reason),
            text=said[0],
            text_en=said[1],
            agent=self._site.agent_name(interface) if interface is not None else None,
            interface=interface,
            queue=queue,
            queue_label=self._site.queue_label(queue) if queue is not None else None,
            undo=undo_offer(plan.undo),
        )
        return msgspec.structs.replace(view, **more)


def _id(wished: str) -> str:
    """The action's id: the page's, or a new one. Raises Declined for what is no id."""
    if not wished:
        return uuid4().hex
    if len(wished) > 40 or not _ID_LETTERS.issuperset(wished):
        raise Declined(422, "id", "操作编号不对", "Bad id")
    return wished
