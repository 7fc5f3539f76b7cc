"""`cti crm link PEER PARTY`: a conversation belongs to a customer, or to nobody."""

from __future__ import annotations

import argparse

from cti.commands.common import settings_or_exit
from cti.commands.crm_archive import BY, add_config, archive_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti crm link`."""
    parser.add_argument("peer", metavar="PEER", help="cti crm peers 列出的 id / as listed by cti crm peers")
    parser.add_argument("party", metavar="PARTY", help="客户 id，- 取消关联 / the customer's id, - takes the link back")
    add_config(parser)


def main(args: argparse.Namespace) -> int:
    """Say how many messages moved."""
    with archive_of(settings_or_exit(args.config)) as archive:
        moved = archive.unlink(args.peer, BY) if args.party == "-" else archive.link(args.peer, args.party, BY)
    print(f"{moved} 条消息 / messages")
    return 0
