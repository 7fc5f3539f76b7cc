"""What one call costs Redis: recorded calls, each alone on its PBX, told to a second node by the real relay.

A message is an entry that the leader adds, or an answer that brings an entry to the one reader. What a reader asks
while nothing is told is not of the calls: one look a second and node, whatever the calls do; it is shown apart.
"""

from __future__ import annotations

import asyncio
import json
import statistics
from typing import Any

import redis.asyncio

from benchmarks.table import Figure
from cti import wire
from cti.ami.messages import Packet
from cti.calls.pbx import Pbx
from cti.events import Event
from cti.nodes.neighbours import PATIENT, URGENT
from cti.relay import Message, Relay
from tests.calls.tapes import whole
from tests.debian import Unavailable
from tests.servers.redis import Redis

TAPES = ("answered_agent_hangup", "answered_prompt", "answered_line_b", "abandon_in_queue")
QUIET_S = 1.5


def messages() -> list[Figure]:
    """All tapes at once, each with a stream of its own, as fast as they were recorded."""
    try:
        server = Redis.start()
    except Unavailable as missing:
        raise SystemExit(str(missing)) from None
    try:
        return asyncio.run(_measure(server.url))
    finally:
        server.end()


async def _measure(url: str) -> list[Figure]:
    tapes = [(version, name) for version in ("asterisk-22", "asterisk-16") for name in TAPES]
    costs = await asyncio.gather(*(_told(url, version, name) for version, name in tapes))
    idle = await _idle(url)
    return [
        *(
            Figure(f"{name} ({version}): {events} events", cost, "messages", 8)
            for (version, name), (cost, events) in zip(tapes, costs, strict=True)
        ),
        Figure("all of these: mean", statistics.mean(cost for cost, _ in costs), "messages", 8),
        Figure("of a reader to whom nothing is told", idle, "a second"),
    ]


async def _told(url: str, version: str, name: str) -> tuple[int, int]:
    """(messages, events) of one tape."""
    heard: list[str] = []
    stream = f"{version}:{name}"
    ready = asyncio.Event()
    reader = Relay(
        url,
        stream=stream,
        node="b",
        on_message=lambda node, message: heard.append(message.kind),
        on_hole=lambda node: None,
        on_state=lambda up: ready.set(),
    )
    leader = Relay(url, stream=stream, node="a", on_message=_nobody, on_hole=lambda node: None)
    answers = _counted(reader._client)
    running = [asyncio.create_task(one.run()) for one in (reader, leader)]
    try:
        await ready.wait()
        told = await _play(leader, version, name)
        async with asyncio.timeout(20):
            while len(heard) < told:  # noqa: ASYNC110 - the relay calls nobody who could wait
                await asyncio.sleep(0.05)
        return leader.told + len(answers), told
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _play(leader: Relay, version: str, name: str) -> int:
    """Tell each event of the tape when it happened; how many there were."""
    loop, pbx, told = asyncio.get_running_loop(), Pbx(), 0
    start: float | None = None
    for line in whole(version, name).splitlines():
        entry = json.loads(line)
        packet = entry.get("event")
        if not isinstance(packet, dict):
            continue
        events: list[Event] = pbx.feed(Packet.of(packet), 0.0)
        if not events:
            continue
        start = loop.time() - entry["t"] if start is None else start
        await asyncio.sleep(start + entry["t"] - loop.time())
        for event in events:
            leader.tell("event", wire.encode(event), isinstance(event, URGENT), patient=isinstance(event, PATIENT))
            told += 1
    for call in pbx.calls():  # what stands in the store is told behind its events, with the next beat
        leader.tell("ended", wire.encode(call), patient=True)
    return told


def _counted(client: redis.asyncio.Redis) -> list[int]:
    """A list that gets longer with each answer that brings something."""
    found: list[int] = []
    ask = client.xread

    async def counted(*args: Any, **more: Any) -> Any:
        answer = await ask(*args, **more)
        if answer:
            found.append(len(answer))
        return answer

    client.xread = counted  # type: ignore[method-assign]
    return found


async def _idle(url: str) -> float:
    """Commands a second that one reader sends while nobody tells anything."""
    relay = Relay(url, stream="idle", node="b", on_message=_nobody, on_hole=lambda node: None)
    counting = redis.asyncio.Redis.from_url(url)
    task = asyncio.create_task(relay.run())
    try:
        await asyncio.sleep(QUIET_S)
        before: Any = await counting.info("stats")
        await asyncio.sleep(2 * QUIET_S)
        after: Any = await counting.info("stats")
        commands = int(after["total_commands_processed"]) - int(before["total_commands_processed"]) - 1
        return commands / (2 * QUIET_S)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await counting.aclose()


def _nobody(node: str, message: Message) -> None:
    pass
