"""Alerts, deliveries, walls, marks, sheets and the journal in the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from cti.store import Store
from cti.wire.watching import Alert, Cleared, Criterion, Delivery, Form, Mark, Score, Silence, WallToken


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store.open(f"sqlite:///{tmp_path}/cti.db")


def _alert(n: int, at: float) -> Alert:
    return Alert(id=f"late:c{n}#1", kind="late", queue="europe", call=f"c{n}", visit=f"c{n}#1", since=at - 13, at=at)


def test_an_alert_is_written_once_and_cleared_once(store: Store) -> None:
    """The same told again changes nothing, neither the alert nor what is to be sent of it."""
    sent = Delivery(id="ops late:c1#1 raised", hook="ops", body="{}", at=100.0)
    for _ in range(2):
        store.save_alerts([_alert(1, 100.0), _alert(2, 110.0)], [], [sent])
    store.delivered(sent.id, 101.0)
    store.save_alerts([_alert(1, 100.0)], [Cleared(id="late:c1#1", cleared_at=120.0)], [sent])
    store.save_alerts([], [Cleared(id="late:c1#1", cleared_at=130.0)])
    assert store.open_alerts() == [_alert(2, 110.0)]
    assert [(a.id, a.cleared_at) for a in store.alert_log()] == [("late:c2#1", None), ("late:c1#1", 120.0)]
    assert store.due_deliveries(1e9, ["ops"]) == []
    assert store.told_waits(0.0) == ["late:c1#1", "late:c2#1"]
    assert [a.id for a in store.alerts_between(115.0, 118.0)] == ["late:c1#1", "late:c2#1"]
    assert [a.id for a in store.alerts_between(121.0, 128.0)] == ["late:c2#1"]
    store.forget_alerts(1e9)
    assert [a.id for a in store.alert_log()] == ["late:c2#1"]
    store.close()


def test_a_delivery_is_tried_again_until_it_is_taken_or_given_up(store: Store) -> None:
    """It is due when its time has come, counted, and bounded: the oldest of too many go."""
    store.save_alerts([], [], [Delivery(id=f"d{n}", hook="ops", body="{}", at=float(n)) for n in range(6)])
    assert [d.id for d in store.due_deliveries(2.0, ["ops"])] == ["d0", "d1", "d2"]
    assert store.due_deliveries(9.0, ["other"]) == []
    store.delivered("d0", 10.0, "status 500", again_at=40.0)
    store.delivered("d1", 10.0)
    store.delivered("d2", 11.0, "status 400")
    assert next((d.id, d.tries) for d in store.due_deliveries(40.0, ["ops"])) == ("d0", 1)
    assert store.next_delivery(["ops"]) == 3.0
    counts = store.hook_counts()["ops"]
    assert (counts.waiting, counts.sent, counts.failed, counts.last_error) == (4, 1, 1, "status 500")
    assert store.bound_deliveries("ops", 2) == 2
    assert store.hook_counts()["ops"].waiting == 2
    store.close()


def test_silences_end_by_themselves_or_by_hand(store: Store) -> None:
    """What is over is not in force."""
    silence = Silence(
        id="s1", by="wu", for_all=True, alert=None, kind="warn", queue=None, interface=None, at=1.0, until=60.0
    )
    store.add_silence(silence)
    assert store.silences(59.0) == [silence]
    assert store.silences(60.0) == []
    store.end_silence("s1")
    assert store.silences(1.0) == []
    store.close()


def test_a_wall_is_found_by_the_hash_of_its_token_until_it_is_dropped(store: Store) -> None:
    """The token itself is nowhere in the store."""
    wall = WallToken(id="w1", label="大厅", created_by="root", created_at=1.0, used_at=None, expires_at=None)
    store.add_wall(wall, "h" * 64)
    assert store.wall("h" * 64) == wall
    assert store.wall("x" * 64) is None
    store.touch_wall("w1", 5.0)
    assert store.walls()[0].used_at == 5.0
    assert store.drop_wall("w1")
    assert not store.drop_wall("w1")
    assert store.wall_hashes() == {}
    store.close()


def test_marks_and_sheets_come_back_as_they_were(store: Store) -> None:
    """A scorer has one sheet a call; forms keep their versions."""
    mark = Mark(id="m1", call="c1", at_s=12.5, kind="train", text="先报价再问箱型", by="wu", at=1.0)
    store.add_mark(mark)
    assert store.marks("c1") == [mark]
    store.drop_mark("m1")
    assert store.mark("m1") is None
    assert store.score_form() is None
    form = Form(
        version=1, title="质检", title_en="Quality", criteria=(Criterion(key="a", label="问候", label_en="Hello"),)
    )
    store.add_score_form(form, "wu", 1.0)
    assert store.score_form() == store.score_form(1) == form
    sheet = Score(
        call="c1",
        called_at=50.0,
        agent="陈",
        interface="PJSIP/1",
        form=1,
        points={"a": 4},
        share=0.8,
        remark="好",
        by="wu",
        at=2.0,
    )
    store.save_score(sheet)
    store.save_score(sheet)
    assert store.call_scores("c1") == store.scores(50.0, 51.0) == [sheet]
    assert store.scores(51.0, 99.0) == []
    store.close()


def test_the_journal_is_read_from_the_last_whole_board_and_stays_bounded(store: Store) -> None:
    """Old pieces go by age and by size; what is left begins with a whole board."""
    store.save_pages([(n * 1000, n % 3 == 0, n * 1000 + 999, bytes([n]) * 100) for n in range(9)])
    assert [p.at_ms for p in store.pieces(4500, 6500)] == [3000, 4000, 5000, 6000]
    assert store.pieces(-1, 100) == []
    assert store.next_piece(3000) == 6000
    store.forget_journal(1500, 450)
    assert [span[0] for span in store.journal_spans()] == [5000, 6000, 7000, 8000]
    assert store.pieces(5500, 5900) == []
    store.close()
