"""Container texts as forwarders write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.freight import containers
from crm_bridge.freight.containers import parse

ONE = [("20GP", 1)]
TWO_HIGH = [("40HQ", 2)]
MIX = [("20GP", 1), ("40HQ", 2)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        *((text, TWO_HIGH) for text in ("40HQ*2", "40HQx2", "40HQ×2", "40HQ X 2", "2*40HQ", "2x40HC", "2X40'HC")),
        *(
            (text, TWO_HIGH)
            for text in ("2x40' HC", "2 x 40 HQ", "40HQ(2)", "40HQ:2", "2个高柜", "高柜2个", "两个40高柜")
        ),
        *(
            (text, TWO_HIGH)
            for text in ("40尺高柜*2", "2×40英尺高柜", "40ft HC x2", "2 X 40' HIGH CUBE", "45G1*2", "二个高柜")
        ),
        *(
            (text, TWO_HIGH)
            for text in ("40HQ 2", "2 40HQ", "40HQ*1+40HC*1", "２×４０ＨＱ", "40 HQ x 2", "2高", "40H*2")
        ),
        *(
            (text, ONE)
            for text in ("20GP", "20'", "1*20'GP", "1x20GP", "小柜", "一个小柜", "20尺柜", "20DC", "22G1", "1*20")
        ),
        *(
            (text, MIX)
            for text in (
                "20GP*1+40HQ*2",
                "20GP*1 40HQ*2",
                "1小2高",
                "1小柜2高柜",
                "20GP1个".replace("1个", "*1") + "、高柜*2",
            )
        ),
        *(
            (text, MIX)
            for text in ("1X20'GP & 2X40'HQ", "20gp x1, 40hc x2", "1*20 GP/2*40HC", "20GP 1 40HQ 2", "1 20GP 2 40HQ")
        ),
        ("20GP*1+40GP*2", [("20GP", 1), ("40GP", 2)]),
        ("2*20+1*40", [("20GP", 2), ("40GP", 1)]),
        ("20*2", [("20GP", 2)]),
        ("大柜", [("40GP", 1)]),
        ("平柜*3", [("40GP", 3)]),
        ("45HQ×1", [("45HQ", 1)]),
        ("冻柜*2", [("40RH", 2)]),
        ("1x20RF", [("20RF", 1)]),
        ("40NOR", [("40NOR", 1)]),
        ("40尺开顶柜", [("40OT", 1)]),
        ("2*40' FLAT RACK", [("40FR", 2)]),
        ("20GP 40HQ", [("20GP", 1), ("40HQ", 1)]),
        ("40HQ*2+散货5方", TWO_HIGH),
        ("40HQ*0", []),
        ("20200", []),
        ("散货 3 方", []),
        ("13812345678", []),
        ("", []),
    ],
)
def test_texts_are_understood(text: str, wanted: list[tuple[str, int]]) -> None:
    """Counts before and behind, feet signs, Chinese names, several types; what is no container is left out."""
    assert parse(text) == wanted


def test_the_types_are_sound() -> None:
    """Codes and names lead to their type, none to two; sizes are as ISO 6346 says."""
    for kind in containers.TYPES:
        assert containers.canonical(kind.code) == kind.code
        for alias in kind.aliases:
            assert containers.canonical(alias) == kind.code, alias
            assert parse(alias) == [(kind.code, 1)], alias
        assert kind.teu == {"2": 1, "4": 2, "L": 2.25, "P": 2.65}[kind.iso[0]]
    assert containers.canonical("something") == "SOMETHING"


@given(st.lists(st.tuples(st.sampled_from([k.code for k in containers.TYPES]), st.integers(1, 999)), max_size=4))
def test_what_is_written_is_read_again(boxes: list[tuple[str, int]]) -> None:
    """A list of containers written by this program is understood as itself, equal types added up."""
    sums: dict[str, int] = {}
    for kind, count in boxes:
        sums[kind] = sums.get(kind, 0) + count
    assert parse(containers.written(boxes)) == list(sums.items())
    assert containers.teu(boxes) >= sum(n for _, n in boxes)


@given(st.text(alphabet="0123456789*xX×+/, 'GPHQC高柜小大个一二两尺", max_size=60))
def test_no_container_like_text_upsets_it(text: str) -> None:
    """Whatever looks like containers is read without an error, with counts of at least one, each type once."""
    found = parse(text)
    assert all(count >= 1 for _, count in found)
    assert len({kind for kind, _ in found}) == len(found)
