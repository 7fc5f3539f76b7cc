"""`cti service-level FILE`: every service-level variant of a list of waits (a contract, see DESIGN 7)."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import msgspec

from cti.board.metrics import percentages
from cti.commands.common import BAD_CONFIG


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti service-level`."""
    parser.add_argument("file", metavar="FILE", help="JSON: a list of [outcome, wait in seconds]")
    parser.add_argument("--target", type=float, default=13.0, metavar="SECONDS", help="answered within (default 13)")
    parser.add_argument("--short", type=float, default=5.0, metavar="SECONDS", help="short abandons (default 5)")


def main(args: argparse.Namespace) -> int:
    """Print the variants in per cent, null for no data."""
    try:
        waits = msgspec.json.decode(Path(args.file).read_bytes(), type=list[tuple[str, float | None]])
    except (OSError, msgspec.DecodeError) as error:
        print(f"cti service-level: {args.file}: {error}", file=sys.stderr)
        return BAD_CONFIG
    print(json.dumps(percentages(waits, target_s=args.target, short_s=args.short)))
    return 0
