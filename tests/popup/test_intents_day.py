"""Why he may be calling, and the agent's own day."""

from __future__ import annotations

from datetime import datetime
from typing import Any, get_args, get_type_hints
from zoneinfo import ZoneInfo

import msgspec
import pytest

from crm_bridge.model import BusinessRecord, ChatMessage, Field, Note, Party, Profile, Quote, QuoteLine
from crm_bridge.reasons import Kind
from cti.calls.record import Call, Missed, Visit
from cti.popup.day import Day
from cti.popup.intents import call_notes, flags, intents
from cti.wire import CallItem, Intent

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 20, 10, 42, tzinfo=ZONE).timestamp()
HOUR, DAY = 3600.0, 86_400.0


def quote(valid_until: float | None, status: Any = "sent", **more: Any) -> Quote:
    """An offer."""
    fields: dict[str, Any] = {
        "id": "q",
        "number": "Q261112-07",
        "at": NOW - 8 * DAY,
        "pol": "宁波",
        "pod": "汉堡",
        "carrier": "北渡",
        "lines": (QuoteLine(container="40HQ", count=2, freight=2350.0),),
    }
    return Quote(status=status, valid_until=valid_until, **{**fields, **more})


def call(outcome: str, ago: float, wait_s: float = 41.0, direction: str = "inbound") -> CallItem:
    """An earlier call."""
    return CallItem(
        id=f"c{ago}",
        at=NOW - ago,
        direction=direction,
        outcome=outcome,
        queue="europe",
        queue_label="欧洲航线",
        wait_s=wait_s,
        talk_s=None,
        agent=None,
        number="138",
        note="",
    )


def test_offer_that_ends_today_is_something_to_do() -> None:
    """It names the lane, the boxes, the hour, and the quote it rests on."""
    (hint,) = intents(NOW, ZONE, quotes=[quote(NOW + 7.3 * HOUR)])
    assert hint.text == "问报价：宁波→汉堡 40HQ×2 今天 18:00 到期"
    assert "Q261112-07" in hint.evidence
    assert hint.today
    assert hint.kind == "quote"


def test_offers_that_are_over_or_far_away_are_no_hint() -> None:
    """Long ended, won, lost, without an end, or good for weeks: nothing to say; one that just ended wants a new one."""
    (ended,) = intents(NOW, ZONE, quotes=[quote(NOW - 1)])
    assert ended.text.startswith("要新报价")
    quotes = [
        quote(NOW - 9 * DAY),
        quote(NOW + HOUR, "won"),
        quote(NOW + HOUR, "lost"),
        quote(None),
        quote(NOW + 30 * DAY),
    ]
    assert intents(NOW, ZONE, quotes=quotes) == ()
    (soon,) = intents(NOW, ZONE, quotes=[quote(NOW + 2 * DAY)])
    assert not soon.today


def test_shipment_that_is_late_is_told_with_what_was_asked() -> None:
    """Planned and expected arrival, and the customer's unanswered message."""
    record = BusinessRecord(id="b", at=NOW, bl_no="BDLNGB2603418", eta=NOW + 15 * DAY, eta_planned=NOW + 13 * DAY)
    asked = ChatMessage(
        id="m",
        at=NOW - HOUR,
        channel="qq",
        direction="in",
        sender="周敏",
        kind="text",
        text="船到底几号到",
        answered=False,
    )
    (hint,) = intents(NOW, ZONE, business=[record], chats=[asked])
    assert hint.text == "催船期：BDLNGB2603418 晚 2 天"
    assert hint.evidence == "ETA 12-03 → 12-05；09:42 QQ 问「船到底几号到」，未回"


def test_shipment_in_time_or_long_arrived_is_no_hint() -> None:
    """A move of an hour, and a ship of last month, bring nobody to the phone."""
    small = BusinessRecord(id="b", at=NOW, eta=NOW + DAY, eta_planned=NOW + DAY - HOUR)
    old = BusinessRecord(id="b", at=NOW, eta=NOW - 9 * DAY, eta_planned=NOW - 12 * DAY)
    assert intents(NOW, ZONE, business=[small, old]) == ()


def test_lost_call_is_told_until_somebody_answered() -> None:
    """All lost calls since the last answered one, within a day; one of minutes ago comes first of all."""
    (hint,) = intents(NOW, ZONE, calls=[call("abandoned", 240), call("timeout", 900, 23.0)])
    assert hint.text == "刚才没打通：4 分钟前等了 00:41 未接通"
    assert "2 次" in hint.evidence
    assert "01:04" in hint.evidence
    assert intents(NOW, ZONE, calls=[call("answered", 60), call("abandoned", 240)]) == ()
    assert intents(NOW, ZONE, calls=[call("abandoned", 2 * DAY)]) == ()
    assert intents(NOW, ZONE, calls=[call("abandoned", 240, direction="outbound")]) == ()


def test_every_kind_of_reason_reaches_the_page_with_its_evidence() -> None:
    """Complaint, enquiry, call-back, message: whatever the reasons know, the pop's head can say."""
    notes = [Note(id="n", at=NOW - HOUR, by="林知夏", text="客户投诉放单慢，答应下午回电")]
    enquiry = quote(None, "open", lines=(), number="WX261120-AB12", at=NOW - HOUR)
    asked = ChatMessage(
        id="m", at=NOW - HOUR, channel="web", direction="in", sender="周敏", kind="text", text="在吗", answered=False
    )
    for given, kind in (
        ({"notes": notes}, "complaint"),
        ({"notes": [Note(id="n", at=NOW - HOUR, by="林知夏", text="答应下午回电")]}, "callback"),
        ({"quotes": [enquiry]}, "enquiry"),
        ({"chats": [asked]}, "message"),
    ):
        (hint, *_) = intents(NOW, ZONE, **given)
        assert hint.kind == kind
        assert hint.evidence
        assert hint.evidence_en
        assert msgspec.json.decode(msgspec.json.encode(hint), type=Intent) == hint
    assert get_args(get_type_hints(Intent)["kind"]) == get_args(Kind)


def test_no_evidence_no_guess() -> None:
    """A record in which nothing is open says nothing."""
    won = quote(NOW - 9 * DAY, "won")
    notes = [Note(id="n", at=NOW - HOUR, by="林", text="已解决，客户满意")]
    assert intents(NOW, ZONE, quotes=[won], notes=notes, calls=[call("answered", 60)]) == ()


def test_what_was_noted_in_a_call_counts_like_a_remark() -> None:
    """A promise noted in a call is open until somebody spoke with the customer again."""
    promised = msgspec.structs.replace(call("answered", 3 * HOUR), note="答应下午回电给他", talk_s=60.0, agent="林知夏")
    (hint,) = intents(NOW, ZONE, calls=[promised], notes=call_notes([promised]))
    assert (hint.kind, "林知夏" in hint.evidence) == ("callback", True)
    spoken = [promised, call("answered", HOUR)]
    assert intents(NOW, ZONE, calls=spoken, notes=call_notes(spoken)) == ()


def profile(**values: str) -> Profile:
    """A profile with these fields."""
    party = Party(id="1", kind="person", name="周敏", category="sea", category_label="国际海运", version=1)
    fields = tuple(Field(key=key, label=key, label_en=key, value=value) for key, value in values.items())
    return Profile(party=party, fields=fields, contact_points=(), notes=())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"overdue": "¥8,200 · 12 天"}, ["逾期 ¥8,200 · 12 天"]),
        ({"birthday": "1985-11-20"}, ["今天生日"]),
        ({"birthday": "11/20", "overdue": "2 票"}, ["逾期 2 票", "今天生日"]),
        ({"overdue": "无"}, []),
        ({"overdue": "0"}, []),
        ({"overdue": "0 天"}, []),
        ({"overdue": "-", "birthday": "1985-11-21"}, []),
        ({"birthday": "不知道"}, []),
        ({}, []),
    ],
)
def test_overdue_credit_and_a_birthday_today_stand_at_the_head(values: dict[str, str], said: list[str]) -> None:
    """What an agent should mind before the first word; what is not so is not said."""
    assert [flag.text for flag in flags(NOW, ZONE, profile(**values))] == said


def test_at_most_three_and_one_of_each_kind_first() -> None:
    """Many offers do not push the late ship and the lost call away; a call lost just now leads."""
    quotes = [quote(NOW + n * HOUR, number=f"Q{n}") for n in range(1, 6)]
    record = BusinessRecord(id="b", at=NOW, bl_no="B1", eta=NOW + 15 * DAY, eta_planned=NOW + 13 * DAY)
    found = intents(NOW, ZONE, quotes=quotes[:1], business=[record], calls=[call("abandoned", 240)])
    assert [h.kind for h in found] == ["missed", "quote", "shipment"]
    assert len(intents(NOW, ZONE, quotes=quotes, business=[record], calls=[call("abandoned", 240)])) == 3


def test_hostile_text_stays_on_one_line() -> None:
    """What a CRM row or a chat says is cleaned and cut."""
    evil = "x\r\n\u202e" * 500
    record = BusinessRecord(id="b", at=NOW, bl_no=evil, eta=NOW + 15 * DAY, eta_planned=NOW + 13 * DAY)
    asked = ChatMessage(id="m", at=NOW, channel=evil, direction="in", sender="", kind="text", text=evil, answered=False)
    for hint in intents(NOW, ZONE, quotes=[quote(NOW + HOUR, pol=evil)], business=[record], chats=[asked]):
        assert len(hint.text) < 200
        assert not set("\r\n\u202e") & set(hint.text + hint.evidence)


def made(id: str, at: float, interface: str = "PJSIP/1", wait_s: float = 5.0, missed: int = 0) -> Call:
    """A call with one answered visit."""
    visit = Visit(
        queue="europe",
        joined_at=at,
        left_at=at + wait_s,
        outcome="answered",
        answered_at=at + wait_s,
        wait_s=wait_s,
        agent=None,
        interface=interface,
        missed=tuple(Missed(agent=None, interface="PJSIP/2", ring_s=8.0) for _ in range(missed)),
    )
    return Call(
        id=id, direction="inbound", caller=None, dialed=None, started_at=at, ended_at=None,
        refused=(), visits=(visit,), talks=(), transfers=(),
    )  # fmt: skip


def _day() -> Day:
    day = Day(lambda queue: 13.0, lambda at: datetime.fromtimestamp(at, ZONE).date())
    day.roll(NOW)
    return day


def test_day_counts_answers_answers_in_time_and_misses() -> None:
    """At exactly the target it is still in time."""
    day = _day()
    for n, wait in enumerate((5.0, 13.0, 13.001)):
        day.put(made(f"c{n}", NOW, wait_s=wait, missed=1))
    today = day.of(["PJSIP/1", "PJSIP/2"], 13.0)
    assert (today.answered, today.in_target, today.missed) == (3, 2, 3)
    assert day.of(["PJSIP/9"], 13.0).answered == 0


def test_call_put_in_again_is_not_counted_again() -> None:
    """The newest state of a call replaces the one before; only changes are reported."""
    day = _day()
    assert day.put(made("c", NOW)) == {"PJSIP/1"}
    assert day.put(made("c", NOW)) == set()
    assert day.put(made("c", NOW, interface="PJSIP/3")) == {"PJSIP/1", "PJSIP/3"}
    assert day.of(["PJSIP/1"], 13.0).answered == 0
    assert day.of(["PJSIP/3"], 13.0).answered == 1


def test_a_long_day_keeps_its_figures_and_few_calls() -> None:
    """What is no longer held stays counted, and is not counted again when it is told again; midnight ends that too."""
    day = Day(lambda queue: 13.0, lambda at: datetime.fromtimestamp(at, ZONE).date(), most=3)
    day.roll(NOW)
    for _ in range(2):
        for n in range(10):
            day.put(made(f"c{n}", NOW))
    assert day.of(["PJSIP/1"], 13.0).answered == 10
    assert len(day._calls) == 3
    day.roll(NOW + DAY)
    day.put(made("c0", NOW + DAY))
    assert day.of(["PJSIP/1"], 13.0).answered == 1


def test_visit_that_nobody_answered_counts_only_its_misses() -> None:
    """An abandoned visit is no answer of anybody; a visit without an entry counts on the day of its call."""
    day = _day()
    gone = Visit(
        queue="europe", joined_at=None, left_at=NOW, outcome="abandoned", answered_at=None, wait_s=None, agent=None,
        interface="PJSIP/1", missed=(Missed(agent=None, interface="PJSIP/2", ring_s=8.0),),
    )  # fmt: skip
    whole = made("c", NOW)
    day.put(msgspec.structs.replace(whole, visits=(gone,)))
    assert day.of(["PJSIP/1"], 13.0).answered == 0
    assert day.of(["PJSIP/2"], 13.0).missed == 1
    day.put(msgspec.structs.replace(whole, id="d", started_at=NOW - DAY))
    assert day.of(["PJSIP/1"], 13.0).answered == 1


def test_yesterday_is_not_today() -> None:
    """Calls of another day of the site's zone do not count, and midnight begins anew."""
    day = _day()
    day.put(made("old", NOW - DAY))
    day.put(made("new", NOW))
    assert day.of(["PJSIP/1"], 13.0).answered == 1
    assert day.roll(NOW + DAY)
    assert not day.roll(NOW + DAY)
    assert day.of(["PJSIP/1"], 13.0).answered == 0
