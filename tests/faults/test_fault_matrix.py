"""The page about faults names tests and broken builds that exist, and each fault has both."""

from __future__ import annotations

import re
from pathlib import Path

from tests.faults.breakages import BREAKAGES
from tests.faults.broken import MODULE as REGISTERED

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "topics" / "faults.md"
PROMISED = {*range(1, 25), 31, 35, 36}
"Numbers of the catalogue that are proved on real processes."


def rows() -> dict[str, tuple[str, str]]:
    """{fault: (tests, broken builds)} of the page."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| F"):
            fault, _, _, tests, broken = (cell.strip() for cell in line.strip("|").split("|"))
            found[fault] = (tests, broken)
    return found


def test_each_fault_has_a_test_and_a_broken_build() -> None:
    """Every promised fault stands on the page, and what the page names is there."""
    assert REGISTERED  # whoever registers breakages is imported there
    page = rows()
    assert set(page) == {f"F{number}" for number in PROMISED}
    for fault, (tests, broken) in page.items():
        for name in filter(None, broken.split(", ")):
            assert name in BREAKAGES, f"{fault}: there is no broken build {name}"
        assert any(one.fault == fault for one in BREAKAGES.values()), f"{fault} has no broken build"
        for path in re.findall(r"`(tests/[^`]+)`", tests):
            assert list(ROOT.glob(path)), f"{fault}: there is no {path}"


def test_each_broken_build_names_a_test_that_exists() -> None:
    """The file is there, and the function in it."""
    for name, breakage in BREAKAGES.items():
        assert breakage.tests, name
        for test in breakage.tests:
            file, _, function = test.partition("::")
            text = (ROOT / file).read_text(encoding="utf-8")
            assert not function or f"def {function.partition('[')[0]}(" in text, f"{name}: there is no {test}"
