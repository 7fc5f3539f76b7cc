"""I1-I7 and I18: every call there once and right, and nothing left when all is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

from tests.checker.account import Account, Figures, OurCall, OurVisit, Tally, TrueCall, TrueVisit

MEAN_S = 1.0
"Of a mean wait."


def _pairs(account: Account) -> Iterator[tuple[TrueCall, OurCall]]:
    """Calls that stand in both."""
    ours = {(call.pbx, call.id): call for call in account.calls or ()}
    for true in account.truth or ():
        call = ours.get((true.pbx, true.id))
        if call is not None:
            yield true, call


def _visits(true: TrueCall, call: OurCall) -> Iterable[tuple[TrueVisit, OurVisit]]:
    return zip(true.visits, call.visits, strict=False)


def i1_no_call_missing(account: Account) -> Iterator[str]:
    """I1: every call that stood in a queue has its row, and no row is of a call that never was."""
    truth = {(call.pbx, call.id): call for call in account.truth or ()}
    ours = {(call.pbx, call.id) for call in account.calls or ()}
    for key, true in truth.items():
        if true.visits and key not in ours:
            yield f"{key[1]} is missing"
    for _, id in sorted(ours - truth.keys()):
        yield f"{id} never happened"


def i2_one_row_a_visit(account: Account) -> Iterator[str]:
    """I2: at most one row of one (PBX, call), and of one visit of it; as many as there were visits."""
    for (_, id), many in Counter((call.pbx, call.id) for call in account.calls or ()).items():
        if many > 1:
            yield f"{id} stands there {many} times"
    for call in account.calls or ():
        for n, many in Counter(visit.n for visit in call.visits).items():
            if many > 1:
                yield f"visit {n} of {call.id} stands there {many} times"
    for true, call in _pairs(account):
        if len(call.visits) != len(true.visits):
            yield f"{call.id}: {len(call.visits)} visits, were {len(true.visits)}"


def i3_outcomes(account: Account) -> Iterator[str]:
    """I3: queue, outcome and agent of each visit are the PBX's."""
    for true, call in _pairs(account):
        for was, visit in _visits(true, call):
            if (visit.queue, visit.outcome) != (was.queue, was.outcome):
                yield f"{call.id}: {visit.queue} {visit.outcome}, was {was.queue} {was.outcome}"
            elif (visit.agent or None) != was.agent:
                yield f"{call.id}: agent {visit.agent}, was {was.agent}"


def i4_times(account: Account) -> Iterator[str]:
    """I4: waits, rings and talks are right, to the second where some of it was not seen; and that is marked."""
    slack = account.slack
    for true, call in _pairs(account):
        near = call.marked or account.lossy
        allowed = slack.whole_s if near else slack.exact_s
        for was, visit in _visits(true, call):
            if was.wait_s is not None:
                least = was.wait_s if was.least_s is None else was.least_s
                if visit.wait_s is None or not least - allowed <= visit.wait_s <= was.wait_s + allowed:
                    yield f"{call.id}: waited {visit.wait_s}, were {was.wait_s:.3f}"
            if was.talk_s is not None and visit.talk_s is not None and abs(visit.talk_s - was.talk_s) > slack.whole_s:
                yield f"{call.id}: talked {visit.talk_s}, were {was.talk_s:.3f}"
            if was.missed is not None and visit.missed is not None:
                yield from _missed(call, was.missed, visit.missed, slack.whole_s)
        yield from _marked(account, true, call)


def _missed(
    call: OurCall, were: tuple[tuple[str, float], ...], ours: tuple[tuple[str, float], ...], allowed: float
) -> Iterator[str]:
    if call.marked and len(ours) < len(were):
        return
    if [agent for agent, _ in ours] != [agent for agent, _ in were]:
        yield f"{call.id}: rings {ours}, were {were}"
        return
    for (agent, took), (_, true) in zip(ours, were, strict=True):
        if abs(took - true) > allowed:
            yield f"{call.id}: rang {agent} for {took}, were {true}"


def _marked(account: Account, true: TrueCall, call: OurCall) -> Iterator[str]:
    edge = account.slack.edge_s
    end = float("inf") if true.ended is None else true.ended
    inside = [hole for hole in account.holes if true.began < hole[1] - edge and end > hole[0] + edge]
    near = [hole for hole in (*account.holes, *account.maybe) if true.began < hole[1] + edge and end > hole[0] - edge]
    if inside and not call.marked:
        yield f"{call.id}: not marked, and nobody saw {inside}"
    if call.marked and not near and not account.lossy:
        yield f"{call.id}: marked, and all of it was seen"
    if call.filled and not call.marked:
        yield f"{call.id}: filled in and not marked"


def stored_tally(calls: Iterable[OurCall]) -> Tally:
    """Our rows, counted."""
    return Counter(
        (visit.queue, (visit.agent or "") if visit.outcome == "answered" else "", visit.outcome)
        for call in calls
        for visit in call.visits
    )


def i5_counts(account: Account) -> Iterator[str]:
    """I5: what is stored and what is reported counts as the PBX's books do; means within a second."""
    if account.tally is not None:
        told = [] if account.calls is None else [("stored", stored_tally(account.calls))]
        told += [] if account.reported is None else [("reported", account.reported)]
        for what, ours in told:
            for key in sorted(set(ours) | set(account.tally)):
                if ours[key] != account.tally[key]:
                    yield f"{what} {key}: {ours[key]}, in the books {account.tally[key]}"
    if account.figures is not None and account.truth is not None:
        for figures in account.figures:
            yield from _figures(figures, account)


def _figures(told: Figures, account: Account) -> Iterator[str]:
    """A report's row against the visits that entered in it; those at its edge may stand on either side."""
    edge, near = account.slack.exact_s, account.slack.whole_s
    here = [
        visit
        for call in account.truth or ()
        for visit in call.visits
        if visit.queue == told.queue and told.span[0] - edge <= visit.entered < told.span[1] + edge
    ]
    sure = [v for v in here if told.span[0] + edge <= v.entered < told.span[1] - edge]
    answered = [v for v in here if v.outcome == "answered"]

    def count(visits: list[TrueVisit], outcome: str) -> int:
        return sum(visit.outcome == outcome for visit in visits)

    bounds = {
        "offered": (told.offered, len(sure), len(here)),
        "answered": (told.answered, count(sure, "answered"), len(answered)),
        "abandoned": (told.abandoned, count(sure, "abandoned"), count(here, "abandoned")),
        "in_target": (
            told.in_target,
            sum(v.outcome == "answered" and (v.wait_s or 0.0) <= told.target_s - near for v in sure),
            sum((v.wait_s or 0.0) <= told.target_s + near for v in answered),
        ),
    }
    for name, (ours, least, most) in bounds.items():
        if not least <= ours <= most:
            yield f"{told.queue} {name} {ours}, were {least}" + (f" to {most}" if most != least else "")
    if len(sure) == len(here) and answered and all(v.wait_s is not None for v in answered):
        mean = sum(v.wait_s or 0.0 for v in answered) / len(answered)
        if told.asa_s is None or abs(told.asa_s - mean) > MEAN_S:
            yield f"{told.queue} mean wait {told.asa_s}, was {mean:.3f}"


def i6_no_ghost(account: Account) -> Iterator[str]:
    """I6: when the last channel is gone (and a few seconds more) nothing is open, nobody waits, no agent has a call."""
    rest = account.rest
    if rest is not None:
        for what, left in (("open", rest.open_calls), ("waiting", rest.waiting), ("on a call", rest.on_call)):
            if left:
                yield f"{what} {rest.at:.1f} s after the end: {', '.join(sorted(left))}"
    lasting = {(call.pbx, call.id) for call in account.truth or () if call.ended is None}
    for call in account.calls or ():
        if call.ended is None and (call.pbx, call.id) not in lasting:
            yield f"{call.id} is stored as open"


def i7_state(account: Account) -> Iterator[str]:
    """I7: at rest our picture of the PBX is the PBX's."""
    for compared in account.states or ():
        if compared.ours != compared.theirs:
            yield (
                f"{compared.what}: only ours {sorted(compared.ours - compared.theirs)}, "
                f"only theirs {sorted(compared.theirs - compared.ours)}"
            )


def i18_time_goes_forward(account: Account) -> Iterator[str]:
    """I18: nothing lasts less than no time, and no stretch of time stands in a report twice."""
    slack = account.slack.exact_s
    for call in account.calls or ():
        if call.began is not None and call.ended is not None and call.ended < call.began - slack:
            yield f"{call.id} ended before it began"
        for visit in call.visits:
            if visit.wait_s is not None and visit.wait_s < 0:
                yield f"{call.id} waited {visit.wait_s} s"
            if visit.talk_s is not None and visit.talk_s < 0:
                yield f"{call.id} talked {visit.talk_s} s"
        for began, ended in call.talks:
            if ended is not None and ended < began:
                yield f"{call.id} talked from {began} to {ended}"
    rows: dict[str, list[tuple[float, float]]] = {}
    for name, began, ended in account.buckets or ():
        if ended <= began:
            yield f"{name} has a row from {began} to {ended}"
        rows.setdefault(name, []).append((began, ended))
    for name, spans in rows.items():
        for one, other in pairwise(sorted(spans)):
            if other[0] < one[1]:
                yield f"{name} counts {other[0]} to {one[1]} twice"
