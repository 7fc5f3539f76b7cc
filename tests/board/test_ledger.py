"""The day's sums are a function of the rows that stand there, whatever way they came."""

from hypothesis import given
from hypothesis import strategies as st

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
