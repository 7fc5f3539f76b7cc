"""What config/asterisk promises a site, asked of a real Asterisk that runs on it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from cti.ami.actions import ALLOWED
from tests.asterisk.compare import differences
from tests.asterisk.console import Console
from tests.asterisk.service import Service
from tests.asterisk.site import Site
from tests.asterisk.stage import Stage, open_stage, pause
from tests.asterisk.truth import read_books, truth_of

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]

CANARY = "5e3f9a61c0d24b7e"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    """An Asterisk with a secret systemname, its phones and a session that may do everything."""
    async with open_stage(Site(systemname=CANARY)) as stage:
        yield stage


async def account(stage: Stage) -> Console:
    """A session of the account that config/asterisk gives the service."""
    pbx = stage.pbx
    return await Console(pbx.ami_port, pbx.site.secret, user="thirteen").open_booted()


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("Command", {"Command": "core show channels"}),
        ("GetConfig", {"Filename": "manager.conf"}),
        ("UpdateConfig", {"SrcFilename": "queues.conf", "DstFilename": "queues.conf"}),
        ("ModuleLoad", {"LoadType": "reload"}),
        ("DBPut", {"Family": "a", "Key": "b", "Val": "c"}),
        ("UserEvent", {"UserEvent": "Overflow"}),
    ],
)
async def test_the_account_changes_neither_configuration_nor_files(
    stage: Stage, action: str, fields: dict[str, str]
) -> None:
    """The shipped manager account runs no command, reads and writes no configuration, loads nothing, forges nothing."""
    session = await account(stage)
    (answer,) = await session.act(action, **fields)
    await session.close()
    assert answer["Response"] == "Error"
    assert "ermission denied" in str(answer["Message"])


async def test_the_account_permits_every_action_that_the_service_sends(stage: Stage) -> None:
    """Whatever is on the service's own list is permitted: no supervisor meets a refusal on the shipped files."""
    session = await account(stage)
    (answer,) = await session.act("ListCommands")
    await session.close()
    assert set(ALLOWED) - {"Login"} <= answer.keys()


async def test_the_account_may_read_all_lists_of_a_resync(stage: Stage) -> None:
    """CoreStatus, QueueStatus, CoreShowChannels, Status, DeviceStateList, BridgeList and BridgeInfo are answered."""
    session = await account(stage)
    for action, until in {
        "CoreStatus": "",
        "QueueStatus": "QueueStatusComplete",
        "CoreShowChannels": "CoreShowChannelsComplete",
        "Status": "StatusComplete",
        "DeviceStateList": "DeviceStateListComplete",
        "BridgeList": "BridgeListComplete",
    }.items():
        answer = await session.act(action, until)
        assert answer[0]["Response"] == "Success", action
    await session.close()


async def test_noise_is_dropped_at_the_source_and_nothing_else(stage: Stage) -> None:
    """The event filter takes music, variables and dialplan steps away; calls, agents and UserEvents come, stamped."""
    session = await account(stage)
    caller = await stage.call(keys="3", number="13800138000")
    agent = await stage.taken(0, 1, 2, 7, after=0.3)
    await agent.hold()
    await agent.resume()
    await caller.hang_up()
    await stage.clear()
    for last in ("AgentComplete", "BridgeLeave", "Hangup"):  # the other session is told in its own time
        await session.until(last)
    events = session.events[1:]
    await session.close()
    names = {str(event["Event"]) for event in events}
    assert not names & {"MusicOnHoldStart", "VarSet", "Newexten", "RTCPSent", "HangupRequest", "TestEvent"}
    assert names >= {
        *("Newchannel", "Newstate", "UserEvent", "QueueCallerJoin", "AgentCalled", "AgentConnect", "AgentComplete"),
        *("DialBegin", "DialEnd", "BridgeEnter", "BridgeLeave", "Hold", "Unhold", "Hangup", "QueueMemberStatus"),
    }
    assert all("Timestamp" in event for event in events)
    assert all(event["SystemName"] == CANARY for event in events)
    choice = next(event for event in events if event["Event"] == "UserEvent")
    assert (choice["UserEvent"], choice["Choice"]) == ("IvrChoice", "3")


FORGED = "%0d%0a%0d%0aEvent%3a%20AgentConnect%0d%0aQueue%3a%20europe%0d%0aUniqueid%3a%20999.9%0d%0a%0d%0a"
HOSTILE = {
    "line ends in the number": ("139" + FORGED + "0001", None, "139"),
    "a queue_log line in the number": ("139%0a1%7c9.9%7ceurope%7cNONE%7cENTERQUEUE%7c%7c1%7c1%0a", None, "139"),
    "markup in the name": ("13900010002", "<script>alert(1)</script>", "13900010002"),
    "an event in the name": ("13900010003", "x Event: Hangup", "13900010003"),
    "a filter's word in the name": ("13900010004", "Event: VarSet", "13900010004"),
    "SQL in the number": ("139'--%25_", None, "139"),
    "separators in the name": ("13900010005", "a|b,c;d", "13900010005"),
}


@pytest.mark.parametrize("attack", HOSTILE)
async def test_what_a_caller_sends_stays_text(stage: Stage, attack: str) -> None:
    """Whatever stands in number or name: queue events and queue_log are clean, and the call is logged right."""
    number, name, begins = HOSTILE[attack]
    pbx = stage.pbx
    since = pbx.bookmark()
    session = await account(stage)
    async with Service(pbx) as service:
        before = {call.id for call in await service.log()}
        caller = await stage.call(stage.names.europe, number=number, name=name)
        await stage.taken(0, 1, 2, 7, after=0.3)
        await pause(0.5)
        await caller.hang_up()
        await stage.clear()
        calls = [call for call in await service.calls() if call.id not in before]
        forged = sum(service.app.link.gate.rejected.values())
    assert bool(forged) == (FORGED in number), "a forged event was let in, or a genuine one kept out"
    await pause(0.2)
    log, events = read_books(*pbx.books(since))
    heard = [e for e in session.events if str(e["Event"]).startswith(("Queue", "Agent")) and "SystemName" in e]
    await session.close()
    assert all(line.unique.startswith(CANARY) for line in log)
    assert [line.verb for line in log] == ["ENTERQUEUE", "CONNECT", "COMPLETECALLER"]
    assert {e["CallerIDNum"] for e in heard if e["Event"] == "QueueCallerJoin"} == {log[0].data[1]}
    assert log[0].data[1].startswith(begins)
    assert all("\n" not in str(value) and "\r" not in str(value) for event in heard for value in event.values())
    (truth,) = truth_of(log, events, stage.names.trunk)
    assert len(calls) == 1
    assert [v.outcome for v in calls[0].visits] == ["answered"]
    truth.caller = calls[0].caller or ""  # before the cleaning the PBX itself shows the raw number
    assert calls[0].dialed in {truth.dialed, None}  # None: the call's first event was torn before it says so
    truth.dialed = calls[0].dialed or ""
    assert differences([truth], calls) == []


@pytest.mark.parametrize("name", ["王先生", "Łukasz Ó Briain", "🚢 船务", 'a "b" c'])
async def test_names_in_any_script_pass_the_cleaning(stage: Stage, name: str) -> None:
    """The filter takes control characters out of a name, nothing else."""
    stage.console.events.clear()
    caller = await stage.call(stage.names.europe, name=name.replace('"', '\\"'))
    joined = await stage.joined(stage.names.europe)
    await caller.hang_up()
    await stage.clear()
    assert str(joined["CallerIDName"]).replace("\\", "") == name
