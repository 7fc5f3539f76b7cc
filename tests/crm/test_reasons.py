"""The likely reasons for a call rest on what is open, and come in the order of a forwarder's desk."""

from __future__ import annotations

import math
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.model import BusinessRecord, ChatMessage, Note, Quote, QuoteLine
from crm_bridge.reasons import Reason, reasons

ZONE = ZoneInfo("Asia/Shanghai")
NOW = 1_780_020_000.0
"Ten in the morning, Shanghai."
MIN, HOUR, DAY = 60.0, 3600.0, 86400.0


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier call."""

    at: float
    direction: str = "inbound"
    outcome: str = "abandoned"
    wait_s: float | None = 21.0


def quote(ago: float, until: float | None, **rest: Any) -> Quote:
    """An offer made so long ago, valid until so far from now."""
    values: dict[str, Any] = {
        "id": "q",
        "number": "Q0527-11",
        "at": NOW - ago,
        "pol": "宁波",
        "pod": "汉堡",
        "carrier": "北渡",
        "lines": (QuoteLine(container="40HQ", count=2, freight=2350.0),),
        "valid_until": None if until is None else NOW + until,
        "status": "sent",
        **rest,
    }
    return Quote(**values)


def message(ago: float, text: str, **rest: Any) -> ChatMessage:
    """A customer's message nobody answered."""
    values = {
        "id": "m",
        "channel": "qq",
        "direction": "in",
        "sender": "周敏",
        "kind": "text",
        "answered": False,
        **rest,
    }
    return ChatMessage(at=NOW - ago, text=text, **values)


def note(ago: float, text: str) -> Note:
    """A colleague's remark."""
    return Note(id="n", at=NOW - ago, by="林知夏", text=text)


def ship(late: float, **rest: Any) -> BusinessRecord:
    """A shipment whose arrival moved by so much."""
    return BusinessRecord(
        **{"id": "b", "at": NOW - 20 * DAY, "bl_no": "NB123", "eta_planned": NOW + DAY, "eta": NOW + DAY + late, **rest}
    )


def of(**rows: Any) -> tuple[Reason, ...]:
    """Reasons at this moment."""
    return reasons(NOW, ZONE, **rows)


def kinds(**rows: Any) -> list[str]:
    """Their kinds, in order."""
    return [reason.kind for reason in of(most=9, **rows)]


def test_nothing_open_is_no_reason() -> None:
    """A record in order gives no hint: won and lost offers, ships on time, answered calls and messages, plain notes."""
    assert of() == ()
    assert (
        kinds(
            quotes=[
                quote(DAY, HOUR, status="won"),
                quote(DAY, HOUR, status="lost"),
                quote(DAY, 20 * DAY),
                quote(90 * DAY, -60 * DAY),
            ],
            business=[
                ship(HOUR),
                ship(5 * DAY, eta_planned=NOW - 40 * DAY, eta=NOW - 30 * DAY),
                BusinessRecord(id="x", at=NOW),
            ],
            calls=[Call(at=NOW - 9 * MIN, outcome="answered"), Call(at=NOW - 20 * MIN)],
            chats=[message(HOUR, "好的", answered=True), message(9 * DAY, "在吗"), message(MIN, "好", direction="out")],
            notes=[note(DAY, "要求上午联系"), note(DAY, "没有投诉")],
        )
        == []
    )


def test_a_call_lost_four_minutes_ago_comes_first() -> None:
    """He was just lost: that is why he calls again, whatever else is open; after hours it is one of several."""
    rows: dict[str, Any] = {"quotes": [quote(DAY, 8 * HOUR)], "notes": [note(DAY, "客户投诉柜子破损")]}
    calls = [Call(at=NOW - 4 * MIN), Call(at=NOW - 6 * MIN, outcome="timeout", wait_s=9.0), Call(at=NOW - 2 * DAY)]
    first = of(calls=calls, **rows)[0]
    assert (first.kind, first.today) == ("missed", True)
    assert first.text == "刚才没打通：4 分钟前等了 00:21 未接通"
    assert first.evidence == "一天内未接通 2 次，共等 00:30，建议先致歉"
    assert kinds(calls=[Call(at=NOW - 5 * HOUR)], **rows) == ["complaint", "quote", "missed"]
    assert kinds(calls=[Call(at=NOW - MIN, direction="outbound")]) == []


def test_the_order_of_the_desk() -> None:
    """Complaint, offer that ends today, unpriced enquiry, promise, a ship asked for, each once before a second."""
    rows: dict[str, Any] = {
        "notes": [note(HOUR, "投诉：拖车迟到"), note(2 * HOUR, "答应下午回电")],
        "quotes": [
            quote(DAY, 8 * HOUR),
            quote(HOUR, None, status="open", lines=(), note="40HQ*2 家具"),
            quote(DAY, 2 * DAY),
        ],
        "business": [ship(2 * DAY)],
        "chats": [message(HOUR, "船到哪了")],
    }
    assert kinds(**rows) == ["complaint", "quote", "enquiry", "callback", "shipment", "quote"]
    assert len(of(**rows)) == 3


def test_an_offer_about_to_end_says_which_and_when() -> None:
    """Lane, boxes, end, number and day of the offer; one that just expired asks for a new one, unless there is one."""
    (ends,) = of(quotes=[quote(DAY, 8 * HOUR)])
    assert (ends.text, ends.today) == ("问报价：宁波→汉堡 40HQ×2 今天 18:00 到期", True)
    assert ends.evidence == "05-28 已报 Q0527-11，未答复"
    assert ends.text_en == "Quote: 宁波→汉堡 40HQ×2 ends today 18:00"
    (over,) = of(quotes=[quote(9 * DAY, -DAY, status="expired")])
    assert over.text == "要新报价：宁波→汉堡 40HQ×2 05-28 已过期"
    assert kinds(quotes=[quote(9 * DAY, -DAY), quote(HOUR, 20 * DAY)]) == []
    assert kinds(quotes=[quote(9 * DAY, -5 * DAY)]) == []


def test_an_enquiry_without_a_price_is_waiting() -> None:
    """Asked, not yet priced: that is what he calls for; one of last month is not."""
    (waits,) = of(quotes=[quote(DAY, None, status="open", lines=(), note="40HQ*2 家具")])
    assert (waits.kind, waits.text) == ("enquiry", "催报价：宁波→汉堡 40HQ*2 家具")
    assert waits.evidence == "05-28 10:00 询价 Q0527-11，还没有报价"
    assert kinds(quotes=[quote(20 * DAY, None, status="open", lines=())]) == []


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ({"notes": [note(3 * DAY, "客户投诉：柜子破损")]}, "complaint"),
        ({"notes": [note(3 * DAY, "投诉破损"), note(DAY, "投诉已处理")]}, None),
        ({"notes": [note(DAY, "又来投诉"), note(3 * DAY, "已处理")]}, "complaint"),
        ({"notes": [note(40 * DAY, "投诉")]}, None),
        ({"chats": [message(DAY, "我要索赔！", answered=True)]}, "complaint"),
        ({"chats": [message(DAY, "索赔的事我来办", direction="out")]}, None),
        ({"business": [BusinessRecord(id="b", at=NOW - DAY, bl_no="NB9", status="索赔中")]}, "complaint"),
        ({"notes": [note(DAY, "客户没有投诉，无索赔")]}, None),
        ({"notes": [note(DAY, "Customer complained about damage")]}, "complaint"),
        ({"notes": [note(DAY, "unclaimed bags, closed")]}, None),
    ],
)
def test_a_complaint_needs_words_and_no_end(rows: dict[str, Any], kind: str | None) -> None:
    """Words of a complaint in a note, a message or a shipment, and nothing later that says it is settled."""
    assert kinds(**rows) == ([kind] if kind else [])


def test_a_complaint_shows_its_words() -> None:
    """The evidence says who wrote it when, and the words."""
    (found,) = of(notes=[note(DAY, "昨天客户投诉柜子破损，很生气")])
    assert found.evidence == "05-28 10:00 林知夏 的备注：「昨天客户投诉柜子破损，很生气」，之后没有处理完的记录"


def test_a_promise_is_kept_by_speaking() -> None:
    """A call-back we promised is open until somebody spoke to him or wrote that it was done."""
    assert kinds(notes=[note(3 * HOUR, "答应下午回电")]) == ["callback"]
    assert kinds(notes=[note(3 * HOUR, "答应下午回电")], calls=[Call(at=NOW - HOUR, outcome="answered")]) == []
    assert kinds(notes=[note(3 * HOUR, "答应下午回电")], calls=[Call(at=NOW - 3 * HOUR, outcome="answered")]) == [
        "callback"
    ]
    assert kinds(notes=[note(3 * HOUR, "答应下午回电"), note(HOUR, "已回")]) == []
    assert kinds(notes=[note(9 * DAY, "答应下午回电")]) == []


def test_an_unanswered_message_is_a_reason_of_its_own() -> None:
    """Its words and its time; about a late ship it is that ship's evidence and not told twice."""
    (found,) = of(chats=[message(2 * HOUR, "美西现在什么价？"), message(3 * HOUR, "在吗")])
    assert (found.kind, found.text) == ("message", "消息未回：QQ 「美西现在什么价？」")
    assert found.evidence == "08:00 QQ发来，之后没有人回"
    (found,) = of(chats=[message(HOUR, "", kind="image", channel="wecom")])
    assert found.text == "消息未回：企业微信 发来一条消息"
    (found,) = of(chats=[message(HOUR, "NB123 到哪了")], business=[ship(DAY, bl_no="NB9"), ship(2 * DAY)])[:1]
    assert (found.kind, found.text) == ("shipment", "催船期：NB123 晚 2 天")
    assert found.evidence == "ETA 05-30 → 06-01；09:00 QQ 问「NB123 到哪了」，未回"
    assert kinds(chats=[message(HOUR, "价格多少")], business=[ship(2 * DAY)]) == ["message", "shipment"]


def test_hostile_text_stays_on_its_line() -> None:
    """Control, direction and line-breaking characters of a row do not reach the hint; long words are cut."""
    nasty = "\u202e投诉\n\x1b[31m" + "长" * 5000
    for reason in of(notes=[note(HOUR, nasty)], chats=[message(HOUR, nasty)], quotes=[quote(DAY, HOUR, pol=nasty)]):
        for text in (reason.text, reason.text_en, reason.evidence, reason.evidence_en):
            assert text.isprintable()
            assert len(text) < 160


times = st.one_of(
    st.floats(allow_nan=True), st.floats(NOW - 40 * DAY, NOW + 40 * DAY), st.sampled_from([math.inf, -1.0])
)
words = st.one_of(st.text(max_size=40), st.sampled_from(["投诉", "回电", "船到哪了？", "已处理"]))


@given(
    st.lists(
        st.tuples(
            times, st.one_of(st.none(), times), st.sampled_from(["open", "sent", "won", "lost", "expired"]), words
        ),
        max_size=4,
    ),
    st.lists(st.tuples(times, st.one_of(st.none(), times), st.one_of(st.none(), times), words), max_size=4),
    st.lists(st.tuples(times, words, st.booleans()), max_size=4),
    st.lists(st.tuples(times, words), max_size=4),
    st.lists(st.tuples(times, st.sampled_from(["answered", "abandoned"]), st.one_of(st.none(), times)), max_size=4),
    st.integers(-1, 9),
)
def test_no_record_upsets_it(
    quotes: list[Any], ships: list[Any], chats: list[Any], notes: list[Any], calls: list[Any], most: int
) -> None:
    """Times that are none, odd words, anything in any order: no error, never more than asked for, best first."""
    found = reasons(
        NOW,
        ZONE,
        quotes=[
            Quote(id="q", number=text, at=at, pol=text, pod="", carrier="", valid_until=until, status=status)
            for at, until, status, text in quotes
        ],
        business=[
            BusinessRecord(id="b", at=at, eta=eta, eta_planned=planned, status=text) for at, eta, planned, text in ships
        ],
        chats=[message(0, text, answered=answered, id=str(at)) for at, text, answered in chats],
        notes=[Note(id="n", at=at, by="x", text=text) for at, text in notes],
        calls=[Call(at=at, outcome=outcome, wait_s=wait) for at, outcome, wait in calls],
        most=most,
    )
    assert len(found) <= max(0, most)
    assert all(reason.evidence and reason.evidence_en for reason in found)
    firsts = [reason.weight for n, reason in enumerate(found) if reason.kind not in {r.kind for r in found[:n]}]
    assert firsts == sorted(firsts, reverse=True)
