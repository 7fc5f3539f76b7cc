"""Each promise about the link, leading, the relay, look-ups and callbacks has a planted error that its test notices."""

from __future__ import annotations

import pytest

from tests.faults.breakages_link import LINK
from tests.faults.broken import notices


@pytest.mark.long
@pytest.mark.parametrize("name", LINK)
def test_broken_link_is_noticed(name: str) -> None:
    """The program with this breakage fails the test that stands against it, for the right reason."""
    assert notices(name) == ""
