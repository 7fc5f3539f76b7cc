"""Breakages of what is bounded: names, the event loop's time, open files (F31, F35, F36)."""

from __future__ import annotations

import socket
from typing import Any

from tests.faults.breakages import BREAKAGES, Breakage

_LONG = "tests/faults/test_resources_long.py::"
NAMES = f"{_LONG}test_names_without_end_make_neither_series_nor_memory"
STALL = f"{_LONG}test_stalled_loop_is_logged_with_its_place_and_costs_no_call"
_SERVICE = "tests/app/test_condition_service.py::"
HANGS = f"{_SERVICE}test_frozen_database_is_not_ready_and_live_when_it_answers_again"
CUT = f"{_SERVICE}test_cut_link_is_not_ready_with_its_reason_until_it_is_live_again"
STANDS_BY = f"{_SERVICE}test_node_that_stands_by_is_ready_and_says_so"
FILES = f"{_LONG}test_open_files_that_run_out_cost_the_newest_page_and_nothing_else"


def _series_of_strangers() -> None:
    from collections.abc import Iterator

    from cti.condition import Watch
    from cti.metrics import Sample

    whole = Watch._samples

    def samples(self: Watch) -> Iterator[Sample]:
        yield from whole(self)
        for name, queue in self._floor.board.snapshot().queues.items():
            yield Sample("waiting", float(queue.waiting), (name,))

    Watch._samples = samples  # type: ignore[method-assign]


def _keeps_what_it_heard() -> None:
    from cti.ami.messages import Packet
    from cti.feed import Feed

    heard: list[bytes] = []
    whole = Feed.on_packet

    def on_packet(self: Feed, packet: Packet, now: float) -> None:
        heard.append(packet.raw * 8)
        whole(self, packet, now)

    Feed.on_packet = on_packet  # type: ignore[method-assign]


def _nobody_watches_the_loop() -> None:
    from cti.watchdog import Watchdog

    Watchdog._say = lambda self, now: None  # type: ignore[method-assign]


def _stalls_are_not_counted() -> None:
    import cti.watchdog

    class Deaf(cti.watchdog.Watchdog):
        stalls = property(lambda self: 0, lambda self, count: None)

    cti.watchdog.Watchdog = Deaf  # type: ignore[misc]


def _lets_everybody_in() -> None:
    from cti.doorway import Doorway

    def accept(self: Doorway) -> tuple[socket.socket, Any]:
        return socket.socket.accept(self)

    Doorway.accept = accept  # type: ignore[method-assign]


def _sheds_for_ever() -> None:
    from cti.doorway import Doorway

    whole = Doorway.accept

    def accept(self: Doorway) -> tuple[socket.socket, Any]:
        connection, address = whole(self)
        if self.shed:
            self.shed += 1
            connection.close()
            raise BlockingIOError
        return connection, address

    Doorway.accept = accept  # type: ignore[method-assign]


def _waits_for_the_store() -> None:
    from crm_bridge import sql
    from cti import probe

    probe.LATE_S = 600.0  # type: ignore[misc]
    sql._NETWORK["connect_timeout"] = 600  # a question that finds no connection free opens one


def _asks_the_store_only() -> None:
    from cti.condition import Watch

    whole = Watch.ready
    Watch.ready = lambda self: [one for one in whole(self) if not one.startswith("pbx")]  # type: ignore[method-assign]


def _everybody_leads() -> None:
    from cti.condition import Watch

    Watch.notes = lambda self: []  # type: ignore[method-assign]


RESOURCES = {
    "names-make-series": Breakage(
        "F31", "every queue that was ever named is a series", _series_of_strangers, (NAMES,), "series of strangers"
    ),
    "keeps-what-it-heard": Breakage(
        "F31", "every packet that came is kept", _keeps_what_it_heard, (NAMES,), "memory grew by"
    ),
    "loop-unwatched": Breakage(
        "F35", "nobody says where the loop stands", _nobody_watches_the_loop, (STALL,), "does not name the place"
    ),
    "stalls-uncounted": Breakage(
        "F35", "stalls are not counted", _stalls_are_not_counted, (STALL,), "the stall was not counted"
    ),
    "lets-everybody-in": Breakage(
        "F36",
        "connections take the last file",
        _lets_everybody_in,
        (FILES,),
        "the newest were not closed|did not come back",
    ),
    "sheds-for-ever": Breakage(
        "F36", "once full nobody is let in any more", _sheds_for_ever, (FILES,), "nobody new is let in"
    ),
    "ready-while-the-store-hangs": Breakage(
        "F16", "a database that hangs is waited for", _waits_for_the_store, (HANGS,), "TimeoutError"
    ),
    "ready-without-a-pbx": Breakage(
        "F1", "ready says nothing of the PBX", _asks_the_store_only, (CUT,), "== 503|200 =="
    ),
    "says-not-that-it-stands-by": Breakage(
        "F11", "a node that stands by does not say so", _everybody_leads, (STANDS_BY,), "TimeoutError"
    ),
}
BREAKAGES.update(RESOURCES)
