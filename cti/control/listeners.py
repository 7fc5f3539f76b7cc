"""Who listens to whom: granted, written down first, and ended with the call, the session or at the board."""

from __future__ import annotations

from collections.abc import Sequence

from cti.auth import Identity
from cti.control import listening, words
from cti.control.able import Ability
from cti.control.granting import Granting, id_of
from cti.control.members import reason_of
from cti.control.office import view_listens
from cti.control.plan import Declined
from cti.wire.supervision import ActionView, ListenBody, ListenMode


class Listeners:
    """All listening of one service. Every method raises Declined."""

    def __init__(self, grant: Granting, ability: Ability, *, modes: Sequence[ListenMode], reason_needed: bool) -> None:
        """`modes` are the ways of listening that the site allows."""
        self._grant = grant
        self._ability = ability
        self._modes = tuple(modes)
        self._reason_needed = reason_needed

    async def listen(self, identity: Identity, body: ListenBody) -> ActionView:
        """Listen to the call that was clicked, or refuse because it is another one by now."""
        action = id_of(body.id)
        known = await self._grant.known(identity, body.id)
        if known is not None:
            return known
        if body.mode not in self._modes:
            raise Declined(403, "mode", "本站不允许这种方式", "This is not allowed here")
        reason = reason_of(body.reason)
        if self._reason_needed and not reason:
            raise Declined(422, "reason", "请填写原因", "Say why")
        self._grant.must_be_live()
        await self._grant.own_team(identity, body.interface)
        phone = self._grant.own_phone(identity, body.phone)
        if phone == body.interface:
            raise Declined(409, "no_phone", "不能监听自己的话机", "That is your own phone")
        await self._ability.need("listen")
        plan = listening.plan(
            self._grant.core, action=action, agent=body.interface, call=body.call, mode=body.mode, phone=phone
        )
        zh, en = words.MODES[body.mode]
        name = self._grant.site.agent_name(body.interface)
        view = self._grant.view(
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
        await self._grant.site.first_kept(view)
        # Writing it down took its time: the channel is looked up again, and the same call must still be there.
        plan = listening.plan(
            self._grant.core, action=action, agent=body.interface, call=body.call, mode=body.mode, phone=phone
        )
        return self._grant.office.start(view, plan, on_settled=self._settled)

    def _settled(self, view: ActionView) -> None:
        if view.state == "refused":
            self.hang_up(view.id)

    def talk_ended(self, call: str, interface: str) -> None:
        """An agent left a call: whoever listened to him there hears nothing of his next one, whatever its channel."""
        for view in self._grant.office.recent():
            if view_listens(view) and view.ended_at is None and (view.call, view.interface) == (call, interface):
                self.hang_up(view.id)

    def hang_up(self, action: str) -> bool:
        """End a listening; False where nobody listens."""
        step = listening.ending(self._grant.core, action)
        if step is not None:
            self._grant.office.behind(self._grant.office.send(step))
        return step is not None

    async def end(self, identity: Identity, action: str) -> ActionView:
        """End a listening: one's own, or as another supervisor."""
        view = self._grant.office.get(action)
        if view is None or not view_listens(view):
            raise Declined(404, "not_found", "没有找到", "Not found")
        if view.interface is not None:
            await self._grant.own_team(identity, view.interface)
        if view.ended_at is not None or not self.hang_up(action):
            raise Declined(409, "gone", "监听已经结束", "Nobody listens any longer")
        return view
