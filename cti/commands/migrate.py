"""`cti migrate`: brings a server's tables to this program's revisions. SQLite's migrate themselves at start."""

from __future__ import annotations

import argparse
import sys

from crm_bridge import live, sql
from crm_bridge.model import CrmError
from cti.commands.common import FAILED, settings_or_exit
from cti.settings import Settings
from cti.store import Store, StoreError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti migrate`."""
    parser.add_argument("--config", metavar="FILE", help="cti.toml (or the variable CTI_CONFIG)")
    parser.add_argument(
        "--check", action="store_true", help="only say whether it is needed: code 1 where it is; changes nothing"
    )


def main(args: argparse.Namespace) -> int:
    """Migrate the store and the customers' tables, or say what stands in the way."""
    settings = settings_or_exit(args.config)
    # All of them: one that fails does not hide the other.
    code = 0
    for what, work in (("store", _store), ("crm", _crm)):
        try:
            work(settings, args.check)
            print(f"  ok    {what}: 表结构是最新的 / the tables are this program's")
        except (StoreError, CrmError) as error:
            print(f"  FAIL  {what}: {error.text} / {error.text_en}", file=sys.stderr)
            code = FAILED
    return code


def refusal(settings: Settings) -> str | None:
    """Why the service must not start on a server's tables as they are; None where it may.

    A database that is away is none: without the store the start fails by itself, and calls pop without the CRM until
    it is back. SQLite's tables migrate themselves.
    """
    try:
        if not sql.is_sqlite(settings.store.url):
            _store(settings, only_check=True)
        if not sql.is_sqlite(settings.crm.url):
            _crm(settings, only_check=True)
    except (StoreError, CrmError) as error:
        cause = error.__cause__
        if isinstance(cause, sql.SchemaError):
            how = ["；请先运行 cti migrate", "; run cti migrate"] if cause.older else ["", ""]
            return f"{cause.text}{how[0]}\n{cause.text_en}{how[1]}"
    return None


def _store(settings: Settings, only_check: bool) -> None:
    store = Store.open(settings.store.url)
    try:
        if not only_check:
            store.migrate()
        store.check()
    finally:
        store.close()


def _crm(settings: Settings, only_check: bool) -> None:
    named = settings.crm
    if not only_check:
        live.migrate(named.url, mapping=named.mapping)
    live.require(named.url, mapping=named.mapping)
