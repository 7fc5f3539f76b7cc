"""Counts agree with the PBX's own queue_log: calm, and with the link cut and the daemon killed in the middle."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.asterisk.agreement import WHOLE_S, Stored
from tests.asterisk.crowd import Crowd
from tests.checker.account import OurCall, OurVisit
from tests.faults.crowded import check, crowded, cut, killed

pytestmark = pytest.mark.asterisk


def test_forty_calls_through_a_cut_and_a_kill_are_all_counted_once() -> None:
    """The link cut and the daemon killed in the middle: counts per queue and agent are queue_log's, gaps are marked."""
    done = crowded(Crowd(calls=40, per_second=8.0, seed=13, longest_s=7.0), agents=20, faults=[cut, killed])
    check(done, 40)
    assert done.ours.filled, "nothing had to be filled in: the faults came to nothing"
    for planted, spoiled in _planted(done.ours):
        assert done.disagreements(spoiled), f"nobody noticed: {planted}"


def _planted(ours: Stored) -> list[tuple[str, Stored]]:
    """The same with one error each."""
    visits = [(call, visit) for call in ours.calls for visit in call.visits]
    of, answered = next((c, v) for c, v in visits if v.agent and v.wait_s is not None)
    other = next(v.agent for _, v in visits if v.agent and v.agent != answered.agent)
    filled = next(call for call in ours.calls if call.filled and call.visits)
    longer = 0.25 + 2 * WHOLE_S + (answered.wait_s or 0.0)

    def instead(call: OurCall, *put: OurCall) -> Stored:
        return replace(ours, calls=[one for c in ours.calls for one in (put if c is call else (c,))])

    def visited(*put: OurVisit) -> Stored:
        whole = [one for v in of.visits for one in (put if v is answered else (v,))]
        return instead(of, replace(of, visits=whole))

    return [
        ("an event dropped: an answer nobody counted", visited()),
        ("a call that was filled in counted twice", instead(filled, filled, filled)),
        ("credited to another agent", visited(replace(answered, agent=other))),
        ("an answer told as given up", visited(replace(answered, outcome="abandoned", agent=None))),
        ("a wait too long", visited(replace(answered, wait_s=longer))),
        ("a gap without its mark", instead(filled, replace(filled, marked=False))),
        ("a call that never was", instead(filled, filled, replace(filled, id="1.1"))),
        ("a ghost", instead(filled, replace(filled, ended=None))),
        ("a report that counts twice", replace(ours, counted=ours.counted + Counter([next(iter(ours.counted))]))),
    ]
