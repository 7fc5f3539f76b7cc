"""Who sees what of a customer: one rule, applied where a thing leaves the service."""

from __future__ import annotations

import pytest

from crm_bridge.model import BusinessRecord, ContactPoint, Field, Party, Profile
from cti import privacy, wire
from cti.privacy import ALL, Privacy, Sight

BLIND = Sight(False, False)
FIELDS = (
    Field(key="name", label="姓名", label_en="Name", value="周敏", pii=True, show_in_pop=False),
    Field(
        key="birthday", label="生日", label_en="Birthday", value="1985-05-21", kind="date", pii=True, show_in_pop=False
    ),
    Field(key="character", label="性格", label_en="Character", value="急", pii=True, show_in_pop=False),
    Field(key="hobby", label="爱好", label_en="Hobby", value="钓鱼", pii=True, show_in_pop=True),
    Field(key="cargo", label="货名", label_en="Cargo", value="家具", show_in_pop=False),
    Field(key="wife", label="配偶", label_en="Spouse", value="", pii=True, show_in_pop=False),
)
POINTS = tuple(
    ContactPoint(kind=kind, value=value, label="") for kind, value in (("phone", "138-1234-5678"), ("email", "z@x.cn"))
)
PROFILE = Profile(
    party=Party(id="1", kind="person", name="周敏", category="sea", category_label="", version=1),
    fields=FIELDS,
    contact_points=POINTS,
    notes=(),
)
DEAL = BusinessRecord(id="b", at=1.0, floor_price=2200.0, price=2350.0)


def test_a_role_sees_what_the_site_says() -> None:
    """Roles that are not named see neither; the two are apart."""
    rule = Privacy(floor_roles=("agent",), personal_roles=("supervisor",))
    assert rule.of("agent") == Sight(True, False)
    assert rule.of("supervisor") == Sight(False, True)
    assert rule.of("stranger") == BLIND


def test_what_the_pop_shows_reaches_everybody_who_gets_the_pop() -> None:
    """Personal fields beyond it are masked and cannot be edited; what is not personal, or empty, stays."""
    shown = {field.key: field for field in privacy.profile(PROFILE, BLIND).fields}
    assert {key: field.value for key, field in shown.items()} == {
        "name": "周敏", "birthday": "****-05-21", "character": "••••", "hobby": "钓鱼", "cargo": "家具", "wife": "",
    }  # fmt: skip
    assert {key for key, field in shown.items() if field.readonly} == {"birthday", "character"}
    assert privacy.profile(PROFILE, ALL) is PROFILE


def test_numbers_are_whole_in_ones_own_call_only() -> None:
    """Out of it three and four digits are left; every way to reach somebody is hidden."""
    assert privacy.profile(PROFILE, BLIND).contact_points == POINTS
    values = [point.value for point in privacy.profile(PROFILE, BLIND, own_call=False).contact_points]
    assert values == ["138-****-5678", "••••"]
    assert all(privacy.is_masked(value) for value in values)


@pytest.mark.parametrize(
    ("written", "shown"),
    [("13812345678", "138****5678"), ("0574-87654321", "0574-****4321"), ("+86 138 1234 5678", "+86 138 **** 5678"),
     ("12345", "••••"), ("", "••••")],
)  # fmt: skip
def test_a_masked_number_tells_nobody_the_number(written: str, shown: str) -> None:
    """At least three digits are gone, however it is written."""
    assert privacy.masked(written, "phone") == shown


def test_the_floor_price_is_taken_out_of_a_section() -> None:
    """Only there, and only for whom it is not; the copy that others get stays whole."""
    section = wire.Section(name="business", state="ready", items=(DEAL,), total=1)
    assert [item.floor_price for item in privacy.section(section, BLIND).items] == [None]
    assert privacy.section(section, ALL) is section
    assert section.items[0].floor_price == 2200.0
    other = wire.Section(name="calls", state="ready", items=(1,), total=1)
    assert privacy.section(other, BLIND) is other
