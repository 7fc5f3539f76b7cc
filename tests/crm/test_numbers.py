"""The canonicaliser: every trap of Chinese caller ids, and that nothing can upset it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crm_bridge import regions
from crm_bridge.numbers import Site, canonical, canonical_all, display, number_json, numbers_in

MOBILE = "+8613812345678"
NANJING = "+862584512345"

TABLE: list[tuple[str, str, str | None, str | None]] = [
    # (as presented, class, key, extension)
    *[
        (text, "mobile", MOBILE, None)
        for text in (
            "13812345678",
            "013812345678",
            "+8613812345678",
            "008613812345678",
            "8613812345678",
            "0086-138-1234-5678",
            "138 1234 5678",
            "138-1234-5678",
            "１３８１２３４５６７８",
            "+86 (0)13812345678",
            "tel:+86-138-1234-5678",
            "tel:13812345678;phone-context=+86",
            "sip:13812345678@10.0.0.1",
            '"13812345678" <13812345678>',
            '"李四 8012" <sip:13812345678@10.0.0.1:5060;user=phone>',
            "8613812345678@gw",
            "13812345678#",
            " 13812345678\n",
            "13812345678\x00",
            "138\u200b1234\u200b5678",
            "١٣٨١٢٣٤٥٦٧٨",
            # IP-dial prefixes, with and without the 0 after them
            "17951013812345678",
            "12593013812345678",
            "1259313812345678",
            "012593013812345678",
            # a gateway that puts a plus before whatever it got
            "+13812345678",
            # of several, the first
            "13812345678/02584512345",
            "13812345678,13912345678",
        )
    ],
    *[
        (text, "mobile", "+86" + text, None)
        for text in ("19912345678", "16612345678", "17012345678", "14712345678", "19212345678")
    ],
    *[
        (text, "landline", NANJING, None)
        for text in (
            "025-84512345",
            "02584512345",
            "(025)84512345",
            "2584512345",
            "8602584512345",
            "862584512345",
            "+862584512345",
            "+8602584512345",
            "17951025-84512345",
        )
    ],
    *[
        (text, "landline", NANJING, "8012")
        for text in (
            "0086-25-84512345-8012",
            "025-84512345 ext. 8012",
            "025-84512345,8012",
            "025-84512345转8012",
            "025-84512345 转接 8012",
            "025-84512345 分机：8012",
            "025-84512345x8012",
            "025-84512345*8012",
            "025-84512345(8012)",
            "025-84512345－8012",
            "025-8451-2345-8012",
        )
    ],
    ("02512345678", "landline", "+862512345678", None),
    ("02151234567-8012", "landline", "+862151234567", "8012"),
    ("02038888888-801", "landline", "+862038888888", "801"),
    ("020-38888888*801", "landline", "+862038888888", "801"),
    ("+8613812345678;ext=12", "mobile", MOBILE, "12"),
    ("051212345678", "landline", "+8651212345678", None),
    ("0512-65123456", "landline", "+8651265123456", None),
    ("057112345678", "landline", "+8657112345678", None),
    ("01082345678", "landline", "+861082345678", None),
    ("075526888888", "landline", "+8675526888888", None),
    ("86 20 38888888", "landline", "+862038888888", None),
    ("00861012345678", "landline", "+861012345678", None),
    ("1061234567", "landline", "+861061234567", None),
    ("0886-2345678", "landline", "+868862345678", None),
    ("09519551234", "landline", "+869519551234", None),
    ("4008001234", "shared_cost", "+864008001234", None),
    ("400-800-1234", "shared_cost", "+864008001234", None),
    ("04008001234", "shared_cost", "+864008001234", None),
    ("864008001234", "shared_cost", "+864008001234", None),
    ("8008101234", "toll_free", "+868008101234", None),
    *[(text, "short", text, None) for text in ("95588", "96196", "10086", "12345", "95013", "110", "119")],
    ("+8610086", "short", "10086", None),
    *[(text, "service", text, None) for text in ("9519551234", "951955123", "9501234567890", "9501312345678")],
    *[(text, "internal", text, None) for text in ("8012", "801", "80123")],
    *[
        (text, "anonymous", None, None)
        for text in (
            "",
            " ",
            "anonymous",
            "Anonymous",
            "unknown",
            "Restricted",
            "<unknown>",
            "<未知>",
            "asterisk",
            "s",
            "sip:anonymous@anonymous.invalid",
            "+",
            "()",
        )
    ],
    *[
        (text, "masked", None, None)
        for text in ("138****5678", "138 **** 1307", "138-****-5678", "138xxxx5678", "138●●●●5678", "025-8451****")
    ],
    *[(text, "international", "+85223456789", None) for text in ("+85223456789", "0085223456789", "85223456789")],
    ("+85261234567", "international", "+85261234567", None),
    ("0085298765432", "international", "+85298765432", None),
    ("85298765432", "international", "+85298765432", None),
    ("+85328123456", "international", "+85328123456", None),
    ("+85366123456", "international", "+85366123456", None),
    ("0085362345678", "international", "+85362345678", None),
    ("85362345678", "international", "+85362345678", None),
    ("+886912345678", "international", "+886912345678", None),
    ("00886912345678", "international", "+886912345678", None),
    ("886-2-23456789", "international", "+886223456789", None),
    ("0886223456789", "international", "+886223456789", None),
    *[(text, "international", "+14155552671", None) for text in ("+14155552671", "0014155552671", "001-415-555-2671")],
    ("+442079460958", "international", "+442079460958", None),
    ("00442079460958", "international", "+442079460958", None),
    # abroad a dash is part of the number
    ("+49-30-901820-12", "international", "+493090182012", None),
    *[
        (text, "raw", text, None)
        for text in (
            "05718812345",
            "84512345",
            "7552688",
            "1381234567",
            "138123456789",
            "23812345678",
            "008613812345678001",
            "10648123456789",
            "1441234567890",
            "106575012345678",
            "0196613812345678",
        )
    ],
    ("0571-8812345", "raw", "05718812345", None),
    ("+8210123456789", "raw", "8210123456789", None),
]


@pytest.mark.parametrize(("text", "cls", "key", "ext"), TABLE, ids=[repr(row[0]) for row in TABLE])
def test_every_trap(text: str, cls: str, key: str | None, ext: str | None) -> None:
    """Every form that lines and CRM cells are known to hold gets its class, key and extension."""
    number = canonical(text)
    assert (number.cls, number.key, number.ext) == (cls, key, ext)


def test_nothing_is_no_number() -> None:
    """A missing number is a withheld one."""
    assert canonical(None).cls == "anonymous"


@given(st.text(max_size=60))
@example("+" * 300 + "1" * 300)
@example("٣" * 40)
@example("1" * 5000)
@example("138/" * 100)
@example("\ud800138")
def test_no_text_upsets_it(text: str) -> None:
    """Any text gives a number of a known class; masked and withheld ones, and only they, have no key."""
    number = canonical(text)
    assert (number.key is None) == (number.cls in ("masked", "anonymous"))
    display(number)
    canonical_all(text)
    numbers_in(text)


_digits = st.text("0123456789+-*#转 /,()x", min_size=1, max_size=24)


@given(_digits)
@example("+13812345678")
@example("+8695588")
def test_a_key_means_itself(text: str) -> None:
    """A key canonicalised again is the same key of the same class."""
    number = canonical(text)
    if number.key is not None:
        again = canonical(number.key)
        assert (again.cls, again.key) == (number.cls, number.key)


@given(st.from_regex(r"1(3[0-9]|5[0-35-9]|8[0-9]|9[0-35-9])[0-9]{8}", fullmatch=True), st.data())
def test_all_forms_of_a_mobile_have_one_key(mobile: str, data: st.DataObject) -> None:
    """However a trunk or a person writes a mobile, the key is the same."""
    prefix = data.draw(st.sampled_from(["", "0", "+86", "86", "0086", "179510", "12593", "+86 0", "sip:"]))
    gap = data.draw(st.sampled_from(["", " ", "-", "."]))
    written = f"{prefix}{mobile[:3]}{gap}{mobile[3:7]}{gap}{mobile[7:]}"
    assert canonical(written).key == f"+86{mobile}"


def test_a_local_number_needs_the_sites_area_code() -> None:
    """A local number becomes whole by the site's area code, and says that it was guessed."""
    number = canonical("84512345", Site(area_code="25"))
    assert (number.cls, number.key, number.confidence) == ("landline", NANJING, "derived")
    assert canonical("84512345", Site(area_code="025")).key == NANJING
    assert canonical("7552688", Site(area_code="25")).cls == "raw"


def test_sites_may_change_the_tables() -> None:
    """Short numbers, IP prefixes and the length of extensions are the site's."""
    site = Site(short="6001", ip_prefixes=("19999",), internal_max=6)
    assert canonical("6001", site).cls == "short"
    assert canonical("19999013812345678", site).key == MOBILE
    assert canonical("801234", site).cls == "internal"


def test_a_guess_is_called_one() -> None:
    """Numbers without 00 or with a plus of the gateway's are derived; numbers as written are certain."""
    assert canonical("85223456789").confidence == "derived"
    assert canonical("+13812345678").confidence == "derived"
    assert canonical("+85223456789").confidence == "certain"


def test_a_cell_may_hold_several() -> None:
    """All numbers of a cell are found, each with its extension, masked ones left out."""
    cell = "13812345678/025-84512345转8012; 138****9999、张三 13912345678"
    assert [(n.key, n.ext) for n in canonical_all(cell)] == [
        (MOBILE, None),
        (NANJING, "8012"),
        ("+8613912345678", None),
    ]
    assert [(n.key, n.ext) for n in canonical_all("025-84512345,8012")] == [(NANJING, "8012")]
    assert canonical_all("") == []


def test_numbers_in_texts_are_phones_only() -> None:
    """In free text phones are found; QQ numbers, contracts, containers and accounts are not."""
    text = (
        "张三 13812345678 / 025-84512345转8012 QQ:12345678 QQ 513812345678 合同 HT202401011234 "
        "箱号CSQU3054383 税号 91330200MA2AF12345 单号13912345678"
    )
    assert [n.key for n in numbers_in(text)] == [MOBILE, NANJING]


def test_the_contract_of_the_command() -> None:
    """`cti number` prints these five keys."""
    assert number_json("025-84512345转8012") == {
        "raw": "025-84512345转8012",
        "class": "landline",
        "key": NANJING,
        "ext": "8012",
        "region": "江苏南京",
    }
    assert number_json("")["key"] is None


def test_regions_in_two_languages() -> None:
    """归属地 is shown as people say it, for mainland, neighbours and abroad."""
    assert (canonical("057487654321").region, canonical("057487654321").region_en) == ("浙江宁波", "Ningbo, Zhejiang")
    assert canonical("01082345678").region == "北京"
    assert canonical("+85223456789").region == "中国香港"
    assert canonical("+14155552671").region == "美国"
    assert canonical("4008001234").region is None
    assert canonical("anonymous").region is None
    assert regions.shorten("新疆乌鲁木齐市") == "新疆乌鲁木齐"


def test_the_geocoder_is_loaded_late() -> None:
    """Understanding a number does not load the region tables, which cost half a second and a hundred megabytes."""
    code = (
        "import sys; from crm_bridge.numbers import canonical; canonical('13812345678'); "
        "sys.exit('phonenumbers.geocoder' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("013812345678", "138 1234 5678"),
        ("0574-87654321-208", "0574-8765 4321 转 208"),
        ("02151234567", "021-5123 4567"),
        ("4008001234", "400-800-1234"),
        ("+14155552671", "+1 415-555-2671"),
        ("10086", "10086"),
        ("138****5678", "138****5678"),
        ("anonymous", ""),
    ],
)
def test_numbers_as_people_read_them(text: str, shown: str) -> None:
    """Numbers are grouped the way people say them."""
    assert display(canonical(text)) == shown
