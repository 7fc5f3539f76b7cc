"""What can be wrong with the link, the core, leading, the relay, look-ups and callbacks: registered with the others."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from tests.faults.breakages import BREAKAGES, Breakage

CROWD = "tests/asterisk/test_agreement.py::test_forty_calls_through_a_cut_and_a_kill_are_all_counted_once"
_LONG = "tests/faults/test_crowd_faults_long.py::"
LOSSY = f"{_LONG}test_bytes_and_packets_lost_on_a_link_that_stands_lose_no_call"
TWICE = f"{_LONG}test_events_doubled_repeated_and_late_count_once"
CLOCK = "tests/faults/test_clock_jumps_long.py::test_service_whose_clock_jumps_counts_and_times_as_before"


def _put(thing: Any, name: str, other: Any) -> None:
    setattr(thing, name, other)


def _gaps_unmarked() -> None:
    from cti.calls.pbx import Pbx

    _put(Pbx, "link_lost", lambda self, at: [])


def _lists_unread() -> None:
    from cti.ami.link import Link

    async def at_once(self: Any, protocol: Any) -> None:
        self._inbox.release()

    _put(Link, "_resync", at_once)


def _silence_unheeded() -> None:
    from cti.ami.protocol import AmiProtocol

    _put(AmiProtocol, "watch", lambda self, idle, dead: None)


def _boots_unnoticed() -> None:
    from cti.calls import restart

    _put(restart, "restarted", lambda state, at: None)


def _clock_as_last_heard() -> None:
    from cti.ami import resync

    _put(resync, "clock_of", lambda ping: None)


def _log_not_followed() -> None:
    from cti.history.follower import Follower

    _put(Follower, "settle", lambda self: 0)


def _no_audit() -> None:
    import cti.ami.link as link

    async def nothing(*_: Any) -> None:
        await asyncio.Event().wait()

    _put(link, "audit", nothing)


def _told_again_counts_again() -> None:
    from cti.calls.call import CallState
    from cti.calls.visits import VisitState

    _put(VisitState, "was_at", lambda self, leg, queue, at: False)
    _put(CallState, "open_visit", lambda self, leg, queue: None)


def _nobody_stays_dead() -> None:
    from cti.calls import state

    whole: Any = state.State.__init__

    class Tombs(dict[str, float]):
        def __contains__(self, key: object) -> bool:
            return False

    def made(self: Any, config: Any) -> None:
        whole(self, config)
        self.tombs = Tombs()

    _put(state.State, "__init__", made)


def _stamps_ignored() -> None:
    from cti.calls.pbx import Pbx

    _put(Pbx, "_time", lambda self, raw, now: now)


def _restart_forgets() -> None:
    import cti.continuity as continuity

    _put(continuity, "continued", lambda old, new: new)


def _epoch_unchecked() -> None:
    from cti.store.lease import Leases

    _put(Leases, "fenced", lambda self, held: self)


def _hung_keep_the_lease() -> None:
    from cti.store.lease import Leases

    _put(Leases, "_end_hung", staticmethod(lambda connection: None))


def _holes_unnoticed() -> None:
    from cti.relay import Relay

    _put(Relay, "_hole", lambda self, node: None)


def _telling_without_bound() -> None:
    import msgspec

    from cti.relay import Message, Relay

    def tell(self: Any, kind: str, body: bytes, urgent: bool = False, *, patient: bool = False) -> None:
        self._waiting.append(Message(kind, msgspec.Raw(body)))
        self._hurry.set()
        self._wake.set()

    _put(Relay, "tell", tell)


def _look_ups_have_no_end() -> None:
    from cti.popup.lanes import Lane

    whole: Any = Lane.__init__

    def patient(self: Any, *args: Any, **more: Any) -> None:
        whole(self, *args, **{**more, "deadline_s": 1e6})

    _put(Lane, "__init__", patient)


def _callbacks_kept_anew() -> None:
    from itertools import count

    from crm_bridge import sql

    numbers = count()
    whole: Any = sql.upsert

    def upsert(connection: Any, table: Any, rows: list[Mapping[str, Any]], **more: Any) -> int:
        if table.name == "sms_event":
            rows = [{**row, "key": f"{row['key'][:50]}{next(numbers)}"} for row in rows]
        return int(whole(connection, table, rows, **more))

    _put(sql, "upsert", upsert)


def _status_goes_back() -> None:
    import cti.store.messages_inbox as inbox
    import cti.store.messages_rows as rows

    flat = dict.fromkeys(("queued", "unsure", "sent", "delivered", "failed", "received"), 1)
    _put(inbox, "RANK", flat)
    _put(rows, "RANK", flat)


BREAKAGES.update(
    {
        "gaps-unmarked": Breakage(
            "F1",
            "a lost link leaves no mark on the calls that live through it",
            _gaps_unmarked,
            ("tests/app/test_restart.py::test_cut_in_mid_call_loses_and_doubles_nothing",),
            "stored.gap",
        ),
        "lists-unread": Breakage(
            "F1",
            "after a reconnect the PBX's lists are not read",
            _lists_unread,
            ("tests/ami/test_link.py::test_a_lost_link_comes_back_and_reads_again",),
            "TimeoutError|assert",
        ),
        "silence-unheeded": Breakage(
            "F2",
            "nobody asks whether a silent PBX is still there",
            _silence_unheeded,
            ("tests/ami/test_link.py::test_an_idle_link_asks_whether_the_other_side_is_there",),
            "TimeoutError",
        ),
        "boots-unnoticed": Breakage(
            "F3",
            "a PBX that booted anew is taken for the old one",
            _boots_unnoticed,
            ("tests/calls/test_tapes.py::test_calls_equal_the_truth[asterisk-22-crash_early_login-whole]",),
            "truth vip pbx_restart",
        ),
        "clock-as-last-heard": Breakage(
            "F4",
            "who reads late believes the clock of what he reads",
            _clock_as_last_heard,
            (f"{_LONG}test_whatever_ends_the_link_ends_no_call",),
            "waited|visits",
            cheap=False,
        ),
        "no-audit": Breakage(
            "F5",
            "nobody compares with the PBX's lists while the link stands",
            _no_audit,
            ("tests/ami/test_audit_on_the_link.py::test_a_certain_difference_has_the_lists_read_anew",),
            "TimeoutError|assert",
        ),
        "log-not-followed": Breakage(
            "F5", "what a gap hid is not filled in from queue_log", _log_not_followed, (CROWD,), "I[1-5]", cheap=False
        ),
        "told-again-counts-again": Breakage(
            "F6",
            "an event told twice is two",
            _told_again_counts_again,
            (TWICE,),
            "I2|visits|doubled|were",
            cheap=False,
        ),
        "nobody-stays-dead": Breakage(
            "F7",
            "an event that comes after its channel's end brings it back",
            _nobody_stays_dead,
            ("tests/simulation/test_simulation.py::test_a_few_hundred_schedules",),
            "failed; tests.simulation.play",
        ),
        "stamps-ignored": Breakage(
            "F8", "times are taken from this machine's clock", _stamps_ignored, (CLOCK,), "waited|I4", cheap=False
        ),
        "restart-forgets": Breakage(
            "F9",
            "a call that outlives the service begins anew",
            _restart_forgets,
            ("tests/app/test_restart.py::test_call_outlives_a_restart_of_the_service",),
            "not enough values to unpack|assert",
        ),
        "epoch-unchecked": Breakage(
            "F11",
            "the database takes writes of who led before",
            _epoch_unchecked,
            ("tests/store/test_lease.py::test_stale_leader_writes_nothing",),
            "DID NOT RAISE",
        ),
        "hung-keep-the-lease": Breakage(
            "F11",
            "a leader that hangs in a batch keeps the lease's row",
            _hung_keep_the_lease,
            ("tests/store/test_lease.py::test_leader_that_hangs_between_two_statements_is_put_out",),
            "keeps everybody out",
        ),
        "holes-unnoticed": Breakage(
            "F12",
            "what Redis lost is missed by nobody",
            _holes_unnoticed,
            ("tests/relay/test_relay.py::test_flushed_stream_is_a_hole",),
            "TimeoutError|assert",
        ),
        "telling-without-bound": Breakage(
            "F14",
            "what Redis is too slow to take piles up",
            _telling_without_bound,
            ("tests/relay/test_relay.py::test_frozen_redis_holds_nobody_up_and_nothing_grows",),
            "assert",
        ),
        "look-ups-have-no-end": Breakage(
            "F19",
            "a CRM that hangs is waited for",
            _look_ups_have_no_end,
            ("tests/popup/test_record.py::test_look_up_that_hangs_is_given_up_in_time_and_still_counts_later",),
            "TimeoutError",
        ),
        "callbacks-kept-anew": Breakage(
            "F23",
            "the same callback again is another",
            _callbacks_kept_anew,
            ("tests/sms/test_sms_inbox.py::test_a_reply_is_kept_once_and_found_under_the_customers_number",),
            "assert",
        ),
        "status-goes-back": Breakage(
            "F24",
            "the receipt that comes last wins, whatever it says",
            _status_goes_back,
            ("tests/sms/test_sms_inbox.py::test_an_error_of_one_segment_outlives_the_success_of_another",),
            "assert",
        ),
    }
)
LINK = (
    "gaps-unmarked",
    "lists-unread",
    "silence-unheeded",
    "boots-unnoticed",
    "no-audit",
    "nobody-stays-dead",
    "restart-forgets",
    "epoch-unchecked",
    "hung-keep-the-lease",
    "holes-unnoticed",
    "telling-without-bound",
    "look-ups-have-no-end",
    "callbacks-kept-anew",
    "status-goes-back",
)
"Cheap enough for the long tests; all others are run by `make soak`."
