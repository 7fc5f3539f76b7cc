"""Each promise about pages and restarts has a planted error that turns its test red."""

from __future__ import annotations

import pytest

from tests.faults.breakages_push import PUSH
from tests.faults.broken import notices


@pytest.mark.long
@pytest.mark.parametrize("name", PUSH)
def test_broken_push_is_noticed(name: str) -> None:
    """The program with this breakage fails the test that stands against it, for the right reason."""
    assert notices(name) == ""
