"""Rows to count are never older than the call that they are derived from."""

from __future__ import annotations

import threading

import msgspec
import sqlalchemy as sa

from cti.history.recorder import Notes
from cti.store import Store
from cti.store.history_tables import fact
from tests.store.records import call

ROUNDS = 25


def test_notes_written_while_a_call_ends_leave_no_row_behind(store: Store) -> None:
    """The history's notes and the call's end are written at once by two threads: the rows are those of the end."""
    ended = call("c1")
    visit = msgspec.structs.replace(ended.visits[0], outcome="unknown", left_at=None, wait_s=None, answered_at=None)
    waiting = msgspec.structs.replace(ended, visits=(visit,), talks=(), ended_at=None)
    for _ in range(ROUNDS):
        store.save_calls([waiting], "pbx")
        both = threading.Barrier(2)

        def note(together: threading.Barrier = both) -> None:
            together.wait()
            store.save_notes(Notes(calls=frozenset({"c1"})))

        thread = threading.Thread(target=note)
        thread.start()
        both.wait()
        store.save_calls([ended], "pbx")
        thread.join()
        with store.database.read() as connection:
            assert list(connection.execute(sa.select(fact.c.outcome)).scalars()) == ["answered"]
