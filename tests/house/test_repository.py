"""What must and must not stand in the project's files."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import debian

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("cti", "crm_bridge")
MOST_LINES = 450
_BINARY = {".png", ".gz", ".zst", ".ico", ".woff2", ".xz", ".zip"}


@cache
def _files() -> tuple[Path, ...]:
    """All files that are or would be committed, else (without git) all but caches."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
        return tuple(ROOT / name for name in names if (ROOT / name).is_file())
    hidden = {".git", ".venv", ".cache"}
    return tuple(f for f in ROOT.rglob("*") if f.is_file() and not hidden & set(f.relative_to(ROOT).parts))


@cache
def _texts() -> tuple[tuple[str, str], ...]:
    return tuple(
        (str(file.relative_to(ROOT)), file.read_text(errors="replace"))
        for file in _files()
        if file.suffix not in _BINARY
    )


def _modules(*folders: str) -> Iterator[tuple[str, str]]:
    for name, text in _texts():
        if name.endswith(".py") and name.split("/")[0] in folders:
            yield name, text


def _found(pattern: str, *, inside: str = "", flags: int = 0) -> list[str]:
    compiled = re.compile(pattern, flags)
    return [
        f"{name}:{number}"
        for name, text in _texts()
        if name.startswith(inside)
        for number, line in enumerate(text.splitlines(), 1)
        if compiled.search(line)
    ]


def test_no_path_of_a_builders_machine_stands_anywhere() -> None:
    """The project runs in any folder of any machine; home folders and scratch folders of one are not its business."""
    separator = "/"
    folders = ["work", "root", "home/[a-z]", "Users", "tmp/[a-z]", "opt/wheels", "opt/pypi"]
    assert _found(rf"(?<![\w.}}:{separator}-]){separator}({'|'.join(folders)})(?![\w-]*\()\b") == []


def test_no_host_of_a_package_registry_or_mirror_is_named() -> None:
    """Where packages come from is the machine's configuration, not the project's."""
    registries = ["pypi" + ".org", "python" + "hosted", "npm" + "js", "deb.debian" + ".org", "crates" + ".io"]
    for variable in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX"):
        registries += [urlsplit(url).hostname or "" for url in os.environ.get(variable, "").split()]
    registries += [urlsplit(mirror).hostname or "" for mirror in debian.mirrors()]
    pattern = "|".join(re.escape(host) for host in registries if host and host != "localhost")
    assert _found(pattern) == []


def test_the_only_lock_is_the_two_requirement_files() -> None:
    """Other tools' lock files carry addresses of registries."""
    locks = {"uv.lock", "poetry.lock", "Pipfile.lock", "package-lock.json", "yarn.lock", "pnpm-lock.yaml"}
    found = [str(f.relative_to(ROOT)) for f in _files() if f.name in locks or f.name.startswith("pylock")]
    assert found == []


def test_every_locked_package_has_hashes() -> None:
    """What is installed is what was locked."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        pins = re.split(r"\n(?=\S)", (ROOT / name).read_text().strip())
        assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []
        assert [pin.split()[0] for pin in pins if "==" not in pin.split()[0]] == []


def test_no_module_is_longer_than_one_can_read() -> None:
    """A module past 450 lines is asking to be two."""
    lengths = {name: text.count("\n") for name, text in _modules(*PACKAGES, "benchmarks")}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_every_module_says_what_it_is_for() -> None:
    """Each module has a docstring, and a folder's says in a paragraph what lives there."""
    docs = {name: ast.get_docstring(ast.parse(text)) or "" for name, text in _modules(*PACKAGES, "benchmarks")}
    assert [name for name, doc in docs.items() if not doc] == []
    assert [name for name, doc in docs.items() if name.endswith("__init__.py") and len(doc) < 50] == []


def test_every_python_folder_is_a_package() -> None:
    """A folder of modules has an `__init__` that says what lives there."""
    folders = {Path(name).parent for name, _ in _modules(*PACKAGES)}
    migrations = {f for f in folders if "versions" in f.parts}
    assert [str(f) for f in sorted(folders - migrations) if not (ROOT / f / "__init__.py").is_file()] == []


def test_nothing_is_left_for_later_in_the_code() -> None:
    """Unfinished work is an issue, not a remark."""
    words = "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"])
    assert [hit for package in PACKAGES for hit in _found(rf"\b({words})\b", inside=f"{package}/")] == []


def test_pages_put_text_in_as_text_only() -> None:
    """No page turns a string into markup: what a caller sends as a name shows as letters."""
    ways = [
        "inner" + "HTML",
        "outer" + "HTML",
        "insertAdjacent" + "HTML",
        "document" + r"\.write",
        "dangerously" + "Set",
    ]
    hits = _found("|".join(ways) + r"|\beval\(|new Function\(", inside="cti/web/static/")
    assert [hit for hit in hits if "/vendor/" not in hit] == []


def test_time_is_an_argument_of_pure_code() -> None:
    """The pure core never asks what time it is, under whatever name."""
    clock = re.compile(r"\b(wall_clock|monotonic|perf_counter|datetime\.now|time\.time)\b")
    pure = [(n, t) for n, t in _modules(*PACKAGES) if n.startswith(("cti/calls/", "cti/board/")) or "(pure)" in t[:300]]
    assert pure
    assert [name for name, text in pure if clock.search(text)] == []


@pytest.mark.parametrize("name", ["Manager", "Helper", "Util", "Utils", "Data", "Info", "Misc"])
def test_no_class_has_a_name_that_says_nothing(name: str) -> None:
    """Own things are named for what they are."""
    assert _found(rf"^class (\w*{name})\b", inside="cti/") + _found(rf"^class (\w*{name})\b", inside="crm_") == []
