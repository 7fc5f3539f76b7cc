"""可能的来意: why the caller may be calling, from what is on record, each with its evidence (pure).

At most three, in the order in which a forwarder's desk meets them: an offer that is about to end, a shipment that is
late, a call that was lost. Nothing is guessed: without evidence there is no hint.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Final

from crm_bridge.model import BusinessRecord, ChatMessage, Quote
from cti.wire import CallItem, Intent, clean_text

MOST: Final = 3
DAY_S: Final = 86_400.0
SOON_S: Final = 3 * DAY_S
"An open offer that ends within this time is worth a hint."
LATE_S: Final = DAY_S / 2
"An arrival moved by less than this is no delay."
LOST_S: Final = DAY_S
"A lost call is remembered for this long."
ARRIVED_S: Final = 2 * DAY_S
"Nobody asks for a ship this long after its arrival."


def intents(
    now: float,
    zone: tzinfo | None,
    *,
    quotes: Sequence[Quote] = (),
    business: Sequence[BusinessRecord] = (),
    calls: Sequence[CallItem] = (),
    chats: Sequence[ChatMessage] = (),
) -> tuple[Intent, ...]:
    """Up to three hints, most pressing first. `now` and all times are epoch seconds, shown in `zone` (None: local)."""
    found = [*_quotes(now, zone, quotes), *_shipments(now, zone, business, chats), *_lost(now, zone, calls)]
    # Something to do today goes first; within that the order above, one of each kind before a second of any.
    ranked: list[tuple[bool, int, int, Intent]] = []
    seen: dict[str, int] = {}
    for place, hint in enumerate(found):
        nth = seen[hint.kind] = seen.get(hint.kind, 0) + 1
        ranked.append((not hint.today, nth, place, hint))
    ranked.sort(key=lambda r: r[:3])
    return tuple(hint for *_, hint in ranked[:MOST])


def _quotes(now: float, zone: tzinfo | None, quotes: Sequence[Quote]) -> list[Intent]:
    live = [
        q
        for q in quotes
        if q.status in ("open", "sent") and q.valid_until is not None and now <= q.valid_until <= now + SOON_S
    ]
    live.sort(key=lambda q: q.valid_until or 0.0)
    hints: list[Intent] = []
    for quote in live:
        until = datetime.fromtimestamp(quote.valid_until or 0.0, zone)
        today = until.date() == datetime.fromtimestamp(now, zone).date()
        line = quote.lines[0] if quote.lines else None
        boxes = f" {line.container}×{line.count}" if line is not None else ""
        lane = clean_text(f"{quote.pol}→{quote.pod}{boxes}", 60)
        when, when_en = (f"今天 {until:%H:%M}", f"today {until:%H:%M}") if today else (f"{until:%m-%d}",) * 2
        given = _day(quote.at, zone)
        number = clean_text(quote.number, 30)
        hints.append(
            Intent(
                kind="quote",
                today=today,
                text=f"问报价：{lane} {when} 到期",
                text_en=f"Quote: {lane} ends {when_en}",
                evidence=f"{given} 已报 {number}，未答复",
                evidence_en=f"{number} given {given}, no answer yet",
            )
        )
    return hints


def _shipments(
    now: float, zone: tzinfo | None, business: Sequence[BusinessRecord], chats: Sequence[ChatMessage]
) -> list[Intent]:
    late = [
        (b, b.eta, b.eta_planned)
        for b in business
        if b.eta is not None
        and b.eta_planned is not None
        and b.eta - b.eta_planned >= LATE_S
        and b.eta >= now - ARRIVED_S
    ]
    late.sort(key=lambda row: row[1])
    asked = next((c for c in chats if c.direction == "in" and not c.answered), None)
    hints: list[Intent] = []
    for record, eta, planned in late:
        days = max(1, round((eta - planned) / DAY_S))
        name = clean_text(record.bl_no or f"{record.pol}→{record.pod}", 40)
        moved = f"ETA {_day(planned, zone)} → {_day(eta, zone)}"
        evidence, evidence_en = moved, moved
        if asked is not None and not hints:
            words = clean_text(asked.text, 12)
            evidence = f"{moved}；{_moment(now, asked.at, zone)} {_channel(asked.channel)} 问「{words}」，未回"
            evidence_en = f"{moved}; asked by {asked.channel} {_moment(now, asked.at, zone)}, unanswered"
        hints.append(
            Intent(
                kind="shipment",
                today=False,
                text=f"催船期：{name} 晚 {days} 天",
                text_en=f"Shipment: {name} is {days} day{'s' if days > 1 else ''} late",
                evidence=evidence,
                evidence_en=evidence_en,
            )
        )
    return hints


def _lost(now: float, zone: tzinfo | None, calls: Sequence[CallItem]) -> list[Intent]:
    inbound = sorted((c for c in calls if c.direction == "inbound"), key=lambda c: -c.at)
    lost: list[CallItem] = []
    for call in inbound:
        if call.outcome == "answered" or call.at < now - LOST_S:
            break  # whoever was answered since has said what he wanted
        lost.append(call)
    if not lost:
        return []
    last = lost[0]
    waited = sum(c.wait_s or 0.0 for c in lost)
    at = _moment(now, last.at, zone)
    return [
        Intent(
            kind="missed",
            today=False,
            text=f"刚才没打通：{at} 等 {_clock(last.wait_s or 0.0)} 后未接通",
            text_en=f"Lost call: {at}, waited {_clock(last.wait_s or 0.0)}",
            evidence=f"一天内未接通 {len(lost)} 次，共等 {_clock(waited)}，建议先致歉",
            evidence_en=f"{len(lost)} in a day, {_clock(waited)} waited in all: apologise first",
        )
    ]


def _channel(channel: str) -> str:
    return {"qq": "QQ", "wecom": "企业微信", "wechat": "微信", "wangwang": "旺旺", "msn": "MSN"}.get(channel, "在线")


def _day(at: float, zone: tzinfo | None) -> str:
    return f"{datetime.fromtimestamp(at, zone):%m-%d}"


def _moment(now: float, at: float, zone: tzinfo | None) -> str:
    when, today = datetime.fromtimestamp(at, zone), datetime.fromtimestamp(now, zone)
    return f"{when:%H:%M}" if when.date() == today.date() else f"{when:%m-%d %H:%M}"


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 60:02d}:{whole % 60:02d}"
