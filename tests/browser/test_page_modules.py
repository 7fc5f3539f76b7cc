"""The parts of the pages, each asked by itself: what frames make of the state, how text is shown and read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.far import HEAD, ask, frame, snapshot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def state_after(page: Page, *frames: dict[str, Any], keeps: bool = False) -> dict[str, Any]:
    """The state that these frames make; `keeps`: every pop holds unsaved words."""
    code = "x.frames.reduce((s, f) => m.reduce(s, f, () => x.keeps), m.initial())"
    found: dict[str, Any] = await ask(page, "store.js", code, {"frames": frames, "keeps": keeps})
    return found


async def test_snapshot_replaces_all_and_deltas_build_on_it(page: Page) -> None:
    """What the first frame does not name is gone; later frames change their part and nothing else."""
    profile = {"name": "profile", "state": "ready", "items": [1], "total": 1, "as_of": 1.0, "text": ""}
    state = await state_after(
        page,
        snapshot({"id": "old", **HEAD}),
        snapshot({"id": "p1", **HEAD}),
        frame(2, "section", pop="p1", section=profile),
        frame(3, "pop", pop={"id": "p1", **HEAD, "state": "talking", "party": {"id": "x"}}),
        frame(4, "board", changes={"queues": {"q": None}, "callers": {"v": {"visit": "v"}}}),
        frame(5, "beat"),
    )
    assert list(state["pops"]) == ["p1"]
    assert state["pops"]["p1"]["state"] == "talking"
    assert state["pops"]["p1"]["sections"]["profile"]["items"] == [1]
    assert state["pops"]["p1"]["sections"]["sms"]["state"] == "loading"
    assert state["board"]["queues"] == {}
    assert list(state["board"]["callers"]) == ["v"]
    assert (state["seq"], state["gap"]) == (5, False)


@pytest.mark.parametrize("seq", [1, 3, 7])
async def test_jump_of_the_number_asks_for_a_snapshot(page: Page, seq: int) -> None:
    """A frame that is not the next one changes nothing and marks the gap."""
    state = await state_after(page, snapshot({"id": "p1", **HEAD}), frame(seq, "pop_closed", pop="p1", reason="missed"))
    assert state["gap"] is True
    assert list(state["pops"]) == ["p1"]


async def test_section_that_is_read_again_keeps_what_it_showed(page: Page) -> None:
    """Nothing under a reader's eyes is emptied by loading, lateness or an error; a real answer replaces it."""
    sections = [
        {"name": "sms", "state": "ready", "items": ["a"], "total": 1, "as_of": 5.0, "text": ""},
        {"name": "sms", "state": "late", "items": [], "total": 0, "as_of": None, "text": "late"},
    ]
    frames = [frame(2 + i, "section", pop="p1", section=s) for i, s in enumerate(sections)]
    shown = (await state_after(page, snapshot({"id": "p1", **HEAD}), *frames))["pops"]["p1"]["sections"]["sms"]
    assert (shown["state"], shown["items"], shown["as_of"]) == ("late", ["a"], 5.0)
    empty = {"name": "sms", "state": "empty", "items": [], "total": 0, "as_of": 6.0, "text": ""}
    state = await state_after(
        page, snapshot({"id": "p1", **HEAD}), *frames, frame(4, "section", pop="p1", section=empty)
    )
    assert state["pops"]["p1"]["sections"]["sms"]["items"] == []


async def test_another_customer_takes_nothing_over_from_the_first(page: Page) -> None:
    """When the choice changes, no section of the one before stays on the page."""
    profile = {"name": "profile", "state": "ready", "items": [1], "total": 1, "as_of": 1.0, "text": ""}
    state = await state_after(
        page,
        snapshot({"id": "p1", **HEAD, "party": {"id": "x"}}),
        frame(2, "section", pop="p1", section=profile),
        frame(3, "pop", pop={"id": "p1", **HEAD, "party": {"id": "y"}}),
    )
    assert state["pops"]["p1"]["sections"]["profile"]["state"] == "loading"


@pytest.mark.parametrize("reason", ["answered_elsewhere", "caller_gone", "cancelled", "missed", "replaced"])
async def test_pop_with_unsaved_words_is_never_taken_away(page: Page, reason: str) -> None:
    """Closed by the service it stays, ended, until the words are saved or thrown away; without words it goes."""
    frames = (snapshot({"id": "p1", **HEAD}), frame(2, "pop_closed", pop="p1", reason=reason, by="陈晓雯"))
    assert (await state_after(page, *frames))["pops"] == {}
    kept = (await state_after(page, *frames, keeps=True))["pops"]["p1"]
    assert (kept["state"], kept["kept"]) == ("ended", {"reason": reason, "by": "陈晓雯"})
    after_reconnect = await state_after(page, *frames, snapshot(), keeps=True)
    assert list(after_reconnect["pops"]) == ["p1"]
    assert (
        await state_after(
            page,
            *frames,
            keeps=True,
        )
    )["closed"] is None


async def test_untouched_parts_keep_their_identity(page: Page) -> None:
    """What a frame does not name is the same object as before: it is not drawn again."""
    code = """(() => { const a = m.reduce(m.initial(), x[0]); const b = m.reduce(a, x[1]);
      return [a.pops === b.pops, a.board === b.board, a.agent === b.agent]; })()"""
    assert await ask(page, "store.js", code, [snapshot(), frame(2, "agent", agent={"phase": "idle"})]) == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("link", "open_", "online", "age", "level", "cause"),
    [
        ("live", True, True, 99, "live", None),
        ("lost", True, True, 0.5, "live", "pbx"),
        ("lost", True, True, 2, "late", "pbx"),
        ("lost", True, True, 2.1, "stale", "pbx"),
        ("resyncing", True, True, 3.1, "stale", "pbx"),
        ("refused", True, True, 9, "stale", "refused"),
        ("live", False, True, 2, "late", "service"),
        ("live", False, True, 4, "stale", "service"),
        ("live", False, False, 4, "stale", "offline"),
    ],
)
async def test_page_says_when_it_is_not_current(
    page: Page, link: str, open_: bool, online: bool, age: float, level: str, cause: str | None
) -> None:
    """Up to a second nothing, up to two the dot, then all of the page; and why."""
    since = 1000.0 - age
    asked = {
        "socket": {"open": open_, "lostAt": since},
        "link": {"state": link, "since": since},
        "online": online,
        "ready": True,
        "now": 1000.0,
    }
    told = await ask(page, "linkview.js", "m.verdict(x)", asked)
    assert (told["level"], told["cause"]) == (level, cause)


@pytest.mark.parametrize(
    ("waited", "target", "step", "filled", "total"),
    [
        (0, 13, "calm", 0, 13),
        (7.99, 13, "calm", 7, 13),
        (8, 13, "warn", 8, 13),
        (10.9, 13, "warn", 10, 13),
        (11, 13, "hot", 11, 13),
        (13, 13, "hot", 13, 13),
        (13.001, 13, "over", 13, 13),
        (17, 13, "over", 13, 13),
        (11.9, 20, "calm", 11, 20),
        (12, 20, "warn", 12, 20),
        (16, 20, "hot", 16, 20),
        (30, 60, "calm", 6, 13),
        (60, 60, "hot", 13, 13),
        (60.1, 60, "over", 13, 13),
    ],
)
async def test_countdown_steps_come_from_the_queues_own_target(
    page: Page, waited: float, target: float, step: str, filled: int, total: int
) -> None:
    """Amber from 0.6 T, red from 0.8 T, both rounded up; exactly T is in time; above 20 s a segment is T/13."""
    code = "({step: m.countdownStep(...x), ...m.segments(...x)})"
    assert await ask(page, "format.js", code, [waited, target]) == {"step": step, "filled": filled, "total": total}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("周敏", "周敏"),
        ("a\u202eb\u2066c\u200bd\ufeffe\u0000f", "abcdef"),
        ("  one\r\n\ttwo\u2028three  ", "one two three"),
        ("A" * 50, "A" * 39 + "…"),
        ("😀" * 50, "😀" * 39 + "…"),
        ("e" + "\u0301" * 30, "e\u0301\u0301"),
        ("\ud800x", "x"),
        ("ㅤㅤ", ""),
        (None, ""),
    ],
)
async def test_foreign_text_is_made_safe_to_read(page: Page, given: str | None, shown: str) -> None:
    """Control and direction marks go, white space folds, stacked marks and long names are cut at 40 letters."""
    as_json = json.dumps(given)
    assert await ask(page, "format.js", "m.clean(JSON.parse(x))", as_json) == shown


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("m.mmss(0)", "00:00"),
        ("m.mmss(754.9)", "12:34"),
        ("m.mmss(7261)", "2:01:01"),
        ("m.mmss(null)", "–"),
        ("m.money('2350')", "2,350"),
        ("m.money(-1234.5)", "−1,234.5"),
        ("m.money('')", "–"),
        ("m.percent(0.9054)", "90.5%"),
        ("m.percent(null)", "–"),
        ("m.groupNumber('+8613505741300')", "135 0574 1300"),
        ("m.groupNumber('057487000013')", "0574-8700 0013"),
        ("m.groupNumber('01012345678')", "010-1234 5678"),
        ("m.groupNumber('8012')", "8012"),
        ("m.phoneLabel('PJSIP/8012')", "8012"),
        ("m.phoneLabel('Local/8012@from-queue/n')", "8012"),
        ("m.dayTime(1763721600, 1763725200, {today: '今天', yesterday: '昨天'})", "今天 18:40"),
        ("m.dayTime(1763640000, 1763725200, {today: '今天', yesterday: '昨天'})", "昨天 20:00"),
        ("m.shortDate('2026-01-08', 1763725200)", "01-08"),
        ("m.shortDate('2024-01-08', 1763725200)", "2024-01-08"),
    ],
)
async def test_figures_and_times_are_written_one_way(page: Page, code: str, shown: str) -> None:
    """Durations mm:ss, amounts with thousands and a true minus, dates MM-DD, nothing known is –."""
    assert await ask(page, "format.js", code) == shown


@pytest.mark.parametrize(
    ("text", "domestic", "units", "segments", "left"),
    [
        ("", True, 0, 0, 70),
        ("汉" * 70, True, 70, 1, 0),
        ("汉" * 71, True, 71, 2, 63),
        ("汉" * 134, True, 134, 2, 0),
        ("汉" * 135, True, 135, 3, 66),
        ("a" * 71, True, 71, 2, 63),
        ("a" * 160, False, 160, 1, 0),
        ("a" * 161, False, 161, 2, 145),
        ("€" * 80, False, 160, 1, 0),
        ("a" * 152 + "€" + "a" * 10, False, 164, 2, 141),
        ("é" * 160, False, 160, 1, 0),
        ("ê" * 70, False, 70, 1, 0),
        ("ê" * 71, False, 71, 2, 63),
        ("ê" * 66 + "😀" + "ê" * 10, False, 78, 2, 55),
    ],
)
async def test_text_message_is_counted_as_networks_count(
    page: Page, text: str, domestic: bool, units: int, segments: int, left: int
) -> None:
    """70 alone and 67 each; abroad 160 and 153 of the GSM alphabet, where no letter is cut between two segments."""
    told = await ask(page, "messages/count.js", "m.count(x.text, x)", {"text": text, "domestic": domestic})
    assert (told["characters"], told["segments"], told["left"]) == (units, segments, left)


async def test_signature_counts_like_every_other_letter(page: Page) -> None:
    """What the platform puts before the text fills the segment too."""
    told = await ask(page, "messages/count.js", "m.count('汉'.repeat(64), {signature: '【十三秒】', domestic: true})")
    assert (told["characters"], told["segments"]) == (69, 1)


ROWS = """[{code: 'OF', currency: 'USD', basis: 'container', prices: {'40HQ': '2,350', '20GP': ''}},
    {code: 'DOC', currency: 'CNY', basis: 'bl', price: '450'}]"""
SAVED = """{quote: {id: 'q', pol: '宁波', pod: '汉堡', currency: 'USD', carrier: '', schedule: '', note: '',
    lines: [{container: '40HQ', count: 2, freight: 2350, all_in: 2815}]}, charges: [], version: 'v'}"""


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("m.amount('2,350')", "2350"),
        ("m.amount(' 1，200.5 ')", "1200.5"),
        ("m.amount('')", ""),
        ("m.amount('约 2000')", None),
        ("m.amount('1e3')", None),
        ("m.endOfDay('')", None),
        ("new Date(m.endOfDay('2026-11-30') * 1000).toTimeString().slice(0, 8)", "23:59:59"),
        ("m.endOfDay('2026-02-30') === undefined", True),
        ("m.endOfDay('30.11.2026') === undefined", True),
        ("m.isBlank(m.emptyOffer())", True),
        ("m.isBlank({...m.emptyOffer(), note: 'x'})", False),
        (f"m.chargesOf({{rows: {ROWS}}}, ['20GP', '40HQ']).map((c) => c.code + c.price).join()", "OF2350,DOC450"),
        (f"m.bodyOf(m.typedFrom({SAVED}), ['40HQ']).charges.map((c) => c.price).join('+')", "2350+465"),
    ],
)
async def test_offer_is_read_as_it_was_typed(page: Page, code: str, shown: Any) -> None:
    """Thousands and full-width commas are read, words are not guessed at; a saved quote comes back as it was."""
    assert await ask(page, "trade/offer.js", code) == shown


async def test_list_does_not_move_under_the_pointer(page: Page) -> None:
    """While held, known rows keep their order, new ones come last, gone ones leave; then the order is taken up."""
    code = "[m.heldOrder(['a', 'b', 'c'], ['d', 'c', 'a'], true), m.heldOrder(['a', 'b'], ['b', 'a'], false)]"
    assert await ask(page, "board/order.js", code) == [["a", "c", "d"], ["b", "a"]]


def _alert(name: str, kind: str, at: float, **more: Any) -> dict[str, Any]:
    return {"id": name, "kind": kind, "at": at, "since": at, "cleared_at": None, "queue": "q", "visit": None, **more}


async def test_an_alert_sounds_once_and_never_again_after_a_reconnect(page: Page) -> None:
    """What was open before this page is silent, what is raised is fresh once, a reconnect rings only what is new."""
    old, new, later = _alert("a", "late", 90.0), _alert("b", "late", 110.0), _alert("c", "warn", 130.0)
    frames = [
        {"type": "snapshot", "now": 100.0, "alerts": {"open": [old], "silences": []}},
        {"type": "alerts", "now": 110.0, "raised": [new], "cleared": [{"id": "a", "cleared_at": 110.0}]},
        {"type": "action", "now": 111.0, "action": {"id": "x", "state": "asked"}},
        {"type": "snapshot", "now": 140.0, "alerts": {"open": [new, later], "silences": []}},
    ]
    code = "(() => { let s = m.initial(); return x.map((f) => (s = m.reduce(s, f)).fresh.map((a) => a.id)); })()"
    assert await ask(page, "board/supervise.js", code, frames) == [[], ["b"], [], ["c"]]


async def test_a_wait_is_one_line_and_a_silence_covers_what_it_names(page: Page) -> None:
    """Of one wait the worst alert is listed, open ones first; a silence holds until its end, for its subject."""
    alerts = {
        "w": _alert("w", "warn", 108.0, visit="v"),
        "l": _alert("l", "late", 113.0, visit="v"),
        "m": _alert("m", "missed", 120.0, cleared_at=125.0, interface="PJSIP/1"),
    }
    assert await ask(page, "board/supervise.js", "m.listed(x).map((a) => a.id)", alerts) == ["l", "m"]
    silence = {"alert": None, "kind": "late", "queue": "q", "interface": None, "until": 200.0}
    code = (
        "[m.silenced(x[0], [x[1]], 199), m.silenced(x[0], [x[1]], 200), m.silenced({...x[0], queue: 'p'}, [x[1]], 199)]"
    )
    assert await ask(page, "board/supervise.js", code, [alerts["l"], silence]) == [True, False, False]


async def test_an_action_that_the_pbx_confirmed_is_never_asked_again(page: Page) -> None:
    """The answer to the question may come behind the confirmation: it does not take it back."""
    asked, confirmed = {"id": "x", "state": "asked", "visit": "v"}, {"id": "x", "state": "confirmed", "visit": "v"}
    code = "m.withAction(m.withAction([], x[1]), x[0]).map((a) => a.state)"
    assert await ask(page, "board/supervise.js", code, [asked, confirmed]) == ["confirmed"]
    code = "m.pending(m.withAction([], x[0]), {visit: 'v'})?.id"
    assert await ask(page, "board/supervise.js", code, [asked, confirmed]) == "x"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "?period=lastMonth&variant=V5&tab=queue",
        "?period=own&from=2026-11-01&to=2026-11-20&hours=08%3A00-20%3A00&days=0%2C1%2C2&target=20&queue=a&queue=b",
        "?cell=0-9&which=abandoned&team=%E6%AC%A7%E6%B4%B2%E7%BB%84&cols=offered%2CV3%2Cm10",
        "?which=answered&dim=agent&row=O%27Neil+%3Cb%3E",
    ],
)
async def test_a_report_s_address_is_its_whole_state(page: Page, address: str) -> None:
    """What an address says is what is asked, and is said by the address again; nonsense in it changes nothing."""
    assert await ask(page, "history/query.js", "m.toAddress(m.fromAddress(x))", address) == address
    broken = address + ("&" if address else "?") + "period=never&hours=9&cell=9-30&which=all&target=-1&dim=x&row=y"
    first = [part for part in ("period", "hours", "cell", "which", "target") if part not in address]
    if len(first) == 5 and "dim" not in address:
        assert await ask(page, "history/query.js", "m.toAddress(m.fromAddress(x))", broken) == address


async def test_periods_are_the_site_s_days_and_a_cell_is_one_hour_of_one_day(page: Page) -> None:
    """Week from Monday, month from the 1st, the month before whole; a cell is an hour, cut by working hours."""
    days = "['today', 'yesterday', 'week', 'month', 'lastMonth'].map((period) => m.daysOf({period}, '2026-03-01'))"
    assert await ask(page, "history/query.js", days) == [
        ["2026-03-01", "2026-03-01"],
        ["2026-02-28", "2026-02-28"],
        ["2026-02-23", "2026-03-01"],
        ["2026-03-01", "2026-03-01"],
        ["2026-02-01", "2026-02-28"],
    ]
    hours = "[m.hoursOf({days: '', hours: ''}, '4-9'), m.hoursOf({days: '0,1', hours: '09:30-17:00'}, '1-9')]"
    assert await ask(page, "history/query.js", hours) == [
        {"days": "4", "hours": "09:00-10:00"},
        {"days": "1", "hours": "09:30-10:00"},
    ]


async def test_key_works_from_the_moment_its_part_is_drawn(page: Page) -> None:
    """A quick hand loses no key: between what is drawn and its keys there is no gap."""
    code = """(async () => {
      const {html, render} = await import('/js/lib.js');
      const box = document.body.appendChild(document.createElement('div'));
      let heard = 0;
      const Part = () => { m.useKeys({n: () => { heard += 1; }}); return html`<p>drawn</p>`; };
      const press = () => document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'n', bubbles: true}));
      render(html`<${Part} />`, box);
      const drawn = box.textContent;
      press();
      render(null, box);
      press();
      box.remove();
      return [drawn, heard];
    })()"""
    assert await ask(page, "keys.js", code) == ["drawn", 1]


async def test_desk_lists_every_call_that_holds_unsaved_words(page: Page) -> None:
    """However many there are: what is not in the list nobody would save."""
    code = """(async () => {
      const {html, render} = await import('/js/lib.js');
      const {state} = await import('/js/session.js');
      const {reduce, initial} = await import('/js/store.js');
      const box = document.body.appendChild(document.createElement('div'));
      state.value = reduce(initial(), x, () => true);
      render(html`<${m.Left} pop=${state.value.pops.p0} />`, box);
      const listed = box.querySelectorAll('.open-calls .todo-btn').length;
      render(null, box);
      box.remove();
      state.value = initial();
      return listed;
    })()"""
    ended = [{"id": f"p{n}", **HEAD, "call": f"c{n}", "state": "ended"} for n in range(6)]
    assert await ask(page, "desk/left.js", code, snapshot(*ended)) == 6
