"""`cti crm import FILE...`: chat files into the site's records; importing again changes nothing."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

from crm_bridge.chat.archive import ImportReport
from crm_bridge.chat.message import Tally
from crm_bridge.chat.reading import UnreadableFile, read_file
from cti.commands.common import BAD_CONFIG, settings_or_exit
from cti.commands.crm_archive import add_config, archive_of
from cti.commands.crm_chat import add_reading, options_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti crm import`."""
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path)
    parser.add_argument("--account", default="", help="这些文件出自哪个我方账号 / whose export it is")
    add_reading(parser)
    add_config(parser)


def main(args: argparse.Namespace) -> int:
    """Import each file; what became of it is one JSON line."""
    code = 0
    settings = settings_or_exit(args.config)
    options = options_of(args, ZoneInfo(settings.site.timezone))
    with archive_of(settings) as archive:
        for path in args.files:
            tally, report = Tally(), ImportReport()
            try:
                archive.add(read_file(path, options, tally, args.format), account=args.account, report=report)
            except UnreadableFile as error:
                print(f"{path.name}: {error.text} / {error.text_en}", file=sys.stderr)
                code = BAD_CONFIG
            except OSError as error:
                print(f"{path.name}: {error.strerror}", file=sys.stderr)
                code = BAD_CONFIG
            else:
                counts = {name: getattr(report, name) for name in report.__struct_fields__}
                print(json.dumps({"file": path.name, **counts, "cut": tally.cut, "odd": tally.odd}, ensure_ascii=False))
    return code
