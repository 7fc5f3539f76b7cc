"""The import contracts hold, and each of them catches what it is there for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PLANTED = [
    ("cti/calls/legs.py", "import time", "the pure core has no I/O, no clock and no chance"),
    ("cti/board/live.py", "import random", "the pure core has no I/O, no clock and no chance"),
    ("cti/control/overflow.py", "import time", "the pure core has no I/O, no clock and no chance"),
    ("cti/control/members.py", "import cti.auth", "nothing pure reaches an edge"),
    ("cti/events.py", "import asyncio", "the pure core has no I/O, no clock and no chance"),
    ("crm_bridge/model.py", "import sqlalchemy", "the pure core has no I/O, no clock and no chance"),
    ("cti/calls/visits.py", "import cti.ami.link", "nothing pure reaches an edge"),
    ("cti/events.py", "import cti.board", "nothing pure reaches an edge"),
    ("crm_bridge/model.py", "import cti.events", "crm_bridge could serve another front end"),
    ("cti/bus.py", "import panoramisk", "one door to panoramisk"),
    ("cti/bus.py", "import websockets", "one door to websockets"),
    ("cti/popup/server.py", "import aiohttp", "one door to aiohttp"),
    ("cti/popup/record.py", "import sqlalchemy", "SQL is spoken in the store and in crm_bridge"),
    ("cti/popup/hub.py", "import cti.store", "edges do not know each other"),
    ("cti/web/ports/__init__.py", "import cti.popup.hub", "edges do not know each other"),
    ("crm_bridge/mapped/values.py", "import openpyxl", "one door to spreadsheets"),
    ("cti/bus.py", "import argon2", "passwords are hashed where users are"),
    ("cti/web/server.py", "import cti.app", "only commands start the service"),
    ("cti/board/view.py", "import phonenumbers", "only caller ids need phonenumbers"),
]


def _broken(project: Path) -> tuple[int, list[str], str]:
    """Exit code, names of the broken contracts and all that was said."""
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    broken = [line.rsplit(" ", 1)[0] for line in done.stdout.splitlines() if line.endswith(" BROKEN")]
    return done.returncode, broken, done.stdout + done.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the two packages and the contracts."""
    copy = tmp_path_factory.mktemp("project")
    for package in ("cti", "crm_bridge"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def test_every_contract_is_kept() -> None:
    """The project as it stands breaks no import contract."""
    code, broken, said = _broken(ROOT)
    assert (code, broken) == (0, []), said


@pytest.mark.parametrize(("module", "line", "contract"), PLANTED)
def test_a_planted_import_is_caught(project: Path, module: str, line: str, contract: str) -> None:
    """A single wrong import in the named module breaks the contract that forbids it."""
    file = project / module
    good = file.read_text()
    try:
        file.write_text(f"{good}\n{line}\n")
        code, broken, said = _broken(project)
    finally:
        file.write_text(good)
    assert code == 1, said
    assert contract in broken, said
