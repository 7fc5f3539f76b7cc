"""Fixtures of the page tests: the sample's databases, and Chromium in front of a service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright

from cti.demo.sample import Sample
from tests import chromium
from tests.app.service import KNOWN, PASSWORD, Service, copy_of, make_sample, service
from tests.browser.far import Far
from tests.browser.pages import QUIET, Pages, Screen, chromium_pages

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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def far() -> AsyncIterator[Far]:
    """One far end for all tests here."""
    async with Far() as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(far: Far) -> AsyncIterator[Page]:
    """A blank page that can load the modules."""
    part = chromium.find()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**part.launch(*QUIET))
        one = await (await browser.new_context(timezone_id="Asia/Shanghai")).new_page()
        await one.goto(f"http://127.0.0.1:{far.port}/")
        yield one
        await browser.close()


async def called(
    site: Opened, tape: str = "held", caller: str = KNOWN, *, stays: bool = True
) -> tuple[Service, Screen, str]:
    """A call of this tape, and the desk of the agent who has it."""
    running, pages = site
    desk = await pages.log_in("linzhixia")
    running.call(tape, caller, stays=stays)
    return running, desk, await desk.pop()
