"""How the service is: readiness with its reasons, and counters in Prometheus' text format.

Labels come from the program or from configured names only: nothing that a caller can choose makes a new series.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from cti.floor import DELAYS_S, Floor

PREFIX: Final = "thirteen"


class Watch:
    """Implements `cti.web.ports.Condition`."""

    def __init__(
        self,
        floor: Floor,
        *,
        store_ok: Callable[[], bool],
        gauges: Callable[[], Mapping[str, float]],
        counters: Callable[[], Mapping[str, Mapping[str, int]]],
        queues: tuple[str, ...],
    ) -> None:
        """`gauges` is {name: value}; `counters` is {name: {kind: count}}; `queues` are the configured ones."""
        self._floor = floor
        self._store_ok = store_ok
        self._gauges = gauges
        self._counters = counters
        self._queues = queues

    def ready(self) -> list[str]:
        """Why it is not ready: the PBX is not live, or the store does not work. The CRM is no reason: pops go on."""
        reasons = []
        link = self._floor.link
        if link.state != "live":
            reasons.append(f"pbx {link.state}: {link.text_en} / {link.text}")
        if not self._store_ok():
            reasons.append("store: it does not take what is to be written / 数据库写不进去")
        return reasons

    def metrics(self) -> str:
        """All counters and gauges, one a line."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from _gauge("ready", "1 when calls can be shown", float(not self.ready()))
        for name, value in sorted(self._gauges().items()):
            yield from _gauge(name, "", value)
        for name, kinds in sorted(self._counters().items()):
            yield f"# TYPE {PREFIX}_{name}_total counter"
            for kind, count in sorted(kinds.items()):
                yield f'{PREFIX}_{name}_total{{kind="{_label(kind)}"}} {count}'
        board = self._floor.board.snapshot()
        yield f"# TYPE {PREFIX}_waiting gauge"
        for name in self._queues:
            queue = board.queues.get(name)
            if queue is not None:
                yield f'{PREFIX}_waiting{{queue="{_label(name)}"}} {queue.waiting}'
        yield f"# HELP {PREFIX}_ring_to_pop_seconds From the ring to the pop drawn at a page"
        yield f"# TYPE {PREFIX}_ring_to_pop_seconds histogram"
        total = 0
        for bound, count in zip((*map(str, DELAYS_S), "+Inf"), self._floor.delays, strict=True):
            total += count
            yield f'{PREFIX}_ring_to_pop_seconds_bucket{{le="{bound}"}} {total}'
        yield f"{PREFIX}_ring_to_pop_seconds_count {total}"


def _gauge(name: str, text: str, value: float) -> Iterator[str]:
    if text:
        yield f"# HELP {PREFIX}_{name} {text}"
    yield f"# TYPE {PREFIX}_{name} gauge"
    yield f"{PREFIX}_{name} {value:g}"


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
