"""Ports are found however they are written."""

from __future__ import annotations

import re
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.freight import ports


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("CNNGB", "CNNGB"),
        ("cnnbo", "CNNGB"),
        ("宁波", "CNNGB"),
        ("宁波港", "CNNGB"),
        ("宁波北仑", "CNNGB"),
        ("NINGBO, CHINA", "CNNGB"),
        ("Ningbo-Zhoushan", "CNNGB"),
        ("宁波 / Ningbo", "CNNGB"),
        ("上海（洋山）", "CNSHA"),
        ("深圳盐田", "CNYTN"),
        ("天津新港", "CNTXG"),
        ("Xingang", "CNTXG"),
        ("汉堡", "DEHAM"),
        ("德国汉堡", "DEHAM"),
        ("Hamburg (DEHAM)", "DEHAM"),
        ("port of hamburg", "DEHAM"),
        ("ＨＡＭＢＵＲＧ", "DEHAM"),
        ("洛杉矶", "USLAX"),
        ("LA", "USLAX"),
        ("Long Beach, CA", "USLGB"),
        ("西贡", "VNSGN"),
        ("Hochiminh", "VNSGN"),
        ("海参崴", "RUVVO"),
        ("Göteborg", "SEGOT"),
        ("Gdańsk", "PLGDN"),
        ("奥克兰", "NZAKL"),
        ("美国奥克兰", "USOAK"),
        ("重庆果园港", None),
        ("果园港", "CNCKG"),
        ("西安国际港", "CNXIA"),
        ("宁波到汉堡", None),
        ("洛杉矶/长滩", None),
        ("某某码头", None),
        ("", None),
        ("  ", None),
    ],
)
def test_a_port_is_known_in_every_spelling(text: str, code: str | None) -> None:
    """Code, Chinese, English, old names, country before or behind; a text that names two ports names none."""
    found = ports.find(text)
    assert (found.code if found else None) == code


def test_the_table_is_sound() -> None:
    """More than two hundred ports; codes of five letters, names in two languages, initials, no name for two ports."""
    table = ports.ports()
    assert len(table) >= 400
    assert len({port.code for port in table}) == len(table)
    seen: dict[str, str] = {}
    for port in table:
        assert re.fullmatch("[A-Z]{2}[A-Z2-9]{3}", port.code)
        assert port.name
        assert port.name_en.isascii()
        assert re.fullmatch("[a-z]{2,12}", port.initials), port.name
        assert port.region.name
        assert port.region.name_en
        for written in (port.code, port.name, port.name_en, *port.aliases):
            found = ports.find(written)
            assert found is port, written
            assert seen.setdefault(ports.lane_key(written), port.code) == port.code


def test_the_file_has_five_columns() -> None:
    """Each line is a port, a region or the words that may stand before a port."""
    text = resources.files("crm_bridge.freight").joinpath("ports.txt").read_text("utf-8")
    for line in text.splitlines():
        assert line.count("|") == (2 if line.startswith("# ") else 0 if line.startswith("< ") else 4), line


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("nb", "CNNGB"),
        ("sh", "CNSHA"),
        ("hb", "JPYOK"),
        ("汉", "DEHAM"),
        ("ham", "DEHAM"),
        ("long b", "USLGB"),
        ("lsj", "USLAX"),
        ("CNQ", "CNQIN"),
        ("鹿", "NLRTM"),
        ("fxt", "GBFXT"),
        ("beach", "USLGB"),
        ("ldmh", "GBLGP"),
    ],
)
def test_ports_are_suggested_while_typing(typed: str, first: str) -> None:
    """Initials of the pinyin, the beginning of a name or a code: the likeliest port comes first."""
    assert ports.search(typed)[0].code == first


def test_all_ports_of_the_initials_are_suggested() -> None:
    """hb is Yokohama and Hamburg, each once, no more than asked for."""
    found = [port.code for port in ports.search("hb", 5)]
    assert {"JPYOK", "DEHAM"} <= set(found)
    assert len(found) == len(set(found))
    assert len(ports.search("a", 3)) == 3
    assert ports.search("", 5) == ports.search("sh", 0) == []


def test_a_lane_key_is_the_same_for_every_spelling() -> None:
    """Known ports by code; a free text by itself, whatever its case and spaces; nothing by nothing."""
    assert {ports.lane_key(t) for t in ("上海", "Shanghai", "SHANGHAI, CHINA", "CNSHA", "洋山")} == {"CNSHA"}
    assert ports.lane_key(" Some  Wharf ") == ports.lane_key("SOME WHARF") != ports.lane_key("Other Wharf")
    assert ports.lane_key(" ") == ""
    assert len(ports.lane_key("码" * 500)) <= ports.MAX_KEY


@given(st.text(max_size=60))
def test_no_text_upsets_it(text: str) -> None:
    """Any text is looked for without an error, and a key's own key is itself."""
    ports.find(text)
    ports.search(text)
    key = ports.lane_key(text)
    assert ports.lane_key(key) == key
