"""Why a customer may be calling: what is open with him, most pressing first, each with its evidence (pure).

The order is a forwarder's desk's: a call that was lost minutes ago, a complaint, an offer that ends today, an enquiry
nobody has priced, a call-back we promised, a message nobody answered, a ship that is late. Every reason rests on a row
of the record and says which; where nothing is open there is no reason, and nothing is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from typing import Final, Literal, Protocol

import msgspec

from crm_bridge.model import BusinessRecord, ChatMessage, Note, Quote

Kind = Literal["missed", "complaint", "quote", "enquiry", "callback", "message", "shipment"]
MOST: Final = 3
DAY_S: Final = 86_400.0
JUST_NOW_S: Final = 900.0
"A call lost within this time is why he calls again."
LOST_S: Final = DAY_S
SOON_S: Final = 3 * DAY_S
"An open offer that ends within this time is worth a hint, and one that ended as lately."
LATE_S: Final = DAY_S / 2
"An arrival moved by less than this is no delay."
ARRIVED_S: Final = 2 * DAY_S
"Nobody asks for a ship this long after its arrival."
ENQUIRY_S: Final = 14 * DAY_S
MESSAGE_S: Final = 3 * DAY_S
PROMISE_S: Final = 7 * DAY_S
COMPLAINT_S: Final = 30 * DAY_S
_END: Final = 4e9
"Times beyond the year 2096 are none."


class PastCall(Protocol):
    """An earlier call of the customer's."""

    @property
    def at(self) -> float:
        """When it began."""

    @property
    def direction(self) -> str:
        """`inbound` or another."""

    @property
    def outcome(self) -> str:
        """`answered` or another."""

    @property
    def wait_s(self) -> float | None:
        """How long he waited."""


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One likely reason for the call."""

    kind: Kind
    today: bool
    "Something has to be done about it today."
    text: str
    text_en: str
    evidence: str
    "The row it rests on: number, day, words."
    evidence_en: str
    weight: float
    "For ranking within one call only."


def reasons(
    now: float,
    zone: tzinfo | None,
    *,
    quotes: Sequence[Quote] = (),
    business: Sequence[BusinessRecord] = (),
    chats: Sequence[ChatMessage] = (),
    notes: Sequence[Note] = (),
    calls: Sequence[PastCall] = (),
    most: int = MOST,
) -> tuple[Reason, ...]:
    """At most `most` reasons, most pressing first; one of each kind before a second of any.

    `now` and all times are epoch seconds, told in `zone` (None: local). Any order of the rows will do.
    """
    clock = _Clock(now, zone)
    found = [
        *_lost(clock, calls),
        *_complaints(clock, notes, chats, business),
        *_offers(clock, quotes),
        *_enquiries(clock, quotes),
        *_promises(clock, notes, calls),
        *_messages(clock, chats, business),
        *_shipments(clock, business, chats),
    ]
    found.sort(key=lambda reason: -reason.weight)
    seen: dict[str, int] = {}
    ranked: list[tuple[int, int, Reason]] = []
    for place, reason in enumerate(found):
        seen[reason.kind] = seen.get(reason.kind, 0) + 1
        ranked.append((seen[reason.kind], place, reason))
    ranked.sort(key=lambda row: row[:2])
    return tuple(reason for *_, reason in ranked[: max(0, most)])


class _Clock:
    """Times in words."""

    def __init__(self, now: float, zone: tzinfo | None) -> None:
        self.now = now
        self._zone = zone
        self._today = datetime.fromtimestamp(now, zone).date()

    def _when(self, at: float) -> datetime:
        # Somebody else's database holds any number; no time is worth a pop.
        return datetime.fromtimestamp(at if 0 <= at <= _END else 0.0, self._zone)

    def is_today(self, at: float) -> bool:
        return self._when(at).date() == self._today

    def day(self, at: float) -> str:
        return f"{self._when(at):%m-%d}"

    def moment(self, at: float) -> str:
        when = self._when(at)
        return f"{when:%H:%M}" if when.date() == self._today else f"{when:%m-%d %H:%M}"

    def ago(self, at: float) -> tuple[str, str]:
        minutes = max(0, round((self.now - at) / 60))
        if minutes < 60:
            return f"{minutes} 分钟前", f"{minutes} min ago"
        return (self.moment(at),) * 2


def _lost(clock: _Clock, calls: Sequence[PastCall]) -> list[Reason]:
    lost: list[PastCall] = []
    for call in sorted((c for c in calls if c.direction == "inbound" and c.at <= clock.now), key=lambda c: -c.at):
        if call.outcome == "answered" or call.at < clock.now - LOST_S:
            break  # whoever was answered since has said what he wanted
        lost.append(call)
    if not lost:
        return []
    last = lost[0]
    waited = sum(call.wait_s or 0.0 for call in lost)
    when, when_en = clock.ago(last.at)
    fresh = clock.now - last.at <= JUST_NOW_S
    return [
        Reason(
            kind="missed",
            today=fresh,
            text=f"刚才没打通：{when}等了 {_length(last.wait_s or 0.0)} 未接通",
            text_en=f"Lost call: {when_en}, waited {_length(last.wait_s or 0.0)}",
            evidence=f"一天内未接通 {len(lost)} 次，共等 {_length(waited)}，建议先致歉",
            evidence_en=f"{len(lost)} in a day, {_length(waited)} waited in all: apologise first",
            weight=100.0 if fresh else 70.0 if clock.now - last.at <= 7200 else 45.0,
        )
    ]


_COMPLAINT: Final = re.compile(
    r"(?<![没無无不未])(?<!没有)(?<!没收到)(投诉|索赔|赔偿|理赔|货损|破损|少货|丢货|短少|(?i:\bcomplain\w*|\bclaim\b|\bdamaged?\b))"
)
_SETTLED: Final = re.compile(
    r"已解决|已处理|处理完|已结案|结案|已赔|已理赔|撤诉|(?i:\bresolved\b|\bsettled\b|\bclosed\b)"
)


def _complaints(
    clock: _Clock, notes: Sequence[Note], chats: Sequence[ChatMessage], business: Sequence[BusinessRecord]
) -> list[Reason]:
    said: list[tuple[float, str, str, str]] = [(n.at, n.text, f"{n.by} 的备注", f"note by {n.by}") for n in notes]
    said += [(c.at, c.text, f"{_channel(c.channel)}消息", f"{c.channel} message") for c in chats if c.direction == "in"]
    said += [
        (
            b.at,
            f"{b.status} {b.details}",
            f"业务 {b.bl_no or _lane(b.pol, b.pod)}",
            f"shipment {b.bl_no or _lane(b.pol, b.pod)}",
        )
        for b in business
    ]
    said = [one for one in said if clock.now - COMPLAINT_S <= one[0] <= clock.now]
    settled = max((at for at, text, *_ in said if _SETTLED.search(text)), default=0.0)
    open_ = [one for one in said if one[0] > settled and _COMPLAINT.search(one[1])]
    if not open_:
        return []
    at, text, where, where_en = max(open_, key=lambda one: one[0])
    hit = _COMPLAINT.search(text)
    word = hit[1] if hit else ""
    around = text[max(0, (hit.start() if hit else 0) - 8) :]
    return [
        Reason(
            kind="complaint",
            today=clock.is_today(at),
            text=f"有未了的{_cut(word, 12)}，请先安抚",
            text_en="An open complaint or claim",
            evidence=f"{clock.moment(at)} {_cut(where, 30)}：「{_cut(around, 20)}」，之后没有处理完的记录",
            evidence_en=f"{clock.moment(at)} {_cut(where_en, 30)}: “{_cut(around, 20)}”, nothing settled since",
            weight=90.0,
        )
    ]


def _offers(clock: _Clock, quotes: Sequence[Quote]) -> list[Reason]:
    found: list[Reason] = []
    given = [q for q in quotes if q.lines and q.valid_until is not None]
    for quote in given:
        until = quote.valid_until or 0.0
        line = quote.lines[0]
        lane = f"{_lane(quote.pol, quote.pod)} {_cut(line.container, 10)}×{line.count}"
        number, when = _cut(quote.number, 30), clock.day(quote.at)
        if quote.status in ("open", "sent") and clock.now <= until <= clock.now + SOON_S:
            today = clock.is_today(until)
            ends, ends_en = (
                (f"今天 {clock.moment(until)}", f"today {clock.moment(until)}") if today else (clock.day(until),) * 2
            )
            found.append(
                Reason(
                    kind="quote",
                    today=today,
                    text=f"问报价：{lane} {ends} 到期",
                    text_en=f"Quote: {lane} ends {ends_en}",
                    evidence=f"{when} 已报 {number}，未答复",
                    evidence_en=f"{number} given {when}, no answer yet",
                    weight=80.0 if today else 60.0 - (until - clock.now) / DAY_S,
                )
            )
        elif quote.status in ("open", "sent", "expired") and clock.now - SOON_S <= until < clock.now:
            # What was accepted or declined is not open; a newer offer on the lane replaces the old one.
            if any(q.at > quote.at and (q.pol, q.pod) == (quote.pol, quote.pod) for q in quotes):
                continue
            found.append(
                Reason(
                    kind="quote",
                    today=False,
                    text=f"要新报价：{lane} {clock.day(until)} 已过期",
                    text_en=f"New quote: {lane} expired {clock.day(until)}",
                    evidence=f"{when} 报的 {number} 没有答复，也没有新报价",
                    evidence_en=f"{number} of {when} unanswered, no newer offer",
                    weight=40.0,
                )
            )
    return found


def _enquiries(clock: _Clock, quotes: Sequence[Quote]) -> list[Reason]:
    found: list[Reason] = []
    for quote in quotes:
        if quote.status != "open" or quote.lines or not clock.now - ENQUIRY_S <= quote.at <= clock.now:
            continue
        what = " ".join(filter(None, (_lane(quote.pol, quote.pod), _cut(quote.note, 20))))
        waits = (clock.now - quote.at) / DAY_S
        found.append(
            Reason(
                kind="enquiry",
                today=True,
                text=f"催报价：{what or _cut(quote.number, 30)}",
                text_en=f"Waits for a price: {what or _cut(quote.number, 30)}",
                evidence=f"{clock.moment(quote.at)} 询价 {_cut(quote.number, 30)}，还没有报价",
                evidence_en=f"Enquiry {_cut(quote.number, 30)} of {clock.moment(quote.at)}, no price given",
                weight=75.0 - min(waits, 14.0),
            )
        )
    return found


_PROMISE: Final = re.compile(
    r"回电|回拨|回他电话|回她电话|给(?:他|她|客户)?回复|再联系|(?i:\bcall (?:him |her |them )?back\b|\bcallback\b)"
)
_KEPT: Final = re.compile(r"已回|回过|(?i:called back)")


def _promises(clock: _Clock, notes: Sequence[Note], calls: Sequence[PastCall]) -> list[Reason]:
    made = [n for n in notes if clock.now - PROMISE_S <= n.at <= clock.now and _PROMISE.search(n.text)]
    if not made:
        return []
    last = max(made, key=lambda note: note.at)
    # A minute's grace: the note of a call is written at its end, when the call began before.
    spoken = any(call.outcome == "answered" and call.at > last.at + 60 for call in calls)
    if spoken or any(note.at >= last.at and _KEPT.search(note.text) for note in notes):
        return []
    return [
        Reason(
            kind="callback",
            today=True,
            text="在等我们回电",
            text_en="Waits for our call back",
            evidence=f"{clock.moment(last.at)} {_cut(last.by, 20)} 备注「{_cut(last.text, 24)}」，之后没有接通过",
            evidence_en=f"{clock.moment(last.at)}, by {_cut(last.by, 20)}: “{_cut(last.text, 24)}”, not spoken since",
            weight=72.0,
        )
    ]


def _unanswered(clock: _Clock, chats: Iterable[ChatMessage]) -> ChatMessage | None:
    """The newest message of the customer's that nobody answered."""
    waiting = [
        c for c in chats if c.direction == "in" and not c.answered and clock.now - MESSAGE_S <= c.at <= clock.now
    ]
    return max(waiting, key=lambda message: message.at, default=None)


def _messages(clock: _Clock, chats: Sequence[ChatMessage], business: Sequence[BusinessRecord]) -> list[Reason]:
    message = _unanswered(clock, chats)
    if message is None or _about_late(clock, message, business) is not None:
        return []
    words = _cut(message.text, 20) if message.kind == "text" else ""
    said = f"「{words}」" if words else "发来一条消息"
    asks = bool(re.search(r"[?？吗呢]|什么|多少|几", message.text))
    return [
        Reason(
            kind="message",
            today=True,
            text=f"消息未回：{_channel(message.channel)} {said}",
            text_en=f"Unanswered {message.channel} message{f': “{words}”' if words else ''}",
            evidence=f"{clock.moment(message.at)} {_channel(message.channel)}发来，之后没有人回",
            evidence_en=f"Came {clock.moment(message.at)} by {message.channel}, nobody answered",
            weight=65.0 if asks else 55.0,
        )
    ]


_SHIP: Final = re.compile(r"船|柜|箱|到港|到货|提单|单号|开船|货|(?i:\beta\b|\betd\b|vessel|arriv|\bb/?l\b|track|ship)")


def _about_late(clock: _Clock, message: ChatMessage, business: Sequence[BusinessRecord]) -> BusinessRecord | None:
    """The late shipment that a message asks about, None where it asks about something else."""
    late = _late(clock, business)
    named = next((b for b in late if b.bl_no and b.bl_no in message.text), None)
    return named or (late[0] if late and _SHIP.search(message.text) else None)


def _late(clock: _Clock, business: Sequence[BusinessRecord]) -> list[BusinessRecord]:
    late = [
        b
        for b in business
        if b.eta is not None
        and b.eta_planned is not None
        and b.eta - b.eta_planned >= LATE_S
        and clock.now - ARRIVED_S <= b.eta <= _END
        and b.eta_planned >= 0
    ]
    return sorted(late, key=lambda b: b.eta or 0.0)


def _shipments(clock: _Clock, business: Sequence[BusinessRecord], chats: Sequence[ChatMessage]) -> list[Reason]:
    found: list[Reason] = []
    message = _unanswered(clock, chats)
    asked = _about_late(clock, message, business) if message is not None else None
    for record in _late(clock, business):
        eta, planned = record.eta or 0.0, record.eta_planned or 0.0
        days = max(1, round((eta - planned) / DAY_S))
        name = _cut(record.bl_no, 40) or _lane(record.pol, record.pod)
        evidence = evidence_en = f"ETA {clock.day(planned)} → {clock.day(eta)}"
        if message is not None and record is asked:
            at, words = clock.moment(message.at), _cut(message.text, 12)
            evidence += f"；{at} {_channel(message.channel)} 问「{words}」，未回"
            evidence_en += f"; asked by {message.channel} {at}, unanswered"
        found.append(
            Reason(
                kind="shipment",
                today=record is asked,
                text=f"催船期：{name} 晚 {days} 天",
                text_en=f"Shipment: {name} is {days} day{'s' if days > 1 else ''} late",
                evidence=evidence,
                evidence_en=evidence_en,
                weight=68.0 if record is asked else 50.0 + min(days, 9),
            )
        )
    return found


def _lane(pol: str, pod: str) -> str:
    return f"{_cut(pol, 24)}→{_cut(pod, 24)}" if pol or pod else ""


def _channel(channel: str) -> str:
    return {"qq": "QQ", "wecom": "企业微信", "wechat": "微信", "wangwang": "旺旺", "msn": "MSN"}.get(channel, "在线")


def _length(seconds: float) -> str:
    whole = int(seconds) if 0 <= seconds < 360_000 else 0
    return f"{whole // 60:02d}:{whole % 60:02d}"


def _cut(text: str, limit: int) -> str:
    """A text fit for one line: no control or formatting characters, one kind of space, cut with an ellipsis."""
    plain = "".join(char if unicodedata.category(char)[0] != "C" else " " for char in text[: limit * 8])
    plain = " ".join(plain.split())
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"
