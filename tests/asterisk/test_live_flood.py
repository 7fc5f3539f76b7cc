"""Many calls at once through a real Asterisk."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from tests.asterisk import programs
from tests.asterisk.compare import differences
from tests.asterisk.flood import Flood, pour
from tests.asterisk.pbx import RealAsterisk
from tests.asterisk.service import Service
from tests.asterisk.site import Site
from tests.asterisk.truth import TrueCall, read_books, truth_of

pytestmark = pytest.mark.asterisk


async def _flooded(flood: Flood) -> tuple[list[TrueCall], list[str]]:
    async with RealAsterisk(Site(flood_agents=60)) as pbx, Service(pbx) as service:
        await pour(pbx, flood)
        calls = await service.calls()
        truth = truth_of(*read_books(*pbx.books()), pbx.site.names.trunk)
        return truth, differences(truth, calls)


def test_two_hundred_calls_at_ten_a_second_are_all_there_and_all_right() -> None:
    """Answered or given up, none is missing, none is there twice, and every figure is the PBX's own."""
    programs.sipp()
    programs.asterisk_files("22")
    flood = Flood(calls=200, per_second=10.0)
    truth, found = asyncio.run(_flooded(flood))
    assert len(truth) == flood.calls
    outcomes = Counter(visit.outcome for call in truth for visit in call.visits)
    assert outcomes["answered"] > 100, "too few were answered to prove anything"
    assert outcomes["abandoned"] > 5, "too few gave up to prove anything"
    assert found == []
