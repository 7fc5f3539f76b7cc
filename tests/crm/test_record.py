"""The unified record of the embedded CRM: reading its sections and changing it."""

from __future__ import annotations

import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.model import (
    BusinessRecord,
    ChatMessage,
    Conflict,
    Crm,
    CrmError,
    Invalid,
    NotFound,
    Quote,
    QuoteLine,
    QuoteStatus,
)

NOW = 1_780_000_000.0
DAY = 86400.0


def new(crm: EmbeddedCrm, **values: str) -> str:
    """A new person of a company."""
    fields = {"name": "周敏", "category": "sea", "company": "屿衡", **values}
    return crm.create_party(fields, "13812345678", "lin").party.id


def field(crm: EmbeddedCrm, party: str, key: str) -> str:
    """A field's value."""
    return next(f.value for f in crm.profile(party).fields if f.key == key)


def test_it_is_a_crm(crm: EmbeddedCrm) -> None:
    """The embedded CRM fulfils the protocol."""
    accepted: Crm = crm
    assert accepted.categories()


def test_seven_categories_with_forms_in_two_languages(crm: EmbeddedCrm) -> None:
    """A new site has the seven flat categories, each with a form whose labels are Chinese and English."""
    assert [c.label for c in crm.categories()] == ["国际海运", "内贸水运", "铁路", "车队", "同行客户", "客户", "员工"]
    for category in crm.categories():
        form = crm.form(category.key)
        assert {f.key for f in form if f.required} == {"name", "category"}
        assert all(f.label and f.label_en for f in form)
        assert next(f.value for f in form if f.key == "category") == category.key
        assert len({f.key for f in form}) == len(form)


def test_a_category_or_field_needs_no_code(crm: EmbeddedCrm) -> None:
    """A category and a field added as rows show in forms and profiles."""
    with crm.database.write() as other:
        other.exec_driver_sql(
            "INSERT INTO crm_category (key, label, label_en, position) VALUES ('air', '空运', 'Air', 9)"
        )
        other.exec_driver_sql(
            "INSERT INTO crm_field (category, key, scope, label, label_en, kind, required, show_in_pop, pii, options,"
            " position) VALUES ('air', 'awb', 'company', '运单习惯', 'AWB', 'text', false, true, false, '[]', 0)"
        )
    party = new(crm, category="air", awb="电子")
    assert field(crm, party, "awb") == "电子"


def test_a_new_party_is_found_by_its_number_at_once(crm: EmbeddedCrm) -> None:
    """What was entered during the call is there: fields, company, number; a second person joins the same company."""
    party = new(crm, lanes="宁波→汉堡", qq="10001", preference="上午联系")
    profile = crm.profile(party)
    assert [m.party.id for m in crm.lookup("13812345678")] == [party]
    assert (profile.party.company, field(crm, party, "lanes")) == ("屿衡", "宁波→汉堡")
    assert [(p.kind, p.value) for p in profile.contact_points] == [("phone", "13812345678"), ("qq", "10001")]
    second = crm.create_party({"name": "王立", "category": "sea", "company": "屿衡"}, None, "lin")
    assert second.party.company_id == profile.party.company_id
    assert field(crm, second.party.id, "lanes") == "宁波→汉堡"
    assert field(crm, party, "contacts") == "周敏、王立"


def test_refused_values_are_all_told_and_nothing_is_saved(crm: EmbeddedCrm) -> None:
    """Everything wrong in a form is told at once, with its key, and no row is left behind."""
    with pytest.raises(Invalid) as caught:
        crm.create_party(
            {"category": "sea", "birthday": "gestern", "cargo_class": "soup", "nonsense": "x"}, "13812345678", "lin"
        )
    assert {p.key for p in caught.value.problems} == {"name", "birthday", "cargo_class", "nonsense"}
    assert caught.value.permanent
    assert crm.is_empty()
    with pytest.raises(Invalid):
        crm.create_party({"name": "甲", "category": "nowhere"}, None, "lin")


def test_two_editors_are_told_of_each_other(crm: EmbeddedCrm) -> None:
    """A save made from an old version is refused with the current profile; nothing is overwritten."""
    party = new(crm)
    version = crm.profile(party).party.version
    after = crm.save_fields(party, {"role": "采购经理", "lanes": "宁波→汉堡"}, version, "lin")
    assert after.party.version > version
    with pytest.raises(Conflict) as caught:
        crm.save_fields(party, {"role": "财务"}, version, "chen")
    assert caught.value.profile.party.role == "采购经理"
    assert field(crm, party, "lanes") == "宁波→汉堡"
    assert crm.save_fields(party, {}, after.party.version, "lin").party.version == after.party.version


def test_a_colleagues_change_of_the_company_counts(crm: EmbeddedCrm) -> None:
    """A change of the company's fields through one person makes another person's old version stale."""
    one, two = new(crm), crm.create_party({"name": "王立", "category": "sea", "company": "屿衡"}, None, "lin").party
    crm.save_fields(one, {"cargo": "家具"}, crm.profile(one).party.version, "lin")
    with pytest.raises(Conflict):
        crm.save_fields(two.id, {"cargo": "饰品"}, two.version, "chen")


def test_moving_to_another_company_never_repeats_a_version(crm: EmbeddedCrm) -> None:
    """Versions only grow, also when a person leaves an often changed company for a new one."""
    party = new(crm)
    seen = [crm.profile(party).party.version]
    for n in range(5):
        seen.append(crm.save_fields(party, {"cargo": str(n)}, seen[-1], "lin").party.version)
    for name in ("澈禾", "", "屿衡"):
        seen.append(crm.save_fields(party, {"company": name}, seen[-1], "lin").party.version)
    assert seen == sorted(set(seen))
    assert field(crm, party, "cargo") == "4"


def test_writers_in_many_threads_lose_nothing(crm: EmbeddedCrm) -> None:
    """Of savers at the same time from the same version exactly one wins; the others get a conflict."""
    party = new(crm)
    version = crm.profile(party).party.version
    outcomes: list[str] = []
    start = threading.Barrier(6)

    def save(n: int) -> None:
        start.wait()
        try:
            crm.save_fields(party, {"cargo": str(n)}, version, "lin")
            outcomes.append("saved")
        except Conflict:
            outcomes.append("conflict")

    threads = [threading.Thread(target=save, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict"] * 5 + ["saved"]


def test_a_note_written_twice_is_one(crm: EmbeddedCrm) -> None:
    """The same note of the same call, sent again because the answer got lost, is one note."""
    party = new(crm)
    first = crm.add_note(party, "急单", "lin", "call-1", NOW)
    assert crm.add_note(party, " 急单 ", "lin", "call-1", NOW + 5) == first
    crm.add_note(party, "另一条", "lin", "call-1", NOW + 6)
    assert [n.text for n in crm.profile(party).notes] == ["另一条", "急单"]
    with pytest.raises(Invalid):
        crm.add_note(party, "  ", "lin")


def test_business_takes_what_people_type(crm: EmbeddedCrm) -> None:
    """Prices with commas and signs, days, dates and 是/否 are understood; the record is the customer's at once."""
    party = new(crm)
    made = crm.add_business(
        party,
        {
            "pol": "宁波",
            "pod": "汉堡",
            "container": "40HQ×2",
            "price": "US$2,350",
            "floor_price": "2,180.5",
            "transit_days": "32天",
            "price_date": "2026-05-01",
            "closed": "是",
            "currency": "rmb",
        },
        "林知夏",
    )
    assert (made.price, made.floor_price, made.transit_days, made.closed) == (2350.0, 2180.5, 32, "won")
    assert made.currency == "CNY"
    assert made.price_date == datetime(2026, 4, 30, 16, tzinfo=UTC).timestamp()
    assert crm.business(party).items == (made,)
    with pytest.raises(Invalid) as caught:
        crm.add_business(party, {"price": "viel", "transit_days": "-1", "etd": "bald", "id": "x", "closed": "?"}, "lin")
    assert {p.key for p in caught.value.problems} == {"price", "transit_days", "etd", "id", "closed"}
    with pytest.raises(Invalid):
        crm.add_business(party, {"pol": " "}, "lin")


def test_history_is_the_companys_newest_first(crm: EmbeddedCrm) -> None:
    """A person's sections show the company's history, newest first, with the count of all."""
    party = new(crm)
    firm = crm.profile(party).party.company_id or ""
    with crm.loading() as loader:
        loader.add_business(firm, [BusinessRecord(id=f"b{n}", at=NOW - n * DAY, pol="宁波") for n in range(30)])
        loader.add_business(firm, [BusinessRecord(id="b0", at=NOW, pol="上海")])
    section = crm.business(party, limit=5)
    assert ([b.id for b in section.items], section.total, section.as_of) == (["b0", "b1", "b2", "b3", "b4"], 30, NOW)
    assert section.items[0].pol == "上海"
    assert crm.business("999999").items == ()


def test_an_unanswered_message_is_marked(crm: EmbeddedCrm) -> None:
    """Messages of a customer after the last one of ours are unanswered; those before are not."""
    party = new(crm)

    def message(n: int, direction: str) -> ChatMessage:
        return ChatMessage(
            id=f"c{n}",
            at=NOW + n,
            channel="qq",
            direction="out" if direction == "out" else "in",
            sender="x",
            kind="text",
            text=f"13900000{n:03d}",
        )

    with crm.loading() as loader:
        loader.add_chats(party, [message(n, d) for n, d in enumerate(["in", "out", "in", "in"])])
    assert crm.chats(party).total == 0  # they were the person's, not the company's
    firm = crm.profile(party).party.company_id or ""
    with crm.loading() as loader:
        loader.add_chats(firm, [message(n, d) for n, d in enumerate(["in", "out", "in", "in"])])
    assert [m.answered for m in crm.chats(party).items] == [False, False, True, True]
    assert crm.lookup("13900000002")[0].level == "text"


def quote(
    n: int, status: QuoteStatus, until: float | None, at: float = NOW - 10 * DAY, freight: float = 2000.0
) -> Quote:
    """A quote of one line."""
    lines = (QuoteLine(container="40HQ", count=2, freight=freight, all_in=freight + 450),)
    return Quote(
        id=f"q{n}",
        number=f"Q{n}",
        at=at + n,
        pol="宁波",
        pod="汉堡",
        carrier="北渡",
        valid_until=until,
        status=status,
        lines=lines,
    )


def test_open_offers_come_first_and_old_ones_are_expired(crm: EmbeddedCrm) -> None:
    """Offers that stand come first; one past its day is expired, whatever was written."""
    party = new(crm)
    firm = crm.profile(party).party.company_id or ""
    with crm.loading() as loader:
        offers = [
            quote(1, "sent", NOW + DAY),
            quote(2, "won", NOW - DAY),
            quote(3, "sent", NOW - 1),
            quote(4, "lost", None),
        ]
        loader.add_quotes(firm, offers)
    section = crm.quotes(party)
    assert [(q.id, q.status) for q in section.items] == [
        ("q1", "sent"),
        ("q4", "lost"),
        ("q3", "expired"),
        ("q2", "won"),
    ]
    assert section.items[0].lines == quote(1, "sent", None).lines
    assert section.trend is None


def test_the_trend_is_of_the_asked_lane_type_and_currency(crm: EmbeddedCrm) -> None:
    """The trend counts closed deals of the first quote's lane, container type and currency, and nothing else."""
    party = new(crm)
    firm = crm.profile(party).party.company_id or ""
    other = crm.create_party({"name": "乙", "category": "sea"}, None, "lin").party.id

    def deal(
        n: int, price: float, *, container: str = "40HC*2", closed: str = "won", currency: str = "USD"
    ) -> BusinessRecord:
        return BusinessRecord(
            id=f"d{n}-{price}-{container}-{closed}-{currency}",
            at=NOW - n * DAY,
            pol="宁波",
            pod="汉堡",
            container=container,
            price=price,
            currency=currency,
            closed="won" if closed == "won" else "lost",
        )

    with crm.loading() as loader:
        loader.add_quotes(firm, [quote(1, "sent", NOW + DAY, freight=2350.0)])
        loader.add_business(firm, [deal(20, 2180.0)])
        loader.add_business(
            other,
            [
                deal(1, 2300.0),
                deal(2, 2320.0),
                deal(3, 1300.0, container="20GP×1"),
                deal(4, 9999.0, closed="lost"),
                deal(5, 15000.0, currency="CNY"),
            ],
        )
    trend = crm.quotes(party).trend
    assert trend is not None
    assert (trend.n, trend.median, trend.ours) == (3, 2300.0, 2350.0)
    assert trend.last is not None
    assert trend.last.price == 2180.0


def test_ids_that_can_be_none_find_nothing(crm: EmbeddedCrm) -> None:
    """An id that no party has is told as such, whatever it looks like."""
    for party in ("0", "99", "x", "", "-1", "1; DROP TABLE crm_party", "１", "9" * 40):
        with pytest.raises(NotFound):
            crm.profile(party)
    assert crm.party("99") is None


def test_text_of_any_kind_is_kept_or_replaced(crm: EmbeddedCrm) -> None:
    """NUL and lone surrogates do not break a save; long texts are cut, other text is kept as it is."""
    party = new(crm, name="<script>alert(1)</script>")
    assert crm.profile(party).party.name == "<script>alert(1)</script>"
    note = crm.add_note(party, "a\x00b\ud800c" + "长" * 30_000, "lin")
    assert note.text.startswith("ab?c长")
    assert len(note.text) <= 20_000


def test_a_crm_that_is_away_says_so_and_comes_back(tmp_path: Path) -> None:
    """A database that cannot be opened is a temporary error without a path or SQL; when it is back, so is the CRM."""
    missing = tmp_path / "later"
    with pytest.raises(CrmError) as caught:
        EmbeddedCrm(f"sqlite:///{missing}/crm.db")
    assert not caught.value.permanent
    assert "crm.db" not in str(caught.value)
    assert caught.value.text_en.isascii()
    missing.mkdir()
    EmbeddedCrm(f"sqlite:///{missing}/crm.db").close()
    with pytest.raises(CrmError) as caught:
        EmbeddedCrm("nonsense://x")
    assert caught.value.permanent


def test_a_locked_crm_still_reads(tmp_path: Path) -> None:
    """While another program holds the write lock, look-ups work and a save ends in a temporary error."""
    from crm_bridge import sql

    crm = EmbeddedCrm(f"sqlite:///{tmp_path}/crm.db", clock=lambda: NOW)
    party = new(crm)
    impatient = EmbeddedCrm(f"sqlite:///{tmp_path}/crm.db", clock=lambda: NOW)
    impatient.database = sql.Database(f"sqlite:///{tmp_path}/crm.db", busy_s=0.05)
    with sqlite3.connect(tmp_path / "crm.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert [m.party.id for m in impatient.lookup("13812345678")] == [party]
        with pytest.raises(CrmError) as caught:
            impatient.add_note(party, "x", "lin")
        assert not caught.value.permanent
        other.execute("ROLLBACK")
    impatient.add_note(party, "x", "lin")
    for each in (crm, impatient):
        each.close()
