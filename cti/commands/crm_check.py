"""`cti crm check MAPPING`: how well a mapping fits the site's CRM. Prints customers' cells: it is for who writes it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from crm_bridge.mapped import Mapping, MappingError
from crm_bridge.mapped.check import EntityReport, Report, SectionReport, check
from crm_bridge.mapped.connect import Source
from crm_bridge.mapped.sheet import Sheet
from crm_bridge.model import CrmError
from crm_bridge.numbers import Site
from cti.commands.common import BAD_CONFIG, FAILED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti crm check`."""
    parser.add_argument("mapping", metavar="MAPPING", type=Path, help="映射文件 / the mapping file")
    parser.add_argument("--rows", type=int, default=20_000, help="每类最多看几行 / rows looked at of each entity")
    parser.add_argument("--area-code", default="", help="本地区号 / area code of the site, for local numbers")


def main(args: argparse.Namespace) -> int:
    """Read, count, print. Nothing is written, neither there nor here."""
    try:
        mapping = Mapping.load(args.mapping)
    except MappingError as error:
        print(f"{error.text} / {error.text_en}", file=sys.stderr)
        return BAD_CONFIG
    sheet: Sheet | None = None
    try:
        spec = mapping.source
        if spec.file:
            sheet = Sheet(Path(spec.file), spec.sheet)
            spec = sheet.source(spec)
        source = Source(spec)
        try:
            report = check(mapping, source, Site(area_code=args.area_code), most=args.rows)
        finally:
            source.close()
    except CrmError as error:
        print(f"{error.text} / {error.text_en}", file=sys.stderr)
        return FAILED
    finally:
        if sheet is not None:
            sheet.close()
    _print(report)
    return 0 if report.good else FAILED


def _print(report: Report) -> None:
    print(report.label)
    for entity in report.entities:
        _entity(entity)
    if report.duplicates:
        print("  重复号码 / numbers that several customers have:")
        for key, count in report.duplicates:
            print(f"    {key}  × {count}")
    for section in report.sections:
        _section(section)
    if report.question_s is None:
        print("  warn  来电时查询没有答复 / the question of a ringing phone got no answer")
    else:
        slow = "warn" if report.question_s > 0.3 else "ok  "
        print(f"  {slow}  来电时查询 / the question of a ringing phone: {report.question_s * 1000:.0f} ms")
    if report.may_write:
        print("  warn  账号可以写入，请换成只读账号 / the account may write: use one that may only read")


def _entity(entity: EntityReport) -> None:
    if entity.error:
        print(f"  FAIL  {entity.name}: {entity.error} / {entity.error_en}")
        return
    share = f"{100 * entity.parsed / entity.cells:.1f} %" if entity.cells else "-"
    print(
        f"  ok    {entity.name}: {entity.rows} 行 / rows, 看了 / read {entity.read}, "
        f"号码识别 / numbers parsed {entity.parsed} of {entity.cells} ({share}), "
        f"无号码 / without one {entity.without_number}"
    )
    if not entity.changes:
        print(
            "        没有更新时间列，只能全量比对（full_every）"
            " / no change mark: read only when everything is compared (full_every)"
        )
    for row_id, cell in entity.unparsed:
        print(f"        ? {row_id}: {cell}")
    if entity.spoiled:
        guess = f'，试试 / try charset = "{entity.charset}"' if entity.charset else ""
        print(f"  warn  {entity.name}: {entity.spoiled} 处乱码 / texts in the wrong character set{guess}")


def _section(section: SectionReport) -> None:
    if section.error:
        print(f"  FAIL  {section.kind}: {section.error} / {section.error_en}")
        return
    sign = "warn" if section.scans else "ok  "
    print(f"  {sign}  {section.kind}: {section.rows} 行 / rows, {section.took_s * 1000:.0f} ms")
    for line in section.plan:
        print(f"        {line}")
    if section.scans:
        print("        全表扫描，请对方加索引 / it reads a whole table: ask for an index")
