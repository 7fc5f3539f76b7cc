"""Four hundred calls: what the service counts is what queue_log counts, calm and through cuts and kills."""

from __future__ import annotations

import pytest

from tests.asterisk.crowd import Crowd
from tests.faults.crowded import check, crowded, cut, killed

pytestmark = [pytest.mark.asterisk, pytest.mark.long]

CALLS = 400


def test_four_hundred_calls_are_counted_as_the_pbx_counts_them() -> None:
    """Patience, answers, overflow and transfers at random: counts equal queue_log, waits are CEL's within 0.1 s."""
    done = crowded(Crowd(calls=CALLS, per_second=6.0, seed=400), agents=48)
    check(done, CALLS)
    assert not any(call.marked for call in done.ours.calls), "nothing was cut, and something is marked"
    assert done.ours.filled == set(), "the link missed nothing, and something was filled in"


def test_four_hundred_calls_through_three_cuts_and_two_kills_are_all_counted_once() -> None:
    """The link cut three times, the daemon killed twice in the middle: counts still equal, gaps marked."""
    done = crowded(Crowd(calls=CALLS, per_second=6.0, seed=1365), agents=48, faults=[cut, killed, cut, killed, cut])
    check(done, CALLS)
    assert len(done.holes) == 5
    assert len(done.ours.filled) > 10
