"""The tests' own recordings: another site, no name of which is known, with a Local hop before every queue."""

from __future__ import annotations

import pytest

from tests.asterisk.compare import differences
from tests.asterisk.plays_all import PLAYS
from tests.asterisk.site import RENAMED
from tests.asterisk.truth import TrueCall, read_books, truth_of
from tests.calls import tapes

ARCHIVES = ("own-22", "own-16")
CUTS = {name: (cut, tolerance) for name, (cut, tolerance) in tapes.CUTS.items() if name != "raw"}
EVER = (0.0, float("inf"))
"The cut plays say themselves when their gap is: calls not marked as touched by it are held to the exact figures."

UNTOLD = {
    # Asterisk 16 still names the old place in QueueCallerAbandon, and without Newexten nothing else tells a redirect
    # from a time-out: the outcome is unknown, and said to be.
    ("own-16", "waiting_caller_redirected_to_phone", "few_classes"): "visit of slit: unknown, was redirected",
    ("own-16", "waiting_caller_redirected_to_queue", "few_classes"): "visit of slit: unknown, was redirected",
}


def books(archive: str, play: str) -> list[TrueCall]:
    """What the PBX itself wrote down."""
    files = tapes.archive(archive)
    queue_log, cel = (files[f"{play}.{kind}"].decode() for kind in ("queue_log", "cel.csv"))
    return truth_of(*read_books(queue_log, cel), RENAMED.trunk)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("play", PLAYS)
@pytest.mark.parametrize("archive", ARCHIVES)
def test_replayed_plays_equal_the_books(archive: str, play: str, cut: str) -> None:
    """Whole or re-cut, a tape gives the calls that queue_log and CEL tell of."""
    make, tolerance = CUTS[cut]
    calls = tapes.replayed(make(archive, play))
    gap = EVER if play in {"restarted", "killed", "session_cut"} else None
    found = differences(books(archive, play), calls, wait=max(tolerance, 0.1), gap=gap)
    untold = UNTOLD.get((archive, play, cut))
    assert [text.partition(": ")[2] for text in found] == ([untold] if untold else [])
