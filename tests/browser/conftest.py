"""Fixtures of the page tests: the sample's databases, and Chromium in front of a service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cti.demo.sample import Sample
from tests import chromium
from tests.app.service import PASSWORD, Service, copy_of, make_sample, service
from tests.browser.pages import Pages, chromium_pages

Opened = tuple[Service, Pages]
Open = Callable[..., AbstractAsyncContextManager[Opened]]


@pytest.fixture(scope="session")
def sample_site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sample]:
    """Databases with the sample's customers, made once."""
    chromium.find()
    folder = tmp_path_factory.mktemp("pages")
    return folder, make_sample(folder)


@pytest.fixture
def open_site(sample_site: tuple[Path, Sample], tmp_path: Path) -> Open:
    """`async with open_site() as (running, pages)`: the service on its own copy of the sample, and a browser."""

    @asynccontextmanager
    async def opened(**options: Any) -> AsyncIterator[Opened]:
        folder = copy_of(sample_site[0], tmp_path)
        async with (
            service(folder, sample_site[1], **{"speed": 3.0, **options}) as running,
            chromium_pages(running.base, PASSWORD) as pages,
        ):
            yield running, pages

    return opened


@pytest.fixture
async def site(open_site: Open) -> AsyncIterator[Opened]:
    """The service, live, its calls three times as fast as life; and a browser."""
    async with open_site() as both:
        yield both
