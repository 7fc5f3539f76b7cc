"""Headline figures: what was measured, over how many tries, against which goal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

STUCK_S = 5.0
"A machine may stand still for a second or two, and nothing is stuck for that."


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    tries: int
    measured: str
    goal: str
    met: bool
    hangs: bool = False
    "Took more than five times what it should, and more than a machine may stand still: not slow but stuck."

    def __str__(self) -> str:
        """As it is printed."""
        verdict = "met   " if self.met else "MISSED"
        return f"{verdict} {self.name:58} {self.measured:>26}   goal {self.goal:18} {self.tries:5} tries"


def percentile(times: Sequence[float], percent: float) -> float:
    """By the nearest rank: of fewer than a hundred, the 99th is the worst. 0 of none."""
    ordered = sorted(times)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else 0.0


def timed(name: str, times: Sequence[float], goal_s: float, *, unit: str = "s") -> Figure:
    """A time that the 99th percentile must keep."""
    scale = 1000 if unit == "ms" else 1
    p50, p99 = (percentile(times, percent) * scale for percent in (50, 99))
    worst = max(times, default=math.inf) * scale
    digits = 0 if unit == "ms" else 2
    return Figure(
        name,
        len(times),
        f"p50 {p50:.{digits}f} p99 {p99:.{digits}f} max {worst:.{digits}f} {unit}",
        f"p99 <= {goal_s * scale:g} {unit}",
        bool(times) and p99 <= goal_s * scale,
        not times or max(times) > max(5 * goal_s, STUCK_S),
    )


def none_of(name: str, tries: int, wrong: Iterable[str]) -> Figure:
    """Something that must never happen; the first few of what did are printed below the table's line."""
    found = list(wrong)
    measured = "0" if not found else f"{len(found)}: {found[0]}"
    return Figure(name, tries, measured, "0", tries > 0 and not found)
