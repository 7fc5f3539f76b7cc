"""From a number to everybody it may belong to: never silently the first, always with the reason."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.model import Match

NOW = 1_780_000_000.0


def person(crm: EmbeddedCrm, name: str, *cells: str, company: str | None = None, last: float | None = None) -> str:
    """A person with these phone cells."""
    with crm.loading() as loader:
        phones = [(cell, "手机") for cell in cells]
        return loader.add_party(name, "sea", phones=phones, company=company, last_contact=last)


def company(crm: EmbeddedCrm, name: str, *cells: str) -> str:
    """A company with these phone cells."""
    with crm.loading() as loader:
        return loader.add_party(name, "sea", person=False, phones=[(cell, "办公") for cell in cells])


def found(matches: list[Match]) -> list[tuple[str, str]]:
    """(name, level) of matches, in their order."""
    return [(match.party.name, match.level) for match in matches]


@pytest.mark.parametrize("caller", ["13812345678", "013812345678", "+8613812345678", "sip:8613812345678@gw"])
@pytest.mark.parametrize("stored", ["138 1234 5678", "0086-138-1234-5678", "张三 13812345678 / 025-84512345"])
def test_forms_do_not_matter(crm: EmbeddedCrm, stored: str, caller: str) -> None:
    """However the CRM has it and however the trunk presents it, the number is found."""
    person(crm, "周敏", stored)
    assert found(crm.lookup(caller)) == [("周敏", "exact")]


def test_unknown_and_withheld_numbers_find_nobody(crm: EmbeddedCrm) -> None:
    """Nobody is found by a number nobody has, nor by a withheld, masked or empty one."""
    person(crm, "周敏", "13812345678", "138****5678")
    for caller in ("13912345678", "anonymous", "138****5678", "", None, "3812345678", "12345678", "5678"):
        assert crm.lookup(caller) == []


def test_all_who_share_a_number_are_told(crm: EmbeddedCrm) -> None:
    """A mobile that two people have finds both, the last contact first, each saying that it is shared."""
    person(crm, "甲", "13812345678", last=NOW - 900)
    person(crm, "乙", "13812345678", last=NOW - 100)
    matches = crm.lookup("13812345678")
    assert found(matches) == [("乙", "exact"), ("甲", "exact")]
    assert all("不止一个" in match.reason and "others" in match.reason_en for match in matches)


def test_a_switchboard_is_called_one(crm: EmbeddedCrm) -> None:
    """The base number of several firms is a switchboard for each; the extension, where presented, decides."""
    person(crm, "方倩", "0574-87000013转208")
    person(crm, "许工", "0574-87000013")
    matches = crm.lookup("057487000013")
    assert {level for _, level in found(matches)} == {"switchboard"}
    assert any("转 208" in match.reason for match in matches)
    assert found(crm.lookup("0574-87000013-208"))[0] == ("方倩", "exact")
    assert found(crm.lookup("0574-87000013-208"))[1] == ("许工", "switchboard")


def test_a_firm_and_its_people_are_one_customer(crm: EmbeddedCrm) -> None:
    """A number that belongs to a person exactly does not list the person's own company beside."""
    firm = company(crm, "屿衡", "13812345678")
    person(crm, "周敏", "13812345678", company=firm)
    assert found(crm.lookup("13812345678")) == [("周敏", "exact")]


def test_a_firms_own_switchboard_is_the_firms(crm: EmbeddedCrm) -> None:
    """A landline registered to a firm is exactly the firm's, with its people behind extensions as possible."""
    firm = company(crm, "屿衡", "0574-81010000")
    person(crm, "王立", "0574-81010000转201", company=firm)
    assert found(crm.lookup("057481010000")) == [("屿衡", "exact"), ("王立", "switchboard")]


def test_a_guess_says_so(crm: EmbeddedCrm) -> None:
    """A number made whole by the site's area code, in the CRM or by the trunk, is derived and not exact."""
    person(crm, "甲", "84512345")
    person(crm, "乙", "0574-84512346")
    assert found(crm.lookup("057484512345")) == [("甲", "derived")]
    assert found(crm.lookup("84512346")) == [("乙", "derived")]
    assert "区号" in crm.lookup("84512346")[0].reason


def test_a_number_in_a_text_is_a_hint_only(crm: EmbeddedCrm) -> None:
    """A number seen in a note is found under the level text, with the day, and ranks last."""
    noted = person(crm, "甲")
    person(crm, "乙", "13812345678")
    crm.add_note(noted, "她先生的手机 13812345678", "lin", at=NOW - 86400)
    matches = crm.lookup("13812345678")
    assert found(matches) == [("乙", "exact"), ("甲", "text")]
    assert re.search(r"05-\d\d", matches[1].reason)


def test_an_agents_choice_is_learned(crm: EmbeddedCrm) -> None:
    """What an agent chose for a number ranks first from then on, and says who chose it and how often."""
    first, second = person(crm, "甲", "057487000013"), person(crm, "乙", "057487000013")
    crm.learn("0574-8700 0013", second, "林知夏")
    crm.learn("057487000013", second, "林知夏")
    matches = crm.lookup("057487000013")
    assert found(matches)[0] == ("乙", "learned")
    assert "林知夏" in matches[0].reason
    assert "2 次" in matches[0].reason
    assert matches[1].party.id == first


def test_a_choice_works_for_a_party_that_never_had_the_number(crm: EmbeddedCrm) -> None:
    """A number that no record holds finds the party an agent once chose for it."""
    crm.learn("13812345678", person(crm, "甲"), "林知夏")
    assert found(crm.lookup("013812345678")) == [("甲", "learned")]
    crm.learn("anonymous", person(crm, "乙"), "林知夏")
    assert crm.lookup("anonymous") == []


HOSTILE = [
    "1' OR '1'='1",
    "%",
    "_%",
    "%' --",
    '"; DROP TABLE crm_party; --',
    "138%",
    "1381234567_",
    "\\",
    "\x00",
    "\ud800",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_wildcards_and_quotes_find_nothing(crm: EmbeddedCrm, text: str) -> None:
    """SQL in a number or a search finds nobody and breaks nothing."""
    person(crm, "周敏", "13812345678")
    assert crm.lookup(text) == []
    assert crm.search(text) == []
    assert found(crm.lookup("13812345678")) == [("周敏", "exact")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.text(max_size=40))
def test_no_caller_breaks_the_lookup(crm: EmbeddedCrm, text: str) -> None:
    """Whatever a caller presents, look-up and search answer."""
    crm.lookup(text)
    crm.search(text)


def test_search_by_name_company_and_number(crm: EmbeddedCrm) -> None:
    """Search finds people by name, company or the end of a number, names that begin with the text first."""
    firm = company(crm, "宁波屿衡进出口有限公司")
    person(crm, "周敏", "13812345678", company=firm)
    person(crm, "小周", "13912340000")
    assert [p.name for p in crm.search("周")] == ["周敏", "小周"]
    assert {p.name for p in crm.search("屿衡")} == {"周敏", "宁波屿衡进出口有限公司"}
    assert [p.name for p in crm.search("5678")] == ["周敏"]
    assert [p.name for p in crm.search("138 1234 5678")] == ["周敏"]
    assert crm.search("  ") == []
    assert len(crm.search("周", limit=1)) == 1
