"""How long a text is, what a template makes of it, and when a message may go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.numbers import canonical
from cti import events
from cti.sms.compose import Channel, Wording, compose
from cti.sms.missed import Missed, MissedCalls, Reached
from cti.sms.policy import Facts, Policy, Scope, judge, open_at
from cti.sms.text import faults, measure, plain, render

BEIJING = timezone(timedelta(hours=8))
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=BEIJING).timestamp()


@pytest.mark.parametrize(
    ("text", "domestic", "parts"),
    [
        ("中" * 70, True, (70,)),
        ("中" * 71, True, (67, 4)),
        ("a" * 160, True, (67, 67, 26)),
        ("a" * 160, False, (160,)),
        ("a" * 161, False, (153, 8)),
        ("a" * 350, False, (153, 153, 44)),
        ("中" * 150, False, (67, 67, 16)),
        ("€", False, (2,)),
        ("😀", True, (2,)),
        ("中" * 69 + "😀", True, (67, 4)),
        ("中" * 66 + "😀" + "中" * 9, True, (66, 11)),
        ("a" * 152 + "€" * 10, False, (152, 20)),
        ("", True, (0,)),
    ],
)
def test_segments_are_counted_as_the_networks_count(text: str, domestic: bool, parts: tuple[int, ...]) -> None:
    """70 or 67 a segment, 160 or 153 in GSM-7; an escaped sign or an emoji is two units and never cut in two."""
    assert measure(text, "", domestic=domestic).parts == parts


def test_the_signature_counts() -> None:
    """With 【十三秒货运】 there is room for 63 characters in the first segment."""
    assert measure("中" * 63, "十三秒货运", domestic=True).segments == 1
    assert measure("中" * 64, "十三秒货运", domestic=True).segments == 2
    assert measure("hi", "Thirteen", domestic=False).text == "[Thirteen] hi"


@given(st.text(max_size=600), st.booleans())
def test_every_unit_stands_in_one_segment(text: str, domestic: bool) -> None:
    """The segments hold all units, none too many, and what is left is what fits."""
    found = measure(text, "签", domestic=domestic)
    assert sum(found.parts) == found.characters
    room = (160, 153) if found.encoding == "gsm7" else (70, 67)
    assert all(part <= room[len(found.parts) > 1] for part in found.parts)
    assert found.left == room[len(found.parts) > 1] - found.parts[-1] >= 0


@given(st.text(max_size=300))
def test_a_value_cannot_pass_for_a_signature_or_a_line(value: str) -> None:
    """Whatever a record holds, a variable is one short line without our brackets."""
    made = plain(value)
    assert len(made) <= 60
    assert not set("【】\r\n\x00") & set(made)
    assert faults("x" + made, domestic=True) == ()


def test_a_template_takes_its_values_in_the_order_of_its_text() -> None:
    """Values stand in the order of the text, for platforms that go by it; a missing one is told, never left out."""
    text, used, missing = render("{b}和{a}，{b}；{c}", {"a": "甲", "b": "乙", "x": "丙"})
    assert (text, list(used.items()), missing) == ("乙和甲，乙；{c}", [("b", "乙"), ("a", "甲")], ("c",))
    assert render("{a}", {"a": "{b}", "b": "x"})[0] == "{b}"


HOME = (Channel(name="aliyun", needs_code=True, price=0.045), Channel(name="yunpian", needs_code=False, price=0.05))


def composed(number: str, wording: Wording) -> tuple[tuple[str, ...], tuple[str, ...], float | None]:
    """(problems, platforms, cost)."""
    made = compose(canonical(number), wording, {}, signature="签名", home=HOME, abroad=HOME[1:])
    return made.problems, made.platforms, made.cost


def test_only_platforms_that_can_carry_a_text_are_asked() -> None:
    """A template without a code at Aliyun goes by Yunpian; free text, too; a landline gets nothing."""
    free, coded = Wording(text="您好"), Wording(id="t", text="您好", codes={"aliyun": "SMS_1"})
    assert composed("13800138000", free) == ((), ("yunpian",), 0.05)
    assert composed("13800138000", coded) == ((), ("aliyun", "yunpian"), 0.045)
    assert composed("+14155550100", coded)[1] == ("yunpian",)
    assert composed("057487654321", coded)[0] == ("not_mobile",)
    assert composed("13800138000", Wording(text="【银行】您好"))[0] == ("signature",)
    assert composed("13800138000", Wording(id="m", text="特价", purpose="marketing"))[0] == ("no_way_out",)


@pytest.mark.parametrize(
    ("hour", "hours", "opens"),
    [
        (12, (8 * 60, 21 * 60), 12),
        (7, (8 * 60, 21 * 60), 8),
        (21, (8 * 60, 21 * 60), 32),
        (23, (22 * 60, 6 * 60), 23),
        (7, (22 * 60, 6 * 60), 22),
        (3, (0, 1440), 3),
    ],
)
def test_a_window_opens_when_the_site_says(hour: int, hours: tuple[int, int], opens: int) -> None:
    """Within the hours at once, outside when they begin next; hours may run over midnight."""
    at = NOON + (hour - 12) * 3600
    assert open_at(at, hours, BEIJING) == NOON + (opens - 12) * 3600


def verdict(facts: Facts, *, marketing: bool = False, at: float = NOON, patient: bool = False) -> tuple[str, ...]:
    """The problems."""
    found = judge(
        Policy(),
        facts,
        purpose="marketing" if marketing else "service",
        measured=measure("x", "", domestic=True),
        domestic=True,
        now=at,
        zone=BEIJING,
        patient=patient,
    )
    return found.problems


@pytest.mark.parametrize(
    ("scope", "marketing", "passes"),
    [(None, True, True), ("marketing", True, False), ("marketing", False, True), ("all", False, False)],
)
def test_a_refusal_is_kept_as_far_as_it_goes(scope: Scope | None, marketing: bool, passes: bool) -> None:
    """Who refused marketing still hears of his shipment; who refused all hears nothing."""
    assert (verdict(Facts(opted_out=scope), marketing=marketing) == ()) == passes


def test_limits_hold_for_number_template_text_and_hours() -> None:
    """The same text twice within seconds, a template four times an hour, marketing at night or twice a day: no."""
    assert verdict(Facts(same_text=[NOON - 5])) == ("too_soon",)
    assert verdict(Facts(by_template=[NOON - 60 * n for n in range(3)])) == ("template_often",)
    assert verdict(Facts(by_template=[NOON - 7200] * 3)) == ()
    assert verdict(Facts(sent=[NOON - 7200] * 20)) == ("too_many",)
    assert verdict(Facts(marketing=[NOON - 7200]), marketing=True) == ("too_many",)
    night = NOON + 11 * 3600
    assert verdict(Facts(), marketing=True, at=night) == ("window",)
    assert verdict(Facts(), marketing=True, at=night, patient=True) == ()
    assert verdict(Facts(), at=night) == ()


def test_who_waited_and_talked_with_nobody_was_missed() -> None:
    """Told once, when the call ends; a call that was answered, internal or ours is none; a talk is told at once."""
    calls = MissedCalls()

    def offered(call: str, direction: events.Direction = "inbound") -> object:
        return calls.apply(
            events.CallOffered(
                at=1.0, call=call, direction=direction, caller="13800138000", caller_name=None, dialed="4000001313"
            )
        )

    def queued(call: str) -> None:
        calls.apply(
            events.CallQueued(
                at=2.0,
                call=call,
                visit="v",
                queue="europe",
                position=1,
                waiting_since=2.0,
                caller="13800138000",
                caller_name=None,
                dialed="4000001313",
                choice=None,
            )
        )

    offered("a")
    queued("a")
    calls.apply(events.CallAbandoned(at=9.0, call="a", visit="v", queue="europe", wait_s=7.0, waiting_since=2.0))
    assert calls.apply(events.CallEnded(at=9.5, call="a")) == Missed(
        call="a", number="13800138000", line="4000001313", queue="europe", wait_s=7.5, at=9.5
    )
    assert calls.apply(events.CallEnded(at=9.5, call="a")) is None
    offered("b")
    queued("b")
    told = calls.apply(events.TalkStarted(at=3.0, call="b", interface="PJSIP/1", agent=None))
    assert told == Reached(call="b", number="13800138000", outbound=False)
    assert calls.apply(events.CallEnded(at=9.0, call="b")) is None
    offered("c", "outbound")
    assert calls.apply(events.CallEnded(at=9.0, call="c")) is None
    offered("d")
    assert calls.apply(events.CallEnded(at=9.0, call="d")) is None, "he never entered a queue"
    assert datetime.fromtimestamp(NOON, UTC).hour == 4
