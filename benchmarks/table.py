"""Figures with their goals, and how rivals are measured in turns."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the table. `goal` and `better` are None where a figure is for orientation only."""

    name: str
    value: float
    unit: str = ""
    goal: float | None = None
    better: str = "less"
    "less or more"
    moonshot: float | None = None

    def verdict(self) -> str:
        """How the value stands to its goal."""
        if self.goal is None:
            return ""
        if self.moonshot is not None and self._within(self.moonshot):
            return "moonshot"
        return "met" if self._within(self.goal) else "missed"

    def _within(self, limit: float) -> bool:
        return self.value <= limit if self.better == "less" else self.value >= limit


def in_turns(rivals: Mapping[str, Callable[[], object]], rounds: int = 5) -> dict[str, float]:
    """Median CPU seconds of each rival; every round runs each of them once, so that a busy hour hits all alike."""
    taken: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, run in rivals.items():
            gc.collect()
            gc.disable()
            start = time.process_time()
            run()
            taken[name].append(time.process_time() - start)
            gc.enable()
    return {name: statistics.median(times) for name, times in taken.items()}


def show(title: str, figures: list[Figure]) -> None:
    """Prints a block of the table."""
    print(f"\n{title}")
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        sign = "≤" if figure.better == "less" else "≥"
        goal = "" if figure.goal is None else f"goal {sign} {_number(figure.goal)}"
        print(f"  {figure.name:<{width}}  {_number(figure.value):>10} {figure.unit:<10} {goal:<16} {figure.verdict()}")


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 10 else f"{value:.1f}"
