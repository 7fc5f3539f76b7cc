"""Plays: members that are Local channels, and calls that do not come from outside."""

from __future__ import annotations

from tests.asterisk.plays import OFFICE, REMOTE, play
from tests.asterisk.plays_transfers import consult
from tests.asterisk.stage import Stage, pause


@play
async def local_answered(s: Stage) -> None:
    """A Local member answers after 1 s."""
    caller = await s.call(s.names.remote)
    await s.taken(*REMOTE, after=1)
    await pause(1.5)
    await caller.hang_up()


@play
async def local_abandoned(s: Stage) -> None:
    """The caller gives up while a Local member rings."""
    caller = await s.call(s.names.remote)
    await s.ring(*REMOTE)
    await pause(2)
    await caller.hang_up()


@play
async def local_rang_out(s: Stage) -> None:
    """One Local member rings out, the other answers."""
    caller = await s.call(s.names.remote)
    first = await s.ring(*REMOTE)
    await first.until(first.ended)
    await s.taken(*REMOTE, after=1)
    await pause(1)
    await caller.hang_up()


@play
async def local_blind_transfer(s: Stage) -> None:
    """A Local member blind-transfers by REFER: Asterisk goes on crediting him, the phones do not."""
    caller = await s.call(s.names.remote)
    agent = await s.taken(*REMOTE, after=0.5)
    await pause(1)
    await agent.refer(s.extension(OFFICE))
    await s.taken(OFFICE, after=1)
    await pause(1.5)
    await caller.hang_up()


@play
async def local_attended_transfer(s: Stage) -> None:
    """A Local member hands the caller on, REFER with Replaces."""
    caller = await s.call(s.names.remote)
    agent = await s.taken(*REMOTE, after=0.5)
    await pause(0.7)
    consultation = await consult(s, agent)
    await s.taken(OFFICE, after=0.5)
    await consultation.up()
    await pause(0.7)
    await agent.refer_to(consultation)
    await pause(1.5)
    await caller.hang_up()


@play
async def dialled_out(s: Stage) -> None:
    """An agent calls a customer, who answers after 1 s; then another, who does not answer."""
    assert s.trunk is not None
    call = s.phone[0].call("13600002222")
    customer = await s.trunk.ring()
    await pause(1)
    customer.answer()
    await call.up()
    await pause(1)
    await call.hang_up()
    call = s.phone[0].call("02085551234")
    await s.trunk.ring()
    await pause(1)
    await call.hang_up()


@play
async def click_to_dial(s: Stage) -> None:
    """The board rings the agent first, then the customer."""
    assert s.trunk is not None
    await s.act(
        "Originate",
        Channel=s.interface(0),
        Context=s.names.context("from-phones"),
        Exten="13600003333",
        Priority="1",
        Timeout="20000",
        Async="true",
        ChannelId="board-click-1",
    )
    agent = await s.taken(0, after=0.7)
    customer = await s.trunk.ring()
    await pause(0.7)
    customer.answer()
    await pause(1)
    await agent.hang_up()


@play
async def internal_call_beside(s: Stage) -> None:
    """Two colleagues talk; a customer calls meanwhile and is answered by a third."""
    call = s.phone[3].call(s.extension(4))
    await s.taken(4, after=0.5)
    await call.up()
    caller = await s.call(s.names.seasia)
    await s.taken(5, after=0.7)
    await pause(1)
    await caller.hang_up()
    await call.hang_up()


@play
async def listened_to(s: Stage) -> None:
    """A supervisor listens for a second: he is bridged with nobody."""
    caller = await s.call(s.names.narrow)
    await s.taken(7, after=0.5)
    await pause(0.5)
    spy = s.phone[OFFICE].call("*77" + s.extension(7))
    await spy.up()
    await pause(1)
    await spy.hang_up()
    await pause(0.5)
    await caller.hang_up()
