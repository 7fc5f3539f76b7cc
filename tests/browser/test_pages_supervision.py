"""The supervisors' pages in a real browser: countdown, alert, report and drill-down, wallboard; none asks by itself.

Moving a caller needs a PBX that moves him: test_pages_asterisk.py.
"""

from __future__ import annotations

import asyncio
import re
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import expect

from cti.auth import Account
from cti.calls.record import Call, Missed, Talk, Visit
from cti.demo.sample import Sample
from cti.settings import Settings
from cti.settings.watching import RecordingSettings
from cti.store import Store
from tests.app.service import FAST, PASSWORD, copy_of, eventually, service
from tests.browser.conftest import Opened
from tests.browser.pages import Screen, chromium_pages

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

TARGET_S = 2.0
STRANGER = "13712345678"
"Nobody of the sample's customers."
TEN_MINUTES_MS = 600_000
LAST_WEEKS = "/history?period=lastMonth"
SMALLEST = """
Math.min(...[...document.querySelectorAll('.wall *')]
  .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) && e.offsetParent)
  .map((e) => parseFloat(getComputedStyle(e).fontSize)))
"""
"The smallest letters on the wall, in pixels."


HEARD = Call(
    id="demo-1700000000.12",
    direction="inbound",
    caller="13505741300",
    dialed="4000001313",
    started_at=1_700_000_000.0,
    ended_at=1_700_000_100.0,
    refused=(),
    visits=(
        Visit(
            queue="europe",
            joined_at=1_700_000_008.0,
            left_at=1_700_000_028.0,
            outcome="answered",
            answered_at=1_700_000_028.0,
            wait_s=20.0,
            agent="林知夏",
            interface="PJSIP/8001",
            missed=(Missed(agent="乔岩", interface="PJSIP/8003", ring_s=12.0),),
        ),
    ),
    talks=(Talk(interface="PJSIP/8001", agent="林知夏", from_=1_700_000_028.0, to=1_700_000_099.0),),
    transfers=(),
)
"A call of 2023 that was recorded."


def _changed(folder: Path) -> Callable[[Settings], Settings]:
    """Short targets, and recordings in a folder."""

    def change(settings: Settings) -> Settings:
        queues = {n: msgspec.structs.replace(q, target=TARGET_S) for n, q in settings.queues.items()}
        heard = RecordingSettings(folder=str(folder), notice=True, notice_text="本次通话可能被录音")
        watching = msgspec.structs.replace(settings.watching, recordings=heard)
        return msgspec.structs.replace(settings, queues=queues, watching=watching)

    return change


def _sound(path: Path, seconds: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\1" * 8000 * seconds)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floor(sample_site: tuple[Path, Sample], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Opened]:
    """One service at life's own speed, with an admin, and one browser."""
    folder = copy_of(sample_site[0], tmp_path_factory.mktemp("floor"))
    sounds = tmp_path_factory.mktemp("sounds")
    _sound(sounds / f"in-{HEARD.id}.wav", seconds=71)
    with closing(Store.open(f"sqlite:///{folder / 'cti.db'}")) as store:
        store.save_calls([HEARD], "demo")
    async with (
        service(folder, sample_site[1], speed=1.0, change=_changed(sounds)) as running,
        chromium_pages(running.base, PASSWORD) as pages,
    ):
        admin = Account(login="admin", name="管理员", role="admin", password_hash=FAST.hash(PASSWORD))
        await asyncio.to_thread(running.app.store.add_user, admin)
        yield running, pages


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def boss(floor: Opened) -> Screen:
    """The supervisor's board; his other pages open beside it."""
    return await floor[1].log_in("hansong")


async def _open(boss: Screen, address: str) -> Screen:
    """Another page of the same user, still empty where `address` is ''."""
    screen = Screen(await boss.page.context.new_page())
    if address:
        await screen.page.goto(re.sub(r"/board$", address, boss.page.url))
        await screen.ready()
    return screen


async def test_countdown_turns_and_its_alert_is_raised_silenced_and_over(floor: Opened, boss: Screen) -> None:
    """Past the target the row turns, each caller has one alert; silenced it is dimmed, over when he is gone."""
    running, board = floor[0], boss
    running.call("abandoned")
    running.call("late", STRANGER)
    row = await board.shown("#waiting tbody tr", "周敏")
    await board.shown("#waiting tbody tr", STRANGER[-4:])
    with running.calls_stand_still():  # both wait for as long as all this takes
        await expect(row.locator(".left13")).to_contain_text(re.compile("超 0[0-9]:"))
        await expect(row).to_have_class(re.compile("k-over"))
        lines = board.find("#alerts li[data-alert=late][data-open]")
        await expect(lines).to_have_count(2)
        await expect(lines.filter(has_text="周敏")).to_contain_text("超过 2 秒")
        await lines.filter(has_text=STRANGER[-4:]).locator("button", has_text="静音").click()
        await board.find("[role=menuitem]", has_text="只这一条").click()
        await expect(board.find("#alerts li.quiet")).to_contain_text(STRANGER[-4:])
    await expect(board.find("#waiting tbody tr", "周敏")).to_have_count(0)
    with running.calls_stand_still():
        await expect(board.find("#alerts li.over")).to_contain_text("解除")
        await expect(board.find("#alerts li[data-open]")).to_have_count(1)
    board.blameless()


def _told(words: str, what: str) -> int:
    """The number behind a word."""
    found = re.search(rf"{what} (\d+)", words)
    assert found, words
    return int(found[1])


async def test_report_has_a_chart_and_every_number_opens_its_calls(boss: Screen) -> None:
    """The list behind a number is as long as the number; a bar, a cell and a call of the list lead further."""
    screen = await _open(boss, LAST_WEEKS)
    number = await screen.shown('[data-figure="abandoned"] b .link')
    lost = int((await number.inner_text()).strip())
    assert lost > 0
    await number.click()
    await expect(screen.find("#calls .crumb b")).to_contain_text(f"放弃 {lost} 通")
    await expect(screen.find("#calls tbody tr")).to_have_count(lost)
    await screen.shown("#calls tbody td:nth-child(2)", " · ")  # who called, where the number is one customer's

    await expect(screen.find('[data-figure="level"] .vname')).to_contain_text("V2")
    offered = int((await screen.find('[data-figure="offered"] b .link').inner_text()).replace(",", ""))
    await screen.find("#course .hit").first.wait_for(state="attached")  # each part of the page is answered by itself
    bars = await screen.find("#course .hit title").all_text_contents()
    assert sum(_told(bar, "来电") for bar in bars) == offered

    troubled = [_told(bar, "晚接或放弃") for bar in bars]
    busiest = troubled.index(max(troubled))
    await screen.find("#course .hit").nth(busiest).click()
    day = await screen.find("#course .hit").nth(busiest).get_attribute("data-bucket") or ""
    await expect(screen.find("#calls .crumb")).to_contain_text(day[5:10])
    await screen.shown("#calls table[aria-busy=false]")
    for moment in await screen.find("#calls tbody td:first-child").all_inner_texts():
        assert moment.startswith(day[5:10])

    await screen.page.keyboard.press("Escape")
    cell = screen.find("#heat button.h1, #heat button.h2").first
    hour = (await cell.get_attribute("data-cell") or "").split("-")[1]
    await cell.click()
    await expect(screen.find("#course h2")).to_contain_text(f"{hour} 时")
    await screen.shown("#calls table[aria-busy=false]")
    for moment in await screen.find("#calls tbody td:first-child").all_inner_texts():
        assert moment[6:8] == f"{int(hour):02d}"

    await screen.find("#calls tbody tr").first.click()
    await expect(screen.find("dialog .wait-of")).to_contain_text(re.compile("秒"))
    await screen.page.keyboard.press("Escape")
    assert "cell=" in screen.page.url
    screen.blameless()


async def test_another_target_recomputes_the_past_and_the_file_says_so(floor: Opened, boss: Screen) -> None:
    """The level of the same calls differs, the address carries the target, and the export is made with it."""
    screen = await _open(boss, LAST_WEEKS)
    level = screen.find('[data-figure="level"] > b .link')
    before = await level.inner_text()
    await screen.find(".filters button", has_text="V2").click()
    await screen.find(".pick-target input").fill("60")
    await screen.page.keyboard.press("Enter")
    await expect(level).not_to_have_text(before)
    assert "target=60" in screen.page.url
    await screen.page.keyboard.press("Escape")
    await screen.find(".filters button", has_text="导出").click()
    href = await screen.find("a[download]", has_text="CSV").get_attribute("href") or ""
    file = await screen.page.request.get(floor[1].base + href)
    assert file.status == 200
    assert "目标 Target (s),60.0" in (await file.body()).decode("utf-8-sig")
    screen.blameless()


async def test_call_of_a_list_is_told_heard_marked_and_scored(floor: Opened, boss: Screen) -> None:
    """Who rang how long; the sound comes in parts, only when asked for; mark and score sheet stand after a reload."""
    running, _ = floor
    async with running.browser("admin") as admin:
        assert (await admin.call("PUT", "/recordings/rights/hansong", {"teams": ["*"]}))[0] == 204
    screen = await _open(boss, "/history?period=own&from=2023-11-14&to=2023-11-15")
    parts: list[int] = []
    screen.page.on("response", lambda r: parts.append(r.status) if "/api/v1/recordings/" in r.url else None)
    await screen.find("#calls tbody tr").click()
    ring = screen.find('dialog [data-doing="ringing"]')
    await expect(ring).to_contain_text("乔岩")
    await expect(ring).to_contain_text("12.0 秒")
    await expect(screen.find("dialog")).to_contain_text("来电者知道在录音")
    await screen.shown(".player .btn.ico")
    await screen.page.evaluate("fetch('/healthz')")  # what was asked for before it would be answered by then
    assert parts == []
    await screen.find(".player .btn.ico").click()
    await screen.shown(".player[data-playing=yes]")
    await expect(screen.find(".player .line > .num").first).to_have_text(re.compile(r"00:0[1-9] / 01:11"))
    assert set(parts) == {206}
    await screen.find(".track input").fill("60")
    await expect(screen.find(".player .line > .num").first).to_have_text(re.compile(r"01:0\d / 01:11"))
    await screen.find(".mark-form input.field").fill("<b>先报了价</b>")
    await screen.find(".mark-form button").click()
    await expect(screen.find(".marks li")).to_contain_text("<b>先报了价</b>")
    await screen.shown(".crit")
    for line in await screen.find(".crit").all():
        await line.locator("button").nth(3).click()
    await screen.find("button", has_text="保存评分").click()
    await screen.shown(".sheet h3 b", "%")
    await screen.reload()
    await screen.find("#calls tbody tr").click()
    await expect(screen.find(".marks li .link")).to_contain_text(re.compile(r"01:0\d"))
    await screen.shown(".sheet h3 b", "%")
    screen.blameless()


async def test_overflow_rule_begins_dry_and_says_what_it_is(boss: Screen) -> None:
    """Written on the board, it runs dry until somebody says live; a rule in use is not deleted by a slip."""
    await boss.page.bring_to_front()  # a browser draws hidden pages seldom
    await boss.find("#waiting button", has_text="溢出规则").click()
    await boss.find("dialog button", has_text="新规则").click()
    await boss.find('.rule-form [name="name"]').fill("<i>借出口组</i>")
    await boss.find('.rule-form [name="queue"]').select_option("europe")
    await boss.find('.rule-form [name="team"]').select_option("出口组")
    await boss.find('.rule-form [name="wait_s"]').fill("8")
    await boss.find(".rule-form button.primary").click()
    rule = await boss.shown(".rule-card", "<i>借出口组</i>")
    await expect(rule).to_have_attribute("data-mode", "dry")
    await rule.locator("button", has_text="生效").click()
    await expect(rule).to_have_attribute("data-mode", "live")
    await expect(rule.locator("button", has_text="删除")).to_be_disabled()
    await rule.locator("button", has_text="停用").click()
    await expect(rule).to_have_attribute("data-mode", "off")
    await rule.locator("button", has_text="删除").click()
    await boss.gone(".rule-card")
    await boss.page.keyboard.press("Escape")
    boss.blameless()


async def test_agent_moves_to_another_team_and_the_board_follows(boss: Screen) -> None:
    """From now on: the board's group changes at once, his steps through time are listed."""
    teams = await _open(boss, "/teams")
    await teams.find('[data-login="jian"]').click()
    await teams.find('#person [name="team"]').fill("夜班组")
    await teams.find("#person button", has_text="换班组").click()
    await teams.shown("#teams-list h3", "夜班组")
    await expect(teams.find("#person tbody tr").first).to_contain_text("夜班组")
    await boss.shown("#agents .grp h3", "夜班组")
    teams.blameless()


async def test_past_minutes_play_pause_and_cannot_be_acted_on(boss: Screen) -> None:
    """The clock of the replay runs and stands; there is nothing to press for a caller of the past."""
    screen = await _open(boss, "/replay")
    shown = screen.find(".top .tag b")
    first = await (await screen.shown(".top .tag b")).inner_text()
    await screen.page.keyboard.press("Space")
    await expect(shown).not_to_have_text(first)
    await screen.page.keyboard.press("Space")
    await expect(screen.find(".reel .primary")).to_contain_text("播放")
    await screen.shown("#agents .ag")
    assert await screen.find("#waiting .acts1, #agents button.ag, #waiting button").count() == 0
    screen.blameless()


async def test_agent_sees_his_own_figures_only(floor: Opened) -> None:
    """No filter by others, one row by agent: himself."""
    _, pages = floor
    screen = await pages.log_in("linzhixia")
    await screen.page.goto(pages.base + LAST_WEEKS)
    await expect(screen.find("#table tbody tr")).to_have_count(1)
    await expect(screen.find("#table tbody tr")).to_contain_text("林知夏")
    await expect(screen.find(".filters")).to_contain_text("只含我自己的来电")
    await expect(screen.find(".filters")).not_to_contain_text("全部坐席")
    screen.blameless()


async def test_wallboard_fills_a_television_and_knows_no_number(floor: Opened) -> None:
    """By its address alone, 1920×1080: everything is in sight, nothing under 25 px, no number, no other right."""
    running, pages = floor
    async with running.browser("admin") as admin:
        status, made = await admin.call("POST", "/wallboard/tokens", {"label": "大厅", "days": None})
    assert status == 201
    screen = Screen(await (await pages.profile(1920, 1080)).new_page())
    pages.screens.append(screen)
    await screen.page.goto(pages.base + made["path"])
    await screen.ready()
    with running.nobody_free():  # he waits, and is on the wall, for as long as all this takes
        running.call("held")
        await screen.shown(".wt li .bar13")
        await expect(screen.find(".wq tbody tr")).to_have_count(3)
        await expect(screen.find(".big .vname")).to_contain_text("V2")
        assert "#" not in screen.page.url
        assert await screen.page.evaluate(SMALLEST) >= 25
        box = await screen.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        assert box == [1920, 1080]
        assert not re.search(r"1[3-9]\d[ \d]{8,}", await screen.find("#app").inner_text())
        await expect(screen.find(".wt li .bar13")).to_be_visible()
    assert (await screen.page.request.get(f"{pages.base}/api/v1/history/report")).status == 401
    await running.end_calls()
    screen.blameless()


PAGES = {
    "board": "#alerts",
    "history": "#calls .causes",
    "definitions": "#V8",
    "replay": ".top",
    "staffing": "#plan table, #plan .say",
    "teams": "[data-login]",
    "wallboard": ".wall .hd",
}
"{page: what stands on it when it is there}"


async def test_no_page_asks_by_itself(floor: Opened, boss: Screen) -> None:
    """In ten minutes in which nobody touches a page it asks the service nothing: what is new is pushed."""
    screen = await _open(boss, "")
    await screen.page.clock.install()
    asked: list[str] = []
    screen.page.on("request", lambda request: asked.append(request.url))
    for page, stands in PAGES.items():
        await screen.page.goto(f"{floor[1].base}/{page}")
        await screen.ready()
        await screen.shown(stands)
        await screen.page.evaluate("fetch('/healthz')")  # what the page asked while it came has been asked by then
        asked.clear()
        await screen.page.clock.fast_forward(TEN_MINUTES_MS)
        await screen.page.evaluate("fetch('/healthz')")  # what was asked before it has been seen by then
        await eventually(lambda: any(url.endswith("/healthz") for url in asked))
        assert [url for url in asked if "/api/" in url] == [], page
