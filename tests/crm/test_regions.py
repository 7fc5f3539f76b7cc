"""Where a number comes from, the newer mobile ranges too."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from crm_bridge import regions
from crm_bridge.numbers import canonical


@pytest.mark.parametrize(
    ("number", "zh", "en"),
    [
        ("16612345678", "重庆", "Chongqing"),
        ("17012345678", "浙江杭州", "Hangzhou, Zhejiang"),
        ("19205740000", "浙江宁波", "Ningbo, Zhejiang"),
        ("019912345678", "河北唐山", "Tangshan, Hebei"),
        ("+86 171 1234 5678", "辽宁大连", "Dalian, Liaoning"),
        ("13812345678", "江苏连云港", "Lianyungang, Jiangsu"),
        ("0574-87654321", "浙江宁波", "Ningbo, Zhejiang"),
        ("010-82345678", "北京", "Beijing"),
        ("19299999999", "中国广电号段", "China Broadnet range"),
        ("85225880178", "中国香港", "Hong Kong"),
        ("+4930123456", "德国", "Germany"),
        ("4008001234", None, None),
        ("8012", None, None),
        ("138****5678", None, None),
    ],
)
def test_a_number_has_its_place(number: str, zh: str | None, en: str | None) -> None:
    """Province and city in both languages; where the city is not known the carrier, called so; else nothing."""
    found = canonical(number)
    assert (found.region, found.region_en) == (zh, en)


@pytest.mark.parametrize(
    ("head", "carrier", "placed"),
    [
        ("166", "中国联通", 0.85),
        ("170", "中国", 0.99),
        ("171", "中国联通（转售）", 0.99),
        ("192", "中国广电", 0.4),
        ("199", "中国电信", 0.85),
        ("191", "中国电信", 0.9),
        ("198", "中国移动", 0.99),
        ("175", "中国联通", 0.95),
    ],
)
def test_no_range_of_the_newer_ones_is_without_an_answer(head: str, carrier: str, placed: float) -> None:
    """Most seven-digit ranges have their city, the rest say whose they are; none is only 'China'."""
    answers = [regions.region(f"+86{head}{tail:04d}0000", "zh") or "" for tail in range(0, 10_000, 7)]
    assert all(answers)
    assert "中国" not in answers
    cities = [answer for answer in answers if not answer.endswith("号段")]
    assert len(cities) / len(answers) >= placed
    assert all(answer.startswith(carrier) for answer in answers if answer.endswith("号段"))


def test_the_table_is_sound() -> None:
    """Every place has a Chinese and an English name without leftovers; every plane is whole."""
    table = regions._ranges()
    for zh, en in table.places:
        assert re.fullmatch("[\u4e00-\u9fff]{2,9}", zh)
        assert re.fullmatch("[A-Z][A-Za-z' -]+(, [A-Z][a-z]+( [A-Z][a-z]+)?)?", en), en
        assert "China" not in en
    assert len(table.planes) == 20_000 * len(table.heads)
    assert {"166", "170", "192", "199"} <= table.heads.keys()


def test_nothing_is_loaded_before_it_is_asked_for() -> None:
    """The import loads no tables; a number of a newer range loads our own only, not libphonenumber's."""
    program = (
        "import sys; from crm_bridge import numbers, regions\n"
        "assert regions._ranges.cache_info().currsize == 0 and 'phonenumbers.geocoder' not in sys.modules\n"
        "assert numbers.canonical('16612345678').region\n"
        "assert 'phonenumbers.geocoder' not in sys.modules\n"
        "assert numbers.canonical('13812345678').region and 'phonenumbers.geocoder' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
