"""`cti record`: what the PBX says, as a tape that `cti replay` reads.

`.ami` keeps the bytes as they came, anything else one JSON object a line with its moment. A tape holds customers'
numbers: the file is readable by its owner only, and an older one is not overwritten.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from cti.ami.actions import AmiError
from cti.ami.recorder import record
from cti.commands.common import FAILED, run_until_told, settings_or_exit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti record`."""
    parser.add_argument("--config", metavar="FILE")
    parser.add_argument("--output", metavar="FILE", required=True, help="calls.jsonl, or calls.ami for the raw bytes")
    parser.add_argument("--seconds", type=float, metavar="N", help="stop after so long (default: Ctrl+C)")


def main(args: argparse.Namespace) -> int:
    """Record until told to stop."""
    pbx = settings_or_exit(args.config).pbx
    path = Path(args.output)

    async def work(stop: asyncio.Event) -> int:
        try:
            messages = await record(pbx, path, args.seconds, stop=stop)
        except AmiError as error:
            print(f"cti record: {pbx.host}:{pbx.port}: 拒绝登录 / refuses the login: {error}", file=sys.stderr)
            return FAILED
        except FileExistsError:
            print(f"cti record: {path}: 文件已存在 / exists already", file=sys.stderr)
            return FAILED
        except OSError as error:
            print(f"cti record: {error.filename or f'{pbx.host}:{pbx.port}'}: {error.strerror}", file=sys.stderr)
            return FAILED
        print(f"{messages} 条消息写入 / messages in {path}", file=sys.stderr)
        return 0

    return run_until_told(work)
