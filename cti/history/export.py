"""Reports and lists as CSV and XLSX, with the filters and definitions in the file (the only door here to openpyxl).

A spreadsheet runs what begins with = + - @, a tab or a carriage return: such text gets an apostrophe. Numbers stay
numbers.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from cti.board.metrics import VARIANTS
from cti.history.ask import Listed, Question
from cti.history.calendar import Calendar
from cti.history.causes import CAUSES
from cti.history.definitions import VARIANT_TEXTS, definitions
from cti.history.figures import FIGURES, Figures
from cti.history.report import Report

Format = Literal["csv", "xlsx"]
FORMATS: Final[tuple[Format, ...]] = ("csv", "xlsx")
TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
Cell = str | int | float | None

_RISKY: Final = tuple("=+-@\t\r\n＝＋－＠")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_LONGEST: Final = 32_000
"Characters of a cell; XLSX takes 32,767."

OUTCOMES: Final = {
    "answered": "接起",
    "abandoned": "放弃",
    "timeout": "超时离开",
    "empty": "无人离开",
    "key": "按键离开",
    "withdrawn": "被撤出",
    "redirected": "被转走",
    "pbx_restart": "交换机重启",
    "unknown": "不明",
    "refused": "未能进队",
    "waiting": "仍在等待",
    "unqueued": "未进队列",
    "missed": "振铃未接",
}
CAUSE_TEXTS: Final = {
    "nobody": "无人空闲",
    "ringing": "振铃没接",
    "announcement": "播报占时",
    "overflow": "溢出转队",
    "untold": "不明",
    "": "",
}


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A table with its explanation."""

    title: str
    header: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    notes: Sequence[Sequence[Cell]]


def safe(value: Cell) -> Cell:
    """A cell that no spreadsheet takes for a formula, and every file can hold."""
    if not isinstance(value, str):
        return value
    text = _CONTROL.sub("�", value)[:_LONGEST]
    return f"'{text}" if text.startswith(_RISKY) else text


def file_of(sheet: Sheet, kind: Format) -> bytes:
    """The file's bytes."""
    return _csv(sheet) if kind == "csv" else _xlsx(sheet)


def _csv(sheet: Sheet) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([safe(cell) for cell in sheet.header])
    for row in sheet.rows:
        writer.writerow([safe(cell) for cell in row])
    writer.writerow([])
    for row in sheet.notes:
        writer.writerow([safe(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")  # without the mark Excel takes it for the system's own code page


def _xlsx(sheet: Sheet) -> bytes:
    # Here: a start in which everybody waits need not wait for it, too.
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    table = book.create_sheet(sheet.title)
    table.freeze_panes = "B2"
    heads = []
    for text in sheet.header:
        cell = WriteOnlyCell(table, value=safe(text))
        cell.font = Font(bold=True)
        heads.append(cell)
    table.append(heads)
    for row in sheet.rows:
        table.append([safe(cell) for cell in row])
    notes = book.create_sheet("说明 Notes")
    for row in sheet.notes:
        notes.append([safe(cell) for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def report_sheet(report: Report, question: Question, calendar: Calendar) -> Sheet:
    """A report, a row a line, shares as parts of one."""
    pauses = sorted({reason for row in report.rows for reason in row.figures.pauses})
    marks = [f"{mark:g}" for mark in question.marks]
    header = [
        "项 Item",
        *(f"{name} {VARIANT_TEXTS[name][0]}" for name in VARIANTS),
        *(f"{f.label} {f.label_en}" for f in FIGURES),
        *(f"{mark} 秒内接起 Answered within {mark} s" for mark in marks),
        *(f"小休 Paused: {reason or '-'} (s)" for reason in pauses),
    ]

    def line(name: str, figures: Figures) -> list[Cell]:
        return [
            name,
            *(figures.levels[variant] for variant in VARIANTS),
            *(figures.values[f.name] for f in FIGURES),
            *(figures.marks.get(mark) for mark in marks),
            *(figures.pauses.get(reason, 0.0) for reason in pauses),
        ]

    rows = [line(row.key, row.figures) for row in report.rows]
    rows.append(line("合计 Total", report.total))
    if report.before is not None:
        rows.append(line("上期合计 Total of the period before", report.before.total))
    return Sheet(title="报表 Report", header=header, rows=rows, notes=_notes(question, calendar, report.unit))


def list_sheet(rows: Iterable[Listed], question: Question, calendar: Calendar, which: str) -> Sheet:
    """The calls behind a number."""
    header = [
        "时间 Time",
        "队列 Queue",
        "来电 Caller",
        "400 号码 Line",
        "结果 Outcome",
        "坐席 Agent",
        "等待 Wait (s)",
        "目标 Target (s)",
        "进队前 Before the queue (s)",
        "通话 Talk (s)",
        "主因 Cause",
        *(f"{CAUSE_TEXTS[cause]} {cause} (s)" for cause in CAUSES),
        "标记 Quality",
        "话单号 Call",
    ]
    lines = (
        [
            _when(round(row.at * 1000), calendar),
            row.queue,
            row.caller,
            row.line,
            OUTCOMES.get(row.outcome, row.outcome),
            row.agent,
            row.wait_s,
            row.target_s,
            row.lead_s,
            row.talk_s,
            CAUSE_TEXTS.get(row.cause, row.cause),
            *(row.split.get(cause, 0.0) for cause in CAUSES),
            row.quality,
            row.call,
        ]
        for row in rows
    )
    notes = _notes(question, calendar, question.unit)
    notes.append(["名单 List", which])
    return Sheet(title="名单 Calls", header=header, rows=lines, notes=notes)


def _when(ms: int, calendar: Calendar) -> str:
    return datetime.fromtimestamp(ms / 1000, calendar.zone).isoformat(sep=" ", timespec="milliseconds")


def _notes(question: Question, calendar: Calendar, unit: str) -> list[list[Cell]]:
    hours = question.hours
    units = {
        "visits": "每次进队 each stay in a queue",
        "callers": "每位来电（首次进队起） each caller, from the first entry",
    }
    filters: list[list[Cell]] = [
        ["起 From", _when(question.since_ms, calendar)],
        ["止（不含） To (not included)", _when(question.until_ms, calendar)],
        ["时区 Zone", calendar.zone.key],
        ["归属 Interval by", "进队时刻 entry"],
        ["计数单位 Counted", units[unit]],
        ["队列 Queues", "、".join(question.queues) or "全部 all"],
        ["400 号码 Lines", "、".join(question.lines) or "全部 all"],
        ["坐席 Agents", "、".join(question.agents) or "全部 all"],
        ["班组 Teams", "、".join(question.teams) or "全部 all"],
        [
            "工作时间 Working hours",
            "全部 all"
            if hours is None
            else f"{sorted(day + 1 for day in hours.days)} {hours.start // 60:02d}:{hours.start % 60:02d}"
            f"-{hours.end // 60:02d}:{hours.end % 60:02d}",
        ],
        ["目标 Target (s)", "当时有效 as in force" if question.target_s is None else question.target_s],
        ["短放弃 Short abandon (s)", "当时有效 as in force" if question.short_s is None else question.short_s],
        ["口径 Variant", question.variant],
        ["计时 Clock", "到达 400 号码 arrival" if question.clock == "arrival" else "首次进队 first queue entry"],
        ["精度 Precision", "整秒（同 Asterisk） whole seconds" if question.whole else "毫秒 milliseconds"],
        ["无数据 No data", "空单元格 an empty cell"],
    ]
    told: list[list[Cell]] = [[], ["定义 Definitions", "", "", ""]]
    told += [[d.name, d.label, d.label_en, d.formula] for d in definitions()]
    return filters + told
