"""Copies taken while the service writes: whole, of one moment, and what is restored from them works."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from cti.calls.record import Call
from cti.cli import main
from cti.store import Store
from cti.store.backup import copy
from tests.servers.postgresql import OWNER, Postgresql

T0 = 1_780_000_000.0
GUARD_S = 60.0


def call(number: int) -> Call:
    """One call of a long series: the store holds its beginning or more of it, never a part without it."""
    return Call(
        id=f"c-{number}",
        direction="inbound",
        caller=f"{number}",
        dialed=None,
        started_at=T0 + number,
        ended_at=T0 + number,
        refused=(),
        visits=(),
        talks=(),
        transfers=(),
    )


@contextmanager
def writing(store: Store) -> Iterator[threading.Event]:
    """Somebody writes one call after the other, two to a transaction; the event tells that some are there."""
    stop, some = threading.Event(), threading.Event()

    def work() -> None:
        number = 0
        while not stop.is_set():
            store.save_calls([call(number), call(number + 1)], "hq")
            number += 2
            if number >= 100:
                some.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert some.wait(GUARD_S)
        yield some
    finally:
        stop.set()
        thread.join(GUARD_S)


def check_whole(store: Store) -> int:
    """How many calls the store has: an even number, all from the first on."""
    store.check()
    with store.database.read() as connection:
        ids = set(connection.execute(sa.text("SELECT id FROM call")).scalars())
    assert ids == {f"c-{number}" for number in range(len(ids))}
    assert len(ids) % 2 == 0, "half a transaction was copied"
    return len(ids)


def settings(folder: Path) -> Path:
    """A settings file of SQLite databases in this folder."""
    file = folder / "cti.toml"
    file.write_text(
        '[pbx]\nhost = "127.0.0.1"\nusername = "u"\nsecret = "s"\n'
        f'[store]\nurl = "sqlite:///{folder}/cti.db"\n[crm]\nurl = "sqlite:///{folder}/crm.db"\n'
    )
    return file


def test_backup_taken_while_calls_are_written_restores_to_one_moment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`cti backup` beside a busy writer; the copies start as databases of their own, and hold no half transaction."""
    with sqlite3.connect(tmp_path / "crm.db") as crm:
        crm.execute("CREATE TABLE party (id)")
    crm.close()
    config = settings(tmp_path)
    store = Store.open(f"sqlite:///{tmp_path}/cti.db")
    try:
        with writing(store):
            for turn in range(5):
                assert main(["backup", str(tmp_path / f"kept-{turn}"), "--config", str(config)]) == 0
    finally:
        store.close()
    said = capsys.readouterr().out
    assert "ok    store" in said
    assert "ok    crm" in said
    counts = []
    for turn in range(5):
        kept = tmp_path / f"kept-{turn}"
        assert sorted(file.name for file in kept.iterdir()) == ["crm.db", "cti.db"]
        assert os.stat(kept / "cti.db").st_mode & 0o077 == 0, "others may read it"
        restored = Store.open(f"sqlite:///{kept}/cti.db")
        counts.append(check_whole(restored))
        restored.save_calls([call(10**6)], "hq")
        restored.close()
    assert counts == sorted(counts)
    assert counts[0] >= 100


def test_plain_copy_of_a_file_in_use_is_no_backup(tmp_path: Path) -> None:
    """Broken build: with the file copied as it lies there, what the writer had in its WAL is not in it."""
    store = Store.open(f"sqlite:///{tmp_path}/cti.db")
    store.save_calls([call(0), call(1)], "hq")
    (tmp_path / "plain.db").write_bytes((tmp_path / "cti.db").read_bytes())
    copy(tmp_path / "cti.db", tmp_path / "good.db")
    store.close()
    for name, count in (("plain", 0), ("good", 2)):
        with sqlite3.connect(tmp_path / f"{name}.db") as found:
            try:
                rows = found.execute("SELECT count(*) FROM call").fetchone()[0]
            except sqlite3.DatabaseError:
                rows = 0
        found.close()
        assert rows == count


def test_backup_never_writes_over_another_and_leaves_nothing_half(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second one into the same folder, a damaged original, a missing one: code 1, words, and no file."""
    config = settings(tmp_path)
    Store.open(f"sqlite:///{tmp_path}/cti.db").close()
    kept = tmp_path / "kept"
    assert main(["backup", str(kept), "--config", str(config)]) == 1, "there is no crm.db"
    assert "crm.db" in capsys.readouterr().err
    assert [file.name for file in kept.iterdir()] == ["cti.db"]
    before = (kept / "cti.db").stat().st_mtime_ns
    assert main(["backup", str(kept), "--config", str(config)]) == 1
    assert (kept / "cti.db").stat().st_mtime_ns == before
    spoilt = bytearray((kept / "cti.db").read_bytes())
    spoilt[4096:9000] = os.urandom(9000 - 4096)
    (tmp_path / "cti.db").write_bytes(spoilt)
    again = tmp_path / "again"
    assert main(["backup", str(again), "--config", str(config)]) == 1
    assert list(again.iterdir()) == []


def test_dump_of_postgresql_taken_while_calls_are_written_restores_to_one_moment(
    postgresql: Postgresql, tmp_path: Path
) -> None:
    """The two commands of docs/howto/backup.md, beside a busy writer."""
    url = postgresql.create("kept")
    store = Store.open(url)
    store.migrate()
    environment = dict(postgresql.place.environment)
    programs = next(postgresql.place.root.glob("usr/lib/postgresql/*/bin"))

    def run(*words: str) -> None:
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=GUARD_S)
        assert done.returncode == 0, done.stderr

    where = ("-h", "127.0.0.1", "-p", str(postgresql.port), "-U", OWNER)
    try:
        with writing(store):
            run(str(programs / "pg_dump"), *where, "--format=custom", f"--file={tmp_path}/kept.dump", "kept")
    finally:
        store.close()
    again = postgresql.create("again")
    run(str(programs / "pg_restore"), *where, "--no-owner", "--dbname=again", f"{tmp_path}/kept.dump")
    restored = Store.open(again)
    assert check_whole(restored) >= 100
    restored.close()
