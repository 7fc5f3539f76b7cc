"""What all tests share: in CI a skipped test is a failed one, with its reason; and one PostgreSQL for a whole run."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import Any

import hypothesis
import pytest

from tests.debian import Unavailable
from tests.servers.postgresql import Postgresql

hypothesis.settings.register_profile(
    "thirteen",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    print_blob=True,
    # CI judges a change: by the same examples each time. Whoever works on the code looks for new ones.
    derandomize=bool(os.environ.get("CI")),
)
hypothesis.settings.load_profile("thirteen")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where CI is set (an expected failure is no skip)."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {reason}"
    return report


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """A running PostgreSQL for all tests of a run: each takes a database of its own name, and nobody freezes it."""
    try:
        server = Postgresql.start()
    except Unavailable as missing:
        pytest.skip(str(missing))
    yield server
    server.end()
