"""What every wish must pass, and the action it becomes: link, team, own phone, an id that is not known yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol
from uuid import uuid4

import msgspec

from cti.auth import Identity
from cti.control.members import reason_of
from cti.control.office import Office, undo_offer
from cti.control.plan import Core, Declined, Plan, pbx_away
from cti.wire.supervision import ActionKind, ActionView

_ID_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-")


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


class Granting:
    """Asked by those who carry out wishes. Every method raises Declined."""

    def __init__(self, core: Core, office: Office, site: Site, *, clock: Callable[[], float]) -> None:
        """`clock` is the PBX's."""
        self.core = core
        self.office = office
        self.site = site
        self._clock = clock

    def now(self) -> float:
        """Epoch seconds on the PBX's clock."""
        return self._clock()

    async def known(self, identity: Identity, wished: str) -> ActionView | None:
        """The action of this id, also one from before a restart: whoever asks again gets it, and nothing is sent."""
        if not wished:
            return None
        known = self.office.get(wished) or await self.site.kept(wished)
        if known is not None and known.by != identity.login:
            raise Declined(409, "id", "操作编号重复", "That id is taken")
        return known

    def must_be_live(self) -> None:
        """Nothing is sent into the dark."""
        if not self.site.live():
            raise pbx_away()

    async def own_team(self, identity: Identity, interface: str) -> None:
        """A supervisor with a team acts on its agents, one without on everybody."""
        team = await self.site.team_of(identity.login)
        if team and (await self.site.teams()).get(interface) != team:
            raise Declined(403, "other_team", "该坐席不在您的班组", "That agent is not in your team")

    def own_phone(self, identity: Identity, phone: str | None) -> str:
        """One of the user's own phones, the first where he names none."""
        phones = self.site.phones_of(identity.login)
        if phone is not None and phone not in phones:
            raise Declined(403, "no_phone", "这不是您的话机", "That phone is not yours")
        if not phones:
            raise Declined(409, "no_phone", "您没有话机，请先签入一部", "You have no phone; take one first")
        return phone or phones[0]

    def view(
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
        """A new action as it begins; `identity` None for a rule's."""
        view = ActionView(
            id=action,
            kind=kind,
            by=identity.login if identity is not None else "",
            by_name=identity.name if identity is not None else "",
            at=self._clock(),
            reason=reason_of(reason),
            text=said[0],
            text_en=said[1],
            agent=self.site.agent_name(interface) if interface is not None else None,
            interface=interface,
            queue=queue,
            queue_label=self.site.queue_label(queue) if queue is not None else None,
            undo=undo_offer(plan.undo),
        )
        return msgspec.structs.replace(view, **more)


def id_of(wished: str) -> str:
    """The action's id: the page's, or a new one. Raises Declined for what is no id."""
    if not wished:
        return uuid4().hex
    if len(wished) > 40 or not _ID_LETTERS.issuperset(wished):
        raise Declined(422, "id", "操作编号不对", "Bad id")
    return wished
