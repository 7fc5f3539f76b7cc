"""The slow and obvious way: every figure by walking over the call documents, one question at a time, no sums kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from cti.calls.record import Call, Visit

OUT = {"timeout", "key", "empty", "withdrawn", "redirected"}
Wait = tuple[str, float, str, float | None, str, str, Call, Visit | None]
"(queue, entry, outcome, wait, line, agent, call, visit)"


def ms(seconds: float) -> int:
    """Whole milliseconds."""
    return round(seconds * 1000)


def visits(calls: Iterable[Call]) -> list[Wait]:
    """Each stay in a queue."""
    found: list[Wait] = []
    for call in calls:
        for refusal in call.refused:
            found.append((refusal.queue, refusal.at, "refused", None, call.dialed or "", "", call, None))
        for visit in call.visits:
            waited = None if visit.left_at is None or visit.wait_s is None else visit.left_at - visit.wait_s
            known = (visit.joined_at, waited, call.started_at, visit.left_at, call.ended_at)
            entry = next((t for t in known if t is not None), None)
            if entry is None:
                continue
            outcome: str = visit.outcome
            if outcome == "unknown" and visit.left_at is None and call.ended_at is None:
                outcome = "waiting"
            agent = (visit.agent or visit.interface or "") if outcome == "answered" else ""
            found.append((visit.queue, entry, outcome, visit.wait_s, call.dialed or "", agent, call, visit))
    return found


def callers(calls: Iterable[Call]) -> list[Wait]:
    """Each unbroken chain of unanswered visits as one wait, from its first entry."""
    found: list[Wait] = []
    for call in calls:
        chain: list[Wait] = []
        own = visits([call])
        for wait in own:
            if wait[7] is None:
                found.append(wait)
                continue
            chain.append(wait)
            if wait[2] == "answered":
                found.append(_as_one(chain))
                chain = []
        if chain:
            found.append(_as_one(chain))
    return found


def _as_one(chain: list[Wait]) -> Wait:
    first, last = chain[0], chain[-1]
    wait = last[3]
    if wait is not None and len(chain) > 1:
        wait = (ms(wait) + max(0, ms(last[1]) - ms(first[1]))) / 1000
    return (last[0], first[1], last[2], wait, last[4], last[5], last[6], last[7])


def figures(
    waits: Iterable[Wait], target: Callable[[str, float], float], short: float = 5.0, whole: bool = False
) -> dict[str, object]:
    """The numbers of these waits by counting, with exact shares."""
    waits = list(waits)

    def length(wait: Wait) -> int | None:
        if wait[3] is None:
            return None
        if whole:
            return (ms(wait[1]) + ms(wait[3])) // 1000 * 1000 - ms(wait[1]) // 1000 * 1000
        return ms(wait[3])

    answered = [w for w in waits if w[2] == "answered" and w[3] is not None]
    abandoned = [w for w in waits if w[2] == "abandoned" and w[3] is not None]
    outflow = [w for w in waits if w[2] in OUT]
    waiting = [w for w in waits if w[2] == "waiting"]

    def within(some: list[Wait], limit: Callable[[Wait], float]) -> int:
        return sum(1 for w in some if (length(w) or 0) <= ms(limit(w)))

    def share(part: int, base: int) -> float | None:
        return float(Fraction(part, base)) if base else None

    a, b, o = len(answered), len(abandoned), len(outflow)
    a_t = within(answered, lambda w: target(w[0], w[1]))
    b_t = within(abandoned, lambda w: target(w[0], w[1]))
    b_s = within(abandoned, lambda w: short)
    total = sum(length(w) or 0 for w in answered)
    known = [length(w) or 0 for w in waits if w[3] is not None]
    return {
        "offered": a + b + o + len(waiting),
        "answered": a,
        "in_time": a_t,
        "late": a - a_t,
        "abandoned": b,
        "short": b_s,
        "abandoned_long": b - b_s,
        "outflow": o,
        "waiting": len(waiting),
        "aside": len(waits) - a - b - o - len(waiting),
        "asa_s": total / 1000 / a if a else None,
        "longest_s": max(known) / 1000 if known else None,
        "V1": share(a_t, a),
        "V2": share(a_t, a + b),
        "V2b": share(a_t, a + b + o),
        "V3": share(a_t, a + b - b_t),
        "V4": share(a_t + b_t, a + b),
        "V5": share(a_t, a + b - b_s),
        "V6": share(a_t + b_s, a + b),
        "V7": share(a_t, a + o),
        "V8": share(a_t + b_t, a + b + o),
        "connect_rate": share(a, a + b + o),
    }


def local(at: float, zone: ZoneInfo) -> datetime:
    """A moment at the site."""
    return datetime.fromtimestamp(ms(at) / 1000, zone)
