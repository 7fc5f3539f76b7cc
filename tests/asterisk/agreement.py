"""Whether what the service stored agrees with the PBX's own books, told by a tally that shares no code with it.

Counts come from queue_log line by line, waits from the channel event log; ours are read from the database by SQL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.asterisk.daemon_process import DaemonProcess
from tests.asterisk.pbx import RealAsterisk
from tests.asterisk.truth import TrueCall, read_books, truth_of

_ENDS = {
    "CONNECT": "answered",
    "ABANDON": "abandoned",
    "EXITWITHTIMEOUT": "timeout",
    "EXITEMPTY": "empty",
    "EXITWITHKEY": "key",
    "WITHDRAW": "withdrawn",
}
EXACT_S = 0.1
WHOLE_S = 1.1
"""Where there were cuts: what is filled in from queue_log afterwards has whole seconds, and a machine that starts the
daemon anew has Asterisk's two books apart by more than EXACT_S."""
EDGE_S = 1.0
"A call this near to a hole's end may be marked or not."

Key = tuple[str, str, str]
"(queue, agent, outcome)"


@dataclass(frozen=True)
class StoredVisit:
    """A row of ours."""

    call: str
    queue: str
    outcome: str
    agent: str
    joined_at: float | None
    wait_s: float | None


@dataclass(frozen=True)
class Stored:
    """What the service has in its database."""

    visits: list[StoredVisit]
    calls: dict[str, tuple[str | None, bool, bool]]
    "{id: (direction, marked, still open)}"
    filled: set[str]
    "Calls marked as completed from queue_log."
    counted: Counter[Key] = field(default_factory=Counter)
    "What the reports count."


def stored(daemon: DaemonProcess) -> Stored:
    """Read it."""
    visits = daemon.ask(
        "SELECT call_id, queue, outcome, coalesce(agent, ''), joined_at, wait_s FROM call_visit ORDER BY call_id, n"
    )
    calls = daemon.ask("SELECT id, direction, gap, ended_at IS NULL FROM call")
    facts = daemon.ask("SELECT queue, agent, outcome FROM history_fact WHERE kind IN (0, 1) AND outcome != 'unqueued'")
    return Stored(
        visits=[StoredVisit(*row) for row in visits],  # type: ignore[arg-type]
        calls={str(id): (None if way is None else str(way), bool(gap), bool(alive)) for id, way, gap, alive in calls},
        filled={str(row[0]) for row in daemon.ask("SELECT call_id FROM call_backfill")},
        counted=Counter((str(q), str(a), str(o)) for q, a, o in facts),
    )


@dataclass(frozen=True)
class Books:
    """What the PBX wrote."""

    tally: Counter[Key]
    calls: list[TrueCall]
    shown: dict[str, set[str]]
    "{Uniqueid: verbs}"


def books_of(pbx: RealAsterisk) -> Books:
    """Read both books."""
    queue_log, cel = pbx.books()
    tally: Counter[Key] = Counter()
    shown: dict[str, set[str]] = {}
    for line in queue_log.splitlines():
        cells = line.split("|")
        if len(cells) < 5:
            continue
        shown.setdefault(cells[1], set()).add(cells[4])
        if cells[4] in _ENDS:
            tally[cells[2], cells[3] if cells[4] == "CONNECT" else "", _ENDS[cells[4]]] += 1
    return Books(tally, truth_of(*read_books(queue_log, cel), pbx.site.names.trunk), shown)


def disagreements(books: Books, ours: Stored, holes: Sequence[tuple[float, float]]) -> list[str]:
    """Every point on which the two do not agree, a sentence each. `holes`: when the service did not see the PBX."""
    wrong: list[str] = []
    for what, told in (
        ("stored", Counter((v.queue, v.agent if v.outcome == "answered" else "", v.outcome) for v in ours.visits)),
        ("reported", ours.counted),
    ):
        for key in sorted(set(told) | set(books.tally)):
            if told[key] != books.tally[key]:
                wrong.append(f"{what} {key}: {told[key]}, queue_log {books.tally[key]}")
    inbound = {call.id for call in books.calls if call.direction == "inbound"}
    kept = {id for id, (way, _, _) in ours.calls.items() if way in ("inbound", None)}
    wrong += [f"{id}: missing" for id in sorted(inbound - kept) if "ENTERQUEUE" in books.shown.get(id, ())]
    wrong += [f"{id}: never happened" for id in sorted(kept - inbound)]
    wrong += [f"{id}: still open" for id, (_, _, alive) in ours.calls.items() if alive]
    by_call: dict[str, list[StoredVisit]] = {}
    for visit in ours.visits:
        by_call.setdefault(visit.call, []).append(visit)
    for call in books.calls:
        if call.direction == "inbound" and call.id in ours.calls:
            wrong += [f"{call.id}: {text}" for text in _call(call, by_call.get(call.id, []), ours, holes)]
    return wrong


def _call(
    call: TrueCall, visits: Sequence[StoredVisit], ours: Stored, holes: Sequence[tuple[float, float]]
) -> list[str]:
    wrong: list[str] = []
    _, marked, _ = ours.calls[call.id]
    end = call.ended_at if call.ended_at is not None else float("inf")
    near = [hole for hole in holes if call.started_at < hole[1] + EDGE_S and end > hole[0] - EDGE_S]
    inside = [hole for hole in holes if call.started_at < hole[1] - EDGE_S and end > hole[0] + EDGE_S]
    if (inside and not marked) or (marked and not near):
        wrong.append(f"marked {marked}, begun {call.started_at:.3f}, ended {end:.3f}, holes {holes}")
    if call.id in ours.filled and not marked:
        wrong.append("filled in and not marked")
    if len(visits) != len(call.visits):
        wrong.append(f"{len(visits)} visits, were {len(call.visits)}")
    for was, visit in zip(call.visits, visits, strict=False):
        if (visit.queue, visit.outcome) != (was.queue, was.outcome):
            wrong.append(f"{visit.queue} {visit.outcome}, was {was.queue} {was.outcome}")
        if (visit.agent or None) != was.agent:
            wrong.append(f"agent {visit.agent}, was {was.agent}")
        if was.wait_s is None:
            continue
        allowed = WHOLE_S if holes else EXACT_S
        least = was.wait_s if was.least_s is None else was.least_s
        if visit.wait_s is None or not least - allowed <= visit.wait_s <= was.wait_s + allowed:
            wrong.append(f"waited {visit.wait_s}, were {was.wait_s:.3f}")
    return wrong
