"""The quick way gives what the usual way gives, to any thread, and gives up what is broken."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from crm_bridge.embedded import EmbeddedCrm, rows
from crm_bridge.model import BusinessRecord, CrmError, Quote, QuoteLine

NOW = 1_780_000_000.0


@pytest.fixture
def party(crm: EmbeddedCrm) -> str:
    """A customer with history, and some without."""
    with crm.loading() as loader:
        firm = loader.add_party("屿衡", "sea", person=False, tags=["大客户"], attrs={"cargo": "轴承"})
        made = loader.add_party(
            "周敏", "sea", company=firm, phones=[("13812345678", "手机")], points=[("qq", "123456")]
        )
        loader.add_business(firm, [BusinessRecord(id=f"b{n}", at=NOW - n, pol="宁波", price=3700.0) for n in range(30)])
        line = QuoteLine(container="40HQ", count=2, freight=3700.0)
        loader.add_quotes(
            firm,
            [
                Quote(
                    id=f"q{n}", number="", at=NOW - n, pol="宁波", pod="汉堡", carrier="", status="sent", lines=(line,)
                )
                for n in range(3)
            ],
        )
        loader.add_note(made, "要周五的船 13912345678", "lin", NOW)
    return made


def record(crm: EmbeddedCrm, party: str) -> tuple[Any, ...]:
    """All that a pop asks."""
    return (
        crm.lookup("13812345678"),
        crm.lookup("13912345678"),
        crm.party(party),
        crm.profile(party),
        crm.business(party, 7),
        crm.chats(party),
        crm.quotes(party, 2),
    )


def test_both_ways_give_the_same(crm: EmbeddedCrm, party: str) -> None:
    """Each section of a record is equal, read quickly or the usual way."""
    quickly = record(crm, party)
    assert crm._quick.usable
    crm._quick.usable = False
    assert record(crm, party) == quickly
    assert len(quickly[4].items) == 7
    assert quickly[4].total == 30


def test_every_thread_reads_and_sees_what_was_written(crm: EmbeddedCrm, party: str) -> None:
    """Threads read side by side; what one wrote the others see at once."""
    seen: list[int] = []

    def read(n: int) -> None:
        crm.add_note(party, f"备注 {n}", "lin", at=NOW + n)
        seen.append(sum(note.text == f"备注 {n}" for note in crm.profile(party).notes))

    threads = [threading.Thread(target=read, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert seen == [1] * 8


def test_a_statement_that_is_not_known_goes_the_usual_way(crm: EmbeddedCrm, party: str) -> None:
    """In one view quick and other statements may stand side by side."""
    with crm._quick.read() as view:
        assert view.execute(rows.party_query, {"id": int(party)}).first().name == "周敏"
        other = view.execute(rows.party_query.limit(1), {"id": int(party)})
        assert other.first().name == "周敏"


def test_a_broken_file_is_an_error_for_people_and_forgotten(tmp_path: Path) -> None:
    """Tables that are gone raise CrmError that asking again may help, and the next question gets a new connection."""
    crm = EmbeddedCrm(f"sqlite:///{tmp_path}/crm.db")
    with crm.loading() as loader:
        party = loader.add_party("周敏", "sea")
    assert crm.profile(party).party.name == "周敏"
    with crm.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE crm_contact_point RENAME TO away")
    with pytest.raises(CrmError) as broken:
        crm.profile(party)
    assert not broken.value.permanent
    with crm.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO crm_contact_point")
    assert crm.profile(party).party.name == "周敏"
    crm.close()
    crm.close()


def test_a_database_in_memory_goes_the_usual_way() -> None:
    """A second connection would see another database there."""
    crm = EmbeddedCrm("sqlite://")
    assert not crm._quick.usable
    with crm.loading() as loader:
        party = loader.add_party("周敏", "sea", phones=[("13812345678", "手机")])
    assert crm.lookup("13812345678")[0].party.id == party
    crm.close()
