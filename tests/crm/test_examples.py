"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest

from crm_bridge import numbers, regions
from crm_bridge.freight import charges, containers, currencies, ports, trend
from crm_bridge.writeback import intents
from cti import settings
from cti.sms import model


@pytest.mark.parametrize(
    "module",
    [numbers, regions, charges, containers, currencies, ports, intents, trend, settings, model],
    ids=lambda m: str(m.__name__),
)
def test_docstrings_tell_the_truth(module: ModuleType) -> None:
    """What a docstring shows is what the function gives."""
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed
