"""What several subcommands share: reading the settings, running until told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from cti.settings import Settings, SettingsError

BAD_CONFIG = 2
"Exit code where the settings cannot be used."
FAILED = 1


def settings_or_exit(path: str | None) -> Settings:
    """The settings; tells everything wrong at once and leaves with code 2."""
    try:
        return Settings.load(path or os.environ.get("CTI_CONFIG"), os.environ)
    except SettingsError as error:
        count = len(error.problems)
        print(f"配置有 {count} 处错误 / {count} errors in the settings:", file=sys.stderr)
        for problem in error.problems:
            print(f"- {problem}", file=sys.stderr)
        raise SystemExit(BAD_CONFIG) from None


def run_until_told(work: Callable[[asyncio.Event], Coroutine[Any, Any, int]]) -> int:
    """Run `work`; the event it gets is set by SIGTERM and SIGINT (Ctrl+C)."""

    async def run() -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        return await work(stop)

    return asyncio.run(run())
