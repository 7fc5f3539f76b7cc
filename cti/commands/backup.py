"""`cti backup`: the SQLite databases copied while the service runs; of a server it says what does that."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cti.commands.common import FAILED, settings_or_exit
from cti.store import StoreError
from cti.store.backup import copy, file_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti backup`."""
    parser.add_argument("folder", metavar="FOLDER", help="where the copies go; it must not hold any yet")
    parser.add_argument("--config", metavar="FILE", help="cti.toml (or the variable CTI_CONFIG)")


def main(args: argparse.Namespace) -> int:
    """Copy every SQLite file of the settings into the folder, a line each."""
    settings = settings_or_exit(args.config)
    folder = Path(args.folder)
    code = 0
    found: dict[str, Path] = {}
    for what, url in (("store", settings.store.url), ("crm", settings.crm.url)):
        file = file_of(url)
        if file is None:
            print(
                f"  --    {what}: 在数据库服务器上，请用 pg_dump 备份 / on a database server: back it up with pg_dump"
                " (docs/howto/backup.md)"
            )
            code = FAILED
        elif file not in found.values():
            found[what] = file
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for what, file in found.items():
            target = folder / file.name
            if target.exists():
                raise StoreError(
                    f"{target} 已存在，不覆盖", f"{target} is there already and is not written over", permanent=True
                )
            size = copy(file, target)
            print(f"  ok    {what}: {target} ({size:,} bytes)")
    except StoreError as error:
        print(f"  FAIL  {error.text} / {error.text_en}", file=sys.stderr)
        code = FAILED
    except OSError as error:
        print(f"  FAIL  {folder}: {error.strerror}", file=sys.stderr)
        code = FAILED
    return code
