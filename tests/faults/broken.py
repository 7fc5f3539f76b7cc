"""Broken builds: the real program with one thing in it spoilt before it starts, so that a fault test must turn red.

    python -m tests.faults.broken                       lists them
    python -m tests.faults.broken NAME run --config F   starts `cti run` with that breakage
    python -m tests.faults.broken NAME                  runs the test that must notice; ends with 0 where it did
    python -m tests.faults.broken --costly              does that for all that are too long for `make test-long`

The last spoils the test's own process and, by the variable `THIRTEEN_BROKEN`, every `cti` that the test starts as a
process of its own (`program()`): no fault test knows anything of breakages.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import tests.faults.breakages_link
import tests.faults.breakages_push
import tests.faults.breakages_relay
import tests.faults.breakages_resources
import tests.faults.breakages_store  # noqa: F401 - each registers what it knows
from tests.faults.breakages import BREAKAGES, Breakage

VARIABLE = "THIRTEEN_BROKEN"
MODULE = "tests.faults.broken"
ROOT = Path(__file__).resolve().parents[2]
GUARD_S = 600.0


def program() -> list[str]:
    """What starts `cti` in a process of its own, to be followed by its arguments."""
    name = os.environ.get(VARIABLE)
    return [sys.executable, "-X", "faulthandler", *(["-m", "cti"] if not name else ["-m", MODULE, name])]


def notices(name: str) -> str:
    """Runs the breakage's test; '' where it turned red for the right reason, else what happened instead."""
    breakage = BREAKAGES[name]
    done = subprocess.run(
        [sys.executable, "-m", MODULE, name, "--in-here"],
        cwd=ROOT,
        env={**os.environ, VARIABLE: name},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=GUARD_S,
    )
    said = done.stdout
    if " skipped" in said and done.returncode == 0:
        return "skipped"
    if done.returncode != 1:
        return f"the test did not turn red ({done.returncode}):\n{said[-3000:]}"
    if not re.search(breakage.says, said):
        return f"red, but not for {breakage.says!r}:\n{said[-6000:]}"
    return ""


def _in_here(breakage: Breakage) -> int:
    import pytest

    breakage.plant()
    return int(pytest.main(["-q", "-p", "no:cacheprovider", "--tb=short", *breakage.tests]))


def main(words: list[str]) -> int:
    """The command line."""
    if not words:
        for name, breakage in sorted(BREAKAGES.items(), key=lambda one: (int(one[1].fault[1:]), one[0])):
            print(f"{breakage.fault:4} {name:32} {breakage.breaks}")
            for test in breakage.tests:
                print(f"     {'':32} red: {test}")
        return 0
    if words == ["--costly"]:
        return max([main([name]) for name, breakage in BREAKAGES.items() if not breakage.cheap], default=0)
    name, *rest = words
    if name not in BREAKAGES:
        print(f"{name} is none of {', '.join(sorted(BREAKAGES))}", file=sys.stderr)
        return 2
    if rest == ["--in-here"]:
        return _in_here(BREAKAGES[name])
    if not rest:
        told = notices(name)
        print(told or f"{name}: noticed by {', '.join(BREAKAGES[name].tests)}")
        return 1 if told else 0
    from cti.cli import main as cti

    BREAKAGES[name].plant()
    return cti(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
