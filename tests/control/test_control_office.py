"""The office: an action is what the PBX's events say of it, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec
import pytest

from cti import events
from cti.calls.reach import Membership, Reach
from cti.control import callers, listening, members
from cti.control.office import KEPT, Office, undo_offer
from cti.control.plan import Declined, Key, Plan
from cti.wire.supervision import ActionKind, ActionView
from tests.control.queues import SmallPbx

ROW = Membership(queue="q", interface="PJSIP/1", name="Ann", penalty=2, login_time=900)
GUARD_S = 5.0


class Desk:
    """An office before a small PBX, and what it told and wrote."""

    def __init__(self, confirm_s: float = 0.05) -> None:
        self.pbx = SmallPbx()
        self.told: list[ActionView] = []
        self.kept: list[ActionView] = []
        self._came = asyncio.Event()
        self.office = Office(
            self.pbx,
            self.pbx.send,
            clock=lambda: self.pbx.now,
            confirm_s=confirm_s,
            undo_s=300.0,
            on_change=self._tell,
            keep=self._keep,
        )
        self.pbx.hear = self.office.on_event

    def _tell(self, view: ActionView) -> None:
        self.told.append(view)
        self._came.set()

    async def _keep(self, view: ActionView) -> None:
        self.kept.append(view)

    def start(self, plan: Plan, kind: ActionKind = "member_add", id: str = "a1") -> ActionView:
        """Begin."""
        view = ActionView(id=id, kind=kind, by="boss", by_name="", at=1.0, text="t", undo=undo_offer(plan.undo))
        return self.office.start(view, plan)

    async def settled(self, *states: str) -> ActionView:
        """The last word so far, once it is one of these."""
        async with asyncio.timeout(GUARD_S):
            while not (self.told and self.told[-1].state in states):
                self._came.clear()
                await self._came.wait()
        return self.told[-1]

    def adding(self, row: Membership = ROW) -> Plan:
        """Put a row into its queue."""
        want: dict[Key, Membership | None] = {(row.queue, row.interface): row}
        return members.plan(self.pbx, [row.interface], want, undo=("撤", "undo"))


async def test_action_is_confirmed_by_the_pbx_event_and_written_down() -> None:
    """Asked at once, confirmed when the row stands; both are told and kept; undo is offered from then on."""
    desk = Desk()
    assert desk.start(desk.adding()).state == "asked"
    view = await desk.settled("confirmed")
    assert desk.pbx.sent[0][0] == "QueueAdd"
    assert view.undo is not None
    assert view.undo.until == desk.pbx.now + 300.0
    await desk.office.close()
    assert [one.state for one in desk.kept] == ["asked", "confirmed"]


async def test_success_of_the_pbx_is_no_success() -> None:
    """Answered Success and nothing happened: unconfirmed, no undo; and it is never sent a second time."""
    desk = Desk()
    desk.pbx.deaf = True
    desk.start(desk.adding())
    view = await desk.settled("unconfirmed")
    assert view.undo is None
    assert len(desk.pbx.sent) == 1
    await desk.office.close()


async def test_late_event_still_confirms() -> None:
    """What came too late for the clock is true all the same."""
    desk = Desk()
    desk.pbx.deaf = True
    desk.start(desk.adding())
    await desk.settled("unconfirmed")
    desk.pbx.put(ROW)
    assert (await desk.settled("confirmed")).state == "confirmed"
    await desk.office.close()


async def test_refusal_carries_the_pbx_own_words() -> None:
    """The sentence of the PBX stands in the action, and nothing else is sent."""
    desk = Desk()
    desk.pbx.refuses["QueueAdd"] = "Unable to add interface to queue: No such queue"
    desk.start(desk.adding())
    view = await desk.settled("refused")
    assert "No such queue" in view.text
    assert "No such queue" in view.text_en
    await desk.office.close()


async def test_no_answer_is_unknown_and_never_repeated() -> None:
    """The link broke before the answer: unconfirmed, with a sentence, one sending."""
    desk = Desk(confirm_s=5.0)
    desk.pbx.dead = True
    desk.start(desk.adding())
    view = await desk.settled("unconfirmed")
    assert "未知" in view.text
    assert len(desk.pbx.sent) == 1
    await desk.office.close()


async def test_another_agents_event_confirms_nothing() -> None:
    """Only the rows that were asked for count."""
    desk = Desk()
    desk.pbx.deaf = True
    desk.start(desk.adding())
    desk.pbx.put(msgspec.structs.replace(ROW, interface="PJSIP/2"))
    desk.pbx.put(msgspec.structs.replace(ROW, queue="other"))
    await desk.settled("unconfirmed")
    await desk.office.close()


# -- undo --------------------------------------------------------------------------------------------------------


async def _added(desk: Desk) -> None:
    desk.start(desk.adding())
    await desk.settled("confirmed")


async def test_undo_removes_the_row_that_the_action_made() -> None:
    """As long as it is that row."""
    desk = Desk()
    await _added(desk)
    phones, before, after = desk.office.rows("a1")
    desk.start(members.restoring(desk.pbx, phones, before, after), "member_remove", "a2")
    await desk.settled("confirmed")
    assert desk.pbx.memberships("PJSIP/1") == ()
    await desk.office.close()


@pytest.mark.parametrize("change", ["added again", "penalty", "gone", "paused"])
async def test_undo_never_takes_away_what_a_person_made(change: str) -> None:
    """Removed and added again, changed or gone since: the row is not the action's any more, and undo is declined."""
    desk = Desk()
    await _added(desk)
    desk.pbx.now += 60
    row = {"Queue": "q", "Interface": "PJSIP/1"}
    if change in ("added again", "gone"):
        desk.pbx.do("QueueRemove", row)
    if change == "added again":
        desk.pbx.do("QueueAdd", {**row, "Penalty": "2", "MemberName": "Ann"})
    elif change == "penalty":
        desk.pbx.do("QueuePenalty", {**row, "Penalty": "0"})
    elif change == "paused":
        desk.pbx.do("QueuePause", {**row, "Paused": "true", "Reason": "x"})
    with pytest.raises(Declined) as declined:
        members.restoring(desk.pbx, *desk.office.rows("a1"))
    assert declined.value.code == "not_undoable"
    await desk.office.close()


# -- callers and listening ---------------------------------------------------------------------------------------


def _reach(call: str = "c1", uid: str = "77.1", phone: str = "PJSIP/line") -> Reach:
    return Reach(channel=f"{phone}-00000001", uid=uid, call=call, interface=phone)


def _queued(queue: str, call: str = "c1", position: int = 1) -> events.CallQueued:
    return events.CallQueued(
        at=2.0,
        call=call,
        visit=f"{call}#2",
        queue=queue,
        position=position,
        waiting_since=1.0,
        caller=None,
        caller_name=None,
        dialed=None,
        choice=None,
    )


LEFT = events.CallAbandoned(at=2.0, call="c1", visit="c1#1", queue="q", wait_s=1.0, waiting_since=1.0)
TAKEN = events.CallAnswered(
    at=2.0, call="c1", visit="c1#1", queue="q", agent="Ann", interface="PJSIP/1", wait_s=1.0, waiting_since=1.0
)


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (_queued("other"), "confirmed"),
        (_queued("q"), "refused"),
        (LEFT, "refused"),
        (TAKEN, "refused"),
        (events.CallEnded(at=2.0, call="c1"), "refused"),
        (_queued("other", call="c2"), None),
    ],
)
def test_move_is_judged_by_where_the_caller_is(event: events.Event, state: str | None) -> None:
    """There, somewhere else, answered or gone: only his own events count."""
    pbx = SmallPbx()
    pbx.waiting_now["c1#1"] = _reach()
    plan = callers.move(pbx, "c1#1", "other", first=False)
    assert plan.steps[0].fields["Exten"] == "qother"
    verdict = plan.judge(event)
    assert (verdict.state if verdict is not None else None) == state


@pytest.mark.parametrize("queue", ["a,b", "a|b", "a&b", "${X}", "", " a", "a\nb", "x" * 90])
def test_queue_name_that_a_dialplan_would_take_apart_is_declined(queue: str) -> None:
    """It never gets as far as the builder of actions."""
    pbx = SmallPbx()
    pbx.waiting_now["c1#1"] = _reach()
    with pytest.raises(Declined):
        callers.move(pbx, "c1#1", queue, first=False)


@pytest.mark.parametrize("phone", ["PJSIP/1&PJSIP/2", "PJSIP/139@trunk", "Local/1@x", "1001", "PJSIP/", "PJSIP/1,30"])
def test_what_is_no_single_phone_is_not_dialled(phone: str) -> None:
    """A caller is sent to one phone of the house, never out through a trunk."""
    pbx = SmallPbx()
    pbx.waiting_now["c1#1"] = _reach()
    with pytest.raises(Declined):
        callers.to_phone(pbx, "c1#1", phone)


def test_listening_names_the_channel_of_the_call_that_was_clicked() -> None:
    """Its Uniqueid at this moment; another call, or none, is declined and says which it is now."""
    pbx = SmallPbx()
    pbx.talking_now["PJSIP/1"] = _reach(uid="88.3", phone="PJSIP/1")
    plan = listening.plan(pbx, action="a1", agent="PJSIP/1", call="c1", mode="whisper", phone="PJSIP/9")
    fields: Mapping[str, str] = plan.steps[0].fields
    assert (fields["Exten"], fields["Context"], fields["Channel"]) == ("w88.3", "cti-spy", "PJSIP/9")
    with pytest.raises(Declined) as declined:
        listening.plan(pbx, action="a1", agent="PJSIP/1", call="c0", mode="listen", phone="PJSIP/9")
    assert (declined.value.code, declined.value.more) == ("changed", {"now": "c1"})
    del pbx.talking_now["PJSIP/1"]
    with pytest.raises(Declined):
        listening.plan(pbx, action="a1", agent="PJSIP/1", call="c1", mode="listen", phone="PJSIP/9")


@pytest.mark.parametrize(
    ("call", "phone", "state"),
    [("c1", "PJSIP/1", "confirmed"), ("c2", "PJSIP/1", "refused"), ("c1", "PJSIP/2", "refused")],
)
def test_listening_to_anything_else_does_not_count(call: str, phone: str, state: str) -> None:
    """ChanSpy started, but at another call or phone: refused, and then it is hung up."""
    pbx = SmallPbx()
    pbx.talking_now["PJSIP/1"] = _reach(phone="PJSIP/1")
    plan = listening.plan(pbx, action="a1", agent="PJSIP/1", call="c1", mode="listen", phone="PJSIP/9")
    start = events.SpyStarted(at=2.0, call=call, interface=phone, by="PJSIP/9", spy=listening.spy_call("a1"))
    verdict = plan.judge(start)
    assert verdict is not None
    assert verdict.state == state
    assert plan.judge(msgspec.structs.replace(start, spy=listening.spy_call("other"))) is None


async def test_what_other_nodes_did_is_remembered_up_to_a_limit() -> None:
    """A node at which nobody does anything hears of all that others do: the last KEPT, as the store has the rest."""
    desk = Desk()
    for n in range(KEPT + 5):
        desk.office.remember(
            ActionView(id=f"o{n}", kind="member_pause", by="boss", by_name="", at=float(n), text="t", state="confirmed")
        )
    views = desk.office.recent(2 * KEPT)
    assert (len(views), views[0].id, views[-1].id) == (KEPT, f"o{KEPT + 4}", "o5")
    await desk.office.close()
