"""Real SIP calls through a real Asterisk on the project's own configuration, watched by the running service."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.asterisk.performance import Performance
from tests.asterisk.plays_all import PLAYS, RENAMED_PLAYS

pytestmark = pytest.mark.asterisk

Performances = Mapping[tuple[str, str], Performance]


def check(performance: Performance) -> None:
    """The play went as written and the service's call log is what the PBX's books say."""
    assert performance.fault == ""
    assert performance.truth, "the PBX's books know of no call"
    assert performance.differences == []


@pytest.mark.parametrize("live_play", PLAYS)
def test_call_log_equals_the_pbx_own_books(performances: Performances, live_play: str) -> None:
    """Each call is in the log once, with the outcome, waits, agents, talks and transfers of queue_log and CEL."""
    check(performances["plain", live_play])


@pytest.mark.parametrize("renamed_play", RENAMED_PLAYS)
def test_call_log_is_right_under_any_names(performances: Performances, renamed_play: str) -> None:
    """Phones, contexts, queues, members and numbers may have any name, and a Local hop may stand before Queue()."""
    check(performances["renamed", renamed_play])
