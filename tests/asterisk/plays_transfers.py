"""Plays: the caller is handed on by a phone."""

from __future__ import annotations

from tests.asterisk.phone import Leg, Manners
from tests.asterisk.plays import EUROPE, OFFICE, SEASIA, play
from tests.asterisk.stage import Stage, pause


@play
async def blind_transfer(s: Stage) -> None:
    """REFER to the office, who answers after 1 s."""
    caller = await s.call(s.names.europe)
    agent = await s.taken(*EUROPE, after=0.5)
    await pause(1)
    await agent.refer(s.extension(OFFICE))
    await s.taken(OFFICE, after=1)
    await pause(1.5)
    await caller.hang_up()


@play
async def blind_transfer_refused(s: Stage) -> None:
    """REFER to the office, who is busy: the caller is dropped."""
    s.manners(Manners(refuse=486), OFFICE)
    caller = await s.call(s.names.europe)
    agent = await s.taken(*EUROPE, after=0.5)
    await pause(1)
    await agent.refer(s.extension(OFFICE))
    await caller.until(caller.ended)


@play
async def blind_transfer_by_keys(s: Stage) -> None:
    """## and the extension."""
    caller = await s.call(s.names.seasia)
    agent = await s.taken(*SEASIA, after=0.5)
    await pause(0.7)
    await agent.press("##")
    await pause(1.2)
    await agent.press(s.extension(OFFICE))
    await s.taken(OFFICE, after=1)
    await pause(1)
    await caller.hang_up()


@play
async def blind_transfer_by_manager(s: Stage) -> None:
    """BlindTransfer of the agent's channel, done by the board."""
    caller = await s.call(s.names.europe)
    await s.taken(*EUROPE, after=0.5)
    connect = await s.console.until("AgentConnect")
    await pause(1)
    context = s.names.context("from-phones")
    await s.act("BlindTransfer", Channel=str(connect["DestChannel"]), Context=context, Exten=s.extension(OFFICE))
    await s.taken(OFFICE, after=0.7)
    await pause(1)
    await caller.hang_up()


@play
async def blind_transfer_outside(s: Stage) -> None:
    """REFER to a mobile number: the caller talks to somebody outside through the trunk."""
    assert s.trunk is not None
    caller = await s.call(s.names.europe)
    agent = await s.taken(*EUROPE, after=0.5)
    await pause(0.5)
    await agent.refer("13700001111")
    outside = await s.trunk.ring()
    await pause(1)
    outside.answer()
    await pause(1)
    await caller.hang_up()


@play
async def transfer_back_to_queue(s: Stage) -> None:
    """REFER to another queue's extension: a second visit, answered there."""
    caller = await s.call(s.names.europe)
    agent = await s.taken(*EUROPE, after=0.5)
    await pause(1)
    await agent.refer(s.names.queue_numbers[1])
    await s.taken(*SEASIA, after=1)
    await pause(1)
    await caller.hang_up()


async def consult(s: Stage, agent: Leg) -> Leg:
    """The agent holds the caller and rings the office."""
    await agent.hold()
    return agent.phone.call(s.extension(OFFICE))


@play
async def attended_transfer(s: Stage) -> None:
    """Hold, ask the office, REFER with Replaces."""
    caller = await s.call(s.names.europe)
    agent = await s.taken(*EUROPE, after=0.5)
    await pause(0.7)
    consultation = await consult(s, agent)
    await s.taken(OFFICE, after=0.5)
    await consultation.up()
    await pause(1)
    await agent.refer_to(consultation)
    await pause(1.5)
    await caller.hang_up()


@play
async def attended_transfer_other_way(s: Stage) -> None:
    """As attended, but the REFER is sent on the consultation's leg and replaces the caller's."""
    caller = await s.call(s.names.europe)
    agent = await s.taken(*EUROPE, after=0.5)
    await pause(0.7)
    consultation = await consult(s, agent)
    await s.taken(OFFICE, after=0.5)
    await consultation.up()
    await pause(0.7)
    await consultation.refer_to(agent)
    await pause(1.5)
    await caller.hang_up()


@play
async def attended_transfer_by_keys(s: Stage) -> None:
    """*2 and the extension, one second of asking, hang up."""
    caller = await s.call(s.names.seasia)
    agent = await s.taken(*SEASIA, after=0.5)
    await pause(0.7)
    await agent.press("*2")
    await pause(1.5)
    await agent.press(s.extension(OFFICE))
    await s.taken(OFFICE, after=0.5)
    await pause(1)
    await agent.hang_up()
    await pause(1.5)
    await caller.hang_up()


@play
async def attended_transfer_by_manager(s: Stage) -> None:
    """Atxfer by the board, one second of asking, the agent hangs up."""
    caller = await s.call(s.names.europe)
    agent = await s.taken(*EUROPE, after=0.5)
    connect = await s.console.until("AgentConnect")
    await pause(1)
    context = s.names.context("from-phones")
    await s.act("Atxfer", Channel=str(connect["DestChannel"]), Context=context, Exten=s.extension(OFFICE))
    await s.taken(OFFICE, after=0.5)
    await pause(1)
    await agent.hang_up()
    await pause(1)
    await caller.hang_up()


@play
async def attended_transfer_given_up(s: Stage) -> None:
    """The agent asks the office, then returns to the caller himself: nothing was transferred."""
    caller = await s.call(s.names.europe)
    agent = await s.taken(*EUROPE, after=0.5)
    await pause(0.5)
    consultation = await consult(s, agent)
    await s.taken(OFFICE, after=0.5)
    await consultation.up()
    await pause(1)
    await consultation.hang_up()
    await agent.resume()
    await pause(1)
    await caller.hang_up()


@play
async def attended_transfer_to_colleague(s: Stage) -> None:
    """Handed to another member of the same queue, who hangs up."""
    caller = await s.call(s.names.seasia)
    agent = await s.taken(*SEASIA, after=0.5)
    other = next(at for at in SEASIA if s.phone[at] is not agent.phone)
    await pause(0.5)
    await agent.hold()
    consultation = agent.phone.call(s.extension(other))
    taker = await s.taken(other, after=0.5)
    await consultation.up()
    await pause(0.5)
    await agent.refer_to(consultation)
    await pause(1)
    await taker.hang_up()
    await caller.until(caller.ended)


@play
async def blonde_transfer(s: Stage) -> None:
    """REFER with Replaces while the office still rings; it answers after."""
    caller = await s.call(s.names.europe)
    agent = await s.taken(*EUROPE, after=0.5)
    await pause(0.5)
    consultation = await consult(s, agent)
    ringing = await s.ring(OFFICE)
    await consultation.until(consultation.ringing)
    await pause(0.5)
    await agent.refer_to(consultation)
    await pause(1)
    ringing.answer()
    await pause(1)
    await caller.hang_up()


@play
async def blonde_transfer_by_keys(s: Stage) -> None:
    """*2 and the extension, and the agent hangs up while the office still rings."""
    caller = await s.call(s.names.seasia)
    agent = await s.taken(*SEASIA, after=0.5)
    await pause(0.5)
    await agent.press("*2")
    await pause(1.5)
    await agent.press(s.extension(OFFICE))
    ringing = await s.ring(OFFICE)
    await pause(0.5)
    await agent.hang_up()
    await pause(1)
    ringing.answer()
    await pause(1)
    await caller.hang_up()


@play
async def transferred_twice(s: Stage) -> None:
    """Blind to the office, who hands the caller on (attended) to a colleague."""
    caller = await s.call(s.names.europe)
    agent = await s.taken(*EUROPE, after=0.5)
    await pause(0.5)
    await agent.refer(s.extension(OFFICE))
    office = await s.taken(OFFICE, after=0.5)
    await pause(0.7)
    await office.hold()
    consultation = office.phone.call(s.extension(5))
    await s.taken(5, after=0.5)
    await consultation.up()
    await pause(0.5)
    await office.refer_to(consultation)
    await pause(1)
    await caller.hang_up()
