"""Which events are believed."""

from __future__ import annotations

import gzip
import json
from importlib import resources

from cti.ami.gate import RING, WANTED, Gate
from cti.ami.messages import Packet

CANARY = "9f86d081884c7d65"


def _event(name: str, **headers: str) -> Packet:
    return Packet.of({"Event": name, "Privilege": "call,all", **headers})


HANGUP = {"Channel": "PJSIP/1-1", "Uniqueid": "1.1"}


def test_an_event_without_its_keys_was_not_written_by_asterisk() -> None:
    """A Hangup that names no channel is rejected and counted."""
    gate = Gate()
    assert gate.admit(_event("Hangup", **HANGUP))
    assert not gate.admit(_event("Hangup", Channel="PJSIP/1-1"))
    assert gate.rejected == {"keys": 1}


def test_an_empty_value_is_a_value() -> None:
    """A key may be empty: it is there."""
    assert Gate().admit(_event("Hangup", Channel="", Uniqueid=""))


def test_with_a_canary_every_event_must_carry_it() -> None:
    """Forged events cannot know the system's secret name; FullyBooted after a login has none."""
    gate = Gate(CANARY)
    assert gate.admit(_event("Hangup", SystemName=CANARY, **HANGUP))
    assert gate.admit(_event("FullyBooted"))
    assert not gate.admit(_event("Hangup", **HANGUP))
    assert not gate.admit(_event("Hangup", SystemName="other", **HANGUP))
    assert gate.rejected == {"canary": 2}


def test_without_a_canary_none_is_asked_for() -> None:
    """A stock site has no system name."""
    assert Gate("").admit(_event("Hangup", **HANGUP))


def test_what_was_rejected_is_remembered_within_bounds() -> None:
    """The last ones can be looked at; neither their number nor their length grows without end."""
    gate = Gate()
    for _ in range(1_000):
        gate.admit(_event("Hangup", Note="x" * 10_000))
    assert len(gate.recent) == RING
    assert all(len(raw) <= 512 for _, raw in gate.recent)
    assert gate.rejected["keys"] == 1_000


def test_recorded_events_are_all_believed() -> None:
    """No genuine event is turned away (the demonstration's tapes are recordings)."""
    gate, seen = Gate(), 0
    for tape in resources.files("cti.demo").joinpath("tapes").iterdir():
        for line in gzip.decompress(tape.read_bytes()).decode().splitlines()[1:]:
            _, told = json.loads(line)
            if isinstance(told, list):
                packet = Packet.of([(key, value) for key, value in told])
                assert gate.admit(packet), packet
                assert packet.event.encode() in WANTED
                seen += 1
    assert seen > 500
