"""What the service may rely on in any PBX it is given.

The same tests run against the replayed PBX of the demonstration and against a real Asterisk: what the first promises,
the second keeps.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.asterisk.console import Console, Headers
from tests.contract.conftest import PbxUnderTest, Story

pytestmark = pytest.mark.asyncio(loop_scope="module")

STORIES: tuple[Story, ...] = ("answered", "abandoned")
LISTS = {
    "QueueStatus": "QueueStatusComplete",
    "CoreShowChannels": "CoreShowChannelsComplete",
    "BridgeList": "BridgeListComplete",
    "Status": "StatusComplete",
    "DeviceStateList": "DeviceStateListComplete",
}
CHANNEL = {
    *("Channel", "ChannelState", "ChannelStateDesc", "CallerIDNum", "CallerIDName", "ConnectedLineNum"),
    *("ConnectedLineName", "Language", "AccountCode", "Context", "Exten", "Priority", "Uniqueid", "Linkedid"),
}
CALLER = {*CHANNEL, "Queue"}
AGENT = {*CALLER, "MemberName", "Interface", "DestChannel", "DestUniqueid", "DestLinkedid"}
KEYS = {
    "Newchannel": CHANNEL,
    "Newstate": CHANNEL,
    "QueueCallerJoin": {*CALLER, "Position", "Count"},
    "QueueCallerLeave": {*CALLER, "Position", "Count"},
    "QueueCallerAbandon": {*CALLER, "Position", "OriginalPosition", "HoldTime"},
    "AgentCalled": AGENT,
    "AgentConnect": {*AGENT, "RingTime", "HoldTime"},
    "AgentComplete": {*AGENT, "HoldTime", "TalkTime", "Reason"},
    "DialBegin": {*CHANNEL, "DestChannel", "DestUniqueid", "DialString"},
    "DialEnd": {*CHANNEL, "DestChannel", "DestUniqueid", "DialStatus"},
    "BridgeEnter": {*CHANNEL, "BridgeUniqueid", "BridgeNumChannels"},
    "BridgeLeave": {*CHANNEL, "BridgeUniqueid", "BridgeNumChannels"},
    "Hangup": {*CHANNEL, "Cause", "Cause-txt"},
    "QueueMemberStatus": {
        *("Queue", "MemberName", "Interface", "StateInterface", "Membership", "Penalty", "CallsTaken", "LastCall"),
        *("LastPause", "LoginTime", "InCall", "Status", "Paused", "PausedReason", "Ringinuse", "Wrapuptime"),
    },
}
QUEUE_MEMBER = {
    *("Queue", "Name", "Location", "StateInterface", "Membership", "Penalty", "CallsTaken", "LastCall", "LastPause"),
    *("LoginTime", "InCall", "Status", "Paused", "PausedReason", "Wrapuptime"),
}


@dataclass
class Told:
    """The events of one call, and the Uniqueid of the caller's channel."""

    events: list[Headers]
    caller: str


@pytest_asyncio.fixture(loop_scope="module")
async def console(pbx: PbxUnderTest) -> AsyncIterator[Console]:
    """A session of the service's own account that hears everything the account may."""
    made = await Console(pbx.port, pbx.secret, user=pbx.username).open_booted()
    yield made
    await made.close()


def _text(headers: Headers, key: str) -> str:
    value = headers[key]
    assert isinstance(value, str), f"{key} is repeated"
    return value


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def calls(pbx: PbxUnderTest) -> dict[str, Told]:
    """One call of each story as the service's account heard it, from its first event until all phones are idle."""
    console = await Console(pbx.port, pbx.secret, user=pbx.username).open_booted()
    told: dict[str, Told] = {}
    for story in STORIES:
        since = len(console.events)
        await pbx.place_call(story)
        called = next(event for event in console.events[since:] if event["Event"] == "AgentCalled")
        caller = _text(called, "Uniqueid")
        await console.until("Hangup", since=since, Uniqueid=caller)
        rang = len(console.events) - console.events[::-1].index(called)
        phone, queue = _text(called, "Interface"), _text(called, "Queue")
        await console.until("QueueMemberStatus", since=rang, Interface=phone, Queue=queue, Status="1", InCall="0")
        told[story] = Told(console.events[since:], caller)
    await console.close()
    return told


async def test_the_banner_comes_first(pbx: PbxUnderTest) -> None:
    """One line, ended with CR LF, before anything was asked."""
    reader, writer = await asyncio.open_connection(pbx.host, pbx.port)
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n"), 10)).startswith(b"Asterisk Call Manager/")
    writer.close()


async def test_nothing_is_told_before_the_login(pbx: PbxUnderTest) -> None:
    """An action without a login is denied."""
    reader, writer = await asyncio.open_connection(pbx.host, pbx.port)
    writer.write(b"Action: QueueStatus\r\nActionID: x\r\n\r\n")
    said = b""
    while b"\r\n\r\n" not in said:
        piece = await asyncio.wait_for(reader.read(4096), 10)
        assert piece, said
        said += piece
    assert b"Response: Error" in said
    assert b"Permission denied" in said
    writer.close()


async def test_a_wrong_secret_is_refused_and_the_session_closed(pbx: PbxUnderTest) -> None:
    """ "Authentication failed", and then the end."""
    wrong = Console(pbx.port, pbx.secret + "x", user=pbx.username)
    with pytest.raises(PermissionError, match="Authentication failed"):
        await wrong.open()
    await asyncio.wait_for(wrong.gone.wait(), 10)
    await wrong.close()


async def test_fullybooted_follows_the_login(pbx: PbxUnderTest, console: Console) -> None:
    """To an account that may read `system`, right after the login's answer."""
    booted = await console.until("FullyBooted")
    assert booted["Status"] == "Fully Booted"
    assert console.events[0] is booted


async def test_an_unknown_action_is_an_error(pbx: PbxUnderTest, console: Console) -> None:
    """With our ActionID, and the session goes on."""
    (answer,) = await console.act("NoSuchAction", ActionID="unknown-1")
    assert answer["Response"] == "Error"
    assert answer["ActionID"] == "unknown-1"
    assert _text(answer, "Message").startswith("Invalid/unknown command")
    assert (await console.act("Ping"))[0]["Ping"] == "Pong"


async def test_the_account_may_not_run_commands(pbx: PbxUnderTest, console: Console) -> None:
    """What the shipped account has no right to is denied."""
    for name, fields in (("Command", {"Command": "core show version"}),):
        (answer,) = await console.act(name, **fields)
        assert answer["Response"] == "Error", name
        assert answer["Message"] == "Permission denied", name


async def test_the_account_is_told_what_it_may_do(pbx: PbxUnderTest, console: Console) -> None:
    """ListCommands names what this account may use: every list, queue members, and nothing of the configuration."""
    (answer,) = await console.act("ListCommands")
    assert answer.keys() >= {*LISTS, "BridgeInfo", "CoreStatus", "Ping"}
    assert answer.keys() >= {"QueueAdd", "QueueRemove", "QueuePause", "QueuePenalty", "QueueChangePriorityCaller"}
    assert not answer.keys() & {"Command", "UpdateConfig", "GetConfig", "ModuleLoad"}


async def test_members_come_change_and_go_in_events(pbx: PbxUnderTest, console: Console) -> None:
    """Added, given another penalty, removed: an event each, of one login time; what makes no sense is an error."""
    answer = await console.act("QueueStatus", "QueueStatusComplete")
    items = [item for item in answer if item.get("Event") == "QueueMember"]
    mine = {_text(item, "Queue") for item in items if item["Location"] == pbx.member}
    queue = next(queue for queue in sorted({_text(item, "Queue") for item in items}) if queue not in mine)
    row = {"Queue": queue, "Interface": pbx.member}
    since = len(console.events)
    told = []
    for action, fields, event in (
        ("QueueAdd", {"Penalty": "2", "MemberName": "A", "StateInterface": pbx.member}, "QueueMemberAdded"),
        ("QueuePenalty", {"Penalty": "5"}, "QueueMemberPenalty"),
        ("QueueRemove", {}, "QueueMemberRemoved"),
    ):
        (answered,) = await console.act(action, **row, **fields)
        assert answered["Response"] == "Success"
        told.append(await console.until(event, since=since, Queue=queue, Interface=pbx.member))
    assert [event["Penalty"] for event in told] == ["2", "5", "5"]
    assert {event["Membership"] for event in told} == {"dynamic"}
    assert len({event["LoginTime"] for event in told}) == 1
    for action, fields, words in (
        ("QueueRemove", row, "Not there"),
        ("QueueAdd", {**row, "Queue": sorted(mine)[0]}, "Already there"),
        ("QueueRemove", {**row, "Queue": sorted(mine)[0]}, "not dynamic"),
    ):
        (answered,) = await console.act(action, **fields)
        assert answered["Response"] == "Error"
        assert words in _text(answered, "Message")


async def test_core_status_names_the_boot(pbx: PbxUnderTest, console: Console) -> None:
    """The same as long as the PBX runs."""
    first, second = [(await console.act("CoreStatus"))[0] for _ in range(2)]
    for key in ("CoreStartupDate", "CoreStartupTime"):
        assert first[key] == second[key] != ""


@pytest.mark.parametrize("name", list(LISTS))
async def test_a_list_begins_ends_and_carries_our_id(pbx: PbxUnderTest, console: Console, name: str) -> None:
    """Start, items and Complete carry the ActionID, the count is right, and no event stands between them."""
    since = len(console.events)
    answer = await console.act(name, LISTS[name], ActionID=f"list-{name}")
    assert answer[0]["Response"] == "Success"
    assert _text(answer[0], "EventList").lower() == "start"
    assert {item["ActionID"] for item in answer} == {f"list-{name}"}
    assert answer[-1]["Event"] == LISTS[name]
    assert answer[-1]["EventList"] == "Complete"
    assert answer[-1]["ListItems"] == str(len(answer) - 2)
    told = console.events[since:]
    first = next(n for n, event in enumerate(told) if event.get("ActionID") == f"list-{name}")
    assert [event.get("ActionID") for event in told[first:]][: len(answer) - 1] == [f"list-{name}"] * (len(answer) - 1)


async def test_queue_status_tells_queues_and_members(pbx: PbxUnderTest, console: Console) -> None:
    """Each queue's figures, then its members, with all that is needed to know who is where."""
    answer = await console.act("QueueStatus", "QueueStatusComplete")
    queues = {_text(item, "Queue") for item in answer if item.get("Event") == "QueueParams"}
    members = [item for item in answer if item.get("Event") == "QueueMember"]
    assert len(queues) >= 3
    assert all(item.keys() >= QUEUE_MEMBER for item in members)
    assert pbx.member in {item["Location"] for item in members}


async def test_a_bridge_that_is_not_there_is_an_error(pbx: PbxUnderTest, console: Console) -> None:
    """BridgeInfo of a bridge that has gone."""
    (answer,) = await console.act("BridgeInfo", BridgeUniqueid="no-such-bridge")
    assert answer["Response"] == "Error"


async def test_an_answered_call_tells_its_story_in_order(calls: dict[str, Told]) -> None:
    """Channel, queue, phone, leave, connect, bridge, complete, hang-up: the order the core relies on."""
    events = calls["answered"].events
    told = [event["Event"] for event in events]
    spine = [
        "Newchannel",
        "QueueCallerJoin",
        "AgentCalled",
        "DialBegin",
        "QueueCallerLeave",
        "AgentConnect",
        "BridgeEnter",
    ]
    places = [told.index(name) for name in spine]
    assert places == sorted(places)
    assert told.count("QueueCallerJoin") == told.count("QueueCallerLeave") == told.count("AgentConnect") == 1
    assert "QueueCallerAbandon" not in told
    assert told.index("AgentComplete") < max(n for n, name in enumerate(told) if name == "Hangup")
    assert told.count("BridgeEnter") == told.count("BridgeLeave") == 2


async def test_an_abandoned_call_tells_its_story_in_order(calls: dict[str, Told]) -> None:
    """Abandon, then leave, then the caller's hang-up; no connect and no bridge."""
    events, caller = calls["abandoned"].events, calls["abandoned"].caller
    told = [event["Event"] for event in events]
    places = [told.index(name) for name in ("QueueCallerJoin", "AgentCalled", "QueueCallerAbandon", "QueueCallerLeave")]
    places.append(next(n for n, e in enumerate(events) if e["Event"] == "Hangup" and e["Uniqueid"] == caller))
    assert places == sorted(places)
    assert not {"AgentConnect", "BridgeEnter"} & set(told)


@pytest.mark.parametrize("story", STORIES)
async def test_events_carry_their_keys(calls: dict[str, Told], story: str) -> None:
    """Every event the core reads has the headers it reads, a class, and the PBX's own time stamp."""
    events = calls[story].events
    seen = set()
    stamps = []
    for event in events:
        name = _text(event, "Event")
        assert "," in _text(event, "Privilege"), name
        stamps.append(float(_text(event, "Timestamp")))
        assert event.keys() >= KEYS.get(name, set()), (name, KEYS[name] - event.keys())
        seen.add(name)
    assert max(stamps) - min(stamps) < 60
    common = {"Newchannel", "QueueCallerJoin", "QueueCallerLeave", "AgentCalled", "DialBegin", "DialEnd", "Hangup"}
    assert seen >= common


async def test_ids_hold_a_call_together(calls: dict[str, Told]) -> None:
    """The caller's channel is the first of its call: its Linkedid is its Uniqueid, and the phone's leg has it too."""
    events, caller = calls["answered"].events, calls["answered"].caller
    own = [event for event in events if event.get("Uniqueid") == caller]
    assert {event["Linkedid"] for event in own} == {caller}
    assert len({event["Channel"] for event in own}) == 1
    called = next(event for event in events if event["Event"] == "AgentCalled")
    connected = next(event for event in events if event["Event"] == "AgentConnect")
    assert called["DestLinkedid"] == connected["DestLinkedid"] == caller
    entered = {event["Uniqueid"] for event in events if event["Event"] == "BridgeEnter"}
    assert entered == {caller, connected["DestUniqueid"]}
    born = {event["Uniqueid"] for event in events if event["Event"] == "Newchannel"}
    gone = {event["Uniqueid"] for event in events if event["Event"] == "Hangup"}
    assert born == gone


async def test_the_line_dialled_stands_on_the_first_channel(calls: dict[str, Told]) -> None:
    """Exten of Newchannel is the number dialled; at QueueCallerJoin it no longer is."""
    events, caller = calls["answered"].events, calls["answered"].caller
    first = next(event for event in events if event["Event"] == "Newchannel")
    assert first["Uniqueid"] == caller
    assert _text(first, "Exten").isdigit()
    join = next(event for event in events if event["Event"] == "QueueCallerJoin")
    assert join["Exten"] != first["Exten"]


async def test_a_member_rings_talks_and_is_idle_again(calls: dict[str, Told]) -> None:
    """Device states 6, 2, 1; InCall, where it is told in time at all, in the queue whose call it is alone."""
    events = calls["answered"].events
    connected = next(event for event in events if event["Event"] == "AgentConnect")
    interface, queue = connected["Interface"], connected["Queue"]
    own = [event for event in events if event["Event"] == "QueueMemberStatus" and event["Interface"] == interface]
    here = [_text(event, "Status") for event in own if event["Queue"] == queue]
    assert [status for n, status in enumerate(here) if n == 0 or here[n - 1] != status] == ["6", "2", "1"]
    assert {event["InCall"] for event in own if event["Queue"] != queue} <= {"0"}


async def test_a_call_in_progress_stands_in_the_lists(pbx: PbxUnderTest, console: Console) -> None:
    """While a caller waits he is a QueueEntry; while he talks his bridge has both of them; after it nothing is left."""
    since = len(console.events)
    calling = asyncio.create_task(pbx.place_call("answered"))
    join = await console.until("QueueCallerJoin", since=since)
    caller = _text(join, "Uniqueid")
    waiting = await console.act("QueueStatus", "QueueStatusComplete")
    entries = [item for item in waiting if item.get("Event") == "QueueEntry"]
    assert [(item["Uniqueid"], item["Position"], item["Queue"]) for item in entries] == [(caller, "1", join["Queue"])]
    await console.until("AgentConnect", since=since, Uniqueid=caller)
    entered = await console.until("BridgeEnter", since=since, Uniqueid=caller)
    bridge = _text(entered, "BridgeUniqueid")
    info = await console.act("BridgeInfo", "BridgeInfoComplete", BridgeUniqueid=bridge)
    assert {item["Linkedid"] for item in info if item.get("Event") == "BridgeInfoChannel"} == {caller}
    assert sum(item.get("Event") == "BridgeInfoChannel" for item in info) == 2
    channels = await console.act("CoreShowChannels", "CoreShowChannelsComplete")
    own = next(item for item in channels if item.get("Uniqueid") == caller)
    assert (own["Application"], own["BridgeId"]) == ("Queue", bridge)
    assert _text(own, "ApplicationData").startswith(_text(join, "Queue"))
    status = await console.act("Status", "StatusComplete", Variables="QUEUENAME")
    assert any(item.get("Uniqueid") == caller and item.get("BridgeID") == bridge for item in status)
    await calling
    await console.until("Hangup", since=since, Uniqueid=caller)
    left = await console.act("CoreShowChannels", "CoreShowChannelsComplete")
    assert caller not in {item.get("Uniqueid") for item in left}


async def test_only_the_classes_asked_for_are_told(pbx: PbxUnderTest, console: Console) -> None:
    """A session may ask for some classes, or for none."""
    agents = await Console(pbx.port, pbx.secret, user=pbx.username, classes="agent").open()
    silent = await Console(pbx.port, pbx.secret, user=pbx.username, classes="off").open()
    await pbx.place_call("abandoned")
    assert (await agents.act("Ping"))[0]["Ping"] == "Pong"
    told = {event["Event"] for event in agents.events}
    assert {"QueueCallerJoin", "AgentCalled", "QueueMemberStatus"} <= told
    assert not {"Newchannel", "Hangup", "DialBegin"} & told
    assert (await silent.act("Ping"))[0]["Ping"] == "Pong"
    assert silent.events == []
    await agents.close()
    await silent.close()


async def test_logoff_says_goodbye_and_closes(pbx: PbxUnderTest) -> None:
    """And the other sessions stay."""
    leaving = await Console(pbx.port, pbx.secret, user=pbx.username).open()
    (answer,) = await leaving.act("Logoff")
    assert answer["Response"] == "Goodbye"
    await asyncio.wait_for(leaving.gone.wait(), 10)
    await leaving.close()
