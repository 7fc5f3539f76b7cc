"""Every recorded call, whole and re-cut, comes out of the core as it was."""

from __future__ import annotations

import math

import msgspec
import pytest

from cti.calls.record import Call, Talk
from tests.calls import tapes

# What a tape cannot show, by name: (archive, scenario) -> the only differences allowed.
GAP = (
    "13900001111 {1}: wait",  # answered while nobody listened: AgentComplete tells it in whole seconds
    "13900002222 {2}: full unknown, truth full abandoned",
    "13900002222 {2}: wait None",
    "13900003333 {3}: dialed None",
    "13900003333 {3}: wait",  # began in the gap: QueueEntry tells it in whole seconds
    "13900001111 {1}: talk of",
    "13900001111 {1}: talked",
)
NOT_ON_TAPE = {
    ("asterisk-22", "ami_drop"): GAP,
    ("asterisk-16", "ami_drop"): GAP,
    ("asterisk-16", "crash_early_login"): ("13700007777",),  # placed after the recorder had lost its connection
}
# A raw tape without Timestamp headers has no clock.
NO_CLOCK = {("more-22", "answered_no_timestamp"), ("more-16", "answered_no_timestamp")}
# Two calls shared one conference or one bridge by conference: CEL files the talk under one Linkedid only.
CEL_MERGES = {"conference", "atxfer_blond", "local_atxfer_refer", "park_timeout", "park_unpark", "agent_302"}


def unexplained(name: str, scenario: str, cut: str) -> list[str]:
    """Differences from the truth that are not listed above."""
    make, tolerance = tapes.CUTS[cut]
    wrong = tapes.differences(tapes.replayed(make(name, scenario)), tapes.truth(name, scenario), tolerance)
    allowed = NOT_ON_TAPE.get((name, scenario), ())
    if allowed is GAP:
        wrong = [text for text in wrong if not any(_same(text, pattern) for pattern in allowed)]
    elif allowed:
        wrong = [text for text in wrong if not text.startswith(allowed)]
    if scenario in CEL_MERGES:
        wrong = [text for text in wrong if " talk" not in text]
    if (name, scenario) in NO_CLOCK and cut == "raw":
        wrong = [text for text in wrong if " wait 0.0" not in text and " talk" not in text]
    return wrong


def _same(text: str, pattern: str) -> bool:
    caller, _, rest = pattern.partition(" ")
    return text.startswith(caller) and rest.partition(": ")[2] in text


@pytest.mark.parametrize("cut", tapes.CUTS)
@pytest.mark.parametrize(("name", "scenario"), tapes.scenarios())
def test_calls_equal_the_truth(name: str, scenario: str, cut: str) -> None:
    """Calls of a tape equal what queue_log, CDR and CEL say of them."""
    assert unexplained(name, scenario, cut) == []


@pytest.mark.parametrize("version", ["22", "16"])
def test_what_ended_in_a_gap_is_unknown_and_marked(version: str) -> None:
    """The caller who gave up while nobody listened is closed as unknown, marked, and not counted as anything else."""
    calls = tapes.replayed(tapes.whole(f"asterisk-{version}", "ami_drop"))
    lost = next(call for call in calls if call.caller == "13900002222")
    assert [(v.outcome, v.left_at, v.wait_s) for v in lost.visits] == [("unknown", None, None)]
    assert lost.gap
    assert lost.ended_at is not None
    spanning = {call.caller: call for call in calls if call.caller in ("13900001111", "13900003333")}
    exact = {"13900001111": 4.914, "13900003333": 6.032}
    assert all(call.gap for call in spanning.values())
    assert all(abs((call.visits[0].wait_s or 0) - exact[caller or ""]) <= 1 for caller, call in spanning.items())


@pytest.mark.parametrize("version", ["22", "16"])
def test_a_call_that_no_tape_shows_is_not_made_up(version: str) -> None:
    """A call placed while nothing was recorded does not appear."""
    calls = tapes.replayed(tapes.whole(f"asterisk-{version}", "crash_early_login"))
    assert ("13700007777" in {call.caller for call in calls}) == (version == "22")


@pytest.mark.parametrize(("name", "scenario"), tapes.scenarios())
def test_a_tape_may_start_anywhere(name: str, scenario: str) -> None:
    """From any offset: no crash, no call left open after its last Hangup, no visit told otherwise than by the whole."""
    lines = tapes.lines(tapes.whole(name, scenario))
    full = {call.id: call for call in tapes.replayed(b"\n".join(lines))}
    for offset in range(1, len(lines), max(1, len(lines) // 12)):
        for call in tapes.replayed(b"\n".join(lines[offset:])):
            assert call.id in full
            assert call.ended_at is not None or full[call.id].ended_at is None
            seen, known = [v.outcome for v in call.visits], [v.outcome for v in full[call.id].visits]
            assert all(o in (k, "unknown") for o, k in zip(seen, known[len(known) - len(seen) :], strict=True))
            if not call.partial:
                assert seen == known
            if not call.partial and (name, scenario) not in NO_CLOCK:
                assert call.started_at == pytest.approx(full[call.id].started_at, abs=0.15)


@pytest.mark.parametrize(("name", "scenario"), [s for s in tapes.scenarios() if s not in NOT_ON_TAPE])
def test_hearing_everything_twice_changes_nothing(name: str, scenario: str) -> None:
    """Duplicates make no second call, visit, missed ring or transfer."""
    once, double = tapes.replayed(tapes.whole(name, scenario)), tapes.replayed(tapes.twice(name, scenario))
    assert [_no_ends(c) for c in once] == [_no_ends(c) for c in double]


def _no_ends(call: Call) -> Call:
    # The end of a call that a restart cut off is the moment its gap was noticed.
    return msgspec.structs.replace(call, ended_at=None, talks=()) if call.gap else call


# -- the comparison can fail ----------------------------------------------------------------------------


def planted(kind: str, calls: list[Call]) -> list[Call]:
    """The calls with one error of that kind."""
    call = next(c for c in calls if c.visits and c.visits[0].outcome == "answered")
    rest = [c for c in calls if c is not call]
    visit = call.visits[0]
    match kind:
        case "doubled event":
            changed = msgspec.structs.replace(call, visits=(*call.visits, visit))
        case "lost Hangup":
            changed = msgspec.structs.replace(call, ended_at=None)
        case "wait + 2 s":
            longer = msgspec.structs.replace(visit, wait_s=(visit.wait_s or 0) + 2)
            changed = msgspec.structs.replace(call, visits=(longer, *call.visits[1:]))
        case "wrong agent":
            other = msgspec.structs.replace(visit, agent="nobody")
            changed = msgspec.structs.replace(call, visits=(other, *call.visits[1:]))
        case "ghost talk":
            ghost = Talk(interface="PJSIP/nobody", agent=None, from_=call.started_at or 0, to=call.ended_at)
            changed = msgspec.structs.replace(call, talks=(*call.talks, ghost))
        case "talk too long":
            talk = call.talks[-1]
            longer_talk = msgspec.structs.replace(talk, to=(talk.to or math.inf) + 2)
            changed = msgspec.structs.replace(call, talks=(*call.talks[:-1], longer_talk))
        case _:
            raise AssertionError(kind)
    return [changed, *rest]


@pytest.mark.parametrize(
    "kind", ["doubled event", "lost Hangup", "wait + 2 s", "wrong agent", "ghost talk", "talk too long"]
)
def test_the_comparison_sees_a_planted_error(kind: str) -> None:
    """One error of each kind turns the comparison red."""
    calls = tapes.replayed(tapes.whole("asterisk-22", "answered_prompt"))
    told = tapes.truth("asterisk-22", "answered_prompt")
    assert tapes.differences(calls, told, 0.05) == []
    assert tapes.differences(planted(kind, calls), told, 0.05) != []


@pytest.mark.parametrize("scenario", ["answered_prompt", "atxfer_refer"])
def test_a_dropped_hangup_on_the_tape_is_seen(scenario: str) -> None:
    """A tape that lost a Hangup leaves an open call, and the comparison says so."""
    kept = [line for line in tapes.lines(tapes.whole("asterisk-22", scenario)) if b'"Event": "Hangup"' not in line]
    assert any(
        "still open" in t
        for t in tapes.differences(tapes.replayed(b"\n".join(kept)), tapes.truth("asterisk-22", scenario), 0.05)
    )
