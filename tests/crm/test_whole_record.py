"""The record read together is the record read section by section, on SQLite and on PostgreSQL, whatever is in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from crm_bridge import quick
from crm_bridge.embedded import EmbeddedCrm, tables
from crm_bridge.model import BusinessRecord, ChatMessage, Conflict, CrmError, Match, NotFound, Quote, QuoteLine, Record
from crm_bridge.numbers import Site
from tests.servers.postgresql import Postgresql

NOW = 1_780_000_000.0
DAY = 86_400.0
SITE = Site(area_code="574")

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12) | st.sampled_from(
    ["", "轴承 'x' \"y\" \\ % _ {} :id", "𠮷😀", "null", "[1]", "a\n\tb\x1f"]
)
numbers = st.none() | st.floats(0, 1e9, allow_nan=False) | st.sampled_from([0.1 + 0.2, 1e-7, 3700.0, 1 / 3])
moments = st.floats(NOW - 400 * DAY, NOW + 3 * DAY).map(lambda at: round(at, 6)) | st.sampled_from([NOW, NOW - DAY])
ports = st.sampled_from(["宁波", "Ningbo", "汉堡", "HAMBURG", "某某码头", ""])
containers = st.sampled_from(["40HQ", "40HC×2", "20GP*1+40HQ*2", "20GP", ""])
ways = st.sampled_from(["in", "out"])
deals = st.builds(
    BusinessRecord,
    st.just(""),
    moments,
    pol=ports,
    pod=ports,
    container=containers,
    floor_price=numbers,
    price=numbers,
    currency=st.sampled_from(["USD", "CNY"]),
    cargo=texts,
    details=texts,
    transit_days=st.none() | st.integers(0, 400),
    closed=st.sampled_from(["open", "won", "won", "lost"]),
    eta=numbers,
)
quotes = st.builds(
    Quote,
    id=st.just(""),
    number=texts,
    at=moments,
    pol=ports,
    pod=ports,
    carrier=texts,
    transit_days=st.none() | st.integers(0, 400),
    lines=st.lists(
        st.builds(QuoteLine, st.sampled_from(["40HQ", "20GP"]), st.integers(1, 9), st.floats(0, 1e6), numbers),
        max_size=3,
    ).map(tuple),
    valid_until=st.none() | moments,
    status=st.sampled_from(["open", "sent", "won", "lost", "expired"]),
    note=texts,
)
chats = st.builds(
    ChatMessage,
    id=st.just(""),
    at=moments,
    channel=st.just("qq"),
    direction=ways,
    sender=texts,
    kind=st.sampled_from(["text", "system"]),
    text=texts,
)
customers = st.fixed_dictionaries(
    {
        "firm": st.booleans(),
        "colleague": st.booleans(),
        "tags": st.lists(texts, max_size=3),
        "attrs": st.dictionaries(st.sampled_from(["cargo", "terms", "birthday", "other"]), texts, max_size=3),
        "phone": st.sampled_from(["13812345678", "0574-87654321", "0574-87654321转12", "13900000000"]),
        "deals": st.lists(deals, max_size=6),
        "quotes": st.lists(quotes, max_size=4),
        "chats": st.lists(chats, max_size=4),
        "notes": st.lists(texts.filter(str.strip), max_size=3),
        "learned": st.booleans(),
    }
)


@pytest.fixture(scope="module")
def both(postgresql: Postgresql, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmbeddedCrm, EmbeddedCrm]]:
    """An empty CRM in SQLite and one in PostgreSQL."""
    made = [
        EmbeddedCrm(url, site=SITE, clock=lambda: NOW)
        for url in (f"sqlite:///{tmp_path_factory.mktemp('crm')}/crm.db", postgresql.create("whole_record"))
    ]
    for crm in made:
        crm.migrate()
    yield made[0], made[1]
    for crm in made:
        crm.close()


def fill(crm: EmbeddedCrm, people: list[dict[str, Any]]) -> list[str]:
    """Put customers in; the same ones get the same ids in every database."""
    made: list[str] = []
    with crm.database.write() as connection:
        for table in reversed(tables.metadata.sorted_tables):
            if table.name not in ("crm_category", "crm_field"):
                connection.execute(sa.delete(table))
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER SEQUENCE crm_party_id_seq RESTART")
    with crm.loading() as loader:
        for n, one in enumerate(people):
            firm = loader.add_party(f"公司{n}", "sea", person=False, tags=one["tags"][:1], attrs=one["attrs"])
            party = loader.add_party(
                f"客户{n}",
                "sea",
                company=firm if one["firm"] else None,
                tags=one["tags"],
                attrs=one["attrs"],
                phones=[(one["phone"], "手机")],
                points=[("qq", str(10000 + n))],
            )
            if one["colleague"]:
                loader.add_party("同事", "sea", company=firm, phones=[(one["phone"], "办公")])
            account = firm if one["firm"] else party
            loader.add_business(account, [with_id(d, f"d{n}-{k}") for k, d in enumerate(one["deals"])])
            loader.add_quotes(account, [with_id(q, f"q{n}-{k}") for k, q in enumerate(one["quotes"])])
            loader.add_chats(account, [with_id(c, f"c{n}-{k}") for k, c in enumerate(one["chats"])])
            for k, text in enumerate(one["notes"]):
                loader.add_note(party, text, "lin", NOW - k)
            made += [party, firm]
    for one, party in zip(people, made[::2], strict=True):
        if one["learned"]:
            crm.learn(one["phone"], party, "lin")
    return made


def with_id(row: Any, name: str) -> Any:
    """The same with an id of its own."""
    return type(row)(**{**{f: getattr(row, f) for f in row.__struct_fields__}, "id": name})


@contextmanager
def plainly(crm: EmbeddedCrm) -> Iterator[None]:
    """Every statement goes through SQLAlchemy, and nothing is kept from before."""
    crm._trends.forget()
    quick, server = crm._quick.usable, crm._quick.on_server
    crm._quick.usable = crm._quick.on_server = False
    try:
        yield
    finally:
        crm._quick.usable, crm._quick.on_server = quick, server
        crm._trends.forget()


def section_by_section(crm: EmbeddedCrm, party: str, limit: int) -> Record:
    """The record of four questions."""
    return Record(
        profile=crm.profile(party),
        business=crm.business(party, limit),
        chats=crm.chats(party, limit),
        quotes=crm.quotes(party, limit),
    )


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(people=st.lists(customers, min_size=1, max_size=4), limit=st.sampled_from([1, 3, 20]))
def test_together_is_section_by_section(
    both: tuple[EmbeddedCrm, EmbeddedCrm], people: list[dict[str, Any]], limit: int
) -> None:
    """Whatever is in it: one question and four, by the quick way and the plain one, on both databases, are equal."""
    told: list[list[Record]] = []
    found: list[list[tuple[list[Match], Record | None]]] = []
    for crm in both:
        parties = fill(crm, people)
        with plainly(crm):
            plain = [section_by_section(crm, party, limit) for party in parties]
            seen = [(crm.lookup(one["phone"]), crm.record_of(one["phone"], limit)) for one in people]
        assert [crm.record(party, limit) for party in parties] == plain
        crm._trends.forget()
        assert [section_by_section(crm, party, limit) for party in parties] == plain
        for one, (matches, whole) in zip(people, seen, strict=True):
            crm._trends.forget()
            assert crm.lookup(one["phone"]) == matches == whole[0]
            assert crm.record_of(one["phone"], limit) == whole
            assert whole[1] == crm.record(matches[0].party.id, limit)
        told.append(plain)
        found.append([whole for _, whole in seen])
    assert told[0] == told[1]
    assert found[0] == found[1]


def test_on_postgresql_the_record_is_one_statement(
    both: tuple[EmbeddedCrm, EmbeddedCrm], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a number to its customer's whole record is one statement; only a lane's trend is asked for once a minute."""
    crm = both[1]
    customer = {
        "firm": True,
        "colleague": True,
        "tags": [],
        "attrs": {},
        "phone": "13812345678",
        "deals": [
            BusinessRecord("", NOW - n, "宁波", "汉堡", container=text, price=3000.0 + n, closed="won")
            for n, text in enumerate(("40HC×2", "40HQ", "20GP", "40HQ", "40HQ", "40HQ"))
        ],
        "quotes": [
            Quote(
                id="",
                number="1",
                at=NOW,
                pol="宁波",
                pod="HAMBURG",
                carrier="",
                status="sent",
                lines=(QuoteLine("40HQ", 1, 3100.0),),
            )
        ],
        "chats": [],
        "notes": ["要周五的船"],
        "learned": False,
    }
    (person, _) = fill(crm, [customer])
    crm.record(person)
    ran: list[str] = []
    run = quick._Prepared.run

    def counted(self: Any, connection: Any, parameters: Any) -> Any:
        ran.append(self.sql)
        return run(self, connection, parameters)

    monkeypatch.setattr(quick._Prepared, "run", counted)
    _, record = crm.record_of("13812345678")
    assert len(ran) == 1
    assert record == crm.record(person)
    assert len(ran) == 2
    assert record is not None
    trend = record.quotes.trend
    assert trend is not None
    assert (trend.n, trend.last.price if trend.last else None, trend.ours) == (5, 3000.0, 3100.0)


def test_whom_the_ranking_prefers_is_who_is_read(both: tuple[EmbeddedCrm, EmbeddedCrm]) -> None:
    """Where the statement's own guess was another of those behind a switchboard, the record is the right one's."""
    for crm in both:
        with crm.loading() as loader:
            loader.add_party("甲", "sea", phones=[("0574-88880000", "办公")])
            right = loader.add_party("乙", "sea", phones=[("0574-88880000转12", "办公")])
        matches, record = crm.record_of("0574-88880000转12")
        assert [match.party.name for match in matches] == ["乙", "甲"]
        assert record is not None
        assert record == crm.record(right)


def test_a_number_that_json_does_not_have_is_read_section_by_section(both: tuple[EmbeddedCrm, EmbeddedCrm]) -> None:
    """An infinite price written by another program does not hide the record."""
    crm = both[1]
    with crm.loading() as loader:
        party = loader.add_party("周敏", "sea", phones=[("13700000001", "手机")])
        loader.add_business(party, [BusinessRecord("x", NOW, price=float("inf"))])
    assert crm.record(party).business.items[0].price == float("inf")
    assert crm.record_of("13700000001")[1] == crm.record(party)


def test_nobody_has_no_record(both: tuple[EmbeddedCrm, EmbeddedCrm]) -> None:
    """Nobody is found under a number nobody has, and a party that is gone is not found."""
    for crm in both:
        assert crm.record_of("13711111111") == ([], None)
        assert crm.record_of(None) == ([], None)
        for gone in ("999999", "999999999999999999", "x"):
            with pytest.raises(NotFound):
                crm.record(gone)


def test_a_server_that_was_started_anew_is_asked_again(both: tuple[EmbeddedCrm, EmbeddedCrm]) -> None:
    """Connections that the server closed cost nobody an answer; while it is away the reader is told so."""
    crm = both[1]
    with crm.loading() as loader:
        party = loader.add_party("周敏", "sea")
    before = crm.record(party)
    with crm.database.write() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert crm.record(party) == before
    with crm.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE crm_note RENAME TO away")
    with pytest.raises(CrmError):
        crm.record(party)
    with crm.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO crm_note")
    assert crm.record(party) == before


@pytest.mark.parametrize("which", [0, 1], ids=["sqlite", "postgresql"])
def test_of_savers_at_once_one_wins(both: tuple[EmbeddedCrm, EmbeddedCrm], which: int) -> None:
    """Writers of one CRM take turns from their first read on, on a server too: no change is overwritten unseen."""
    crm = both[which]
    with crm.loading() as loader:
        party = loader.add_party("周敏", "sea")
    version = crm.profile(party).party.version
    start = threading.Barrier(5)

    def save(n: int) -> str:
        start.wait(60)
        try:
            crm.save_fields(party, {"cargo": str(n)}, version, "lin")
        except Conflict:
            return "conflict"
        return "saved"

    with ThreadPoolExecutor(5) as threads:
        assert sorted(threads.map(save, range(5))) == ["conflict"] * 4 + ["saved"]
