"""The audit on a real Asterisk: events that got lost on the way leave nothing behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from tests.asterisk.cable import Sieve
from tests.asterisk.phone import Manners
from tests.asterisk.service import Service
from tests.asterisk.stage import open_stage, pause

pytestmark = [pytest.mark.asterisk, pytest.mark.long]

GONE_S = 30.0
"FAULTS 3.4: a ghost is gone within this."


async def within(seconds: float, true: Callable[[], bool]) -> float:
    """Seconds until it was so. Raises TimeoutError where that took longer."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  what heals it is no event
            await asyncio.sleep(0.05)
    return time.monotonic() - began


async def test_lost_events_leave_no_ghost_and_no_wrong_state() -> None:
    """Hang-ups, an entry and a pause are lost without a word: within 30 s all is as the PBX has it, and counted."""
    losing: list[bytes] = []

    def lose(packet: bytes) -> bool:
        return any(name in packet for name in losing)

    async with open_stage() as stage:
        service = Service(stage.pbx)
        sieve = service.cable = Sieve(stage.pbx.ami_port, lose)
        async with service:
            app = service.app
            stage.manners(Manners(answer_after=0.5))
            talker = await stage.call(stage.names.europe)
            await within(10, lambda: any(call.talks for call in app.pbx.open_calls()))
            waiter = await stage.call(stage.names.alone)

            # 1: both hang up, and nobody hears of it
            losing[:] = [b"Event: Hangup\r\n", b"Event: QueueCaller", b"Event: BridgeLeave", b"Event: AgentComplete"]
            await talker.hang_up()
            await waiter.hang_up()
            await pause(2)
            losing.clear()
            assert sieve.lost > 3
            assert len(app.pbx.open_calls()) == 2, "no ghost was made"
            took = await within(GONE_S, lambda: not app.pbx.open_calls())
            assert took <= GONE_S
            assert app.link.counters()["audit_corrections"] > 0

            # 2: a caller comes in unseen, an agent pauses unheard
            losing[:] = [b"Event: Newchannel", b"Event: QueueCallerJoin", b"Event: QueueMemberPause", b"Event: New"]
            losing += [b"Event: AgentCalled", b"Event: Dial"]
            stage.manners(Manners())
            caller = await stage.call(stage.names.alone)
            await stage.act("QueuePause", Interface=stage.interface(0), Paused="true", Reason="lunch")
            await pause(2)
            losing.clear()
            assert not any(visit.queue == stage.names.alone for c in app.pbx.open_calls() for visit in c.visits)

            def seen() -> bool:
                paused = {a.interface: a.phase for a in app.pbx.agents()}.get(stage.interface(0)) == "paused"
                waits = [v for c in app.pbx.open_calls() for v in c.visits if v.queue == stage.names.alone]
                return paused and len(waits) == 1

            await within(2 * GONE_S, seen)
            await caller.hang_up()
            await within(GONE_S, lambda: not app.pbx.open_calls())
            await stage.act("QueuePause", Interface=stage.interface(0), Paused="false")
            corrected = app.link.counters()["audit_corrections"]
            await pause(2.5 * app.link._pace.audit)
            assert app.link.counters()["audit_corrections"] == corrected, "it goes on correcting"
            assert app.pbx.audit.unhealed == 0
