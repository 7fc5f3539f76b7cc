"""Who may do what to whom, and when nothing is sent at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from cti import events
from cti.auth import Identity
from cti.calls.reach import Membership, Reach
from cti.control.able import Ability, missing, said
from cti.control.desk import ControlDesk
from cti.control.granting import Granting
from cti.control.listeners import Listeners
from cti.control.office import Office, PbxRefused
from cti.control.plan import Declined
from cti.control.standing import Standing
from cti.events import Event
from cti.wire.supervision import (
    ActionView,
    AgentLogout,
    CallerFirst,
    CallerMove,
    CallerTake,
    CallerToAgent,
    ListenBody,
    MemberAdd,
    MemberPause,
)
from tests.control.queues import SmallPbx

ALL = ("QueueAdd", "QueueRemove", "QueuePause", "QueuePenalty", "Redirect", "Originate", "Hangup")


class Answer:
    """What ListCommands answers."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def headers(self) -> list[tuple[str, str]]:
        """Names of actions."""
        return [(name, "") for name in self._names]


class House:
    """A desk before a small PBX: the boss leads team A, Ann's phone is team A's, Bob's team B's."""

    def __init__(self) -> None:
        self.pbx = SmallPbx()
        self.commands: Sequence[str] = ALL
        self.contexts = {"cti-queue", "cti-first", "cti-phone", "cti-spy"}
        self.team = ""
        self.is_live = True
        self.store_ok = True
        self.ruled = False
        self.old: dict[str, ActionView] = {}
        self.during_writing: Callable[[], None] = lambda: None
        self.written: list[str] = []
        self.freed: list[str] = []
        self.standing = Standing()
        self.office = Office(
            self.pbx,
            self.pbx.send,
            clock=lambda: self.pbx.now,
            confirm_s=5.0,
            undo_s=300.0,
            on_change=lambda view: None,
            keep=self._keep,
        )
        self.pbx.hear = self.hear
        grant = Granting(self.pbx, self.office, self, clock=lambda: self.pbx.now)
        ability = Ability(self._ask)
        self.listeners = Listeners(grant, ability, modes=("listen", "whisper"), reason_needed=True)
        self.desk = ControlDesk(grant, self.listeners, self.standing, ability, place=self._place)
        self.pbx.put(
            Membership(queue="q", interface="P/ann", name="Ann"), Membership(queue="q", interface="P/bob", name="Bob")
        )
        self.pbx.waiting_now["c1#1"] = Reach(channel="T/1-00000001", uid="1.1", call="c1", interface="T/1")
        self.hear(
            events.CallQueued(
                at=1.0,
                call="c1",
                visit="c1#1",
                queue="q",
                position=1,
                waiting_since=1.0,
                caller="13800001307",
                caller_name=None,
                dialed=None,
                choice=None,
            )
        )
        self.pbx.talking_now["P/ann"] = Reach(channel="P/ann-00000002", uid="1.2", call="c9", interface="P/ann")

    def hear(self, event: Event) -> None:
        """An event of the PBX."""
        self.standing.apply(event)
        self.office.on_event(event)

    async def _keep(self, view: ActionView) -> None:
        self.written.append(view.state)

    async def _ask(self, name: str, fields: Mapping[str, str]) -> Sequence[Any]:
        if name == "ListCommands":
            return (Answer(self.commands),)
        if fields["Context"] not in self.contexts:
            raise PbxRefused("Did not find context", permanent=True)
        return ()

    async def _place(self, queue: str) -> None:
        """Nothing changes."""

    def agent_name(self, interface: str) -> str:
        """Ann, Bob."""
        return interface.partition("/")[2].title()

    def queue_label(self, queue: str) -> str:
        """As it is."""
        return queue

    def is_queue(self, queue: str) -> bool:
        """Two of them."""
        return queue in ("q", "other")

    def is_phone(self, interface: str) -> bool:
        """Three of them."""
        return interface in ("P/ann", "P/bob", "P/boss")

    def phones_of(self, login: str) -> Sequence[str]:
        """The boss has one."""
        return ("P/boss",) if login == "boss" else ()

    def free_phone(self, interface: str) -> None:
        """Noted."""
        self.freed.append(interface)

    async def team_of(self, login: str) -> str:
        """The boss's."""
        return self.team

    async def teams(self) -> Mapping[str, str]:
        """Who is where."""
        return {"P/ann": "A", "P/bob": "B"}

    def live(self) -> bool:
        """As a test says."""
        return self.is_live

    def claim(self, queue: str, interface: str) -> bool:
        """One agent is a rule's."""
        return (queue, interface) == ("other", "P/ann") and self.ruled

    async def kept(self, action: str) -> ActionView | None:
        """From before a restart."""
        return self.old.get(action)

    async def first_kept(self, view: ActionView) -> None:
        """Written down, as far as the store is there."""
        self.during_writing()
        if not self.store_ok:
            raise Declined(503, "store", "", "")
        self.written.append("before")


def who(login: str = "boss") -> Identity:
    """A supervisor."""
    return Identity(
        login=login, name=login, role="supervisor", language="zh", interfaces=(), session="s", expires_at=9e9
    )


LISTEN = ListenBody(interface="P/ann", call="c9", mode="listen", reason="新人")


async def declined(house: House, work: Any) -> Declined:
    """The refusal; nothing may have been sent."""
    with pytest.raises(Declined) as found:
        await work
    await house.office.close()
    assert house.pbx.sent == []
    return found.value


@pytest.mark.parametrize(
    "wish",
    [
        MemberAdd(queue="other", interface="P/bob"),
        MemberPause(interface="P/bob"),
        AgentLogout(interface="P/bob"),
        CallerToAgent(visit="c1#1", interface="P/bob"),
    ],
)
async def test_supervisor_of_a_team_acts_on_his_team_alone(wish: Any) -> None:
    """Another team's agent: 403, whatever is wished; without a team of one's own everybody is allowed."""
    house = House()
    house.team = "A"
    assert (await declined(house, house.desk.act(who(), wish))).code == "other_team"
    house = House()
    await house.desk.act(who(), wish)
    await house.office.close()
    assert house.pbx.sent


async def test_listening_is_for_ones_own_team_and_the_ways_the_site_allows() -> None:
    """Team, way of listening, reason, own phone: each is asked for."""
    house = House()
    house.team = "B"
    assert (await declined(house, house.listeners.listen(who(), LISTEN))).code == "other_team"
    for change, code in (
        ({"mode": "join"}, "mode"),
        ({"reason": " "}, "reason"),
        ({"phone": "P/bob"}, "no_phone"),
        ({"call": "c8"}, "changed"),
        ({"interface": "P/bob"}, "changed"),
    ):
        house = House()
        body = msgspec.structs.replace(LISTEN, **change)
        assert (await declined(house, house.listeners.listen(who(), body))).code == code
    house = House()
    assert (await declined(house, house.listeners.listen(who("nobody"), LISTEN))).code == "no_phone"


async def test_listening_is_written_down_before_it_begins() -> None:
    """The row comes first; where it cannot be written, nobody listens."""
    house = House()
    await house.listeners.listen(who(), LISTEN)
    assert house.written[0] == "before"
    assert house.pbx.sent == []
    await house.office.close()
    assert [name for name, _ in house.pbx.sent] == ["Originate"]
    house = House()
    house.store_ok = False
    assert (await declined(house, house.listeners.listen(who(), LISTEN))).code == "store"


async def test_call_that_changes_while_it_is_written_down_is_not_listened_to() -> None:
    """The channel is looked up at the last moment, not when the wish came."""
    house = House()

    def change() -> None:
        house.pbx.talking_now["P/ann"] = Reach(channel="P/ann-00000003", uid="1.3", call="c10", interface="P/ann")

    house.during_writing = change
    assert (await declined(house, house.listeners.listen(who(), LISTEN))).more == {"now": "c10"}


async def test_same_id_is_the_same_action() -> None:
    """A double click, a retry: one sending, one action; another's id is taken."""
    house = House()
    wish = MemberPause(id="abc-1", interface="P/ann", reason="x")
    first = await house.desk.act(who(), wish)
    again = await house.desk.act(who(), wish)
    assert first.id == again.id == "abc-1"
    with pytest.raises(Declined) as taken:
        await house.desk.act(who("other"), wish)
    assert taken.value.code == "id"
    await house.office.close()
    assert len(house.pbx.sent) == 1


async def test_two_clicks_at_once_are_one_action() -> None:
    """Both on their way before either was sent: one sending."""
    house = House()
    wish = MemberPause(id="abc-2", interface="P/ann", reason="x")
    both = await asyncio.gather(house.desk.act(who(), wish), house.desk.act(who(), wish))
    assert {view.id for view in both} == {"abc-2"}
    await house.office.close()
    assert len(house.pbx.sent) == 1


async def test_id_from_before_a_restart_is_not_carried_out_again() -> None:
    """A page that asks again after a crash gets what is known of it: unknown whether done, and nothing is sent."""
    house = House()
    house.old["abc-1"] = ActionView(
        id="abc-1", kind="member_pause", by="boss", by_name="", at=1.0, state="unconfirmed", text="x"
    )
    view = await house.desk.act(who(), MemberPause(id="abc-1", interface="P/ann"))
    assert view.state == "unconfirmed"
    await house.office.close()
    assert house.pbx.sent == []


async def test_agent_whom_a_rule_added_is_kept_for_the_person_who_wants_him() -> None:
    """Adding him says that he stays now, and the PBX is asked nothing: the row is there."""
    house = House()
    house.ruled = True
    found = await declined(house, house.desk.act(who(), MemberAdd(queue="other", interface="P/ann")))
    assert found.code == "kept"


async def test_nothing_is_sent_over_a_link_that_is_not_live() -> None:
    """The board is grey then, and every wish is declined."""
    for wish in (MemberPause(interface="P/ann"), CallerFirst(visit="c1#1"), CallerTake(visit="c1#1")):
        house = House()
        house.is_live = False
        assert (await declined(house, house.desk.act(who(), wish))).code == "pbx"
    house = House()
    house.is_live = False
    assert (await declined(house, house.listeners.listen(who(), LISTEN))).code == "pbx"


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (MemberAdd(queue="q", interface="P/ann"), "already"),
        (MemberAdd(queue="nowhere", interface="P/ann"), "queue"),
        (MemberAdd(queue="q", interface="P/stranger"), "no_phone"),
        (MemberAdd(queue="other", interface="P/ann", penalty=-1), "penalty"),
        (MemberPause(interface="P/boss"), "gone"),
        (MemberPause(interface="P/ann", queue="other"), "gone"),
        (MemberPause(interface="P/ann", reason="a\nb"), "bad_reason"),
        (MemberPause(interface="P/ann", id="a b"), "id"),
        (CallerMove(visit="c1#1", queue="q"), "already"),
        (CallerMove(visit="c1#1", queue="nowhere"), "queue"),
        (CallerMove(visit="c2#1", queue="other"), "gone"),
        (CallerMove(visit="c1#1", queue="other"), "empty"),
        (CallerTake(visit="c1#1", phone="P/ann"), "no_phone"),
        (CallerToAgent(visit="c1#1", interface="P/stranger"), "no_phone"),
    ],
)
async def test_wish_that_makes_no_sense_is_declined(wish: Any, code: str) -> None:
    """With a code and a sentence, and nothing is sent."""
    house = House()
    found = await declined(house, house.desk.act(who(), wish))
    assert found.code == code
    assert found.text
    assert found.text_en


async def test_nobody_is_sent_a_caller_while_he_talks() -> None:
    """An agent who is busy or away is not rung for somebody else's caller."""
    house = House()
    event = house.pbx.state("P/ann")
    assert isinstance(event, events.AgentChanged)
    house.hear(msgspec.structs.replace(event, agent=msgspec.structs.replace(event.agent, phase="busy")))
    found = await declined(house, house.desk.act(who(), CallerToAgent(visit="c1#1", interface="P/ann")))
    assert found.code == "busy"


async def test_what_the_pbx_does_not_permit_is_said_with_its_cure() -> None:
    """Missing class in write=, missing context in the dialplan: a sentence with the line, and nothing is sent."""
    house = House()
    house.commands = ("Redirect", "Originate", "Hangup")
    found = await declined(house, house.desk.act(who(), MemberPause(interface="P/ann")))
    assert found.code == "rights"
    assert "QueuePause" in found.text
    assert "agent" in found.text
    house = House()
    house.contexts = {"cti-queue"}
    found = await declined(house, house.desk.act(who(), CallerMove(visit="c1#1", queue="other")))
    assert found.code == "dialplan"
    assert "[cti-first], [cti-phone]" in found.text
    house = House()
    house.contexts = set()
    assert (await declined(house, house.listeners.listen(who(), LISTEN))).code == "dialplan"


def test_missing_actions_are_named_by_what_people_do() -> None:
    """From the names that ListCommands gives, in any case of letters."""
    assert missing([name.lower() for name in ALL]) == {}
    assert missing(["QueuePause"]) == {
        "members": ["QueueAdd", "QueueRemove", "QueuePenalty"],
        "callers": ["Redirect"],
        "listen": ["Originate", "Hangup"],
    }
    text, text_en = said(["Originate", "Hangup"])
    assert "call,originate" in text
    assert "write = reporting,agent,call,originate" in text_en


async def test_action_shows_no_whole_number() -> None:
    """The caller stands in the action as 138****1307, in sentence and field."""
    house = House()
    view = await house.desk.act(who(), CallerTake(visit="c1#1"))
    await house.office.close()
    assert view.caller == "138****1307"
    assert "13800001307" not in msgspec.json.encode(view).decode()


async def test_logging_out_frees_the_phone_once_the_pbx_has_done_it() -> None:
    """Not when it was asked."""
    house = House()
    await house.desk.act(who(), AgentLogout(interface="P/ann", reason="下班"))
    assert house.freed == []
    await asyncio.wait_for(house.office.close(), 5)
    assert house.freed == ["P/ann"]
    assert house.pbx.memberships("P/ann") == ()
