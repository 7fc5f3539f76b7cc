"""Each promise about names, the loop's time and open files has a planted error that turns its test red."""

from __future__ import annotations

import pytest

from tests.faults.breakages_resources import RESOURCES
from tests.faults.broken import notices


@pytest.mark.long
@pytest.mark.parametrize("name", RESOURCES)
def test_broken_bound_is_noticed(name: str) -> None:
    """The program with this breakage fails the test that stands against it, for the right reason."""
    assert notices(name) == ""
