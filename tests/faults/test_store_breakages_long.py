"""Each promise about the store has a planted error that turns its test red."""

from __future__ import annotations

import pytest

from tests.faults.breakages_store import STORE
from tests.faults.broken import notices


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name, breakage in STORE.items() if breakage.cheap])
def test_broken_store_is_noticed(name: str) -> None:
    """The program with this breakage fails the test that stands against it, for the right reason."""
    assert notices(name) == ""
