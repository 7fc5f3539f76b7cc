"""Every variant equals a recount from the rows, whatever order, doubling, replay or resync the events came through."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti import events
from cti.board import Board, QueuePlan
from cti.board.days import Days
from cti.board.metrics import VARIANTS, Counts, level_event, level_now, percentages, service_level
from cti.calls.record import Call, Visit
from cti.events import Event

NOON = 1_790_000_000.0 // 86400 * 86400 + 4 * 3600  # at +8
TARGETS = {"north": 13.0, "south": 20.0}
OUTFLOW = ("timeout", "key", "empty", "withdrawn", "redirected")
OUTCOMES = ("answered", "answered", "abandoned", *OUTFLOW, "unknown", "pbx_restart")
BORDERS = (0.0, 4.999, 5.0, 5.001, 12.999, 13.0, 13.001, 13.4, 20.0, 20.001)
Row = tuple[str, str, float | None]
"(queue, outcome, wait)"


def recount(rows: list[Row], short_s: float = 5.0) -> dict[str, Fraction | None]:
    """All variants by the formulas of the definitions, in thousandths of a second and without a common sum."""

    def many(outcomes: tuple[str, ...], within: float | None = None, *, target: bool = False) -> int:
        found = 0
        for queue, outcome, wait in rows:
            if outcome not in outcomes or (wait is None and outcome in ("answered", "abandoned")):
                continue
            limit = TARGETS[queue] if target else within
            if limit is None or (wait is not None and round(wait * 1000) <= round(limit * 1000)):
                found += 1
        return found

    a, a_t = many(("answered",)), many(("answered",), target=True)
    b, b_t, b_s = many(("abandoned",)), many(("abandoned",), target=True), many(("abandoned",), short_s)
    o = many(OUTFLOW)

    def share(good: int, base: int) -> Fraction | None:
        return Fraction(good, base) if base > 0 else None

    return {
        "V1": share(a_t, a),
        "V2": share(a_t, a + b),
        "V2b": share(a_t, a + b + o),
        "V3": share(a_t, a + b - b_t),
        "V4": share(a_t + b_t, a + b),
        "V5": share(a_t, a + b - b_s),
        "V6": share(a_t + b_s, a + b),
        "V7": share(a_t, a + o),
        "V8": share(a_t + b_t, a + b + o),
    }


def told(counts: Counts) -> dict[str, float | None]:
    """All variants as the service computes them."""
    return {variant: service_level(counts, variant) for variant in VARIANTS}


def close(ours: dict[str, float | None], theirs: dict[str, Fraction | None]) -> bool:
    """Equal, no data where there is none."""
    if set(ours) != set(theirs):
        return False
    return all(
        mine is None if told is None else mine is not None and abs(mine - float(told)) < 1e-12
        for mine, told in ((ours[name], told) for name, told in theirs.items())
    )


def test_the_published_vector_by_the_recount_too() -> None:
    """1000 answered, 860 in time, 60 abandoned, 20 in time, 10 of them short: 83.0, 86.0, 81.1, 82.7, 82.1 %."""
    waits = [("answered", 13.0)] * 860 + [("answered", 13.001)] * 140
    waits += [("abandoned", 5.0)] * 10 + [("abandoned", 12.0)] * 10 + [("abandoned", 14.0)] * 40
    ours = percentages(waits, target_s=13.0)
    assert [round(ours[name] or 0, 1) for name in ("V4", "V1", "V2", "V3", "V6")] == [83.0, 86.0, 81.1, 82.7, 82.1]
    theirs = recount([("north", outcome, wait) for outcome, wait in waits])
    assert [round(float(theirs[name] or 0) * 100, 1) for name in ("V4", "V1", "V2", "V3", "V6")] == [
        83.0, 86.0, 81.1, 82.7, 82.1,
    ]  # fmt: skip


def test_the_two_live_variants() -> None:
    """Four wait, one of them too long: 75 % right now; and the late one stands in the denominator already."""
    assert level_now(4, 1) == 0.75
    assert level_now(0, 0) is None
    assert level_event(Counts(answered=8, answered_in_target=7, abandoned=1), 1) == 0.7
    assert level_event(Counts(), 0) is None


# -- any order ------------------------------------------------------------------------------------------------

_WAIT = st.sampled_from(BORDERS) | st.floats(0, 60).map(lambda wait: round(wait, 3))
_VISIT = st.tuples(st.sampled_from(tuple(TARGETS)), st.sampled_from(OUTCOMES), _WAIT)
_STORIES = st.lists(st.lists(_VISIT, min_size=1, max_size=3), min_size=1, max_size=12)


class Told:
    """A story: what the core tells of it, what is stored of it, and its rows."""

    def __init__(self, stories: list[list[tuple[str, str, float]]], rng: random.Random) -> None:
        self.by_call: list[list[Event]] = []
        self.calls: list[Call] = []
        self.halves: list[Call] = []
        "The calls as they stood with the last visit still open."
        self.rows: list[Row] = []
        for number, visits in enumerate(stories):
            call, at, since = f"c{number}", NOON + rng.randrange(3600), None
            heard: list[Event] = []
            kept: list[Visit] = []
            for n, (queue, outcome, waited) in enumerate(visits, 1):
                wait = None if outcome in ("unknown", "pbx_restart") else waited
                since = at if since is None else since
                heard += self._visit(call, f"{call}#{n}", queue, outcome, at, wait, since)
                kept.append(self._stored(queue, outcome, at, wait))
                self.rows.append((queue, outcome, wait))
                at += waited + 0.25
                if outcome == "answered":
                    since = None
            self.by_call.append(heard)
            self.calls.append(_call(call, kept))
            queue, _, _ = visits[-1]
            self.halves.append(_call(call, [*kept[:-1], self._stored(queue, "unknown", kept[-1].joined_at, None)]))

    @staticmethod
    def _stored(queue: str, outcome: str, at: float | None, wait: float | None) -> Visit:
        left = None if at is None or wait is None else at + wait
        answered = left if outcome == "answered" else None
        return Visit(
            queue=queue, joined_at=at, left_at=left, outcome=outcome, answered_at=answered, wait_s=wait,  # type: ignore[arg-type]
            agent=None, interface=None,
        )  # fmt: skip

    @staticmethod
    def _visit(
        call: str, visit: str, queue: str, outcome: str, at: float, wait: float | None, since: float
    ) -> list[Event]:
        of = {"call": call, "visit": visit, "queue": queue, "waiting_since": since}
        began = events.CallQueued(at=at, position=None, caller=None, caller_name=None, dialed=None, choice=None, **of)  # type: ignore[arg-type]
        heard: list[Event] = [began]
        end = at + (wait or 0.0)
        if wait is not None and end - since > TARGETS[queue]:
            late = events.SlaBreached(at=since + TARGETS[queue] + 0.001, target_s=TARGETS[queue], **of)  # type: ignore[arg-type]
            heard.append(late)
        if outcome == "answered":
            heard.append(events.CallAnswered(at=end, agent="x", interface="PJSIP/1", wait_s=wait or 0.0, **of))  # type: ignore[arg-type]
        elif outcome == "abandoned":
            heard.append(events.CallAbandoned(at=end, wait_s=wait or 0.0, **of))  # type: ignore[arg-type]
        else:
            heard.append(events.CallLeftQueue(at=end, reason=outcome, wait_s=wait, **of))  # type: ignore[arg-type]
        return heard


def _call(call: str, visits: list[Visit]) -> Call:
    return Call(
        id=call, direction="inbound", caller=None, dialed=None, started_at=visits[0].joined_at, ended_at=None,
        refused=(), visits=tuple(visits), talks=(), transfers=(),
    )  # fmt: skip


def _board() -> Board:
    return Board({queue: QueuePlan(label=queue, target_s=target) for queue, target in TARGETS.items()})


def _counts(board: Board) -> Counts:
    days: Days = board._days
    total = Counts()
    for queue in TARGETS:
        total = total.plus(days.since(queue, 0.0))
    return total


@settings(max_examples=150, deadline=None)
@given(_STORIES, st.integers(0, 2**32))
def test_variants_equal_a_recount_whatever_way_the_events_came(
    stories: list[list[tuple[str, str, float]]], seed: int
) -> None:
    """Calls interleaved, events doubled and out of order, stretches replayed, the day restored in the middle."""
    rng = random.Random(seed)
    story = Told(stories, rng)
    board = _board()
    heard = [event for events_of in story.by_call for event in events_of]
    rng.shuffle(heard)
    heard += rng.choices(heard, k=rng.randrange(len(heard)))
    for place in sorted(rng.sample(range(len(heard)), k=min(3, len(heard)))):
        heard[place:place] = heard[:place]
    pauses = set(rng.choices(range(len(heard)), k=2))
    for n, event in enumerate(heard):
        if n in pauses:  # the daemon restarted, or the link came back: what is stored is told, the end is not in it
            board.restore(rng.sample(story.halves, k=rng.randrange(len(story.halves) + 1)))
        board.apply(event)
    assert close(told(_counts(board)), recount(story.rows))
    waits = [(outcome, wait) for queue, outcome, wait in story.rows if queue == "north"]
    north = [row for row in story.rows if row[0] == "north"]
    shares = recount(north)
    assert percentages(waits, target_s=13.0) == {
        name: None if share is None else round(float(share) * 100, 4) for name, share in shares.items()
    }


@settings(max_examples=60, deadline=None)
@given(_STORIES, st.integers(0, 2**32))
def test_a_day_restored_from_its_rows_is_the_day_that_was_heard(
    stories: list[list[tuple[str, str, float]]], seed: int
) -> None:
    """What the store has and what the events told give the same figures, visits and callers alike."""
    rng = random.Random(seed)
    story = Told(stories, rng)
    heard, restored = _board(), _board()
    for events_of in story.by_call:
        for event in events_of:
            heard.apply(event)
    restored.restore(story.calls)
    restored.restore(rng.sample(story.calls, k=len(story.calls)))
    assert _counts(restored) == _counts(heard)
    before, after = heard.snapshot().totals, restored.snapshot().totals
    for name in ("offered", "answered", "in_target", "abandoned", "outflow", "aside", "service_level", "asa_s"):
        assert getattr(before, name) == getattr(after, name), name


def test_a_call_counted_twice_would_be_told() -> None:
    """The recount is no rubber stamp: one answer more, or one on the wrong side of 13 s, moves it."""
    rows: list[Row] = [("north", "answered", 3.0), ("north", "abandoned", 9.0), ("north", "answered", 13.001)]
    counts = Counts(answered=2, answered_in_target=1, abandoned=1, abandoned_in_target=1)
    assert close(told(counts), recount(rows))
    assert not close(told(counts.plus(Counts(answered=1, answered_in_target=1))), recount(rows))
    assert not close(told(counts.plus(Counts(answered_in_target=1))), recount(rows))
    assert not close(told(Counts()), recount(rows))


# -- days -----------------------------------------------------------------------------------------------------

TURNS = [
    ("Asia/Shanghai", "2026-12-31T16:00:00+00:00"),  # midnight and a new year
    ("Europe/Berlin", "2026-03-29T01:00:00+00:00"),  # an hour is left out
    ("Europe/Berlin", "2026-10-25T01:00:00+00:00"),  # an hour comes twice
    ("America/New_York", "2026-03-08T07:00:00+00:00"),
    ("America/New_York", "2026-11-01T06:00:00+00:00"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00+00:00"),  # half an hour comes twice
    ("America/Santiago", "2026-09-06T04:00:00+00:00"),  # midnight itself is left out
    ("Asia/Shanghai", "2028-02-28T16:00:00+00:00"),  # a leap day begins
]


@pytest.mark.parametrize(("zone", "turn"), TURNS)
def test_a_day_is_the_site_s_day_whatever_its_clocks_do(zone: str, turn: str) -> None:
    """Each wait counts on the day of its entry, once: at midnight, when clocks change, and when the year does."""
    here, middle = ZoneInfo(zone), datetime.fromisoformat(turn).timestamp()

    def day(at: float) -> date:
        return datetime.fromtimestamp(at, here).date()

    rng = random.Random(turn)
    plans = {queue: QueuePlan(label=queue, target_s=target) for queue, target in TARGETS.items()}
    board = Board(plans, day=day)
    rows: list[tuple[float, Row]] = []
    heard: list[Event] = []
    for n in range(400):
        at = middle + rng.uniform(-30, 30) * 3600
        if n % 5 == 0:  # right at a midnight, too
            midnight = datetime.combine(day(at), datetime.min.time(), here).timestamp()
            at = midnight + rng.choice((-0.001, 0.0, 0.001, -5.0))
        queue, outcome, wait = (
            rng.choice(tuple(TARGETS)),
            rng.choice(("answered", "abandoned", "timeout")),
            rng.choice(BORDERS),
        )
        rows.append((at, (queue, outcome, wait)))
        heard += Told._visit(f"c{n}", f"c{n}#1", queue, outcome, at, wait, at)
    heard.sort(key=lambda event: event.at)
    seen: set[date] = set()
    for n, event in enumerate(heard):
        board.apply(event)
        today = day(event.at)
        if n + 1 == len(heard) or day(heard[n + 1].at) != today:
            assert today not in seen, "a day came twice"
            seen.add(today)
            entered = [row for at, row in rows if day(at) == today and at <= event.at]
            ended = [row for at, row in rows if day(at) == today and at + (row[2] or 0) <= event.at]
            counts = _counts(board)
            assert counts.answered + counts.abandoned + counts.outflow + counts.waiting == len(entered)
            assert close(told(counts), recount(ended))
            quarters = [begin for begin, *_ in board._days.recent("north", 10**6)]
            assert len(quarters) == len(set(quarters)), "a quarter of an hour came twice"
    first, last = day(min(at for at, _ in rows)), day(max(at for at, _ in rows))
    assert seen == {first + timedelta(days=n) for n in range((last - first).days + 1)}
