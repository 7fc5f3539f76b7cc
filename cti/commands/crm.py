"""`cti crm ...`: what can be asked of the CRM bridge without the service. Only what is asked for is imported."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Final

SUBCOMMANDS: Final = {
    "chat": ("cti.commands.crm_chat", "聊天记录 / a chat file's messages as JSON lines, nothing stored"),
}
"{subcommand: (module with add_arguments and main, one line of help)}."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti crm`."""
    below = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
    for name, (module, text) in SUBCOMMANDS.items():
        import_module(module).add_arguments(below.add_parser(name, help=text))


def main(args: argparse.Namespace) -> int:
    """Run the subcommand."""
    code: int = import_module(SUBCOMMANDS[args.subcommand][0]).main(args)
    return code
