"""`cti`: the command line. Only the subcommand that is asked for is imported: `cti replay` needs no server."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from cti import __version__

COMMANDS: Final = {
    "run": ("cti.commands.run", "运行服务 / run the service"),
    "check": ("cti.commands.check", "逐项检查 / say what works, a line each"),
    "demo": ("cti.commands.demo", "演示 / show it with sample customers and a replayed PBX"),
    "migrate": ("cti.commands.migrate", "迁移服务器数据库 / bring a server database's tables up to date"),
    "backup": ("cti.commands.backup", "备份 / copy the SQLite databases while the service runs"),
    "user": ("cti.commands.user", "用户 / users, phones and passwords"),
    "wallboard": ("cti.commands.wallboard", "大屏 / tokens for wallboards"),
    "record": ("cti.commands.record", "录制 AMI / record what the PBX says"),
    "replay": ("cti.replay", "回放录制 / calls or events of a recording"),
    "reconcile": ("cti.commands.reconcile", "与 queue_log 对账 / our calls beside queue_log"),
    "service-level": ("cti.commands.service_level", "接通率 / every service-level variant of a list of waits"),
    "number": ("cti.commands.number", "识别号码 / what a caller id is"),
    "crm": ("cti.commands.crm", "客户资料 / the CRM bridge: mappings, chat files"),
}
"{subcommand: (module with add_arguments and main, one line of help)}."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="cti", description="十三秒 Thirteen: every call answered within 13 seconds")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text)
        if given[:1] == [name]:
            import_module(module).add_arguments(command)
    args = parser.parse_args(given)
    code: int = import_module(COMMANDS[args.command][0]).main(args)
    return code
