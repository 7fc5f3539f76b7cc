"""Asks the store in a lane on behalf of a page: what it cannot do comes back as the refusal a page shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cti.control.plan import Declined
from cti.popup.lanes import Away, Lane, Late
from cti.store import NoteConflict, StoreError
from cti.web.ports import Refusal

T = TypeVar("T")


async def ask(lane: Lane, call: Callable[[], T], refusal: type[Refusal] | type[Declined] = Refusal) -> T:
    """What the store answers in this lane.

    Raises `refusal`: 422 where the store says "never so", 503 where it is away, late or may do it later. NoteConflict
    goes through as it is: the page shows what somebody else wrote.
    """
    try:
        return await lane.run(call)
    except NoteConflict:
        raise
    except StoreError as error:
        raise refusal(422 if error.permanent else 503, "store", error.text, error.text_en) from None
    except (Away, Late):
        raise refusal(503, "store", "数据库暂不可用，请重试", "The store is away; try again") from None
