"""Parts of an account out of a real run: the PBX's own books, our database, and what a page was sent."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from tests.asterisk.truth import LogLine, read_books, truth_of
from tests.checker.account import Client, Connection, OurCall, OurVisit, Shown, Stream, Tally, TrueCall, TrueVisit

Ask = Callable[[str], list[tuple[Any, ...]]]
"Rows of the service's database for an SQL text without parameters."

ENDS = {
    "CONNECT": "answered",
    "ABANDON": "abandoned",
    "EXITWITHTIMEOUT": "timeout",
    "EXITEMPTY": "empty",
    "EXITWITHKEY": "key",
    "WITHDRAW": "withdrawn",
}


def tally_of(queue_log: str) -> Tally:
    """The log counted line by line."""
    tally: Tally = Counter()
    for line in queue_log.split("\n"):
        cells = line.split("|")
        if len(cells) >= 5 and cells[4] in ENDS:
            tally[cells[2], cells[3] if cells[4] == "CONNECT" else "", ENDS[cells[4]]] += 1
    return tally


def true_calls(queue_log: str, cel: str, trunk: str, pbx: str = "main") -> list[TrueCall]:
    """Calls from outside, by queue_log and the channel event log. `trunk` is the end-point of the outside."""
    log, events = read_books(queue_log, cel)
    talked: dict[str, list[LogLine]] = defaultdict(list)
    for line in log:
        if line.verb in ("COMPLETEAGENT", "COMPLETECALLER"):
            talked[line.unique].append(line)
    return [
        TrueCall(
            id=call.id,
            began=call.started_at,
            ended=call.ended_at,
            visits=[
                TrueVisit(
                    queue=visit.queue,
                    entered=visit.joined_at,
                    outcome=visit.outcome,
                    agent=visit.agent,
                    wait_s=visit.wait_s,
                    least_s=visit.least_s,
                    talk_s=_talk(talked[call.id], visit.queue, visit.agent) if len(call.visits) == 1 else None,
                )
                for visit in call.visits
            ],
            pbx=pbx,
        )
        for call in truth_of(log, events, trunk)
        if call.direction == "inbound"
    ]


def _talk(lines: list[LogLine], queue: str, agent: str | None) -> float | None:
    found = [line for line in lines if (line.queue, line.agent) == (queue, agent) and line.data[1].isdigit()]
    return float(found[0].data[1]) if len(found) == 1 else None


def our_calls(ask: Ask) -> list[OurCall]:
    """Calls from outside (and those of which that is not known) as they are stored, of all PBXs."""
    visits: dict[str, list[OurVisit]] = defaultdict(list)
    interface: dict[tuple[str, int], str] = {}
    for call, n, queue, outcome, agent, joined, wait, phone in ask(
        "SELECT call_id, n, queue, outcome, agent, joined_at, wait_s, interface FROM call_visit ORDER BY call_id, n"
    ):
        visits[call].append(OurVisit(n, queue, outcome, agent or None, joined, wait))
        interface[call, n] = phone or ""
    talks: dict[str, list[tuple[str, float, float | None]]] = defaultdict(list)
    for call, phone, began, ended in ask("SELECT call_id, interface, started_at, ended_at FROM call_talk"):
        talks[call].append((phone, began, ended))
    filled = {row[0] for row in ask("SELECT call_id FROM call_backfill")}
    calls = []
    for id, pbx, began, ended, marked in ask(
        "SELECT id, pbx, started_at, ended_at, gap FROM call WHERE direction = 'inbound' OR direction IS NULL"
    ):
        own = visits[id]
        if len(own) == 1 and not marked:
            lengths = [to - at for phone, at, to in talks[id] if phone == interface[id, own[0].n] and to is not None]
            own[0].talk_s = lengths[0] if len(lengths) == 1 else None
        spans = [(at, to) for _, at, to in talks[id]]
        calls.append(OurCall(id, began, ended, bool(marked), own, spans, pbx, filled=id in filled))
    return calls


def reported_tally(ask: Ask) -> Tally:
    """What the reports count."""
    facts = ask("SELECT queue, agent, outcome FROM history_fact WHERE kind IN (0, 1) AND outcome != 'unqueued'")
    return Counter((str(q), str(a), str(o)) for q, a, o in facts)


class Page:
    """A page of an agent, as far as the checker is concerned: hand it every frame it was sent, in their order.

    It draws a pop the first time it hears of its id, as the page does. `client` and `streams` go into the account.
    """

    def __init__(self, agent: str) -> None:
        """Nothing was sent yet."""
        self.client = Client(agent)
        self.streams: list[Stream] = []
        self._known: set[str] = set()
        self._taken: list[tuple[int, bool]] = []

    def connecting(self, at: float) -> None:
        """It asks for a connection; the one before is gone."""
        self.gone(at)
        self.client.connections.append(Connection(at, None, float("inf"), frozenset()))
        self._taken = []
        self.streams.append(Stream(f"{self.client.agent} {len(self.streams) + 1}", self._taken))

    def gone(self, at: float) -> None:
        """The connection ended."""
        if self.client.connections and self.client.connections[-1].until == float("inf"):
            last = self.client.connections[-1]
            self.client.connections[-1] = Connection(last.at, last.snapshot_at, at, last.pops)

    def sent(self, frame: Mapping[str, Any], at: float) -> None:
        """A frame."""
        kind = frame["type"]
        self._taken.append((frame["seq"], kind == "snapshot"))
        if kind == "snapshot":
            pops = frame["pops"]
            last = self.client.connections[-1]
            if last.snapshot_at is None:
                own = frozenset(str(pop["visit"]) for pop in pops if pop["visit"])
                self.client.connections[-1] = Connection(last.at, at, last.until, own)
            self._link(frame["link"], at)
        elif kind == "link":
            self._link(frame["link"], at)
            return
        else:
            pops = [frame["pop"]] if kind == "pop" else []
        for pop in pops:
            if kind == "snapshot" and pop["state"] == "ended":
                # What a page finds when it comes is a form to be finished, no call. A node that came in the midst of
                # the call, after its ring, has another name for it than the one that the page hung on before.
                self._known.add(pop["id"])
            elif pop["id"] not in self._known and pop["visit"]:
                self._known.add(pop["id"])
                self.client.shown.append(Shown(at, pop["id"], pop["visit"]))

    def _link(self, link: Mapping[str, Any], at: float) -> None:
        stale = link["state"] != "live"
        if not self.client.stale or self.client.stale[-1][1] != stale:
            self.client.stale.append((at, stale))
