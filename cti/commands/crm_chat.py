"""`cti crm chat FILE`: a chat file's messages as JSON lines, nothing stored (a contract, see DESIGN 7)."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from crm_bridge.chat.message import Message, Options, Tally, message_json
from crm_bridge.chat.reading import FORMATS, UnreadableFile, read_file
from crm_bridge.chat.whose import suspects
from cti.commands.common import BAD_CONFIG


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti crm chat`."""
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("--who", action="store_true", help="只列出可能是我方的账号 / only say who may be ours")
    add_reading(parser)


def add_reading(parser: argparse.ArgumentParser) -> None:
    """How a chat file is to be read."""
    parser.add_argument(
        "--ours", metavar="ACCOUNT", action="append", default=[], help="我方账号或昵称 / an account of ours"
    )
    parser.add_argument("--zone", type=_zone, help="文件里时间的时区 / zone of local times")
    parser.add_argument("--format", choices=FORMATS, help="不自动识别 / instead of finding it out")
    parser.add_argument(
        "--headers", choices=("auto", "blank", "any"), default="auto", help="QQ txt 的消息头 / of QQ txt"
    )
    parser.add_argument("--peer", default="", help="文件没写对方时 / where the file does not name the peer")
    parser.add_argument(
        "--column",
        metavar="FIELD=NAME",
        action="append",
        default=[],
        type=_pair,
        help="CSV 列名 / name of a CSV column",
    )


def options_of(args: argparse.Namespace, zone: ZoneInfo) -> Options:
    """What was said about the file; `zone` is that of local times where nothing was said."""
    return Options(
        zone=args.zone or zone,
        ours=frozenset(args.ours),
        name=args.peer,
        headers=args.headers,
        columns=dict(args.column),
    )


def main(args: argparse.Namespace) -> int:
    """Print the messages, what was left out on standard error."""
    tally = Tally()
    options = options_of(args, ZoneInfo("Asia/Shanghai"))
    try:
        messages = read_file(args.file, options, tally, args.format)
        if args.who:
            return _who(messages)
        guessed = _print(messages, options.zone)
        sys.stdout.flush()
    except UnreadableFile as error:
        print(f"{error.text} / {error.text_en}", file=sys.stderr)
        return BAD_CONFIG
    except BrokenPipeError:
        # Whoever read has seen enough; Python would complain once more when it closes the output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"打不开文件 / cannot read the file: {error.strerror}", file=sys.stderr)
        return BAD_CONFIG
    if tally.cut or tally.odd or tally.entities:
        print(
            f"截短 {tally.cut}，跳过 {tally.odd}，拒绝实体 {tally.entities}"
            f" / cut {tally.cut}, left out {tally.odd}, entities refused {tally.entities}",
            file=sys.stderr,
        )
    if guessed:
        print(
            f"{guessed} 条的收发方向是推测的，请用 --ours 指明我方账号（--who 列出可能的）"
            f" / the direction of {guessed} is a guess: name our accounts with --ours (--who lists likely ones)",
            file=sys.stderr,
        )
    return 0


def _print(messages: Iterable[Message], zone: tzinfo) -> int:
    guessed = 0
    for message in messages:
        guessed += message.guessed
        print(json.dumps(message_json(message, zone), ensure_ascii=False))
    return guessed


def _who(messages: Iterator[Message]) -> int:
    for one in suspects(messages):
        print(json.dumps({name: getattr(one, name) for name in one.__struct_fields__}, ensure_ascii=False))
    return 0


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ValueError, OSError):
        raise argparse.ArgumentTypeError(f"没有这个时区 / no such zone: {text}") from None


def _pair(text: str) -> tuple[str, str]:
    field, equals, name = text.partition("=")
    if not equals or not field or not name:
        raise argparse.ArgumentTypeError("FIELD=NAME")
    return field, name
