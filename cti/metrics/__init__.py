"""What those who watch the service are told in numbers: Prometheus' text (0.0.4) of the metrics in `catalogue`. Pure.

A metric that does not stand there is not shown. Labels are the program's own words or names from the settings, so that
nothing a caller can choose makes a new series; should one slip in, each metric has at most MOST_SERIES, and what comes
beyond them is summed up as "other".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import msgspec

from cti.metrics.catalogue import CATALOGUE, Metric

MOST_SERIES: Final = 200
"Series of one metric: a site's queues and PBXs are far fewer."
MOST_LABEL: Final = 80
"Characters of a label's value."
OTHER: Final = "other"


class Sample(msgspec.Struct, frozen=True):
    """One series now; `values` stand for the metric's labels, in their order."""

    name: str
    value: float
    values: tuple[str, ...] = ()


Source = Callable[[], Iterable[Sample]]

_BY_NAME: Final = {metric.name: metric for metric in CATALOGUE}


class Histogram(msgspec.Struct, frozen=True):
    """Counts below each bound, and beyond the last: `counts` is one longer than `bounds`."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]


def exposition(
    samples: Iterable[Sample], histogram: Histogram | None = None, unknown: Callable[[str], None] = lambda name: None
) -> str:
    """Prometheus' text. `unknown` is told names that do not stand in the catalogue, or not with these labels."""
    series: dict[str, dict[tuple[str, ...], float]] = {}
    for sample in samples:
        metric = _BY_NAME.get(sample.name)
        if metric is None or len(metric.labels) != len(sample.values):
            unknown(sample.name)
            continue
        family = series.setdefault(metric.name, {})
        values = tuple(value[:MOST_LABEL] for value in sample.values)
        if values not in family and len(family) >= MOST_SERIES:
            values = (OTHER,) * len(values)
            family[values] = family.get(values, 0.0) + sample.value
        else:
            family[values] = sample.value
    lines: list[str] = []
    for metric in CATALOGUE:
        if metric.kind == "histogram":
            lines += _histogram(metric, histogram) if histogram is not None else ()
        elif metric.name in series:
            lines += _family(metric, series[metric.name])
    return "\n".join(lines) + "\n"


def _family(metric: Metric, series: Mapping[tuple[str, ...], float]) -> Iterator[str]:
    yield f"# HELP {metric.full} {_escaped(metric.text_en)}"
    yield f"# TYPE {metric.full} {metric.kind}"
    for values, value in sorted(series.items()):
        labels = ",".join(f'{name}="{_label(one)}"' for name, one in zip(metric.labels, values, strict=True))
        yield f"{metric.full}{{{labels}}} {_number(value)}" if labels else f"{metric.full} {_number(value)}"


def _histogram(metric: Metric, histogram: Histogram) -> Iterator[str]:
    yield f"# HELP {metric.full} {_escaped(metric.text_en)}"
    yield f"# TYPE {metric.full} histogram"
    total = 0
    for bound, count in zip((*map(str, histogram.bounds), "+Inf"), histogram.counts, strict=True):
        total += count
        yield f'{metric.full}_bucket{{le="{bound}"}} {total}'
    yield f"{metric.full}_count {total}"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "NaN"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.12g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _label(text: str) -> str:
    """A label's value: one line, and no control characters."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return shown.replace("\\", "\\\\").replace('"', '\\"')
