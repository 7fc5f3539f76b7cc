"""Fetches the real parts that the tests need, so that a download never counts as a test's time.

`python -m tests.parts` says what is there and what is not, and always ends with 0: a test whose part is missing is
skipped with the same sentence.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests import chromium, debian
from tests.asterisk import programs
from tests.servers import mariadb, postgresql, redis, systemd

PARTS: dict[str, Callable[[], object]] = {
    "Chromium with Chinese fonts": chromium.find,
    "Asterisk 22": lambda: programs.asterisk_files("22"),
    "Asterisk 16": lambda: programs.asterisk_files("16"),
    "SIPp": programs.sipp,
    "PostgreSQL": postgresql.files,
    "MariaDB": mariadb.files,
    "Redis": redis.files,
    "systemd": systemd.files,
}


def main() -> int:
    """One line a part."""
    for name, fetch in PARTS.items():
        try:
            fetch()
        except debian.Unavailable as missing:
            print(f"missing  {name}: {missing}")
        else:
            print(f"ready    {name}")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
