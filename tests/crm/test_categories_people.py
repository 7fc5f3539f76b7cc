"""Contact points, owners and tags of a party."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.model import Conflict, ContactPoint, Invalid, NotFound


def point(kind: str, value: str, label: str = "") -> ContactPoint:
    """A contact point as a form gives it."""
    return ContactPoint(kind=kind, value=value, label=label)


def new(crm: EmbeddedCrm, name: str = "周敏", number: str | None = "13812345678", **values: str) -> str:
    """A person of a company."""
    return crm.create_party({"name": name, "category": "sea", "company": "屿衡", **values}, number, "lin").party.id


def found(crm: EmbeddedCrm, number: str) -> list[tuple[str, str]]:
    """(party, level) of a number."""
    return [(match.party.id, match.level) for match in crm.lookup(number)]


def test_a_person_has_as_many_contact_points_as_he_has(crm: EmbeddedCrm) -> None:
    """Phones, QQ, WeChat, Wangwang, mail and the rest, in the order given, each with its label; all phones find him."""
    party = new(crm)
    points = [
        point("phone", "13912345678", "手机2"),
        point("phone", "0574-87654321转208 / 13712345678"),
        point("qq", "10001"),
        point("qq", "10002", "小号"),
        point("wangwang", "yuheng"),
        point("msn", "a@example.com"),
    ]
    profile = crm.set_contact_points(party, points, crm.profile(party).party.version, "lin")
    assert [(p.kind, p.value, p.label) for p in profile.contact_points] == [
        ("phone", "13912345678", "手机2"),
        ("phone", "0574-87654321转208 ", "办公"),
        ("phone", " 13712345678", "手机"),
        ("qq", "10001", "QQ"),
        ("qq", "10002", "小号"),
        ("wangwang", "yuheng", "旺旺"),
        ("msn", "a@example.com", "MSN"),
    ]
    for number in ("13912345678", "13712345678", "0574-87654321-208"):
        assert found(crm, number) == [(party, "exact")]


def test_a_number_taken_away_finds_nobody(crm: EmbeddedCrm) -> None:
    """The index follows the contact points at once; a number in a note stays the hint it is."""
    party = new(crm)
    crm.add_note(party, "老号码 13812345678", "lin", "c1")
    after = crm.set_contact_points(party, [point("phone", "13912345678")], crm.profile(party).party.version, "lin")
    assert found(crm, "13812345678") == []
    crm.add_note(party, "又提到 13812345678", "lin", "c2")
    assert found(crm, "13812345678") == [(party, "text")]
    crm.set_contact_points(party, [], after.party.version, "lin")
    assert found(crm, "13912345678") == []


def test_points_that_are_none_are_refused(crm: EmbeddedCrm) -> None:
    """An unknown kind, an empty value, a phone without a number: all are told, nothing changes."""
    party = new(crm)
    version = crm.profile(party).party.version
    wrong = [point("pigeon", "x"), point("qq", " "), point("phone", "138****5678"), point("phone", "13912345678")]
    with pytest.raises(Invalid) as caught:
        crm.set_contact_points(party, wrong, version, "lin")
    assert [p.key for p in caught.value.problems] == ["points.0", "points.1", "points.2"]
    assert found(crm, "13812345678") == [(party, "exact")]
    with pytest.raises(Invalid):
        crm.set_contact_points(party, [point("qq", str(n)) for n in range(41)], version, "lin")


def test_owner_and_tags_are_the_persons_or_else_the_companys(crm: EmbeddedCrm) -> None:
    """A company's owner looks after its people unless one has his own; tags of both are shown."""
    party = new(crm)
    firm = crm.profile(party).party.company_id or ""
    crm.assign(firm, "zhang", "张伟", crm.profile(firm).party.version, "boss")
    crm.set_tags(firm, ["月结", " 重要  客户 ", "月结", ""], crm.profile(firm).party.version, "boss")
    seen = crm.profile(party).party
    assert (seen.owner, seen.owner_name, seen.tags) == ("zhang", "张伟", ("月结", "重要 客户"))
    crm.assign(party, "lin", None, seen.version, "boss")
    crm.set_tags(party, ["爱砍价"], crm.profile(party).party.version, "boss")
    seen = crm.profile(party).party
    assert (seen.owner, seen.owner_name, seen.tags) == ("lin", "lin", ("爱砍价", "月结", "重要 客户"))
    crm.assign(party, None, None, seen.version, "boss")
    assert crm.profile(party).party.owner == "zhang"
    with pytest.raises(Invalid):
        crm.set_tags(party, [str(n) for n in range(31)], crm.profile(party).party.version, "boss")


def test_an_old_version_changes_nothing_here_either(crm: EmbeddedCrm) -> None:
    """Contact points, owner and tags made from an old version are refused with the record as it stands."""
    party = new(crm)
    old = crm.profile(party).party.version
    crm.save_fields(party, {"role": "采购"}, old, "chen")
    changes: tuple[Callable[[], object], ...] = (
        lambda: crm.set_contact_points(party, [], old, "lin"),
        lambda: crm.assign(party, "lin", "林", old, "lin"),
        lambda: crm.set_tags(party, [], old, "lin"),
    )
    for change in changes:
        with pytest.raises(Conflict) as caught:
            change()
        assert caught.value.profile.party.role == "采购"
    for nobody in ("99", "x"):
        with pytest.raises(NotFound):
            crm.set_tags(nobody, [], 1, "lin")
