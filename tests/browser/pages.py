"""A real browser in front of the running service: pages of logged-in users, and what went wrong on them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Any, Self

from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright, expect

from tests import chromium

GUARD_MS = 20_000
expect.set_options(timeout=GUARD_MS)
QUIET = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
"The browser asks nobody but the service for anything."

NOTE_SAVED = re.compile(r"^\s*已存")
"The note is with the service: other than its draft, of which is said 草稿已存."

TAKEN = '.strip[data-closed="answered_elsewhere"]'
TICKED = ".ed-btn:has(.good)"
BRIEF = (TAKEN, TICKED, ".switching", ".toast")
"What stands on a page for a few seconds: a test that waits for it may come too late."

WATCH = """
{
const waiting = new Set();
const look = () => { for (const one of [...waiting]) one(); };
const when = (find) => new Promise((done) => {
  const one = () => {
    const found = find();
    if (found) { waiting.delete(one); done(found); }
  };
  waiting.add(one);
  one();
});
const frame = () => new Promise(requestAnimationFrame);
const shifts = new PerformanceObserver((list) => moved(list.getEntries()));
const moved = (entries) => {
  for (const entry of entries) {
    if (entry.hadRecentInput) continue;
    watched.shift += entry.value;
    watched.moved.push(...entry.sources.map(({node, previousRect: was, currentRect: is}) =>
      `${node?.parentNode?.className}>${node?.className ?? node?.nodeName} ${node?.textContent?.slice(0, 20)}`
      + ` ${Math.round(was.x)},${Math.round(was.y)}→${Math.round(is.x)},${Math.round(is.y)}`));
  }
};
let told = 0;
window.watched = {
  shift: 0, moved: [], pops: {}, states: [], brief: [],
  pop: (state) => when(() => {
    const at = watched.states.findIndex((one, n) => n >= told && one.state === state);
    if (at < 0) return undefined;
    told = at + 1;
    return watched.states[at].pop;
  }),
  flashed: (kind, text) => when(() => watched.brief.find((one) => one.kind === kind && one.text.includes(text))?.text),
  drawn: (pop) => when(() => watched.pops[pop]),
  still: async () => { await frame(); await frame(); moved(shifts.takeRecords()); },
};
shifts.observe({type: 'layout-shift', buffered: true});
new MutationObserver(() => {
  const {pop, state} = document.querySelector('.strip[data-pop]')?.dataset ?? {};
  if (pop) {
    const last = watched.states.at(-1);
    if (last?.pop !== pop || last.state !== state) watched.states.push({pop, state});
    if (!(pop in watched.pops)) requestAnimationFrame(() => { watched.pops[pop] ??= Date.now() / 1000; look(); });
  }
  for (const kind of BRIEF) {
    for (const {textContent: text} of document.querySelectorAll(kind)) {
      if (!watched.brief.some((one) => one.kind === kind && one.text === text)) watched.brief.push({kind, text});
    }
  }
  look();
}).observe(document, {subtree: true, childList: true, attributes: true, characterData: true,
  attributeFilter: ['class', 'data-pop', 'data-state', 'data-closed']});
}
"""
"""Runs in every page before its own scripts, and keeps what a test may come too late to see: what moved without being
asked to, when each pop was drawn, the states of the strip, and what stands on the page for a moment only.
"""

_EXPECTED = re.compile(r"status of (401|403|404|409|422|429)|ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|WebSocket")
"Answers that a test asks for: the browser itself writes each into its console."


class Screen:
    """One page of one user."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.dialogs: list[str] = []
        page.on("console", self._told)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", self._asked)
        page.set_default_timeout(GUARD_MS)

    def _told(self, message: Any) -> None:
        if message.type in ("error", "warning") and not _EXPECTED.search(message.text):
            self.complaints.append(message.text)

    async def _asked(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        await dialog.dismiss()

    def find(self, selector: str, has_text: str | None = None) -> Locator:
        """Elements by CSS selector, those with this text if one is given."""
        return self.page.locator(selector, has_text=has_text)

    @property
    def strip(self) -> Locator:
        """The strip of the call that is on the desk."""
        return self.find(".strip")

    async def shown(self, selector: str, text: str | re.Pattern[str] | None = None) -> Locator:
        """Wait until such an element is visible; it."""
        found = self.page.locator(selector) if text is None else self.page.locator(selector, has_text=text)
        await found.first.wait_for()
        return found.first

    async def gone(self, selector: str) -> None:
        """Wait until no such element is left."""
        await self.page.locator(selector).first.wait_for(state="detached")

    async def pop(self, state: str = "ringing") -> str:
        """Wait until a call on the desk has been drawn in this state, though it may have gone on since; its pop's id.

        Each call tells of what came after that which was told last.
        """
        return str(await self._told_by_page("watched.pop", state))

    async def on_desk(self) -> str:
        """Wait until a call is on the desk, whatever has become of it; its pop's id."""
        return await self.find(".strip[data-pop]").get_attribute("data-pop") or ""

    async def flashed(self, kind: str, text: str = "") -> str:
        """Wait until one of `BRIEF` has been drawn with this text, though it may be gone again; all of its text."""
        assert kind in BRIEF
        return str(await self._told_by_page("watched.flashed", kind, text))

    async def _told_by_page(self, asked: str, *given: str) -> Any:
        async with asyncio.timeout(GUARD_MS / 1000):
            return await self.page.evaluate(f"(given) => {asked}(...given)", list(given))

    async def ready(self) -> Self:
        """Wait until the first snapshot is on the page."""
        await self.page.locator("html[data-ready=yes]").wait_for(state="attached")
        return self

    async def reload(self) -> Self:
        """Load the page again, and wait for it."""
        await self.page.reload()
        return await self.ready()

    async def drawn_at(self, pop: str) -> float:
        """When this pop was drawn, epoch seconds."""
        return float(await self._told_by_page("watched.drawn", pop))

    async def shift(self) -> float:
        """Cumulative layout shift so far: how much moved that nobody had touched."""
        await self._told_by_page("watched.still")  # what was drawn last is counted with its frame
        return float(await self.page.evaluate("watched.shift"))

    async def moved(self) -> list[str]:
        """What moved."""
        return [str(name) for name in await self.page.evaluate("watched.moved")]

    def blameless(self) -> None:
        """Nothing was written to the console as an error, and nothing asked back."""
        assert self.complaints == []
        assert self.dialogs == []


class Pages:
    """The browser; each user gets a profile of his own."""

    def __init__(self, browser: Browser, base: str, password: str) -> None:
        self._browser = browser
        self.base = base
        self._password = password
        self._stack = AsyncExitStack()
        self.screens: list[Screen] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def profile(self, width: int = 1366, height: int = 768, **options: Any) -> BrowserContext:
        """A fresh profile of the browser."""
        context = await self._browser.new_context(
            viewport={"width": width, "height": height},
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            reduced_motion="reduce",
            **options,
        )
        self._stack.push_async_callback(context.close)
        await context.add_init_script(f"const BRIEF = {json.dumps(BRIEF)};{WATCH}")
        return context

    async def blank(self) -> Screen:
        """The login page of a fresh profile."""
        page = await (await self.profile()).new_page()
        screen = Screen(page)
        self.screens.append(screen)
        await page.goto(f"{self.base}/login")
        return screen

    async def log_in(self, user: str, page: str | None = None, **options: Any) -> Screen:
        """Log in by the form; the user's own page, or the one named."""
        context = await self.profile(**options)
        screen = Screen(await context.new_page())
        self.screens.append(screen)
        await screen.page.goto(f"{self.base}/")
        await self.enter(screen, user)
        if page is not None:
            await screen.page.goto(f"{self.base}/{page}")
        return await screen.ready()

    async def enter(self, screen: Screen, user: str) -> None:
        """Fill in the login form that is on the screen, and wait for the user's own page."""
        await screen.page.fill("#user", user)
        await screen.page.fill("#password", self._password)
        await screen.page.click("button[type=submit]")
        await screen.page.wait_for_url(re.compile(r"/(desk|board)$"))

    async def again(self, screen: Screen) -> Screen:
        """A second page in the same profile, at the same address."""
        other = Screen(await screen.page.context.new_page())
        self.screens.append(other)
        await other.page.goto(screen.page.url)
        return await other.ready()


@asynccontextmanager
async def chromium_pages(base: str, password: str) -> AsyncIterator[Pages]:
    """A running Chromium. Raises `chromium.Unavailable` where none can be had."""
    part = chromium.find()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**part.launch(*QUIET))
        try:
            async with Pages(browser, base, password) as pages:
                yield pages
        finally:
            await browser.close()
