"""Knowledge, offers, prices, customers and chats in a real browser, in front of one running service."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import expect

from crm_bridge.chat.webhook import SHAPES
from crm_bridge.knowledge import Draft, KnowledgeBase
from crm_bridge.live import own_part
from cti.auth import Account
from cti.demo.sample import Sample
from cti.settings import PlatformSettings, Settings
from cti.ticker import wall_clock
from tests.app.service import FAST, KNOWN, PASSWORD, Service, copy_of, service
from tests.browser.pages import Pages, Screen, chromium_pages

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

TOKEN = "token-of-the-web-shop-000013"
HOSTILE = "<img src=x onerror=alert(1)>\u202egnp"
PAGES = {
    "knowledge": ".kb-row, .say",
    "prices": ".ask",
    "customers": "#find",
    "customers?tab=catalogue": ".cat-pick",
    "conversations": ".kb-row, .say",
    "messages": ".tabs button",
}
"{page: what stands on it when it is there}"


def _with_shop(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, chat={"shop": PlatformSettings(token=TOKEN, shape=SHAPES["generic"])})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(sample_site: tuple[Path, Sample], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """One service for all tests here; a platform may push chats to it."""
    folder = copy_of(sample_site[0], tmp_path_factory.mktemp("customers"))
    async with service(folder, sample_site[1], speed=3.0, change=_with_shop) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pages(running: Service) -> AsyncIterator[Pages]:
    """One browser for all tests here."""
    async with chromium_pages(running.base, PASSWORD) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(running: Service, pages: Pages) -> Screen:
    """An agent's desk with a call of 周敏; when it is over the pop stays."""
    one = await pages.log_in("linzhixia", permissions=["clipboard-read", "clipboard-write"])
    running.call("answered")
    await one.pop()
    await one.shown("#sec-quotes tbody tr")
    return one


async def _push(running: Service, *messages: dict[str, Any]) -> None:
    url = f"{running.base}/api/v1/intake/chat/shop"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession() as http, http.post(url, json={"messages": messages}, headers=headers) as answer:
        assert answer.status == 200, await answer.text()


async def test_article_is_written_found_while_typing_and_put_into_a_message(
    running: Service, pages: Pages, desk: Screen
) -> None:
    """What staff write is found letter by letter, copied or put into a message by one key; what is internal never."""
    writer = await pages.log_in("chenxiaowen", "knowledge")
    await writer.page.keyboard.press("n")
    await writer.page.fill("#kb-title", f"霍芬港免箱期 {HOSTILE}")
    await writer.page.fill("#kb-body", "40HQ 普货免箱期 14 天。")
    await writer.page.keyboard.press("Control+Enter")
    await writer.shown(".versions li", "第 1 版")
    await writer.page.fill("#kb-body", "40HQ 普货免箱期 21 天。")
    await writer.page.keyboard.press("Control+Enter")
    await writer.shown(".versions li", "第 2 版")

    base = KnowledgeBase(own_part(running.app.crm()))
    await asyncio.to_thread(base.add, Draft(category="internal", title="霍芬港底价", body="2,000"), "hansong")
    await desk.page.keyboard.press("/")
    await expect(desk.find("#knowledge input")).to_be_focused()
    await desk.page.keyboard.type("霍芬港底价")
    await desk.shown(".kb-acts", "不能发给客户")
    await expect(desk.find(".kb-acts button")).to_have_count(1)
    await desk.page.keyboard.press("Control+Enter")
    await expect(desk.find("#knowledge")).to_be_visible()
    await desk.page.fill("#knowledge input", "")
    await desk.page.keyboard.type("霍芬港免箱")
    await desk.shown(".kb-hit mark", "霍芬港")
    await expect(desk.find(".kb-hit").first).to_contain_text("免箱期")  # the first answer may still be about the other
    await desk.page.keyboard.press("Enter")
    await desk.shown(".kb-body", "21 天")
    await desk.page.keyboard.press("Control+c")
    await desk.flashed(".toast", "已复制")
    assert await desk.page.evaluate("navigator.clipboard.readText()") == "40HQ 普货免箱期 21 天。"
    await desk.page.keyboard.press("Control+Enter")
    await desk.gone("#knowledge")
    await expect(desk.find(".composer")).to_contain_text("免箱期 21 天")
    assert await desk.find("#app img").count() == 0

    await writer.find(".versions button", "第 1 版").click()
    await writer.find("button", "恢复这一版").click()
    await writer.shown(".versions li", "第 3 版")
    await expect(writer.find("#kb-body")).to_have_value("40HQ 普货免箱期 14 天。")
    assert await desk.shift() == 0, await desk.moved()
    writer.blameless()


async def test_slow_answers_of_the_search_replace_each_other_and_move_nothing(running: Service, desk: Screen) -> None:
    """What is found later than half a second after the last key may not slide about under the reader's eyes."""
    base = KnowledgeBase(own_part(running.app.crm()))
    for name in "甲乙丙丁戊己庚辛壬癸末":
        await asyncio.to_thread(base.add, Draft(category="internal", title=f"慢答{name}", body="2,000"), "hansong")
    before = await desk.shift()
    # No hand is at the keys as far as the browser knows: what moves counts at once.
    await desk.page.evaluate("document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true}))")
    for _ in range(3):
        await desk.page.fill("#knowledge input", "慢答")
        await expect(desk.find(".kb-hit")).not_to_have_count(1)
        await expect(desk.find(".kb-hit").first).to_contain_text("慢答")
        last = (await desk.find(".kb-hit .kb-title b").all_inner_texts())[-1]
        await desk.page.fill("#knowledge input", last)
        await expect(desk.find(".kb-hit")).to_have_count(1)
        await expect(desk.find(".kb-hit")).to_contain_text(last)
    assert await desk.shift() == before, await desk.moved()
    await desk.page.keyboard.press("Escape")
    await desk.gone("#knowledge")
    desk.blameless()


async def test_offer_is_added_up_per_container_and_kept_until_saved(running: Service, desk: Screen) -> None:
    """A port by its initials, two container types, charges of two currencies; a reload in between loses no letter."""
    await desk.find("#sec-quotes button", "新报价").click()
    await desk.page.fill('.offer-form [name="pol"]', "宁波")
    await desk.page.locator('.offer-form [name="pod"]').press_sequentially("ltd")
    await desk.shown(".ports .opt.sel", "鹿特丹")  # what stands below may still answer the first letter
    await desk.page.keyboard.press("Enter")
    await expect(desk.find('.offer-form [name="pod"]')).to_have_value("鹿特丹")
    await desk.page.fill('.offer-form [name="containers"]', "20尺小柜*1+40HQ*2")
    await expect(desk.find(".offer-sheet th.r")).to_have_text(["20GP×1", "40HQ×2"])
    await desk.page.fill('[aria-label="海运费 20GP"]', "1200")
    await desk.page.fill('[aria-label="海运费 40HQ"]', "2,350")
    await desk.find(".offer-sheet button", "加费用").click()
    await desk.page.locator(".offer-sheet [role=menuitem]", has_text=re.compile(r"^\s*THC\b")).click()
    await desk.page.fill('[aria-label="码头操作费 40HQ"]', "1100")
    await expect(desk.find(".offer-form .form-acts")).to_contain_text("US$5,900 + ¥2,200")
    async with desk.page.expect_response(lambda told: told.url.endswith("/draft")):
        await desk.page.fill('.offer-form [name="carrier"]', "远岚")
    await desk.page.fill('.offer-form [name="carrier"]', "北渡")
    await desk.reload()
    await expect(desk.find('[aria-label="海运费 40HQ"]')).to_have_value("2,350")
    await expect(desk.find('.offer-form [name="carrier"]')).to_have_value("北渡")
    await desk.page.fill('.offer-form [name="valid_until"]', "2031-02-30")
    await desk.page.keyboard.press("Control+Enter")
    await desk.shown(".offer-form [role=alert]", "看不懂")
    await desk.page.fill('.offer-form [name="valid_until"]', "2031-02-28")
    await desk.page.keyboard.press("Control+Enter")
    await desk.gone(".offer-form")
    row = await desk.shown("#sec-quotes tbody tr", re.compile("20GP×1 40HQ×2"))
    await expect(row).to_contain_text("1,200")
    await row.click()
    facts = await desk.shown(".offer-facts", "US$2,350 + ¥1,100")
    await expect(facts).to_contain_text("码头操作费 ¥1,100")

    party = next(iter(running.app.session.shelf.pops.values())).call.party
    assert party is not None
    own = own_part(running.app.crm())
    quote = next(q for q in (await asyncio.to_thread(own.quotes, party.id)).items if q.carrier == "北渡" and q.by)
    await desk.find(".offer-acts button", "修改").click()
    await desk.page.fill('[aria-label="海运费 40HQ"]', "2300")
    await asyncio.to_thread(own.set_quote_status, party.id, quote.id, "sent", "chenxiaowen")
    await desk.page.keyboard.press("Control+Enter")
    clash = await desk.shown(".offer-form .notice", "刚被别人改过")
    await expect(desk.find('[aria-label="海运费 40HQ"]')).to_have_value("2300")
    await clash.locator("button", has_text="用我的").click()
    await desk.gone(".offer-form")
    sheet = await asyncio.to_thread(own.quote_sheet, party.id, quote.id)
    assert [line.freight for line in sheet.quote.lines] == [1200.0, 2300.0]
    desk.blameless()


async def test_first_line_says_who_calls_where_he_dialled_and_why_with_evidence(desk: Screen) -> None:
    """Name, grade, owner, line, and at most three reasons, each of a known kind and each with what it rests on."""
    for words in ("周敏", "宁波屿衡", "A 级", "归属", "订舱热线", "欧洲航线"):
        await expect(desk.strip).to_contain_text(words)
    reasons = desk.find(".band li[data-kind]")
    await expect(reasons.first).to_be_visible()  # they are known when the record is read, and come one by one
    read = "(all) => all.map((e) => [e.dataset.kind, e.querySelector('p').innerText, e.querySelectorAll('.i').length])"
    told = await reasons.evaluate_all(read)
    assert 1 <= len(told) <= 3
    assert {kind for kind, _, _ in told} <= {
        "missed",
        "complaint",
        "quote",
        "enquiry",
        "callback",
        "message",
        "shipment",
    }
    assert all(words.strip() and icons == 1 for _, words, icons in told)


async def test_message_that_comes_by_webhook_stands_in_the_open_pop_at_once(running: Service, desk: Screen) -> None:
    """Nobody reloads, nobody asks: the chat's line is there, as text, and an enquiry among the quotes."""
    asked: list[str] = []
    desk.page.on("request", lambda request: asked.append(request.url) if "/api/v1/" in request.url else None)
    await _push(
        running,
        {"at": wall_clock(), "peer_id": "v-7", "peer": "网页访客", "id": "m1", "text": f"我是周敏，{KNOWN}，{HOSTILE}"},
        {
            "at": wall_clock(),
            "peer_id": "v-7",
            "peer": "网页访客",
            "id": "m2",
            "text": "宁波到安特卫普 40HQ*2 多少钱？",
        },
    )
    await desk.shown("#sec-chat li", "<img src=x")
    await desk.shown("#sec-quotes tbody tr", "安特卫普")
    assert not [url for url in asked if "chat" in url or "quotes" in url]
    desk.blameless()


async def test_lane_price_is_drawn_and_tabled_and_hidden_where_too_few_deals_tell(pages: Pages) -> None:
    """The same periods stand in chart and table, figures over all; a lane of no deals says so and draws nothing."""
    screen = await pages.log_in("linzhixia", "prices?pol=宁波&pod=汉堡&container=40HQ&currency=USD")
    await screen.shown(".price-table tbody tr")
    told = await screen.page.evaluate(
        "async () => (await (await fetch('/api/v1/lanes/prices?pol=宁波&pod=汉堡&container=40HQ&currency=USD')).json())"
    )
    periods = told["prices"]["periods"]
    assert len(periods) > 5
    await expect(screen.find(".price-table tbody tr")).to_have_count(len(periods))
    await expect(screen.find(".course .dot")).to_have_count(len(periods))
    first = await screen.find(".price-table tbody tr").first.locator("td").all_inner_texts()
    newest = periods[-1]
    assert [int(first[1]), first[4]] == [newest["n"], f"{newest['median']:,.10g}"]
    figures = await screen.find(".price-figures").inner_text()
    assert all(f"{told['prices'][key]:,.10g}" in figures for key in ("n", "min", "p25", "median", "p75", "max", "last"))
    await screen.find(".price-table tbody tr").first.hover()
    await expect(screen.find(".course-tip")).to_contain_text(f"{newest['n']} 单")
    await screen.page.fill('.ask [name="pod"]', "没有这个港")
    await screen.shown(".price-none", "不足 3 单")
    await expect(screen.find(".course")).to_have_count(0)
    screen.blameless()


async def test_customer_is_found_changed_and_two_writers_see_both_values(running: Service, pages: Pages) -> None:
    """What is typed stays while one looks at another customer; who saves second is shown both, and decides."""
    screen = await pages.log_in("hansong", "customers")
    await screen.page.fill("#find", "屿衡")
    await screen.find(".kb-rows button", "周敏").click()
    field = screen.find('.cust-fields [name="preference"]')
    await field.fill("我写的")
    await screen.find(".kb-rows button", "王立").click()
    await expect(screen.find(".cust-profile h2")).to_contain_text("王立")
    await screen.find(".kb-rows button", "周敏").click()
    await expect(field).to_have_value("我写的")
    crm = running.app.crm()
    party = (await asyncio.to_thread(crm.lookup, KNOWN))[0].party
    await asyncio.to_thread(crm.save_fields, party.id, {"preference": "别人写的"}, party.version, "x")
    await screen.page.keyboard.press("Control+Enter")
    clash = await screen.shown(".clash", "别人写的")
    await expect(clash).to_contain_text("我写的")
    await clash.locator("button", has_text="用我的").click()
    await screen.gone(".clash")
    profile = await asyncio.to_thread(crm.profile, party.id)
    assert next(f.value for f in profile.fields if f.key == "preference") == "我写的"
    await screen.find(".cust-records [role=tab]", "业务").click()
    await screen.shown(".cust-records .biz-table tbody tr")
    screen.blameless()


async def test_new_category_and_field_are_in_the_form_at_once(pages: Pages) -> None:
    """Who may edit the catalogue adds a category with a field of its own; the form of a new customer has both."""
    screen = await pages.log_in("hansong", "customers?tab=catalogue")
    await screen.find(".cat-cols button", "加分类").click()
    for name, text in {"key": "air", "label": "空运", "label_en": "Air freight"}.items():
        await screen.page.fill(f'.cat-form [name="{name}"]', text)
    await screen.find(".cat-form button", "保存").click()
    await screen.gone(".cat-form")  # it stands a moment longer than its category is new, and has a key, too
    await screen.find(".cat-pick", "空运").click()
    await screen.find(".cat-cols button", "加字段").click()
    for name, text in {"key": "airline", "label": "常用航司", "label_en": "Airline"}.items():
        await screen.page.fill(f'.cat-form [name="{name}"]', text)
    await screen.find(".cat-form button", "保存").click()
    await screen.shown(".cat-field", "常用航司")
    await screen.shown(".cat-change", "新增")
    await screen.find(".tabs button", "客户").first.click()
    await screen.page.keyboard.press("n")
    await screen.find(".new-party .seg label", "空运").click()
    await screen.shown(".new-party .lab", "常用航司")
    screen.blameless()


async def test_my_calls_and_whom_i_spoke_with_last_have_names(pages: Pages) -> None:
    """A list of calls says whose the numbers are; the customers' page begins with those one spoke with last."""
    screen = await pages.log_in("qiaoyan")
    await screen.shown("tr.pick .sub")
    lately = await pages.log_in("qiaoyan", "customers")
    name = (await (await lately.shown(".kb-row b")).inner_text()).strip()
    await lately.find(".kb-row").first.click()
    await lately.shown("h1, h2", name)
    for one in (screen, lately):
        one.blameless()


async def test_chat_of_a_stranger_is_linked_and_the_link_taken_back(running: Service, pages: Pages) -> None:
    """A suggestion says why; linking moves the messages to the customer, undoing gives them back."""
    await _push(running, {"at": wall_clock(), "peer_id": "q-77", "peer": "周敏-霍芬", "id": "s1", "text": "在吗？"})
    screen = await pages.log_in("chenxiaowen", "conversations")
    await screen.find("[data-peer]", "周敏-霍芬").click()
    suggestion = await screen.shown(".conv-who .mt", "名字")
    await suggestion.locator("button").click()
    await screen.shown(".undo", "1 条消息")
    await expect(screen.find("[data-peer]", "周敏-霍芬")).to_have_count(0)
    await screen.page.keyboard.press("z")
    await screen.shown("[data-peer]", "周敏-霍芬")
    screen.blameless()


async def test_admin_uploads_chats_and_sees_no_customer(running: Service, pages: Pages, tmp_path: Path) -> None:
    """Whoever keeps the service brings chat files in, twice without doubling, and no customer is shown to him."""
    boss = Account(login="root", name="管理", role="admin", password_hash=FAST.hash(PASSWORD))
    await asyncio.to_thread(running.app.store.add_user, boss)
    screen = await pages.log_in("root", "conversations")
    file = tmp_path / "chat.csv"
    file.write_text("at,peer,peer_id,direction,text\n2026-10-01 10:00:00,某甲,990011,in,有船期表吗\n", encoding="utf-8")
    for new in ("1", "0"):
        await screen.page.set_input_files("input[type=file]", file)
        async with screen.page.expect_response(re.compile("/conversations[?]")) as listed:  # read again after it
            await screen.find(".importing button", "导入").click()
        assert (await listed.value).status == 403
        await expect(screen.find(".imp-told dl div", "新增").locator("dd")).to_have_text(new)
    await expect(screen.find(".nav a", "客户")).to_be_visible()  # the catalogue is his
    await expect(screen.find(".nav a", "知识库")).to_have_count(0)
    assert await screen.find("[data-peer]").count() == 0
    screen.blameless()


def _record(screen: Screen, asked: list[str]) -> None:
    screen.page.on("request", lambda request: asked.append(request.url))


async def test_pages_ask_nothing_by_themselves_fit_and_speak_english(pages: Pages) -> None:
    """Once drawn a page asks nobody anything; nothing hangs over the edge at 1366; in English no word is Chinese."""
    context = await pages.profile()
    door = Screen(await context.new_page())
    await door.page.goto(f"{pages.base}/")
    await pages.enter(door, "hansong")
    await context.add_cookies([{"name": "thirteen_lang", "value": "en", "url": pages.base}])
    opened: list[tuple[str, Screen, list[str]]] = []
    for name, stands in PAGES.items():
        screen, asked = Screen(await context.new_page()), list[str]()
        await screen.page.goto(f"{pages.base}/{name}")
        await screen.ready()
        await screen.shown(stands)
        await screen.page.wait_for_load_state("networkidle")  # what it asks while it comes has been answered
        opened.append((name, screen, asked))
    for _, screen, asked in opened:
        _record(screen, asked)
    await door.page.wait_for_timeout(1200)
    for name, screen, asked in opened:
        assert asked == [], name
        size = await screen.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        assert size == [1366, 768], name
        words = await screen.page.evaluate(
            "[...document.querySelectorAll('h2, h3, th, .lab, .tabs button, .nav a, dt, .legend, .form-acts button')]"
            ".filter((e) => e.offsetParent && !e.querySelector('bdi')).map((e) => e.textContent.trim())"
        )
        chinese = [word for word in words if re.search("[\u4e00-\u9fff]", word) and not re.search("→|·", word)]
        assert [word for word in chinese if word not in ("韩松",)] == [], name
        screen.blameless()
    await context.close()
