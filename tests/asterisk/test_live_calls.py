"""Real SIP calls through a real Asterisk on the project's own configuration, watched by the running service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from tests.asterisk.performance import Performance
from tests.asterisk.plays_all import PLAYS, RENAMED_PLAYS

pytestmark = pytest.mark.asterisk

Performances = Mapping[tuple[str, str], Performance]


UNTOLD_ON_16 = {
    # Asterisk 16 still names the old place in QueueCallerAbandon; with the shipped account nothing else tells a
    # redirect from a time-out there, so the outcome is unknown, and said to be.
    "waiting_caller_redirected_to_queue": ["visit of narrow: unknown, was redirected"],
    "waiting_caller_redirected_to_phone": ["visit of narrow: unknown, was redirected"],
}


def check(performance: Performance, untold: Sequence[str] = ()) -> None:
    """The play went as written and the service's call log is what the PBX's books say."""
    assert performance.fault == ""
    assert performance.truth, "the PBX's books know of no call"
    seen = "\n".join(map(repr, [*performance.differences, *performance.truth, *performance.calls]))
    assert [text.partition(": ")[2] for text in performance.differences] == list(untold), seen


@pytest.mark.parametrize("live_play", PLAYS)
def test_call_log_equals_the_pbx_own_books(performances: Performances, live_play: str) -> None:
    """Each call is in the log once, with the outcome, waits, agents, talks and transfers of queue_log and CEL."""
    check(performances["plain", live_play])


@pytest.mark.parametrize("renamed_play", RENAMED_PLAYS)
def test_call_log_is_right_under_any_names(performances: Performances, renamed_play: str) -> None:
    """Phones, contexts, queues, members and numbers may have any name, and a Local hop may stand before Queue()."""
    check(performances["renamed", renamed_play])


@pytest.mark.long
@pytest.mark.parametrize("play_on_16", PLAYS)
def test_call_log_equals_the_books_of_asterisk_16(performances_on_16: Performances, play_on_16: str) -> None:
    """What holds on 22 holds on 16."""
    check(performances_on_16["plain", play_on_16], UNTOLD_ON_16.get(play_on_16, ()))
