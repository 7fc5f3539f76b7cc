"""What really happened, from the PBX's own books: queue_log and the channel event log, never the manager interface.

Who waited where and with what end is queue_log's word; how long, to the microsecond, and which phone was really
bridged with the caller is the channel event log's.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from tests.asterisk.site import CEL_FIELDS

FLICKER = 0.1
"""Seconds: two stretches of one phone this close are one (bridges merging), one this short is none."""

_MOMENT = 0.5
"Seconds: longer than any moment in which the PBX does two things that belong together."

_UNHEARD = ("Local/", "CBAnn/", "CBRec/", "Announcer/", "Recorder/", "Surrogate/", "UnicastRTP/")
"Channels that are nobody's phone."

_OUTCOMES = {
    "CONNECT": "answered",
    "ABANDON": "abandoned",
    "EXITWITHTIMEOUT": "timeout",
    "EXITEMPTY": "empty",
    "EXITWITHKEY": "key",
    "WITHDRAW": "withdrawn",
}


@dataclass(frozen=True)
class LogLine:
    """A line of queue_log."""

    at: int
    unique: str
    queue: str
    agent: str
    verb: str
    data: tuple[str, ...]


@dataclass(frozen=True)
class ChannelEvent:
    """A line of the channel event log."""

    at: float
    kind: str
    number: str
    extension: str
    channel: str
    application: str
    data: str
    unique: str
    linked: str
    extra: dict[str, str]


class TrueVisit(msgspec.Struct, kw_only=True):
    """One stay in one queue."""

    queue: str
    joined_at: float
    outcome: str
    wait_s: float | None
    exact: bool
    "False: the books have whole seconds only."
    least_s: float | None = None
    "The shortest wait that the books allow: `wait_s` less a millisecond as a rule, more where the PBX was busy."
    agent: str | None = None
    interface: str | None = None
    missed: list[tuple[str, float]] = []
    "(member, seconds rung) of each ring that went unanswered."


class TrueTalk(msgspec.Struct, kw_only=True, rename={"from_": "from"}):
    """A stretch in which a phone was bridged with the caller; `to` is None where the PBX died in it."""

    interface: str
    from_: float
    to: float | None


class TrueTransfer(msgspec.Struct, kw_only=True):
    """The caller handed on; `to` holds the target's number somewhere."""

    kind: str
    by: str
    to: str


class TrueCall(msgspec.Struct, kw_only=True):
    """One call."""

    id: str
    direction: str
    caller: str
    dialed: str
    started_at: float
    ended_at: float | None
    refused: list[str]
    "Queues that did not let the caller in."
    visits: list[TrueVisit]
    talks: list[TrueTalk]
    transfers: list[TrueTransfer]


def read_books(queue_log: str, cel: str) -> tuple[list[LogLine], list[ChannelEvent]]:
    """Both books as records; a line cut off in the middle is left out."""
    log = []
    for line in queue_log.split("\n"):
        cells = line.split("|")
        if len(cells) >= 5 and cells[0].isdigit():
            log.append(LogLine(int(cells[0]), cells[1], cells[2], cells[3], cells[4], tuple(cells[5:])))
    events = []
    for row in csv.reader(io.StringIO(cel)):
        if len(row) != len(CEL_FIELDS):
            continue
        cells_by = dict(zip(CEL_FIELDS, row, strict=True))
        extra = json.loads(cells_by.pop("extra") or "{}")
        at = float(cells_by.pop("at"))
        events.append(ChannelEvent(at=at, extra={k: str(v) for k, v in extra.items()}, **cells_by))
    return log, sorted(events, key=lambda event: event.at)


def interface_of(channel: str) -> str:
    """PJSIP/8001 of PJSIP/8001-0000000a."""
    return channel.rpartition("-")[0]


@dataclass
class _Books:
    log: Sequence[LogLine]
    events: Sequence[ChannelEvent]
    trunk: str
    by_channel: dict[str, list[ChannelEvent]] = field(default_factory=lambda: defaultdict(list))
    call_of: dict[str, str] = field(default_factory=dict)
    "{Uniqueid of a channel: Uniqueid of the first channel of its call}, as the channel was born."

    def __post_init__(self) -> None:
        for event in self.events:
            self.by_channel[event.unique].append(event)
            if event.kind == "CHAN_START":
                self.call_of[event.unique] = event.linked

    def is_trunk(self, channel: str) -> bool:
        return interface_of(channel) == f"PJSIP/{self.trunk}"


def truth_of(log: Sequence[LogLine], events: Sequence[ChannelEvent], trunk: str) -> list[TrueCall]:
    """The calls in the order in which they began. `trunk` is the end-point of the outside."""
    books = _Books(log, events, trunk)
    calls = []
    for event in events:
        if event.kind == "CHAN_START" and event.unique == event.linked:
            calls.append(_call(books, event))
    return calls


def _call(books: _Books, start: ChannelEvent) -> TrueCall:
    stretches = list(_stretches(books, start.unique))
    talks = joined_stretches(stretches)
    visits, refused = _visits(books, start.unique, stretches)
    family = [event for event in books.events if books.call_of.get(event.unique) == start.unique]
    ends = [event.at for event in family if event.kind == "CHAN_END"]
    alive = {e.unique for e in family if e.kind == "CHAN_START"} - {e.unique for e in family if e.kind == "CHAN_END"}
    if books.is_trunk(start.channel):
        direction = "inbound"
    else:
        outside = any(books.is_trunk(event.channel) for event in family)
        direction = "outbound" if outside else "internal"
    return TrueCall(
        id=start.unique,
        direction=direction,
        caller=start.number,
        dialed=start.extension,
        started_at=start.at,
        ended_at=max(ends) if ends and not alive else None,
        refused=refused,
        visits=visits,
        talks=talks,
        transfers=list(_transfers(books, start.unique)),
    )


# ---- queues --------------------------------------------------------------------------------------------------


def _visits(books: _Books, call: str, talks: Sequence[TrueTalk]) -> tuple[list[TrueVisit], list[str]]:
    visits: list[TrueVisit] = []
    refused: list[tuple[float, str]] = []
    channels = [unique for unique, first in books.call_of.items() if first == call]
    for unique in channels:
        stays = _stays(books, unique)
        lines = [line for line in books.log if line.unique == unique]
        entered = [at for at, line in enumerate(lines) if line.verb == "ENTERQUEUE"]
        for nth, at in enumerate(entered):
            until = entered[nth + 1] if nth + 1 < len(entered) else len(lines)
            visits.append(_visit(books, lines[at:until], stays, talks))
        refused += [(began, queue) for began, _, queue in stays]  # what no ENTERQUEUE line has used up
    visits.sort(key=lambda visit: visit.joined_at)
    return visits, [queue for _, queue in sorted(refused)]


def _stays(books: _Books, unique: str) -> list[tuple[float, float | None, str]]:
    """(start, end, queue) of each run of Queue() on a channel."""
    stays: list[tuple[float, float | None, str]] = []
    for event in books.by_channel[unique]:
        if event.application != "Queue":
            continue
        if event.kind == "APP_START":
            stays.append((event.at, None, event.data.split(",")[0]))
        elif event.kind == "APP_END" and stays and stays[-1][1] is None:
            stays[-1] = (stays[-1][0], event.at, stays[-1][2])
    return stays


def _visit(
    books: _Books,
    lines: Sequence[LogLine],
    stays: list[tuple[float, float | None, str]],
    talks: Sequence[TrueTalk],
) -> TrueVisit:
    enter = lines[0]
    closing = next((line for line in lines if line.verb in _OUTCOMES), None)
    missed = [(line.agent, int(line.data[0]) / 1000) for line in lines if line.verb == "RINGNOANSWER"]
    stay = next((s for s in stays if s[2] == enter.queue and -1.5 < s[0] - enter.at < 2.5), None)
    if stay is not None:
        stays.remove(stay)
    joined = stay[0] if stay is not None else float(enter.at)
    visit = TrueVisit(
        queue=enter.queue, joined_at=joined, outcome="unknown", wait_s=None, exact=stay is not None, missed=missed
    )
    if closing is None:
        boots = [line.at for line in books.log if line.verb == "QUEUESTART" and line.at >= enter.at]
        visit.outcome = "pbx_restart" if boots else "unknown"
        return visit
    visit.outcome = _OUTCOMES[closing.verb]
    left = stay[1] if stay is not None else None
    if visit.outcome == "answered":
        entered = (e.at for e in books.by_channel[enter.unique] if e.kind == "BRIDGE_ENTER" and e.at >= joined)
        left = next(entered, None)
        visit.agent = closing.agent
        if left is not None:
            near = [(abs(talk.from_ - left), talk.interface) for talk in talks if abs(talk.from_ - left) < 1.0]
            visit.interface = min(near)[1] if near else None
    elif visit.outcome == "abandoned" and left is not None and _lived_on(books, enter.unique, left):
        visit.outcome = "redirected"
    if left is None:
        left, visit.exact = float(closing.at), False
    visit.wait_s = left - joined
    visit.least_s = _least(books, enter, closing, joined, left)
    return visit


def _least(books: _Books, enter: LogLine, closing: LogLine, joined: float, left: float) -> float:
    """The shortest wait that the books allow.

    The channel event log tells when Queue() was started and when the two were bridged. The caller joined the queue a
    moment after the first, before his call's next event (music, a phone rings), and was connected a moment before the
    second, after the agent's phone had answered. On a busy machine the moments are long.
    """
    call = books.call_of.get(enter.unique)
    after = [e.at for e in books.events if e.linked == call and joined < e.at < min(left, joined + _MOMENT)]
    answers = [
        e.at
        for e in books.by_channel.get(closing.data[1] if closing.verb == "CONNECT" else "", ())
        if e.kind == "ANSWER" and left - _MOMENT < e.at <= left
    ]
    until = max(answers, default=left)
    if closing.verb == "CONNECT":
        until = min(until, closing.at + 1.0)  # queue_log's second was over by then, however late the bridge was told
    return max(until - min(after, default=joined), 0.0)


def _lived_on(books: _Books, unique: str, left: float) -> bool:
    """Whether a channel went on in the dialplan after it left Queue()."""
    after = [e for e in books.by_channel[unique] if e.at >= left]
    gone = next((e.at for e in after if e.kind == "HANGUP"), None)
    busy = any(e.kind in {"APP_START", "BRIDGE_ENTER"} for e in after)
    return busy or gone is None or gone - left > 0.5


# ---- who talked ----------------------------------------------------------------------------------------------


def _talks(books: _Books, caller: str) -> list[TrueTalk]:
    return joined_stretches(_stretches(books, caller))


def _stretches(books: _Books, caller: str) -> Iterator[TrueTalk]:
    """Stretches in which phones were bridged with the caller's channel, through any number of Local channels."""
    place: dict[str, str] = {}  # channel name -> bridge
    running: dict[str, float] = {}  # interface -> since
    first = books.by_channel[caller][0]
    name, until = first.channel, _end_of(books, first)
    life = [e for e in books.events if e.kind in {"BRIDGE_ENTER", "BRIDGE_EXIT", "CHAN_END"}]
    for event in (e for e in life if first.at <= e.at <= until):
        if event.kind == "BRIDGE_ENTER":
            place[event.channel] = event.extra.get("bridge_id", "")
        else:
            place.pop(event.channel, None)
        now = {interface_of(channel) for channel in _reach(place, name) if _is_phone(channel)}
        for interface in now - set(running):
            running[interface] = event.at
        for interface in set(running) - now:
            yield TrueTalk(interface=interface, from_=running.pop(interface), to=event.at)
    for interface, since in running.items():
        yield TrueTalk(interface=interface, from_=since, to=None)


def _end_of(books: _Books, first: ChannelEvent) -> float:
    """When a channel was gone: at its end, or when the next boot gave its name to another."""
    ends = [e.at for e in books.by_channel[first.unique] if e.kind == "CHAN_END"]
    heirs = [e.at for e in books.events if e.kind == "CHAN_START" and e.channel == first.channel and e.at > first.at]
    return min([*ends, *heirs], default=math.inf)


def joined_stretches(talks: Iterable[TrueTalk]) -> list[TrueTalk]:
    """In order, with flickers of merging bridges taken out."""
    out: list[TrueTalk] = []
    for talk in sorted(talks, key=lambda t: (t.interface, t.from_)):
        last = out[-1] if out else None
        if last and last.interface == talk.interface and last.to is not None and talk.from_ - last.to < FLICKER:
            last.to = talk.to
        else:
            out.append(msgspec.structs.replace(talk))
    kept = [talk for talk in out if talk.to is None or talk.to - talk.from_ >= FLICKER]
    return sorted(kept, key=lambda t: t.from_)


def _is_phone(channel: str) -> bool:
    return not channel.startswith(
        ("Local/", "CBAnn/", "CBRec/", "Announcer/", "Recorder/", "Surrogate/", "UnicastRTP/")
    )


def _reach(place: dict[str, str], caller: str) -> set[str]:
    """Channels whose sound reaches the caller now, without his own."""
    if caller not in place:
        return set()
    bridges, found = {place[caller]}, set[str]()
    while True:
        inside = {channel for channel, bridge in place.items() if bridge in bridges}
        # the other half of a Local pair carries the sound on into its own bridge
        halves = {c[:-1] + ("2" if c.endswith("1") else "1") for c in inside if c.startswith("Local/")}
        more = {place[half] for half in halves if half in place} - bridges
        found = inside
        if not more:
            return found - {caller}
        bridges |= more


# ---- who handed on -------------------------------------------------------------------------------------------


def _transfers(books: _Books, call: str) -> Iterator[TrueTransfer]:
    for event in books.events:
        if event.kind == "BLINDTRANSFER" and event.linked == call:
            yield TrueTransfer(kind="blind", by=interface_of(event.channel), to=event.extra.get("extension", ""))
        elif event.kind == "ATTENDEDTRANSFER":
            # Whichever of his two legs the phone sent the REFER on: it is the caller who is handed on.
            sides = [event.extra.get(f"{side}_channel_name", "") for side in ("transferee", "transfer_target")]
            linked = {e.linked for e in books.events if e.channel in sides and e.kind == "CHAN_START"}
            if call not in {event.linked, *linked}:
                continue
            taker = _taker(books, call, event)
            late = taker is not None and taker[1] > event.at
            blonde = sides[1] in {"", "N/A"} or late
            yield TrueTransfer(
                kind="blonde" if blonde else "attended",
                by=interface_of(event.channel),
                to=taker[0].rpartition("/")[2] if taker else "",
            )


def _taker(books: _Books, call: str, transfer: ChannelEvent) -> tuple[str, float] | None:
    """(interface, when it answered) of the phone that the caller talks to after an attended transfer."""
    giver = interface_of(transfer.channel)
    talks = [t for t in _talks(books, call) if t.interface != giver and t.from_ > transfer.at - 0.5]
    if not talks:
        return None
    interface = talks[0].interface
    answers = [
        e.at
        for e in books.events
        if e.kind == "ANSWER" and interface_of(e.channel) == interface and e.at < talks[0].from_ + 0.1
    ]
    return interface, max(answers, default=0.0)
