"""Plays: the PBX restarts or dies, or the manager session is cut."""

from __future__ import annotations

import asyncio

from tests.asterisk.phone import Leg
from tests.asterisk.plays import EUROPE, SEASIA, disruptive
from tests.asterisk.stage import Stage, pause


async def _one_talks_one_waits(s: Stage) -> tuple[Leg, Leg]:
    talking = await s.call(s.names.seasia)
    await s.taken(*SEASIA, after=0.5)
    waiting = await s.call(s.names.narrow)
    await s.ring(7)
    await pause(1)
    return talking, waiting


async def _fresh_call(s: Stage) -> None:
    for phone in [*s.phone, *([s.trunk] if s.trunk else [])]:
        for leg in list(phone.legs.values()):
            leg.finish()
        while not phone.rings.empty():
            phone.rings.get_nowait()
    await asyncio.gather(*(phone.register() for phone in s.phone))
    caller = await s.call(s.names.seasia)
    await s.taken(*SEASIA, after=0.7)
    await pause(1)
    await caller.hang_up()


@disruptive
async def restarted(s: Stage) -> None:
    """`core restart now` while one talks and one waits; then a fresh call."""
    await _one_talks_one_waits(s)
    s.note("core restart now")
    again = asyncio.create_task(s.pbx.restart())
    await asyncio.wait_for(s.console.gone.wait(), 20)
    await s.console.close(keep_tape=True)
    await s.console.open_booted()
    await again
    await s.console.resync()
    await s.back()
    await _fresh_call(s)


@disruptive
async def killed(s: Stage) -> None:
    """SIGKILL while one talks and one waits, started again; then a fresh call."""
    await _one_talks_one_waits(s)
    s.note("kill -9")
    await s.pbx.kill()
    await asyncio.wait_for(s.console.gone.wait(), 20)
    await s.console.close(keep_tape=True)
    await s.pbx.start()
    await s.console.open_booted()
    await s.console.resync()
    await s.back()
    await _fresh_call(s)


@disruptive
async def session_cut(s: Stage) -> None:
    """The manager session is cut for 2.5 s.

    One who talked goes on, one who waited is answered, one comes and goes unseen, one comes and stays.
    """
    talking, waiting = await _one_talks_one_waits(s)
    second = await s.call(s.names.europe)
    await s.ring(*EUROPE)
    await s.cut()
    await pause(0.5)
    for leg in list(s.phone[7].legs.values()):
        leg.answer()
    await second.hang_up()
    unseen = await s.call(s.names.remote)
    await pause(1)
    await unseen.hang_up()
    third = await s.call(s.names.alone)
    await pause(1)
    await s.mend()
    await pause(1)
    await talking.hang_up()
    await waiting.hang_up()
    await third.hang_up()
