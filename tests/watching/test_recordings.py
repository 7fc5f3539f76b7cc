"""Recordings: found by their call, never outside the folder, heard by right, each listening written down."""

from __future__ import annotations

import os
import wave
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from cti.auth import Identity
from cti.calls.record import Call, Talk
from cti.recordings.desk import RecordingDesk
from cti.recordings.files import Files
from cti.recordings.ranges import Unsatisfiable, range_of
from cti.recordings.sheets import DEFAULT, by_agent, fault, share
from cti.settings.watching import RecordingSettings
from cti.store import Store
from cti.web.ports import Refusal
from cti.web.ports.watching import FormWish, MarkWish, ScoreWish
from cti.wire.watching import Criterion
from tests.watching.kit import NOW, run, store_in, who

ZONE = ZoneInfo("Asia/Shanghai")
CALL = "pbx-1700000000.12"
PATTERNS = ("%Y/%m/%d/*{call}*", "*{call}*")


def _sound(path: Path, seconds: float = 1.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\1" * round(8000 * seconds))
    return path


def _call(*talks: tuple[str, str], id: str = CALL) -> Call:
    return Call(
        id=id,
        direction="inbound",
        caller="13505741300",
        dialed="4000001313",
        started_at=NOW,
        ended_at=NOW + 90,
        refused=(),
        visits=(),
        talks=tuple(Talk(interface=phone, agent=agent, from_=NOW + 10, to=NOW + 80) for phone, agent in talks),
        transfers=(),
    )


class Here:
    """A desk over a store and a folder of recordings."""

    def __init__(self, folder: Path) -> None:
        self.sounds = folder / "monitor"
        self.sounds.mkdir()
        self.store: Store = store_in(folder)
        self.store.save_calls([_call(("PJSIP/8001", "陈"))], "pbx")
        self.store.note_teams(self.store.teams(), NOW - 1000)
        self.now = NOW + 1000
        self.desk = self.desk_of(self.sounds)

    def desk_of(self, folder: Path) -> RecordingDesk:
        """A desk over that folder."""
        return RecordingDesk(
            RecordingSettings(folder=str(folder), patterns=PATTERNS, notice=True),
            self.store,
            run=run,
            zone=ZONE,
            phones=lambda login: ("PJSIP/8001",) if login == "chen" else (),
            clock=lambda: self.now,
        )

    def listenings(self) -> list[tuple[str, str, str]]:
        """(user, call, file) of every listening in the audit, newest first."""
        return [(row.user, row.subject, row.detail) for row in self.store.audit() if row.action == "listen"]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    """One of those."""
    made = Here(tmp_path)
    yield made
    made.store.close()


WU = who("wu", "supervisor")


def test_a_recording_is_found_by_its_calls_key_and_by_no_longer_one(tmp_path: Path) -> None:
    """By day and name, also after midnight; 1700000000.12 is not in 1700000000.123; only what browsers play."""
    files = Files(str(tmp_path), PATTERNS, ZONE)
    late = 1_700_063_990.0  # 23:59:50 in Shanghai
    _sound(tmp_path / "2023/11/15" / f"q-400-{CALL}.wav", 2.5)
    _sound(tmp_path / "2023/11/16" / f"{CALL}-part2.wav")
    _sound(tmp_path / f"in-{CALL}.WAV")
    for other in ("pbx-1700000000.123", "apbx-1700000000.12", "pbx-1700000000.12.5"):
        _sound(tmp_path / f"{other}.wav")
    (tmp_path / f"{CALL}.txt").write_text("no sound")
    found = files.find(CALL, late)
    assert sorted(one.name for one in found) == [f"in-{CALL}.WAV", f"{CALL}-part2.wav", f"q-400-{CALL}.wav"]
    assert {one.seconds for one in found} == {1.0, 2.5}
    assert len({one.id for one in found}) == 3
    assert files.find(CALL, None)[0].name == f"in-{CALL}.WAV"


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "..", ".", "", "a/b", "a\x00b", "*", "[a-z]", "x" * 151, "1?2", "%Y", "a b", "$(id)"]
)
def test_a_key_that_is_no_uniqueid_finds_nothing(tmp_path: Path, key: str) -> None:
    """Whatever stands in a call's key, nothing outside and nothing foreign is found."""
    _sound(tmp_path / "monitor/a.wav")
    _sound(tmp_path / "secret.wav")
    assert Files(str(tmp_path / "monitor"), ("*{call}*", "{call}", "{call}/a.wav"), ZONE).find(key, NOW) == []


def test_links_lead_nowhere(tmp_path: Path) -> None:
    """A linked file, a linked folder, a pipe: not found; a file that becomes a link afterwards is not opened."""
    monitor = tmp_path / "monitor"
    outside = _sound(tmp_path / f"outside-{CALL}.wav")
    (tmp_path / "other").mkdir()
    _sound(tmp_path / "other" / f"{CALL}.wav")
    monitor.mkdir()
    (monitor / f"link-{CALL}.wav").symlink_to(outside)
    (monitor / "2023").symlink_to(tmp_path / "other")
    os.mkfifo(monitor / f"pipe-{CALL}.wav")
    files = Files(str(monitor), ("*{call}*", "2023/*{call}*"), ZONE)
    assert files.find(CALL, NOW) == []
    real = _sound(monitor / f"real-{CALL}.wav")
    (found,) = files.find(CALL, NOW)
    os.close(files.open(found).fd)
    real.unlink()
    real.symlink_to(outside)
    with pytest.raises(OSError, match="symbolic"):
        files.open(found)
    real.unlink()
    os.mkfifo(real)
    with pytest.raises(OSError, match="real-"):
        files.open(found)


async def test_each_listening_is_written_down_before_a_byte_is_read(here: Here) -> None:
    """One row a listening however many parts are fetched; the ticket is that session's and ends."""
    _sound(here.sounds / f"{CALL}.wav")
    told = await here.desk.of_call(WU, CALL)
    assert told.may_listen
    assert told.notice
    (recording,) = told.recordings
    assert (recording.type, recording.seconds, recording.bytes) == ("audio/wav", 1.0, 16044)
    assert here.listenings() == []
    ticket, until = await here.desk.listen(WU, CALL, recording.id)
    assert here.listenings() == [("wu", CALL, f"{CALL}.wav")]
    for part in ((0, 100), (100, 16044)):
        sound = await here.desk.open(WU, ticket)
        assert len(b"".join([piece async for piece in sound.read(*part)])) == part[1] - part[0]
        sound.close()
    assert len(here.listenings()) == 1
    for thief in (who("wu", "supervisor", "another"), who("li", "supervisor", "s2")):
        with pytest.raises(Refusal) as refused:
            await here.desk.open(thief, ticket)
        assert refused.value.status == 404
    await here.desk.set_right(who("root", "admin"), "wu", ["二组"])
    with pytest.raises(Refusal) as refused:
        await here.desk.open(WU, ticket)
    assert refused.value.status == 403, "a right that was withdrawn ends what is being heard"
    await here.desk.set_right(who("root", "admin"), "wu", ["一组"])
    here.now = until + 1
    with pytest.raises(Refusal):
        await here.desk.open(WU, ticket)
    with pytest.raises(Refusal):
        await here.desk.listen(WU, CALL, "nonsense")


async def test_without_the_audit_there_is_no_sound(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store refuses the row: no ticket is made."""
    _sound(here.sounds / f"{CALL}.wav")
    (recording,) = (await here.desk.of_call(WU, CALL)).recordings

    def away(*row: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(here.store, "add_audit", away)
    with pytest.raises(OSError, match="disk full"):
        await here.desk.listen(WU, CALL, recording.id)
    assert len(here.desk._tickets) == 0


async def test_who_may_hear_is_told_by_the_teams_of_that_time(here: Here) -> None:
    """One's own team without further words; a granted list instead; '*' for all; the agent's team of the call's day."""
    _sound(here.sounds / f"{CALL}.wav")
    wu = who("wu", "supervisor")

    async def hears(identity: Identity, call: str = CALL) -> bool:
        told = await here.desk.of_call(identity, call)
        assert told.may_listen or (told.recordings == () and told.marks == () and told.why and told.why_en)
        return told.may_listen

    root = who("root", "admin")
    assert await hears(wu)
    await here.desk.set_right(root, "wu", ["二组"])
    assert not await hears(wu)
    for refused in (
        here.desk.listen(wu, CALL, "x"),
        here.desk.mark(wu, CALL, MarkWish(at_s=1, text="x")),
        here.desk.score(wu, CALL, ScoreWish(form=0, points={})),
    ):
        with pytest.raises(Refusal) as caught:
            await refused
        assert caught.value.status == 403
    here.store.move("chen", "二组", NOW + 500)  # after the call
    assert not await hears(wu)
    here.store.move("chen", "二组", NOW - 500)  # before it, said afterwards
    assert await hears(wu)
    await here.desk.set_right(root, "wu", [])
    assert not await hears(wu)
    here.store.save_calls([_call(id="pbx-1700000000.99")], "pbx")
    await here.desk.set_right(root, "wu", ["一组", "二组"])
    assert not await hears(wu, "pbx-1700000000.99"), "nobody of a team talked"
    await here.desk.set_right(root, "wu", ["*"])
    assert await hears(wu, "pbx-1700000000.99")
    rights = {right.login: right.teams for right in await here.desk.rights()}
    assert rights == {"wu": ("*",)}
    assert [row.action for row in here.store.audit()].count("listen_right") == 4
    with pytest.raises(Refusal):
        await here.desk.of_call(wu, "../x")


async def test_marks_and_sheets_belong_to_their_writer(here: Here) -> None:
    """A mark is taken back by who made it; a sheet is one a scorer, fits the form, and counts for the agent."""
    mark = await here.desk.mark(WU, CALL, MarkWish(at_s=12.5, kind="train", text=" 先问箱型 "))
    assert (mark.text, mark.by) == ("先问箱型", "wu")
    with pytest.raises(Refusal):
        await here.desk.unmark(who("li", "supervisor"), mark.id)
    await here.desk.unmark(WU, mark.id)
    for bad in (MarkWish(at_s=-1, text="x"), MarkWish(at_s=1, text=" "), MarkWish(at_s=1, text="x" * 501)):
        with pytest.raises(Refusal):
            await here.desk.mark(WU, CALL, bad)
    full = {one.key: one.max for one in DEFAULT.criteria}
    for wrong in ({}, {**full, "x": 1}, {**full, "need": 6}, {**full, "need": -1}):
        with pytest.raises(Refusal) as refused:
            await here.desk.score(WU, CALL, ScoreWish(form=0, points=wrong))
        assert refused.value.status == 422
    await here.desk.score(WU, CALL, ScoreWish(form=0, points={**full, "need": 0}))
    score = await here.desk.score(WU, CALL, ScoreWish(form=0, points=full, remark="好"))
    assert (score.agent, score.share, score.called_at) == ("陈", 1.0, NOW)
    scores = await here.desk.scores(WU, {"from": "2023-11-01", "to": "2023-11-30"})
    assert [(a.agent, a.sheets, a.share) for a in scores.agents] == [("陈", 1, 1.0)]
    mine = await here.desk.scores(who("chen", "agent"), {"from": "2023-11-01", "to": "2023-11-30"})
    assert [(s.call, s.by) for s in mine.scores] == [(CALL, "")]
    assert (await here.desk.scores(who("sun", "agent"), {"from": "2023-11-01", "to": "2023-11-30"})).scores == ()
    form = await here.desk.set_form(WU, FormWish(title="新表", criteria=(Criterion(key="a", label="一"),)))
    assert form.version == 1
    with pytest.raises(Refusal) as refused:
        await here.desk.score(WU, CALL, ScoreWish(form=0, points=full))
    assert refused.value.status == 409
    assert (await here.desk.scores(WU, {"from": "2023-11-01", "to": "2023-11-30"})).agents[0].criteria["need"] == 1.0


def test_ranges_are_those_of_the_rfc() -> None:
    """First, last, open ended; nonsense and several ranges are the whole; beyond the end is unsatisfiable."""
    assert range_of("bytes=0-0", 10) == (0, 1)
    assert range_of("bytes=5-", 10) == (5, 10)
    assert range_of("bytes=-3", 10) == (7, 10)
    assert range_of("bytes=-30", 10) == (0, 10)
    assert range_of("bytes=2-300", 10) == (2, 10)
    for whole in (None, "", "bytes=", "bytes=-", "bytes=5-2", "items=0-1", "bytes=0-1,3-4", "bytes=a-b", "bytes=٣-٤"):
        assert range_of(whole, 10) is None
    for beyond in ("bytes=10-", "bytes=11-12", "bytes=-0"):
        with pytest.raises(Unsatisfiable):
            range_of(beyond, 10)
    with pytest.raises(Unsatisfiable):
        range_of("bytes=0-", 0)


def test_a_sheet_is_weighted_and_a_form_is_looked_at() -> None:
    """Weights count; a sheet that misses a line is none; forms are bounded."""
    points = {one.key: 0 for one in DEFAULT.criteria}
    assert share(DEFAULT, points) == 0.0
    assert share(DEFAULT, {**points, "need": 5}) == round(2 / 7, 4)
    assert fault("t", DEFAULT.criteria) is None
    one = Criterion(key="a", label="一")
    for title, criteria in (
        ("", (one,)),
        ("t", ()),
        ("t", (one, one)),
        ("t", (msgspec.structs.replace(one, key="A b"),)),
        ("t", (msgspec.structs.replace(one, max=11),)),
        ("t", (msgspec.structs.replace(one, weight=0.0),)),
        ("t", (msgspec.structs.replace(one, label=""),)),
    ):
        assert fault(title, criteria) is not None
    assert by_agent([], {}) == []
