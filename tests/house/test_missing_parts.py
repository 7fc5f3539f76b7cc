"""What becomes of a test whose part this machine cannot have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import pytest
from tests.debian import Unavailable

@pytest.fixture(scope="module")
def part():
    raise Unavailable("no such part here")

def test_with_it(part): ...

def test_fetches_it():
    raise Unavailable("nor this one")

@pytest.mark.xfail
def test_expected_to_fail():
    raise AssertionError
"""


@pytest.mark.parametrize(
    ("environment", "code", "said"),
    [
        ({}, 0, ["2 skipped, 1 xfailed", "no such part here", "nor this one"]),
        ({"CI": "true"}, 1, ["1 failed, 1 xfailed, 1 error", "which CI does not allow: Skipped: no such part here"]),
    ],
    ids=["at home", "in CI"],
)
def test_a_missing_part_is_a_skip_with_its_reason_and_in_ci_a_failure(
    environment: dict[str, str], code: int, said: list[str], tmp_path: Path
) -> None:
    """At home one goes on without Asterisk; in CI nothing is proved by a test that did not run."""
    (tmp_path / "test_parts.py").write_text(TESTS)
    clean = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rsfE", "-p", "tests.conftest", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=ROOT,
        env={**clean, **environment, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    for words in said:
        assert words in done.stdout
