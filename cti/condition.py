"""How the service is: readiness with its reasons, and its figures for Prometheus.

Labels come from the program or from configured names only: nothing that a caller can choose makes a new series.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from cti.floor import DELAYS_S, Floor
from cti.metrics import Histogram, Sample, Source, exposition

log = logging.getLogger(__name__)

_NAMES: Final = {"journal": "board_journal"}
"Counters whose word in the program says too little outside."


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
        sources: Sequence[Source] = (),
        standing_by: Callable[[], Sequence[str]] = tuple,
        version: str = "",
    ) -> None:
        """`gauges` is {name: value}; `counters` is {name: {kind: count}}; `queues` are the configured ones.

        `sources` give more samples; `standing_by` names the PBXs that another node leads.
        """
        self._floor = floor
        self._store_ok = store_ok
        self._gauges = gauges
        self._counters = counters
        self._queues = queues
        self._sources = sources
        self._standing_by = standing_by
        self._version = version
        self._unknown: set[str] = set()

    def ready(self) -> list[str]:
        """Why it is not ready: the PBX is not live, or the store does not work. The CRM is no reason: pops go on."""
        reasons = []
        link = self._floor.link
        if link.state != "live":
            reasons.append(f"pbx {link.state}: {link.text_en} / {link.text}")
        if not self._store_ok():
            reasons.append("store: it does not take what is to be written / 数据库写不进去")
        return reasons

    def notes(self) -> list[str]:
        """What is to be known of a node that is ready: that another one writes and acts for some PBX."""
        return [
            f"standing by for {name}: another node writes and acts for it, this one serves pages and takes over"
            f" / {name} 由另一台主机负责写入，本机提供页面并随时接替"
            for name in self._standing_by()
        ]

    def metrics(self) -> str:
        """All figures in Prometheus' text format."""
        floor = self._floor
        return exposition(self._samples(), Histogram(DELAYS_S, tuple(floor.delays)), self._unknown_name)

    def _samples(self) -> Iterator[Sample]:
        yield Sample("ready", float(not self.ready()))
        yield Sample("build_info", 1.0, (self._version,))
        for name, value in self._gauges().items():
            yield Sample(name, value)
        for name, kinds in self._counters().items():
            for kind, count in kinds.items():
                yield Sample(f"{_NAMES.get(name, name)}_total", float(count), (kind,))
        board = self._floor.board.snapshot()
        for name in self._queues:
            queue = board.queues.get(name)
            if queue is not None:
                yield Sample("waiting", float(queue.waiting), (name,))
        for source in self._sources:
            yield from source()

    def _unknown_name(self, name: str) -> None:
        if name not in self._unknown and len(self._unknown) < 100:
            self._unknown.add(name)
            log.error("the metric %s does not stand in the catalogue", name)


class _Link(Protocol):
    """An AMI link, as far as it is counted."""

    def counters(self) -> Mapping[str, int]: ...


class _Journal(Protocol):
    """How the journal of a writer stands."""

    @property
    def bytes(self) -> int: ...
    @property
    def oldest_s(self) -> float: ...
    @property
    def ok(self) -> bool: ...
    @property
    def journalled(self) -> int: ...
    @property
    def replayed(self) -> int: ...
    @property
    def spoilt(self) -> int: ...
    @property
    def lost(self) -> int: ...
    @property
    def failures(self) -> int: ...


class _Writer(Protocol):
    """What writes one PBX's calls."""

    @property
    def backlog(self) -> int: ...
    @property
    def journal(self) -> _Journal: ...


def of_pbx(
    name: str, *, live: bool, leads: bool, epoch: int, link: _Link | None, writer: _Writer | None
) -> Iterator[Sample]:
    """Figures of one PBX on this node; `link` and `writer` are None where this node does not follow it."""
    yield Sample("pbx_live", float(live), (name,))
    yield Sample("pbx_leader", float(leads), (name,))
    yield Sample("pbx_epoch", float(epoch), (name,))
    if link is not None:
        counted = link.counters()
        yield Sample("pbx_reconnects_total", float(counted.get("lost", 0)), (name,))
        yield Sample("pbx_audit_corrections_total", float(counted.get("audit_corrections", 0)), (name,))
    if writer is not None:
        journal = writer.journal
        yield Sample("pbx_backlog", float(writer.backlog), (name,))
        yield Sample("journal_bytes", float(journal.bytes), (name,))
        yield Sample("journal_age_seconds", journal.oldest_s, (name,))
        yield Sample("journal_ok", float(journal.ok), (name,))
        for kind in ("journalled", "replayed", "spoilt", "lost", "failures"):
            yield Sample("journal_total", float(getattr(journal, kind)), (name, kind))


def of_doors(doors: Mapping[str, object]) -> Iterable[Sample]:
    """Connections that were closed for want of files; `doors` is {listener: its `Doorway`}."""
    return [Sample("connections_shed_total", float(getattr(door, "shed", 0)), (name,)) for name, door in doors.items()]


def of_closes(closed: Mapping[int, int]) -> Iterable[Sample]:
    """Push connections that the service closed; `closed` is {code: how many}."""
    return [Sample("push_closed_total", float(count), (str(code),)) for code, count in closed.items()]
