"""The journal: what was appended is there after any crash, in order, within its bounds, for its owner alone."""

from __future__ import annotations

import resource
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.store.journal import Entry, Journal

RESERVE = 4096

bodies = st.text(max_size=40).map(lambda text: Entry(1_780_000_000.25, repr(text).encode()))
batches = st.lists(st.lists(bodies, min_size=1, max_size=4), max_size=6)


def left(path: Path, **options: int) -> tuple[list[Entry], Journal]:
    """What a new start finds."""
    journal = Journal(path, reserve=RESERVE, **options)
    return journal.open(), journal


def written(path: Path, some: list[list[Entry]]) -> int:
    """A journal with these batches; how many bytes of it count."""
    _, journal = left(path)
    for batch in some:
        assert journal.append(batch)
    journal.close()
    return journal.used


@given(batches, st.lists(bodies, min_size=1, max_size=4), st.data())
def test_crash_in_mid_write_costs_nothing_that_was_synced(
    synced: list[list[Entry]], last: list[Entry], data: st.DataObject
) -> None:
    """Cut off at any byte of the last append, all before it is read in order, and the next append follows it."""
    with tempfile.TemporaryDirectory() as folder:
        path, whole = Path(folder, "j"), Path(folder, "whole")
        used = written(path, synced)
        full = written(whole, [*synced, last])
        cut = data.draw(st.integers(used, full))
        content = whole.read_bytes()[:cut]
        path.write_bytes(content + bytes(data.draw(st.sampled_from([0, 1, RESERVE]))))
        before = [entry for batch in synced for entry in batch]
        found, journal = left(path)
        assert found[: len(before)] == before
        assert found[len(before) :] == last[: len(found) - len(before)]
        assert journal.spoilt == 0
        assert journal.append([Entry(1.0, b"next")])
        journal.close()
        again, journal = left(path)
        journal.close()
        assert again == [*found, Entry(1.0, b"next")]


@given(batches.filter(bool), st.data())
def test_spoilt_byte_costs_its_own_line_and_stops_nothing(some: list[list[Entry]], data: st.DataObject) -> None:
    """One byte of the file turned into another: at most the two lines it stood between are put aside."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "j")
        used = written(path, some)
        content = bytearray(path.read_bytes())
        at = data.draw(st.integers(0, used - 1))
        old = content[at]
        content[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != old))
        path.write_bytes(content)
        found, journal = left(path)
        journal.close()
        before = [entry for batch in some for entry in batch]
        gone = len(before) - len(found)
        assert gone <= 2
        assert found in [before[:n] + before[n + gone :] for n in range(len(before) + 1)]
        assert journal.spoilt + journal.torn >= 1 or not gone
        assert path.with_name("j.spoilt").exists() == (journal.spoilt > 0)


@given(batches)
def test_it_never_grows_past_its_limit(some: list[list[Entry]]) -> None:
    """What would pass the limit is refused whole, and what stands there stays."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "j")
        _, journal = left(path, limit=200)
        kept: list[Entry] = []
        for batch in some:
            if journal.append(batch):
                kept += batch
            assert journal.used <= 200
            assert path.stat().st_size <= 200
        journal.close()
        found, journal = left(path, limit=200)
        journal.close()
        assert found == kept


@given(batches, st.lists(bodies, max_size=6))
def test_rewritten_it_holds_what_it_was_told(some: list[list[Entry]], kept: list[Entry]) -> None:
    """After a rewriting, and after emptying, it holds exactly that; a half-made new file beside it is nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "j")
        written(path, some)
        path.with_name("j.new").write_bytes(b"half of a new fi")
        _, journal = left(path)
        assert journal.rewrite(kept)
        assert journal.append([Entry(2.0, b"behind")])
        journal.close()
        found, journal = left(path)
        assert found == [*kept, Entry(2.0, b"behind")]
        journal.clear()
        assert (journal.used, journal.oldest) == (0, None)
        assert journal.append([Entry(3.0, b"first")])
        journal.close()
        found, journal = left(path)
        journal.close()
        assert found == [Entry(3.0, b"first")]


def test_write_that_fails_half_way_leaves_no_half(tmp_path: Path) -> None:
    """The disk refuses in mid-write: that is raised, and what is appended later follows what stood there before."""
    path = tmp_path / "j"
    _, journal = left(path)
    assert journal.append([Entry(1.0, b"a")])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (RESERVE + 100, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            journal.append([Entry(2.0, b"b" * 2 * RESERVE)])
        assert journal.append([Entry(3.0, b"c" * (RESERVE // 2))]), "what is reserved is there however full the disk is"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert journal.append([Entry(4.0, b"d")])
    journal.close()
    found, journal = left(path)
    journal.close()
    assert [entry.at for entry in found] == [1.0, 3.0, 4.0]
    assert (journal.spoilt, journal.torn) == (0, 0)


def test_room_is_taken_beforehand(tmp_path: Path) -> None:
    """An empty journal has its reserve on the disk already, and keeps it when it is emptied."""
    path = tmp_path / "deep" / "j"
    _, journal = left(path)
    assert path.stat().st_blocks * 512 >= RESERVE
    assert journal.append([Entry(1.0, b"a" * 3 * RESERVE)])
    journal.clear()
    assert (path.stat().st_size, path.stat().st_blocks * 512 >= RESERVE) == (RESERVE, True)
    journal.close()


def test_it_is_its_owners_alone_and_one_process_has_it(tmp_path: Path) -> None:
    """File and what was put aside are readable by their owner only; a second opener is refused until the first ends."""
    path = tmp_path / "j"
    _, journal = left(path)
    journal.put_aside(b"odd")
    for name in ("j", "j.spoilt"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert (tmp_path / "j.spoilt").read_bytes() == b"odd\n"
    with pytest.raises(BlockingIOError):
        left(path)
    assert journal.rewrite([])
    with pytest.raises(BlockingIOError):
        left(path)
    journal.close()
    _, journal = left(path)
    journal.close()


def test_fact_that_is_no_line_is_refused(tmp_path: Path) -> None:
    """What could not be read back is not written."""
    _, journal = left(tmp_path / "j")
    for body in (b"a\nb", b"a\0"):
        with pytest.raises(ValueError, match="one line"):
            journal.append([Entry(1.0, body)])
    assert journal.used == 0
    journal.close()
