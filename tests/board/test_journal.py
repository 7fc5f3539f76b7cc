"""The journal: any past moment of the board, made from whole boards and what changed between."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti import events
from cti.board import Board, QueuePlan, journal
from cti.board.journal import Journal, Moment, Page, apply, moment, spans
from cti.board.veil import without_customers
from cti.events import AgentState, Event, QueueMembership
from cti.wire import encode

T0 = 1_700_000_100.0


def _board() -> Board:
    return Board({"north": QueuePlan(label="北线")}, day=lambda at: int(at // 86400))


def _queued(n: int, at: float) -> events.CallQueued:
    return events.CallQueued(
        at=at,
        call=f"c{n}",
        visit=f"c{n}#1",
        queue="north",
        position=None,
        waiting_since=at,
        caller="13505741300",
        caller_name="周敏",
        dialed="4000001313",
        choice=None,
    )


def _abandoned(n: int, at: float, since: float) -> events.CallAbandoned:
    return events.CallAbandoned(
        at=at, call=f"c{n}", visit=f"c{n}#1", queue="north", wait_s=at - since, waiting_since=since
    )


def _agent(at: float, phase: Any) -> events.AgentChanged:
    membership = QueueMembership(
        queue="north", paused=phase == "paused", reason="", penalty=0, status=1, in_call=False, wrapup_until=None
    )
    state = AgentState(
        agent="陈",
        interface="PJSIP/7",
        phase=phase,
        since=at,
        call="c1" if phase == "busy" else None,
        queue=None,
        pause_reason="",
        missed=0,
        queues=(membership,),
    )
    return events.AgentChanged(at=at, agent=state)


class Kept:
    """A board whose journal is kept as the service keeps it."""

    def __init__(self, every_s: float = 60.0) -> None:
        self.board, self.journal = _board(), Journal(every_s)
        self.pages: dict[int, Page] = {}
        self.journal.begin(self.board.snapshot(), T0)
        self.journal.note(None, "live", T0)

    def on(self, event: Event) -> None:
        """An event comes, and the board's changes are told at once."""
        self.board.apply(event)
        changes = self.board.changes()
        if changes is not None:
            self.journal.note(changes, None, event.at)

    def write(self, now: float) -> None:
        """What was noted goes into the store."""
        self.pages.update({page.at_ms: page for page in self.journal.take(self.board.snapshot(), now)})

    def at(self, at: float, until: float | None = None) -> Moment | None:
        """The board then, read as the store gives it: from the last whole page on."""
        at_ms = round(at * 1000)
        until_ms = at_ms if until is None else round(until * 1000)
        whole = [p.at_ms for p in self.pages.values() if p.whole and p.at_ms <= at_ms]
        pages = [p for p in self.pages.values() if whole and max(whole) <= p.at_ms <= until_ms]
        return moment(((p.at_ms, p.until_ms, p.body) for p in sorted(pages, key=lambda p: p.at_ms)), at_ms, until_ms)

    def now(self) -> Any:
        """The board as it is, without who calls."""
        return msgspec.json.decode(encode(without_customers(self.board.snapshot(), tiers=True)))


_STEPS = st.lists(
    st.tuples(st.integers(1, 40_000), st.sampled_from(["call", "gone", "idle", "busy", "paused", "left", "write"])),
    min_size=1,
    max_size=40,
)


@settings(max_examples=120, deadline=None)
@given(_STEPS, st.sampled_from([10.0, 60.0, 300.0]))
def test_every_moment_is_what_the_board_was_then(steps: list[tuple[int, str]], every_s: float) -> None:
    """Whenever pages were written and closed: the board of each step is made again, exactly, and played on from any."""
    kept = Kept(every_s)
    at, calls, waiting = T0, 0, {}
    seen: list[tuple[float, Any]] = [(T0, kept.now())]
    for pause_ms, what in steps:
        at = round(at + pause_ms / 1000, 3)
        if what == "call":
            calls += 1
            waiting[calls] = at
            kept.on(_queued(calls, at))
        elif what == "gone" and waiting:
            n, since = waiting.popitem()
            kept.on(_abandoned(n, at, since))
        elif what == "left":
            kept.on(events.AgentGone(at=at, interface="PJSIP/7"))
        elif what == "write":
            kept.write(at)
        elif what in ("idle", "busy", "paused"):
            kept.on(_agent(at, what))
        seen.append((at, kept.now()))
    kept.write(at + 1)
    for then, board in seen:
        found = kept.at(then)
        assert found is not None
        assert found.board == board
        assert found.link == "live"
    played = kept.at(T0, at)
    assert played is not None
    for delta in played.deltas:
        if delta.changes is not None:
            apply(played.board, delta.changes)
    assert played.board == seen[-1][1]


def test_the_journal_knows_no_customer() -> None:
    """Neither number nor name is written, wherever they stood on the board."""
    kept = Kept()
    kept.on(_queued(1, T0 + 1))
    kept.on(_agent(T0 + 2, "busy"))
    kept.board.enrich("c1", name="周敏", company="屿衡", tier="A", party="p1")
    changes = kept.board.changes()
    assert changes is not None
    kept.journal.note(changes, None, T0 + 3)
    for n in range(40):
        kept.write(T0 + 4 + 10 * n)
    text = b"".join(page.body for page in kept.pages.values()).decode()
    assert sum(page.whole for page in kept.pages.values()) > 2
    for secret in ("1350574", "周敏", "屿衡", '"p1"'):
        assert secret not in text
    assert '"tier":"A"' in text


def test_a_time_without_the_service_is_shown_as_lost() -> None:
    """The old board stays, grey; what the next process finds replaces it whole."""
    first, second = Kept(), Kept()
    first.on(_queued(1, T0 + 1))
    first.write(T0 + 20)
    second.journal = Journal(60.0)
    second.journal.begin(second.board.snapshot(), T0 + 100)
    second.journal.note(None, "live", T0 + 100)
    second.pages.clear()
    second.write(T0 + 110)
    pages = sorted([*first.pages.values(), *second.pages.values()], key=lambda p: p.at_ms)
    told = [(p.at_ms, p.until_ms, p.body) for p in pages]
    at_ms = round((T0 + 5) * 1000)
    found = moment(told, at_ms, at_ms + 200_000)
    assert found is not None
    assert found.link == "live"
    assert [(delta.at - T0, delta.link) for delta in found.deltas] == [
        (20.0, "lost"),
        (100.0, "lost"),
        (100.0, "live"),
    ]
    assert found.deltas[1].changes["callers"] == {}
    in_gap = moment(told[:1], at_ms + 50_000, at_ms + 50_000)
    assert in_gap is not None
    assert list(in_gap.board["callers"]) == ["c1#1"]
    assert in_gap.link == "lost"
    assert spans([(p.at_ms, p.until_ms) for p in pages], slack_ms=5_000)[1] == [
        (round((T0 + 20) * 1000), round((T0 + 100) * 1000))
    ]
    assert moment([], 0, 10) is None


def test_a_busy_time_comes_in_several_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most so many changes at once; going on from where an answer ends, nothing is missing."""
    monkeypatch.setattr(journal, "MOST_DELTAS", 3)
    kept = Kept()
    for n in range(1, 9):
        kept.on(_queued(n, T0 + n))
    kept.write(T0 + 10)
    at, board, answers = T0, None, 0
    while answers < 10:
        answers += 1
        found = kept.at(at, T0 + 10)
        assert found is not None
        if board is not None:
            assert found.board == board, "the next answer begins as the last one ended"
        for delta in found.deltas:
            apply(found.board, delta.changes or {})
        at, board = found.until_ms / 1000, found.board
        if not found.more:
            break
        assert len(found.deltas) == 3
    assert answers == 3
    assert board == kept.now()
