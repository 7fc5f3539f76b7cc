"""Prometheus' text: whole, escaped, and bounded whatever comes in."""

from __future__ import annotations

import re

import pytest

from cti import metrics
from cti.metrics import MOST_SERIES, Histogram, Sample, exposition

LABEL = r'[a-z_]+="([^"\\\n]|\\["\\n])*"'
LINE = re.compile(rf"[a-zA-Z_][a-zA-Z0-9_]*(\{{{LABEL}(,{LABEL})*\}})? (-?[0-9.e+-]+|NaN)\Z")


def series(text: str) -> list[str]:
    """The lines that are no comments; each is one that Prometheus can read."""
    lines = [line for line in text.split("\n") if line and not line.startswith("#")]
    assert [line for line in lines if not LINE.match(line)] == []
    return lines


def test_samples_stand_in_the_order_of_the_catalogue_with_help_and_type() -> None:
    """Help, type, then the series; a histogram is cumulative."""
    text = exposition(
        [Sample("open_calls", 2.0), Sample("ready", 1.0), Sample("pbx_live", 0.0, ("hq",))],
        Histogram((0.1, 1.0), (3, 2, 1)),
    )
    assert text.startswith(
        "# HELP thirteen_ready 1 when calls can be shown (as /readyz)\n# TYPE thirteen_ready gauge\n"
    )
    assert series(text) == [
        "thirteen_ready 1",
        "thirteen_open_calls 2",
        'thirteen_ring_to_pop_seconds_bucket{le="0.1"} 3',
        'thirteen_ring_to_pop_seconds_bucket{le="1.0"} 5',
        'thirteen_ring_to_pop_seconds_bucket{le="+Inf"} 6',
        "thirteen_ring_to_pop_seconds_count 6",
        'thirteen_pbx_live{pbx="hq"} 0',
    ]


@pytest.mark.parametrize("hostile", ['a"} 1\nthirteen_ready 0', "\\", "\u2028\x00\x1b", "北京" * 200, "", "\ud800"])
def test_hostile_label_values_make_no_line_of_their_own(hostile: str) -> None:
    """Quotes, line ends and control characters stay inside the label, and it is cut."""
    lines = series(exposition([Sample("waiting", 1.0, (hostile,)), Sample("ready", 1.0)]))
    assert len(lines) == 2
    assert lines[0] == "thirteen_ready 1"
    assert len(lines[1]) < 200
    lines[1].encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.5, 1e300, 0.1])
def test_any_number_is_written_as_one(value: float) -> None:
    """Nothing that a float can be breaks the page."""
    assert len(series(exposition([Sample("loop_lag_seconds", value)]))) == 1


def many(count: int) -> list[Sample]:
    """As many names as a hostile caller could think of."""
    return [Sample("waiting", 1.0, (f"queue-{number}",)) for number in range(count)]


def test_a_hundred_thousand_names_are_a_bounded_number_of_series() -> None:
    """Beyond MOST_SERIES all are one, and nothing of them is lost from the sum (F31)."""
    lines = series(exposition(many(100_000)))
    assert len(lines) == MOST_SERIES + 1
    assert f'thirteen_waiting{{queue="other"}} {100_000 - MOST_SERIES}' in lines


def test_the_bound_is_what_holds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken build: without the bound the test above has its hundred thousand series."""
    monkeypatch.setattr(metrics, "MOST_SERIES", 10**9)
    assert len(series(exposition(many(10_000)))) == 10_000


def test_what_the_catalogue_does_not_know_is_told_and_left_out() -> None:
    """A metric without its line in the catalogue, or with other labels, is not shown."""
    told: list[str] = []
    text = exposition([Sample("surprise", 1.0), Sample("waiting", 1.0), Sample("ready", 1.0)], unknown=told.append)
    assert told == ["surprise", "waiting"]
    assert series(text) == ["thirteen_ready 1"]
