"""`cti crm peers`: conversations that nobody has linked, with who they may belong to."""

from __future__ import annotations

import argparse
import json

from cti.commands.common import settings_or_exit
from cti.commands.crm_archive import add_config, archive_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti crm peers`."""
    parser.add_argument("--all", action="store_true", help="包括已关联的 / linked ones too")
    add_config(parser)


def main(args: argparse.Namespace) -> int:
    """One JSON line a conversation, those with the newest messages first."""
    with archive_of(settings_or_exit(args.config)) as archive:
        for peer in archive.peers(linked=None if args.all else False):
            shown = {name: getattr(peer, name) for name in peer.__struct_fields__}
            if peer.party_id is None:
                found = archive.suggestions(peer.id)
                shown["suggestions"] = [{name: getattr(s, name) for name in s.__struct_fields__} for s in found]
            print(json.dumps(shown, ensure_ascii=False))
    return 0
