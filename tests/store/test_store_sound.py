"""A SQLite store that is not what it was is not started on: what is wrong is said, and nothing is made anew (F18)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crm_bridge.embedded import EmbeddedCrm
from cti.store import Claim, Store, StoreError
from cti.store.base import require_room
from tests.store.records import call

CALLS = 40
_KILLED = """
import os, sys
from crm_bridge.embedded import EmbeddedCrm
from cti.store import Claim, Store
from tests.store.records import call
url = sys.argv[1]
Claim.take(url)
store = Store.open(url)
for n in range(int(sys.argv[2])):
    store.save_calls([call(f"c{n}")], "p")
os.kill(os.getpid(), 9)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a service leaves that was killed in mid-work."""
    folder = tmp_path_factory.mktemp("killed")
    words = [sys.executable, "-c", _KILLED, f"sqlite:///{folder}/cti.db", str(CALLS)]
    done = subprocess.run(words, check=False)
    assert done.returncode == -9
    assert (folder / "cti.db-wal").stat().st_size > 100_000
    return folder


@pytest.fixture
def left(killed: Path, tmp_path: Path) -> Path:
    """A test's own copy of it."""
    return Path(shutil.copytree(killed, tmp_path / "left"))


def started(folder: Path) -> int:
    """Start on it; how many calls are there. Raises StoreError."""
    url = f"sqlite:///{folder}/cti.db"
    claim = Claim.take(url)
    store = Store.open(url)
    found = len(store.calls_since(0))
    store.close()
    claim.release()
    return found


def test_what_was_killed_is_started_on_with_all_it_had(left: Path) -> None:
    """A log that is whole is no reason to refuse: after `kill -9` every committed call is there."""
    assert started(left) == CALLS
    assert started(left) == CALLS


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _cut_last_frame(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 100)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40
    path.write_bytes(content)


def _head(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[17] ^= 0x40
    path.write_bytes(content)


@pytest.mark.parametrize("spoil", [_cut, _cut_last_frame, _flip, _head, Path.unlink, lambda path: os.truncate(path, 0)])
def test_log_that_lost_what_was_committed_is_refused_until_somebody_decides(
    left: Path, spoil: Callable[[Path], None]
) -> None:
    """A cut, spoilt or missing log would lose calls without a word: refused, every time, with what can be done."""
    spoil(left / "cti.db-wal")
    for _ in range(2):
        with pytest.raises(StoreError, match="备份") as refused:
            started(left)
        assert refused.value.permanent
        assert "cti.db-shm" in refused.value.text_en
    (left / "cti.db-shm").unlink()
    assert started(left) < CALLS, "nothing was lost, so there was nothing to refuse"


def test_after_the_machine_went_down_the_end_of_the_log_may_be_missing(left: Path) -> None:
    """Power loss may take the end of the log by right: of another boot nothing is concluded, what is left serves."""
    _cut(left / "cti.db-wal")
    (left / "cti.db.lock").write_text("another-boot\n")
    assert 0 < started(left) < CALLS


def _whole(left: Path) -> Path:
    """The same, put in order: everything in one file."""
    started(left)
    return left / "cti.db"


@pytest.mark.parametrize("at", [0, 100, 4096 * 3])
def test_spoilt_file_is_refused(left: Path, at: int) -> None:
    """Bytes of the head, of the list of tables or of a page turned into others: refused, the file stays as it is."""
    path = _whole(left)
    content = bytearray(path.read_bytes())
    content[at : at + 64] = bytes(byte ^ 0xFF for byte in content[at : at + 64])
    path.write_bytes(content)
    with pytest.raises(StoreError, match="备份"):
        started(left)
    assert path.read_bytes() == content


def test_file_that_was_cut_is_refused(left: Path) -> None:
    """Half of the database is no database."""
    path = _whole(left)
    _cut(path)
    with pytest.raises(StoreError, match="备份"):
        started(left)


@pytest.mark.parametrize("gone", [Path.unlink, lambda path: path.write_bytes(b"")])
def test_database_that_is_gone_is_not_made_anew(left: Path, gone: Callable[[Path], object]) -> None:
    """Where a store was in use, a missing or empty file is refused: calls would be lost without a word."""
    path = _whole(left)
    gone(path)
    with pytest.raises(StoreError, match=r"cti\.db\.lock"):
        started(left)
    assert not path.exists() or path.stat().st_size == 0
    (left / "cti.db.lock").unlink()
    assert started(left) == 0


@pytest.mark.parametrize("spoil", [Path.unlink, _cut, lambda path: path.write_bytes(b"")])
def test_customers_beside_the_store_are_looked_at_too(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    """The customers' own file is neither started on spoilt nor made anew, though only the store's has a lock."""
    store, customers = f"sqlite:///{tmp_path}/cti.db", f"sqlite:///{tmp_path}/crm.db"
    Claim.take(store, customers).release()
    Store.open(store).close()
    EmbeddedCrm(customers).close()
    Claim.take(store, customers).release()
    spoil(tmp_path / "crm.db")
    for _ in range(2):
        with pytest.raises(StoreError, match=r"crm\.db"):
            Claim.take(store, customers)
    Claim.take(store, "postgresql://somewhere/else").release()


def test_first_start_makes_the_store(tmp_path: Path) -> None:
    """Where nothing ever was, a store is made, also where a start before this one did not get so far."""
    Claim.take(f"sqlite:///{tmp_path}/cti.db").release()
    assert started(tmp_path) == 0
    store = Store.open(f"sqlite:///{tmp_path}/cti.db")
    store.save_calls([call()], "p")
    store.close()
    assert started(tmp_path) == 1


def test_the_program_says_what_is_wrong_and_ends(left: Path) -> None:
    """`cti run` on a log that was cut: words for people in both languages, code 1, and no file is touched."""
    _cut(left / "cti.db-wal")
    config = left / "cti.toml"
    config.write_text(
        f'[pbx]\nhost = "127.0.0.1"\nport = 1\nusername = "u"\nsecret = "s"\n[store]\nurl = "sqlite:///{left}/cti.db"\n'
        "[web]\nport = 0\n[push]\nport = 0\n"
    )
    before = {name: (left / name).read_bytes() for name in ("cti.db", "cti.db-wal", "cti.db-shm")}
    words = [sys.executable, "-m", "cti", "run", "--config", str(config)]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    for word in ("已提交的数据读不全", "请从备份恢复", "not all that was committed can be read", "restore a backup"):
        assert word in done.stderr
    assert {name: (left / name).read_bytes() for name in before} == before


def test_disk_without_room_is_no_disk_to_write_to(tmp_path: Path) -> None:
    """A full or read-only disk counts as a store that does not work, before any call has to find out."""
    require_room(1000, 1 << 30, read_only=False)
    require_room(0, 0, read_only=False)
    with pytest.raises(StoreError, match="满"):
        require_room(1000, 4096, read_only=False)
    with pytest.raises(StoreError, match="只读"):
        require_room(1000, 1 << 30, read_only=True)
    store = Store.open(f"sqlite:///{tmp_path}/cti.db")
    store.check()
    store.close()
