"""Calls nobody was chosen for: which they are, by number."""

from __future__ import annotations

import sqlalchemy as sa

from cti.store import tables
from cti.store.base import Base

MOST = 5000
"Calls in one answer."


class Linking(Base):
    """The part of the store that knows which calls have no party yet."""

    def unlinked_calls(self, keys: list[str]) -> list[tuple[str, str]]:
        """[(call, number key)] of ended calls with these keys that no party was chosen for, the newest first."""
        call, chosen = tables.call, tables.call_party
        found: list[tuple[str, str]] = []
        with self._read() as connection:
            for start in range(0, len(keys), 500):
                some = keys[start : start + 500]
                for mine in (call.c.caller_key, call.c.dialed_key):
                    direction = call.c.direction == "outbound"
                    query = (
                        sa.select(call.c.id, mine)
                        .outerjoin(chosen, chosen.c.call_id == call.c.id)
                        .where(
                            mine.in_(some),
                            chosen.c.call_id.is_(None),
                            call.c.ended_at.is_not(None),
                            direction if mine is call.c.dialed_key else ~direction,
                        )
                        .order_by(call.c.started_at.desc())
                        .limit(MOST)
                    )
                    found += [(row[0], row[1]) for row in connection.execute(query)]
        return found
