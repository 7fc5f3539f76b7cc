"""The day's sums are a function of the rows that stand there, whatever way they came."""

from collections.abc import Sized
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from cti.board.days import Days
from cti.board.figures import Ledger, Wait
from cti.board.metrics import Counts

_ROWS = st.builds(
    Wait,
    queue=st.sampled_from(["north", "south"]),
    joined_at=st.floats(0, 4000),
    outcome=st.sampled_from(["waiting", "answered", "abandoned", "timeout", "redirected", "unknown", "refused"]),
    wait_s=st.none() | st.floats(0, 60),
    target_s=st.sampled_from([13.0, 20.0]),
    breached=st.booleans(),
)
_STEPS = st.lists(st.tuples(st.sampled_from("abcdef"), st.none() | _ROWS), max_size=60)


@given(_STEPS)
def test_sums_equal_a_fresh_count_of_the_rows(steps: list[tuple[str, Wait | None]]) -> None:
    """After any putting, replacing and removing, sums and intervals are those of a ledger made of the rows alone."""
    ledger = Ledger()
    for key, row in steps:
        if row is None:
            ledger.remove(key)
        else:
            ledger.put(key, row)
            ledger.put(key, row)
    fresh = Ledger()
    for key, row in ledger.rows.items():
        fresh.put(key, row)
    for queue in ("north", "south"):
        expected = Counts()
        for row in ledger.rows.values():
            if row.queue == queue:
                expected = expected.plus(row.counts())
        assert ledger.counts(queue) == expected
        assert ledger.recent(queue, 100) == fresh.recent(queue, 100)


def test_an_interval_counts_by_entry_and_late_is_late_answer_or_abandon_or_breach() -> None:
    """The trend's intervals begin at the quarter of an hour of the entry."""
    ledger = Ledger()
    for key, at, outcome, wait_s in [
        ("a", 899.0, "answered", 13.0),
        ("b", 900.0, "answered", 13.1),
        ("c", 901.0, "abandoned", 1.0),
        ("d", 902.0, "timeout", 60.0),
        ("e", 903.0, "unknown", None),
    ]:
        ledger.put(key, Wait(queue="north", joined_at=at, outcome=outcome, wait_s=wait_s, target_s=13.0))
    recent = [(at, quarter.offered, quarter.late) for at, quarter in ledger.recent("north", 12)]
    assert recent == [(0, 1, 0), (900, 3, 2)]


@given(_STEPS, st.integers(0, 3))
def test_what_is_folded_stays_counted_and_is_never_counted_again(
    steps: list[tuple[str, Wait | None]], again: int
) -> None:
    """With room for a few rows the sums are those of a ledger with room for all, told as often as one likes."""
    with mock.patch("cti.board.figures.LOT", 3):
        gone: list[str] = []
        small, large = Ledger(gone.append, most=2), Ledger()
        for number, (_, row) in enumerate(steps):
            if row is not None:
                small.put(str(number), row)
                large.put(str(number), row)
        for number, (_, row) in list(enumerate(steps)) * again:
            if row is not None:
                small.put(str(number), row)
        if gone and again:  # decided for good: a later word changes nothing
            small.put(gone[0], Wait(queue="north", joined_at=0.0, outcome="timeout", wait_s=1.0, target_s=13.0))
    assert len(gone) == len(set(gone)) == len(large.rows) - len(small.rows)
    waiting = sum(row.outcome == "waiting" for row in large.rows.values())
    assert len(small.rows) <= max(2, waiting + 2) + 3, "it does not stay small"
    assert {key for key, row in large.rows.items() if row.outcome == "waiting"} <= set(small.rows), (
        "who waits was let go"
    )
    for queue in ("north", "south"):
        assert small.counts(queue) == large.counts(queue)
        assert small.recent(queue, 100) == large.recent(queue, 100)


def test_another_day_has_only_its_own_rows_and_takes_new_ones_of_any_key() -> None:
    """Sums, intervals and what was folded begin anew; the rows that belong to the day stay."""
    gone: list[str] = []
    with mock.patch("cti.board.figures.LOT", 2):
        ledger = Ledger(gone.append, most=1)
        for number in range(6):
            ledger.put(str(number), _answered(900.0 * number))
        assert ledger.folded("0")
        assert not ledger.folded("5")
        ledger.begin(lambda row: row.joined_at >= 4500)
    assert ledger.counts("north").answered == 1
    assert [at for at, _ in ledger.recent("north", 9)] == [4500]
    assert sorted(gone) == ["0", "1", "2", "3", "4"]
    ledger.put("0", _answered(5400.0))
    assert ledger.counts("north").answered == 2


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["answered", "abandoned", "timeout"])), max_size=25))
def test_a_long_day_counts_visits_and_chains_as_a_short_one(calls: list[tuple[bool, str]]) -> None:
    """Calls with one visit or two, told twice at the end: the figures are those of a day that keeps every row."""
    with mock.patch("cti.board.figures.LOT", 2):
        small, large = (Days(lambda at: at // DAY_S, most=most) for most in (3, 1000))
        for days in (small, large):
            for number, (twice, outcome) in [*enumerate(calls), *enumerate(calls)]:
                at = 100.0 * number
                days.roll(at)
                if days.opened(str(number), f"{number}#1", "north", at, at, 13.0):
                    days.breached(f"{number}#1")
                first = "timeout" if twice else outcome
                days.closed(str(number), f"{number}#1", "north", at, at, 13.0, first, 20.0)
                if twice:
                    days.opened(str(number), f"{number}#2", "south", at + 20, at, 13.0)
                    days.closed(str(number), f"{number}#2", "south", at + 20, at, 13.0, outcome, 5.0)
    assert small.totals(0) == large.totals(0)
    for queue in ("north", "south"):
        assert small.figures(queue, 0) == large.figures(queue, 0)
    kept: tuple[Sized, ...] = (small._last, small._chain_of, small._visits.rows, small._chains.rows)
    assert max(len(held) for held in kept) <= 6
    small.roll(DAY_S + 1.0)
    assert small.totals(0)["offered"] == 0


DAY_S = 86_400.0


def _answered(at: float) -> Wait:
    return Wait(queue="north", joined_at=at, outcome="answered", wait_s=1.0, target_s=13.0)
