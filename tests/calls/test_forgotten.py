"""A call that is over and taken down leaves nothing that only the collector could free."""

from __future__ import annotations

import gc
import math

import pytest

from cti.calls.call import CallState
from cti.calls.legs import Leg
from cti.calls.state import PbxConfig
from cti.calls.visits import Ring, VisitState
from cti.replay import Replay
from tests.calls import tapes

KINDS = (CallState, Leg, Ring, VisitState)


def _left() -> list[object]:
    """What stays of all tapes once their calls are forgotten, the collector not running."""
    known = {id(one) for one in gc.get_objects() if isinstance(one, KINDS)}
    replays = []
    for name, scenario in tapes.scenarios():
        replay = Replay()
        replay.run(tapes.whole(name, scenario))
        state = replay.pbx._state
        state.config = PbxConfig(linger=60.0)
        state.heard(math.inf)
        state.changed_calls.clear()
        state.forget(state.last_at + 61.0)
        assert not state.ended
        replays.append(replay)
    return [
        one for one in gc.get_objects() if isinstance(one, KINDS) and id(one) not in known and not _lives(one, replays)
    ]


def _lives(one: object, replays: list[Replay]) -> bool:
    """Some tapes end in the midst of a call."""
    leg = one.leg if isinstance(one, VisitState) else one.dest if isinstance(one, Ring) else one
    call = leg.call.id if isinstance(leg, Leg) else leg.id if isinstance(leg, CallState) else ""
    return any(call in replay.pbx._state.calls for replay in replays)


def test_a_forgotten_call_is_free_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """On all tapes, and not without what undoes the circles."""
    gc.collect()
    gc.disable()
    try:
        assert _left() == []
        monkeypatch.setattr(CallState, "let_go", lambda call: None)
        assert len(_left()) > 500
    finally:
        gc.enable()
