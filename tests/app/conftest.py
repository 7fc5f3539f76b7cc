"""Fixtures of the service's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cti.demo.sample import Sample
from tests.app.service import Service, copy_of, make_sample, service


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sample]:
    """Databases with the sample's customers, made once."""
    folder = tmp_path_factory.mktemp("sample")
    return folder, make_sample(folder)


@pytest.fixture
def made(filled: tuple[Path, Sample]) -> Sample:
    """What the sample holds."""
    return filled[1]


@pytest.fixture
def folder(filled: tuple[Path, Sample], tmp_path: Path) -> Path:
    """A test's own copy of the databases."""
    return copy_of(filled[0], tmp_path)


@pytest.fixture
async def running(folder: Path, made: Sample) -> AsyncIterator[Service]:
    """The service, live."""
    async with service(folder, made) as one:
        yield one
