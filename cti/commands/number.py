"""`cti number TEXT...`: one JSON line for each argument, in order (a contract, see DESIGN 7)."""

from __future__ import annotations

import argparse
import json

from crm_bridge.numbers import number_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti number`."""
    parser.add_argument("texts", nargs="*", metavar="TEXT")


def main(args: argparse.Namespace) -> int:
    """Print what each text is as a caller id."""
    for text in args.texts:
        print(json.dumps(number_json(text), ensure_ascii=False))
    return 0
