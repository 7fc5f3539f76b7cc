"""Outbox, write-back and the embedded CRM's own pages on real PostgreSQL and MariaDB servers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from crm_bridge import sql
from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.embedded.quoting import QuoteDraft
from crm_bridge.freight.charges import Charge
from crm_bridge.freight.lanes import read_prices
from crm_bridge.model import BusinessRecord, ContactPoint, CrmError
from crm_bridge.writeback import Delivery, Outbox, Pace, Rules, WriteBack, targets
from crm_bridge.writeback.sql_target import SqlTarget
from tests.crm.writeback_crm import Whose
from tests.servers.mariadb import Mariadb
from tests.servers.postgresql import Postgresql

NOW = 1_780_000_000.0
NOTE = {
    "exists": "SELECT id FROM notes WHERE ext = :key",
    "sql": "INSERT INTO notes (ext, customer, words, made, at) VALUES (:key, :party_id, :text, :at_local, :at)",
    "update": "UPDATE notes SET words = :text WHERE ext = :key",
}
Server = Postgresql | Mariadb


@pytest.fixture(scope="module", params=[Postgresql, Mariadb], ids=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A running server."""
    made: Server = request.param.start()
    yield made
    made.end()


@pytest.fixture
def theirs(server: Server) -> str:
    """URL of their database, with a table for notes that has no unique index."""
    url = server.create("theirs")
    serial = "SERIAL" if isinstance(server, Postgresql) else "INT AUTO_INCREMENT"
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql(
            f"CREATE TABLE notes (id {serial} PRIMARY KEY, ext VARCHAR(200), customer VARCHAR(40), words TEXT,"
            " made TIMESTAMP NULL, at DOUBLE PRECISION)"
        )
    return url


def notes(url: str) -> list[Any]:
    """Their rows."""
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        query = sa.text("SELECT ext, customer, words, made, at FROM notes ORDER BY ext")
        return [tuple(row) for row in connection.execute(query)]


def delivery(**rest: Any) -> Delivery:
    """A note on its way."""
    values = {"key": "note:n1", "revision": 1, "kind": "note", "attempts": 0, "created_at": NOW, **rest}
    return Delivery(**{"party": None, "payload": {"text": "急单 ' \" ; -- 😀", "at": NOW}, **values})


def test_a_note_is_written_once_with_its_words_and_its_time(theirs: str) -> None:
    """Chinese, quotes and emoji arrive as they are, the time in the site's zone; twice is once; a change updates."""
    database = sql.Database(theirs)
    crm = SqlTarget(database, Rules.parse({"database": theirs, "note": NOTE}).by_sql)
    assert [crm.write(delivery()).external_id for _ in range(2)] == ["1", "1"]
    ((key, customer, words, made, at),) = notes(theirs)
    assert (key, customer, words, at) == ("note:n1", None, "急单 ' \" ; -- 😀", NOW)
    assert str(made) == "2026-05-29 04:26:40"
    crm.write(delivery(revision=2, payload={"text": "改了"}))
    assert [row[2] for row in notes(theirs)] == ["改了"]
    database.close()


def test_a_table_that_is_away_is_told_in_words(theirs: str) -> None:
    """An error of theirs is a sentence without SQL, table or value."""
    with sa.create_engine(theirs, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql("DROP TABLE notes")
    database = sql.Database(theirs)
    crm = SqlTarget(database, Rules.parse({"database": theirs, "note": NOTE}).by_sql)
    with pytest.raises(CrmError) as caught:
        crm.write(delivery())
    database.close()
    said = caught.value.text + caught.value.text_en
    assert "notes" not in said
    assert "急单" not in said


async def test_a_server_that_restarts_loses_nothing(server: Server, theirs: str, tmp_path: Any) -> None:
    """While the server hangs intents wait; when it goes on each is written once."""
    outbox = Outbox(sql.Database(f"sqlite:///{tmp_path}/outbox.db"))
    pace = Pace(base_s=0.02, cap_s=0.1, deliver_s=0.3)
    worker = WriteBack(outbox, targets(Rules.parse({"database": theirs, "note": NOTE})), pace=pace)
    task = asyncio.create_task(worker.run())
    server.freeze()
    try:
        for n in range(8):
            outbox.put("note", f"n{n}", Whose(id=str(n)), {"text": str(n), "at": NOW})
        async with asyncio.timeout(30):
            while not outbox.counts().retrying:  # noqa: ASYNC110 - rows of a database tell nobody
                await asyncio.sleep(0.01)
    finally:
        server.thaw()
    async with asyncio.timeout(30):
        while outbox.counts().done < 8:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [row[:2] for row in notes(theirs)] == [(f"note:n{n}", str(n)) for n in range(8)]


def test_workers_on_one_postgresql_never_hold_the_same_intent(postgresql: Postgresql) -> None:
    """Six workers that claim at the same time share the intents, each held by one of them."""
    url = postgresql.create("outbox")
    first = Outbox(sql.Database(url))
    first.migrate()
    for n in range(60):
        first.put("note", str(n), Whose(), {"text": "x"})
    first.put("note", "0", Whose(), {"text": "x"})
    taken: list[str] = []
    start = threading.Barrier(6)

    def claim(n: int) -> None:
        outbox = Outbox(sql.Database(url))
        start.wait()
        for _ in range(4):
            taken.extend(one.key for one in outbox.claim(f"w{n}", 5, 60.0))
        outbox.database.close()

    threads = [threading.Thread(target=claim, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken))
    rest = first.claim("last", 100, 60.0)
    assert len(taken) + len(rest) == 60
    for one in rest:
        first.done(one, "7")
    counts = first.counts()
    assert (counts.waiting, counts.done) == (60 - len(rest), len(rest))
    assert first.release("w0") <= 20
    assert first.entries("waiting", 3)[0].state == "waiting"
    assert first.next_due() is not None
    first.database.close()


def test_lanes_catalogue_people_and_quotes_on_postgresql(postgresql: Postgresql) -> None:
    """What the embedded CRM does on SQLite it does on PostgreSQL."""
    crm = EmbeddedCrm(postgresql.create("crm"), clock=lambda: NOW)
    crm.migrate()
    crm.add_category("air", "空运", "Air", "zhang")
    view = crm.add_field("air", "awb", "运单", "AWB", "zhang", required=True)
    assert view.version == 2
    crm.retire_field("air", "awb", "zhang", version=2)
    assert [change.action for change in crm.catalogue_changes()] == ["retire", "add", "add"]
    party = crm.create_party({"name": "周敏", "category": "air", "company": "屿衡"}, "13812345678", "lin").party
    points = [ContactPoint(kind="phone", value="13912345678", label="")]
    after = crm.set_contact_points(party.id, points, party.version, "lin")
    crm.set_tags(party.id, ["月结"], after.party.version, "lin")
    assert [m.party.id for m in crm.lookup("13912345678")] == [party.id]
    assert crm.lookup("13812345678") == []
    with crm.loading() as loader:
        loader.add_business(
            party.id,
            [
                BusinessRecord(
                    id=f"d{n}", at=NOW - n, pol=pol, pod="汉堡", container="40HQ", price=2000.0 + n, closed="won"
                )
                for n, pol in enumerate(["宁波", "Ningbo", "CNNGB"])
            ],
        )
    prices, _ = read_prices(crm, "北仑", "HAMBURG", "40HC", "USD", now=NOW)
    assert prices is not None
    assert (prices.n, prices.median) == (3, 2001.0)
    assert [(lane.pol, lane.n) for lane in crm.lanes(0.0)] == [("宁波", 3)]
    charges = (Charge(code="OF", currency="USD", price=Decimal("2350.5")),)
    draft = QuoteDraft(pol="宁波", pod="汉堡", containers="40HQ*2", charges=charges, status="sent")
    quote = crm.add_quote(party.id, draft, "lin", key="k")
    assert crm.add_quote(party.id, draft, "lin", key="k") == quote
    assert str(crm.quote_total(quote.id).total[0].amount) == "4701.00"
    crm.close()
