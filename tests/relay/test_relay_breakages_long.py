"""Each promise about a Redis that fails over has a planted error that turns its test red."""

from __future__ import annotations

import pytest

from tests.faults.breakages_relay import RELAY
from tests.faults.broken import notices


@pytest.mark.long
@pytest.mark.parametrize("name", RELAY)
def test_broken_relay_is_noticed(name: str) -> None:
    """The program with this breakage fails the test that stands against it, for the right reason."""
    assert notices(name) == ""
