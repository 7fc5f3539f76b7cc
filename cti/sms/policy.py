"""Whether a message may go, and when (pure): refusals, hours, how often, how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final, Literal

import msgspec

from cti.sms.platform import Purpose
from cti.sms.text import LONGEST, Measured

Scope = Literal["marketing", "all"]
DAY_S: Final = 86_400.0


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """[sms]'s limits."""

    marketing_hours: tuple[int, int] = (8 * 60, 21 * 60)
    "Minutes of the day, local: from, until."
    service_hours: tuple[int, int] = (0, 24 * 60)
    gap_s: float = 20.0
    "Between two of the same text to one number."
    number_day: int = 20
    "Messages to one number in 24 hours."
    template_hour: int = 3
    "By one template to one number in an hour."
    template_day: int = 8
    marketing_day: int = 1


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a number when a message is to go there. Times are epoch seconds of the last 24 hours."""

    opted_out: Scope | None = None
    sent: Sequence[float] = ()
    by_template: Sequence[float] = ()
    same_text: Sequence[float] = ()
    marketing: Sequence[float] = ()


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`problems` empty: it may go, from `not_before` on."""

    problems: tuple[str, ...] = ()
    not_before: float = 0.0


WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "opted_out": ("客户已退订，不能再发", "The customer has opted out"),
    "window": ("现在不在允许发送的时段", "Outside the hours in which this may be sent"),
    "too_soon": ("刚发过同样的内容", "The same text was sent just now"),
    "too_many": ("今天给这个号码发得太多了", "Too many messages to this number today"),
    "template_often": ("这个模板给该号码发得太频繁", "This template went to this number too often"),
    "too_long": ("内容太长", "The text is too long"),
    "empty": ("内容是空的", "The text is empty"),
    "signature": ("正文里不能再写【】，签名会自动加上", "No 【】 in the text: the signature is added"),
    "control": ("含有不能发送的字符", "It holds characters that cannot be sent"),
    "missing": ("还有变量没有填", "Some variables are not filled in"),
    "no_way_out": ("营销短信要写明退订方法，如“拒收请回复R”", "Marketing must say how to opt out"),
    "not_mobile": ("这个号码不能收短信", "This number takes no messages"),
    "no_platform": ("没有可用的短信平台", "No platform can send this"),
    "needs_template": ("短信平台只能按模板发送", "The platform sends by templates only"),
    "no_template": ("没有这个模板，或已停用", "No such template, or it is switched off"),
}


def open_at(now: float, hours: tuple[int, int], zone: tzinfo) -> float:
    """`now` within the hours, else when they begin next. Hours may run over midnight; equal ends are the whole day."""
    start, end = hours
    if start == end or (start <= 0 and end >= 24 * 60):
        return now
    local = datetime.fromtimestamp(now, zone)
    minute = local.hour * 60 + local.minute
    inside = start <= minute < end if start < end else minute >= start or minute < end
    if inside:
        return now
    begin = local.replace(hour=start // 60, minute=start % 60, second=0, microsecond=0, fold=0)
    if begin <= local:
        begin = (begin.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    return begin.timestamp()


def judge(
    policy: Policy,
    facts: Facts,
    *,
    purpose: Purpose,
    measured: Measured,
    domestic: bool,
    now: float,
    zone: tzinfo,
    patient: bool,
) -> Verdict:
    """May it go? `patient`: a rule's message that may wait for its hours; a person is told at once."""
    problems: list[str] = []
    marketing = purpose == "marketing"
    if facts.opted_out == "all" or (marketing and facts.opted_out is not None):
        problems.append("opted_out")
    if (domestic and measured.characters > LONGEST) or measured.segments > 10:
        problems.append("too_long")
    opens = open_at(now, policy.marketing_hours if marketing else policy.service_hours, zone)
    if opens > now and not patient:
        problems.append("window")
    if any(now - at < policy.gap_s for at in facts.same_text):
        problems.append("too_soon")
    if len(facts.sent) >= policy.number_day or (marketing and len(facts.marketing) >= policy.marketing_day):
        problems.append("too_many")
    hour = sum(now - at < 3600.0 for at in facts.by_template)
    if hour >= policy.template_hour or len(facts.by_template) >= policy.template_day:
        problems.append("template_often")
    return Verdict(problems=tuple(problems), not_before=opens)


def retry_s(attempts: int, asked_s: float = 0.0) -> float:
    """Seconds before the next try: 5, 20, 80 ... up to ten minutes, or what the platform asks."""
    return float(max(min(600.0, 5.0 * 4 ** max(0, attempts - 1)), asked_s))
