"""The tapes of the replayed PBX are the recordings, cut: nothing in them is made up."""

from __future__ import annotations

import gzip
import json
import tarfile
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from cti.demo.cut import cut, main

RECORDINGS = Path(__file__).resolve().parent.parent / "traces" / "asterisk-22.tar.xz"
FROM = {
    "answered": "answered_prompt",
    "agent_hangs_up": "answered_agent_hangup",
    "second_line": "answered_line_b",
    "late": "answered_late_15s",
    "missed_then_late": "answered_late_rna",
    "abandoned": "abandon_in_queue",
    "gave_up_in_menu": "abandon_ivr",
    "busy_busy_answered": "agent_busy",
    "declined": "agent_declines",
    "blind_transfer": "blind_refer",
    "attended_transfer": "atxfer_refer",
    "held": "hold_unhold",
    "ring_all": "ringall4",
    "ring_all_nobody": "ringall4_rna",
    "timeout": "timeout_voicemail",
}


@pytest.fixture(scope="module")
def recordings() -> dict[str, list[str]]:
    """Lines of each recording needed."""
    read: dict[str, list[str]] = {}
    with tarfile.open(RECORDINGS) as tar:
        for name in [*FROM.values(), "agent_dials_out", "wrapup"]:
            member = tar.extractfile(f"{name}.jsonl")
            assert member is not None
            read[name] = member.read().decode("utf-8", "surrogateescape").splitlines()
    return read


def _shipped(name: str) -> list[Any]:
    raw = resources.files("cti.demo").joinpath("tapes", f"{name}.jsonl.gz").read_bytes()
    return [json.loads(line) for line in gzip.decompress(raw).decode().splitlines()]


@pytest.mark.parametrize("name", sorted(FROM))
def test_a_tape_is_its_recording_cut(recordings: dict[str, list[str]], name: str) -> None:
    """Cutting the recording again gives the tape that comes along, line for line."""
    assert json.loads(json.dumps(cut(recordings[FROM[name]]))) == _shipped(name)


@pytest.mark.parametrize("name", ["agent_dials_out", "wrapup"])
def test_what_is_not_one_inbound_call_is_not_cut(recordings: dict[str, list[str]], name: str) -> None:
    """Two calls, or a call to the outside, cannot be played for one caller."""
    with pytest.raises(ValueError, match="not one inbound call"):
        cut(recordings[name])


def test_a_tape_is_written_packed(recordings: dict[str, list[str]], tmp_path: Path) -> None:
    """The command line's way: one file in, one file out, the same bytes each time."""
    recording, tape = tmp_path / "r.jsonl", tmp_path / "t.jsonl.gz"
    recording.write_text("\n".join(recordings["answered_prompt"]), encoding="utf-8")
    main(str(recording), str(tape))
    first = tape.read_bytes()
    main(str(recording), str(tape))
    assert tape.read_bytes() == first
    assert len(first) < 4096
