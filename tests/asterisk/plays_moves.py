"""Plays: the caller is forwarded, picked up, redirected, conferenced, parked."""

from __future__ import annotations

from tests.asterisk.plays import EUROPE, EXPORT, OFFICE, SEASIA, play
from tests.asterisk.stage import Stage, pause


@play
async def forwarded(s: Stage) -> None:
    """The phone answers with 302 to the office, who takes the call."""
    caller = await s.call(s.names.narrow)
    ringing = await s.ring(7)
    await pause(0.5)
    ringing.forward(s.extension(OFFICE))
    await s.taken(OFFICE, after=1)
    await pause(1.5)
    await caller.hang_up()


@play
async def picked_up(s: Stage) -> None:
    """A colleague of the same pickup group takes the ringing call with *8."""
    caller = await s.call(s.names.narrow)
    await s.ring(7)
    await pause(0.7)
    pickup = s.phone[OFFICE].call("*8")
    await pickup.up()
    await pause(1)
    await caller.hang_up()


@play
async def picked_up_by_extension(s: Stage) -> None:
    """*88 and the extension: directed pickup out of a ring-all."""
    caller = await s.call(s.names.export)
    for at in EXPORT:
        await s.ring(at)
    await pause(0.7)
    pickup = s.phone[OFFICE].call("*88" + s.extension(6))
    await pickup.up()
    await pause(1)
    await caller.hang_up()


@play
async def waiting_caller_redirected_to_queue(s: Stage) -> None:
    """The board moves a waiting caller into another queue."""
    caller = await s.call(s.names.narrow)
    await s.ring(7)
    joined = await s.joined(s.names.narrow)
    await pause(1)
    context = s.names.context("from-phones")
    await s.act(
        "Redirect", Channel=str(joined["Channel"]), Context=context, Exten=s.names.queue_numbers[1], Priority="1"
    )
    await s.taken(*SEASIA, after=1)
    await pause(1)
    await caller.hang_up()


@play
async def waiting_caller_redirected_to_phone(s: Stage) -> None:
    """The board moves a waiting caller straight to the office."""
    caller = await s.call(s.names.narrow)
    await s.ring(7)
    joined = await s.joined(s.names.narrow)
    await pause(1)
    await s.redirect(str(joined["Channel"]), s.extension(OFFICE))
    await s.taken(OFFICE, after=0.7)
    await pause(1)
    await caller.hang_up()


@play
async def talking_caller_redirected(s: Stage) -> None:
    """The board moves a caller who is talking to the office; the agent's leg drops."""
    caller = await s.call(s.names.europe)
    await s.taken(*EUROPE, after=0.5)
    connect = await s.console.until("AgentConnect")
    await pause(1)
    await s.redirect(str(connect["Channel"]), s.extension(OFFICE))
    await s.taken(OFFICE, after=0.7)
    await pause(1)
    await caller.hang_up()


@play
async def conference(s: Stage) -> None:
    """Caller and agent are moved into a conference, the office joins, the agent leaves first."""
    caller = await s.call(s.names.europe)
    agent = await s.taken(*EUROPE, after=0.5)
    connect = await s.console.until("AgentConnect")
    await pause(1)
    context, room = s.names.context("from-phones"), s.names.room
    await s.act(
        "Redirect",
        Channel=str(connect["Channel"]),
        Context=context,
        Exten=room,
        Priority="1",
        ExtraChannel=str(connect["DestChannel"]),
        ExtraContext=context,
        ExtraExten=room,
        ExtraPriority="1",
    )
    await s.console.until("ConfbridgeJoin")
    office = s.phone[OFFICE].call(room)
    await office.up()
    await pause(1.5)
    await agent.hang_up()
    await pause(1)
    await caller.hang_up()
    await office.hang_up()


@play
async def parked(s: Stage) -> None:
    """Parked by REFER to 700, fetched by the office at 701."""
    caller = await s.call(s.names.europe)
    agent = await s.taken(*EUROPE, after=0.5)
    await pause(0.7)
    await agent.refer("700")
    place = await s.console.until("ParkedCall")
    await pause(1)
    fetching = s.phone[OFFICE].call(str(place["ParkingSpace"]))
    await fetching.up()
    await pause(1)
    await caller.hang_up()


@play
async def parked_by_manager_and_returned(s: Stage) -> None:
    """Parked by the board for 2 s; nobody fetches the call, it comes back to the agent's phone."""
    caller = await s.call(s.names.europe)
    agent = await s.taken(*EUROPE, after=0.5)
    connect = await s.console.until("AgentConnect")
    await pause(0.7)
    await s.act("Park", Channel=str(connect["Channel"]), TimeoutChannel=str(connect["DestChannel"]), Timeout="2000")
    await s.console.until("ParkedCall")
    await agent.hang_up()
    at = s.phone.index(agent.phone)
    await s.taken(at, after=0.7)
    await pause(1)
    await caller.hang_up()
