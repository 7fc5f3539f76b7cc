"""The service's call documents against what really happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cti.calls import record
from tests.asterisk.truth import TrueCall, TrueTalk, TrueVisit, joined_stretches


def differences(
    truth: Sequence[TrueCall],
    calls: Sequence[record.Call],
    *,
    wait: float = 0.1,
    gap: tuple[float, float] | None = None,
) -> list[str]:
    """What in the service's call documents is not as it was; empty when all is right. One sentence a difference.

    `wait` is the tolerance of waits in seconds; ends of talks and calls have 0.2 s more, and where the books have whole
    seconds only, one second is added. `gap` is when the service's link was down. A call that it marks as touched by
    the gap may say `unknown`, be off by whole seconds, and have ended any time in the gap; what it says must still
    not be wrong. Only a call that came and went inside the gap may be missing.
    """
    return list(_differences(truth, calls, wait, gap))


def _differences(
    truth: Sequence[TrueCall], calls: Sequence[record.Call], wait: float, gap: tuple[float, float] | None
) -> Iterator[str]:
    left = list(calls)
    taken: list[tuple[TrueCall, record.Call]] = []
    known = {true.id for true in truth}
    for true in truth:
        # by its key; a call whose first channel the service did not see, by who called when
        close = [c for c in left if c.id == true.id] or [
            c for c in left if c.id not in known and _same_call(true, c, gap is not None)
        ]
        if not close:
            unseen = gap and true.ended_at and gap[0] < true.started_at and true.ended_at < gap[1]
            if true.direction == "inbound" and not unseen:
                yield f"{_name(true)}: missing"
            continue
        call = min(close, key=lambda c: abs((c.started_at or 0) - true.started_at))
        left.remove(call)
        taken.append((true, call))
    for call in left:
        twin = next((t for t in truth if _same_call(t, call, gap is not None)), None)
        yield f"{_name(twin)}: there twice" if twin else f"{call.caller} -> {call.dialed}: never happened"
    for true, call in taken:
        for difference in _in_call(true, call, wait, gap if call.gap else None):
            yield f"{_name(true)}: {difference}"


def _name(call: TrueCall | None) -> str:
    return f"{call.caller} -> {call.dialed} at {call.started_at:.3f}" if call else "?"


def _same_call(true: TrueCall, call: record.Call, gap: bool) -> bool:
    if call.id == true.id:
        return True
    if call.started_at is None:
        return gap and (call.caller or "") == _shown(true.caller)
    # after a gap the start of a call is known to the second only
    return abs(call.started_at - true.started_at) < (2.0 if gap else 0.2) and (call.caller or "") == _shown(true.caller)


def _shown(number: str) -> str:
    return "" if number.lower() in {"anonymous", "<unknown>", "unknown"} else number


def _in_call(true: TrueCall, call: record.Call, wait: float, hole: tuple[float, float] | None) -> Iterator[str]:
    gap = hole is not None
    slack = wait + 1.0 if gap else wait
    if call.direction != true.direction and not (gap and call.direction is None):
        yield f"direction {call.direction}, was {true.direction}"
    if true.direction != "inbound":
        return  # its visits and talks stand with the caller's call, or are nobody's
    if (call.dialed or "") != true.dialed and not (gap and call.dialed is None):
        yield f"dialled {call.dialed}, was {true.dialed}"
    if true.ended_at is None and call.ended_at is None:
        pass
    elif call.ended_at is None:
        yield "still open"
    elif true.ended_at is not None and not (
        -slack - 0.2 <= call.ended_at - true.ended_at <= slack + 0.2
        or (hole and hole[0] < true.ended_at < hole[1] and true.ended_at < call.ended_at < hole[1] + slack)
    ):
        yield f"ended {call.ended_at - true.ended_at:+.3f} s off"
    if sorted(r.queue for r in call.refused) != sorted(true.refused) and not gap:
        yield f"refused by {[r.queue for r in call.refused]}, was {true.refused}"
    if len(call.visits) != len(true.visits):
        yield f"{len(call.visits)} visits, were {len(true.visits)}"
    for true_visit, visit in zip(true.visits, call.visits, strict=False):
        for difference in _in_visit(true_visit, visit, slack, gap):
            yield f"visit of {true_visit.queue}: {difference}"
    yield from _in_talks(true, call, slack + 0.2, gap)
    yield from _in_transfers(true, call, gap)


def _in_visit(true: TrueVisit, visit: record.Visit, slack: float, gap: bool) -> Iterator[str]:
    if visit.queue != true.queue:
        yield f"in queue {visit.queue}"
    if visit.outcome != true.outcome and not (gap and visit.outcome == "unknown"):
        yield f"{visit.outcome}, was {true.outcome}"
    if true.wait_s is not None and not (gap and visit.wait_s is None):
        allowed = slack + (0.0 if true.exact else 1.0)
        least = true.wait_s if true.least_s is None else true.least_s
        if visit.wait_s is None or not least - allowed <= visit.wait_s <= true.wait_s + allowed:
            yield f"waited {visit.wait_s}, were {true.wait_s:.3f} s"
    if visit.agent != true.agent and not (gap and visit.agent is None):
        yield f"agent {visit.agent}, was {true.agent}"
    if true.interface is not None and visit.interface != true.interface and not (gap and visit.interface is None):
        yield f"phone {visit.interface}, was {true.interface}"
    missed, rung = sorted(m.agent or "" for m in visit.missed), sorted(agent for agent, _ in true.missed)
    if missed != rung and not gap:
        yield f"missed by {missed}, were {rung}"
    elif not gap:
        ours = sorted((m.agent or "", m.ring_s) for m in visit.missed)
        for (agent, ring_s), (_, said) in zip(ours, sorted(true.missed), strict=True):
            if abs(ring_s - said) > 1.1:  # the books have whole seconds
                yield f"rang {ring_s} s at {agent}, were {said}"


def _in_talks(true: TrueCall, call: record.Call, slack: float, gap: bool) -> Iterator[str]:
    ours = joined_stretches(TrueTalk(interface=t.interface, from_=t.from_, to=t.to) for t in call.talks)
    if gap:
        extra = {t.interface for t in ours} - {t.interface for t in true.talks}
        if extra:
            yield f"talked to {sorted(extra)}, who never did"
        return
    if [t.interface for t in ours] != [t.interface for t in true.talks]:
        yield f"talked to {[t.interface for t in ours]}, was {[t.interface for t in true.talks]}"
        return
    for talk, was in zip(ours, true.talks, strict=True):
        if abs(talk.from_ - was.from_) > slack:
            yield f"talk of {talk.interface} began {talk.from_ - was.from_:+.3f} s off"
        if was.to is not None and (talk.to is None or abs(talk.to - was.to) > slack):
            yield f"talk of {talk.interface} ended at {talk.to}, was {was.to:.3f}"


def _in_transfers(true: TrueCall, call: record.Call, gap: bool) -> Iterator[str]:
    ours = [(t.kind, t.by, t.to) for t in call.transfers]
    were = [(t.kind, t.by, t.to) for t in true.transfers]
    if gap and len(ours) < len(were):
        return
    if ours != were:
        yield f"transfers {ours}, were {were}"
