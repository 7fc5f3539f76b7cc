"""The recorded calls: tapes, their truth, ways to re-cut them, and the comparison of the two."""

from __future__ import annotations

import functools
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cti.calls.record import Call
from cti.replay import Replay

TRACES = Path(__file__).parent.parent / "traces"
ARCHIVES = ("asterisk-22", "asterisk-16", "more-22", "more-16")
OUTCOMES = {"leaveempty": "empty", "withdraw": "withdrawn", "exitwithkey": "key"}
CLASSES = frozenset(("call", "agent", "user"))


@functools.cache
def archive(name: str) -> dict[str, bytes]:
    """All files of one archive."""
    with tarfile.open(TRACES / f"{name}.tar.xz") as tar:
        return {m.name: f.read() for m in tar.getmembers() if (f := tar.extractfile(m)) is not None}


def scenarios() -> list[tuple[str, str]]:
    """(archive, scenario) of every tape."""
    return [
        (name, file.removesuffix(".jsonl")) for name in ARCHIVES for file in archive(name) if file.endswith(".jsonl")
    ]


def truth(name: str, scenario: str) -> dict[str, Any]:
    """The truth of a tape."""
    document: dict[str, Any] = json.loads(archive(name)[f"{scenario}.expected.json"])
    return document


def replayed(content: bytes) -> list[Call]:
    """The calls document of a tape."""
    replay = Replay()
    replay.run(content)
    return replay.calls()


# -- re-cutting -----------------------------------------------------------------------------------------


def lines(tape: bytes) -> list[bytes]:
    """The lines of a .jsonl tape."""
    return [line for line in tape.split(b"\n") if line.strip()]


def _each_event(tape: bytes, change: Callable[[dict[str, Any]], bool]) -> Iterator[bytes]:
    for line in lines(tape):
        entry = json.loads(line)
        event = entry.get("event")
        if isinstance(event, dict) and not change(event):
            continue
        yield json.dumps(entry).encode()


def whole(name: str, scenario: str) -> bytes:
    """The tape as recorded."""
    return archive(name)[f"{scenario}.jsonl"]


def raw(name: str, scenario: str) -> bytes:
    """The bytes as received."""
    return archive(name)[f"{scenario}.ami"]


def without_stamps(name: str, scenario: str) -> bytes:
    """A stock site: no Timestamp headers."""

    def change(event: dict[str, Any]) -> bool:
        event.pop("Timestamp", None)
        return True

    return b"\n".join(_each_event(whole(name, scenario), change))


def few_classes(name: str, scenario: str) -> bytes:
    """Only the classes call, agent and user subscribed: no VarSet, no Newexten."""

    def change(event: dict[str, Any]) -> bool:
        if "Privilege" not in event or "Event" not in event or "ActionID" in event:
            return True
        return bool(CLASSES & set(str(event["Privilege"]).split(",")))

    return b"\n".join(_each_event(whole(name, scenario), change))


def twice(name: str, scenario: str) -> bytes:
    """Every event delivered twice."""
    out = []
    for line in lines(whole(name, scenario)):
        out.extend([line] * (2 if b'"event"' in line and b'"Response"' not in line else 1))
    return b"\n".join(out)


CUTS: dict[str, tuple[Callable[[str, str], bytes], float]] = {
    "whole": (whole, 0.05),
    "without_stamps": (without_stamps, 0.15),
    "few_classes": (few_classes, 0.05),
    "twice": (twice, 0.05),
    "raw": (raw, 0.05),
}


# -- comparing ------------------------------------------------------------------------------------------


def differences(calls: list[Call], told: dict[str, Any], tolerance: float) -> list[str]:
    """What of the calls document disagrees with the truth, a sentence each. Empty: all right."""
    wrong: list[str] = []
    by_id: dict[str, list[Call]] = {}
    for call in calls:
        by_id.setdefault(call.id, []).append(call)
    for expected in told["calls"]:
        found = by_id.pop(expected["uniqueid"], [])
        who = f"{expected['caller']} {expected['uniqueid']}"
        if len(found) != 1:
            wrong.append(f"{who}: found {len(found)} times")
        else:
            wrong.extend(f"{who}: {text}" for text in _call(found[0], expected, told["t0_epoch"], tolerance))
    wrong.extend(f"{call_id}: no such call" for call_id in by_id)
    return wrong


def _call(call: Call, expected: dict[str, Any], t0: float, tolerance: float) -> Iterator[str]:
    if expected["direction"] == "in":
        caller = expected["caller"]
        if call.direction != "inbound":
            yield f"direction {call.direction}"
        if call.caller != (None if caller.casefold() in ("", "anonymous", "<unknown>") else caller):
            yield f"caller {call.caller}"
        if call.dialed != expected["did"]:
            yield f"dialed {call.dialed}, truth {expected['did']}"
    elif call.direction == "inbound":
        yield "direction inbound"
    if call.ended_at is None:
        yield "still open"
    legs = [leg for leg in expected["queue_legs"] if "queue" in leg]
    if len(call.visits) != len(legs):
        yield f"{len(call.visits)} visits, truth {len(legs)}"
        return
    for visit, leg in zip(call.visits, legs, strict=True):
        outcome = leg.get("outcome", "")
        outcome = "pbx_restart" if outcome.startswith("lost") else OUTCOMES.get(outcome, outcome)
        if (visit.queue, visit.outcome) != (leg["queue"], outcome):
            yield f"{visit.queue} {visit.outcome}, truth {leg['queue']} {outcome}"
        exact = leg.get("wait_exact_s")
        if exact is not None and (visit.wait_s is None or abs(visit.wait_s - exact) > tolerance):
            yield f"wait {visit.wait_s}, truth {exact}"
        if outcome == "answered" and visit.agent != leg["agent"]:
            yield f"agent {visit.agent}, truth {leg['agent']}"
        missed = [ring["agent"] for ring in leg.get("ring_no_answer", [])]
        if sorted(m.agent or "" for m in visit.missed) != sorted(missed):
            yield f"missed {[m.agent for m in visit.missed]}, truth {missed}"
    special = [s["type"] for s in expected.get("cel_special", ())]
    transfers = special.count("BLINDTRANSFER") + special.count("ATTENDEDTRANSFER")
    if len(call.transfers) != transfers:
        yield f"{len(call.transfers)} transfers, truth {transfers}"
    if "bridged_legs_cel" in expected:
        yield from _talks(call, expected, t0)


def _talks(call: Call, expected: dict[str, Any], t0: float) -> Iterator[str]:
    """Each stretch of talk must lie within the time that CEL saw that phone in a bridge, and fill it.

    CEL lists every bridge a phone stood in, also with a colleague in a consultation or alone beside a parked caller:
    there our stretch is shorter, never longer.
    """
    bridged: dict[str, list[tuple[float, float]]] = {}
    for channel, moves in expected["bridged_legs_cel"].items():
        since = None
        for what, t in moves:
            if what == "enter":
                since = t
            elif since is not None:
                bridged.setdefault(channel.rpartition("-")[0], []).append((since, t))
                since = None
        if since is not None:
            bridged.setdefault(channel.rpartition("-")[0], []).append((since, float("inf")))
    for talk in call.talks:
        start, end = talk.from_ - t0, (talk.to - t0 if talk.to is not None else float("inf"))
        known = bridged.get(talk.interface, [])
        if not any(a - 0.2 <= start for a, _ in known) or not any(end <= b + 0.2 for _, b in known):
            yield f"talk of {talk.interface} {start:.3f}-{end:.3f}, bridged {known}"
    if "cel_special" not in expected and bridged and not any(b == float("inf") for x in bridged.values() for _, b in x):
        told = sum((t.to or t.from_) - t.from_ for t in call.talks)
        real = sum(b - a for stretches in bridged.values() for a, b in stretches)
        if abs(told - real) > 0.2:
            yield f"talked {told:.3f} s, bridged {real:.3f} s"
