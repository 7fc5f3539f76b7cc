"""Recordings: what was on the wire, in both forms of tape, with the secrets masked."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from cti.ami.actions import AmiError
from cti.ami.framing import Framer
from cti.ami.recorder import record
from tests.ami.wire import GUARD, ScriptedPbx, Site, event, packet, saying


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def _recorded(pbx: ScriptedPbx, path: Path, *said: bytes) -> int:
    stop = asyncio.Event()
    recording = asyncio.create_task(record(Site(pbx.port, secret="very-secret"), path, stop=stop))
    await pbx.until(lambda: pbx.count("DeviceStateList") == 1)
    await pbx.say(*said)
    await pbx.flushed(pbx.writer)
    stop.set()
    return await recording


async def test_a_tape_tells_when_it_began_and_what_was_said(pbx: ScriptedPbx, tmp_path: Path) -> None:
    """The start mark carries the wall clock; every message has its time, place and headers."""
    path = tmp_path / "x.jsonl"
    count = await _recorded(pbx, path, packet("Event: UserEvent", "Privilege: user,all", "Note: 张三", "Note: 二"))
    lines = _lines(path)
    start = next(line for line in lines if line.get("mark") == "start")
    assert start["epoch"] > 1.5e9
    assert lines[0]["mark"] == "start"
    messages = [line for line in lines if "event" in line]
    assert len(messages) == count
    assert messages[0]["event"] == {"Banner": "Asterisk Call Manager/11.0.0"}
    assert messages[-1]["event"]["Note"] == ["张三", "二"]
    assert all(line["t"] >= 0 for line in lines)


async def test_the_secret_is_masked(pbx: ScriptedPbx, tmp_path: Path) -> None:
    """A tape may be sent to somebody: no secret in it."""
    for name in ("x.jsonl", "x.ami"):
        await _recorded(pbx, tmp_path / name)
        pbx.received.clear()
        assert b"very-secret" not in (tmp_path / name).read_bytes()
    login = next(line["action"] for line in _lines(tmp_path / "x.jsonl") if "action" in line)
    assert (login["Action"], login["Secret"]) == ("Login", "***")


async def test_bytes_that_are_no_text_can_be_read_back(pbx: ScriptedPbx, tmp_path: Path) -> None:
    """A GB18030 name stands in the tape as lone surrogates, and becomes its bytes again."""
    name = "王小明".encode("gb18030")
    path = tmp_path / "x.jsonl"
    await _recorded(pbx, path, event("UserEvent", UserEvent="Name", CallerIDName="@").replace(b"@", name))
    told = next(line["event"] for line in _lines(path) if line.get("event", {}).get("UserEvent"))
    assert told["CallerIDName"].encode("utf-8", "surrogateescape") == name


async def test_raw_bytes_are_the_bytes(pbx: ScriptedPbx, tmp_path: Path) -> None:
    """An .ami tape is what came over the wire, and frames to the same packets."""
    path = tmp_path / "x.ami"
    said = event("UserEvent", UserEvent="Raw")
    count = await _recorded(pbx, path, said)
    raw = path.read_bytes()
    assert raw.startswith(pbx.banner)
    assert raw.endswith(said)
    assert len(Framer(tape=True).feed(raw)) == count


async def test_a_connection_that_breaks_is_made_again_and_told(pbx: ScriptedPbx, tmp_path: Path) -> None:
    """A cut is part of the story, not its end."""
    path = tmp_path / "x.jsonl"
    recording = asyncio.create_task(record(Site(pbx.port), path, 30.0))
    await pbx.until(lambda: pbx.logins == 1)
    pbx.cut()
    await pbx.until(lambda: pbx.logins == 2)
    recording.cancel()
    await asyncio.gather(recording, return_exceptions=True)
    marks = [line["mark"] for line in _lines(path) if "mark" in line]
    assert marks == ["start", "tcp-connected", "tcp-closed", "tcp-connected"]


async def test_a_refused_login_ends_it(pbx: ScriptedPbx, tmp_path: Path) -> None:
    """With the PBX's own words."""
    pbx.answers["Login"] = saying("Response: Error", "Message: Authentication failed")
    with pytest.raises(AmiError, match="Authentication failed"):
        await record(Site(pbx.port), tmp_path / "x.jsonl", 30.0)


async def test_a_recording_can_be_stopped(pbx: ScriptedPbx, tmp_path: Path) -> None:
    """When somebody has seen enough; what was heard until then is in the tape, which only its owner may read."""
    path, stop = tmp_path / "x.jsonl", asyncio.Event()
    recording = asyncio.create_task(record(Site(pbx.port), path, stop=stop))
    await pbx.until(lambda: pbx.count("DeviceStateList") == 1)
    await pbx.flushed(pbx.writer)
    stop.set()
    assert await recording == sum("event" in line for line in _lines(path)) > 5
    assert path.stat().st_mode & 0o077 == 0


async def test_a_recording_ends_after_its_time(pbx: ScriptedPbx, tmp_path: Path) -> None:
    """Where it is told for how long, nobody need stop it."""
    async with asyncio.timeout(GUARD):
        await record(Site(pbx.port), tmp_path / "x.jsonl", 0.05)


async def test_an_older_tape_is_not_overwritten(pbx: ScriptedPbx, tmp_path: Path) -> None:
    """A recording of a rare fault must not be lost by a second try."""
    path = tmp_path / "x.jsonl"
    path.write_text("precious")
    with pytest.raises(FileExistsError):
        await record(Site(pbx.port), path, 1.0)
    assert path.read_text() == "precious"
