"""Half an hour at three desks, played faster: typing and reloading in mid-call loses nothing, and nothing grows."""

from __future__ import annotations

import asyncio
import random
import re
import time

import pytest
from playwright.async_api import TimeoutError as PlaywrightTimeout
from playwright.async_api import expect

from tests.app.service import Service
from tests.browser.conftest import Open
from tests.browser.gauge import Gauge, Held
from tests.browser.pages import NOTE_SAVED, Pages, Screen

pytestmark = [pytest.mark.browser, pytest.mark.long]

SPEED = 6.0
WORTH_S = 30 * 60.0
LASTS_S = WORTH_S / SPEED
SETTLED = 0.3
"Share of the time after which caches are full: growth is measured from there."
KEPT = 300
"Nodes that nothing shows: less than those of one call with its record."
RELOADERS, STEADY = ("linzhixia", "chenxiaowen"), "qiaoyan"
WORDS = "订舱报价改单船期汉堡鹿特丹柜型免箱期单证对账提单放行截关40HQ20GP0123456789"


def _strip(pop: str) -> str:
    return f'.strip[data-pop="{pop}"]'


class Agent:
    """Somebody at a desk: writes a note in each call, saves it, puts the call away."""

    def __init__(self, name: str, desk: Screen, running: Service, reloads: bool) -> None:
        self.name, self.desk, self.running, self.reloads = name, desk, running, reloads
        self.chance = random.Random(name)
        self.saved: dict[str, tuple[str, str]] = {}
        "{call: (login, the note as it was typed)}"
        self.reloaded = 0

    async def work(self, until: float) -> None:
        """Take one call after the other."""
        calls = '.strip:is([data-state="talking"], [data-state="held"], [data-state="ended"])'
        while time.monotonic() < until:
            try:  # by locator: a handle would keep the nodes of each call that was put away
                pop = await self.desk.find(calls).first.get_attribute("data-pop", timeout=1000)
            except PlaywrightTimeout:
                continue
            if pop is not None:
                await self._write(pop)

    async def _write(self, pop: str) -> None:
        known = self.running.app.session.shelf.pops.get(pop)
        if known is None or known.call.id in self.saved:
            await self._put_away(pop)
            return
        call, text = known.call.id, "".join(self.chance.choices(WORDS, k=self.chance.randint(12, 40)))
        cut = self.chance.randint(1, len(text) - 1)
        note = self.desk.find("#note textarea")
        if not await self._at_note(pop):
            return  # another call had come before the hand was at the field
        await self.desk.page.keyboard.type(text[:cut], delay=8)
        if self.reloads and self.chance.random() < 0.5:
            await self.desk.reload()
            self.reloaded += 1
            await self._bring(pop)
            await expect(note).to_have_value(text[:cut])
            await self.desk.page.keyboard.press("Control+End")
        await self.desk.page.keyboard.type(text[cut:], delay=8)
        await expect(note).to_have_value(text)
        assert await self._on_desk() == pop
        await self.desk.find("#note button", "保存备注").click()
        # Two seconds after the click another call may take the place; the store is asked about this note at the end.
        saved = self.desk.find("#note .asof").filter(has_text=NOTE_SAVED)
        await saved.or_(self.desk.find(f"body:not(:has({_strip(pop)}))")).first.wait_for()
        self.saved[call] = (self.name, text)
        await note.evaluate("(box) => box.blur()")

    async def _bring(self, pop: str) -> None:
        """Take the hand to its note; where another call stands there meanwhile, by the list of open calls.

        It may be over, or held for a call on the second line.
        """
        await self.desk.shown(".strip[data-pop]")
        listed = self.desk.find(".open-calls .todo-btn")
        turn = 0
        async with asyncio.timeout(60):
            while not await self._at_note(pop):
                turn += 1
                try:  # the list changes with every call that comes or goes
                    await listed.nth(turn % max(1, await listed.count())).click(timeout=2000)
                except PlaywrightTimeout:
                    continue

    async def _at_note(self, pop: str) -> bool:
        """Click into the note; whether it was this call's. One that came and went under the hand took it along."""
        note = self.desk.find("#note textarea")
        await note.click()
        in_it = await note.evaluate("(box) => box === document.activeElement")
        return bool(in_it) and await self._on_desk() == pop

    async def _on_desk(self) -> str | None:
        return await self.desk.strip.get_attribute("data-pop")

    async def _put_away(self, pop: str) -> None:
        close = self.desk.find(f'{_strip(pop)}[data-state="ended"] .acts .primary')
        if not await close.count():
            await asyncio.sleep(0.1)
            return
        for _ in range(5):
            try:
                await close.click(timeout=2000)
            except PlaywrightTimeout:  # another call came under the hand, and this one has made room for it
                if not await self.desk.find(_strip(pop)).count():
                    return
            else:
                await self.desk.find(_strip(pop)).wait_for(state="detached")
                return
        raise AssertionError("a call that is over cannot be put away")


async def _play(running: Service, pages: Pages) -> tuple[list[Agent], dict[str, list[Held]]]:
    desks = {name: await pages.log_in(name) for name in (*RELOADERS, STEADY)}
    board = await pages.log_in("hansong")
    agents = [Agent(name, desk, running, name in RELOADERS) for name, desk in desks.items()]
    gauges = {"desk": await Gauge.of(desks[STEADY].page), "board": await Gauge.of(board.page)}
    running.pbx.play()
    begun = time.monotonic()
    readings: dict[str, list[Held]] = {name: [] for name in gauges}

    async def measure() -> None:
        for share in (SETTLED, (1 + SETTLED) / 2, 1.0):
            await asyncio.sleep(max(0.0, begun + share * LASTS_S - time.monotonic()))
            for name, gauge in gauges.items():
                readings[name].append(await gauge.read())

    await asyncio.gather(measure(), *(agent.work(begun + LASTS_S) for agent in agents))
    running.pbx.stop_playing()
    async with asyncio.timeout(120):
        while running.app.pbx.open_calls():  # noqa: ASYNC110  tapes play to their end
            await asyncio.sleep(0.2)
    return agents, readings


async def test_half_an_hour_at_three_desks(open_site: Open) -> None:
    """Every typed letter is in the store, no pop of an ended call still rings, and no page has grown."""
    async with open_site(speed=SPEED) as (running, pages):
        agents, readings = await _play(running, pages)
        notes = {call: text for agent in agents for call, text in agent.saved.items()}
        reloads = sum(agent.reloaded for agent in agents)
        print(f"{len(notes)} notes, {reloads} reloads; memory {readings}")
        assert len(notes) >= 20
        assert reloads >= 5
        for call, (login, text) in notes.items():
            stored = await asyncio.to_thread(running.app.store.call_note, call, login)
            assert stored is not None
            assert stored.text == text
        for agent in agents:
            live = '.strip:is([data-state="ringing"], [data-state="talking"], [data-state="held"])'
            await expect(agent.desk.find(live)).to_have_count(0)
            await expect(agent.desk.find(".open-calls .st-ringing, .open-calls .st-busy")).to_have_count(0)
            agent.desk.complaints = [c for c in agent.desk.complaints if not re.search("net::ERR_ABORTED", c)]
            agent.desk.blameless()
        for name, (first, *_, last) in readings.items():
            assert last.heap_mb < first.heap_mb * 1.25 + 1.5, name
            assert last.listeners < first.listeners * 1.5 + 100, name
            assert last.kept < KEPT, name
