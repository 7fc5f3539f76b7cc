"""The keys of a long day."""

from __future__ import annotations

from cti.met import LOT, Met


def test_what_was_met_is_known_and_nothing_else_is() -> None:
    """Over several rows and what is not yet in one; the first and last of a row, too."""
    met = Met()
    for number in range(5 * LOT + 100):
        met.add(f"1800000{number}.7#1")
    assert all(f"1800000{number}.7#1" in met for number in range(5 * LOT + 100))
    assert not any(f"1900000{number}.7#1" in met for number in range(20_000))


def test_a_key_takes_eight_bytes() -> None:
    """However many there are."""
    met = Met()
    for number in range(10 * LOT):
        met.add(str(number))
    assert sum(len(row) * row.itemsize for row in met._rows) == 10 * LOT * 8
    assert not met._latest


def test_a_new_day_has_met_nothing() -> None:
    """Neither of the rows nor of the latest."""
    met = Met()
    for number in range(LOT + 10):
        met.add(str(number))
    met.clear()
    assert not any(str(number) in met for number in range(LOT + 10))
