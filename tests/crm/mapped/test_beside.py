"""What is typed here over a customer of theirs, and how a number they do not know is asked for."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.freight.lanes import read_prices
from crm_bridge.live import open_crm, own_part
from crm_bridge.mapped import MappedCrm, MappingError, mapping
from crm_bridge.mapped.check import check
from crm_bridge.model import Conflict, ContactPoint, CrmError
from crm_bridge.numbers import Site
from tests.crm.mapped.conftest import Open, engine
from tests.servers.postgresql import Postgresql


class Kept:
    """An outbox that only remembers."""

    def __init__(self) -> None:
        self.put_in: list[tuple[str, str, str | None, dict[str, Any]]] = []
        self.named: dict[str, str] = {}
        "{prospect: id there}."

    def put(self, kind: str, key: str, party: Any, payload: Mapping[str, Any], *, after: str | None = None) -> None:
        """Remember it."""
        self.put_in.append((kind, key, after if party is None else party.id, dict(payload)))

    def has(self, kind: str, key: str) -> bool:
        """Whether it was put in."""
        return any((one, name) == (kind, key) for one, name, *_ in self.put_in)

    def prospects(self) -> Mapping[str, str | None]:
        """All that were put in are there."""
        return {key: self.named.get(key) for kind, key, *_ in self.put_in if kind == "party"}


@pytest.fixture
def their(tmp_path: Path) -> sa.Engine:
    """A firm and a person in their tables."""
    database = engine(f"sqlite:///{tmp_path}/their.db")
    with database.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE firm (id TEXT PRIMARY KEY, name TEXT, grade TEXT, cargo TEXT, tel TEXT)"
        )
        connection.exec_driver_sql(
            "CREATE TABLE person (id TEXT PRIMARY KEY, name TEXT, firm TEXT, job TEXT, tel TEXT)"
        )
        connection.exec_driver_sql("INSERT INTO firm VALUES ('f1', '屿衡', 'A', '轴承', '0574-87000013')")
        connection.exec_driver_sql("INSERT INTO person VALUES ('p1', '周敏', 'f1', '采购', '13812345678')")
    return database


def tree(their: sa.Engine) -> dict[str, Any]:
    """How they are read."""
    return {
        "source": {"name": "own", "url": str(their.url)},
        "entities": [
            {
                "name": "firm",
                "kind": "company",
                "table": "firm",
                "title": ["name"],
                "tier": {"column": "grade"},
                "fields": {"cargo": "cargo", "tax_no": "id"},
                "phones": [{"column": "tel", "label": "办公"}],
            },
            {
                "name": "person",
                "kind": "person",
                "table": "person",
                "title": ["name"],
                "company": {"entity": "firm", "column": "firm"},
                "columns": {"role": "job"},
                "phones": [{"column": "tel", "label": "手机"}],
            },
        ],
        "fields": [{"key": "tax_no", "label": "税号", "label_en": "Tax number", "scope": "company"}],
    }


def run(their: sa.Engine, sql: str) -> None:
    """Change their tables."""
    with their.begin() as connection:
        connection.exec_driver_sql(sql)


def value(crm: MappedCrm, party: str, key: str) -> str:
    """A field of a profile."""
    return next(field.value for field in crm.profile(party).fields if field.key == key)


def test_a_typed_value_holds_until_they_change_theirs(their: sa.Engine, opened: Open) -> None:
    """What an agent types over their value is shown whatever else changes there, until they change that value."""
    kept = Kept()
    crm = opened(tree(their), outbox=kept)
    crm.sync().once()
    party = crm.lookup("13812345678")[0].party
    saved = crm.save_fields(party.id, {"role": "经理", "cargo": "法兰"}, party.version, "lin")
    assert saved.party.role == "经理"
    assert kept.put_in == [("fields", f"{party.id}/{saved.party.version}", "p1", {"role": "经理", "cargo": "法兰"})]
    run(their, "UPDATE person SET tel = '13812345679'")
    run(their, "UPDATE firm SET grade = 'B'")
    crm.sync().compare_all()
    again = crm.lookup("13812345679")[0].party
    assert (again.id, again.role, again.tier) == (party.id, "经理", "B")
    assert value(crm, party.id, "cargo") == "法兰"
    run(their, "UPDATE person SET job = '总监'")
    run(their, "UPDATE firm SET cargo = '电机'")
    crm.sync().compare_all()
    assert crm.lookup("13812345679")[0].party.role == "总监"
    assert value(crm, party.id, "cargo") == "电机"


def test_a_stale_save_is_told(their: sa.Engine, opened: Open) -> None:
    """A save made before they changed the customer is refused with the record as it stands."""
    crm = opened(tree(their))
    crm.sync().once()
    party = crm.lookup("13812345678")[0].party
    run(their, "UPDATE person SET job = '总监'")
    assert crm.profile(party.id).party.role == "总监", "the profile is read anew"
    with pytest.raises(Conflict) as stale:
        crm.save_fields(party.id, {"role": "经理"}, party.version, "lin")
    assert stale.value.profile.party.role == "总监"


def test_notes_business_and_choices_are_ours(their: sa.Engine, opened: Open) -> None:
    """Notes, business records, numbers and choices are kept here, survive every reading, and go to the outbox."""
    kept = Kept()
    crm = opened(tree(their), outbox=kept)
    crm.sync().once()
    party = crm.lookup("13812345678")[0].party.id
    note = crm.add_note(party, "要周五的船", "lin", call_id="c1")
    deal = crm.add_business(party, {"pol": "宁波", "pod": "汉堡", "price": "3700"}, "lin")
    crm.learn("057487000013", party, "lin")
    version = crm.profile(party).party.version
    crm.save_fields(party, {"phone": "13712345678"}, version, "lin")
    run(their, "UPDATE person SET tel = '13812345679', name = '周小敏'")
    crm.sync().compare_all()
    profile = crm.profile(party)
    assert [one.text for one in profile.notes] == ["要周五的船"]
    assert {point.value for point in profile.contact_points} >= {"13712345678", "13812345679"}
    assert [one.id for one in crm.business(party).items] == [deal.id]
    assert [match.party.name for match in crm.lookup("13712345678")] == ["周小敏"]
    assert crm.lookup("057487000013")[0].level == "learned"
    assert crm.lookup("13812345678") == []
    assert [(kind, key, party_id) for kind, key, party_id, _ in kept.put_in[:2]] == [
        ("note", note.id, "p1"),
        ("business", deal.id, "p1"),
    ]


def test_a_prospect_is_ours_until_they_have_it(their: sa.Engine, opened: Open) -> None:
    """A new customer is made here and offered to the outbox; no reading touches it."""
    kept = Kept()
    crm = opened(tree(their), outbox=kept)
    crm.sync().once()
    made = crm.create_party({"name": "新客户", "category": "customer"}, "13612345678", "lin")
    crm.sync().compare_all()
    assert [match.party.id for match in crm.lookup("13612345678")] == [made.party.id]
    assert kept.put_in[0][:3] == ("party", made.party.id, None)
    assert crm.profile(made.party.id).party.name == "新客户"


def test_a_field_of_theirs_is_a_field_here(their: sa.Engine, opened: Open) -> None:
    """A field that only their CRM has stands in forms and profiles under its label."""
    crm = opened(tree(their))
    crm.sync().once()
    party = crm.lookup("13812345678")[0].party.id
    assert value(crm, party, "tax_no") == "f1"
    assert "税号" in {field.label for field in crm.form("customer")}


def test_nobody_is_remembered_for_some_seconds(their: sa.Engine, opened: Open) -> None:
    """A number they do not know is asked for once; ten phones ringing for it make one question."""
    crm = opened(tree(their))
    asked: list[str] = []
    find = crm.entities.find

    def counted(number: Any, deadline_s: float) -> Any:
        asked.append(number.key)
        return find(number, deadline_s)

    crm.entities.find = counted  # type: ignore[method-assign]
    threads = [threading.Thread(target=crm.lookup, args=("13612345678",)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    crm.lookup("013612345678")
    assert asked == ["+8613612345678"]
    for silent in ("anonymous", "8012", "95588", "138****5678", "10086", None):
        crm.lookup(silent)
    assert asked == ["+8613612345678"]


def test_what_asking_finds_is_verified(their: sa.Engine, opened: Open) -> None:
    """A row found by a spelling counts only if the number in it really is the caller's."""
    run(their, "INSERT INTO firm VALUES ('f2', '假冒', '', '', '87000014'), ('f3', '杭州', '', '', '0571-87000014')")
    crm = opened(tree(their))
    assert [(m.party.name, m.level) for m in crm.lookup("057487000014")] == [("假冒", "derived")]
    assert [(m.party.name, m.level) for m in crm.lookup("057187000014")] == [("杭州", "exact")]
    for text in ("%", "' OR 1=1 --", "057%", "0571-8700001_", "\\"):
        assert crm.lookup(text) == []


def test_the_service_opens_either(their: sa.Engine, tmp_path: Path) -> None:
    """Without a mapping the embedded CRM; with one theirs, read in the background until it is closed."""
    plain = open_crm(f"sqlite:///{tmp_path}/plain.db")
    assert own_part(plain) is plain
    plain.close()
    file = tmp_path / "own.toml"
    file.write_text(
        f'[source]\nname = "own"\nurl = "{their.url}"\n[[entities]]\nname = "person"\nkind = "person"\n'
        'table = "person"\ntitle = ["name"]\nphones = [{ column = "tel" }]\n'
    )
    crm = open_crm(f"sqlite:///{tmp_path}/local.db", mapping=file)
    assert isinstance(crm, MappedCrm)
    assert crm.wait_for_rounds(1, 30)
    assert [party.name for party in crm.search("周敏")] == ["周敏"]
    crm.check()
    crm.close()
    file.write_text("[source]\n")
    with pytest.raises(CrmError) as wrong:
        open_crm(f"sqlite:///{tmp_path}/local.db", mapping=file)
    assert wrong.value.permanent


def test_the_index_may_live_in_postgresql(their: sa.Engine, postgresql: Postgresql, tmp_path: Path) -> None:
    """With our own tables in a server database everything works alike."""
    local = EmbeddedCrm(postgresql.create("local"), site=Site(area_code="0574"))
    local.migrate()
    file = mapping.parse({**tree(their), "fields": []}, tmp_path)
    crm = MappedCrm(file, local)
    crm.migrate()
    assert crm.sync().once().new == 2
    (match,) = crm.lookup("13812345678")
    assert (match.party.name, match.party.company) == ("周敏", "屿衡")
    saved = crm.save_fields(match.party.id, {"role": "经理"}, match.party.version, "lin")
    run(their, "UPDATE person SET tel = '13912345678'")
    run(their, "INSERT INTO person VALUES ('p2', '王立', 'f1', '', '13712345678')")
    counts = crm.sync().compare_all()
    assert (counts.new, counts.changed, counts.gone) == (1, 1, 0)
    again = crm.lookup("013912345678")[0].party
    assert (again.id, again.role) == (saved.party.id, "经理")
    run(their, "DELETE FROM person WHERE id = 'p2'")
    assert crm.sync().compare_all().gone == 1
    assert crm.lookup("13712345678") == []
    crm.close()


@pytest.mark.parametrize("told", [True, False], ids=["with its id", "by its name"])
def test_a_prospect_that_was_written_back_stays_one_customer(their: sa.Engine, opened: Open, told: bool) -> None:
    """The row that our own prospect became there is the same party here, with what was typed; numbers find it once."""
    kept = Kept()
    crm = opened(tree(their), outbox=kept)
    crm.sync().once()
    new = {"name": "高朗", "category": "customer", "role": "外贸部"}
    party = crm.create_party(new, "13912340001", "lin").party.id
    crm.add_note(party, "询宁波到汉堡", "lin")
    assert kept.put_in[-1][:3] == ("note", kept.put_in[-1][1], f"party:{party}")
    if told:
        kept.named[party] = "p9"
    run(their, f"INSERT INTO person VALUES ('p9', '{'高朗先生' if told else '高朗'}', NULL, NULL, '139 1234 0001')")
    crm.sync().compare_all()
    (match,) = crm.lookup("13912340001")
    assert (match.party.id, match.party.role) == (party, "外贸部")
    assert [point.value for point in crm.profile(party).contact_points if point.kind == "phone"] == ["139 1234 0001"]
    assert [note.text for note in crm.profile(party).notes] == ["询宁波到汉堡"]
    crm.add_note(party, "再问一次", "lin")
    assert kept.put_in[-1][2] == "p9"
    run(their, "UPDATE person SET job = '总监' WHERE id = 'p9'")
    crm.sync().compare_all()
    assert crm.lookup("13912340001")[0].party.role == "总监"


def test_another_customer_with_the_same_number_is_no_prospect_of_ours(their: sa.Engine, opened: Open) -> None:
    """A row with a prospect's number, but neither his name nor his id there, is somebody else."""
    crm = opened(tree(their), outbox=Kept())
    crm.sync().once()
    party = crm.create_party({"name": "高朗", "category": "customer"}, "13912340001", "lin").party.id
    run(their, "INSERT INTO person VALUES ('p9', '王立', NULL, NULL, '13912340001')")
    crm.sync().compare_all()
    assert {match.party.name for match in crm.lookup("13912340001")} == {"高朗", "王立"}
    assert crm.party(party) is not None


def test_a_number_added_here_goes_back_and_theirs_stay(their: sa.Engine, opened: Open) -> None:
    """A list of contact points without their number takes nothing from them; what is new is told, and found."""
    kept = Kept()
    crm = opened(tree(their), outbox=kept)
    crm.sync().once()
    party = crm.lookup("13812345678")[0].party
    points = [
        ContactPoint(kind="phone", value="13712340000", label="手机"),
        ContactPoint(kind="qq", value="8013", label=""),
    ]
    saved = crm.set_contact_points(party.id, points, party.version, "lin")
    assert [point.value for point in saved.contact_points if point.label != "办公"] == [
        "13812345678",
        "13712340000",
        "8013",
    ]
    assert kept.put_in == [
        ("fields", f"{party.id}/{saved.party.version}", "p1", {"phone": "13712340000", "qq": "8013"})
    ]
    for number in ("13812345678", "13712340000"):
        assert [match.party.id for match in crm.lookup(number)] == [party.id]
    run(their, "UPDATE person SET job = '总监'")
    crm.sync().compare_all()
    for number in ("13812345678", "13712340000"):
        assert [match.party.id for match in crm.lookup(number)] == [party.id]


def test_lanes_are_priced_from_their_deals_and_ours(their: sa.Engine, opened: Open) -> None:
    """Their closed deals, read beside the sync, and what was closed here make one trend; away, the last copy stands."""
    now = 1_795_000_000.0
    run(their, "CREATE TABLE deal (day REAL, a TEXT, b TEXT, box TEXT, price TEXT, cost REAL, firm TEXT)")
    for n, price in enumerate(("2300", "2350", "2320", "abc")):
        run(
            their, f"INSERT INTO deal VALUES ({now - n * 86400 - 60}, 'Ningbo', 'DEHAM', '40HC', '{price}', 2200, 'f1')"
        )
    sql = (
        "SELECT day AS at, a AS pol, b AS pod, box AS container, price, cost AS floor_price, firm AS company_id"
        " FROM deal WHERE day > :since_epoch LIMIT :limit"
    )
    crm = opened({**tree(their), "deals": {"sql": sql}}, clock=lambda: now)
    crm.local._clock = lambda: now
    crm.sync().once()
    assert crm.lanes(0.0) == []
    crm.deals.refresh()
    party = crm.lookup("13812345678")[0].party.id
    deal = {"pol": "宁波", "pod": "汉堡", "container": "40HQ", "price": "2340", "currency": "USD", "closed": "won"}
    crm.add_business(party, deal, "lin")
    prices, _ = read_prices(crm, "宁波", "汉堡", "40HQ", "USD", now=now, per="month", party_id=party)
    assert prices is not None
    assert (prices.n, prices.min, prices.max, len(prices.ours)) == (4, 2300.0, 2350.0, 4)
    assert [(lane.pol, lane.pod, lane.n) for lane in crm.lanes(0.0)] == [("宁波", "汉堡", 4)]
    told = check(crm.mapping, crm.source, Site(area_code="0574"))
    assert [(one.kind, one.rows, one.error) for one in told.sections] == [("deals", 4, "")]
    crm.deals._read_at = None
    run(their, "DROP TABLE deal")
    crm.deals.refresh()
    assert len(crm.deals.found) == 3


def test_a_query_for_deals_is_one_select_with_its_own_parameters(their: sa.Engine, opened: Open) -> None:
    """Whatever else is refused with the place."""
    for sql in ("DELETE FROM deal", "SELECT 1 WHERE :party_id = 1", "SELECT 1; SELECT 2"):
        with pytest.raises(MappingError):
            opened({**tree(their), "deals": {"sql": sql}})
