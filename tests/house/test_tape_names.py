"""The core knows telephony, not the PBX that was recorded."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path

from tests.calls.tapes import ARCHIVES, archive

ROOT = Path(__file__).resolve().parents[2]
# Words of Asterisk and of this program that some recorded thing happens to be called as well.
_COMMON = {
    "full",
    "agents",
    "click",
    "overflow",
    "s",
    "h",
    "t",
    "i",
    "default",
    "",
    "<unknown>",
    "anonymous",
    "Anonymous",
}


@cache
def _names() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """(end-points, queues and contexts, numbers) of all recordings."""
    endpoints: set[str] = set()
    words: set[str] = set()
    numbers: set[str] = set()
    for name in ARCHIVES:
        for file, content in archive(name).items():
            if not file.endswith(".jsonl"):
                continue
            for line in content.splitlines():
                event = json.loads(line).get("event")
                for key, value in (event or {}).items():
                    if not isinstance(value, str):
                        continue
                    if key.endswith(("Channel", "Interface", "Location")):
                        found = re.match(r"(?:PJSIP|SIP|Local)/[^-;@,/]+", value)
                        endpoints.update([found[0]] if found else [])
                    elif key == "Queue" or key.endswith("Context"):
                        words.add(value)
                    elif key.endswith(("CallerIDNum", "ConnectedLineNum", "Exten")):
                        numbers.add(value)
    long = {number for number in numbers if len(number) > 2}
    return frozenset(endpoints - _COMMON), frozenset(words - _COMMON), frozenset(long - _COMMON)


def test_no_end_point_queue_context_or_number_of_the_recordings_occurs_in_the_service() -> None:
    """A name from a recording in the code would be a rule about that PBX."""
    endpoints, words, numbers = _names()
    assert len(endpoints) > 10
    assert len(words) > 10
    assert len(numbers) > 10
    hits = []
    for file in sorted((ROOT / "cti").rglob("*.py")):
        text = file.read_text()
        name = file.relative_to(ROOT)
        hits += [f"{name}: {e}" for e in endpoints if re.search(rf"{re.escape(e)}(?![\w*?])", text)]
        hits += [f"{name}: {n}" for n in numbers if len(n) > 6 and n in text]
        constants = {n.value for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Constant)}
        hits += [f"{name}: {word!r}" for word in constants & (words | numbers)]
    assert hits == []
