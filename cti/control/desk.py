"""What supervisors ask for: may they, does it make sense now, and off it goes to the office."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from cti.auth import Identity
from cti.control import callers, members, words
from cti.control.able import Ability
from cti.control.granting import Granting, id_of
from cti.control.listeners import Listeners
from cti.control.office import view_listens
from cti.control.plan import Declined, Plan, Rows, Step
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
    MemberAdd,
    MemberWish,
)

KINDS: Final[Mapping[type, ActionKind]] = {
    kind: kind.__struct_config__.tag for kind in (*MemberWish.__args__, *CallerWish.__args__)
}


class ControlDesk:
    """Grants or declines wishes. Every method raises Declined."""

    def __init__(
        self,
        grant: Granting,
        listeners: Listeners,
        standing: Standing,
        ability: Ability,
        *,
        place: Callable[[str], Awaitable[None]],
    ) -> None:
        """`place` asks the PBX for the order of a queue and tells the core."""
        self._grant = grant
        self._listeners = listeners
        self._standing = standing
        self._ability = ability
        self._place = place

    # -- members and callers ------------------------------------------------------------------------------------

    async def act(self, identity: Identity, wish: AnyWish) -> ActionView:
        """Do what is wished; the same id again gives the same action."""
        action = id_of(wish.id)
        known = await self._grant.known(identity, wish.id)
        if known is not None:
            return known
        if isinstance(wish, CallerWish):
            return await self._caller(identity, wish, action)
        return await self._member(identity, wish, action)

    async def _member(self, identity: Identity, wish: MemberWish, action: str) -> ActionView:
        self._grant.must_be_live()
        await self._grant.own_team(identity, wish.interface)
        queue = getattr(wish, "queue", None)
        if queue is not None and not self._grant.site.is_queue(queue):
            raise Declined(404, "queue", "没有这个队列", "There is no such queue")
        if not self._grant.site.is_phone(wish.interface):
            raise Declined(404, "no_phone", "没有这部话机", "There is no such phone")
        await self._ability.need("members")
        if isinstance(wish, MemberAdd) and self._grant.site.claim(wish.queue, wish.interface):
            text, text_en = "由规则加入的该坐席改为保留", "A rule had added the agent; he stays now"
            raise Declined(409, "kept", text, text_en)
        name = self._grant.site.agent_name(wish.interface)
        want = members.wanted(wish, self._grant.core.memberships(wish.interface), name)
        said, back = words.member(wish, name, self._grant.site.queue_label)
        plan = members.plan(self._grant.core, [wish.interface], want, undo=back)
        view = self._grant.view(
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
                self._grant.site.free_phone(wish.interface)

        return self._grant.office.start(view, plan, on_settled=settled if isinstance(wish, AgentLogout) else None)

    async def _caller(self, identity: Identity, wish: CallerWish, action: str) -> ActionView:
        self._grant.must_be_live()
        one = self._waiter(wish.visit)
        phone = await self._target(identity, wish)
        if not isinstance(wish, CallerFirst):  # asks for no right of the account's
            await self._ability.need("callers")
        one = self._waiter(wish.visit)  # he may have gone while that was asked
        undo: tuple[str, str] | None = None
        fallback = None
        match wish:
            case CallerFirst():
                plan = callers.first(self._grant.core, wish.visit, one.queue)
                fallback = self._first_or_again(one)
            case CallerMove():
                if wish.queue == one.queue and not wish.first:
                    raise Declined(409, "already", "来电已在该队列中", "The caller is in that queue already")
                if not self._grant.site.is_queue(wish.queue):
                    raise Declined(404, "queue", "没有这个队列", "There is no such queue")
                if not self._standing.staffed(wish.queue):
                    raise Declined(409, "empty", "该队列没有人在岗", "Nobody is logged in there")
                label = self._grant.site.queue_label(one.queue)
                undo = (f"转回{label}最前", f"Back to the front of {label}")
                plan = callers.move(self._grant.core, wish.visit, wish.queue, first=wish.first, undo=undo)
            case _:
                plan = callers.to_phone(self._grant.core, wish.visit, phone)
        agent = self._grant.site.agent_name(phone) if phone else ""
        who = words.masked(one.number)
        view = self._grant.view(
            identity,
            action,
            KINDS[type(wish)],
            words.caller(wish, who, agent, self._grant.site.queue_label),
            wish.reason,
            plan,
            interface=phone or None,
            queue=one.queue,
            visit=wish.visit,
            call=one.call,
            caller=who,
            to=wish.queue if isinstance(wish, CallerMove) else agent or None,
        )
        return self._grant.office.start(view, plan, fallback=fallback)

    async def _target(self, identity: Identity, wish: CallerWish) -> str:
        """The phone he is sent to, '' where none."""
        if isinstance(wish, CallerTake):
            return self._grant.own_phone(identity, wish.phone)
        if not isinstance(wish, CallerToAgent):
            return ""
        await self._grant.own_team(identity, wish.interface)
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
            entry = self._grant.office.get_judged(one.visit)
            if entry is None:
                return None
            now = self._standing.waiter(one.visit)
            if now is not None and now.ringing:
                raise Declined(409, "busy", "正有话机为他振铃，不打断", "A phone rings for him already; not disturbed")
            await self._ability.need("callers")
            return callers.again(self._grant.core, one.visit, one.queue)

        return look

    # -- undo ---------------------------------------------------------------------------------------------------

    async def undo(self, identity: Identity, action: str, reason: str) -> ActionView:
        """Do the inverse, where it is still what it was."""
        view = self._grant.office.get(action)
        if view is None:
            raise Declined(404, "not_found", "没有找到", "Not found")
        if view_listens(view):
            return await self._listeners.end(identity, action)
        if view.state != "confirmed" or view.undo is None or view.undo.until < self._grant.now():
            raise Declined(409, "not_undoable", "这个操作不能撤回", "This cannot be undone")
        self._grant.must_be_live()
        if view.interface is not None:
            await self._grant.own_team(identity, view.interface)
        said = words.undone((view.text, view.text_en))
        plan, kind = self._inverse(view)
        new = self._grant.view(
            identity,
            id_of(""),
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
                self._grant.office.undone(action, undoing.id)

        return self._grant.office.start(new, plan, on_settled=settled)

    def _inverse(self, view: ActionView) -> tuple[Plan, ActionKind]:
        if view.kind == "caller_move" and view.call is not None and view.queue is not None:
            for one in self._standing.waiting(view.to or ""):
                if one.call == view.call:
                    return callers.move(self._grant.core, one.visit, view.queue, first=True), "caller_move"
            raise callers.gone()
        phones, before, after = self._grant.office.rows(view.id)
        inverse: dict[str, ActionKind] = {
            "member_add": "member_remove",
            "member_remove": "member_add",
            "member_pause": "member_unpause",
            "member_unpause": "member_pause",
            "agent_logout": "member_add",
        }
        return members.restoring(self._grant.core, phones, before, after), inverse.get(view.kind, "member_penalty")

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
        self._grant.must_be_live()
        plan = members.plan(self._grant.core, [phone], want)
        ((queue, _),) = want
        view = self._grant.view(None, id_of(""), kind, said, reason, plan, interface=phone, queue=queue, rule=rule)
        return self._grant.office.start(view, plan, on_settled=on_settled)
