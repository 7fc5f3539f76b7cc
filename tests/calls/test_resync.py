"""After a gap: what the lists prove is taken over, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from cti.ami.messages import Packet
from cti.ami.roster import Roster
from tests.calls.script import CALLER, PHONE, Script


def roster(
    script: Script,
    *,
    channels: Mapping[str, tuple[str, str, str]],
    waiting: Mapping[str, tuple[str, int]] | None = None,
    members: Mapping[str, str] | None = None,
    bridged: tuple[str, ...] = (),
) -> Roster:
    """Lists of a PBX. channels: {uid: (name, application, data)}; waiting: {uid: (queue, s)}; members by queue."""
    said = [Packet.of({"Event": "QueueParams", "Queue": queue}) for queue in ("brook", "river")]
    for queue, phone in (members or {}).items():
        device = f"PJSIP/{phone}"
        said.append(
            Packet.of(
                {
                    "Event": "QueueMember",
                    "Queue": queue,
                    "Name": phone,
                    "Location": device,
                    "Status": "2",
                    "Paused": "0",
                }
            )
        )
    for uid, (queue, wait) in (waiting or {}).items():
        entry = {"Event": "QueueEntry", "Queue": queue, "Wait": str(wait), **script.channel(uid)}
        said.append(Packet.of(entry))
    listed = [
        Packet.of(
            {
                "Event": "CoreShowChannel", "ChannelState": "6", "Application": app, "ApplicationData": data,
                "BridgeId": "b9" if uid in bridged else "", **script.channel(uid, name),
            }
        )
        for uid, (name, app, data) in channels.items()
    ]  # fmt: skip
    return Roster(boot="", queue_status=said, channels=listed)


def cut_while_waiting() -> Script:
    """A caller waits in brook; nothing is heard for a while."""
    script = Script()
    script.arrives(100.0)
    script.joins(101.0, "brook")
    script.pbx.link_lost(102.0)
    return script


def outcomes(script: Script) -> list[tuple[str, str, str | None]]:
    """(queue, outcome, agent) of the call's visits."""
    (call,) = [call for call in script.pbx.calls() if call.id == CALLER]
    return [(visit.queue, visit.outcome, visit.agent) for visit in call.visits]


def test_answered_in_the_gap_by_a_member_of_his_queue() -> None:
    """He talks with a member of the queue he stood in, and is still in its Queue(): that is his answer."""
    script = cut_while_waiting()
    talk = {CALLER: ("line1", "Queue", "brook,tk,,,40"), PHONE: ("desk1", "AppQueue", "(Outgoing Line)")}
    script.pbx.resync(roster(script, channels=talk, members={"brook": "desk1"}, bridged=(CALLER, PHONE)), 110.0)
    assert outcomes(script) == [("brook", "answered", "desk1")]


def test_answered_in_another_queue_is_no_answer_in_this_one() -> None:
    """In the gap he went over into another queue and was answered there: how he left the first is not guessed."""
    for members in ({"river": "desk1"}, {"river": "desk1", "brook": "desk1"}):
        script = cut_while_waiting()
        talk = {CALLER: ("line1", "Queue", "river,tk,,,40"), PHONE: ("desk1", "AppQueue", "(Outgoing Line)")}
        script.pbx.resync(roster(script, channels=talk, members=members, bridged=(CALLER, PHONE)), 110.0)
        assert outcomes(script)[0] == ("brook", "unknown", None)


def test_still_waiting_keeps_his_place_in_time() -> None:
    """He stood there all the while: one visit, with the entry that was seen."""
    script = cut_while_waiting()
    script.pbx.resync(
        roster(script, channels={CALLER: ("line1", "Queue", "brook")}, waiting={CALLER: ("brook", 9)}), 110.3
    )
    script.abandons(112.5, "brook")
    (call,) = script.pbx.calls()
    assert [(v.joined_at, v.outcome, v.wait_s) for v in call.visits] == [(101.0, "abandoned", 11.5)]


def test_back_in_the_same_queue_is_a_second_visit() -> None:
    """Answered and sent back in the gap: the lists' wait is too short for the first entry, so it is another."""
    script = cut_while_waiting()
    script.pbx.resync(
        roster(script, channels={CALLER: ("line1", "Queue", "brook")}, waiting={CALLER: ("brook", 2)}), 121.0
    )
    script.abandons(123.0, "brook")
    (call,) = script.pbx.calls()
    assert [(v.joined_at, v.outcome) for v in call.visits] == [(101.0, "unknown"), (119.0, "abandoned")]


@pytest.mark.parametrize(("stamped", "joined"), [(True, 141.0), (False, 150.0)])
def test_who_read_late_learns_the_clock_anew_with_the_lists(stamped: bool, joined: float) -> None:
    """An event that lay unread for 20 s tells a clock that is 20 s slow; waits are reckoned back from the lists' own.

    A PBX whose events carry no times is kept by our own clock throughout.
    """
    script = Script()
    stamp = {"Timestamp": "120.0"} if stamped else {}
    said = Packet.of({"Event": "Newchannel", **stamp, **script.channel(PHONE, "desk1")})
    script.pbx.feed(said, 140.0)
    script.pbx.link_lost(script.pbx.pbx_time(141.0))
    lists = roster(script, channels={CALLER: ("line1", "Queue", "brook")}, waiting={CALLER: ("brook", 5)})
    script.pbx.resync(msgspec.structs.replace(lists, at=146.0), 155.0)
    (call,) = [call for call in script.pbx.calls() if call.id == CALLER]
    assert [visit.joined_at for visit in call.visits] == [joined]


def test_a_call_that_was_closed_too_early_goes_on_as_what_it_was() -> None:
    """Told of again after the lists did not show it: caller, line and beginning stay, and it is marked."""
    script = Script()
    script.arrives(100)
    script.joins(101)
    script.pbx.resync(roster(script, channels={}), 110)
    assert script.pbx.open_calls() == []
    script.say(110.5, "Newchannel", ChannelState="0", Exten="s", Context="desks", **script.channel(PHONE, "desk1"))
    (again,) = script.pbx.open_calls()
    assert (again.id, again.caller, again.dialed, again.started_at) == (CALLER, "13800001111", "4000001313", 100)
    assert again.gap
    assert not again.partial
    assert [visit.queue for visit in again.visits] == ["q"]
    script.say(112, "Hangup", Cause="16", **script.channel(PHONE, "desk1"))
    assert script.pbx.open_calls() == []
    ended = script.pbx.call(CALLER)
    assert ended is not None
    assert ended.ended_at == 112
