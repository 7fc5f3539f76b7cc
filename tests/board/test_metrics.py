"""Service level: every variant on the worked case, borders and no data."""

import json
from pathlib import Path

import pytest

from cti.board.metrics import VARIANTS, Counts, average_speed_of_answer, count, percentages, service_level
from cti.cli import main

WORKED = [
    *(("answered", w) for w in (0.4, 12.999, 13.0, 13.001, 13.9, 40.0)),
    *(("abandoned", w) for w in (2.0, 5.0, 5.001, 13.0, 30.0)),
    ("timeout", 60.0),
    ("key", 8.0),
    ("empty", 3.0),
    ("withdrawn", 20.0),
    ("callback", 12.0),
    ("callback", 50.0),
]


def test_the_worked_case_gives_every_variant_its_own_figure() -> None:
    """The same 17 calls are 20 % or 64 % in time, by the formula: each variant computes its own."""
    assert percentages(WORKED, target_s=13, short_s=5) == {
        "V1": 50.0,
        "V2": 27.2727,
        "V2b": 20.0,
        "V3": 42.8571,
        "V4": 63.6364,
        "V5": 33.3333,
        "V6": 45.4545,
        "V7": 30.0,
        "V8": 47.0588,
    }


def test_the_command_prints_the_worked_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`cti service-level` reads outcomes and waits and prints per cent by variant, null for no data."""
    file = tmp_path / "waits.json"
    file.write_text(json.dumps(WORKED))
    assert main(["service-level", str(file), "--target", "13", "--short", "5"]) == 0
    assert json.loads(capsys.readouterr().out)["V2"] == 27.2727
    file.write_text("[]")
    assert main(["service-level", str(file)]) == 0
    assert set(json.loads(capsys.readouterr().out).values()) == {None}
    file.write_text('[["answered"]]')
    assert main(["service-level", str(file)]) == 2


def test_no_data_is_none_in_every_variant() -> None:
    """An empty denominator is neither 0 nor 100 %."""
    assert percentages([], target_s=13) == dict.fromkeys(VARIANTS)
    assert average_speed_of_answer(Counts()) is None


@pytest.mark.parametrize(
    ("wait_s", "in_time"), [(12.999, 1), (13.0, 1), (13.0004, 1), (13.0006, 0), (13.001, 0), (0.0, 1)]
)
def test_the_target_is_compared_in_whole_milliseconds_and_belongs_to_the_good_side(wait_s: float, in_time: int) -> None:
    """A wait of exactly 13.000 s is in time, 13.001 s is late."""
    assert count("answered", wait_s, target_s=13.0).answered_in_target == in_time


@pytest.mark.parametrize("outcome", ["pbx_restart", "unknown", "refused"])
def test_what_nobody_can_judge_stands_in_no_denominator(outcome: str) -> None:
    """Restarts, unknown ends and refused callers move no variant."""
    assert percentages([*WORKED, (outcome, 3.0)], target_s=13) == percentages(WORKED, target_s=13)
    assert count(outcome, 3.0, target_s=13).aside == 1


def test_redirected_counts_as_outflow() -> None:
    """A caller whom a supervisor moved left the queue otherwise than by an answer or a hang-up."""
    assert count("redirected", 4.0, target_s=13) == Counts(outflow=1)


def test_an_answer_without_a_known_wait_stands_aside() -> None:
    """Where a gap hid the entry nobody can say whether the answer was in time."""
    assert count("answered", None, target_s=13) == Counts(aside=1)


def test_the_average_is_arithmetic_over_the_answered_only() -> None:
    """ASA is the mean wait of the answered; abandoned callers are not in it."""
    total = Counts()
    for outcome, wait in [("answered", 2.0), ("answered", 5.0), ("abandoned", 60.0)]:
        total = total.plus(count(outcome, wait, target_s=13))
    assert average_speed_of_answer(total) == 3.5
    assert service_level(total) == 2 / 3
