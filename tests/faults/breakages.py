"""The breakages: what each spoils in the program, and the test that must turn red for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Breakage:
    """One planted error."""

    fault: str
    "Number in the catalogue of faults."
    breaks: str
    "What the broken build does, in a sentence."
    plant: Callable[[], None]
    tests: tuple[str, ...]
    "Tests of which at least one must fail."
    says: str
    "What (a regular expression) the failure says, so that a test that fails for another reason is no proof."
    cheap: bool = True
    "Under half a minute: run by `make test-long`; the others by `make soak`."


BREAKAGES: dict[str, Breakage] = {}
