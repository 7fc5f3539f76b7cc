"""Cuts a recorded call into a tape for the replayed PBX: `python -m cti.demo.cut RECORDING.jsonl TAPE.jsonl.gz`.

Everything that belongs to the recorded site becomes a placeholder, so that one tape can be played for any phones,
queue, line and caller, many times at once:

`{c0}` channel, `{u0}` Uniqueid, `{b0}` bridge, `{i0}` interface, `{e0}` extension and `{n0}` name of a phone (those
that the queue rings come first), `{t}` the trunk, `{q}` queue, `{caller}`, `{did}`, `{choice}`. A tape is one JSON
value a line: first the head (see `_Scene.head`), then `[seconds since the call began, [[header, value], ...]]`, or
`[seconds, {"member": phone, "status": Asterisk's device state, "in_call": 0 or 1}]` for a change of a member's state.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path
from typing import Any, Final

_SILENT: Final = (
    "TestEvent Newexten NewAccountCode DTMFBegin DTMFEnd MusicOnHoldStart MusicOnHoldStop MixMonitorStart RTCPSent "
    "RTCPReceived SuccessfulAuth ChallengeSent FullyBooted DialState NewConnectedLine PeerStatus ContactStatus "
    "RequestBadFormat MessageWaiting CEL Cdr"
)
_NOISE: Final = frozenset(_SILENT.split())
_TOLD: Final = frozenset({"QUEUESTATUS", "ABANDONED"})
_NUMBERS: Final = re.compile(r"(Num|Exten|Extension|DialString|Did|Caller)$")
_CHANNEL: Final = re.compile(r"(.+)-[0-9a-f]{8}(;[12])?")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Headers = list[tuple[str, str]]


def cut(lines: list[str]) -> list[Any]:
    """The tape's values. Raises ValueError where the recording is not one inbound call."""
    events: list[tuple[float, Headers]] = []
    for line in lines:
        message = json.loads(line)
        event = message.get("event", {})
        name = event.get("Event", "")
        if not name or name in _NOISE or "ActionID" in event or "Timestamp" not in event:
            continue
        if name == "VarSet" and event.get("Variable") not in _TOLD:
            continue
        headers = [(k, v) for k, vs in event.items() for v in (vs if isinstance(vs, list) else [vs])]
        events.append((float(event["Timestamp"]), headers))
    scene = _Scene([dict(headers) for _, headers in events])
    start = next(at for at, headers in events if ("Event", "Newchannel") in headers)
    tape: list[Any] = []
    states: dict[int, tuple[str, str]] = {}
    now = 0.0
    for at, headers in events:
        now = max(now, round(at - start, 4))
        event = dict(headers)
        if event["Event"] == "QueueMemberStatus":
            phone = scene.phones.get(event["Interface"])
            if phone is None:
                continue
            known = states.get(phone, ("1", "0"))
            ours = event["Queue"] == scene.queue
            state = (event["Status"], event["InCall"] if ours else known[1])
            if state != known:
                states[phone] = state
                tape.append([now, {"member": phone, "status": int(state[0]), "in_call": int(state[1])}])
            continue
        if event["Event"] == "DeviceStateChange" and event["Device"] not in scene.phones:
            continue
        tape.append([now, [[key, scene.rewritten(key, value)] for key, value in headers if key != "Timestamp"]])
    return [scene.head(tape), *tape]


class _Scene:
    """Who and what occurs in the recording."""

    def __init__(self, events: list[dict[str, str]]) -> None:
        first = next((e for e in events if e["Event"] == "Newchannel"), None)
        if first is None or first["Uniqueid"] != first["Linkedid"]:
            raise ValueError("no beginning of a call")
        self.trunk = _endpoint(first["Channel"])
        self.caller, self.did = first["CallerIDNum"], first["Exten"]
        self.queue = next((e["Queue"] for e in events if e["Event"] == "QueueCallerJoin"), "")
        self.phones: dict[str, int] = {}
        names: dict[str, str] = {}
        channels: dict[str, int] = {}
        uniqueids: dict[str, int] = {}
        bridges: dict[str, int] = {}
        contexts: dict[str, str] = {first["Context"]: "inbound"}
        for e in events:
            if e["Event"] == "AgentCalled":
                self.phones.setdefault(e["Interface"], len(self.phones))
                names[e["Interface"]] = e["MemberName"]
        self.rung = len(self.phones)
        for e in events:
            if e["Event"] == "QueueCallerJoin":
                contexts.setdefault(e["Context"], "queue")
            if e["Event"] == "Newchannel":
                channels.setdefault(e["Channel"], len(channels))
                uniqueids.setdefault(e["Uniqueid"], len(uniqueids))
                end = _endpoint(e["Channel"])
                if end != self.trunk:
                    contexts.setdefault(e["Context"], "phones")
                    self.phones.setdefault(end, len(self.phones))
                    if e["CallerIDName"] not in ("", "<unknown>"):
                        names.setdefault(end, e["CallerIDName"])
            for key, value in e.items():
                if key.endswith("BridgeUniqueid") and _UUID.fullmatch(value):
                    bridges.setdefault(value, len(bridges))
                if key.endswith("Context") and value:
                    contexts.setdefault(value, "menu")
        if self.trunk in self.phones or sum(_endpoint(c) == self.trunk for c in channels) != 1:
            raise ValueError("not one inbound call")
        anywhere = {text: f"{{c{n}}}" for text, n in channels.items()}
        anywhere |= {text: f"{{u{n}}}" for text, n in uniqueids.items()}
        anywhere |= {text: f"{{b{n}}}" for text, n in bridges.items()}
        anywhere |= {text: f"{{i{n}}}" for text, n in self.phones.items()} | {self.trunk: "{t}"}
        anywhere |= {names[i]: f"{{n{n}}}" for i, n in self.phones.items() if i in names}
        self.ends = ["t" if (end := _endpoint(c)) == self.trunk else f"i{self.phones[end]}" for c in channels]
        numbers = {i.rpartition("/")[2]: f"{{e{n}}}" for i, n in self.phones.items()}
        numbers |= {self.caller: "{caller}", self.did: "{did}"}
        self._contexts = contexts
        self._anywhere = _replacer(anywhere)
        self._numbers = _replacer(anywhere | numbers)

    def rewritten(self, key: str, value: str) -> str:
        if "{" in value or "}" in value:
            raise ValueError(f"a brace in {key}")
        if key.endswith("Context"):
            return self._contexts.get(value, value)
        if key.endswith("AccountCode"):
            return ""
        if key == "Queue":
            return "{q}" if value == self.queue else value
        if key == "Choice":
            return "{choice}"
        pattern, table = self._numbers if _NUMBERS.search(key) else self._anywhere
        return pattern.sub(lambda found: table[found[0]], value)

    def head(self, tape: list[Any]) -> dict[str, Any]:
        """What a player must know beforehand; the numbers are indexes of lines, -1 where there is no such line.

        `needs`: the first line that names a phone. `ring`, `talk`: the line before the longest stretch of ringing and
        of talking. `last`: for each phone the last line that names it. `ends`: for each channel whose it is.
        """
        last = [-1] * len(self.phones)
        needs, joined, connected = -1, False, False
        ring, talk, longest_ring, longest_talk = -1, -1, 0.0, 0.0
        for index, (at, line) in enumerate(tape):
            text = json.dumps(line)
            for phone in range(len(last)):
                if re.search(rf'[{{][ien]{phone}[}}]|"member": {phone},', text):
                    last[phone] = index
                    needs = index if needs < 0 else needs
            joined = joined or "AgentCalled" in text
            connected = connected or "AgentConnect" in text
            gap = tape[index + 1][0] - at if index + 1 < len(tape) else 0.0
            if connected and gap > longest_talk:
                talk, longest_talk = index, gap
            elif joined and not connected and gap > longest_ring:
                ring, longest_ring = index, gap
        return {
            "rung": self.rung,
            "needs": needs,
            "ring": ring if connected and self.rung == 1 else -1,
            "talk": talk,
            "last": last,
            "ends": self.ends,
        }


def _endpoint(channel: str) -> str:
    found = _CHANNEL.fullmatch(channel)
    return found[1] if found else channel


def _replacer(table: dict[str, str]) -> tuple[re.Pattern[str], dict[str, str]]:
    tokens = sorted((re.escape(text) for text in table if text), key=len, reverse=True)
    return re.compile(rf"(?<![\w.-])(?:{'|'.join(tokens)})(?![\w.]|-[0-9a-f]{{8}})"), table


def main(recording: str, tape: str) -> None:
    """Cut one recording."""
    values = cut(Path(recording).read_text(encoding="utf-8", errors="surrogateescape").splitlines())
    text = "".join(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n" for value in values)
    Path(tape).write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
