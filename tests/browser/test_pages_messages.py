"""Text messages in a real browser: written in the pop, sent by a platform that is a small server, told by callbacks."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Locator, expect

from cti.demo.sample import Sample
from cti.settings import Settings
from cti.settings.sms import SmsHooks, SmsPlatform, SmsSettings
from cti.ticker import wall_clock
from tests.app.service import KNOWN, PASSWORD, Service, copy_of, service
from tests.asterisk.ports import free_port
from tests.browser.pages import Pages, Screen, chromium_pages
from tests.sms.fakes import FakeYunpian

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SECRET = "a-secret-path-of-enough-letters"
SIGNATURE = "十三秒货运"
ZONE = ZoneInfo("Asia/Shanghai")


class Platform(FakeYunpian):
    """The platform; what it does with the next message is said beforehand, and it pushes what a test tells it to."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        "Where our service takes its callbacks."
        self.next: list[str] = []
        self._hook = f"http://127.0.0.1:{port}/hooks/sms/yunpian/{SECRET}"

    async def send(self, request: Any, ours: str, number: str) -> Any:
        """As the next word says."""
        if self.next:
            self.scripts[ours] = [self.next.pop(0)]
        return await super().send(request, ours, number)

    def out(self) -> list[tuple[str, str]]:
        """(our id, their id) of all that went out, in that order."""
        return [(ours, theirs) for ours, taken in self.taken.items() for theirs, _ in taken]

    async def push(self, **fields: Any) -> None:
        """One callback, until it is answered as kept."""
        form = {key: json.dumps(value, ensure_ascii=False) for key, value in fields.items()}
        async with asyncio.timeout(20.0), aiohttp.ClientSession() as http:
            while True:
                try:
                    async with http.post(self._hook, data=form) as answer:
                        assert answer.status == 200, await answer.text()
                        return
                except aiohttp.ClientConnectionError:  # the port's process is still coming up
                    await asyncio.sleep(0.05)

    async def receipt(self, status: str = "SUCCESS", error: str = "") -> None:
        """What became of the last message."""
        ours, theirs = self.out()[-1]
        row = {"sid": theirs, "uid": ours, "mobile": KNOWN, "report_status": status, "error_msg": error}
        await self.push(sms_status=[{**row, "user_receive_time": _now()}])

    async def reply(self, key: str, text: str) -> None:
        """The customer writes."""
        # Platforms tell whole seconds: the next one, for nobody answers in the second that he was written to.
        row = {"id": key, "mobile": KNOWN, "reply_time": _now(1.0), "text": text, "extend": "", "base_extend": ""}
        await self.push(sms_reply={**row, "_sign": None})


def _now(ahead: float = 0.0) -> str:
    return datetime.fromtimestamp(wall_clock() + ahead, ZONE).strftime("%Y-%m-%d %H:%M:%S")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform() -> AsyncIterator[Platform]:
    """One platform for all tests here."""
    one = Platform(free_port())
    await one.start()
    yield one
    await one.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(
    sample_site: tuple[Path, Sample], tmp_path_factory: pytest.TempPathFactory, platform: Platform
) -> AsyncIterator[Service]:
    """One service for all tests here, with a platform to send by."""
    account = SmsPlatform(
        name="yunpian",
        kind="yunpian",
        options={"api_key": FakeYunpian.KEY, "url": platform.url},
        hook_secrets=(SECRET,),
        price=0.05,
    )

    def with_sms(settings: Settings) -> Settings:
        sms = SmsSettings(
            signature=SIGNATURE,
            order=("yunpian",),
            abroad=("yunpian",),
            platforms=(account,),
            hooks=SmsHooks(port=platform.port),
        )
        return msgspec.structs.replace(settings, sms=sms)

    folder = copy_of(sample_site[0], tmp_path_factory.mktemp("messages"))
    async with service(folder, sample_site[1], speed=3.0, change=with_sms) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pages(running: Service) -> AsyncIterator[Pages]:
    """One browser for all tests here."""
    async with chromium_pages(running.base, PASSWORD) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(running: Service, pages: Pages) -> Screen:
    """An agent's desk with a call of 周敏, its messages open for writing."""
    one = await pages.log_in("linzhixia")
    running.call("answered")
    await one.pop()
    await one.shown("#sec-sms li")
    await one.page.keyboard.press("5")
    await expect(one.find(".composer textarea")).to_be_focused()
    return one


async def _send(desk: Screen, text: str) -> Locator:
    """Write and send; the bubble."""
    await desk.find(".composer textarea").fill(text)
    await desk.page.keyboard.press("Control+Enter")
    return await desk.shown(".bub.out", text)


async def test_tick_follows_the_receipt_and_the_reply_stands_in_the_pop(platform: Platform, desk: Screen) -> None:
    """Counted with the signature while typed; one tick when the platform has it, two when the phone has; the reply."""
    box = desk.find(".composer textarea")
    await box.fill("汉" * (70 - len(f"【{SIGNATURE}】")))
    await expect(desk.find("[data-count]")).to_contain_text("70 字 · 1 条")
    await box.press_sequentially("堡")
    await expect(desk.find("[data-count]")).to_contain_text("71 字 · 2 条")
    await box.fill("您的柜子 12-05 到港")
    await expect(desk.find("[data-count]")).to_contain_text("1 条")
    before = await desk.shift()  # what one's own letters move is no fault, and a script's are not known for one's own
    bubble = await _send(desk, "您的柜子 12-05 到港")
    await expect(box).to_have_value("")
    await expect(bubble.locator("[data-status]")).to_have_attribute("data-status", "sent")
    await expect(bubble).to_contain_text("林知夏")
    await platform.receipt()
    await expect(bubble.locator("[data-status]")).to_have_attribute("data-status", "delivered")
    await platform.reply("r1", "收到，<b>谢谢</b>")
    reply = await desk.shown(".bub.in", "收到，<b>谢谢</b>")
    assert await reply.locator("b").count() == 0
    assert await desk.shift() == before, await desk.moved()
    desk.blameless()


async def test_failed_message_says_why_and_is_tried_again_once(platform: Platform, desk: Screen) -> None:
    """What the platform refuses turns red with its reason; one click sends it again, and only once."""
    platform.next = ["refused"]
    bubble = await _send(desk, "报价已发到您的邮箱")
    await expect(bubble.locator("[data-status]")).to_have_attribute("data-status", "failed")
    await expect(bubble.locator(".bub-meta .bad.cut")).not_to_be_empty()
    before = len(platform.out())
    await bubble.locator("button", has_text="重发").click()
    second = desk.find(".bub.out", "报价已发到您的邮箱").last
    await expect(second.locator("[data-status]")).to_have_attribute("data-status", "sent")
    await platform.receipt("FAIL", "UNDELIV")
    await expect(second.locator("[data-status]")).to_have_attribute("data-status", "failed")
    assert len(platform.out()) == before + 1
    await second.locator("button", has_text="再写").click()
    await expect(desk.find(".composer textarea")).to_have_value("报价已发到您的邮箱")
    desk.blameless()


async def test_template_is_written_on_the_page_and_filled_in_the_pop(
    platform: Platform, pages: Pages, desk: Screen
) -> None:
    """A new template is a choice in the pop, filled from the record; what the record does not know is asked for."""
    boss = await pages.log_in("hansong", "messages?tab=templates")
    await boss.find(".tpl-cols button", "新模板").click()
    for name, text in {"id": "meeting", "name": "约见面"}.items():
        await boss.page.fill(f'.tpl [name="{name}"]', text)
    await boss.page.fill("#tpl-text", "{customer}您好，我们 {when} 到贵司拜访。")
    await boss.page.keyboard.press("Control+Enter")
    await boss.flashed(".toast")
    await boss.shown("[data-template=meeting]", "约见面")

    await desk.find("#sec-sms button", "收起").click()
    await desk.page.keyboard.press("5")
    await (await desk.shown(".composer-chips button", "约见面")).click()
    await desk.page.fill('.filled [name="when"]', "周三上午")
    await desk.shown(".filled-text", "周三上午")
    await desk.page.keyboard.press("Control+Enter")
    bubble = await desk.shown(".bub.out", "周三上午 到贵司拜访")
    await expect(bubble.locator("[data-status]")).to_have_attribute("data-status", "sent")
    await expect(desk.find(".composer textarea")).to_have_value("报价已发到您的邮箱")
    boss.blameless()


async def test_refusal_takes_effect_at_once_in_the_pop_and_on_the_list(
    platform: Platform, pages: Pages, desk: Screen
) -> None:
    """He wants no more: the pop says so at once, nothing can be sent, no word is lost, and the list has him."""
    await desk.find(".composer textarea").fill("还有一句")
    await platform.reply("r2", "全部退订")
    await desk.shown(".bub.in .tag.warn", "已退订")
    await desk.shown("#sec-sms header .tag.warn", "已退订")
    await expect(desk.find(".composer")).to_contain_text("还有一句")
    await expect(desk.find(".composer button", "发送")).to_have_count(0)
    boss = await pages.log_in("hansong", "messages?tab=optouts")
    row = await boss.shown(".optout-table tbody tr")
    await expect(row).to_contain_text("客户回复")
    await expect(row).to_contain_text("全部退订")
    await boss.find(".tabs button", "送达统计").click()
    await boss.shown(".tally-table tbody tr", "yunpian")
    await boss.shown(".stats table", re.compile("UNDELIV"))
    boss.blameless()
    desk.blameless()
