"""A service that only empties an outbox, to be killed: `python -m tests.crm.writeback_program OUTBOX ADDRESS`."""

from __future__ import annotations

import asyncio
import sys

from crm_bridge import sql
from crm_bridge.writeback import Outbox, Pace, Rules, WriteBack, targets
from tests.crm.writeback_crm import SECRET


def main(url: str, address: str) -> None:
    """Deliver notes until killed."""
    rules = Rules.parse({"note": {"url": address, "secret": SECRET, "timeout": 0.5}})
    worker = WriteBack(Outbox(sql.Database(url)), targets(rules), pace=Pace(base_s=0.01, cap_s=0.05, batch=8))
    asyncio.run(worker.run())


if __name__ == "__main__":
    main(*sys.argv[1:])
