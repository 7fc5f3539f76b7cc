"""`cti crm ...`: what can be asked of the CRM bridge without the service. Only what is asked for is imported."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Final

SUBCOMMANDS: Final = {
    "check": ("cti.commands.crm_check", "检查映射 / how well a mapping fits the site's CRM"),
    "chat": ("cti.commands.crm_chat", "聊天记录 / a chat file's messages as JSON lines, nothing stored"),
    "import": ("cti.commands.crm_import", "导入聊天记录 / chat files into the records"),
    "peers": ("cti.commands.crm_peers", "未关联的会话 / conversations, and who they may belong to"),
    "link": ("cti.commands.crm_link", "关联会话 / a conversation belongs to a customer"),
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
