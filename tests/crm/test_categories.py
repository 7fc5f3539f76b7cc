"""Categories and fields are the site's to change, without code and without losing anything."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.embedded.shape import CatalogueChanged
from crm_bridge.model import Invalid, Option
from crm_bridge.numbers import Site

NOW = 1_780_000_000.0


def keys(crm: EmbeddedCrm, category: str) -> list[str]:
    """Keys of a category's form."""
    return [field.key for field in crm.form(category)]


def new(crm: EmbeddedCrm, **values: str) -> str:
    """A person of a company."""
    given = {"name": "周敏", "category": "customer", "company": "屿衡", **values}
    return crm.create_party(given, "13812345678", "lin").party.id


def value(crm: EmbeddedCrm, party: str, key: str) -> str | None:
    """A field's value in the profile, None where the profile has no such field."""
    return next((f.value for f in crm.profile(party).fields if f.key == key), None)


def test_a_new_site_has_the_fields_of_the_trade(crm: EmbeddedCrm) -> None:
    """Customers have cargo class, birthday, character and factory; carriers region, grade, birthday and QQ."""
    assert {"cargo_class", "birthday", "character", "factory", "terms", "credit"} <= set(keys(crm, "customer"))
    for carrier in ("sea", "water", "rail", "truck"):
        assert {"company", "office_region", "service_grade", "birthday", "qq"} <= set(keys(crm, carrier))
    pii = {field.key for field in crm.form("customer") if field.pii}
    assert {"name", "phone", "qq", "wechat", "email", "birthday", "character"} <= pii


def test_a_category_and_its_fields_are_there_at_once(crm: EmbeddedCrm) -> None:
    """An added category takes parties, an added field takes values and shows in the pop, in the order of the site."""
    crm.add_category("air", "空运", "Air", "zhang")
    crm.add_field("air", "awb", "运单习惯", "AWB", "zhang", required=True, pii=True)
    grades = [Option(value="a", label="甲", label_en="A"), Option(value="b", label="乙", label_en="B")]
    crm.add_field(
        "*", "mood", "心情", "Mood", "zhang", kind="choice", scope="person", options=grades, show_in_pop=False
    )
    assert [c.key for c in crm.categories()][-1] == "air"
    with pytest.raises(Invalid) as caught:
        new(crm, category="air")
    assert [p.key for p in caught.value.problems] == ["awb"]
    with pytest.raises(Invalid):
        new(crm, category="air", awb="电子", mood="c")
    party = new(crm, category="air", awb="电子", mood="b")
    shown = {f.key: (f.value, f.required, f.show_in_pop, f.pii) for f in crm.profile(party).fields}
    assert shown["awb"] == ("电子", True, True, True)
    assert shown["mood"] == ("b", False, False, False)
    assert "mood" in keys(crm, "sea")
    assert "awb" not in keys(crm, "sea")


def test_a_required_field_of_the_company_is_asked_once(crm: EmbeddedCrm) -> None:
    """The second person of a company need not tell what the company's record holds."""
    crm.add_field("customer", "licence", "营业执照", "Licence", "zhang", required=True)
    new(crm, licence="9133")
    second = new(crm, name="王立")
    assert value(crm, second, "licence") == "9133"
    with pytest.raises(Invalid):
        new(crm, company="另一家")
    version = crm.profile(second).party.version
    with pytest.raises(Invalid):
        crm.save_fields(second, {"licence": ""}, version, "lin")


def test_a_retired_field_leaves_and_comes_back_with_its_values(crm: EmbeddedCrm) -> None:
    """Retired it is in no form and no profile and cannot be saved; restored, what was stored is there."""
    party = new(crm, cargo="家具")
    crm.retire_field("customer", "cargo", "zhang")
    assert "cargo" not in keys(crm, "customer")
    assert value(crm, party, "cargo") is None
    with pytest.raises(Invalid):
        crm.save_fields(party, {"cargo": "x"}, crm.profile(party).party.version, "lin")
    crm.save_fields(party, {"lanes": "宁波→汉堡"}, crm.profile(party).party.version, "lin")
    crm.restore_field("customer", "cargo", "zhang")
    assert value(crm, party, "cargo") == "家具"


def test_a_retired_category_takes_nobody_new_and_keeps_its_own(crm: EmbeddedCrm) -> None:
    """Retired it is no choice any more; who has it keeps label and fields and can be saved and moved."""
    party = new(crm, category="rail", company="")
    crm.retire_category("rail", "zhang")
    assert "rail" not in [c.key for c in crm.categories()]
    with pytest.raises(Invalid):
        new(crm, category="rail")
    profile = crm.profile(party)
    assert (profile.party.category, profile.party.category_label) == ("rail", "铁路")
    assert value(crm, party, "office_region") == ""
    saved = crm.save_fields(party, {"category": "rail", "tier": "B"}, profile.party.version, "lin")
    moved = crm.save_fields(party, {"category": "sea"}, saved.party.version, "lin")
    assert moved.party.category == "sea"
    with pytest.raises(Invalid):
        crm.save_fields(party, {"category": "rail"}, moved.party.version, "lin")
    crm.restore_category("rail", "zhang")
    assert crm.save_fields(party, {"category": "rail"}, moved.party.version, "lin").party.category == "rail"


def test_labels_flags_options_and_places_can_change(crm: EmbeddedCrm) -> None:
    """What people see of a category or field is theirs to change; its key, kind and scope stay."""
    crm.change_category("peer", "zhang", label="同行", label_en="Peer", position=-1)
    assert next((c.label, c.label_en) for c in crm.categories()) == ("同行", "Peer")
    grade = [Option(value="1", label="优", label_en="Best")]
    crm.change_field(
        "truck", "service_grade", "zhang", label=" 级 别 ", required=True, pii=True, options=grade, position=-5
    )
    field = next(f for f in crm.form("truck") if f.key == "service_grade")
    assert (field.label, field.label_en, field.kind, field.required, field.pii) == (
        "级 别",
        "Service grade",
        "choice",
        True,
        True,
    )
    assert field.options == tuple(grade)
    assert next(f for f in crm.form("sea") if f.key == "service_grade").label == "服务等级"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"key": "Größe"}, "key"),
        ({"key": "a" * 41}, "key"),
        ({"key": "1a"}, "key"),
        ({"key": "phone"}, "key"),
        ({"key": "tags"}, "key"),
        ({"key": "cargo"}, "key"),
        ({"key": "birthday"}, "key"),
        ({"category": "*", "key": "lanes"}, "key"),
        ({"category": "nowhere"}, "category"),
        ({"label": " \x00 "}, "label"),
        ({"label_en": ""}, "label_en"),
        ({"kind": "colour"}, "kind"),
        ({"scope": "planet"}, "scope"),
        ({"kind": "choice"}, "options"),
        ({"options": [Option(value="a", label="甲", label_en="A")]}, "options"),
        ({"kind": "choice", "options": [Option(value="a", label="甲", label_en="A")] * 2}, "options"),
        ({"kind": "choice", "options": [Option(value="", label="甲", label_en="A")]}, "options"),
        ({"kind": "choice", "options": [Option(value="a", label="甲", label_en="")]}, "options"),
    ],
)
def test_a_field_that_would_not_work_is_refused(crm: EmbeddedCrm, change: dict[str, Any], problem: str) -> None:
    """A key taken or badly formed, a missing label, a choice without choices: refused with its place, nothing kept."""
    before = crm.catalogue_view()
    given: dict[str, Any] = {"category": "customer", "key": "colour", "label": "颜色", "label_en": "Colour", **change}
    with pytest.raises(Invalid) as caught:
        crm.add_field(by="zhang", **given)
    assert problem in {p.key for p in caught.value.problems}
    assert crm.catalogue_view() == before


def test_categories_that_would_not_work_are_refused(crm: EmbeddedCrm) -> None:
    """A key known or malformed, a missing label, and what is not there at all."""
    for key, label, label_en in (("sea", "海", "Sea"), ("海", "海", "Sea"), ("air", "", "Air"), ("air", "空", "")):
        with pytest.raises(Invalid):
            crm.add_category(key, label, label_en, "zhang")
    changes: tuple[Callable[[], object], ...] = (
        lambda: crm.retire_category("nowhere", "z"),
        lambda: crm.change_category("nowhere", "z", label="x"),
        lambda: crm.retire_field("sea", "nothing", "z"),
        lambda: crm.change_field("sea", "lanes", "z", label=""),
        lambda: crm.change_field("sea", "cargo_class", "z", options=[]),
    )
    for wrong in changes:
        with pytest.raises(Invalid):
            wrong()


def test_every_change_is_a_version_with_who_what_and_before(crm: EmbeddedCrm) -> None:
    """The log tells each change; what changes nothing is none."""
    assert crm.catalogue_view().version == 0
    crm.add_field("sea", "colour", "颜色", "Colour", "zhang")
    crm.change_field("sea", "colour", "lin", label="色")
    crm.change_field("sea", "colour", "lin", label="色")
    view = crm.retire_field("sea", "colour", "zhang")
    assert view.version == 3
    assert next(f.retired for f in view.fields if f.key == "colour")
    log = crm.catalogue_changes()
    assert [(c.action, c.by, c.category, c.field) for c in log] == [
        ("retire", "zhang", "sea", "colour"),
        ("change", "lin", "sea", "colour"),
        ("add", "zhang", "sea", "colour"),
    ]
    assert (log[1].before, log[1].after, log[1].at) == ({"label": "颜色"}, {"label": "色"}, NOW)


def test_two_editors_of_the_catalogue_are_told_of_each_other(crm: EmbeddedCrm) -> None:
    """A change made from an old version is refused; of many at once from the same version exactly one wins."""
    crm.add_category("air", "空运", "Air", "zhang", version=0)
    with pytest.raises(CatalogueChanged) as caught:
        crm.change_category("air", "lin", label="航空", version=0)
    assert caught.value.version == 1
    outcomes: list[str] = []
    start = threading.Barrier(6)

    def change(n: int) -> None:
        start.wait()
        try:
            crm.change_category("air", "lin", label=f"空运{n}", version=1)
            outcomes.append("changed")
        except CatalogueChanged:
            outcomes.append("told")

    threads = [threading.Thread(target=change, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["changed"] + ["told"] * 5
    assert crm.catalogue_view().version == 2


def test_another_service_sees_a_change_within_seconds(tmp_path: Any) -> None:
    """A second process on the same database shows a new field after at most five seconds."""
    now = [NOW]
    url = f"sqlite:///{tmp_path}/crm.db"
    one, two = (EmbeddedCrm(url, site=Site(), clock=lambda: now[0]) for _ in range(2))
    assert "colour" not in keys(two, "sea")
    one.add_field("sea", "colour", "颜色", "Colour", "zhang")
    assert "colour" in keys(one, "sea")
    now[0] += 5.0
    assert "colour" in keys(two, "sea")
    for each in (one, two):
        each.close()
