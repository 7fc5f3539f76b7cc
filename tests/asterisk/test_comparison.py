"""The comparison finds what it is there to find: each kind of error, planted, is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from cti.calls.record import Call, Talk
from tests.asterisk.compare import differences
from tests.asterisk.site import RENAMED
from tests.asterisk.truth import TrueCall, read_books, truth_of
from tests.calls import tapes


def books(play: str) -> list[TrueCall]:
    """The truth of a recorded play."""
    files = tapes.archive("own-22")
    queue_log, cel = (files[f"{play}.{kind}"].decode() for kind in ("queue_log", "cel.csv"))
    return truth_of(*read_books(queue_log, cel), RENAMED.trunk)


def replayed(play: str) -> list[Call]:
    """What the service makes of it."""
    return tapes.replayed(tapes.whole("own-22", play))


def visit(call: Call, **changes: Any) -> Call:
    """The call with its first visit changed."""
    return replace(call, visits=(replace(call.visits[0], **changes), *call.visits[1:]))


GHOST = Talk(interface="PJSIP/777", agent=None, from_=1.0, to=2.0)

PLANTED: dict[str, tuple[str, Callable[[list[Call]], list[Call]], str]] = {
    "a call there twice": ("answered", lambda c: [*c, replace(c[0], id="other")], "there twice"),
    "a call that never happened": (
        "answered",
        lambda c: [*c, replace(c[0], id="x", caller="1", started_at=5.0)],
        "never happened",
    ),
    "a missing call": ("same_caller_twice", lambda c: c[1:], "missing"),
    "two seconds more wait": (
        "answered",
        lambda c: [visit(c[0], wait_s=(c[0].visits[0].wait_s or 0) + 2)],
        "waited",
    ),
    "the wrong agent": ("answered", lambda c: [visit(c[0], agent="Nobody")], "agent Nobody"),
    "the wrong phone": ("answered", lambda c: [visit(c[0], interface="PJSIP/777")], "phone PJSIP/777"),
    "the wrong outcome": ("abandoned", lambda c: [visit(c[0], outcome="timeout")], "timeout, was abandoned"),
    "the wrong queue": ("abandoned", lambda c: [visit(c[0], queue="elsewhere")], "in queue elsewhere"),
    "a visit left out": (
        "transfer_back_to_queue",
        lambda c: [replace(c[0], visits=c[0].visits[:1]), *c[1:]],
        "1 visits, were 2",
    ),
    "a missed ring left out": (
        "rang_out_then_answered",
        lambda c: [visit(c[0], missed=())],
        "missed by []",
    ),
    "a ghost's talk": ("answered", lambda c: [replace(c[0], talks=(*c[0].talks, GHOST))], "talked to"),
    "a talk too long": (
        "blind_transfer",
        lambda c: [replace(c[0], talks=(replace(c[0].talks[0], to=c[0].talks[1].to), c[0].talks[1]))],
        "ended at",
    ),
    "a transfer left out": ("blind_transfer", lambda c: [replace(c[0], transfers=())], "transfers []"),
    "a call never ended": ("abandoned", lambda c: [replace(c[0], ended_at=None)], "still open"),
    "a refusal left out": ("refused_empty", lambda c: [replace(c[0], refused=())], "refused by []"),
    "the wrong number dialled": ("abandoned", lambda c: [replace(c[0], dialed="1")], "dialled 1"),
    "the wrong direction": ("abandoned", lambda c: [replace(c[0], direction="outbound")], "direction outbound"),
}


@pytest.mark.parametrize("error", PLANTED)
def test_planted_error_is_found(error: str) -> None:
    """Of one right set of calls, one thing is spoilt: exactly that is told."""
    play, spoil, told = PLANTED[error]
    truth, calls = books(play), replayed(play)
    assert differences(truth, calls) == []
    found = differences(truth, spoil(calls))
    assert found
    assert all(told in sentence for sentence in found)


def test_gap_excuses_what_cannot_be_known_and_nothing_else() -> None:
    """A call touched by a gap may say unknown; what it claims must be right, and other calls must be exact."""
    truth = books("abandoned")
    (call,) = replayed("abandoned")
    around = (truth[0].started_at - 1, truth[0].ended_at or 0)
    unknown = replace(visit(call, outcome="unknown", wait_s=None), gap=True)
    assert differences(truth, [unknown], gap=around) == []
    assert differences(truth, [replace(visit(call, outcome="answered"), gap=True)], gap=around) != []
    assert differences(truth, [replace(unknown, gap=False)], gap=around) != []
    assert differences(truth, [unknown]) != []


def test_only_a_call_wholly_inside_the_gap_may_be_missing() -> None:
    """A call that began before the gap or ended after it left traces."""
    truth = books("abandoned")
    start, end = truth[0].started_at, truth[0].ended_at or 0
    assert differences(truth, [], gap=(start - 1, end + 1)) == []
    assert differences(truth, [], gap=(start + 1, end + 1)) != []
    assert differences(truth, [], gap=(start - 1, end - 1)) != []


def test_books_are_read_without_the_half_written_last_line() -> None:
    """Asterisk may be killed in the middle of a line."""
    files = tapes.archive("own-22")
    queue_log, cel = (files[f"answered.{kind}"].decode() for kind in ("queue_log", "cel.csv"))
    log, events = read_books(queue_log[:-20], cel[: cel.rindex(",") - 5])
    assert [line.verb for line in log][:2] == ["ENTERQUEUE", "CONNECT"]
    assert events
