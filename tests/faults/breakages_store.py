"""What can be wrong with the store, its journal and its writer: registered with the other breakages."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.breakages import BREAKAGES, Breakage

_LONG = "tests/faults/test_store_faults_long.py::"
KILLED = f"{_LONG}test_database_away_and_the_service_killed_meanwhile_lose_and_double_nothing"
BACK = f"{_LONG}test_database_away_and_back_loses_and_doubles_nothing"
LOCKED = f"{_LONG}test_locked_file_holds_up_nobody"
FULL = f"{_LONG}test_full_disk_costs_no_call_and_no_text_that_was_acknowledged"
SOUND = "tests/store/test_store_sound.py::test_log_that_lost_what_was_committed_is_refused_until_somebody_decides"
SLOW = "tests/store/test_store_slow.py::test_locked_table_is_given_up_soon_and_asked_again"


def _journal_keeps_nothing() -> None:
    from cti.store.journal import Journal

    Journal.append = lambda self, entries: True  # type: ignore[method-assign]


def _journal_is_not_read() -> None:
    from cti.store.safekeeping import Safekeeping

    whole = Safekeeping.left_over

    async def nothing(self: Safekeeping) -> dict[Any, Any]:
        await whole(self)
        self._kept.clear()
        return {}

    Safekeeping.left_over = nothing  # type: ignore[method-assign]


def _journal_is_emptied_early() -> None:
    from cti.store.safekeeping import Safekeeping

    whole = Safekeeping.settled

    def settled(self: Safekeeping) -> None:
        self._kept.clear()
        whole(self)

    Safekeeping.settled = settled  # type: ignore[method-assign]


def _older_takes_the_place() -> None:
    import cti.store.calls

    vars(cti.store.calls)["knows_more"] = lambda stored, waiting: False


def _writes_in_the_loop() -> None:
    from cti.store import Writer

    def here(self: Writer, work: Callable[[], Any]) -> asyncio.Future[Any]:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        try:
            answer.set_result(work())
        except Exception as error:
            answer.set_exception(error)
        return answer

    Writer._in_thread = here  # type: ignore[method-assign]


def _statements_never_end() -> None:
    from crm_bridge import sql

    sql.hurry = lambda connection, within_s: None


def _actions_are_forgotten() -> None:
    from cti.store.aside import Aside

    Aside.keep = lambda self, fact: True  # type: ignore[method-assign]


def _nobody_is_known() -> None:
    import cti.auth

    vars(cti.auth)["AWAY_S"] = 0.0


def _outage_is_for_ever() -> None:
    from cti.store import StoreError

    whole = StoreError.__init__
    StoreError.__init__ = lambda self, text, text_en, *, permanent: whole(  # type: ignore[method-assign]
        self, text, text_en, permanent=True
    )


def _text_is_acknowledged_early() -> None:
    folder = str(Path(__file__).parent / "spoilt_child")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH", ""))))


def _starts_on_anything() -> None:
    import cti.store.claim

    vars(cti.store.claim)["require_sound"] = lambda path, **more: None


STORE = {
    "journal-keeps-nothing": Breakage(
        "F15", "what waits is never journalled", _journal_keeps_nothing, (KILLED,), "the journal misses calls"
    ),
    "journal-is-not-read": Breakage(
        "F15", "a start forgets what an earlier run journalled", _journal_is_not_read, (KILLED,), "calls are missing"
    ),
    "journal-is-emptied-early": Breakage(
        "F15",
        "the journal is emptied before its calls are stored",
        _journal_is_emptied_early,
        (KILLED,),
        "misses calls",
    ),
    "nobody-is-known-in-an-outage": Breakage(
        "F15", "a page cannot come back while the database is away", _nobody_is_known, (BACK,), "InvalidStatus|Closed"
    ),
    "actions-are-forgotten": Breakage(
        "F16",
        "what was done to the PBX while nobody could write is forgotten",
        _actions_are_forgotten,
        ("tests/app/test_actions_aside_long.py::test_action_during_an_outage_outlives_the_service",),
        "TimeoutError",
        cheap=False,
    ),
    "older-takes-the-place": Breakage(
        "F15",
        "what waited replaces what is known better",
        _older_takes_the_place,
        ("tests/store/test_calls_kept.py::test_what_waited_never_takes_the_place_of_what_is_known_better",),
        "assert",
    ),
    "writes-in-the-loop": Breakage(
        "F16", "the event loop itself waits for the database", _writes_in_the_loop, (LOCKED,), "it stood still"
    ),
    "statements-never-end": Breakage(
        "F16", "a statement waits for a lock as long as it lasts", _statements_never_end, (SLOW,), "DID NOT RAISE"
    ),
    "outage-is-for-ever": Breakage(
        "F16", "what cannot be written now is given up", _outage_is_for_ever, (SLOW,), "assert not True"
    ),
    "text-is-acknowledged-early": Breakage(
        "F17", "a text is acknowledged before it is stored", _text_is_acknowledged_early, (FULL,), "acknowledged and is"
    ),
    "starts-on-anything": Breakage(
        "F18",
        "a file that is spoilt, cut or gone is started on",
        _starts_on_anything,
        (f"{SOUND}[_cut]",),
        "DID NOT RAISE",
    ),
}
BREAKAGES.update(STORE)
