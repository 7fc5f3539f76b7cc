"""Each preset on its CRM's own schema, in a real server, with data as messy as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.mapped import MappedCrm, mapping
from crm_bridge.mapped.connect import Source, SourceError
from crm_bridge.numbers import Site, canonical
from tests.crm.mapped import schemas, schemas_more, world
from tests.crm.mapped.conftest import engine
from tests.crm.mapped.schemas import Schema
from tests.crm.mapped.world import World

SITE = Site(area_code=world.AREA)


@dataclass
class Place:
    """A CRM in a server, and our reading of it."""

    schema: Schema
    world: World
    owner: sa.Engine
    crm: MappedCrm


@pytest.fixture(scope="module", params=schemas_more.ALL, ids=lambda schema: schema.preset)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The world in one CRM's tables, read once."""
    schema: Schema = request.param
    server = request.getfixturevalue(schema.server)
    owner = engine(server.create(schema.preset))
    people = world.make()
    schema.build(owner, people)
    folder: Path = tmp_path_factory.mktemp(schema.preset)
    tree = {"preset": schema.preset, "source": {"url": server.reader_url(schema.preset), "lookup_timeout": 3.0}}
    crm = MappedCrm(mapping.parse(tree, folder), EmbeddedCrm(f"sqlite:///{folder}/local.db", site=SITE))
    try:
        counts = crm.sync().once()
        assert counts.new > 200
        yield Place(schema, people, owner, crm)
    finally:
        crm.close()


def test_every_planted_caller_is_found(place: Place) -> None:
    """200 of 200 callers are found however their number is spelled, at the level that is due."""
    missed = []
    for caller in place.world.callers:
        found = {match.party.name: match.level for match in place.crm.lookup(caller.presented)}
        if found.get(caller.name) != caller.level:
            missed.append((caller, found))
    assert missed == []
    assert len(place.world.callers) == world.PLANTED


def test_no_exact_match_is_wrong(place: Place) -> None:
    """Nobody is told to be the caller exactly who has not that number, and a number nobody has finds nobody sure."""
    wrong = []
    for presented in [*(caller.presented for caller in place.world.callers), *place.world.strangers]:
        key = canonical(presented, SITE).key or ""
        for match in place.crm.lookup(presented):
            if match.level == "exact" and match.party.name not in place.world.truth.get(key, set()):
                wrong.append((presented, match.party.name, match.reason))
    assert wrong == []


def test_deleted_customers_and_hostile_cells_are_nobody(place: Place) -> None:
    """Rows in the bin, masked numbers and SQL in a number find nobody; a number in a note is a hint only."""
    for person in place.world.people:
        if person.deleted:
            assert place.crm.lookup(person.mobile) == []
        elif person.note:
            levels = [match.level for match in place.crm.lookup(f"1360000{person.id:04d}")]
            assert levels == ["text"]
            assert place.crm.lookup(f"1380000{person.id:04d}") == []
    for hostile in ("1' OR '1'='1", "%", "_%", "138%", "'; DROP TABLE accounts; --"):
        assert place.crm.lookup(hostile) == []


def test_the_record_comes_from_their_tables(place: Place) -> None:
    """Company, role and owner stand in the profile; business, quotes and notes are read where that CRM has them."""
    firm = place.world.firms[0]
    known = place.crm.search(firm.name)[0]
    assert (known.kind, known.owner) == ("company", schemas.USER)
    if place.schema.preset == "wukong11":
        assert (known.tier, known.owner_name) == ("A", "林知夏")
    profile = place.crm.profile(known.id)
    assert "crm_state" not in {field.key for field in profile.fields}
    if "notes" in place.schema.sections:
        assert [note.text.strip() for note in profile.notes] == ["月结 30 天"]
    (deal,) = place.crm.business(known.id).items
    assert (deal.price, deal.closed) == (3700.0, "won")
    quotes = place.crm.quotes(known.id).items
    if "quotes" in place.schema.sections:
        assert [(quote.status, quote.lines[0].freight) for quote in quotes] == [("sent", 3900.0)]
    person = next(one for one in place.world.people if one.firm and not one.deleted)
    shown = place.crm.search(person.name)[0]
    assert shown.company == next(one.name for one in place.world.firms if one.id == person.firm)
    assert shown.role == ("采购" if place.schema.preset != "espocrm" else None)


def test_a_customer_added_a_second_ago_is_found_by_asking(place: Place) -> None:
    """A number that the sync has not seen yet is asked for once, and is in the index from then on."""
    person = world.Person(777, "程", "新777", None, mobile="15088887777")
    assert place.crm.lookup("15088886666") == []
    with place.owner.begin() as connection:
        schemas.insert(connection, place.schema.person(person))
    assert [(m.party.name, m.level) for m in place.crm.lookup("015088887777")] == (
        [("程新777", "exact")] if place.schema.preset != "odoo" else []
    )
    place.crm.sync().once()
    assert [m.party.name for m in place.crm.lookup("15088887777")] == ["程新777"]


def test_a_changed_number_moves(place: Place) -> None:
    """The old number is nobody's and the new one the customer's once the change was read."""
    table, key, column = place.schema.person_table
    if not column:  # numbers stand in a table of their own there
        table, key, column = "phone_number", "id", "name"
    person = world.Person(778, "程", "变778", None, mobile="15088880001")
    rows = place.schema.person(person)
    with place.owner.begin() as connection:
        schemas.insert(connection, rows)
    place.crm.sync().once()
    assert [m.party.name for m in place.crm.lookup("15088880001")] == ["程变778"]
    target = sa.table(table, sa.column(key), sa.column(column))
    with place.owner.begin() as connection:
        own = next(row for name, row in rows if name == table)
        connection.execute(sa.update(target).where(target.c[key] == own[key]).values({column: "15088880002"}))
    place.crm.sync().compare_all()
    assert place.crm.lookup("15088880001") == []
    assert [m.party.name for m in place.crm.lookup("15088880002")] == ["程变778"]


def test_the_bridge_cannot_write_to_their_database(place: Place) -> None:
    """Even a mapping that tried could change nothing, even with an account that may: the connection reads only."""
    table = place.schema.person_table[0]
    quoted = place.owner.dialect.identifier_preparer.quote(table)
    before = _count(place, quoted)
    url = place.owner.url.render_as_string(hide_password=False)
    careless = Source(msgspec.structs.replace(place.crm.mapping.source, url=url))
    for source in (place.crm.source, careless):
        with pytest.raises(SourceError) as refused:
            source.read(sa.text(f"DELETE FROM {quoted}"), {}, limit=1)
        assert "DELETE" not in str(refused.value)
    careless.close()
    assert _count(place, quoted) == before > 200


def _count(place: Place, table: str) -> int:
    with place.owner.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())
