"""A page between calls and through them: the link and the line, the session, keys, places, the phone one sits at."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import expect

from cti.auth import Account
from cti.demo.sample import SWITCHBOARD
from cti.settings import Settings
from tests.app.service import FAST, PASSWORD, eventually, with_pbx
from tests.asterisk.cable import Cable
from tests.browser.conftest import Open, Opened, called
from tests.browser.pages import NOTE_SAVED

pytestmark = pytest.mark.browser


async def test_lost_pbx_stands_all_over_the_page_and_goes_by_itself(open_site: Open) -> None:
    """Three seconds after the link is lost the board says since when, and no number runs; back, it is live again."""
    async with Cable(0) as cable:

        def through_the_cable(settings: Settings) -> Settings:
            cable.target = settings.pbx.port
            return with_pbx(settings, port=cable.port)

        async with open_site(change=through_the_cable) as (_, pages):
            board = await pages.log_in("hansong")
            cable.pull()
            await board.shown(".live.late, .live.stale")
            await board.shown(".stalebar", "与交换机的连接已断开")
            await expect(board.find("main")).to_have_attribute("data-stale", "yes")
            times = board.find("#agents .t")
            before = await times.all_inner_texts()
            assert before
            for _ in range(2):  # the one thing that runs says for how long the link is away: so long the rest stood
                away = await board.find(".stalebar b").inner_text()
                await expect(board.find(".stalebar b")).not_to_have_text(away)
            assert await times.all_inner_texts() == before
            cable.plug()
            await board.gone(".stalebar")
            await expect(board.find(".live")).to_contain_text("实时")
            board.blameless()


async def test_page_comes_back_when_the_push_channel_breaks(site: Opened) -> None:
    """A cut connection is made again with a snapshot, and the running call is still there."""
    running, desk, pop = await called(site)
    await desk.pop("talking")
    await desk.find("#note textarea").fill("断线时写的")
    await desk.page.context.set_offline(True)
    await desk.shown(".stalebar", "本机网络已断开")
    await desk.find("#note textarea").press_sequentially("，还在写")
    await desk.page.context.set_offline(False)
    await desk.gone(".stalebar")
    await expect(desk.strip).to_have_attribute("data-pop", pop)
    await expect(desk.find("#note textarea")).to_have_value("断线时写的，还在写")
    await desk.shown("#note .asof", "草稿已存")
    assert pop in running.app.session.shelf.pops


async def test_language_and_theme_switch_at_once(site: Opened) -> None:
    """English and the dark theme are one choice each, without a reload, and stay."""
    running, pages = site
    desk = await pages.log_in("linzhixia", color_scheme="light")
    html = desk.find("html")
    await desk.find(".me-btn").click()
    await desk.find("[role=menuitemradio]", has_text="English").click()
    await expect(desk.strip).to_contain_text("Waiting for calls")
    await expect(html).to_have_attribute("lang", "en")
    await desk.find(".me-btn").click()
    await desk.find("[role=menuitemradio]", has_text="Dark").click()
    await expect(html).to_have_attribute("data-theme", "dark")
    await desk.reload()
    await expect(html).to_have_attribute("data-theme", "dark")
    await expect(desk.strip).to_contain_text("Waiting for calls")
    await expect(desk.find(".work :is(tbody tr, .say)").first).to_be_visible()
    chinese = re.findall("[\u4e00-\u9fff]+", await desk.find("#app").inner_text())
    customers = await desk.find("tr.pick bdi").all_inner_texts()
    names = {"欧洲航线", "出口咨询", "中文", *customers, *(user.name for user in running.sample.users)}
    assert not [word for word in chinese if not any(word in name or name in word for name in names)]
    desk.blameless()


async def test_wrong_password_is_said_and_logging_out_ends_it(site: Opened) -> None:
    """A wrong password is a sentence on the page; after logging out the pages ask to log in again."""
    _, pages = site
    door = await pages.blank()
    await door.page.fill("#user", "linzhixia")
    await door.page.fill("#password", "not-this-one")
    await door.page.click("button[type=submit]")
    await door.shown("[role=alert] .bad", "用户名或密码不对")
    desk = await pages.log_in("linzhixia")
    await desk.find(".me-btn").click()
    await desk.find("[role=menuitem]", has_text="退出登录").click()
    await desk.page.wait_for_url("**/login")
    await desk.page.goto(f"{pages.base}/desk")
    await desk.page.wait_for_url("**/login")
    desk.blameless()


async def test_keys_do_nothing_while_an_input_method_composes(site: Opened) -> None:
    """Digits, Enter and Esc of a Chinese input method choose no customer and save nothing."""
    running, desk, pop = await called(site, "held", SWITCHBOARD.replace("-", ""))
    await desk.shown("#matches .mt")
    fire = """(key) => document.body.dispatchEvent(
      new KeyboardEvent('keydown', {key, bubbles: true, isComposing: true, keyCode: 229}))"""
    asked: list[str] = []
    desk.page.on("request", lambda request: asked.append(request.url))
    for key in ("1", "Enter", "2", "n"):
        await desk.page.evaluate(fire, key)
    await desk.page.evaluate("fetch('/healthz')")
    await eventually(lambda: any(url.endswith("/healthz") for url in asked))  # what was asked before has been seen too
    assert not [url for url in asked if url.endswith("/choose")]
    await expect(desk.find("#matches .mt")).to_have_count(3)
    assert running.app.session.shelf.pops[pop].call.party is None
    await desk.page.keyboard.press("1")  # the same key, by itself
    await desk.gone("#matches")
    desk.blameless()


PLACES = """() => {
  window.places = {};
  const box = (part) => {
    const {x, y, width, height} = document.querySelector(part).getBoundingClientRect();
    return [part, x, y, width, height].join(' ');
  };
  const note = () => {
    const seen = places[document.querySelector('.strip').dataset.state ?? 'idle'] ??= {};
    seen[['.strip', '.left', '.work', '.rec'].map(box).join(', ')] = true;
  };
  note();
  new MutationObserver(note).observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
}"""
"{state: {where the parts of the desk are: true}}, whenever something is drawn."


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1920, 1080)])
async def test_places_are_the_same_in_every_state(site: Opened, width: int, height: int) -> None:
    """Strip, left, work and record columns keep their place and size while idle, ringing, talking and ended."""
    running, pages = site
    desk = await pages.log_in("linzhixia", width=width, height=height)
    await desk.page.evaluate(PLACES)
    running.call("answered")
    states = ("ringing", "talking", "ended")
    for state in states:
        await desk.pop(state)
    places = await desk.page.evaluate("places")
    (idle,) = places["idle"]
    assert {state: list(places[state]) for state in states} == {state: [idle] for state in states}
    overflow = await desk.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert overflow == [width, height]
    assert await desk.shift() == 0, await desk.moved()
    desk.blameless()


async def test_last_words_of_a_page_reach_the_one_that_was_there_before_them(site: Opened) -> None:
    """A page loaded anew may show the call before the old one's last words are with the service: then it gets them."""
    _, desk, _ = await called(site)
    await desk.pop("talking")
    successor, writer = await site[1].again(desk), await site[1].again(desk)
    for page in (successor, writer):
        await page.on_desk()
        await expect(page.find("#note textarea")).to_have_value("")
    await writer.find("#note textarea").press_sequentially("这页自己的话")
    await desk.find("#note textarea").press_sequentially("离开前的话")
    await desk.page.goto("about:blank")
    await expect(successor.find("#note textarea")).to_have_value("离开前的话")
    await expect(writer.find("#note textarea")).to_have_value("这页自己的话")


async def test_session_that_ends_takes_no_unsaved_word_along(site: Opened) -> None:
    """Logged out elsewhere, a page with unsaved words stays and says so; after another login they are saved."""
    running, desk, pop = await called(site)
    await desk.pop("talking")
    other = await site[1].again(desk)
    await desk.find("#note textarea").fill("登录过期前写的")
    await other.find(".me-btn").click()
    await other.find("[role=menuitem]", "退出登录").click()
    await other.page.wait_for_url("**/login")
    await desk.shown(".stalebar", "登录已过期")
    await desk.find("#note textarea").press_sequentially("，过期后写的")
    await site[1].enter(other, "linzhixia")
    await desk.find(".stalebar button").click()
    await desk.gone(".stalebar")
    await desk.find("#note button", "保存备注").click()
    await desk.shown("#note .asof", NOTE_SAVED)
    call = running.app.session.shelf.pops[pop].call.id
    stored = await asyncio.to_thread(running.app.store.call_note, call, "linzhixia")
    assert stored is not None
    assert stored.text == "登录过期前写的，过期后写的"


async def test_hot_desk_takes_a_free_phone_and_no_other(site: Opened) -> None:
    """A user without a phone takes one at login or from the page; one that is taken is refused in words."""
    running, pages = site
    for login in ("gast", "gast2"):
        guest = Account(login=login, name="顾安", role="agent", password_hash=FAST.hash(PASSWORD))
        await asyncio.to_thread(running.app.store.add_user, guest)
    running.app.phones.set_own("fanzhou", ())
    desk = await pages.log_in("gast")
    await expect(desk.strip).to_contain_text("还没有话机")
    await desk.find(".phone-panel .take button").click()
    await expect(desk.strip).to_contain_text("话机 8008 在线")
    await expect(desk.find(".my-state")).to_contain_text("空闲")
    door = await pages.blank()
    await door.page.fill("#interface", "PJSIP/8008")
    await door.page.fill("#user", "gast2")
    await door.page.fill("#password", PASSWORD)
    await door.page.click("button[type=submit]")
    await door.shown("[role=alert] .bad", "已有人使用")
    desk.blameless()
