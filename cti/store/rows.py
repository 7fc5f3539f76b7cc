"""What the store hands out, and how a call's document is taken apart into rows and put together again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from crm_bridge import sql
from crm_bridge.numbers import Site, canonical
from cti.calls import record
from cti.events import Direction


class CallRow(msgspec.Struct, frozen=True, kw_only=True):
    """A call as lists show it; times are epoch seconds on the PBX's clock."""

    id: str
    at: float
    "When it began."
    direction: Direction | None
    outcome: str
    "Of record.Visit, or unanswered: nobody talked and no queue was entered."
    caller: str | None
    dialed: str | None
    queue: str | None
    "The queue that answered, else the last one."
    wait_s: float | None
    "From the first queue entry to the answer or the end of waiting."
    talk_s: float
    "How long the caller talked with anybody, hold included."
    agent: str | None
    "Who answered first: the agent's name, else the phone."
    note: str | None
    "The last note written during the call."
    ended: bool
    gap: bool
    "The link was down during the call: what is said of it may be incomplete."


class CallNote(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's note about a call."""

    call: str
    user: str
    text: str
    version: int
    saved_at: float


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody typed for a call and has not saved: JSON text as it came."""

    call: str
    payload: str
    saved_at: float


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what, when."""

    at: float
    user: str
    action: str
    subject: str
    detail: str


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The derived columns of a call."""

    outcome: str
    queue: str | None
    wait_s: float | None
    talk_s: float
    agent: str | None


def summary(call: record.Call) -> Summary:
    """What a list shows of a call, derived from its document alone.

    The wait runs from the first entry of the chain of unanswered visits that ended in the answer (or in nothing), as
    the 13-second clock does; overlapping talks of several phones count once.
    """
    answered = next((visit for visit in call.visits if visit.outcome == "answered"), None)
    told = answered or (call.visits[-1] if call.visits else None)
    talks = sorted(call.talks, key=lambda talk: talk.from_)
    first = next((talk.agent or talk.interface for talk in talks), None)
    wait: float | None = None
    if told is not None:
        began = call.visits[0].joined_at
        ended = told.answered_at if answered else told.left_at
        wait = told.wait_s if told is call.visits[0] else None
        if wait is None and began is not None and ended is not None:
            wait = max(0.0, ended - began)
    if told is not None:
        outcome: str = told.outcome
    else:
        outcome = "answered" if talks else "unanswered"
    return Summary(
        outcome=outcome,
        queue=told.queue if told else None,
        wait_s=wait,
        talk_s=_covered(talks, call.ended_at),
        agent=(answered.agent or answered.interface if answered else None) or first,
    )


def _covered(talks: Sequence[record.Talk], ended_at: float | None) -> float:
    total, until = 0.0, float("-inf")
    for talk in talks:
        end = talk.to if talk.to is not None else ended_at
        if end is None:
            continue
        start = max(talk.from_, until)
        total += max(0.0, end - start)
        until = max(until, end)
    return total


_Rows = dict[str, list[dict[str, Any]]]
PARTS = ("refused", "visit", "missed", "talk", "transfer")
"The tables a call's parts go to, by name in `tables`."


def take_apart(calls: Iterable[record.Call], pbx: str, site: Site) -> tuple[list[dict[str, Any]], _Rows]:
    """Rows of `call`, and of the tables of its parts."""
    heads: list[dict[str, Any]] = []
    parts: _Rows = {name: [] for name in PARTS}
    for call in calls:
        told = summary(call)
        heads.append(
            {
                "id": call.id,
                "pbx": pbx,
                "direction": call.direction,
                "caller": call.caller and sql.clean(call.caller, 120),
                "caller_key": canonical(call.caller, site).key,
                "dialed": call.dialed and sql.clean(call.dialed, 120),
                "dialed_key": canonical(call.dialed, site).key,
                "started_at": call.started_at,
                "ended_at": call.ended_at,
                "partial": call.partial,
                "gap": call.gap,
                **msgspec.structs.asdict(told),
            }
        )
        own = {"call_id": call.id}
        for n, item in enumerate(call.refused):
            parts["refused"].append({**own, "n": n, **msgspec.structs.asdict(item)})
        for n, visit in enumerate(call.visits):
            row = msgspec.structs.asdict(visit)
            for m, ring in enumerate(row.pop("missed")):
                parts["missed"].append({**own, "visit_n": n, "n": m, **msgspec.structs.asdict(ring)})
            parts["visit"].append({**own, "n": n, **row})
        for n, talk in enumerate(call.talks):
            parts["talk"].append(
                {
                    **own,
                    "n": n,
                    "interface": talk.interface,
                    "agent": talk.agent,
                    "started_at": talk.from_,
                    "ended_at": talk.to,
                }
            )
        for n, sent in enumerate(call.transfers):
            parts["transfer"].append({**own, "n": n, **msgspec.structs.asdict(sent)})
    return heads, parts


def put_together(heads: Iterable[Any], parts: dict[str, list[Any]]) -> list[record.Call]:
    """The documents again, in the order of the heads; `parts` in order of their keys."""
    of: dict[str, dict[str, list[Any]]] = {}
    for name, rows in parts.items():
        for row in rows:
            of.setdefault(row.call_id, {}).setdefault(name, []).append(row)
    calls: list[record.Call] = []
    for head in heads:
        own = of.get(head.id, {})
        rings: dict[int, list[record.Missed]] = {}
        for row in own.get("missed", ()):
            rings.setdefault(row.visit_n, []).append(
                record.Missed(agent=row.agent, interface=row.interface, ring_s=row.ring_s)
            )
        calls.append(
            record.Call(
                id=head.id,
                direction=head.direction,
                caller=head.caller,
                dialed=head.dialed,
                started_at=head.started_at,
                ended_at=head.ended_at,
                refused=tuple(
                    record.Refused(queue=row.queue, reason=row.reason, at=row.at) for row in own.get("refused", ())
                ),
                visits=tuple(
                    record.Visit(
                        queue=row.queue,
                        joined_at=row.joined_at,
                        left_at=row.left_at,
                        outcome=row.outcome,
                        answered_at=row.answered_at,
                        wait_s=row.wait_s,
                        agent=row.agent,
                        interface=row.interface,
                        missed=tuple(rings.get(row.n, ())),
                    )
                    for row in own.get("visit", ())
                ),
                talks=tuple(
                    record.Talk(interface=row.interface, agent=row.agent, from_=row.started_at, to=row.ended_at)
                    for row in own.get("talk", ())
                ),
                transfers=tuple(
                    record.Transfer(kind=row.kind, by=row.by, to=row.to, at=row.at) for row in own.get("transfer", ())
                ),
                partial=head.partial,
                gap=head.gap,
            )
        )
    return calls
