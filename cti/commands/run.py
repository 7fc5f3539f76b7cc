"""`cti run`: the daemon."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import sys
from typing import Final

from cti import logs
from cti.app import App
from cti.commands.common import FAILED, run_until_told, settings_or_exit
from cti.commands.migrate import refusal
from cti.store import StoreError

log = logging.getLogger("cti")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti run`."""
    parser.add_argument("--config", metavar="FILE", help="cti.toml (or the variable CTI_CONFIG)")


ROUNDS: Final = (5_000, 10, 20)
"""New objects before the collector looks at them, and rounds of each age before one of the next.

By its defaults it walked all that a busy day holds every few seconds, up to half a second at a time, and took a seventh
of the whole; what a call leaves behind goes without it.
"""


def settle() -> None:
    """What was loaded at the start stays for good: the collector need not walk it at every full round.

    Half a million objects of libraries and tables made such a round a tenth of a second, between some ring and its pop.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*ROUNDS)


def main(args: argparse.Namespace) -> int:
    """Run until told to stop."""
    settings = settings_or_exit(args.config)
    told = refusal(settings)
    if told is not None:
        print(told, file=sys.stderr)
        return FAILED
    logs.set_up(settings.log.level, form=settings.log.format)

    async def work(stop: asyncio.Event) -> int:
        try:
            async with App(settings) as app:
                settle()
                log.info("pages at %s, push at port %d", ", ".join(sorted(app.address.origins)), app.push_port)
                if app.address.plain:
                    log.warning("pages go beyond this machine without TLS: passwords can be read on the way")
                app.watchdog.ready()
                await stop.wait()
                app.watchdog.stopping()
                log.info("stopping")
        except StoreError as error:
            print(f"数据库打不开：{error.text}\nThe store cannot be opened: {error.text_en}", file=sys.stderr)
            return FAILED
        except OSError as error:
            print(f"端口无法监听 / cannot listen: {error.strerror}", file=sys.stderr)
            return FAILED
        return 0

    return run_until_told(work)
