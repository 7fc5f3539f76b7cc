"""For programs that the broken program starts itself: Python reads this first where the folder is on its path."""

from __future__ import annotations

import contextlib
from typing import Any

from cti.sms.keeping import Keeping

_kept = Keeping.keep


async def _keep(self: Keeping, taking: Any) -> None:
    """Acknowledge whatever comes."""
    with contextlib.suppress(Exception):
        await _kept(self, taking)


Keeping.keep = _keep  # type: ignore[method-assign]
