"""What all tests share: what happens where a part is missing, and one PostgreSQL for a whole run.

A test whose part cannot be had (`Unavailable`, wherever it is raised) is skipped with the reason; in CI it failed.
"""

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
    """A missing part is a skip, and a skip is a failure where CI is set (an expected failure is no skip)."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, Unavailable):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1] or 0, f"Skipped: {call.excinfo.value}")
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {reason}"
    return report


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """A running PostgreSQL for all tests of a run: each takes a database of its own name, and nobody freezes it."""
    server = Postgresql.start()
    yield server
    server.end()
