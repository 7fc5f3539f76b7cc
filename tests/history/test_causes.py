"""Why a call was late: each millisecond of a wait belongs to one cause, and the words are true."""

from __future__ import annotations

import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cti import events
from cti.calls.record import Call, Talk, Visit
from cti.events import AgentPhase, AgentState, QueueMembership
from cti.history.ask import WHICHES, Question, Slice, Targets
from cti.history.calendar import Calendar
from cti.history.causes import CAUSES, Stay, late_split
from cti.history.facts import CHAIN, Moment, facts
from cti.history.recorder import Recorder
from cti.history.report import cause_report, report
from cti.history.story import phones, story
from cti.store import Store
from tests.history.days import ZONE, at, calls, stored

T0 = 1_790_000_000_000


def ring(phone: str, begin: int, end: int | None, *, answered: bool = False) -> Moment:
    """A ring, in ms after T0."""
    return Moment(
        call="c",
        doing="ring",
        interface=phone,
        from_ms=T0 + begin,
        to_ms=None if end is None else T0 + end,
        agent=f"agent {phone}",
        answered=answered,
    )


def stay(queue: str, begin: int, end: int, *, answered: bool = False, missed: tuple[tuple[str, int], ...] = ()) -> Stay:
    """A wait, in ms after T0."""
    return Stay(queue=queue, from_ms=T0 + begin, to_ms=T0 + end, answered=answered, missed=missed)


def test_a_wait_is_split_into_what_went_on() -> None:
    """Nobody idle, a ring in vain, a pause of the queue, a ring that is answered, the announcement to the agent."""
    split = late_split(
        [stay("sales", 0, 30_000, answered=True)],
        [ring("1", 10_000, 18_000), ring("2", 20_000, 27_000, answered=True)],
        {"sales": [(T0 - 5000, 0), (T0 + 10_000, 1)]},
    )
    assert [(s.cause, s.ms, s.agents) for s in split.stretches] == [
        ("nobody", 10_000, ()),
        ("ringing", 8_000, ("agent 1",)),
        ("announcement", 2_000, ()),
        ("ringing", 7_000, ("agent 2",)),
        ("announcement", 3_000, ()),
    ]
    assert split.cause() == "ringing"


def test_the_time_between_two_queues_is_overflow() -> None:
    """What the dialplan did between two queues belongs to the overflow."""
    split = late_split(
        [stay("sales", 0, 10_000), stay("all", 24_000, 30_000, answered=True)],
        [ring("2", 25_000, 30_000, answered=True)],
        {"sales": [(T0 - 1, 0)], "all": [(T0 - 1, 0)]},
    )
    assert split.spent() == {"nobody": 11_000, "ringing": 5_000, "announcement": 0, "overflow": 14_000, "untold": 0}
    assert split.cause() == "overflow"


def test_phones_that_ring_together_count_once() -> None:
    """Ring-all: a second of ringing is a second, however many phones rang; all are named."""
    split = late_split([stay("vip", 0, 9_000)], [ring("1", 0, 9_000), ring("2", 3_000, 9_000)], {"vip": [(T0 - 1, 1)]})
    assert split.spent()["ringing"] == 9_000
    assert split.stretches[-1].agents == ("agent 1", "agent 2")


def test_what_nobody_noted_is_not_made_up() -> None:
    """Without notes only the length of missed rings is known; the rest is untold, never 'nobody idle'."""
    split = late_split([stay("sales", 0, 20_000, missed=(("Wang", 8_000),))], [], {})
    assert split.spent() == {"nobody": 0, "ringing": 8_000, "announcement": 0, "overflow": 0, "untold": 12_000}
    lost_link = late_split([stay("sales", 0, 20_000)], [], {"sales": [(T0 - 9, 0), (T0 + 5_000, -1)]})
    assert lost_link.spent()["untold"] == 15_000


rings = st.builds(
    lambda phone, begin, length, answered: ring(phone, begin, begin + length, answered=answered),
    st.sampled_from("123"),
    st.integers(-5000, 60_000),
    st.integers(0, 20_000),
    st.booleans(),
)
toggles = st.lists(st.tuples(st.integers(T0 - 9000, T0 + 70_000), st.sampled_from((-1, 0, 1))), max_size=6).map(sorted)


@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 5_000)), min_size=1, max_size=4),
    st.lists(rings, max_size=6),
    toggles,
    st.booleans(),
)
def test_the_parts_add_up_to_the_wait(
    steps: list[tuple[int, int]], rung: list[Moment], idle: list[tuple[int, int]], answered: bool
) -> None:
    """Whatever was noted, the causes of a chain sum to its wait exactly, and never overlap."""
    stays, when = [], 0
    for length, pause in steps:
        stays.append(stay("sales", when, when + length, missed=(("x", 7000),)))
        when += length + pause
    stays[-1] = Stay(queue="sales", from_ms=stays[-1].from_ms, to_ms=stays[-1].to_ms, answered=answered)
    split = late_split(stays, rung, {"sales": idle})
    end = stays[-1].to_ms
    assert end is not None
    assert sum(split.spent().values()) == end - stays[0].from_ms
    reached = stays[0].from_ms
    for stretch in split.stretches:
        assert (stretch.from_ms, stretch.ms > 0) == (reached, True)
        reached += stretch.ms


def test_causes_by_interval_sum_to_the_late_and_lost_of_the_day(tmp_path: Path) -> None:
    """Each late answer and each lost caller has one main cause; intervals sum to the total of the figures."""
    since, until = at("2026-05-04 00:00"), at("2026-05-06 00:00")
    store = stored(calls(random.Random(5), 400, since, until), tmp_path)
    question = Question(since_ms=round(since * 1000), until_ms=round(until * 1000), by="hour")
    told = cause_report(question, store, Calendar(ZONE))
    for cause in (*CAUSES, ""):
        assert sum(row.calls[cause] for row in told.rows) == told.total.calls[cause]
    figures = report(question, store, Calendar(ZONE)).total.values
    lost = [w for w in _listed(store, question, "outflow") if w in ("timeout", "empty")]
    assert sum(told.total.calls.values()) == (figures["late"] or 0) + (figures["abandoned"] or 0) + len(lost) + len(
        [w for w in _listed(store, question, "aside") if w == "abandoned"]
    )
    store.close()


def _listed(store: Store, question: Question, which: str) -> list[str]:
    part = Slice(ranges=((question.since_ms, question.until_ms),), question=question, targets=Targets(), dims=())
    return [row.outcome for row in store.listed(part, next(w for w in WHICHES if w == which))]


# -- the recorder -----------------------------------------------------------------------------------------


def state(
    phone: str, phase: AgentPhase, when: float, call: str | None = None, *, reason: str = ""
) -> events.AgentChanged:
    """An agent of the queue sales changes."""
    return events.AgentChanged(
        at=when,
        agent=AgentState(
            agent=f"agent {phone}",
            interface=phone,
            phase=phase,
            since=when,
            call=call,
            queue="sales" if call else None,
            pause_reason=reason,
            missed=0,
            queues=(
                QueueMembership(
                    queue="sales",
                    paused=phase == "paused",
                    reason=reason,
                    penalty=0,
                    status=1,
                    in_call=False,
                    wrapup_until=None,
                ),
            ),
        ),
    )


def shift() -> list[events.Event]:
    """One agent's half an hour: idle, a call with a hold, wrap-up, idle, lunch; and a caller who waits meanwhile."""
    t = 1_790_000_100.0
    return [
        state("P/1", "idle", t),
        events.AgentRinging(
            at=t + 10, call="c1", ring="r1", visit="c1#1", queue="sales", agent="agent P/1", interface="P/1",
            caller=None, caller_name=None, dialed=None, choice=None, waiting_since=t + 10,
        ),
        state("P/1", "ringing", t + 10, "c1"),
        events.RingEnded(
            at=t + 14, call="c1", ring="r1", visit="c1#1", agent="agent P/1", interface="P/1", reason="answered",
        ),
        state("P/1", "busy", t + 14, "c1"),
        events.CallHeld(at=t + 100, call="c1", interface="P/1"),
        state("P/1", "held", t + 100, "c1"),
        events.CallResumed(at=t + 130, call="c1", interface="P/1"),
        state("P/1", "busy", t + 130, "c1"),
        events.TalkEnded(at=t + 1000, call="c1", interface="P/1", agent="agent P/1", talk_s=986),
        events.CallEnded(at=t + 1000, call="c1"),
        state("P/1", "wrapup", t + 1000),
        state("P/1", "idle", t + 1020),
        state("P/1", "paused", t + 1500, reason="午休"),
    ]  # fmt: skip


def answered(call: str = "c1") -> Call:
    """The call of that half an hour."""
    t = 1_790_000_100.0
    visit = Visit(
        queue="sales",
        joined_at=t + 10,
        left_at=t + 14.5,
        outcome="answered",
        answered_at=t + 14.5,
        wait_s=4.5,
        agent="agent P/1",
        interface="P/1",
    )
    return Call(
        id=call, direction="inbound", caller="1", dialed="400", started_at=t, ended_at=t + 1000, refused=(),
        visits=(visit,), talks=(Talk(interface="P/1", agent="agent P/1", from_=t + 14.5, to=t + 1000),), transfers=(),
    )  # fmt: skip


def test_the_recorder_notes_holds_wrapups_rings_and_agents_time(tmp_path: Path) -> None:
    """After the half an hour the store knows AHT with hold and wrap-up, occupancy, pauses by reason, and the causes."""
    store = Store.open(f"sqlite:///{tmp_path}/cti.db")
    store.save_calls([answered()], "pbx")
    recorder = Recorder()
    for event in shift():
        recorder.on_event(event)
    t = 1_790_000_100.0
    notes = recorder.take(t + 1800)
    store.save_notes(notes)
    store.save_notes(notes)  # twice is harmless
    question = Question(since_ms=round((t - 1000) * 1000), until_ms=round((t + 4000) * 1000), by="agent")
    (row,) = report(question, store, Calendar(ZONE)).rows
    v = row.figures.values
    assert row.key == "agent P/1"
    assert (v["talk_s"], v["hold_s"], v["wrapup_s"], v["aht_s"]) == (955.5, 30.0, 20.0, 1005.5)
    assert row.figures.pauses == {"午休": 300.0}
    assert v["logged_in_s"] == 1800.0
    assert v["occupancy"] == (986 + 20) / (986 + 20 + 10 + 4 + 480)
    assert v["utilisation"] == (986 + 20) / 1800
    causes = {cause: seconds for cause, seconds in store_split(store, question).items() if seconds}
    assert causes == {"ringing": 4.0, "announcement": 0.5}
    store.close()


def test_a_call_is_told_step_by_step_with_who_rang_how_long(tmp_path: Path) -> None:
    """Ring, pick-up, talk with its hold, wrap-up, in order; the parts of the wait add up to it; nobody else's call."""
    store = Store.open(f"sqlite:///{tmp_path}/cti.db")
    store.save_calls([answered()], "pbx")
    recorder = Recorder()
    for event in shift():
        recorder.on_event(event)
    t = 1_790_000_100.0
    store.save_notes(recorder.take(t + 1800))
    source = store.story_source("c1")
    assert source is not None
    assert phones(source) == {"P/1"}
    told = story(source)
    assert [(step.doing, round(step.at - t, 3), step.seconds) for step in told.steps] == [
        ("arrived", 0.0, None),
        ("entered", 10.0, None),
        ("ringing", 10.0, 4.0),
        ("announcement", 14.0, 0.5),
        ("talk", 14.5, 985.5),
        ("left", 14.5, None),
        ("hold", 100.0, 30.0),
        ("wrapup", 1000.0, 20.0),
        ("ended", 1000.0, None),
    ]
    assert [step.agents for step in told.steps if step.doing == "ringing"] == [("agent P/1",)]
    assert store.story_source("c2") is None
    store.close()


def store_split(store: Store, question: Question) -> dict[str, float]:
    """The split of the only call."""
    part = Slice(ranges=((question.since_ms, question.until_ms),), question=question, targets=Targets(), dims=())
    return dict(next(store.listed(part, "answered")).split)


def test_writing_often_or_once_is_the_same(tmp_path: Path) -> None:
    """Taken after every event or at the end, given back and taken again: the agents' time is the same."""
    t = 1_790_000_100.0
    question = Question(
        since_ms=round((t - 1000) * 1000), until_ms=round((t + 4000) * 1000), by="15m", agents=("agent P/1",)
    )
    told = []
    for name, often in (("often", True), ("once", False)):
        store = Store.open(f"sqlite:///{tmp_path}/{name}.db")
        store.save_calls([answered()], "pbx")
        recorder = Recorder()
        for event in shift():
            recorder.on_event(event)
            if often:
                for step in (0.0, 0.001, 7.0):
                    store.save_notes(recorder.take(event.at + step))
            else:
                recorder.give_back(recorder.take(event.at))
        store.save_notes(recorder.take(t + 1800))
        told.append(report(question, store, Calendar(ZONE)).rows)
        store.close()
    assert told[0] == told[1]


def test_while_the_link_is_down_nothing_is_known() -> None:
    """Spans end where the link was lost; what comes after begins anew; the queue's idleness is not known between."""
    t = 1_790_000_100.0
    recorder = Recorder()
    recorder.on_event(state("P/1", "idle", t))
    recorder.on_event(events.PbxLost(at=t + 50))
    recorder.on_event(state("P/1", "idle", t + 200))
    notes = recorder.take(t + 210)
    assert [(s.from_ms - round(t * 1000), s.to_ms - round(t * 1000)) for s in notes.spans] == [
        (0, 50_000),
        (200_000, 210_000),
    ]
    assert [(f.at_ms - round(t * 1000), f.free) for f in notes.free] == [(0, 1), (50_000, -1), (200_000, 1)]


def test_no_span_crosses_a_quarter_of_an_hour() -> None:
    """A long pause is cut at the quarters, so that each interval has its own part of it, and no second is lost."""
    t = 1_790_000_100.0
    recorder = Recorder()
    recorder.on_event(state("P/1", "paused", t))
    recorder.on_event(state("P/1", "idle", t + 5000))
    spans = recorder.take(t + 5000).spans
    assert sum(s.to_ms - s.from_ms for s in spans) == 5_000_000
    assert all(s.from_ms // 900_000 == (s.to_ms - 1) // 900_000 for s in spans)


def test_a_chain_has_a_row_for_the_caller_and_one_for_each_queue() -> None:
    """Overflow: each queue counts its own wait, the caller's row has the whole one, and the split of the whole."""
    t = 1_790_000_100.0
    first = Visit(
        queue="a",
        joined_at=t,
        left_at=t + 8,
        outcome="timeout",
        answered_at=None,
        wait_s=8.0,
        agent=None,
        interface=None,
    )
    second = Visit(
        queue="b",
        joined_at=t + 9,
        left_at=t + 15,
        outcome="abandoned",
        answered_at=None,
        wait_s=6.0,
        agent=None,
        interface=None,
    )
    call = Call(
        id="c", direction="inbound", caller=None, dialed=None, started_at=t - 5, ended_at=t + 15, refused=(),
        visits=(first, second), talks=(), transfers=(),
    )  # fmt: skip
    rows, _ = facts(call)
    assert [(row.queue, row.wait_ms, row.outcome, row.kind == CHAIN) for row in rows] == [
        ("a", 8000, "timeout", False),
        ("b", 6000, "abandoned", False),
        ("b", 15_000, "abandoned", True),
    ]
    assert rows[-1].overflow_ms == 1000
    assert rows[-1].lead_ms == 5000
