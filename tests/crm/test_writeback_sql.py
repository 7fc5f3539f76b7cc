"""What is typed here reaches the site's CRM by its own SQL, once, and rules that could double are refused."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crm_bridge import sql
from crm_bridge.model import CrmError
from crm_bridge.writeback import Delivery, Outbox, Outcome, Pace, Rules, WriteBack, rules_of, targets
from crm_bridge.writeback.rules import RulesError, names_in
from crm_bridge.writeback.sql_target import SqlTarget
from tests.crm.writeback_crm import Whose

NOTE = {
    "exists": "SELECT id FROM notes WHERE ext = :key",
    "sql": "INSERT INTO notes (ext, customer, words, made) VALUES (:key, :party_id, :text, :at_local)",
}
QUICK = Pace(base_s=0.005, cap_s=0.02)


@pytest.fixture
def theirs(tmp_path: Path) -> str:
    """URL of their database; it has a table for notes without any unique index."""
    with sqlite3.connect(tmp_path / "theirs.db") as connection:
        connection.execute(
            "CREATE TABLE notes (id INTEGER PRIMARY KEY, ext TEXT, customer TEXT, words TEXT, made TEXT, rev INTEGER)"
        )
        connection.execute("CREATE TABLE links (note INTEGER, customer TEXT)")
    return f"sqlite:///{tmp_path}/theirs.db"


def notes(tmp_path: Path) -> list[Any]:
    """Their rows."""
    with sqlite3.connect(tmp_path / "theirs.db") as connection:
        return connection.execute("SELECT ext, customer, words, made FROM notes ORDER BY id").fetchall()


def delivery(**rest: Any) -> Delivery:
    """A note on its way."""
    values: dict[str, Any] = {
        "key": "note:n1",
        "revision": 1,
        "kind": "note",
        "party": None,
        "payload": {"text": "急单", "at": 1_780_000_000.0},
        "attempts": 0,
        "created_at": 1_780_000_000.0,
        **rest,
    }
    return Delivery(**values)


def target(url: str, **rest: Any) -> SqlTarget:
    """Notes by SQL."""
    rules = Rules.parse({"database": url, "note": {**NOTE, **rest}})
    return SqlTarget(sql.Database(url, busy_s=0.1), rules.by_sql)


def test_twice_is_once(theirs: str, tmp_path: Path) -> None:
    """The same intent written twice is one row, and both times its id there is told."""
    crm = target(theirs)
    assert [crm.write(delivery()) for _ in range(3)] == [Outcome(external_id="1")] * 3
    assert notes(tmp_path) == [("note:n1", None, "急单", "2026-05-29 04:26:40.000000")]


def test_hostile_words_are_only_words(theirs: str, tmp_path: Path) -> None:
    """Quotes, comments and statements in a value are stored as they stand."""
    words = "'); DROP TABLE notes; -- \" :key ? %s {x}"
    target(theirs).write(delivery(payload={"text": words, "at": None}))
    assert notes(tmp_path)[0][2] == words


def test_several_statements_are_one_transaction(theirs: str, tmp_path: Path) -> None:
    """Where the second statement fails the first is taken back, and a later try writes both."""
    both = [NOTE["sql"], "INSERT INTO links (note, customer) SELECT id, :party_id FROM notes WHERE ext = :key"]
    with sqlite3.connect(tmp_path / "theirs.db") as other:
        other.execute("ALTER TABLE links RENAME TO away")
    crm = target(theirs, sql=both)
    with pytest.raises(CrmError) as caught:
        crm.write(delivery())
    assert "notes" not in caught.value.text + caught.value.text_en
    assert notes(tmp_path) == []
    with sqlite3.connect(tmp_path / "theirs.db") as other:
        other.execute("ALTER TABLE away RENAME TO links")
    crm.write(delivery(party=Whose(id="77")))
    assert [row[:3] for row in notes(tmp_path)] == [("note:n1", "77", "急单")]


def test_a_statement_that_loses_the_key_is_taken_back(theirs: str, tmp_path: Path) -> None:
    """A statement after which the key cannot be found is rolled back and refused: it would write at every try."""
    crm = target(theirs, sql="INSERT INTO notes (ext, words) VALUES (lower(:key) || 'x', :text)")
    with pytest.raises(CrmError) as caught:
        crm.write(delivery())
    assert caught.value.permanent
    assert notes(tmp_path) == []


def test_a_later_revision_updates_or_is_refused_visibly(theirs: str, tmp_path: Path) -> None:
    """A change of what is there already runs the update statement; without one it is refused, never dropped."""
    crm = target(theirs)
    crm.write(delivery())
    later = delivery(revision=2, payload={"text": "改了", "at": None})
    with pytest.raises(CrmError) as caught:
        crm.write(later)
    assert caught.value.permanent
    target(theirs, update="UPDATE notes SET words = :text WHERE ext = :key").write(later)
    assert [row[2] for row in notes(tmp_path)] == ["改了"]


def test_a_key_somebody_else_wrote_meanwhile_counts(theirs: str, tmp_path: Path) -> None:
    """Where a unique index refuses a key that is there by now, the intent is done."""
    with sqlite3.connect(tmp_path / "theirs.db") as other:
        other.execute("CREATE UNIQUE INDEX once ON notes (ext)")
        other.execute("INSERT INTO notes (ext, words) VALUES ('note:n1', '早')")
    # An `exists` that looks at a stale view stands for the other service's transaction.
    crm = target(theirs, exists="SELECT id FROM notes WHERE ext = :key AND (words = '早' OR :revision = 9)")
    assert crm.write(delivery()).external_id == "1"
    assert len(notes(tmp_path)) == 1


def test_many_services_at_once_write_once(theirs: str, tmp_path: Path) -> None:
    """Eight threads with the same intent at the same moment leave one row."""
    start = threading.Barrier(8)
    told: list[Outcome] = []
    crms = [SqlTarget(sql.Database(theirs), Rules.parse({"database": theirs, "note": NOTE}).by_sql) for _ in range(8)]

    def write(crm: SqlTarget) -> None:
        start.wait()
        told.append(crm.write(delivery()))

    threads = [threading.Thread(target=write, args=(crm,)) for crm in crms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [Outcome(external_id="1")] * 8
    assert len(notes(tmp_path)) == 1


async def test_a_locked_database_is_waited_for(theirs: str, tmp_path: Path) -> None:
    """While another program holds their database, intents wait and say why; then each is written once."""
    outbox = Outbox(sql.Database(f"sqlite:///{tmp_path}/outbox.db"))
    worker = WriteBack(outbox, target(theirs), pace=QUICK)
    with sqlite3.connect(tmp_path / "theirs.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        task = asyncio.create_task(worker.run())
        for n in range(5):
            outbox.put("note", f"n{n}", Whose(id=str(n)), {"text": str(n), "at": 0.0})
        await _until(lambda: outbox.counts().retrying > 0)
        assert outbox.entries()[0].error.startswith("客户库没有写入")
        other.execute("ROLLBACK")
    await _until(lambda: outbox.counts().done == 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert sorted(row[0] for row in notes(tmp_path)) == [f"note:n{n}" for n in range(5)]


async def test_a_crash_between_their_commit_and_our_note_of_it_is_harmless(theirs: str, tmp_path: Path) -> None:
    """Written there, not yet noted here, started anew: the row is found by its key and stays one."""
    outbox = Outbox(sql.Database(f"sqlite:///{tmp_path}/outbox.db"))
    outbox.put("note", "n1", Whose(), {"text": "x", "at": 0.0})
    (taken,) = outbox.claim("writeback", 1, 600.0)
    target(theirs).write(taken)  # and here the power went
    worker = WriteBack(outbox, target(theirs), pace=QUICK)
    task = asyncio.create_task(worker.run())
    await _until(lambda: outbox.counts().done == 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(notes(tmp_path)) == 1
    assert outbox.external_id("note", "n1") == "1"


async def test_a_kind_that_lost_its_rule_waits_to_be_seen(theirs: str, tmp_path: Path) -> None:
    """An intent whose kind has no rule any more is set aside with a sentence, and goes when the rule is back."""
    outbox = Outbox(sql.Database(f"sqlite:///{tmp_path}/outbox.db"))
    outbox.put("business", "b1", Whose(), {"pol": "宁波"})
    way = targets(Rules.parse({"database": theirs, "note": NOTE}))
    worker = WriteBack(outbox, way, pace=QUICK)
    assert await worker.turn() == 1
    await way.close()
    (entry,) = outbox.entries("refused")
    assert entry.error == "映射里没有这一类的回写规则"


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - rows of a database tell nobody
            await asyncio.sleep(0.002)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"note": NOTE}, "writeback.database"),
        ({"database": "x", "note": {"sql": "INSERT 1"}}, "exists"),
        ({"database": "x", "note": {**NOTE, "exists": "SELECT 1"}}, ":key"),
        ({"database": "x", "note": {**NOTE, "sql": "INSERT INTO n VALUES (:text)"}}, ":key"),
        ({"database": "x", "note": {**NOTE, "sql": "INSERT INTO n VALUES (:key, :cargo)"}}, "cargo"),
        ({"database": "x", "note": {**NOTE, "sql": "INSERT INTO n VALUES (:key, '{text}')"}}, ""),
        ({"database": "x", "note": {**NOTE, "sql": "INSERT INTO n VALUES (:key, {text})"}}, ":name"),
        ({"database": "x", "note": {**NOTE, "sql": "INSERT INTO n VALUES (:key, %(text)s)"}}, ":name"),
        ({"database": "x", "note": {**NOTE, "sql": "INSERT INTO n VALUES (:key, 'at :text')"}}, "colon"),
        ({"database": "x", "note": {**NOTE, "url": "https://crm.example"}}, "either"),
        ({"note": {"url": "http://crm.example/in", "secret": "x" * 20}}, "https"),
        ({"note": {"url": "https://crm.example/in", "secret": "short"}}, "secret"),
        ({"note": {"url": "https://u:p@crm.example/in", "secret": "x" * 20}}, "password"),
        ({"note": {"url": "ftp://crm.example/in", "secret": "x" * 20}}, "address"),
        ({"note": {"url": "https://crm.example/in", "secret": "x" * 20, "tries": 3}}, "tries"),
        ({"notes": NOTE}, "notes"),
    ],
)
def test_rules_that_could_do_harm_are_refused(table: dict[str, Any], said: str) -> None:
    """Pasted values, keys that are not kept, unknown names, plain http: each is refused with what is wrong."""
    if said == "":
        Rules.parse(table)
        return
    with pytest.raises(RulesError) as caught:
        Rules.parse(table)
    assert said in caught.value.text_en
    assert caught.value.permanent


def test_everything_wrong_is_told_at_once() -> None:
    """Two mistakes are two sentences."""
    with pytest.raises(RulesError) as caught:
        Rules.parse({"call": {"url": "nowhere", "secret": "x" * 20}, "note": {"sql": "x"}, "thing": {}})
    assert all(word in caught.value.text for word in ("writeback.call", "writeback.note", "writeback.thing"))


def test_secrets_may_stand_in_files(tmp_path: Path) -> None:
    """A secret and a database address may be files beside the mapping; one that is missing is told by its setting."""
    (tmp_path / "secret").write_text("twenty characters of it\n")
    rules = rules_of({"note": {"url": "https://crm.example/in", "secret_file": "secret"}}, tmp_path)
    assert rules.by_http["note"].secret == "twenty characters of it"
    with pytest.raises(RulesError) as caught:
        rules_of({"database_file": "missing", "note": NOTE}, tmp_path)
    assert caught.value.text_en == "writeback.database_file cannot be read"


def test_names_in_quotes_and_comments_are_no_parameters() -> None:
    """Only what the database will see as a parameter is one."""
    statement = "SELECT a::int, '12:30 :no', \":no\" /* :no */ FROM t WHERE x = :yes AND y = :also -- :no"
    assert names_in(statement) == {"yes", "also"}
