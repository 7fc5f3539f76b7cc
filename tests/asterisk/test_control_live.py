"""Every supervisor's action against a real Asterisk: each is seen to take effect there, by its own lists and events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from cti import events
from cti.control.overflow import Rule
from cti.web.ports import Refusal
from cti.wire import supervision as sv
from tests.asterisk.console import Headers
from tests.asterisk.leg import Leg
from tests.asterisk.plays import EUROPE, OFFICE, SEASIA
from tests.asterisk.service import Service
from tests.asterisk.site import RENAMED, Site
from tests.asterisk.stage import Stage, open_stage
from tests.asterisk.supervisor import GUARD, Supervisor

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]


class House:
    """A PBX, the service in front of it, and a supervisor who sits at the office's phone."""

    def __init__(self, stage: Stage, service: Service) -> None:
        self.stage = stage
        self.service = service
        self.boss = Supervisor(service, "boss", stage.interface(OFFICE))

    @property
    def seasia(self) -> str:
        """The queue that most is done to."""
        return self.stage.names.seasia

    async def rows(self, phone: int) -> dict[str, Headers]:
        """{queue: row} of a phone, as the PBX lists it."""
        listed = await self.stage.console.act("QueueStatus", until="QueueStatusComplete")
        interface = self.stage.interface(phone)
        members = [e for e in listed if e.get("Event") == "QueueMember" and e.get("Location") == interface]
        return {str(e["Queue"]): e for e in members}

    async def line(self, queue: str) -> list[str]:
        """Channels in a queue, from the front, as the PBX lists them."""
        listed = await self.stage.console.act("QueueStatus", until="QueueStatusComplete", Queue=queue)
        entries = [e for e in listed if e.get("Event") == "QueueEntry"]
        return [str(e["Channel"]) for e in sorted(entries, key=lambda e: int(str(e["Position"])))]

    async def paused(self, phones: tuple[int, ...], paused: bool) -> None:
        """The tests' own session pauses phones everywhere: their queues ring nobody."""
        for phone in phones:
            await self.stage.act(
                "QueuePause", Interface=self.stage.interface(phone), Paused="true" if paused else "false"
            )

    async def waits(self, queue: str) -> tuple[Leg, events.CallQueued, str]:
        """A new caller of a queue: (his phone, the event that told of him, his channel at the PBX)."""
        heard = len(self.stage.console.events)
        queued: asyncio.Future[events.CallQueued] = asyncio.get_running_loop().create_future()

        def hear(event: events.Event) -> None:
            if isinstance(event, events.CallQueued) and event.queue == queue and not queued.done():
                queued.set_result(event)

        leave = self.service.app.bus.subscribe("waits", hear)
        caller = await self.stage.call(queue)
        joined = await self.stage.console.until("QueueCallerJoin", since=heard, Queue=queue)
        told = await asyncio.wait_for(queued, GUARD)
        leave()
        return caller, told, str(joined["Channel"])

    async def talk(self, phone: int) -> tuple[Leg, Leg, str]:
        """A caller who talks with a phone: (caller, agent's leg, the call)."""
        await self.paused(tuple(other for other in SEASIA if other != phone), paused=True)
        ready = self.hear(events.TalkStarted)
        caller = await self.stage.call(self.seasia)
        agent = await self.stage.taken(phone)
        talk = await asyncio.wait_for(ready, GUARD)
        assert isinstance(talk, events.TalkStarted)
        assert talk.interface == self.stage.interface(phone)
        return caller, agent, talk.call

    def hear(self, kind: type[events.Event]) -> asyncio.Future[events.Event]:
        """The next event of a kind."""
        future: asyncio.Future[events.Event] = asyncio.get_running_loop().create_future()

        def take(event: events.Event) -> None:
            if isinstance(event, kind) and not future.done():
                future.set_result(event)
                leave()

        leave = self.service.app.bus.subscribe(f"hear {kind.__name__} {id(future)}", take)
        return future


SITES = {
    "22": Site(),
    "16": Site(version="16"),
    "renamed": Site(names=RENAMED, hop="/n", systemname="9f2c41d07be3a6c8"),
}
"Asterisk 22 and 16, and a site with other names, a Local channel before each queue and a secret system name."


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=["22", *(pytest.param(site, marks=pytest.mark.long) for site in ("16", "renamed"))],
)
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """One house for all."""
    async with open_stage(SITES[request.param]) as stage, Service(stage.pbx) as service:
        yield House(stage, service)


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def clean(house: House) -> AsyncIterator[None]:
    """Nobody waits, talks or is paused when the next one begins."""
    yield
    await house.stage.clear()
    await house.paused((*EUROPE, *SEASIA, 6), paused=False)


# -- members ---------------------------------------------------------------------------------------------------


async def test_member_is_added_with_a_penalty_and_undone(house: House) -> None:
    """The PBX lists the row with penalty and name; undo takes it away; both are confirmed by its events."""
    phone, queue = house.stage.interface(6), house.seasia
    done = await house.boss.act(sv.MemberAdd(queue=queue, interface=phone, penalty=2, reason="高峰"))
    assert (done.state, done.by, done.reason, done.agent) == ("confirmed", "boss", "高峰", house.stage.names.members[6])
    row = (await house.rows(6))[queue]
    assert (row["Penalty"], row["Name"]) == ("2", house.stage.names.members[6])
    with pytest.raises(Refusal) as again:
        await house.boss.act(sv.MemberAdd(queue=queue, interface=phone))
    assert again.value.code == "already"
    undone = await house.boss.undo(done)
    assert (undone.state, undone.undoes) == ("confirmed", done.id)
    assert queue not in await house.rows(6)
    told = await house.boss.told(done.id, lambda view: view.undone_by is not None)
    assert (told.undone_by, told.undo) == (undone.id, None)
    assert house.boss.board.seqs() == list(range(1, len(house.boss.board.frames) + 1))


async def test_pause_reaches_all_queues_with_its_reason_and_is_undone(house: House) -> None:
    """Every row of the agent is paused, with the reason; undo brings back how each of them was."""
    phone = house.stage.interface(0)
    done = await house.boss.act(sv.MemberPause(interface=phone, reason="培训"))
    assert done.state == "confirmed"
    rows = await house.rows(0)
    assert len(rows) == 2
    assert {(row["Paused"], row["PausedReason"]) for row in rows.values()} == {("1", "培训")}
    assert (await house.boss.undo(done)).state == "confirmed"
    assert {row["Paused"] for row in (await house.rows(0)).values()} == {"0"}


async def test_pause_in_one_queue_leaves_the_others_alone(house: House) -> None:
    """Only that row changes, and unpausing it is an action of its own."""
    phone, queue = house.stage.interface(0), house.stage.names.export
    assert (await house.boss.act(sv.MemberPause(interface=phone, queue=queue, reason="会议"))).state == "confirmed"
    rows = await house.rows(0)
    assert {q: row["Paused"] for q, row in rows.items()} == {queue: "1", house.stage.names.europe: "0"}
    assert (await house.boss.act(sv.MemberUnpause(interface=phone, queue=queue))).state == "confirmed"
    assert (await house.rows(0))[queue]["Paused"] == "0"


async def test_penalty_changes_and_is_undone(house: House) -> None:
    """The PBX lists the new penalty, and the old one after undo."""
    phone, queue = house.stage.interface(4), house.seasia
    done = await house.boss.act(sv.MemberPenalty(queue=queue, interface=phone, penalty=7))
    assert (await house.rows(4))[queue]["Penalty"] == "7"
    assert (await house.boss.undo(done)).state == "confirmed"
    assert (await house.rows(4))[queue]["Penalty"] == "0"


async def test_row_of_the_configuration_stays_and_the_pbx_says_why(house: House) -> None:
    """A static member cannot be removed: refused, with the PBX's own words."""
    phone = house.stage.interface(4)
    done = await house.boss.act(sv.MemberRemove(queue=house.seasia, interface=phone))
    assert done.state == "refused"
    assert "not dynamic" in done.text
    assert done.undo is None
    assert house.seasia in await house.rows(4)


async def test_removed_member_comes_back_as_it_was(house: House) -> None:
    """Undo of a removal makes the row again with its name, penalty and pause."""
    phone, queue = house.stage.interface(6), house.seasia
    await house.boss.act(sv.MemberAdd(queue=queue, interface=phone, penalty=3))
    await house.boss.act(sv.MemberPause(interface=phone, queue=queue, reason="用餐"))
    before = (await house.rows(6))[queue]
    gone = await house.boss.act(sv.MemberRemove(queue=queue, interface=phone))
    assert queue not in await house.rows(6)
    assert (await house.boss.undo(gone)).state == "confirmed"
    after = (await house.rows(6))[queue]
    for key in ("Name", "Penalty", "Paused", "PausedReason", "StateInterface"):
        assert after[key] == before[key]
    await house.boss.act(sv.MemberRemove(queue=queue, interface=phone))


async def test_undo_leaves_what_a_person_has_changed_since(house: House) -> None:
    """Removed and added again by somebody else: the row is his, and undo of the first adding is refused."""
    phone, queue = house.stage.interface(6), house.seasia
    done = await house.boss.act(sv.MemberAdd(queue=queue, interface=phone, penalty=1))
    changed = house.hear(events.AgentChanged)
    await house.stage.act("QueueRemove", Queue=queue, Interface=phone)
    await asyncio.wait_for(changed, GUARD)
    await asyncio.sleep(1.1)  # login times are whole seconds
    changed = house.hear(events.AgentChanged)
    await house.stage.act("QueueAdd", Queue=queue, Interface=phone, Penalty="1")
    await asyncio.wait_for(changed, GUARD)
    with pytest.raises(Refusal) as refused:
        await house.boss.undo(done)
    assert refused.value.code == "not_undoable"
    assert queue in await house.rows(6)
    await house.boss.act(sv.MemberRemove(queue=queue, interface=phone))


async def test_agent_is_logged_out_of_all_queues_and_his_phone_is_free(house: House) -> None:
    """Dynamic rows go, rows of the configuration are paused, and the phone he took is given back."""
    phone, app = house.stage.interface(6), house.service.app
    await house.boss.act(sv.MemberAdd(queue=house.seasia, interface=phone))
    app.floor.session.phones.take("guest", phone)
    done = await house.boss.act(sv.AgentLogout(interface=phone, reason="下班"))
    assert done.state == "confirmed"
    rows = await house.rows(6)
    assert {q: row["Paused"] for q, row in rows.items()} == {house.stage.names.export: "1"}
    assert app.floor.session.phones.taken() == {}
    assert (await house.boss.undo(done)).state == "confirmed"
    rows = await house.rows(6)
    assert {q: row["Paused"] for q, row in rows.items()} == {house.stage.names.export: "0", house.seasia: "0"}
    await house.boss.act(sv.MemberRemove(queue=house.seasia, interface=phone))


# -- waiting callers -------------------------------------------------------------------------------------------


async def test_second_caller_is_put_first(house: House) -> None:
    """The PBX lists him at the front, and so does the board; his clock and the other's go on."""
    await house.paused(SEASIA, paused=True)
    _, first, first_channel = await house.waits(house.seasia)
    _, second, second_channel = await house.waits(house.seasia)
    done = await house.boss.act(sv.CallerFirst(visit=second.visit, reason="VIP"))
    assert (done.state, done.caller) == ("confirmed", f"{(second.caller or '')[:3]}****{(second.caller or '')[-4:]}")
    assert await house.line(house.seasia) == [second_channel, first_channel]
    callers = house.service.app.floor.board.snapshot().callers
    place = {view.call: (view.position, view.waiting_since) for view in callers.values()}
    assert place == {second.call: (1, second.waiting_since), first.call: (2, first.waiting_since)}


async def test_caller_is_moved_to_another_queue_and_back(house: House) -> None:
    """The PBX has him in the other queue; his 13 seconds go on from his first entry; undo: back at the front."""
    await house.paused((*SEASIA, *EUROPE), paused=True)
    await house.waits(house.seasia)
    _, told, channel = await house.waits(house.seasia)
    queued = house.hear(events.CallQueued)
    done = await house.boss.act(sv.CallerMove(visit=told.visit, queue=house.stage.names.europe))
    assert done.state == "confirmed"
    assert await house.line(house.stage.names.europe) == [channel]
    again = await queued
    assert isinstance(again, events.CallQueued)
    assert (again.call, again.waiting_since) == (told.call, told.waiting_since)
    assert (await house.boss.undo(done)).state == "confirmed"
    assert (await house.line(house.seasia))[0] == channel
    call = house.service.app.pbx.call(told.call)
    assert call is not None
    assert [visit.outcome for visit in call.visits] == ["redirected", "redirected", "unknown"]


async def test_caller_is_sent_to_an_agent_who_answers(house: House) -> None:
    """That agent's phone rings and he talks with the caller, though he is in another queue."""
    await house.paused(SEASIA, paused=True)
    _, told, _ = await house.waits(house.seasia)
    talk = house.hear(events.TalkStarted)
    action = await house.boss.ask(sv.CallerToAgent(visit=told.visit, interface=house.stage.interface(2)))
    await house.stage.taken(2)
    assert (await house.boss.settled(action)).state == "confirmed"
    began = await asyncio.wait_for(talk, GUARD)
    assert isinstance(began, events.TalkStarted)
    assert (began.call, began.interface) == (told.call, house.stage.interface(2))


async def test_caller_whom_the_agent_declines_is_first_in_his_queue_again(house: House) -> None:
    """Nobody is lost between a supervisor's click and an agent's phone."""
    await house.paused(SEASIA, paused=True)
    await house.waits(house.seasia)
    _, told, channel = await house.waits(house.seasia)
    queued = house.hear(events.CallQueued)
    await house.boss.ask(sv.CallerToAgent(visit=told.visit, interface=house.stage.interface(2)))
    (await house.stage.ring(2)).refuse(486)
    again = await asyncio.wait_for(queued, GUARD)
    assert isinstance(again, events.CallQueued)
    assert (again.call, again.queue, again.waiting_since) == (told.call, house.seasia, told.waiting_since)
    assert (await house.line(house.seasia))[0] == channel


async def test_queue_that_lets_nobody_in_does_not_lose_the_caller(house: House) -> None:
    """Nobody there: declined; where it happens all the same, he is first in his queue again and his clock goes on."""
    await house.paused(SEASIA, paused=True)
    await house.waits(house.seasia)
    _, told, channel = await house.waits(house.seasia)
    empty = house.stage.names.passing
    with pytest.raises(Refusal):
        await house.boss.ask(sv.CallerMove(visit=told.visit, queue=empty))
    again = house.hear(events.CallQueued)
    await house.stage.act("Redirect", Channel=channel, Context="cti-queue", Exten=f"q{empty}", Priority="1")
    queued = await asyncio.wait_for(again, GUARD)
    assert isinstance(queued, events.CallQueued)
    assert (queued.call, queued.queue, queued.waiting_since) == (told.call, house.seasia, told.waiting_since)
    assert (await house.line(house.seasia))[0] == channel


async def test_supervisor_takes_a_caller_himself(house: House) -> None:
    """His own phone rings, and he talks with him."""
    await house.paused(SEASIA, paused=True)
    _, told, _ = await house.waits(house.seasia)
    talk = house.hear(events.TalkStarted)
    action = await house.boss.ask(sv.CallerTake(visit=told.visit))
    await house.stage.taken(OFFICE)
    assert (await house.boss.settled(action)).state == "confirmed"
    began = await asyncio.wait_for(talk, GUARD)
    assert isinstance(began, events.TalkStarted)
    assert (began.call, began.interface) == (told.call, house.stage.interface(OFFICE))


async def test_caller_who_is_gone_or_answered_is_not_moved(house: House) -> None:
    """A click on yesterday's list does nothing: the visit must still wait at that moment."""
    caller, agent, call = await house.talk(3)
    with pytest.raises(Refusal) as talking:
        await house.boss.ask(sv.CallerMove(visit=f"{call}#1", queue=house.stage.names.europe))
    assert talking.value.code == "gone"
    assert not agent.ended.is_set()
    await caller.hang_up()


# -- listening -------------------------------------------------------------------------------------------------


async def _heard(house: House, since: int) -> list[tuple[str, str]]:
    """[(who is listened to, who listens)] by channel id, from the PBX's events since."""
    return [
        (str(e["SpyeeUniqueid"]), str(e["SpyerUniqueid"]))
        for e in house.stage.console.events[since:]
        if e.get("Event") == "ChanSpyStart"
    ]


async def _agent_channel(house: House, phone: int) -> str:
    """Uniqueid of the phone's one channel, as the PBX lists it."""
    listed = await house.stage.console.act("CoreShowChannels", until="CoreShowChannelsComplete")
    prefix = f"{house.stage.interface(phone)}-"
    (found,) = [str(e["Uniqueid"]) for e in listed if str(e.get("Channel", "")).startswith(prefix)]
    return found


@pytest.mark.parametrize("mode", ["listen", "whisper", "join"])
async def test_listening_attaches_to_the_agents_channel_and_ends_with_it(house: House, mode: sv.ListenMode) -> None:
    """ChanSpy hears exactly that channel, the agent's page is told, and the spy's phone is let go with the call."""
    since = len(house.stage.console.events)
    caller, _, call = await house.talk(3)
    uid = await _agent_channel(house, 3)
    action = await house.boss.listen(house.stage.interface(3), call, mode, "新人")
    mine = await house.stage.taken(OFFICE)
    done = await house.boss.settled(action)
    assert (done.state, done.mode, done.reason, done.ended_at) == ("confirmed", mode, "新人", None)
    await house.stage.console.until("ChanSpyStart", since=since)
    assert await _heard(house, since) == [(uid, f"cti-spy-{action.id}")]
    await caller.hang_up()
    await house.boss.told(action.id, lambda view: view.ended_at is not None)
    await mine.until(mine.ended)


async def test_listening_is_ended_from_the_board(house: House) -> None:
    """The supervisor's phone is hung up; the agent's call goes on."""
    caller, agent, call = await house.talk(3)
    action = await house.boss.listen(house.stage.interface(3), call)
    mine = await house.stage.taken(OFFICE)
    await house.boss.settled(action)
    speaking = [asyncio.create_task(leg.speak()) for leg in (caller, agent)]
    await house.service.app.supervision.end(house.boss.who, action.id)
    await house.boss.told(action.id, lambda view: view.ended_at is not None)
    await mine.until(mine.ended)
    assert not agent.ended.is_set()
    await caller.hang_up()
    await agent.until(agent.ended)
    await asyncio.gather(*speaking)


async def test_another_call_than_the_one_clicked_is_not_listened_to(house: House) -> None:
    """Between click and action the agent took another call: refused with a sentence, and nothing is sent."""
    since = len(house.stage.console.events)
    caller, _, clicked = await house.talk(3)
    over = house.hear(events.CallEnded)
    await caller.hang_up()
    await asyncio.wait_for(over, GUARD)
    _, _, now = await house.talk(3)
    with pytest.raises(Refusal) as refused:
        await house.boss.listen(house.stage.interface(3), clicked)
    assert (refused.value.code, refused.value.more) == ("changed", {"now": now})
    assert house.stage.phone[OFFICE].rings.empty()
    assert await _heard(house, since) == []


async def test_call_that_changes_while_the_supervisors_phone_rings_is_not_listened_to(house: House) -> None:
    """Asked for in time, picked up too late: the agent's new call stays unheard, though it is the same phone."""
    since = len(house.stage.console.events)
    caller, _, clicked = await house.talk(3)
    action = await house.boss.listen(house.stage.interface(3), clicked)
    mine = await house.stage.ring(OFFICE)
    over = house.hear(events.TalkEnded)
    await caller.hang_up()
    await asyncio.wait_for(over, GUARD)
    assert (await house.boss.settled(action)).state == "refused"
    _, other, _ = await house.talk(3)
    mine.answer()
    await mine.until(mine.ended)
    assert await _heard(house, since) == []
    assert not other.ended.is_set()


async def test_listening_ends_when_the_agents_channel_goes_on_without_the_call(house: House) -> None:
    """His channel is moved into a conference: it lives on, and is not listened to there."""
    _, agent, call = await house.talk(3)
    action = await house.boss.listen(house.stage.interface(3), call)
    mine = await house.stage.taken(OFFICE)
    await house.boss.settled(action)
    speaking = [asyncio.create_task(leg.speak()) for leg in (agent, mine)]
    channel = house.service.app.pbx.talking(house.stage.interface(3))
    assert channel is not None
    names = house.stage.names
    context = names.context("from-phones")
    await house.stage.act("Redirect", Channel=channel.channel, Context=context, Exten=names.room, Priority="1")
    await house.boss.told(action.id, lambda view: view.ended_at is not None)
    await mine.until(mine.ended)
    assert not agent.ended.is_set()
    await agent.hang_up()
    await asyncio.gather(*speaking)


async def test_listening_ends_with_the_supervisors_session(house: House) -> None:
    """Logged out, he listens no longer."""
    _, agent, call = await house.talk(3)
    chief = Supervisor(house.service, "chief", house.stage.interface(7))
    action = await chief.listen(house.stage.interface(3), call)
    mine = await house.stage.taken(7)
    await house.boss.told(action.id, lambda view: view.state == "confirmed")
    speaking = [asyncio.create_task(leg.speak()) for leg in (agent, mine)]
    house.service.app.store.end_session(chief.who.session)
    await mine.until(mine.ended)
    await house.boss.told(action.id, lambda view: view.ended_at is not None)
    assert not agent.ended.is_set()
    await agent.hang_up()
    await asyncio.gather(*speaking)


async def test_held_call_is_not_mistaken_for_the_one_that_is_talked_in(house: House) -> None:
    """A phone with two calls, one on hold: the other one is its call, and only that one is listened to."""
    since = len(house.stage.console.events)
    _, agent, held = await house.talk(3)
    await agent.hold()
    talk = house.hear(events.TalkStarted)
    outside = house.stage.phone[3].call(house.stage.extension(7))
    await house.stage.taken(7)
    await outside.up()
    began = await asyncio.wait_for(talk, GUARD)
    assert isinstance(began, events.TalkStarted)
    with pytest.raises(Refusal) as refused:
        await house.boss.listen(house.stage.interface(3), held)
    assert refused.value.code == "changed"
    assert await _heard(house, since) == []


# -- rules -----------------------------------------------------------------------------------------------------


def _rule(house: House, id: str, **changes: object) -> Rule:
    body = sv.RuleBody(
        name="高峰支援",
        queue=house.seasia,
        when=sv.When(wait_s=0.5),
        then=sv.Then(interfaces=(house.stage.interface(2), house.stage.interface(6)), penalty=1),
        back=sv.Back(quiet_s=0.5),
        cool_s=60.0,
    )
    return Rule(id=id, body=body, mode="live", **changes)  # type: ignore[arg-type]


async def test_overflow_rule_brings_help_and_takes_exactly_it_back(house: House) -> None:
    """Nobody idle and one waits: the PBX gets the rule's members; quiet again: they leave, a person's one stays."""
    steward = house.service.app.supervision.rules.steward
    await house.paused(SEASIA, paused=True)
    await house.boss.act(sv.MemberAdd(queue=house.seasia, interface=house.stage.interface(1), penalty=9))
    await house.paused((1,), paused=True)
    steward.carry(steward.engine.put(_rule(house, "r1"), house.service.app.pbx_now()))
    caller, _, _ = await house.waits(house.seasia)
    ringing = await house.stage.ring(2, 6)
    assert house.seasia in await house.rows(2)
    on = await house.boss.rule("r1", lambda view: len(view.members) == 2)
    assert (on.state, on.mode) == ("on", "live")
    assert "1 人等待" in on.now
    await caller.hang_up()
    await ringing.until(ringing.ended)
    await house.boss.rule("r1", lambda view: view.state == "cooling" and view.members == ())
    for phone, stays in ((2, False), (6, False), (1, True)):
        assert (house.seasia in await house.rows(phone)) is stays
    steward.carry(steward.engine.drop("r1", house.service.app.pbx_now()))
    await house.boss.act(sv.MemberRemove(queue=house.seasia, interface=house.stage.interface(1)))


async def test_overflow_rule_outlives_a_cut_and_a_restart(house: House) -> None:
    """Cut while on, and read back from the store as at a start: it takes back what it did, and adds nobody twice."""
    rules, now = house.service.app.supervision.rules, house.service.app.pbx_now
    await house.paused(SEASIA, paused=True)
    rules.steward.carry(rules.steward.engine.put(_rule(house, "r2"), now()))
    caller, _, _ = await house.waits(house.seasia)
    await house.boss.rule("r2", lambda view: len(view.members) == 2)
    async with asyncio.timeout(GUARD):
        while str(await asyncio.to_thread(house.service.app.store.rules)).count('"joined":true') < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    again = house.hear(events.PbxResynced)
    house.service.cable.pull()
    house.service.cable.plug()
    await asyncio.wait_for(again, GUARD)
    await house.service.live()
    await rules.load({})
    rules.steward.soon()
    await caller.hang_up()
    await house.boss.rule("r2", lambda view: view.state == "cooling" and view.members == ())
    assert house.seasia not in {**await house.rows(2), **await house.rows(6)}
    added = [view for view in house.service.app.supervision.office.recent(300) if view.rule == "r2"]
    assert sorted(view.kind for view in added) == ["member_add"] * 2 + ["member_remove"] * 2
    assert {view.state for view in added} == {"confirmed"}
    rules.steward.carry(rules.steward.engine.drop("r2", now()))


# -- rights at the PBX: last, for it takes them away ------------------------------------------------------------


async def test_missing_right_is_said_with_the_line_that_cures_it(house: House) -> None:
    """An account with write=reporting alone: nothing is sent, and the sentence names actions and line."""
    conf = house.stage.pbx.folder / "etc" / "manager.conf"
    conf.write_text(conf.read_text() + "\n[thirteen](+)\nwrite = reporting\n")
    await house.stage.pbx.cli("manager reload")
    lost = house.hear(events.PbxResynced)
    house.service.cable.pull()
    house.service.cable.plug()
    await asyncio.wait_for(lost, GUARD)
    await house.service.live()
    with pytest.raises(Refusal) as refused:
        await house.boss.ask(sv.MemberPause(interface=house.stage.interface(0)))
    assert refused.value.code == "rights"
    assert "QueuePause" in refused.value.text
    assert "write = reporting,agent,call,originate" in refused.value.text
    able = (await house.service.app.supervision.view(house.boss.who)).able
    assert (able.members, able.callers, able.listen) == (False, False, False)
