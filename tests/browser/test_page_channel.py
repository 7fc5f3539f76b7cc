"""The push channel of a page: what it greets with, how it comes back, and how it knows that the line is dead."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Page

from tests.browser.far import GUARD_S, Far, ask, frame, snapshot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PUSH = """
window.told = [];
window.push?.end();
window.push = m.openPush({url: x.url, page: 'desk',
  onFrame: (f) => { told.push(['frame', f.seq]); return f.type !== 'jump'; },
  onState: (s) => told.push(['state', s.open, s.attempt, s.retryAt === null ? null : s.retryAt - Date.now() / 1000]),
  onDenied: (code) => told.push(['denied', code])});
"""


async def open_push(page: Page, far: Far) -> web.WebSocketResponse:
    """Open the channel; the far end's socket, its snapshot sent."""
    far.channel += 1
    url = f"ws://127.0.0.1:{far.port}/push?{far.channel}"
    await page.evaluate(f"async (x) => {{ const m = await import('/js/push.js'); {PUSH} }}", {"url": url})
    socket, hello = await far.greeted()
    assert hello == {"type": "hello", "v": 1, "page": "desk", "last_seq": hello["last_seq"]}
    await socket.send_json(snapshot())
    await until(page, "told.some((t) => t[0] === 'state' && t[1] === true)")
    return socket


async def until(page: Page, code: str) -> None:
    """Wait until it is so on the page."""
    await page.wait_for_function(code, timeout=GUARD_S * 1000)


async def test_channel_greets_takes_a_snapshot_and_says_where_it_left_off(page: Page, far: Far) -> None:
    """Hello is the first frame; after a break the next hello names the last number seen."""
    socket = await open_push(page, far)
    await socket.send_json(frame(2, "beat"))
    await until(page, "told.at(-1)[0] === 'frame' && told.at(-1)[1] === 2")
    await socket.close(code=1012)
    _, hello = await far.greeted()
    assert hello["last_seq"] == 2


async def test_jump_makes_the_channel_anew(page: Page, far: Far) -> None:
    """When the state finds a gap the socket is closed and made again at once."""
    socket = await open_push(page, far)
    await socket.send_json({**frame(9, "beat"), "type": "jump"})
    again, _ = await far.greeted()
    assert again is not socket


@pytest.mark.parametrize("code", [4001, 4003])
async def test_refusal_ends_the_channel(page: Page, far: Far, code: int) -> None:
    """Not logged in, or no right: the page is told once and nothing is tried again."""
    socket = await open_push(page, far)
    await socket.close(code=code)
    await until(page, "told.some((t) => t[0] === 'denied')")
    assert (await page.evaluate("told.filter((t) => t[0] === 'denied')")) == [["denied", code]]
    assert far.greetings.empty()


@pytest.mark.parametrize("code", [4001, 4003, 1006])
async def test_refused_channel_is_not_tried_again_in_a_minute(page: Page, code: int) -> None:
    """Whoever is refused stays away; any other loss is tried again."""
    script = "now().onclose({code: CODE_OF_CLOSE}); run(60000); return sockets.length;"
    tries = await with_time_standing(page, script.replace("CODE_OF_CLOSE", str(code)))
    assert tries > 1 if code == 1006 else tries == 1


async def test_channel_comes_back_by_itself(page: Page, far: Far) -> None:
    """A connection that broke without a word is made again."""
    socket = await open_push(page, far)
    assert socket._req is not None
    transport = socket._req.transport
    assert transport is not None
    transport.abort()
    again, _ = await far.greeted()
    assert again is not socket


async def test_a_room_comes_back_spread_over_two_seconds_and_waits_longer_each_time(page: Page) -> None:
    """Full jitter: 0 to 2 s after a restart or a loss, later up to 15 s; one page that was too slow comes at once."""
    chances = (0.0, 0.5, 1.0)
    waits = await ask(
        page,
        "push.js",
        "x.map((row) => row.map((way) => m.waitBefore(...way)))",
        [
            [[attempt, code, chance] for chance in chances]
            for attempt, code in [
                (1, 1012),
                (1, 1006),
                (1, 4008),
                (2, 1012),
                (2, 4008),
                (3, 1006),
                (5, 1006),
                (60, 1006),
            ]
        ],
    )
    assert waits == [
        [0, 1000, 2000],
        [0, 1000, 2000],
        [50, 175, 300],
        [0, 1000, 2000],
        [0, 1000, 2000],
        [0, 2000, 4000],
        [0, 7500, 15000],
        [0, 7500, 15000],
    ]


STILL = """
window.push?.end();
const wasWorker = window.Worker, wasSocket = window.WebSocket, wasNow = performance.now, wasDate = Date.now,
  wasRandom = Math.random;
let pulse, at = 1000, gone = 0;
const sockets = [], told = [];
window.Worker = class { set onmessage(fn) { pulse = fn; } terminate() {} };
window.WebSocket = class {
  constructor() { this.readyState = 0; this.sent = []; sockets.push(this); }
  open() { this.readyState = 1; this.onopen(); }
  hear(type) { this.seq = (this.seq ?? 0) + 1; this.onmessage({data: JSON.stringify({v: 1, type, seq: this.seq})}); }
  send(text) { this.sent.push(JSON.parse(text).type); }
  close() { this.gone = true; }
};
window.WebSocket.OPEN = 1;
performance.now = () => at;
Date.now = () => 1.7e12 + at + gone;
Math.random = () => 0.5;
const run = (ms, each = () => {}) => { for (let n = 0; n < ms; n += 500) { at += 500; each(n); pulse(); } };
const shown = () => document.dispatchEvent(new Event('visibilitychange'));
const now = () => sockets.at(-1);
const push = m.openPush({url: 'ws://x', page: 'desk', onFrame: () => true, onDenied: () => {},
  onState: (s) => told.push({...s, at: Date.now() / 1000})});
try {
  now().open(); now().hear('snapshot');
  CODE
} finally {
  push.end();
  Object.assign(window, {Worker: wasWorker, WebSocket: wasSocket});
  performance.now = wasNow; Date.now = wasDate; Math.random = wasRandom;
}
"""


async def with_time_standing(page: Page, code: str) -> Any:
    """What a script of the channel returns; its clock and its pulse are the script's."""
    whole = STILL.replace("CODE", code)
    return await page.evaluate(f"async () => {{ const m = await import('/js/push.js'); {whole} }}")


async def test_silence_is_told_within_five_seconds_and_the_line_made_anew_within_ten(page: Page) -> None:
    """What is shown is lost since the last word of the service; a beat mends it while the line is still the same."""
    told, count = await with_time_standing(
        page,
        """
        run(10000, (n) => { if (n % 2000 === 0) now().hear('beat'); });
        const since = Date.now() / 1000 - 1.5;
        run(3000);
        const before = told.length;
        now().hear('beat');
        run(5000);
        const quiet = told.at(-1);
        now().hear('beat');
        const well = told.at(-1);
        run(9500);
        return [[before, quiet.open, quiet.at - quiet.lostAt, well.open, told.at(-1).open], sockets.length];
        """,
    )
    before, quiet, age, well, dead = told
    assert (before, quiet, well, dead, count) == (2, False, True, False, 1)
    assert 4.5 < age <= 5.0


async def test_page_beats_although_it_is_hidden(page: Page) -> None:
    """The heartbeat hangs on a worker's pulse, not on the page's own timers: hidden, they may go once a minute."""
    told = await with_time_standing(
        page,
        """
        const later = window.setTimeout, every = window.setInterval;
        window.setTimeout = window.setInterval = () => { throw new Error('a timer of the page'); };
        try { run(60000, (n) => { if (n % 2000 === 0) now().hear('beat'); }); }
        finally { window.setTimeout = later; window.setInterval = every; }
        return [sockets.length, now().sent.filter((type) => type === 'beat').length];
        """,
    )
    assert told == [1, 6]


async def test_line_must_prove_itself_to_who_comes_back(page: Page) -> None:
    """Looked at again, the page hears something within three seconds or makes the line anew; likewise after a sleep."""
    told = await with_time_standing(
        page,
        """
        const seen = [];
        run(2000); shown(); run(2500); now().hear('beat'); run(1500); seen.push(sockets.length);  // it proved itself
        shown(); run(3500); seen.push(now().gone); run(2500); seen.push(sockets.length);          // it did not
        now().open(); now().hear('snapshot'); run(500);
        gone = 3600e3; run(4000); seen.push(now().gone);                                          // the lid was shut
        shown(); seen.push(sockets.length); now().open(); now().hear('snapshot');                  // no waiting now
        at += 600e3; document.dispatchEvent(new Event('resume')); seen.push(sockets.length);
        return seen;
        """,
    )
    assert told == [1, True, 2, True, 3, 4]
