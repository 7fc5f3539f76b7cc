"""`cti wallboard`: tokens for screens that nobody logs in at. A token is shown once, and can be revoked."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

from cti.auth import token_hash
from cti.commands.common import FAILED, settings_or_exit
from cti.store import Store, StoreError
from cti.ticker import wall_clock
from cti.watch.walls import make

BY = "cti wallboard"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti wallboard`."""
    what = parser.add_subparsers(dest="what", required=True, metavar="add|list|revoke")
    add = what.add_parser("add", help="a token for a screen; its address is shown this once")
    add.add_argument("label", help="where the screen hangs")
    add.add_argument("--days", type=int, help="how long it may look; without it, until it is revoked")
    what.add_parser("list", help="which screens may look")
    revoke = what.add_parser("revoke", help="a screen may look no more; it goes dark within a second")
    revoke.add_argument("id", help="as `list` shows it")
    for sub in what.choices.values():
        sub.add_argument("--config", metavar="FILE")


def main(args: argparse.Namespace) -> int:
    """Do it; exit code 1 where it cannot be done."""
    settings = settings_or_exit(args.config)
    try:
        store = Store.open(settings.store.url)
    except StoreError as error:
        return _fail(f"{error.text} / {error.text_en}")
    try:
        if args.what == "list":
            return _list(store, ZoneInfo(settings.site.timezone))
        if args.what == "add":
            return _add(store, args, settings.web.origins[0])
        if not store.drop_wall(args.id):
            return _fail(f"没有大屏 / no wallboard {args.id}")
        store.add_audit(wall_clock(), BY, "wallboard_revoked", args.id)
        print(f"已撤销 / revoked {args.id}")
        return 0
    except StoreError as error:
        return _fail(f"{error.text} / {error.text_en}")
    finally:
        store.close()


def _fail(text: str) -> int:
    print(f"cti wallboard: {text}", file=sys.stderr)
    return FAILED


def _add(store: Store, args: argparse.Namespace, origin: str) -> int:
    label = args.label.strip()
    if not 0 < len(label) <= 80 or (args.days is not None and not 1 <= args.days <= 3650):
        return _fail("名称 1 到 80 字，有效期 1 到 3650 天 / a label of 1 to 80 characters, 1 to 3650 days")
    now = wall_clock()
    token, wall = make(label, BY, args.days, now)
    store.add_audit(now, BY, "wallboard", wall.id, label)
    store.add_wall(wall, token_hash(token))
    print(f"已添加 / added {wall.id} ({label})")
    print(f"在大屏浏览器打开，只显示这一次 / open on the screen, shown this once: {origin}/wallboard#{token}")
    return 0


def _list(store: Store, zone: ZoneInfo) -> int:
    for wall in store.walls():
        used = "-" if wall.used_at is None else datetime.fromtimestamp(wall.used_at, zone).strftime("%Y-%m-%d %H:%M")
        until = "-" if wall.expires_at is None else datetime.fromtimestamp(wall.expires_at, zone).strftime("%Y-%m-%d")
        print(f"{wall.id}\t{wall.label}\t{wall.created_by}\t{used}\t{until}")
    return 0
