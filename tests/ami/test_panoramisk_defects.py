"""What stock panoramisk 1.4 does wrong, and the link must not.

Every test runs twice. For the link the promise must hold; for stock panoramisk it must be seen to break, which shows
that the test can fail at all.
"""

from __future__ import annotations

import asyncio
import copy
import time
from typing import Any

import pytest
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message

from cti.ami.framing import Framer
from cti.ami.messages import Packet
from tests.ami.clients import Client, Ours, Stock
from tests.ami.wire import GUARD, ScriptedPbx, event, numbered, packet, saying, silence

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def judge(client: Client, *, holds: bool) -> None:
    """The promise holds for ours, and only for ours."""
    assert holds is client.repaired


async def _marker(pbx: ScriptedPbx, client: Client) -> None:
    """Everything said before has arrived when this has."""
    await pbx.say(event("UserEvent", UserEvent="Marker", Number="last"))
    await client.until(lambda: bool(client.events) and client.events[-1].get("UserEvent") == "Marker")


async def test_a_character_cut_in_two_arrives_whole(pbx: ScriptedPbx, client: Client) -> None:
    """A UTF-8 character split over two reads is not lost."""
    await client.start(pbx)
    raw = event("Newchannel", Channel="PJSIP/t-1", CallerIDName="张三先生", Uniqueid="1.1", Linkedid="1.1")
    cut = raw.index("三".encode()) + 1
    await pbx.say(raw[:cut], raw[cut:])
    await _marker(pbx, client)
    names = [seen["CallerIDName"] for seen in client.events if seen["Event"] == "Newchannel"]
    judge(client, holds=names == ["张三先生"])


async def test_a_name_in_gb18030_is_read(pbx: ScriptedPbx, client: Client) -> None:
    """Asterisk 16 passes GB18030 names through raw; they are names all the same."""
    await client.start(pbx)
    name = "王小明".encode("gb18030")
    await pbx.say(event("UserEvent", UserEvent="Name", CallerIDName="@").replace(b"@", name))
    await _marker(pbx, client)
    judge(client, holds=client.events[-2].get("CallerIDName") == "王小明")


async def test_an_empty_last_header_is_there(pbx: ScriptedPbx, client: Client) -> None:
    """A variable set to nothing is an event with an empty Value, not one without."""
    await client.start(pbx)
    await pbx.say(packet("Event: VarSet", "Privilege: dialplan,all", "Variable: QUEUESTATUS", "Value: "))
    await pbx.say(packet("Event: VarSet", "Privilege: dialplan,all", "Variable: QUEUESTATUS", "Value:"))
    await _marker(pbx, client)
    values = [seen.get("Value") for seen in client.events if seen["Event"] == "VarSet"]
    judge(client, holds=values == ["", ""])


async def test_a_callback_that_raises_costs_one_event(pbx: ScriptedPbx, client: Client) -> None:
    """An error in the application loses the event it was given, not the connection and the rest of the bytes."""
    if not client.repaired:  # stock lets the error reach the loop, which reports it
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    client.breaks_on = "1"
    await client.start(pbx)
    before = pbx.connections
    await pbx.say(b"".join(numbered(5)))
    await pbx.flushed(pbx.writer)
    seen = [one["Number"] for one in client.events if one.get("UserEvent") == "Count"]
    judge(client, holds=seen == ["0", "1", "2", "3", "4"] and pbx.connections == before)


async def test_a_burst_is_handed_on_in_order_without_a_task_each(pbx: ScriptedPbx, client: Client) -> None:
    """Five thousand events at once are handed on one after the other, and do not become five thousand tasks."""
    await client.start(pbx)
    done: list[str] = []
    all_done = asyncio.Event()
    peak = 0

    if isinstance(client, Stock):

        async def slow(manager: Any, seen: Any) -> None:
            nonlocal peak
            peak = max(peak, len(asyncio.all_tasks()))
            await asyncio.sleep(0.03 if seen["Number"] == "0" else 0)
            done.append(seen["Number"])
            if len(done) == 5_000:
                all_done.set()

        client.manager.register_event("UserEvent", slow)
    await pbx.say(b"".join(numbered(5_000)))
    peak = max(peak, len(asyncio.all_tasks()))
    await client.until(lambda: len(client.events) >= 5_000)
    peak = max(peak, len(asyncio.all_tasks()))
    if isinstance(client, Stock):
        async with asyncio.timeout(GUARD):
            await all_done.wait()
    else:
        done = [seen["Number"] for seen in client.events if "Number" in seen]
    judge(client, holds=done == [str(n) for n in range(5_000)] and peak < 50)


async def test_an_action_without_an_answer_is_given_up(pbx: ScriptedPbx, client: Client) -> None:
    """No answer in time is an error, and nothing is kept of the action."""
    await client.start(pbx)
    pbx.answers["QueuePause"] = silence
    said = await client.ask("QueuePause", {"Interface": "PJSIP/1", "Paused": "true"}, 0.1)
    await asyncio.sleep(0)
    judge(client, holds=said == "given up" and client.unanswered == 0)


async def test_a_peer_that_says_nothing_any_more_is_noticed(pbx: ScriptedPbx, client: Client) -> None:
    """A half-open connection (no FIN, no bytes) ends by itself; pings without an answer are not ignored."""
    await client.start(pbx)
    pbx.muted = True
    pings = pbx.count("Ping")
    before = pbx.connections
    await pbx.until(lambda: pbx.count("Ping") > pings)
    if client.repaired:
        await client.until(lambda: any("no answer" in sentence for sentence in client.told))
    else:
        await pbx.until(lambda: pbx.count("Ping") > pings + 2)
    judge(client, holds=pbx.connections > before or bool(client.told))


async def test_an_action_is_never_sent_again(pbx: ScriptedPbx, client: Client) -> None:
    """A connection lost after an Originate was sent must not make two calls of it."""
    await client.start(pbx)
    pbx.answers["Originate"] = silence
    call = {
        "Channel": "PJSIP/1",
        "Context": "cti-spy",
        "Exten": "1",
        "Priority": "1",
        "ChannelId": "x",
        "Async": "true",
    }
    asking = asyncio.get_running_loop().create_task(client.ask("Originate", call, GUARD))
    await pbx.until(lambda: pbx.count("Originate") == 1)
    pbx.cut()
    await pbx.until(lambda: pbx.logins >= 2)
    if isinstance(client, Ours):
        await client.until(lambda: client.phases.count("live") == 2)
    await _marker(pbx, client)
    await pbx.flushed(pbx.writer)
    judge(client, holds=pbx.count("Originate") == 1)
    if client.repaired:
        assert await asking == "given up"
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def test_a_wrong_secret_is_told_and_not_hammered(pbx: ScriptedPbx, client: Client) -> None:
    """A refused login is said to the application, and tried again slowly."""
    pbx.answers["Login"] = saying("Response: Error", "Message: Authentication failed")
    await client.start(pbx, secret="wrong")
    if not client.repaired:
        await pbx.until(lambda: pbx.count("Login") >= 3)
    judge(client, holds=any("Authentication failed" in said for said in client.told) and pbx.count("Login") == 1)


async def test_an_agent_can_be_added_to_a_queue(pbx: ScriptedPbx, client: Client) -> None:
    """QueueAdd's answer is an answer."""
    await client.start(pbx)
    pbx.answers["QueueAdd"] = saying("Response: Success", "Message: Added interface to queue")
    said = await client.ask("QueueAdd", {"Queue": "q", "Interface": "PJSIP/1"}, client.patience)
    judge(client, holds=said == "answered")


async def test_stopped_is_stopped(pbx: ScriptedPbx, client: Client) -> None:
    """Stopping while a reconnect is due leaves nothing that connects again."""
    await client.start(pbx)
    before = pbx.connections
    await pbx.shut()
    await pbx.open_again()
    await client.stop()
    if client.repaired:
        await asyncio.sleep(0.3)  # five times the longest wait of this pace: nothing to be awaited is to come
    else:
        await pbx.until(lambda: pbx.connections > before)
    stopped_at = pbx.connections
    judge(client, holds=stopped_at == before)
    await client.stop()


async def test_a_line_end_in_a_value_does_not_make_a_second_action(pbx: ScriptedPbx, client: Client) -> None:
    """What a person typed as a reason cannot become an action."""
    await client.start(pbx)
    pbx.answers["QueuePause"] = pbx.answers["Command"] = saying("Response: Success")
    evil = {"Interface": "PJSIP/1", "Paused": "true", "Reason": "x\r\n\r\nAction: Command\r\nCommand: core stop now"}
    try:
        await client.ask("QueuePause", evil, 0.2)
    except ValueError:
        refused = True
    else:
        refused = False
        await pbx.until(lambda: pbx.count("Command") == 1)
    judge(client, holds=refused and pbx.count("Command") == 0)


async def test_a_very_long_event_is_skipped(pbx: ScriptedPbx, client: Client) -> None:
    """Two megabytes in one event cost that event, not memory without end; what follows is read."""
    await client.start(pbx)
    await pbx.say(event("UserEvent", UserEvent="Long", Number="x" * (2 << 20)))
    await _marker(pbx, client)
    judge(client, holds=[seen.get("UserEvent") for seen in client.events if "UserEvent" in seen] == ["Marker"])


async def test_shutdown_is_an_event(pbx: ScriptedPbx, client: Client) -> None:
    """Asterisk's Shutdown event comes before the end; what it still says after it is heard."""
    await client.start(pbx)
    await pbx.say(event("Shutdown", Shutdown="Cleanly", Restart="True") + event("UserEvent", UserEvent="After"))
    await pbx.flushed(pbx.writer)
    before = pbx.connections
    seen = [one["Event"] for one in client.events if one["Event"] in ("Shutdown", "UserEvent")]
    judge(client, holds=seen == ["Shutdown", "UserEvent"] and before == 1 and await _still_there(pbx, client))


async def _still_there(pbx: ScriptedPbx, client: Client) -> bool:
    return await client.ask("Ping", {}, client.patience) == "answered"


async def test_action_ids_cannot_be_guessed(pbx: ScriptedPbx, client: Client) -> None:
    """An answer is believed for its ActionID: 128 random bits, not a counter."""
    await client.start(pbx)
    for _ in range(4):
        await client.ask("Ping", {}, GUARD)
    ids = [fields["ActionID"] for fields in pbx.received]
    shared = {one.rpartition("/")[0] for one in ids if "/" in one}
    judge(client, holds=not shared and all(len(one) == 32 for one in ids) and len(set(ids)) == len(ids))


@pytest.mark.parametrize("kind", [Stock, Ours])
def test_the_cost_of_a_long_event_grows_with_its_length(kind: type[Stock] | type[Ours]) -> None:
    """Eight times the bytes of one event cost about eight times as much, not sixty-four times."""

    def feed(size: int) -> float:
        if kind is Ours:
            framer = Framer(limit=1 << 30)
            take: Any = framer.feed
        else:
            protocol = AMIProtocol()
            protocol.connection_made(None)
            take = protocol.data_received
        piece = b"x" * 4_096
        begin = time.process_time()
        take(b"Event: A\r\nV: ")
        for _ in range(size // len(piece)):
            take(piece)
        return time.process_time() - begin

    small, large = min(feed(1 << 18) for _ in range(3)), feed(1 << 22)
    assert (large < 16 * 6 * max(small, 1e-4)) is kind.repaired


@pytest.mark.parametrize("kind", [Stock, Ours])
def test_an_event_can_be_copied_and_a_header_that_is_missing_is_told(kind: type[Stock] | type[Ours]) -> None:
    """A copy is a copy; a slip in a header's name is not silently ''."""
    if kind is Ours:
        ours = Packet(b"Event: Hangup\r\nUniqueid: 1")
        assert copy.copy(ours).get("Uniqueid") == "1"
        with pytest.raises(AttributeError):
            ours.uniqeid  # type: ignore[attr-defined]  # noqa: B018
        return
    stock = Message({"Event": "Hangup", "Uniqueid": "1"})
    with pytest.raises(RecursionError):
        copy.copy(stock)
    assert stock.uniqeid == ""
