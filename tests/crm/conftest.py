"""A CRM of a test's own, with a clock that stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.numbers import Site

NOW = 1_780_000_000.0
"A Thursday in May 2026, 04:26 in Shanghai."


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[EmbeddedCrm]:
    """An empty CRM in a file."""
    made = EmbeddedCrm(f"sqlite:///{tmp_path}/crm.db", site=Site(area_code="574"), clock=lambda: NOW)
    yield made
    made.close()
