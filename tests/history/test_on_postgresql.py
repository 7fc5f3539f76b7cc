"""On PostgreSQL every report, list and note is what it is on SQLite."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cti.history.ask import BYS, WHICHES, Question, Slice
from cti.history.calendar import Calendar, Hours
from cti.history.follower import Follower
from cti.history.queue_log import Rules
from cti.history.recorder import Recorder
from cti.history.report import cause_report, report, targets_for
from cti.store import Store
from tests.history.days import AGENTS, ZONE, at, calls
from tests.history.logs import recorded, tape_calls
from tests.history.test_causes import answered, shift
from tests.servers.postgresql import Postgresql

CALENDAR = Calendar(ZONE)
SINCE, UNTIL = at("2026-10-24 00:00"), at("2026-10-27 00:00")


@pytest.fixture(scope="module")
def both(postgresql: Postgresql, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    """The same history in SQLite and in PostgreSQL."""
    folder = tmp_path_factory.mktemp("both")
    made = calls(random.Random(3), 500, SINCE, UNTIL)
    made += [answered(), *tape_calls("22", "ami_drop")]
    stores = []
    for url in (f"sqlite:///{folder}/cti.db", postgresql.create("history")):
        store = Store.open(url)
        store.migrate()
        store.save_calls(made, "pbx")
        store.save_calls(made[:70], "pbx")
        store.note_targets({"": (13.0, 5.0), "sales": (13.0, 5.0)}, SINCE)
        store.note_targets({"": (13.0, 5.0), "sales": (9.0, 4.0)}, SINCE + 90_000)
        store.note_teams({phone: "east" for phone, _ in AGENTS}, SINCE - 1)
        store.note_teams({phone: "west" for phone, _ in AGENTS[:2]}, SINCE + 100_000.5)
        recorder = Recorder()
        for event in shift():
            recorder.on_event(event)
            store.save_notes(recorder.take(event.at + 3))
        log = folder / "queue_log"
        log.write_bytes(recorded()["22", "ami_drop"])
        follower = Follower(log, store, pbx="pbx", rules=Rules, clock=lambda: 1_795_400_000.0, from_start=True)
        while follower.step():
            pass
        assert follower.settle() > 0
        stores.append(store)
    yield stores[0], stores[1]
    for store in stores:
        store.close()


QUESTIONS = [
    {},
    {"hours": Hours(days=frozenset(range(5)), start=480, end=1200)},
    {"queues": ("sales",), "marks": (3.0, 13.0)},
    {"teams": ("west",)},
    {"interfaces": (AGENTS[0][0],)},
    {"whole": True, "clock": "arrival"},
    {"target_s": 5.0, "compare": True},
]


@pytest.mark.parametrize("more", QUESTIONS)
def test_every_report_is_the_same(both: tuple[Store, Store], more: dict[str, object]) -> None:
    """All groupings, figures and causes, over three days with a change of clocks, targets and teams."""
    for by in BYS:
        question = msgspec.convert(
            {"since_ms": round(SINCE * 1000), "until_ms": round(UNTIL * 1000), "by": by, **more}, Question
        )
        told = [report(question, store, CALENDAR) for store in both]
        assert told[0] == told[1]
        assert cause_report(question, both[0], CALENDAR) == cause_report(question, both[1], CALENDAR)
        if not more:
            assert told[0].total.values["answered"]


@pytest.mark.parametrize("which", WHICHES)
def test_every_list_is_the_same(both: tuple[Store, Store], which: str) -> None:
    """The calls behind each number, in the same order, and over borders of their pages."""
    question = Question(since_ms=1_780_000_000_000, until_ms=1_800_000_000_000)
    lists = []
    for store in both:
        part = Slice(
            ranges=((question.since_ms, question.until_ms),),
            question=question,
            targets=targets_for(question, store.history_targets()),
            dims=(),
        )
        lists.append(list(store.listed(part, next(name for name in WHICHES if name == which))))
    assert lists[0] == lists[1]


def test_agents_time_and_the_log_are_the_same(both: tuple[Store, Store], tmp_path: Path) -> None:
    """What was noted, what was read of queue_log, and how far."""
    question = Question(since_ms=1_780_000_000_000, until_ms=1_800_000_000_000, by="agent")
    told = [report(question, store, CALENDAR) for store in both]
    assert told[0] == told[1]
    assert any(row.figures.values["occupancy"] for row in told[0].rows)
    assert both[0].log_visits(0, 2e9) == both[1].log_visits(0, 2e9)
    assert both[0].quarantined() == both[1].quarantined()
