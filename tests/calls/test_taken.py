"""What a call came to is kept until it was taken down, however fast the PBX's clock runs meanwhile."""

from __future__ import annotations

from cti.calls.state import UNTAKEN
from tests.calls.script import CALLER, Script


def gone(script: Script, at: float, uid: str) -> None:
    """One caller comes, waits a second and hangs up."""
    script.arrives(at, uid)
    script.joins(at + 0.1, uid=uid)
    leg = script.channel(uid, linked=uid)
    script.say(at + 1, "QueueCallerAbandon", Queue="q", **leg)
    script.say(at + 1, "QueueCallerLeave", Queue="q", **leg)
    script.say(at + 1, "Hangup", Cause="16", **leg)


def test_a_backlog_of_minutes_read_at_once_loses_no_ended_call() -> None:
    """A machine that slept reads minutes in one go: calls that ended early in it are there for whoever writes."""
    script = Script()
    calls = [f"8{n:03}.1" for n in range(20)]
    for n, uid in enumerate(calls):
        gone(script, 100 + 30.0 * n, uid)
    taken = script.pbx.take_changed()
    assert {call.id for call in taken if call.ended_at is not None} == set(calls)
    gone(script, 10_000, CALLER)
    assert script.pbx.call(calls[0]) is None, "what was taken is forgotten"


def test_where_nobody_takes_calls_the_oldest_go() -> None:
    """A core that nobody asks does not grow without end."""
    script = Script()
    for n in range(UNTAKEN + 50):
        gone(script, 100 + 100.0 * n, f"{n + 10}.1")
    assert len(script.pbx.take_changed()) <= UNTAKEN + 1
