"""The follower: however the file is written, turned over, cut or the service restarted, each line is read once."""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cti.cli import main
from cti.history.ask import Question
from cti.history.calendar import Calendar
from cti.history.follower import CHUNK, Follower
from cti.history.queue_log import LogVisit, Rules
from cti.history.report import report
from cti.store import Store, StoreError
from tests.history.days import ZONE
from tests.history.logs import HIDDEN, one_long_log, recorded, tape_calls, visits_of

NOW = 1_795_400_000.0


class Site:
    """A log on disk and a store."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "queue_log"
        self.path.write_bytes(b"")
        self.url = f"sqlite:///{folder}/cti.db"
        self.store = Store.open(self.url)
        self.follower = self.new()

    def new(self) -> Follower:
        """A follower as after a restart: what it knows is what was saved."""
        self.follower = Follower(self.path, self.store, pbx="pbx", rules=Rules, clock=lambda: NOW, from_start=True)
        return self.follower

    def read(self) -> None:
        """All there is."""
        while self.follower.step():
            pass

    def write(self, content: bytes) -> None:
        """Asterisk appends."""
        with self.path.open("ab") as file:
            file.write(content)

    def rename(self, n: int, *, compress: bool = False) -> None:
        """logrotate: the old file gets another name, a new one begins."""
        old = self.path.with_name(f"queue_log.{n}")
        self.path.rename(old)
        if compress:
            packed = old.with_suffix(old.suffix + ".gz")
            packed.write_bytes(gzip.compress(old.read_bytes()))
            os.utime(packed, ns=(old.stat().st_mtime_ns, old.stat().st_mtime_ns))
            old.unlink()
        self.path.write_bytes(b"")

    def copy_and_cut(self, n: int) -> None:
        """logrotate with copytruncate."""
        self.path.with_name(f"queue_log.{n}").write_bytes(self.path.read_bytes())
        with self.path.open("r+b") as file:
            file.truncate(0)

    def visits(self) -> dict[str, LogVisit]:
        """What is kept."""
        return {visit.key: visit for visit in self.store.log_visits(0, NOW)}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """An empty log."""
    made = Site(tmp_path)
    yield made
    made.store.close()


LOG = one_long_log()
TRUTH = {visit.key: visit for visit in visits_of(LOG)[0]}


@pytest.mark.parametrize("seed", range(12))
def test_each_line_is_read_once_whatever_happens_to_the_file(site: Site, seed: int) -> None:
    """Written in torn pieces, renamed, packed, copied and cut, the service restarted: the visits are the same."""
    rng = random.Random(seed)
    at = turned = 0
    while at < len(LOG):
        piece = LOG[at : at + rng.randrange(1, 1500)]
        site.write(piece)
        at += len(piece)
        for _ in range(rng.randrange(3)):
            match rng.randrange(6):
                case 0:
                    site.new()
                case 1 | 2 | 3:
                    site.read()
                case _ if piece.endswith(b"\n") or LOG[:at].endswith(b"\n"):
                    turned += 1
                    site.read()  # a copy that is cut before it was read has lost its tail for good
                    kind = rng.randrange(3)
                    if kind == 2:
                        site.copy_and_cut(turned)
                    else:
                        site.rename(turned, compress=kind == 1)
                case _:
                    pass
    site.read()
    assert site.visits() == TRUTH
    assert site.store.quarantined() == []
    assert site.follower.counters["lost_files"] == 0


@pytest.mark.parametrize("compress", [False, True])
def test_what_was_written_before_a_rotation_is_read_after_it(site: Site, compress: bool) -> None:
    """Down over several rotations: the rest of the old file, the files between, then the new one."""
    lines = LOG.split(b"\n")
    parts = [b"\n".join(lines[n : n + 20]) + b"\n" for n in range(0, len(lines), 20)]
    site.write(parts[0])
    site.read()
    for number, part in enumerate(parts[1:], 1):
        site.write(part)
        if number < 4:
            site.rename(number, compress=compress)
            moment = 1_700_000_000 + number
            for file in site.path.parent.glob(f"queue_log.{number}*"):
                os.utime(file, (moment, moment))
    site.new()
    site.read()
    assert site.visits() == TRUTH


def test_a_file_that_is_gone_is_told(site: Site) -> None:
    """Where the former file cannot be found, that is counted; the new one is read."""
    lines = LOG.split(b"\n")
    site.write(b"\n".join(lines[:20]) + b"\n")
    site.read()
    site.path.unlink()
    site.path.write_bytes(b"\n".join(lines[20:]))
    site.read()
    assert site.follower.counters["lost_files"] == 1
    assert len(site.visits()) > 10


def test_place_and_rows_are_saved_together(site: Site) -> None:
    """A store that fails has neither: after it, the same lines are read again and nothing is double or missing."""
    site.write(LOG[: len(LOG) // 2].rpartition(b"\n")[0] + b"\n")
    save = site.store.save_log
    failures = 3

    def failing(*args: object, **more: object) -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise StoreError("忙", "busy", permanent=False)
        save(*args, **more)  # type: ignore[arg-type]

    site.store.save_log = failing  # type: ignore[method-assign]
    for _ in range(3):
        with pytest.raises(StoreError):
            site.read()
    site.read()
    site.write(LOG[len(site.path.read_bytes()) :])
    site.read()
    assert site.visits() == TRUTH


def test_without_a_place_reading_begins_at_the_end(site: Site) -> None:
    """At the first start the years before are not filled in; a line half written is waited for."""
    lines = LOG.split(b"\n")
    site.write(b"\n".join(lines[:40]) + b"\n" + lines[40][:7])
    follower = Follower(site.path, site.store, pbx="pbx", rules=Rules, clock=lambda: NOW)
    while follower.step():
        pass
    site.write(lines[40][7:] + b"\n" + b"\n".join(lines[41:]))
    while follower.step():
        pass
    told, expected = site.visits(), visits_of(b"\n".join(lines[40:]))[0]
    assert set(told) == {visit.key for visit in expected}
    assert follower.counters["lines_rejected"] == 0


def test_forged_lines_are_put_aside(site: Site) -> None:
    """Refused lines stand in the quarantine with their reason, once; the visits are those of the genuine ones."""
    lines = LOG.split(b"\n")
    forged = b"1|1795286731.1|x|y|CONNECT|1|1795286731.2|1"
    site.write(b"\n".join([*lines[:10], forged, *lines[10:]]))
    site.read()
    site.new()
    site.read()
    assert site.visits() == TRUTH
    (aside,) = site.store.quarantined()
    assert (aside.reason, aside.line) == ("time", forged.decode())


@pytest.mark.parametrize("ahead", [False, True])
def test_a_line_is_no_later_than_its_file(site: Site, ahead: bool) -> None:
    """A clock that stood still while the log went on makes no line a forgery; a line ahead of its own file is one."""
    enter = "|1795000000.7|brook|NONE|ENTERQUEUE||13500000001|1\n"
    site.write(f"{int(NOW) + (3600 if ahead else 60)}{enter}".encode())
    os.utime(site.path, (NOW + 60, NOW + 60))
    site.read()
    assert [visit.callid for visit in site.store.log_visits(0, 2 * NOW)] == ([] if ahead else ["1795000000.7"])


@pytest.mark.parametrize("junk", [b"x" * 9000, b"y" * (CHUNK + 5), b"z" * (3 * CHUNK), b"", b"\x00\xff|" * 4000])
def test_a_line_of_any_length_holds_nothing_up(site: Site, junk: bytes) -> None:
    """A line longer than a chunk, without sense or empty: it is passed over, and reading goes on and ends."""
    lines = LOG.split(b"\n")
    site.write(b"\n".join([*lines[:10], junk, *lines[10:]]))
    steps = 0
    while site.follower.step():
        steps += 1
        assert steps < 20
    site.new()
    site.read()
    assert site.visits() == TRUTH
    assert site.follower.counters["cuts"] == 0


@pytest.mark.parametrize(("recording", "scenario"), sorted(HIDDEN))
def test_the_store_is_completed_and_marked(site: Site, recording: str, scenario: str) -> None:
    """After a gap the reports count what queue_log counts, and say how many of it were filled in."""
    site.store.save_calls(list(tape_calls(recording, scenario)), "pbx")
    log = recorded()[recording, scenario]
    site.write(log)
    site.read()
    written = site.follower.settle()
    assert written > 0
    assert site.follower.settle() == 0
    question = Question(since_ms=1_795_000_000_000, until_ms=round(NOW * 1000), by="queue")
    told = report(question, site.store, Calendar(ZONE))
    assert told.total.values["backfilled"] == written
    for row in told.rows:
        theirs = [visit for visit in visits_of(log)[0] if visit.queue == row.key]
        for name, outcome in (("answered", "answered"), ("abandoned", "abandoned")):
            assert row.figures.values[name] == sum(visit.outcome == outcome for visit in theirs), (row.key, name)


def test_a_call_told_anew_behind_the_log_s_back_is_completed_again(site: Site) -> None:
    """Filled in while the link was down, then written by the core, which saw only its end: it is completed again."""
    recording, scenario = sorted(HIDDEN)[0]
    seen = {call.id: call for call in tape_calls(recording, scenario)}
    site.store.save_calls(list(seen.values()), "pbx")
    site.write(recorded()[recording, scenario])
    site.read()
    assert site.follower.settle() > 0
    filled = [call for call in site.store.calls_since(0.0) if call.visits != getattr(seen.get(call.id), "visits", ())]
    assert filled
    for call in filled:
        site.store.save_calls([msgspec.structs.replace(call, visits=(), talks=(), ended_at=None)], "pbx")
    assert site.follower.settle() == 0, "a call that still runs is the core's"
    for call in filled:
        site.store.save_calls([msgspec.structs.replace(call, visits=(), talks=())], "pbx")
    assert site.follower.settle() > 0
    for call in filled:
        again = site.store.call(call.id)
        assert again is not None
        assert [(v.queue, v.outcome, v.agent) for v in again.visits] == [
            (v.queue, v.outcome, v.agent) for v in call.visits
        ]
    assert site.follower.settle() == 0


def test_the_command_says_where_they_differ(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`cti reconcile` exits with 0 where ours are the PBX's, else with 1 and a line for each difference."""
    config = tmp_path / "cti.toml"
    config.write_text(
        f'[pbx]\nhost = "127.0.0.1"\nusername = "u"\nsecret = "s"\n[store]\nurl = "{site.url}"\n', encoding="utf-8"
    )
    log = tmp_path / "given"
    log.write_bytes(gzip.compress(recorded()["22", "wrapup"]))
    calls = list(tape_calls("22", "wrapup"))
    site.store.save_calls(calls, "pbx")
    given = ["reconcile", "--config", str(config), "--from", "2026-11-21", "--to", "2026-11-22", "--interval", "hour"]
    assert main([*given, "--log", str(log)]) == 0
    assert "2 visits found in both, 0 differences, 0 lines refused" in capsys.readouterr().out
    site.store.drop_calls([calls[0].id])
    assert main([*given, "--log", str(log)]) == 1
    said = capsys.readouterr().out
    assert "<-- differs" in said
    assert f"missing: {calls[0].visits[0].queue}" in said
    site.write(recorded()["22", "wrapup"])
    site.read()
    assert main(given) == 1
    site.follower.settle()
    assert main(given) == 0
    assert main(["reconcile", "--config", str(config), "--from", "soon"]) == 2
    assert main([*given, "--log", str(tmp_path / "absent")]) == 2
