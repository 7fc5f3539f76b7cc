"""Plays: into a queue and out of it again."""

from __future__ import annotations

import asyncio

from tests.asterisk.phone import Manners
from tests.asterisk.plays import EUROPE, EXPORT, SEASIA, play
from tests.asterisk.stage import Stage, pause


@play
async def answered(s: Stage) -> None:
    """Menu key 3, the first phone answers after 1.5 s, the caller hangs up after 2 s."""
    caller = await s.call(keys="3")
    await s.taken(*EUROPE, after=1.5)
    await pause(2)
    await caller.hang_up()


@play
async def agent_hangs_up(s: Stage) -> None:
    """As answered, and the agent hangs up."""
    caller = await s.call(s.names.seasia, name="王先生")
    agent = await s.taken(*SEASIA, after=1)
    await pause(1.5)
    await agent.hang_up()
    await caller.until(caller.ended)


@play
async def abandoned(s: Stage) -> None:
    """Nobody answers, the caller hangs up after 3 s of ringing."""
    caller = await s.call(s.names.europe)
    await s.ring(*EUROPE)
    await pause(3)
    await caller.hang_up()


@play
async def abandoned_in_menu(s: Stage) -> None:
    """The caller hangs up in the menu: no queue ever sees him."""
    caller = await s.call()
    await pause(0.6)
    await caller.hang_up()


@play
async def rang_out_then_answered(s: Stage) -> None:
    """The first phone rings out (6 s), the second answers after 1 s."""
    caller = await s.call(s.names.seasia)
    first = await s.ring(*SEASIA)
    await first.until(first.ended)
    await s.taken(*SEASIA, after=1)
    await pause(1.5)
    await caller.hang_up()


@play
async def declined_then_answered(s: Stage) -> None:
    """The first phone declines (603) after 1 s, the next is busy (486) at once, the third answers."""
    caller = await s.call(s.names.seasia)
    first = await s.ring(*SEASIA)
    others = [at for at in SEASIA if s.phone[at] is not first.phone]
    s.manners(Manners(refuse=486), others[0])
    await pause(1)
    first.refuse(603)
    await s.taken(others[1], after=1)
    await pause(1.5)
    await caller.hang_up()


@play
async def rung_all(s: Stage) -> None:
    """All six phones ring, one answers after 2 s, the others are cancelled."""
    caller = await s.call(keys="0")
    rings = [await s.ring(at) for at in EXPORT]
    await pause(2)
    rings[3].answer()
    await pause(1.5)
    await caller.hang_up()


@play
async def rung_all_abandoned(s: Stage) -> None:
    """All phones ring, one declines, the caller gives up after 3 s."""
    caller = await s.call(s.names.export)
    rings = [await s.ring(at) for at in EXPORT]
    await pause(1)
    rings[0].refuse(603)
    await pause(2)
    await caller.hang_up()


@play
async def timed_out_to_voicemail(s: Stage) -> None:
    """After 5 s the queue gives up; the caller leaves a message."""
    caller = await s.call("brief")
    await s.console.until("UserEvent", UserEvent="Overflow", Status="TIMEOUT")
    await pause(2)
    await caller.hang_up()


@play
async def timed_out_into_second_queue(s: Stage) -> None:
    """After 5 s the caller is put into a second queue and answered there: two visits."""
    caller = await s.call("chain")
    await s.taken(*SEASIA, after=1)
    await pause(1.5)
    await caller.hang_up()


@play
async def left_by_key(s: Stage) -> None:
    """The caller presses 0 while the phone rings and is led out of the queue."""
    caller = await s.call(s.names.alone)
    await s.ring(2)
    await pause(1)
    await caller.press("0")
    await s.console.until("QueueCallerLeave")
    await pause(1)
    await caller.hang_up()


@play
async def withdrawn(s: Stage) -> None:
    """Only member paused; the waiting caller is taken out of the queue by QueueWithdrawCaller."""
    await s.act("QueuePause", Queue=s.names.narrow, Interface=s.interface(7), Paused="true", Reason="lunch")
    caller = await s.call(s.names.narrow)
    joined = await s.joined(s.names.narrow)
    await pause(1)
    await s.act("QueueWithdrawCaller", Queue=s.names.narrow, Caller=str(joined["Channel"]), WithdrawInfo="board")
    await s.console.until("QueueCallerLeave")
    await pause(1)
    await caller.hang_up()
    await s.act("QueuePause", Queue=s.names.narrow, Interface=s.interface(7), Paused="false")


@play
async def left_when_empty(s: Stage) -> None:
    """The only member pauses while the caller waits: the queue sends the caller away."""
    queue, interface = s.names.passing, s.interface(6)
    await s.act("QueueAdd", Queue=queue, Interface=interface, MemberName=s.names.members[6], StateInterface=interface)
    caller = await s.call(queue)
    ringing = await s.ring(6)
    await pause(1)
    await s.act("QueuePause", Queue=queue, Interface=interface, Paused="true", Reason="lunch")
    ringing.refuse(486)
    await s.console.until("UserEvent", UserEvent="Overflow", Status="LEAVEEMPTY")
    await pause(1)
    await caller.hang_up()
    await s.act("QueueRemove", Queue=queue, Interface=interface)


@play
async def refused_empty(s: Stage) -> None:
    """Nobody is logged in: the queue does not let the caller in."""
    caller = await s.call(s.names.passing)
    await s.console.until("UserEvent", UserEvent="Overflow", Status="JOINEMPTY")
    await pause(0.5)
    await caller.hang_up()


@play
async def refused_full(s: Stage) -> None:
    """One may wait: the second caller is refused, the first is answered."""
    first = await s.call(s.names.narrow)
    ringing = await s.ring(7)
    second = await s.call(s.names.narrow)
    await s.console.until("UserEvent", UserEvent="Overflow", Status="FULL")
    await pause(0.5)
    await second.hang_up()
    ringing.answer()
    await pause(1)
    await first.hang_up()


@play
async def hung_up_in_announcement(s: Stage) -> None:
    """The caller hangs up while the agent hears the announcement."""
    caller = await s.call(s.names.alone)
    await s.taken(2, after=1)
    await pause(0.4)
    await caller.hang_up()
    await pause(1.2)


@play
async def agent_gone_in_announcement(s: Stage) -> None:
    """The agent hangs up during the announcement; the phone rings again and is answered."""
    caller = await s.call(s.names.alone)
    agent = await s.taken(2, after=0.5)
    await pause(0.4)
    await agent.hang_up()
    await s.taken(2, after=1)
    await pause(2.5)
    await caller.hang_up()


@play
async def raced(s: Stage) -> None:
    """Caller's BYE and agent's answer within milliseconds of one another, five times."""
    for gap in (-0.003, 0.0, 0.001, 0.003, 0.02):
        caller = await s.call(s.names.seasia)
        ringing = await s.ring(*SEASIA)
        await pause(0.7)
        if gap < 0:
            gone = asyncio.create_task(caller.hang_up())
            await pause(-gap)
            ringing.answer()
        else:
            ringing.answer()
            await pause(gap)
            gone = asyncio.create_task(caller.hang_up())
        await gone
        await ringing.until(ringing.ended)


@play
async def same_caller_twice(s: Stage) -> None:
    """One number calls twice at the same time, and once more after."""
    number = "13900139000"
    one, two = await s.call(s.names.seasia, number=number), await s.call(s.names.seasia, number=number)
    await s.taken(*SEASIA, after=0.5)
    await s.taken(*SEASIA, after=0.5)
    await pause(1)
    await one.hang_up()
    await two.hang_up()
    three = await s.call(s.names.europe, number=number)
    await s.taken(*EUROPE, after=0.5)
    await pause(1)
    await three.hang_up()


@play
async def one_agent_three_callers(s: Stage) -> None:
    """Three callers for one phone, one after another: two wait, one of them gives up."""
    s.manners(Manners(answer_after=0.5), 2)
    one = await s.call(s.names.alone)
    two = await s.call(s.names.alone)
    three = await s.call(s.names.alone)
    await s.console.until("AgentConnect")
    await pause(1)
    await two.hang_up()
    await one.hang_up()
    await pause(4)
    await three.hang_up()


@play
async def held(s: Stage) -> None:
    """The agent holds for 1 s, resumes, holds again; the caller hangs up while held."""
    caller = await s.call(s.names.europe)
    agent = await s.taken(*EUROPE, after=0.5)
    await pause(0.5)
    await agent.hold()
    await pause(1)
    await agent.resume()
    await pause(0.5)
    await agent.hold()
    await pause(0.5)
    await caller.hang_up()
