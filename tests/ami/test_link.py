"""The link: log in, read the lists, hand on events in order, notice the end, come back."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

import msgspec
import pytest

from cti.ami import inbox as inboxes
from cti.ami.actions import AmiError
from cti.ami.link import Link, LinkState, Pace
from cti.ami.messages import Packet
from tests.ami.clients import QUICK, Ours
from tests.ami.wire import (
    BOOT,
    GUARD,
    Fields,
    ScriptedPbx,
    Site,
    event,
    listing,
    numbered,
    packet,
    saying,
    silence,
)

CANARY = "9f86d081884c7d65"


def once_then(
    first: Callable[[Fields], bytes | None], then: Callable[[Fields], bytes | None]
) -> Callable[[Fields], bytes | None]:
    """Answer differently the first time."""
    asked = 0

    def answer(fields: Fields) -> bytes | None:
        nonlocal asked
        asked += 1
        return (first if asked == 1 else then)(fields)

    return answer


async def test_a_link_reads_the_lists_and_is_live(pbx: ScriptedPbx, ours: Ours) -> None:
    """Connecting, reading, live: each told once, and the lists read in the order that makes them one picture."""
    ours.run(ours.make(pbx, pace=msgspec.structs.replace(QUICK, ping_idle=GUARD * 10, dead_after=GUARD * 20)))
    await ours.until(lambda: ours.link.state.phase == "live")
    assert ours.phases == ["connecting", "resyncing", "live"]
    asked = [fields["Action"] for fields in pbx.received]
    lists = ["CoreStatus", "QueueStatus", "CoreShowChannels", "BridgeList", "Status", "DeviceStateList", "CoreStatus"]
    assert asked == ["Login", *lists, "Ping"]
    assert ours.rosters[0][0].boot == "2026-11-21 18:33:03"
    assert ours.link.version == "11.0.0"


async def test_the_lists_become_a_roster(pbx: ScriptedPbx, ours: Ours) -> None:
    """Items in order, bridges with who is in them; no start, no Complete."""
    pbx.answers["QueueStatus"] = listing(["Event: QueueParams", "Queue: q"], ["Event: QueueEntry", "Uniqueid: 1.1"])
    pbx.answers["BridgeList"] = listing(
        ["Event: BridgeListItem", "BridgeUniqueid: b1"], ["Event: BridgeListItem", "BridgeUniqueid: b2"]
    )
    pbx.answers["BridgeInfo"] = once_then(
        listing(["Event: BridgeInfoChannel", "Uniqueid: 1.2"]), saying("Response: Error", "Message: not found")
    )
    await ours.start(pbx)
    roster = ours.rosters[0][0]
    assert [item.event for item in roster.queue_status] == ["QueueParams", "QueueEntry"]
    assert [(bridge, [(item.event, item.get("Uniqueid")) for item in items]) for bridge, items in roster.bridges] == [
        ("b1", [("BridgeListItem", ""), ("BridgeInfoChannel", "1.2")]),
        ("b2", [("BridgeListItem", "")]),
    ]


async def test_events_during_the_lists_come_with_the_roster(pbx: ScriptedPbx, ours: Ours) -> None:
    """What happens while the lists are read is handed over with them, and not a second time."""
    plain = pbx.answers["QueueStatus"]
    pbx.answers["QueueStatus"] = lambda fields: b"".join(numbered(3)) + (plain(fields) or b"")
    await ours.start(pbx)
    assert [one.get("Number") for one in ours.rosters[0][1] if one.get("Number")] == ["0", "1", "2"]
    assert ours.events == []
    await pbx.say(event("UserEvent", UserEvent="Later"))
    assert [seen["UserEvent"] for seen in ours.events] == ["Later"]


async def test_events_during_a_later_reading_come_with_its_roster(pbx: ScriptedPbx, ours: Ours) -> None:
    """Also while the link is live and the lists are only read again: the core never sees an event before its roster."""
    await ours.start(pbx)
    plain = pbx.answers["QueueStatus"]
    pbx.answers["QueueStatus"] = lambda fields: b"".join(numbered(3)) + (plain(fields) or b"")
    await pbx.say(packet("Event: Hangup", "Privilege: call,all"))
    await ours.until(lambda: len(ours.rosters) == 2)
    assert [one.get("Number") for one in ours.rosters[1][1]] == ["0", "1", "2"]
    assert ours.events == []


async def test_an_account_without_system_has_no_fullybooted(pbx: ScriptedPbx, ours: Ours) -> None:
    """FullyBooted never comes to an account that may not read `system`: the lists decide."""
    pbx.booted = False
    await ours.start(pbx)
    assert ours.link.state.phase == "live"


async def test_lists_that_are_not_there_yet_are_asked_again(pbx: ScriptedPbx, ours: Ours) -> None:
    """While Asterisk starts it lets us in and does not know QueueStatus: no error, ask again."""
    unknown = saying("Response: Error", "Message: Invalid/unknown command: QueueStatus. Use Action: ListCommands")
    pbx.answers["QueueStatus"] = once_then(unknown, pbx.answers["QueueStatus"])
    pbx.booted = False
    await ours.start(pbx)
    assert ours.phases == ["connecting", "resyncing", "live"]
    assert pbx.connections == 1


async def test_an_early_session_that_is_closed_is_tried_again(pbx: ScriptedPbx, ours: Ours) -> None:
    """While Asterisk starts it may answer "Permission denied" and close: come back, quickly."""
    listed = pbx.answers["CoreShowChannels"]

    def early(fields: Fields) -> bytes | None:
        pbx.cut()
        return None

    pbx.answers["CoreShowChannels"] = once_then(early, listed)
    await ours.start(pbx)
    assert ours.phases == ["connecting", "resyncing", "lost", "resyncing", "live"]
    assert len(ours.rosters) == 1


async def test_a_boot_between_two_questions_starts_over(pbx: ScriptedPbx, ours: Ours) -> None:
    """A picture taken over two boots is no picture."""
    other = ("Response: Success", "CoreStartupDate: 2026-11-21", "CoreStartupTime: 19:00:00")
    pbx.answers["CoreStatus"] = once_then(saying(*BOOT), saying(*other))
    await ours.start(pbx)
    assert [roster.boot for roster, _ in ours.rosters] == ["2026-11-21 19:00:00"]
    assert pbx.count("QueueStatus") == 2


async def test_a_missing_right_is_said(pbx: ScriptedPbx, ours: Ours) -> None:
    """A list that is denied to a booted Asterisk's account will be denied tomorrow: said, with what it needs."""
    pbx.answers["CoreShowChannels"] = saying("Response: Error", "Message: Permission denied")
    await ours.start(pbx)
    assert ours.link.state.phase == "refused"
    assert "write=reporting" in ours.link.state.text
    assert ours.rosters == []


async def test_lists_that_may_be_denied_are_done_without(pbx: ScriptedPbx, ours: Ours) -> None:
    """Channel variables and device states are good to have, no more."""
    pbx.answers["Status"] = pbx.answers["DeviceStateList"] = saying("Response: Error", "Message: Permission denied")
    await ours.start(pbx)
    assert ours.link.state.phase == "live"


async def test_a_refused_secret_is_told_in_both_languages(pbx: ScriptedPbx, ours: Ours) -> None:
    """The sentence is for people, and holds no secret."""
    pbx.answers["Login"] = saying("Response: Error", "Message: Authentication failed")
    await ours.start(pbx, secret="wrong-secret")
    state = ours.states[-1]
    assert state.phase == "refused"
    assert "密码" in state.text
    assert "Authentication failed" in state.text_en
    assert "wrong-secret" not in f"{state.text}{state.text_en}"


async def test_a_lost_link_comes_back_and_reads_again(pbx: ScriptedPbx, ours: Ours) -> None:
    """Cut: lost, then the lists again, then live; no event between is invented."""
    await ours.start(pbx)
    pbx.cut()
    await ours.until(lambda: ours.phases.count("live") == 2)
    assert ours.phases == ["connecting", "resyncing", "live", "lost", "resyncing", "live"]
    assert len(ours.rosters) == 2
    assert ours.link.counters()["lost"] == 1


async def test_what_was_said_before_the_end_is_heard_before_the_end(pbx: ScriptedPbx, ours: Ours) -> None:
    """The last events of a connection reach the core before it learns that the link is lost."""
    order: list[str] = []

    def slow(packet: Packet, now: float) -> None:
        order.append(packet.get("Number"))
        time.sleep(0.001)  # so that some still wait when the end comes

    link = Link(
        Site(pbx.port),
        on_packet=slow,
        on_roster=lambda roster, held, now: None,
        on_state=lambda state, now: order.append(state.phase),
        clock=lambda: 0.0,
        pace=QUICK,
    )
    ours.run(link)
    await pbx.until(lambda: pbx.count("CoreStatus") == 2)
    await pbx.flushed(pbx.writer)
    pbx.writer.write(b"".join(numbered(500)) + b"Event: Hangup\r\nUniq")
    pbx.writer.close()
    await pbx.until(lambda: pbx.logins == 2)
    lost = order.index("lost")
    assert order[lost - 500 : lost] == [str(n) for n in range(500)]
    assert link.counters()["truncated"] == 1


async def test_nobody_listening_is_lost_and_tried_again(pbx: ScriptedPbx, ours: Ours) -> None:
    """A port where nobody listens is said once, and tried until somebody does."""
    await pbx.shut()
    ours.run(ours.make(pbx))
    await ours.until(lambda: "lost" in ours.phases)
    await pbx.open_again()
    await ours.until(lambda: "live" in ours.phases)
    assert ours.phases == ["connecting", "lost", "resyncing", "live"]
    assert f"127.0.0.1:{pbx.port}" in ours.told[0]


async def test_a_server_that_is_no_asterisk_is_given_up(pbx: ScriptedPbx, ours: Ours) -> None:
    """A login without an answer ends by time, not never."""
    pbx.answers["Login"] = silence
    ours.run(ours.make(pbx, pace=Pace(login=0.1, retry_first=0.01)))
    await ours.until(lambda: "lost" in ours.phases)
    await pbx.until(lambda: pbx.count("Login") >= 2)


async def test_events_without_the_canary_are_rejected(pbx: ScriptedPbx, ours: Ours) -> None:
    """Where a system name is configured, an event without it is forged: counted, kept aside, never handed on."""
    ours.run(ours.make(pbx, systemname=CANARY))
    await ours.until(lambda: ours.link.state.phase == "live")
    await pbx.say(event("UserEvent", UserEvent="Forged"), event("UserEvent", SystemName=CANARY, UserEvent="True"))
    assert [seen["UserEvent"] for seen in ours.events] == ["True"]
    assert ours.link.counters()["rejected_canary"] == 1
    assert b"Forged" in ours.link.gate.recent[0][1]


@pytest.mark.parametrize(
    "doubtful",
    [
        packet("Event: Hangup", "Privilege: call,all"),
        b"Event: Hangup\r\nChannel: a\r\nUniqueid: 1\r\n\nEvent: Hangup\r\nUniqueid: 2\r\n\r\n",
        b"Event: UserEvent\r\nV: " + b"x" * (2 << 20) + b"\r\n\r\n",
    ],
    ids=["rejected", "two packets in one", "too long"],
)
async def test_doubt_makes_the_lists_be_read_again(pbx: ScriptedPbx, ours: Ours, doubtful: bytes) -> None:
    """Where something was lost or not believed, the lists tell the truth; the link stays live meanwhile."""
    await ours.start(pbx)
    await pbx.say(doubtful)
    await ours.until(lambda: len(ours.rosters) == 2)
    assert ours.phases == ["connecting", "resyncing", "live", "live"]


async def test_doubt_is_no_way_to_keep_us_reading(pbx: ScriptedPbx, ours: Ours) -> None:
    """Whoever sends forged events all day makes the lists be read now and then, not all day."""
    ours.run(ours.make(pbx, pace=Pace(audit_every=30.0, boot_wait=0.05)))
    await ours.until(lambda: ours.link.state.phase == "live")
    for _ in range(50):
        await pbx.say(packet("Event: Hangup", "Privilege: call,all"))
    assert ours.link.counters()["rejected_keys"] == 50
    assert len(ours.rosters) == 1


async def test_a_callback_that_raises_makes_the_lists_be_read_again(pbx: ScriptedPbx, ours: Ours) -> None:
    """The core missed an event: what it should know is read from the lists."""
    await ours.start(pbx)
    ours.breaks_on = "0"
    await pbx.say(*numbered(2))
    await ours.until(lambda: len(ours.rosters) == 2)
    assert [seen["Number"] for seen in ours.events] == ["0", "1"]
    assert ours.link.counters()["callback_errors"] == 1


async def test_a_roster_that_cannot_be_taken_in_is_not_live(pbx: ScriptedPbx, ours: Ours) -> None:
    """Readiness is honest: no live link whose picture nobody has."""
    failures = 2

    def broken(roster: object, held: object, now: float) -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise RuntimeError("the core is wrong")

    told: list[str] = []

    def state(told_state: LinkState, now: float) -> None:
        told.append(told_state.phase)

    link = Link(
        Site(pbx.port), on_packet=lambda p, n: None, on_roster=broken, on_state=state, clock=lambda: 0.0, pace=QUICK
    )
    ours.run(link)
    await pbx.until(lambda: pbx.count("QueueStatus") == 2)
    assert told[-1] == "resyncing"
    await pbx.until(lambda: pbx.count("CoreStatus") == 6)
    await pbx.flushed(pbx.writer)
    assert told[-1] == "live"


async def test_more_than_can_be_kept_starts_over(pbx: ScriptedPbx, ours: Ours, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events without end while the lists are read: bounded, counted, and begun again."""
    monkeypatch.setattr(inboxes, "MAX_HELD", 100)
    plain = pbx.answers["QueueStatus"]
    pbx.answers["QueueStatus"] = once_then(lambda fields: b"".join(numbered(200)), plain)
    await ours.start(pbx)
    assert ours.link.counters()["overruns"] == 1
    assert pbx.connections == 2


async def test_a_booted_told_late_makes_the_lists_be_read_at_once(pbx: ScriptedPbx, ours: Ours) -> None:
    """Logged in before Asterisk was ready: what it listed then may have been half of it."""
    pbx.booted = False
    ours.run(ours.make(pbx, pace=Pace(audit_every=30.0, boot_wait=0.02)))
    await ours.until(lambda: ours.link.state.phase == "live")
    await pbx.say(packet("Event: FullyBooted", "Privilege: system,all", "Status: Fully Booted"))
    await ours.until(lambda: len(ours.rosters) == 2)


async def test_actions_give_their_whole_answer(pbx: ScriptedPbx, ours: Ours) -> None:
    """A response, or the response with every item of the list and its end."""
    await ours.start(pbx)
    pbx.answers["QueueStatus"] = listing(["Event: QueueParams", "Queue: q"])
    names = [one.event for one in await ours.link.action("QueueStatus", {})]
    assert names == ["", "QueueParams", "QueueStatusComplete"]
    assert [one.get("Ping") for one in await ours.link.action("Ping", {})] == ["Pong"]


async def test_events_between_the_items_of_a_list_are_events(pbx: ScriptedPbx, ours: Ours) -> None:
    """Only what carries our ActionID belongs to the list."""
    await ours.start(pbx)

    def mixed(fields: Fields) -> bytes:
        told = listing(["Event: QueueParams", "Queue: q"])(fields) or b""
        head, _, rest = told.partition(b"\r\n\r\n")
        forged = packet("Event: QueueParams", "ActionID: 1", "Queue: forged")
        return head + b"\r\n\r\n" + next(numbered(1)) + forged + rest

    pbx.answers["QueueStatus"] = mixed
    answer = await ours.link.action("QueueStatus", {})
    assert [one.get("Queue") for one in answer if one.event == "QueueParams"] == ["q"]
    assert [seen.get("Number") for seen in ours.events if "Number" in seen] == ["0"]


async def test_asterisks_error_is_permanent_with_its_own_words(pbx: ScriptedPbx, ours: Ours) -> None:
    """An Error response is raised with Asterisk's sentence, and would be the same again."""
    await ours.start(pbx)
    pbx.answers["QueuePause"] = saying("Response: Error", "Message: Interface not found")
    with pytest.raises(AmiError, match="Interface not found") as error:
        await ours.link.action("QueuePause", {"Interface": "PJSIP/7777", "Paused": "true"})
    assert error.value.permanent


async def test_an_answer_that_comes_too_late_is_nobodys_event(pbx: ScriptedPbx, ours: Ours) -> None:
    """Items of a list that was given up do not reach the core as if they were news."""
    await ours.start(pbx)
    kept: list[Fields] = []

    def late(fields: Fields) -> None:
        kept.append(fields)

    pbx.answers["DeviceStateList"] = late
    with pytest.raises(AmiError) as error:
        await ours.link.action("DeviceStateList", {}, timeout=0.05)
    assert not error.value.permanent
    await pbx.until(lambda: bool(kept))
    answer = listing(["Event: DeviceStateChange", "Device: PJSIP/1", "State: INUSE"])(kept[0]) or b""
    await pbx.say(answer, *numbered(1))
    assert [seen["Event"] for seen in ours.events] == ["UserEvent"]


async def originated(pbx: ScriptedPbx) -> str:
    """The ActionID of the Originate that came; a Ping may have come after it."""
    await pbx.until(lambda: pbx.count("Originate") == 1)
    return next(fields["ActionID"] for fields in pbx.received if fields["Action"] == "Originate")


async def test_originate_response_is_an_event(pbx: ScriptedPbx, ours: Ours) -> None:
    """It carries our ActionID, but comes long after the answer: the core is told."""
    await ours.start(pbx)
    pbx.answers["Originate"] = saying("Response: Success", "Message: Originate successfully queued")
    call = {
        "Channel": "PJSIP/1",
        "Context": "cti-spy",
        "Exten": "1",
        "Priority": "1",
        "ChannelId": "x",
        "Async": "true",
    }
    await ours.link.action("Originate", call)
    action_id = await originated(pbx)
    await pbx.say(
        packet("Event: OriginateResponse", "Privilege: call,all", f"ActionID: {action_id}", "Response: Failure")
    )
    assert [seen["Event"] for seen in ours.events] == ["OriginateResponse"]


async def test_originate_response_is_an_event_even_when_the_answer_never_came(pbx: ScriptedPbx, ours: Ours) -> None:
    """The action was given up, and the phone rings all the same: that must not be overheard."""
    await ours.start(pbx)
    pbx.answers["Originate"] = silence
    call = {
        "Channel": "PJSIP/1",
        "Context": "cti-spy",
        "Exten": "1",
        "Priority": "1",
        "ChannelId": "x",
        "Async": "true",
    }
    with pytest.raises(AmiError):
        await ours.link.action("Originate", call, timeout=0.05)
    action_id = await originated(pbx)
    await pbx.say(packet("Event: OriginateResponse", "Privilege: call,all", f"ActionID: {action_id}", "Uniqueid: x"))
    assert [seen["Event"] for seen in ours.events] == ["OriginateResponse"]


async def test_no_action_without_a_link(pbx: ScriptedPbx, ours: Ours) -> None:
    """Before the login, and while the link is lost, an action fails at once and is not kept for later."""
    link = ours.make(pbx)
    with pytest.raises(AmiError, match="no link"):
        await link.action("Ping", {})
    ours.run(link)
    await ours.until(lambda: link.state.phase == "live")
    await pbx.shut()
    await ours.until(lambda: link.state.phase == "lost")
    with pytest.raises(AmiError, match="no link"):
        await link.action("Ping", {})


async def test_an_idle_link_asks_whether_the_other_side_is_there(pbx: ScriptedPbx, ours: Ours) -> None:
    """Silence is answered with a Ping, and answered Pings keep the link."""
    await ours.start(pbx)
    await pbx.until(lambda: pbx.count("Ping") >= 4)
    assert ours.phases == ["connecting", "resyncing", "live"]


async def test_a_loop_that_stood_still_reads_before_it_judges(pbx: ScriptedPbx, ours: Ours) -> None:
    """We were stopped for a while, not the PBX: what lies in the kernel counts as being heard."""
    await ours.start(pbx)
    time.sleep(QUICK.dead_after * 2)  # noqa: ASYNC251 - the stall is what is tested
    await pbx.until(lambda: pbx.count("Ping") >= 1)
    await pbx.say(*numbered(1))
    assert ours.phases == ["connecting", "resyncing", "live"]


def test_reconnects_are_spread() -> None:
    """Full jitter from a quarter of a second up to five: many daemons do not come back in step."""
    link = Link.__new__(Link)
    link._pace, link._rng = Pace(), random.Random(1)
    link.state = LinkState("lost", "", "")
    for attempt in range(12):
        drawn = [link._pause(attempt) for _ in range(500)]
        bound = min(5.0, 0.25 * 2**attempt)
        assert max(drawn) <= bound
        assert min(drawn) < bound * 0.05
        assert max(drawn) > bound * 0.95


async def test_cancelled_is_closed(pbx: ScriptedPbx, ours: Ours) -> None:
    """Stopping the link closes its connection and leaves no task behind."""
    await ours.start(pbx)
    others = asyncio.all_tasks()
    await ours.stop()
    left = asyncio.all_tasks() - others
    assert not left
    with pytest.raises(AmiError):
        await ours.link.action("Ping", {})
