"""One customer list in a spreadsheet, as forwarders without a CRM have it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from crm_bridge.mapped import MappedCrm
from crm_bridge.mapped.sheet import Sheet, SheetError
from crm_bridge.model import CrmError
from tests.crm.mapped import world
from tests.crm.mapped.conftest import Open

HEADS = ["客户编号", "公司名称", "联系人", "电话", "手机", "QQ", "客户类型", "业务员", "备注"]
ROWS: list[list[Any]] = [
    [
        "",
        "宁波屿衡进出口有限公司",
        "周敏",
        "0574-87000013转208",
        "13812345678/13912345678",
        "123456",
        "国际海运",
        "lin",
        "",
    ],
    [
        "",
        "宁波屿衡进出口有限公司",
        "王立",
        "0574-87000013转201",
        13712345678,
        "",
        "国际海运",
        "lin",
        "老板 13612345678",
    ],
    ["", "海拓车队", "", "0574-87000099", "", "", "车队", "", ""],
    ["", "", "散客老李", "", "15012345678", "", "", "", ""],
    ["", "", "", "", "", "", "", "", ""],
]


def as_csv(path: Path, rows: list[list[Any]], encoding: str = "utf-8-sig") -> Path:
    """Write a CSV with a title above its heads, as Excel users do."""
    lines = [["客户一览表"], HEADS, *rows]
    text = "\r\n".join(",".join(f'"{cell}"' for cell in line) for line in lines)
    path.write_bytes(text.encode(encoding))
    return path


def as_xlsx(path: Path, rows: list[list[Any]]) -> Path:
    """Write the same as a workbook."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["客户一览表"])
    sheet.append(HEADS)
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


def open_sheet(opened: Open, file: Path) -> MappedCrm:
    """A CRM of a spreadsheet, read once."""
    crm = opened({"preset": "sheet", "source": {"file": file.name}})
    crm.sync().once()
    return crm


@pytest.mark.parametrize("kind", ["csv", "gbk.csv", "xlsx"])
def test_a_list_is_read_by_its_usual_heads(kind: str, tmp_path: Path, opened: Open) -> None:
    """UTF-8, GBK and XLSX give the same customers: firms with their people, several numbers in a cell, hints."""
    file = tmp_path / f"list.{kind}"
    if kind == "xlsx":
        as_xlsx(file, ROWS)
    else:
        as_csv(file, ROWS, "gb18030" if "gbk" in kind else "utf-8-sig")
    crm = open_sheet(opened, file)
    for number in ("13812345678", "013912345678"):
        (match,) = crm.lookup(number)
        assert (match.party.name, match.level) == ("周敏", "exact")
        assert match.party.company == "宁波屿衡进出口有限公司"
        assert (match.party.category, match.party.owner) == ("sea", "lin")
    assert [m.party.name for m in crm.lookup("13712345678")] == ["王立"]
    assert [(m.party.name, m.level) for m in crm.lookup("13612345678")] == [("王立", "text")]
    assert {(m.party.name, m.level) for m in crm.lookup("057487000013")} == {
        ("周敏", "switchboard"),
        ("王立", "switchboard"),
    }
    fleet = crm.lookup("057487000099")[0].party
    assert (fleet.name, fleet.kind, fleet.category) == ("海拓车队", "company", "truck")
    (walk_in,) = crm.lookup("15012345678")
    assert (walk_in.party.name, walk_in.party.company) == ("散客老李", None)
    points = {point.kind: point.value for point in crm.profile(walk_in.party.id).contact_points}
    assert points["phone"] == "15012345678"


def test_a_row_put_in_above_moves_nobody(tmp_path: Path, opened: Open) -> None:
    """Customers are known by number or by company and name, not by their line; a row taken out is gone."""
    file = as_csv(tmp_path / "list.csv", ROWS)
    crm = open_sheet(opened, file)
    zhou = crm.lookup("13812345678")[0].party.id
    crm.add_note(zhou, "要周五的船", "lin")
    new = ["", "金帆", "许工", "", "18612345678", "", "客户", "", ""]
    as_csv(file, [new, *ROWS[:1], *ROWS[2:]])
    os.utime(file, ns=(1, 1))
    assert crm.sync().once().new == 2
    counts = crm.sync().once()
    assert (counts.new, counts.changed) == (0, 0)
    assert [m.party.name for m in crm.lookup("18612345678")] == ["许工"]
    (match,) = crm.lookup("13812345678")
    assert match.party.id == zhou
    assert [note.text for note in crm.profile(zhou).notes] == ["要周五的船"]
    assert crm.lookup("13712345678") == []


def test_every_planted_caller_of_a_list_is_found(tmp_path: Path, opened: Open) -> None:
    """200 of 200 callers of a messy list are found, and nobody is told exactly who is not."""
    people = world.make()
    names = {firm.id: firm.name for firm in people.firms}
    rows: list[list[Any]] = [
        ["", names.get(p.firm or 0, ""), p.name, f"{p.work} / {p.home}".strip(" /"), p.mobile, "", "客户", "", p.note]
        for p in people.people
        if not p.deleted
    ]
    rows += [["", firm.name, "", firm.phone, "", "", "客户", "", ""] for firm in people.firms if not firm.deleted]
    crm = open_sheet(opened, as_xlsx(tmp_path / "list.xlsx", rows))
    missed, wrong = [], []
    for caller in people.callers:
        matches = crm.lookup(caller.presented)
        if caller.level not in {match.level for match in matches if match.party.name == caller.name}:
            missed.append((caller, [(match.party.name, match.level) for match in matches]))
    for number in [*(caller.presented for caller in people.callers), *people.strangers]:
        key = world.key_of(number)
        for match in crm.lookup(number):
            if match.level == "exact" and match.party.name not in people.truth.get(key, set()):
                wrong.append((number, match.party.name))
    assert missed == []
    assert wrong == []


BROKEN = {
    "empty.csv": b"",
    "noheads.csv": "甲,乙,丙\n1,2,3\n".encode(),
    "text.xlsx": b"this is no workbook",
    "half.xlsx": b"PK\x03\x04" + b"\x00" * 200,
    "bytes.csv": bytes(range(256)) * 20,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_in_words(name: str, tmp_path: Path) -> None:
    """A file that is no customer list is an error for people, never a crash."""
    (tmp_path / name).write_bytes(BROKEN[name])
    with pytest.raises(SheetError) as refused:
        Sheet(tmp_path / name)
    assert refused.value.text


def test_a_file_that_went_away_keeps_the_customers(tmp_path: Path, opened: Open) -> None:
    """Somebody moved the list: the index stays as it was read last, and the sync says so."""
    file = as_csv(tmp_path / "list.csv", ROWS)
    crm = open_sheet(opened, file)
    file.unlink()
    with pytest.raises(CrmError):
        crm.sync().once()
    assert [m.party.name for m in crm.lookup("13812345678")] == ["周敏"]
